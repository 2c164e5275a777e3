package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/syntax"
	"github.com/cloister-ai/cloister/internal/site"
)

const (
	// maxSource is the largest document that is read, in bytes. API Management
	// takes a quarter of it.
	maxSource = 1 << 20
	// maxNesting is how deep elements may nest.
	maxNesting = 128
	// maxAttributes of one element.
	maxAttributes = 64
	// maxProblems of one document and severity: the rest is mostly the echo of
	// the first.
	maxProblems = 20
	// maxExpression is the longest expression, in bytes.
	maxExpression = 128 << 10
	// maxScanned bounds all tries at finding the end of an expression, in
	// bytes.
	maxScanned = 16 << 20
)

// Read reads a policy document. The documents are nearly XML: inside the
// expressions of attributes and text, quotes, "<" and "&" may stand as they
// are, and the content of set-body is opaque. What is taken and what is not is
// in docs/policy-format.md.
//
// The root is "policies" or "fragment". Sections, or policies, that stand
// alone get such a root, marked as Implied, and a warning.
//
// Read reports up to 20 errors of a document at once and always returns a
// document; after errors its tree has holes, and nobody should act on it.
// Places count in the text as UTF-8, which is Document.Source.
func Read(file string, source []byte) (*Document, site.Problems) {
	doc := &Document{File: file, Source: source}
	r := &reader{doc: doc}
	if r.decodeSource(source) {
		r.document()
	}
	r.problems.Sort()
	for i := range r.problems {
		r.problems[i].Excerpt = site.Excerpt(doc.Source, r.problems[i].Pos)
	}
	return doc, r.problems
}

// reader is the state of one Read.
type reader struct {
	doc   *Document
	src   string
	at    int
	lines *lines
	// open are the elements that are not closed yet, the root first.
	open []*Node
	// roots are the elements outside of all others.
	roots []*Node
	// pending is the text that is being read, last in the current element, and
	// pendingText its text so far: a text may have many pieces.
	pending     *Node
	pendingText []byte
	// blank: only white space stood in the current element since its last tag.
	blank bool
	// scanned counts against maxScanned.
	scanned int
	// stopped: no use in reading on.
	stopped  bool
	problems site.Problems
	errors   int
	warnings int
}

func (r *reader) document() {
	for r.at < len(r.src) && !r.stopped {
		if r.src[r.at] == '<' {
			r.markup()
		} else {
			r.text()
		}
	}
	if n := len(r.open); n > 0 && !r.stopped {
		r.errorAt(r.open[n-1].Pos, "unclosed-element", "</"+r.open[n-1].Name+">", "the element %q has no end tag", r.open[n-1].Name)
	}
	for len(r.open) > 0 {
		r.pop()
	}
	if !r.stopped || len(r.roots) > 0 {
		r.root()
	}
}

// root makes one root of what stands outside of all other elements.
func (r *reader) root() {
	const expected = "<policies> or <fragment>"
	if len(r.roots) == 0 {
		r.errorAt(site.Pos{File: r.doc.File}, "no-root", expected, "the document holds no element")
		return
	}
	first := r.roots[0]
	r.doc.Root = first
	if i := slices.IndexFunc(r.roots, isRoot); i >= 0 {
		r.doc.Root = r.roots[i]
		if len(r.roots) > 1 {
			second := r.roots[max(1, i)]
			r.errorAt(second.Pos, "second-root", "one root element", "a second root element, %q", second.Name)
		}
		return
	}
	if near := site.Nearest(first.Name, []string{"policies", "fragment"}); near != "" {
		r.errorAt(first.Pos, "wrong-root", expected, "the root element is %q; it is written %q", first.Name, near)
		return
	}
	sections := slices.DeleteFunc(slices.Clone(r.roots), func(n *Node) bool { return !isSection(n.Name) })
	name := "fragment"
	switch len(sections) {
	case 0:
	case len(r.roots):
		name = "policies"
	default:
		r.errorAt(first.Pos, "wrong-root", expected, "sections and policies stand side by side without a root element")
		return
	}
	r.doc.Root = &Node{Name: name, Implied: true, Pos: first.Pos, Children: r.roots}
	r.warn(first.Pos, "no-root", fmt.Sprintf("write <%s> around it", name),
		"%q stands without <%s>; API Management may refuse that", first.Name, name)
}

func isRoot(n *Node) bool { return n.Name == "policies" || n.Name == "fragment" }

func isSection(name string) bool {
	return name == "inbound" || name == "backend" || name == "outbound" || name == "on-error"
}

// current is the innermost open element; nil outside of the root.
func (r *reader) current() *Node {
	if len(r.open) == 0 {
		return nil
	}
	return r.open[len(r.open)-1]
}

// pop closes the innermost open element. White space between elements goes.
func (r *reader) pop() {
	r.endText()
	r.blank = true
	n := r.current()
	r.open = r.open[:len(r.open)-1]
	r.alone(n)
	if slices.ContainsFunc(n.Children, func(c *Node) bool { return c.Name != "" }) {
		n.Children = slices.DeleteFunc(n.Children, func(c *Node) bool {
			return c.Name == "" && !c.CDATA && isBlank(c.Text)
		})
	}
}

func (r *reader) pos(offset int) site.Pos { return r.lines.pos(offset) }

func (r *reader) skipSpace(at int) int {
	for at < len(r.src) && isSpace(r.src[at]) {
		at++
	}
	return at
}

// skipBlank skips white space, as it is and as character references: tools that
// write XML write line ends so.
func (r *reader) skipBlank(at int) int {
	for at < len(r.src) {
		switch {
		case isSpace(r.src[at]):
			at++
			continue
		case strings.HasPrefix(r.src[at:], "&#"):
			if text, width, ok := entity(r.src[at:]); ok && isBlank(text) {
				at += width
				continue
			}
		}
		return at
	}
	return at
}

func (r *reader) has(prefix string) bool { return strings.HasPrefix(r.src[r.at:], prefix) }

// scan finds the end of the expression at start in text, within bounds.
func (r *reader) scan(text string, start int) (int, error) {
	limit := min(len(text), start+maxExpression)
	end, _, err := syntax.ScanExpression(text[:limit], start)
	r.scanned += limit - start
	if err == nil {
		r.scanned -= limit - end
	}
	if r.scanned > maxScanned {
		r.errorAt(r.pos(r.at), "too-complex", "", "the end of the expressions takes too much work to find")
		r.stopped = true
	}
	return end, err
}

// whole reports whether text from start on is one expression, and white space
// after it.
func (r *reader) whole(text string, start int) bool {
	end, err := r.scan(text, start)
	return err == nil && isBlank(text[end:])
}

// blanks are the characters that are white space in a document.
const blanks = " \t\r\n"

func isBlank(s string) bool { return strings.Trim(s, blanks) == "" }

// errorAt reports an error. The bound on errors also ends the reading.
func (r *reader) errorAt(pos site.Pos, code, expected, format string, args ...any) {
	if r.errors++; r.errors > maxProblems {
		r.stopped = true
		return
	}
	r.problems.Add(pos, code, expected, "", format, args...)
}

func (r *reader) warn(pos site.Pos, code, mend, format string, args ...any) {
	if r.warnings++; r.warnings <= maxProblems {
		r.problems.Warn(pos, code, mend, format, args...)
	}
}
