package xml

import (
	"hash/maphash"
	"iter"
	"sort"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// deepEquals is XNode.DeepEquals. Texts in a row are one; attributes count in
// their order, annotations not.
func deepEquals(t *clr.Thread, a, b *Node) bool {
	if a == nil || b == nil || a == b {
		return a == b
	}
	if !sameNode(t, a, b) {
		return false
	}
	if !a.container() {
		return true
	}
	x, y := a, b // what is gone through, and where in it
	k, l := a.nodes(t), b.nodes(t)
	for {
		var s, r string
		s, k = k.collect(t)
		r, l = l.collect(t)
		switch {
		case s != r:
			return false
		case k == nil && l == nil:
			if x == a {
				return true
			}
			k, l, x, y = x.next, y.next, x.parent, y.parent
		case k == nil || l == nil || !sameNode(t, k, l):
			return false
		case k.container():
			x, y = k, l
			k, l = k.nodes(t), l.nodes(t)
		default:
			k, l = k.next, l.next
		}
	}
}

// collect is the text that begins with n, and the node behind it.
func (n *Node) collect(t *clr.Thread) (string, *Node) {
	t.Step()
	if n == nil || n.kind != KindText {
		return "", n
	}
	s := n.text
	for n = n.next; n != nil && n.kind == KindText; n = n.next {
		t.Allocate(len(s) + len(n.text))
		s = clr.Concat(s, n.text)
	}
	return s, n
}

// sameNode compares two nodes without what is in them.
func sameNode(t *clr.Thread, a, b *Node) bool {
	if a.kind != b.kind {
		return false
	}
	t.Work(min(len(a.text), len(b.text)) / 16)
	switch a.kind {
	case KindElement:
		return *a.name == *b.name && (a.empty() == b.empty()) && sameAttributes(t, a, b)
	case KindDocument:
		return true
	case KindDocType, KindPI:
		for i := range a.parts {
			if a.parts[i].S != b.parts[i].S || (a.parts[i].O == nil) != (b.parts[i].O == nil) {
				return false
			}
		}
	}
	return a.text == b.text
}

func sameAttributes(t *clr.Thread, a, b *Node) bool {
	x, y := a.firstAttr, b.firstAttr
	for ; x != nil && y != nil; x, y = x.next, y.next {
		t.Step()
		if *x.name != *y.name || x.value != y.value {
			return false
		}
	}
	return x == nil && y == nil
}

var hashSeed = maphash.MakeSeed()

// deepHash agrees with deepEquals; it looks at the node itself alone.
func deepHash(n *Node) uint64 {
	if n == nil {
		return 0
	}
	h := uint64(n.kind) * 0x9E3779B97F4A7C15
	if n.name != nil {
		h ^= maphash.String(hashSeed, n.name.Local)
	}
	if !n.container() {
		h ^= maphash.String(hashSeed, n.text)
	}
	return h
}

// compareOrder is XNode.CompareDocumentOrder.
func compareOrder(t *clr.Thread, a, b *Node) int {
	switch {
	case a == b:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	depthA, depthB := a.depth(t), b.depth(t)
	x, y := a.up(depthA-depthB), b.up(depthB-depthA)
	if x == y { // one lies in the other
		if depthA < depthB {
			return -1
		}
		return 1
	}
	for x.parent != y.parent {
		t.Step()
		x, y = x.parent, y.parent
	}
	if x.parent == nil {
		t.Throw(clr.InvalidOperationException, "A common ancestor is missing.")
	}
	for k := x.next; k != nil; k = k.next {
		t.Step()
		if k == y {
			return -1
		}
	}
	return 1
}

func (n *Node) depth(t *clr.Thread) int {
	d := 0
	for k := n; k.parent != nil; k = k.parent {
		t.Step()
		d++
	}
	return d
}

// up is the node n levels higher.
func (n *Node) up(levels int) *Node {
	for ; levels > 0; levels-- {
		n = n.parent
	}
	return n
}

// orderComparer is an XNodeDocumentOrderComparer.
type orderComparer struct{}

func (*orderComparer) Type() *clr.Type { return orderType }

// Compare is IComparer<XNode>'s.
func (*orderComparer) Compare(t *clr.Thread, a, b clr.Value) int {
	return compareOrder(t, nodeOf(t, a, "x"), nodeOf(t, b, "y"))
}

// equalityComparer is an XNodeEqualityComparer.
type equalityComparer struct{}

func (*equalityComparer) Type() *clr.Type { return equalityType }

// Equal is IEqualityComparer<XNode>'s.
func (*equalityComparer) Equal(t *clr.Thread, a, b clr.Value) bool {
	return deepEquals(t, nodeOf(t, a, "x"), nodeOf(t, b, "y"))
}

// Hash is IEqualityComparer<XNode>'s.
func (*equalityComparer) Hash(t *clr.Thread, v clr.Value) uint64 {
	return deepHash(nodeOf(t, v, "obj"))
}

func nodeOf(t *clr.Thread, v clr.Value, name string) *Node {
	n, ok := v.O.(*Node)
	if !ok && v.O != nil {
		t.ThrowArgument("The argument must be derived from System.Xml.Linq.XNode.", name)
	}
	return n
}

var (
	theOrder    = clr.Obj(&orderComparer{})
	theEquality = clr.Obj(&equalityComparer{})
)

func comparerMembers() funcs {
	const order, equality = linq + ".XNodeDocumentOrderComparer", linq + ".XNodeEqualityComparer"
	return funcs{
		"new " + order + "()": func(*clr.Call) clr.Value { return clr.Obj(&orderComparer{}) },
		order + ".Compare(XNode, XNode)": func(c *clr.Call) clr.Value {
			return clr.Int(int32(compareOrder(c.Thread, node(c, 1), node(c, 2))))
		},
		"new " + equality + "()": func(*clr.Call) clr.Value { return clr.Obj(&equalityComparer{}) },
		equality + ".Equals(XNode, XNode)": func(c *clr.Call) clr.Value {
			return clr.Bool(deepEquals(c.Thread, node(c, 1), node(c, 2)))
		},
		equality + ".GetHashCode(XNode)": func(c *clr.Call) clr.Value {
			h := deepHash(node(c, 1))
			return clr.Int(int32(h ^ h>>32))
		},
	}
}

// inOrder is Extensions.InDocumentOrder.
func inOrder(c *clr.Call) clr.Value {
	c.NotNull(0, "source")
	source := c.Args[0]
	c.Allocate(64)
	return clr.Obj(&clr.Lazy{T: c.Result, Seq: func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			var list []clr.Value
			for v := range t.Seq(source, "source") {
				t.Allocate(valueSize)
				list = append(list, v)
			}
			checkRoots(t, list)
			sort.SliceStable(list, func(i, j int) bool {
				t.Step()
				return compareOrder(t, nodeOf(t, list[i], "x"), nodeOf(t, list[j], "y")) < 0
			})
			for _, v := range list {
				if !yield(v) {
					return
				}
			}
		}
	}})
}

// checkRoots throws where nodes have no order, as .NET's sorting does.
func checkRoots(t *clr.Thread, list []clr.Value) {
	var root *Node
	for _, v := range list {
		n := nodeOf(t, v, "x")
		if n == nil {
			continue
		}
		r := n.root(t)
		if root != nil && r != root {
			t.Throw(clr.InvalidOperationException, "Failed to compare two elements in the array.")
		}
		root = r
	}
}
