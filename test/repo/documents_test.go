package repo

import (
	"fmt"
	"go/ast"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// link is one link of a document, with where it stands.
type link struct {
	line   int
	target string
}

var (
	linkPattern = regexp.MustCompile(`\]\(([^()\s]+)(?:\s+"[^"]*")?\)`)
	codePattern = regexp.MustCompile("`[^`]*`")
)

// prose yields a document's lines outside fenced code.
func prose(src []byte) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		fenced := false
		for n, line := range lines(src) {
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				fenced = !fenced
				continue
			}
			if !fenced && !yield(n, line) {
				return
			}
		}
	}
}

func linksOf(src []byte) []link {
	var out []link
	for n, line := range prose(src) {
		for _, m := range linkPattern.FindAllStringSubmatch(codePattern.ReplaceAllString(line, ""), -1) {
			out = append(out, link{n, m[1]})
		}
	}
	return out
}

// resolve is the tree's path and the anchor of a link from a document; ok is
// false for links to elsewhere.
func resolve(from, target string) (file, anchor string, ok bool) {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "" || u.Host != "" {
		return "", "", false
	}
	if u.Path == "" {
		return from, u.Fragment, true
	}
	return path.Join(path.Dir(from), u.Path), u.Fragment, true
}

// checkLinks finds links of documents that lead nowhere.
func checkLinks(tr tree) []string {
	var out []string
	for _, p := range tr.paths(".md") {
		for _, l := range linksOf(tr[p]) {
			file, anchor, ok := resolve(p, l.target)
			if !ok {
				continue
			}
			src, exists := tr[file]
			switch {
			case !exists && !tr.isDir(file):
				out = append(out, fmt.Sprintf("%s:%d: no such file: %s", p, l.line, l.target))
			case anchor != "" && !slices.Contains(anchors(src), anchor):
				out = append(out, fmt.Sprintf("%s:%d: no such heading: %s", p, l.line, l.target))
			}
		}
	}
	return out
}

// anchors are the names of a document's headings as GitHub makes them.
func anchors(src []byte) []string {
	var out []string
	for _, line := range prose(src) {
		title := strings.TrimLeft(line, "#")
		if title == line || !strings.HasPrefix(title, " ") {
			continue
		}
		out = append(out, slug(strings.TrimSpace(title)))
	}
	return out
}

func slug(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, title)
}

// checkReachable finds documents that no path of links leads to from README.md.
func checkReachable(tr tree) []string {
	seen := map[string]bool{"README.md": true}
	for next := []string{"README.md"}; len(next) > 0; {
		p := next[0]
		next = next[1:]
		for _, l := range linksOf(tr[p]) {
			file, _, ok := resolve(p, l.target)
			if !ok {
				continue
			}
			if _, isFile := tr[file]; !isFile {
				file = path.Join(file, "README.md")
			}
			if _, isFile := tr[file]; isFile && !seen[file] {
				seen[file] = true
				if strings.HasSuffix(file, ".md") {
					next = append(next, file)
				}
			}
		}
	}
	var out []string
	for _, p := range tr.paths(".md") {
		if !seen[p] {
			out = append(out, p+": no link leads here from README.md")
		}
	}
	return out
}

var (
	testName = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9_]*)`")
	ownPath  = regexp.MustCompile("`((?:internal|cmd|test|scripts|examples|docs|console)/[A-Za-z0-9_./-]+)`")
)

// ownPage is a page of docs/ that a source file sends its reader to.
var ownPage = regexp.MustCompile(`\bdocs/[a-z0-9/-]+\.md\b`)

// checkReferences finds what is named and does not exist: tests and paths in
// documents (a promise whose test is gone is a promise without a test), pages
// in source files.
func checkReferences(tr tree) []string {
	tests := testFunctions(tr)
	var out []string
	for _, p := range tr.paths(".go") {
		for n, line := range lines(tr[p]) {
			for _, page := range ownPage.FindAllString(line, -1) {
				if _, ok := tr[page]; !ok {
					out = append(out, fmt.Sprintf("%s:%d: no such page: %s", p, n, page))
				}
			}
		}
	}
	for _, p := range tr.paths(".md") {
		for n, line := range prose(tr[p]) {
			for _, m := range testName.FindAllStringSubmatch(line, -1) {
				if !tests[m[1]] {
					out = append(out, fmt.Sprintf("%s:%d: no such test: %s", p, n, m[1]))
				}
			}
			for _, m := range ownPath.FindAllStringSubmatch(line, -1) {
				name := strings.TrimSuffix(m[1], "/")
				if _, ok := tr[name]; !ok && !tr.isDir(name) {
					out = append(out, fmt.Sprintf("%s:%d: no such path: %s", p, n, m[1]))
				}
			}
		}
	}
	return out
}

// testFunctions are the names of all test, fuzz and benchmark functions.
func testFunctions(tr tree) map[string]bool {
	out := map[string]bool{}
	for _, p := range tr.paths("_test.go") {
		_, f := tr.parse(p, 0)
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				out[fn.Name.Name] = true
			}
		}
	}
	return out
}
