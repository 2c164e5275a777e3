package xml

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Kind is an XmlNodeType.
type Kind byte

// The numbers of XmlNodeType that nodes have.
const (
	KindNone      Kind = 0
	KindElement   Kind = 1
	KindAttribute Kind = 2
	KindText      Kind = 3
	KindCData     Kind = 4
	KindPI        Kind = 7
	KindComment   Kind = 8
	KindDocument  Kind = 9
	KindDocType   Kind = 10
)

// Node is an XNode of any kind. Its children are a linked list.
type Node struct {
	kind Kind
	// plain: a container that holds text alone, in text, and no node yet for it.
	plain bool

	parent, prev, next *Node
	first, last        *Node

	// Name of an element.
	name                *Name
	firstAttr, lastAttr *Attr
	// text of text, CDATA and comments, the data of a processing instruction,
	// what a plain container holds.
	text string
	// parts are the target of a processing instruction; name, public id, system
	// id and internal subset of a document type.
	parts []clr.Value
	// declaration of a document, or null.
	declaration clr.Value
	notes       []clr.Value
}

// Attr is an XAttribute.
type Attr struct {
	name       *Name
	value      string
	parent     *Node
	prev, next *Attr
	notes      []clr.Value
}

// Declaration is an XDeclaration: version, encoding and standalone, each may be
// null.
type Declaration struct{ version, encoding, standalone clr.Value }

const (
	nodeSize = 240
	attrSize = 112
)

// Type is the node's: XElement and so on.
func (n *Node) Type() *clr.Type {
	switch n.kind {
	case KindElement:
		return ElementType
	case KindText:
		return TextType
	case KindCData:
		return CDataType
	case KindPI:
		return InstructionType
	case KindComment:
		return CommentType
	case KindDocument:
		return DocumentType
	}
	return DocTypeType
}

// Type is XAttribute.
func (*Attr) Type() *clr.Type { return AttributeType }

// Type is XDeclaration.
func (*Declaration) Type() *clr.Type { return DeclarationType }

// Kind is the node's.
func (n *Node) Kind() Kind { return n.kind }

// Name of an element; nil for others.
func (n *Node) Name() *Name { return n.name }

// Parent is the element or document that the node lies in; nil: none.
func (n *Node) Parent() *Node { return n.parent }

func (n *Node) container() bool { return n.kind == KindElement || n.kind == KindDocument }

func (n *Node) isText() bool { return n.kind == KindText || n.kind == KindCData }

func newNode(t *clr.Thread, kind Kind, text string) *Node {
	t.Allocate(nodeSize)
	return &Node{kind: kind, text: text}
}

func newElement(t *clr.Thread, name *Name) *Node {
	n := newNode(t, KindElement, "")
	n.name = name
	return n
}

// empty: nothing was ever put in, or all is taken out.
func (n *Node) empty() bool { return n.first == nil && !n.plain }

// nodes makes a node of text that a container holds without one; an empty text
// is none.
func (n *Node) nodes(t *clr.Thread) *Node {
	if n.plain && n.text != "" {
		k := newNode(t, KindText, n.text)
		k.parent = n
		n.first, n.last, n.plain, n.text = k, k, false, ""
	}
	return n.first
}

// textToNode is nodes, and forgets an empty text, before nodes are put in.
func (n *Node) textToNode(t *clr.Thread) {
	n.nodes(t)
	n.plain, n.text = false, ""
}

// put links k, which lies nowhere, behind after; nil: as the first.
func (n *Node) put(k, after *Node) {
	k.parent, k.prev = n, after
	if after == nil {
		k.next, n.first = n.first, k
	} else {
		k.next, after.next = after.next, k
	}
	if k.next == nil {
		n.last = k
	} else {
		k.next.prev = k
	}
}

// take unlinks k, which lies in n.
func (n *Node) take(k *Node) {
	if k.prev == nil {
		n.first = k.next
	} else {
		k.prev.next = k.next
	}
	if k.next == nil {
		n.last = k.prev
	} else {
		k.next.prev = k.prev
	}
	k.parent, k.prev, k.next = nil, nil, nil
}

// clear takes out all nodes.
func (n *Node) clear(t *clr.Thread) {
	for k := n.first; k != nil; {
		t.Step()
		next := k.next
		k.parent, k.prev, k.next = nil, nil, nil
		k = next
	}
	n.first, n.last, n.plain, n.text = nil, nil, false, ""
}

// attr is the attribute of that name; nil: none.
func (n *Node) attr(t *clr.Thread, name *Name) *Attr {
	for a := n.firstAttr; a != nil; a = a.next {
		t.Step()
		if *a.name == *name {
			return a
		}
	}
	return nil
}

func (n *Node) putAttr(a *Attr) {
	a.parent, a.prev = n, n.lastAttr
	if n.lastAttr == nil {
		n.firstAttr = a
	} else {
		n.lastAttr.next = a
	}
	n.lastAttr = a
}

func (n *Node) takeAttr(a *Attr) {
	if a.prev == nil {
		n.firstAttr = a.next
	} else {
		a.prev.next = a.next
	}
	if a.next == nil {
		n.lastAttr = a.prev
	} else {
		a.next.prev = a.prev
	}
	a.parent, a.prev, a.next = nil, nil, nil
}

func (n *Node) clearAttrs(t *clr.Thread) {
	for a := n.firstAttr; a != nil; {
		t.Step()
		next := a.next
		a.parent, a.prev, a.next = nil, nil, nil
		a = next
	}
	n.firstAttr, n.lastAttr = nil, nil
}

// root is the outermost node that n lies in.
func (n *Node) root(t *clr.Thread) *Node {
	for n.parent != nil {
		t.Step()
		n = n.parent
	}
	return n
}

// after is the node behind n in the order of the document, without those in n;
// nil: it would leave top. A node that has left the tree meanwhile throws, as
// .NET's loops do.
func (n *Node) after(t *clr.Thread, top *Node) *Node {
	for n != top {
		if n.next != nil {
			return n.next
		}
		if n = n.parent; n == nil {
			t.ThrowNull()
		}
	}
	return nil
}

// walk is the node behind n in the order of the document, those in n first.
func (n *Node) walk(t *clr.Thread, top *Node) *Node {
	t.Step()
	if n.container() {
		if k := n.nodes(t); k != nil {
			return k
		}
	}
	return n.after(t, top)
}

// clone is a deep copy that lies nowhere.
func (n *Node) clone(t *clr.Thread) *Node {
	top := n.copy(t)
	to := top
	for from := n; ; {
		t.Step()
		if from.first != nil {
			from = from.first
			k := from.copy(t)
			to.put(k, nil)
			to = k
			continue
		}
		for from != n && from.next == nil {
			from, to = from.parent, to.parent
		}
		if from == n {
			return top
		}
		from = from.next
		k := from.copy(t)
		to.parent.put(k, to)
		to = k
	}
}

// copy is a copy without what lies in it, but for attributes. Annotations stay
// behind.
func (n *Node) copy(t *clr.Thread) *Node {
	k := newNode(t, n.kind, n.text)
	k.plain, k.name = n.plain, n.name
	if len(n.parts) > 0 {
		t.Allocate(len(n.parts) * valueSize)
		k.parts = append([]clr.Value(nil), n.parts...)
	}
	if d, ok := n.declaration.O.(*Declaration); ok {
		t.Allocate(3 * valueSize)
		c := *d
		k.declaration = clr.Obj(&c)
	}
	for a := n.firstAttr; a != nil; a = a.next {
		k.putAttr(a.copy(t))
	}
	return k
}

func (a *Attr) copy(t *clr.Thread) *Attr {
	t.Allocate(attrSize)
	return &Attr{name: a.name, value: a.value}
}

const valueSize = 40

// Value is XElement.Value: the text of all that lies in n.
func (n *Node) Value(t *clr.Thread) string {
	if n.first == nil {
		return n.text
	}
	if n.first == n.last && n.first.isText() {
		return n.first.text
	}
	var b strings.Builder
	for k := n.first; k != nil; k = k.walkDown(t, n) {
		text := ""
		if k.isText() || k.plain {
			text = k.text
		}
		if text != "" {
			t.Allocate(len(text))
			b.WriteString(text)
		}
	}
	return clr.Mend(b.String())
}

// walkDown is walk, and leaves text of plain containers where it is.
func (n *Node) walkDown(t *clr.Thread, top *Node) *Node {
	t.Step()
	if n.first != nil {
		return n.first
	}
	return n.after(t, top)
}

// isDeclaration reports an attribute that declares a namespace.
func (a *Attr) isDeclaration() bool {
	if a.name.Space == "" {
		return a.name.Local == "xmlns"
	}
	return a.name.Space == xmlnsSpace
}
