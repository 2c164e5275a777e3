package xml

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// walker goes through nodes; yield says whether to go on.
type walker func(t *clr.Thread, yield func(*Node) bool)

// sequence is an IEnumerable of nodes that is made while it is gone through,
// each time anew.
func sequence(c *clr.Call, walk walker) clr.Value {
	c.Allocate(64)
	return clr.Obj(&clr.Lazy{T: c.Result, Seq: func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			walk(t, func(n *Node) bool { return yield(clr.Obj(n)) })
		}
	}})
}

// named keeps the elements of that name.
func named(name *Name, walk walker) walker {
	return func(t *clr.Thread, yield func(*Node) bool) {
		walk(t, func(n *Node) bool { return *n.name != *name || yield(n) })
	}
}

// elements keeps the elements.
func elementsOf(walk walker) walker {
	return func(t *clr.Thread, yield func(*Node) bool) {
		walk(t, func(n *Node) bool { return n.kind != KindElement || yield(n) })
	}
}

// children are the nodes in n, text included.
func children(n *Node) walker {
	return func(t *clr.Thread, yield func(*Node) bool) {
		n.nodes(t)
		siblings(n, n.first, t, yield)
	}
}

// siblings goes on from k as long as nodes lie in n.
func siblings(n, k *Node, t *clr.Thread, yield func(*Node) bool) {
	for ; k != nil; k = k.next {
		t.Step()
		if !yield(k) || k.parent != n {
			return
		}
	}
}

// childElements are the elements in n; text needs no nodes for them.
func childElements(n *Node) walker {
	return elementsOf(func(t *clr.Thread, yield func(*Node) bool) { siblings(n, n.first, t, yield) })
}

// descendants are the nodes in n at any depth, in the order of the document.
func descendants(n *Node, self bool) walker {
	return func(t *clr.Thread, yield func(*Node) bool) {
		if self && !yield(n) {
			return
		}
		for k := n.walk(t, n); k != nil; k = k.walk(t, n) {
			if !yield(k) {
				return
			}
		}
	}
}

func descendantElements(n *Node, self bool) walker {
	return elementsOf(func(t *clr.Thread, yield func(*Node) bool) {
		if self && !yield(n) {
			return
		}
		for k := n.walkDown(t, n); k != nil; k = k.walkDown(t, n) {
			if !yield(k) {
				return
			}
		}
	})
}

// ancestors are the elements around n, the nearest first.
func ancestors(n *Node, self bool) walker {
	return elementsOf(func(t *clr.Thread, yield func(*Node) bool) {
		k := n
		if !self {
			k = n.parent
		}
		for ; k != nil; k = k.parent {
			t.Step()
			if !yield(k) {
				return
			}
		}
	})
}

func nodesAfter(n *Node) walker {
	return func(t *clr.Thread, yield func(*Node) bool) {
		for k := n; k.parent != nil && k.next != nil; {
			t.Step()
			k = k.next
			if !yield(k) {
				return
			}
		}
	}
}

// nodesBefore are the siblings before n, the first one first.
func nodesBefore(n *Node) walker {
	return func(t *clr.Thread, yield func(*Node) bool) {
		parent := n.parent
		if parent == nil {
			return
		}
		for k := parent.first; k != n && k != nil; k = k.next {
			t.Step()
			if !yield(k) || k.parent != parent {
				return
			}
		}
	}
}

// attributes are those of n, in their order.
func attributes(n *Node, name *Name) func(t *clr.Thread, yield func(clr.Value) bool) bool {
	return func(t *clr.Thread, yield func(clr.Value) bool) bool {
		for a := n.firstAttr; a != nil; a = a.next {
			t.Step()
			if name != nil && *a.name != *name {
				continue
			}
			if !yield(clr.Obj(a)) {
				return false
			}
			if a.parent != n {
				break
			}
		}
		return true
	}
}

func attributeSequence(c *clr.Call, n *Node, name *Name) clr.Value {
	c.Allocate(64)
	return clr.Obj(&clr.Lazy{T: c.Result, Seq: func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) { attributes(n, name)(t, yield) }
	}})
}

// empty is a sequence without elements; an axis by the name null gives it.
func empty(c *clr.Call) clr.Value {
	return clr.Obj(&clr.Lazy{T: c.Result, Seq: func(*clr.Thread) iter.Seq[clr.Value] { return func(func(clr.Value) bool) {} }})
}

// axis is a member that goes through nodes from the receiver.
func axis(walk func(n *Node) walker) clr.Func {
	return func(c *clr.Call) clr.Value { return sequence(c, walk(self(c))) }
}

// axisNamed is axis with a name; null finds nothing.
func axisNamed(walk func(n *Node) walker) clr.Func {
	return func(c *clr.Call) clr.Value {
		if name := nameArg(c, 1); name != nil {
			return sequence(c, named(name, walk(self(c))))
		}
		return empty(c)
	}
}

// flat is an extension that goes through nodes from each of a sequence; by says
// that the second argument is a name.
func flat(by bool, walk func(n *Node) walker) clr.Func {
	return func(c *clr.Call) clr.Value {
		c.NotNull(0, "source")
		source := c.Args[0]
		var name *Name
		if by {
			if name = nameArg(c, 1); name == nil {
				return empty(c)
			}
		}
		c.Allocate(64)
		return clr.Obj(&clr.Lazy{T: c.Result, Seq: func(t *clr.Thread) iter.Seq[clr.Value] {
			return func(yield func(clr.Value) bool) { flatten(t, source, name, walk, yield) }
		}})
	}
}

func flatten(t *clr.Thread, source clr.Value, name *Name, walk func(n *Node) walker, yield func(clr.Value) bool) {
	for v := range t.Seq(source, "source") {
		n, _ := v.O.(*Node)
		if n == nil {
			continue
		}
		w := walk(n)
		if name != nil {
			w = named(name, w)
		}
		more := true
		w(t, func(k *Node) bool {
			more = yield(clr.Obj(k))
			return more
		})
		if !more {
			return
		}
	}
}

// flatAttributes is flat for attributes.
func flatAttributes(by bool) clr.Func {
	return func(c *clr.Call) clr.Value {
		c.NotNull(0, "source")
		source := c.Args[0]
		var name *Name
		if by {
			if name = nameArg(c, 1); name == nil {
				return empty(c)
			}
		}
		c.Allocate(64)
		return clr.Obj(&clr.Lazy{T: c.Result, Seq: func(t *clr.Thread) iter.Seq[clr.Value] {
			return func(yield func(clr.Value) bool) {
				for v := range t.Seq(source, "source") {
					if n, _ := v.O.(*Node); n != nil && !attributes(n, name)(t, yield) {
						return
					}
				}
			}
		}})
	}
}
