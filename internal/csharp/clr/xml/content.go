package xml

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

const (
	missingParent = "The parent is missing."
	noAttribute   = "An attribute cannot be added to content."
	noText        = "Non-whitespace characters cannot be added to content."
	badStructure  = "This operation would create an incorrectly structured document."
	duplicate     = "Duplicate attribute."
)

// items goes through content as XContainer.Add takes it: null is nothing,
// sequences are gone through, and one takes everything else.
func items(t *clr.Thread, content clr.Value, one func(v clr.Value)) {
	if content.O == nil {
		return
	}
	seq, ok := content.O.(clr.Sequence)
	if !ok {
		one(content)
		return
	}
	t.Enter()
	for v := range seq.All(t) {
		items(t, v, one)
	}
	t.Leave()
}

// add is XContainer.Add(content).
func add(t *clr.Thread, to *Node, content clr.Value) {
	items(t, content, func(v clr.Value) {
		switch o := v.O.(type) {
		case *Node:
			addNode(t, to, o)
		case *Attr:
			addAttr(t, to, o)
		default:
			addText(t, to, stringValue(t, v))
		}
	})
}

func addAttr(t *clr.Thread, to *Node, a *Attr) {
	if to.kind != KindElement {
		t.ThrowArgument(noAttribute, "")
	}
	if to.attr(t, a.name) != nil {
		t.Throw(clr.InvalidOperationException, duplicate)
	}
	if a.parent != nil {
		a = a.copy(t)
	}
	to.putAttr(a)
}

// addNode adds k, or a copy where it lies somewhere already.
func addNode(t *clr.Thread, to, k *Node) {
	checkNode(t, to, k, to)
	k = free(t, to, k)
	to.textToNode(t)
	to.put(k, to.last)
}

// free is k, or a copy where it lies somewhere or holds to.
func free(t *clr.Thread, to, k *Node) *Node {
	if k.parent != nil || k.container() && to.root(t) == k {
		return k.clone(t)
	}
	return k
}

// addText adds text behind all nodes; text that is the last one grows.
func addText(t *clr.Thread, to *Node, s string) {
	checkText(t, to, s)
	if to.last != nil {
		if s == "" {
			return
		}
		if to.last.kind == KindText {
			t.Allocate(len(to.last.text) + len(s))
			to.last.text = clr.Concat(to.last.text, s)
			return
		}
		to.put(newNode(t, KindText, s), to.last)
		return
	}
	t.Allocate(len(to.text) + len(s))
	to.plain, to.text = true, clr.Concat(to.text, s)
}

// checkNode throws where a container does not take a node behind another one.
func checkNode(t *clr.Thread, to, k, after *Node) {
	if to.kind == KindElement {
		if k.kind == KindDocument || k.kind == KindDocType {
			throwNode(t, k)
		}
		return
	}
	switch k.kind {
	case KindText:
		checkText(t, to, k.text)
	case KindElement:
		checkOrder(t, to, after, KindDocType, KindNone)
	case KindDocType:
		checkOrder(t, to, after, KindNone, KindElement)
	case KindCData, KindDocument:
		throwNode(t, k)
	}
}

func throwNode(t *clr.Thread, k *Node) {
	t.ThrowArgument("A node of type "+kindName(k.kind)+" cannot be added to content.", "")
}

// checkText throws where text is put in a document.
func checkText(t *clr.Thread, to *Node, s string) {
	if to.kind == KindDocument && strings.Trim(s, " \t\r\n") != "" {
		t.ThrowArgument(noText, "")
	}
}

// checkOrder throws unless before after there is at most one node of the kind
// before, and behind it one of the kind behind: a document has one element and
// one type, which stands first.
func checkOrder(t *clr.Thread, to, after *Node, before, behind Kind) {
	if after == nil {
		before = behind
	}
	for k := to.first; k != nil; k = k.next {
		t.Step()
		if k.kind == KindElement || k.kind == KindDocType {
			if k.kind != before {
				t.Throw(clr.InvalidOperationException, badStructure)
			}
			before = KindNone
		}
		if k == after {
			before = behind
		}
	}
}

// insert puts content behind after; nil: before all others. Text joins with
// the text before it.
func insert(t *clr.Thread, to, after *Node, content clr.Value) {
	var pending string
	waiting := false
	flush := func() {
		if !waiting {
			return
		}
		waiting = false
		switch {
		case pending == "":
		case after != nil && after.kind == KindText:
			t.Allocate(len(after.text) + len(pending))
			after.text = clr.Concat(after.text, pending)
		default:
			k := newNode(t, KindText, pending)
			to.put(k, after)
			after = k
		}
		pending = ""
	}
	items(t, content, func(v clr.Value) {
		switch o := v.O.(type) {
		case *Node:
			checkNode(t, to, o, after)
			o = free(t, to, o)
			to.textToNode(t)
			flush()
			if o.parent != nil {
				t.Throw(clr.InvalidOperationException, "This operation was corrupted by external code.")
			}
			to.put(o, after)
			after = o
		case *Attr:
			t.ThrowArgument(noAttribute, "")
		default:
			s := stringValue(t, v)
			checkText(t, to, s)
			t.Allocate(len(pending) + len(s))
			pending, waiting = clr.Concat(pending, s), true
		}
	})
	if waiting && to.empty() {
		to.plain, to.text = true, pending
		return
	}
	if pending != "" {
		to.textToNode(t)
	}
	flush()
}

// snapshot is content that does not change when nodes are taken out: lists are
// copied, as it may be a query over the same tree.
func snapshot(t *clr.Thread, content clr.Value) clr.Value {
	if _, ok := content.O.(clr.Sequence); !ok {
		return content
	}
	var list []clr.Value
	items(t, content, func(v clr.Value) {
		t.Allocate(valueSize)
		list = append(list, v)
	})
	return clr.Obj(t.NewList(clr.ObjectType, list))
}

// beside inserts content before or behind n.
func beside(t *clr.Thread, n *Node, content clr.Value, behind bool) {
	if n.parent == nil {
		t.Throw(clr.InvalidOperationException, missingParent)
	}
	if behind {
		insert(t, n.parent, n, content)
		return
	}
	insert(t, n.parent, n.prev, content)
}

func replace(t *clr.Thread, n *Node, content clr.Value) {
	to, after := n.parent, n.prev
	if to == nil {
		t.Throw(clr.InvalidOperationException, missingParent)
	}
	to.take(n)
	insert(t, to, after, content)
}

func removeNode(t *clr.Thread, n *Node) {
	if n.parent == nil {
		t.Throw(clr.InvalidOperationException, missingParent)
	}
	n.parent.take(n)
}

// setValue is XElement.Value = s.
func setValue(t *clr.Thread, n *Node, s string) {
	n.clear(t)
	addText(t, n, s)
}

// newAttr is new XAttribute(name, value).
func newAttr(t *clr.Thread, name *Name, v clr.Value) *Attr {
	if v.O == nil {
		t.ThrowArgumentNull("value")
	}
	s := stringValue(t, v)
	checkAttr(t, name, s)
	t.Allocate(attrSize)
	return &Attr{name: name, value: s}
}

// checkAttr throws for a declaration of a namespace that may not be.
func checkAttr(t *clr.Thread, name *Name, s string) {
	const (
		isXML   = "The prefix 'xml' is bound to the namespace name 'http://www.w3.org/XML/1998/namespace'. Other prefixes must not be bound to this namespace name, and it must not be declared as the default namespace."
		isXMLNS = "The prefix 'xmlns' is bound to the namespace name 'http://www.w3.org/2000/xmlns/'. It must not be declared. Other prefixes must not be bound to this namespace name, and it must not be declared as the default namespace."
	)
	switch {
	case name.Space == "" && name.Local == "xmlns":
		switch s {
		case xmlSpace:
			t.ThrowArgument(isXML, "")
		case xmlnsSpace:
			t.ThrowArgument(isXMLNS, "")
		}
	case name.Space != xmlnsSpace:
	case s == "":
		t.ThrowArgument("The prefix '"+name.Local+"' cannot be bound to the empty namespace name.", "")
	case s == xmlSpace:
		if name.Local != "xml" {
			t.ThrowArgument(isXML, "")
		}
	case s == xmlnsSpace:
		t.ThrowArgument(isXMLNS, "")
	case name.Local == "xml":
		t.ThrowArgument(isXML, "")
	case name.Local == "xmlns":
		t.ThrowArgument(isXMLNS, "")
	}
}

func kindName(k Kind) string {
	switch k {
	case KindElement:
		return "Element"
	case KindText:
		return "Text"
	case KindCData:
		return "CDATA"
	case KindPI:
		return "ProcessingInstruction"
	case KindComment:
		return "Comment"
	case KindDocument:
		return "Document"
	case KindDocType:
		return "DocumentType"
	}
	return "None"
}
