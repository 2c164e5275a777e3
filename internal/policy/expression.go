package policy

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// Expression is one C# expression of a document: the whole value of an
// attribute, or the whole text of an element.
type Expression struct {
	// Source is the expression, "@(…)" or "@{…}", without the white space around
	// it. After [Document.Expand] it may hold secrets: messages show Written.
	Source string
	// Written is Source before named values were put in.
	Written string
	// Secret: Source holds the value of a secret named value.
	Secret bool
	// Node is the element that it belongs to.
	Node *Node
	// Attribute is the attribute's name; empty: the expression is the element's
	// text.
	Attribute string

	origin Origin
	// start is where Source begins in the value that origin is about.
	start int
}

// At is the place in the document of the byte at offset in Source: before
// entities were decoded and named values put in. For a byte that came from a
// named value it is the place of its braces.
func (x *Expression) At(offset int) site.Pos { return x.origin.At(x.start + offset) }

// Named is the named value that the bytes from one offset in Source to another
// touch, the first of several; empty: none. Both offsets the same mean the
// bytes on both sides.
func (x *Expression) Named(from, to int) string {
	if from == to {
		from, to = from-1, to+1
	}
	return x.origin.named(x.start+from, x.start+to)
}

// Names are the named values in Source, in order.
func (x *Expression) Names() []string {
	var names []string
	for _, s := range x.origin.segments {
		if s.name != "" {
			names = append(names, s.name)
		}
	}
	return names
}

// Expressions are the expressions of a document, in its order. The content of
// set-body is one when it begins with one.
func (d *Document) Expressions() []Expression {
	var out []Expression
	if d.Root != nil {
		d.Root.expressions(&out)
	}
	return out
}

func (n *Node) expressions(out *[]Expression) {
	for i := range n.Attributes {
		a := &n.Attributes[i]
		if x, ok := newExpression(a.Value, a.Written, a.Origin); ok {
			x.Secret, x.Node, x.Attribute = a.Secret, n, a.Name
			*out = append(*out, x)
		}
	}
	first := true
	for _, c := range n.Children {
		if c.Name != "" {
			c.expressions(out)
			continue
		}
		if isBlank(c.Text) {
			continue
		}
		if x, ok := newExpression(c.Text, c.Written, c.Origin); ok && first {
			x.Secret, x.Node = c.Secret, n
			*out = append(*out, x)
		}
		first = false
	}
}

func newExpression(text, written string, origin Origin) (Expression, bool) {
	start, ok := expressionStart(text)
	if !ok {
		return Expression{}, false
	}
	return Expression{
		Source: strings.TrimRight(text[start:], blanks), Written: strings.Trim(written, blanks),
		origin: origin, start: start,
	}, true
}
