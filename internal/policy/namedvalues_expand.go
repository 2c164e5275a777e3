package policy

import (
	"fmt"
	"slices"
	"strings"

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
// attribute, and {{name}} in it is not looked up again. In an expression it
// stays inside the string or comment that it is put into, and elsewhere its
// quotes and brackets are balanced: anything else is a problem.
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
	values *NamedValues
	doc    *Document
	left   int
	// scanned counts against maxScanned.
	scanned  int
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
	template = isTemplate(n)
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
	uses   []use
}

// use is one named value that was put in.
type use struct {
	name string
	// from and to are the place of its braces in the text before.
	from, to int
	// at and end are the place of its value in the text after.
	at, end int
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
		if !ok || n.unread || !e.afford(n, origin.At(start)) {
			if !ok && !template && !e.values.takesAny() {
				e.unknown(origin.At(start), name)
			}
			copyText(&b, &out.origin, text, origin, start, end)
			continue
		}
		at := b.Len()
		out.origin.add(segment{at: at, source: origin.source(start), fixed: true, name: name})
		b.WriteString(n.value.Reveal())
		out.secret = out.secret || n.secret
		out.uses = append(out.uses, use{name: name, from: start, to: end, at: at, end: b.Len()})
	}
	// The place after the last byte.
	out.origin.add(segment{at: b.Len(), source: origin.source(len(text))})
	out.text = b.String()
	if !e.whole(text, &out) {
		return expanded{text: text, origin: origin}
	}
	return out
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
	first := origin.segment(from)
	to.add(segment{at: b.Len(), source: origin.source(from), fixed: first.fixed, name: first.name})
	for _, s := range origin.segments {
		if s.at > from && s.at < end {
			s.at += b.Len() - from
			to.add(s)
		}
	}
	b.WriteString(text[from:end])
}

// Names are the named values that a text has, in order: what stands in {{…}}.
func Names(text string) (names []string) {
	for from := 0; ; {
		_, end, name := findName(text, from)
		if name == "" {
			return names
		}
		names, from = append(names, name), end
	}
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
