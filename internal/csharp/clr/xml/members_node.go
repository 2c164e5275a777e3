package xml

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// notes are the annotations of a node or attribute.
func notes(v clr.Value) *[]clr.Value {
	if a, ok := v.O.(*Attr); ok {
		return &a.notes
	}
	return &v.O.(*Node).notes
}

// parentOf is the node that an attribute or a node lies in; nil: none.
func parentOf(v clr.Value) *Node {
	if a, ok := v.O.(*Attr); ok {
		return a.parent
	}
	return v.O.(*Node).parent
}

func kindOf(c *clr.Call) clr.Value {
	if _, ok := c.Args[0].O.(*Attr); ok {
		return clr.Number(KindType, int64(KindAttribute))
	}
	return clr.Number(KindType, int64(self(c).kind))
}

// typeArg is argument i, a System.Type.
func typeArg(c *clr.Call, i int) *clr.Type { return c.NotNull(i, "type").(*clr.TypeObject).Of() }

func annotation(c *clr.Call, of *clr.Type) clr.Value {
	for _, n := range *notes(c.Args[0]) {
		c.Step()
		if n.Type().AssignableTo(of) {
			return n
		}
	}
	return clr.Null
}

func annotations(c *clr.Call, of *clr.Type) clr.Value {
	from := c.Args[0]
	c.Allocate(64)
	return clr.Obj(&clr.Lazy{T: c.Result, Seq: func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			for i := 0; i < len(*notes(from)); i++ {
				t.Step()
				if n := (*notes(from))[i]; n.Type().AssignableTo(of) && !yield(n) {
					return
				}
			}
		}
	}})
}

func removeAnnotations(c *clr.Call, of *clr.Type) clr.Value {
	list := notes(c.Args[0])
	var kept []clr.Value
	c.Work(len(*list))
	for _, n := range *list {
		if !n.Type().AssignableTo(of) {
			kept = append(kept, n)
		}
	}
	*list = kept
	return clr.Null
}

func objectMembers() funcs {
	const key = linq + ".XObject"
	out := funcs{
		key + ".AddAnnotation(object)": func(c *clr.Call) clr.Value {
			c.NotNull(1, "annotation")
			c.Allocate(valueSize)
			list := notes(c.Args[0])
			*list = append(*list, c.Args[1])
			return clr.Null
		},
		key + ".Annotation(Type)":        func(c *clr.Call) clr.Value { return annotation(c, typeArg(c, 1)) },
		key + ".Annotation<T>()":         func(c *clr.Call) clr.Value { return annotation(c, c.Types[0]) },
		key + ".Annotations(Type)":       func(c *clr.Call) clr.Value { return annotations(c, typeArg(c, 1)) },
		key + ".Annotations<T>()":        func(c *clr.Call) clr.Value { return annotations(c, c.Types[0]) },
		key + ".RemoveAnnotations(Type)": func(c *clr.Call) clr.Value { return removeAnnotations(c, typeArg(c, 1)) },
		key + ".RemoveAnnotations<T>()":  func(c *clr.Call) clr.Value { return removeAnnotations(c, c.Types[0]) },
		// Texts have no address.
		key + ".BaseUri": func(*clr.Call) clr.Value { return clr.Str("") },
		key + ".Document": func(c *clr.Call) clr.Value {
			n := parentOf(c.Args[0])
			if n == nil {
				if n, _ = c.Args[0].O.(*Node); n == nil {
					return clr.Null
				}
			}
			if n = n.root(c.Thread); n.kind == KindDocument {
				return clr.Obj(n)
			}
			return clr.Null
		},
		key + ".Parent": func(c *clr.Call) clr.Value {
			if n := parentOf(c.Args[0]); n != nil && n.kind == KindElement {
				return clr.Obj(n)
			}
			return clr.Null
		},
	}
	for _, name := range []string{"XObject", "XAttribute", "XCData", "XComment", "XDocument", "XDocumentType", "XElement", "XProcessingInstruction", "XText"} {
		out[linq+"."+name+".NodeType"] = kindOf
	}
	return out
}

func nodeMembers() funcs {
	const key = linq + ".XNode"
	after := func(c *clr.Call) clr.Value {
		beside(c.Thread, self(c), c.Args[1], true)
		return clr.Null
	}
	before := func(c *clr.Call) clr.Value {
		beside(c.Thread, self(c), c.Args[1], false)
		return clr.Null
	}
	replaceWith := func(c *clr.Call) clr.Value {
		replace(c.Thread, self(c), c.Args[1])
		return clr.Null
	}
	around := func(n *Node) walker { return ancestors(n, false) }
	elementsAfter := func(n *Node) walker { return elementsOf(nodesAfter(n)) }
	elementsBefore := func(n *Node) walker { return elementsOf(nodesBefore(n)) }
	return funcs{
		key + ".AddAfterSelf(object)":    after,
		key + ".AddAfterSelf(object[])":  after,
		key + ".AddBeforeSelf(object)":   before,
		key + ".AddBeforeSelf(object[])": before,
		key + ".Ancestors()":             axis(around),
		key + ".Ancestors(XName)":        axisNamed(around),
		key + ".CompareDocumentOrder(XNode, XNode)": func(c *clr.Call) clr.Value {
			return clr.Int(int32(compareOrder(c.Thread, node(c, 0), node(c, 1))))
		},
		key + ".DeepEquals(XNode, XNode)": func(c *clr.Call) clr.Value {
			return clr.Bool(deepEquals(c.Thread, node(c, 0), node(c, 1)))
		},
		key + ".DocumentOrderComparer":     func(*clr.Call) clr.Value { return theOrder },
		key + ".ElementsAfterSelf()":       axis(elementsAfter),
		key + ".ElementsAfterSelf(XName)":  axisNamed(elementsAfter),
		key + ".ElementsBeforeSelf()":      axis(elementsBefore),
		key + ".ElementsBeforeSelf(XName)": axisNamed(elementsBefore),
		key + ".EqualityComparer":          func(*clr.Call) clr.Value { return theEquality },
		key + ".IsAfter(XNode)":            func(c *clr.Call) clr.Value { return clr.Bool(compareOrder(c.Thread, self(c), node(c, 1)) > 0) },
		key + ".IsBefore(XNode)":           func(c *clr.Call) clr.Value { return clr.Bool(compareOrder(c.Thread, self(c), node(c, 1)) < 0) },
		key + ".NextNode":                  func(c *clr.Call) clr.Value { return nodeValue(self(c).next) },
		key + ".NodesAfterSelf()":          axis(nodesAfter),
		key + ".NodesBeforeSelf()":         axis(nodesBefore),
		key + ".PreviousNode":              func(c *clr.Call) clr.Value { return nodeValue(self(c).prev) },
		key + ".Remove()": func(c *clr.Call) clr.Value {
			removeNode(c.Thread, self(c))
			return clr.Null
		},
		key + ".ReplaceWith(object)":   replaceWith,
		key + ".ReplaceWith(object[])": replaceWith,
		key + ".ToString()":            toString,
		key + ".ToString(SaveOptions)": func(c *clr.Call) clr.Value { return clr.Str(Text(c.Thread, self(c), c.Int(1))) },
	}
}

func containerMembers() funcs {
	const key = linq + ".XContainer"
	adding := func(c *clr.Call) clr.Value {
		add(c.Thread, self(c), c.Args[1])
		return clr.Null
	}
	first := func(c *clr.Call) clr.Value {
		insert(c.Thread, self(c), nil, c.Args[1])
		return clr.Null
	}
	replaceNodes := func(c *clr.Call) clr.Value {
		content := snapshot(c.Thread, c.Args[1])
		self(c).clear(c.Thread)
		add(c.Thread, self(c), content)
		return clr.Null
	}
	below := func(n *Node) walker { return descendantElements(n, false) }
	return funcs{
		key + ".Add(object)":        adding,
		key + ".Add(object[])":      adding,
		key + ".AddFirst(object)":   first,
		key + ".AddFirst(object[])": first,
		key + ".DescendantNodes()":  axis(func(n *Node) walker { return descendants(n, false) }),
		key + ".Descendants()":      axis(below),
		key + ".Descendants(XName)": axisNamed(below),
		key + ".Element(XName)":     elementNamed,
		key + ".Elements()":         axis(childElements),
		key + ".Elements(XName)":    axisNamed(childElements),
		key + ".FirstNode":          func(c *clr.Call) clr.Value { return nodeValue(self(c).nodes(c.Thread)) },
		key + ".LastNode": func(c *clr.Call) clr.Value {
			self(c).nodes(c.Thread)
			return nodeValue(self(c).last)
		},
		key + ".Nodes()": axis(children),
		key + ".RemoveNodes()": func(c *clr.Call) clr.Value {
			self(c).clear(c.Thread)
			return clr.Null
		},
		key + ".ReplaceNodes(object)":   replaceNodes,
		key + ".ReplaceNodes(object[])": replaceNodes,
	}
}

// elementNamed is the first element of that name; null finds none.
func elementNamed(c *clr.Call) clr.Value { return nodeValue(self(c).child(c.Thread, nameArg(c, 1))) }

func (n *Node) child(t *clr.Thread, name *Name) *Node {
	if name == nil {
		return nil
	}
	for k := n.first; k != nil; k = k.next {
		t.Step()
		if k.kind == KindElement && *k.name == *name {
			return k
		}
	}
	return nil
}
