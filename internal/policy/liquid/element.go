package liquid

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/xml"
)

const xsi = "http://www.w3.org/2001/XMLSchema-instance"

// element is an element of XML that has elements or attributes, or a document.
// Members are the elements in it by their names, without prefix and without
// case where none has the name exactly, then its attributes.
type element struct{ n *xml.Node }

func (*element) Type() *clr.Type { return clr.ObjectType }

// elements are several elements of one name.
type elements []*element

func (elements) Type() *clr.Type      { return clr.ObjectType }
func (e elements) Len() int           { return len(e) }
func (e elements) At(i int) clr.Value { return clr.Obj(e[i]) }

// element is a node as a value: one with text alone is that text.
func (r *renderer) element(n *xml.Node) clr.Value {
	if n.Kind() != xml.KindElement && n.Kind() != xml.KindDocument {
		return clr.Str(n.Value(r.Thread))
	}
	attributes := false
	for a := range n.Attributes(r.Thread) {
		name := a.Name()
		if name.Space == xsi && name.Local == "nil" && (a.Value() == "true" || a.Value() == "1") {
			if r.scope.NilIsNull {
				return clr.Null
			}
			return clr.Str("")
		}
		attributes = attributes || !a.Declares()
	}
	if n.Kind() == xml.KindDocument || attributes {
		return clr.Obj(&element{n})
	}
	for k := range n.Children(r.Thread) {
		if k.Kind() == xml.KindElement {
			return clr.Obj(&element{n})
		}
	}
	return clr.Str(n.Value(r.Thread))
}

// items are the elements in it, those of a name where there is one.
func (e *element) items(r *renderer, name string) []clr.Value {
	var out []clr.Value
	for k := range e.n.Children(r.Thread) {
		if k.Kind() == xml.KindElement && (name == "" || k.Name().Local == name) {
			r.Allocate(2 * valueSize)
			out = append(out, r.element(k))
		}
	}
	return out
}

func (e *element) member(r *renderer, name string) (clr.Value, bool) {
	var exact, alike []*xml.Node
	for k := range e.n.Children(r.Thread) {
		if k.Kind() != xml.KindElement {
			continue
		}
		switch local := k.Name().Local; {
		case local == name:
			exact = append(exact, k)
		case len(exact) == 0 && strings.EqualFold(local, name):
			alike = append(alike, k)
		}
	}
	if len(exact) == 0 {
		exact = alike
	}
	r.Allocate(len(exact) * valueSize)
	switch len(exact) {
	case 0:
		return e.attribute(r, name)
	case 1:
		return r.element(exact[0]), true
	}
	out := make(elements, 0, len(exact))
	for _, n := range exact {
		out = append(out, &element{n})
	}
	return clr.Obj(out), true
}

func (e *element) attribute(r *renderer, name string) (clr.Value, bool) {
	name = strings.TrimPrefix(name, "@")
	for _, alike := range []bool{false, true} {
		for a := range e.n.Attributes(r.Thread) {
			if local := a.Name().Local; !a.Declares() && (local == name || alike && strings.EqualFold(local, name)) {
				return clr.Str(a.Value()), true
			}
		}
	}
	return clr.Null, false
}
