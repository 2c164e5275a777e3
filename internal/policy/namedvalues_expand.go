package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/syntax"
	"github.com/cloister-ai/cloister/internal/site"
)

// maxExpanded bounds what the named values of one document may grow to, in
// bytes: otherwise a short document and a long value make a huge tree.
const maxExpanded = 4 << 20

// Expand is a copy of the document in which every {{name}} of an attribute's
// value or of text is the named value's text; d stays as it is. Places and
// Written stay too.
//
// The text goes in as it is, into strings, numbers and whole attributes, as API
// Management does it. What stands in it never becomes an element or an
// attribute, and {{name}} in it is not looked up again. A value that is an
// expression afterwards has to be one whole: a value that ends the expression
// early or opens a bracket is a problem.
//
// Unknown names are problems, with the nearest known name. In a set-body with
// a template they stay, because {{…}} is the template's own syntax there.
func (d *Document) Expand(v *NamedValues) (*Document, site.Problems) {
	e := &expander{values: v, doc: d, left: maxExpanded}
	out := *d
	if d.Root != nil {
		out.Root = e.node(d.Root, false)
	}
	return &out, e.problems
}

type expander struct {
	values   *NamedValues
	doc      *Document
	left     int
	problems site.Problems
}

// node copies n. template: n stands in a template, where unknown names stay.
func (e *expander) node(n *Node, template bool) *Node {
	out := *n
	if n.Name == "" {
		t := e.text(n.Text, n.Origin, template)
		out.Text, out.Origin, out.Secret = t.text, t.origin, t.secret
		return &out
	}
	out.Attributes = slices.Clone(n.Attributes)
	for i := range out.Attributes {
		a := &out.Attributes[i]
		t := e.text(a.Value, a.Origin, false)
		a.Value, a.Origin, a.Secret = t.text, t.origin, t.secret
	}
	template = n.Name == "set-body" && n.Attribute("template") != nil
	out.Children = make([]*Node, len(n.Children))
	for i, c := range n.Children {
		out.Children[i] = e.node(c, template)
	}
	return &out
}

// expanded is a text with named values put in.
type expanded struct {
	text   string
	origin Origin
	secret bool
	// used are the names that were put in.
	used []string
}

func (e *expander) text(text string, origin Origin, template bool) expanded {
	if !strings.Contains(text, "{{") {
		return expanded{text: text, origin: origin}
	}
	out := expanded{origin: Origin{lines: origin.lines}}
	var b strings.Builder
	for from := 0; from < len(text); {
		start, end, name := findName(text, from)
		copyText(&b, &out.origin, text, origin, from, start)
		if name == "" {
			break
		}
		from = end
		n, ok := e.values.lookup(name)
		if !ok || !e.afford(n, origin.At(start)) {
			if !ok && !template {
				e.unknown(origin.At(start), name)
			}
			copyText(&b, &out.origin, text, origin, start, end)
			continue
		}
		out.origin.add(segment{at: b.Len(), source: origin.source(start), fixed: true})
		b.WriteString(n.value.Reveal())
		out.secret = out.secret || n.secret
		out.used = append(out.used, name)
	}
	// The place after the last byte.
	out.origin.add(segment{at: b.Len(), source: origin.source(len(text))})
	out.text = b.String()
	e.whole(text, &out)
	return out
}

// whole reports an expression that its named values have broken. The scanner's
// own words are kept out of it: they would be about the value.
func (e *expander) whole(before string, out *expanded) {
	start, ok := expressionStart(out.text)
	if !ok || len(out.used) == 0 || isExpression(out.text, start) {
		return
	}
	what := fmt.Sprintf("the expression is not whole with the named value %q", out.used[0])
	if len(out.used) > 1 {
		what = fmt.Sprintf("the expression is not whole with the named values %q", out.used)
	}
	at, _ := expressionStart(before)
	e.add(site.Problem{
		Severity: site.Error, Pos: out.origin.At(at), Code: "broken-expression", Message: what,
		Expected: "values whose quotes and brackets are balanced where they are put in",
	})
}

func (e *expander) afford(n namedValue, pos site.Pos) bool {
	if e.left < 0 {
		return false
	}
	e.left -= len(n.value.Reveal())
	if e.left < 0 {
		e.add(site.Problem{
			Severity: site.Error, Pos: pos, Code: "too-large",
			Message: fmt.Sprintf("the document grows beyond %d bytes with its named values", maxExpanded),
		})
	}
	return e.left >= 0
}

func (e *expander) unknown(pos site.Pos, name string) {
	p := site.Problem{
		Severity: site.Error, Pos: pos, Code: "unknown-named-value",
		Message:  fmt.Sprintf("no named value has the display name %q", name),
		Expected: "a display name from apim/named values",
	}
	if near := site.Nearest(name, e.values.known()); near != "" {
		p.Mend = fmt.Sprintf("write {{%s}}", near)
	}
	e.add(p)
}

func (e *expander) add(p site.Problem) {
	if len(e.problems) >= maxProblems {
		return
	}
	p.Excerpt = site.Excerpt(e.doc.Source, p.Pos)
	e.problems = append(e.problems, p)
}

// copyText appends text[from:to] and where it came from.
func copyText(b *strings.Builder, to *Origin, text string, origin Origin, from, end int) {
	if from == end {
		return
	}
	to.add(segment{at: b.Len(), source: origin.source(from), fixed: origin.fixed(from)})
	for _, s := range origin.segments {
		if s.at > from && s.at < end {
			s.at += b.Len() - from
			to.add(s)
		}
	}
	b.WriteString(text[from:end])
}

// findName finds the next {{name}} at or after from: letters, digits, ".",
// "-" and "_", with blanks around allowed. Other text in double braces is left
// alone. With none, start is the end of text and name empty.
func findName(text string, from int) (start, end int, name string) {
	for {
		i := strings.Index(text[from:], "{{")
		if i < 0 {
			return len(text), len(text), ""
		}
		start = from + i
		name := strings.TrimLeft(text[start+2:], " \t")
		n := 0
		for n < len(name) && isNameByte(name[n]) {
			n++
		}
		rest := strings.TrimLeft(name[n:], " \t")
		if n > 0 && strings.HasPrefix(rest, "}}") {
			return start, len(text) - len(rest) + 2, name[:n]
		}
		from = start + 1
	}
}

func isNameByte(c byte) bool {
	return c == '.' || c == '-' || c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// expressionStart is where an expression in text begins: "@(" or "@{" after
// white space.
func expressionStart(text string) (int, bool) {
	i := 0
	for i < len(text) && isSpace(text[i]) {
		i++
	}
	return i, opensExpression(text, i)
}

func opensExpression(text string, i int) bool {
	return i+1 < len(text) && text[i] == '@' && (text[i+1] == '(' || text[i+1] == '{')
}

// isExpression reports whether text from start on is one whole expression, and
// white space after it.
func isExpression(text string, start int) bool {
	end, _, err := syntax.ScanExpression(text, start)
	return err == nil && isBlank(text[end:])
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
