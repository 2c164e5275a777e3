package policy

import "github.com/cloister-ai/cloister/internal/site"

// Document is one policy document as it was written, before anything is known
// about what its elements mean.
type Document struct {
	// File is the path relative to the site's directory.
	File   string
	Source []byte
	// Root is the policies element, or the fragment element of a policy
	// fragment.
	Root *Node
}

// Node is an element, or a run of text between elements.
type Node struct {
	// Name is the element's name; empty: the node is text.
	Name string
	// Implied marks a root that the source does not hold: see [Read].
	Implied bool
	// Pos is the place of "<", of the first character of text.
	Pos site.Pos
	// Attributes in the order in which they were written.
	Attributes []Attribute
	// Children in order, text included; comments are dropped.
	Children []*Node
	// Text is the decoded text of a text node. After [Document.Expand] it may
	// hold secrets: messages show Written.
	Text string
	// Written is Text before named values were put in.
	Written string
	// Secret: Text holds the value of a secret named value.
	Secret bool
	// Origin says where each byte of Text stood.
	Origin Origin
	// CDATA marks text that stood in a CDATA section: never an expression's
	// place holder for white space trimming.
	CDATA bool

	// span is where an element stands in the source.
	span span
}

// span is offsets in bytes: of "<", behind the start tag, of the end tag, and
// behind it. An empty element ends where its tag ends.
type span struct{ tag, inner, closing, end int }

// Attribute is one attribute of an element.
type Attribute struct {
	Name string
	// Value is the decoded value. After [Document.Expand] it may hold secrets:
	// messages show Written.
	Value string
	// Written is Value before named values were put in.
	Written string
	// Secret: Value holds the value of a secret named value.
	Secret bool
	// Origin says where each byte of Value stood.
	Origin Origin
	// Pos is the place of the name, ValuePos of the first character of the
	// value inside its quotes.
	Pos, ValuePos site.Pos

	// from and to are where the value stands in the source, with its quotes.
	from, to int
}

// Attribute returns the attribute of that name, nil where there is none.
func (n *Node) Attribute(name string) *Attribute {
	for i := range n.Attributes {
		if n.Attributes[i].Name == name {
			return &n.Attributes[i]
		}
	}
	return nil
}

// Elements returns the children that are elements.
func (n *Node) Elements() []*Node {
	var out []*Node
	for _, c := range n.Children {
		if c.Name != "" {
			out = append(out, c)
		}
	}
	return out
}

// Content joins the text of the node's direct text children.
func (n *Node) Content() string {
	if len(n.Children) == 1 && n.Children[0].Name == "" {
		return n.Children[0].Text
	}
	var s string
	for _, c := range n.Children {
		if c.Name == "" {
			s += c.Text
		}
	}
	return s
}
