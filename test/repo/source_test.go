package repo

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"slices"
	"strings"
)

// maxLines is where a file has more than one subject.
const maxLines = 600

// checkLength finds source files that are too long to be read at once.
func checkLength(tr tree) []string {
	var out []string
	for _, ext := range []string{".go", ".sh"} {
		for _, p := range tr.paths(ext) {
			if ext == ".go" && isGenerated(tr, p) {
				continue
			}
			if n := bytes.Count(tr[p], []byte("\n")); n > maxLines {
				out = append(out, fmt.Sprintf("%s: %d lines, at most %d", p, n, maxLines))
			}
		}
	}
	return out
}

func isGenerated(tr tree, p string) bool {
	_, f := tr.parse(p, parser.ParseComments|parser.PackageClauseOnly)
	return ast.IsGenerated(f)
}

// checkPackageComments finds packages without a comment that says what they
// are, and rooms whose comment leaves out what they guarantee or how they fail.
func checkPackageComments(tr tree) []string {
	type pkg struct{ name, text string }
	packages := map[string]pkg{}
	for _, p := range tr.paths(".go") {
		_, f := tr.parse(p, parser.ParseComments|parser.PackageClauseOnly)
		dir, name := path.Dir(p), strings.TrimSuffix(f.Name.Name, "_test")
		if was, ok := packages[dir]; !ok || was.text == "" {
			packages[dir] = pkg{name, strings.TrimSpace(f.Doc.Text())}
		}
	}
	var out []string
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		p := packages[dir]
		begin := "Package " + p.name + " "
		if p.name == "main" {
			begin = "Command " + path.Base(dir) + " "
		}
		switch {
		case p.text == "":
			out = append(out, dir+": the package has no comment")
		case !strings.HasPrefix(p.text, begin) && !strings.HasPrefix(p.text, "Package "+p.name+"_test "):
			out = append(out, fmt.Sprintf("%s: the package's comment begins with %q", dir, begin))
		case isRoom(dir) && !(strings.Contains(p.text, "guarantee") && strings.Contains(p.text, "fail")):
			out = append(out, dir+": the comment of a room says what it guarantees and how it fails")
		}
	}
	return out
}

// isRoom reports whether a directory is a direct child of internal.
func isRoom(dir string) bool {
	return strings.HasPrefix(dir, "internal/") && strings.Count(dir, "/") == 1 && dir != "internal/testenv"
}

// checkInit finds init functions: what runs is a list that a reader can see.
func checkInit(tr tree) []string {
	var out []string
	for _, p := range tr.paths(".go") {
		fset, f := tr.parse(p, 0)
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				out = append(out, position(fset, fn)+": init")
			}
		}
	}
	return out
}

func position(fset *token.FileSet, n ast.Node) string {
	p := fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}
