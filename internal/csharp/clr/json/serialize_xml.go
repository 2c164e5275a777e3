package json

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// XML becomes JSON as by XmlNodeConverter: attributes are members whose names
// begin with "@", elements of one name an array, an element with text alone a
// string, one without anything null.

const (
	xlinq = "System.Xml.Linq"
	// jsonSpace is the namespace of the attribute that makes arrays.
	jsonSpace  = "http://james.newtonking.com/projects/json"
	xmlnsSpace = "http://www.w3.org/2000/xmlns/"
)

// isXML reports an XObject.
func isXML(v clr.Value) bool {
	for typ := v.Type(); typ != nil; typ = typ.Base() {
		if isType(typ, xlinq, "XObject") {
			return true
		}
	}
	return false
}

// xmlNode is a node or attribute as the converter sees it.
type xmlNode struct {
	kind         string // of XmlNodeType: Element, Attribute, Text, …
	local, space string
	value        string
	of           clr.Value
}

// xmlWriter writes nodes. Its prefixes are those in scope, the innermost last.
type xmlWriter struct {
	s        *serializer
	prefixes []xmlNode // local: the prefix, value: its namespace
}

// xml writes an XObject as an object with one member.
func (s *serializer) xml(v clr.Value) {
	w := &xmlWriter{s: s}
	s.enter(v.O, objectContainer)
	w.node(w.of(v), true)
	s.leave(objectContainer)
}

func (w *xmlWriter) text(v clr.Value, name string) string { return w.s.t.Text(member(w.s.t, v, name)) }

// of is an XObject as a node.
func (w *xmlWriter) of(v clr.Value) xmlNode {
	w.s.t.Step()
	n := xmlNode{kind: strings.TrimPrefix(v.Type().Name, "X"), of: v}
	switch n.kind {
	case "Element", "Attribute":
		name := member(w.s.t, v, "Name")
		n.local, n.space = w.text(name, "LocalName"), w.text(name, "NamespaceName")
		if n.kind == "Attribute" {
			n.value = w.text(v, "Value")
		}
		if n.kind == "Attribute" && n.local == "xmlns" {
			n.space = xmlnsSpace
		}
	case "Text", "CData", "Comment":
		n.value = w.text(v, "Value")
	case "ProcessingInstruction":
		n.local, n.value = w.text(v, "Target"), w.text(v, "Data")
	case "DocumentType":
		n.local = "DOCTYPE"
	}
	return n
}

// all are the nodes of a sequence of XObjects.
func (w *xmlWriter) all(v clr.Value, name string) []xmlNode {
	var out []xmlNode
	for e := range w.s.t.Seq(member(w.s.t, v, name), "") {
		w.s.t.Allocate(120)
		out = append(out, w.of(e))
	}
	return out
}

func (w *xmlWriter) attributes(n xmlNode) []xmlNode {
	if n.kind != "Element" {
		return nil
	}
	return w.all(n.of, "Attributes")
}

// kids are the nodes in an element or document, with its declaration.
func (w *xmlWriter) kids(n xmlNode) []xmlNode {
	out := w.all(n.of, "Nodes")
	if n.kind == "Document" {
		if d := member(w.s.t, n.of, "Declaration"); d.O != nil {
			out = append([]xmlNode{{kind: "Declaration", of: d}}, out...)
		}
	}
	return out
}

// name is what a node's member is called.
func (w *xmlWriter) name(n xmlNode) string {
	switch n.kind {
	case "Attribute", "Element":
		if n.space == jsonSpace {
			return "$" + n.local
		}
		if n.kind == "Attribute" {
			return "@" + w.full(n)
		}
		return w.full(n)
	case "CData":
		return "#cdata-section"
	case "Comment":
		return "#comment"
	case "ProcessingInstruction":
		return "?" + n.local
	case "DocumentType":
		return "!" + n.local
	case "Declaration":
		return "?xml"
	}
	return "#text"
}

// full is a name with its prefix.
func (w *xmlWriter) full(n xmlNode) string {
	if n.space == "" || n.local == "xmlns" && n.space == xmlnsSpace {
		return n.local
	}
	if n.space == xmlnsSpace {
		return "xmlns:" + n.local
	}
	w.s.t.Work(len(w.prefixes) / 8)
	for i := len(w.prefixes) - 1; i >= 0; i-- {
		if p := w.prefixes[i]; p.value == n.space {
			if p.local == "" {
				return n.local
			}
			return p.local + ":" + n.local
		}
	}
	return n.local
}

// isArray reports json:Array="true".
func isArray(attributes []xmlNode) bool {
	for _, a := range attributes {
		if a.local == "Array" && a.space == jsonSpace {
			return a.value == "true" || a.value == "1"
		}
	}
	return false
}

// group writes the nodes in n, those of one name as an array.
func (w *xmlWriter) group(n xmlNode, named bool) {
	var names []string
	byName := map[string][]xmlNode{}
	for _, k := range w.kids(n) {
		name := w.name(k)
		if byName[name] == nil {
			names = append(names, name)
		}
		byName[name] = append(byName[name], k)
	}
	for _, name := range names {
		nodes := byName[name]
		if len(nodes) == 1 && !isArray(w.attributes(nodes[0])) {
			w.node(nodes[0], named)
			continue
		}
		if named {
			w.s.out.name(name)
		}
		w.s.out.begin(arrayContainer)
		for _, k := range nodes {
			w.node(k, false)
		}
		w.s.out.end(arrayContainer)
	}
}

// node writes one node; named: with its name.
func (w *xmlWriter) node(n xmlNode, named bool) {
	switch n.kind {
	case "Document":
		w.group(n, named)
	case "Element":
		w.s.t.Enter()
		w.element(n, named)
		w.s.t.Leave()
	case "Comment":
		if named {
			w.s.out.token(value(w.s.t, KindComment, clr.Str(n.value)))
		}
	case "Declaration":
		w.parts(n, []string{"Version", "Encoding", "Standalone"})
	case "DocumentType":
		w.parts(n, []string{"Name", "PublicId", "SystemId", "InternalSubset"})
	default:
		if n.space == xmlnsSpace && n.value == jsonSpace || n.space == jsonSpace && n.local == "Array" {
			return
		}
		if named {
			w.s.out.name(w.name(n))
		}
		w.s.out.simple(clr.Str(n.value))
	}
}

// partNames are the members of declarations and document types.
var partNames = map[string]string{
	"Version": "@version", "Encoding": "@encoding", "Standalone": "@standalone",
	"Name": "@name", "PublicId": "@public", "SystemId": "@system", "InternalSubset": "@internalSubset",
}

func (w *xmlWriter) parts(n xmlNode, members []string) {
	w.s.out.name(w.name(n))
	w.s.out.begin(objectContainer)
	for _, m := range members {
		if text := w.text(n.of, m); text != "" {
			w.s.out.name(partNames[m])
			w.s.out.simple(clr.Str(text))
		}
	}
	w.s.out.end(objectContainer)
}

func (w *xmlWriter) element(n xmlNode, named bool) {
	attributes, kids := w.attributes(n), w.kids(n)
	if len(kids) > 0 && isArray(attributes) && sameName(n, kids) {
		w.group(n, false)
		return
	}
	scope := len(w.prefixes)
	plain := true
	for _, a := range attributes {
		if a.space == xmlnsSpace {
			prefix := a.local
			if prefix == "xmlns" {
				prefix = ""
			}
			w.prefixes = append(w.prefixes, xmlNode{local: prefix, value: a.value})
		}
		plain = plain && (a.space == jsonSpace || a.space == xmlnsSpace && a.value == jsonSpace)
	}
	if named {
		w.s.out.name(w.name(n))
	}
	switch {
	case plain && len(kids) == 1 && kids[0].kind == "Text":
		w.s.out.simple(clr.Str(kids[0].value))
	case len(kids) == 0 && len(attributes) == 0 && member(w.s.t, n.of, "IsEmpty").Bool():
		w.s.out.simple(clr.Null)
	case len(kids) == 0 && len(attributes) == 0:
		w.s.out.simple(clr.Str(""))
	default:
		w.s.out.begin(objectContainer)
		for _, a := range attributes {
			w.node(a, true)
		}
		w.group(n, true)
		w.s.out.end(objectContainer)
	}
	w.prefixes = w.prefixes[:scope]
}

// sameName reports that all in an element are called as it is.
func sameName(n xmlNode, kids []xmlNode) bool {
	for _, k := range kids {
		if k.local != n.local {
			return false
		}
	}
	return true
}
