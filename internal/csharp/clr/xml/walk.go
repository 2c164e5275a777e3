package xml

import (
	"iter"
	"unicode"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// What Go code reads of a tree, at the cost of a thread.

// Children are the nodes in an element or a document, in their order.
func (n *Node) Children(t *clr.Thread) iter.Seq[*Node] {
	return func(yield func(*Node) bool) {
		for k := n.nodes(t); k != nil; k = k.next {
			t.Step()
			if !yield(k) {
				return
			}
		}
	}
}

// Attributes are those of an element, in their order, declarations of
// namespaces among them.
func (n *Node) Attributes(t *clr.Thread) iter.Seq[*Attr] {
	return func(yield func(*Attr) bool) {
		for a := n.firstAttr; a != nil; a = a.next {
			t.Step()
			if !yield(a) {
				return
			}
		}
	}
}

// Text is that of a text, a CDATA section, a comment or a processing
// instruction.
func (n *Node) Text() string { return n.text }

// Empty reports an element that was written as <a/>.
func (n *Node) Empty() bool { return n.empty() }

// Declared are the version, encoding and standalone of a document's declaration;
// what is not there is empty.
func (n *Node) Declared() (version, encoding, standalone string) {
	d, ok := n.declaration.O.(*Declaration)
	if !ok {
		return "", "", ""
	}
	return d.version.S, d.encoding.S, d.standalone.S
}

// Name is the attribute's.
func (a *Attr) Name() *Name { return a.name }

// Value is the attribute's.
func (a *Attr) Value() string { return a.value }

// Declares reports an attribute that declares a namespace.
func (a *Attr) Declares() bool { return a.isDeclaration() }

// NameChar reports a character of names without a colon; first: it may begin one.
func NameChar(r rune, first bool) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', r == '_':
		return true
	case '0' <= r && r <= '9', r == '-', r == '.':
		return !first
	case r < 0x80:
		return false
	}
	return unicode.Is(nameStart, r) || !first && unicode.Is(nameRest, r)
}

// TextChar reports a character that a document of XML may hold.
func TextChar(r rune) bool { return isXMLChar(r) }
