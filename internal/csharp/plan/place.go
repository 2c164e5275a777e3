package plan

import (
	"fmt"

	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// place is something that can be assigned to. What it consists of is evaluated
// once, by open; whether it is there is seen when it is read or written.
type place struct {
	open func(*frame) target
	get  func(*frame, target) clr.Value
	put  func(*frame, target, clr.Value)
}

// target is what a place consists of: a receiver or array, and indices.
type target struct {
	x     clr.Value
	index bool // there is a first index
	first clr.Value
	more  []clr.Value
}

func nothing(*frame) target { return target{} }

func (c *compiler) place(e check.Expr) place {
	switch n := e.(type) {
	case *check.Local:
		return c.localPlace(n)
	case *check.Elem:
		return c.elemPlace(n)
	case *check.Field:
		return c.fieldPlace(n)
	case *check.Get:
		return c.memberPlace(n)
	case *check.Call:
		return c.indexerPlace(n)
	}
	// A value that nobody keeps: what is written into it is lost.
	x := c.value(e)
	return place{
		open: func(f *frame) target { return target{x: x(f)} },
		get:  func(_ *frame, o target) clr.Value { return o.x },
		put:  func(*frame, target, clr.Value) {},
	}
}

func (c *compiler) localPlace(n *check.Local) place {
	v := c.fn.find(n.Var)
	if n.Var.Ref != "" {
		return place{
			open: nothing,
			get:  func(f *frame, _ target) clr.Value { return v.get(f).O.(*clr.Ref).Get() },
			put:  func(f *frame, _ target, x clr.Value) { v.get(f).O.(*clr.Ref).Set(x) },
		}
	}
	if v.kind == inSlot {
		return place{
			open: nothing,
			get:  func(f *frame, _ target) clr.Value { return f.s[v.index] },
			put:  func(f *frame, _ target, x clr.Value) { f.s[v.index] = x },
		}
	}
	// The box may be replaced while a reference to it is in use.
	return place{
		open: func(f *frame) target { return target{x: clr.Value{O: boxObject{v.box(f)}}} },
		get:  func(_ *frame, o target) clr.Value { return o.x.O.(boxObject).v },
		put:  func(_ *frame, o target, x clr.Value) { o.x.O.(boxObject).v = x },
	}
}

// boxObject lets a box lie in a target.
type boxObject struct{ *box }

// Type of a box is that of no value: it is never seen by an expression.
func (boxObject) Type() *clr.Type { return clr.ObjectType }

// fieldPlace is an element of a tuple. Tuples are values: writing one makes
// another.
func (c *compiler) fieldPlace(n *check.Field) place {
	in, i, at := c.place(n.X), n.Index, n.Span.From
	read := func(f *frame, o target) *clr.Record {
		v := in.get(f, o)
		r, ok := v.O.(*clr.Record)
		if !ok {
			f.at = at
			f.t.ThrowNull()
		}
		return r
	}
	return place{
		open: in.open,
		get:  func(f *frame, o target) clr.Value { return read(f, o).Elems[i] },
		put: func(f *frame, o target, v clr.Value) {
			r := read(f, o)
			f.t.Allocate(boxSize + recordSize*len(r.Elems))
			elems := append([]clr.Value(nil), r.Elems...)
			elems[i] = v
			in.put(f, o, clr.Obj(&clr.Record{T: r.T, Elems: elems}))
		},
	}
}

func (c *compiler) memberPlace(n *check.Get) place {
	out := place{open: nothing, get: c.readOf(n.M, n.X, n), put: c.write(n.M, n.X, n)}
	if n.X != nil {
		x := c.value(n.X)
		out.open = func(f *frame) target { return target{x: x(f)} }
	}
	return out
}

func (c *compiler) indexerPlace(n *check.Call) place {
	x, args := c.value(n.X), c.values(n.Args)
	return place{
		open: func(f *frame) target {
			o := target{x: x(f), index: true, first: args[0](f)}
			for _, a := range args[1:] {
				o.more = append(o.more, a(f))
			}
			return o
		},
		get: c.readOf(n.M, n.X, n),
		put: c.write(n.M, n.X, n),
	}
}

// readOf plans the call of what reads m, for a target that is there already.
func (c *compiler) readOf(m *clr.Member, x check.Expr, n check.Expr) func(*frame, target) clr.Value {
	do, declaring, result, at := m.Do, m.Declaring, m.Result, n.At().From
	null := nullThrows(x, m)
	return func(f *frame, o target) clr.Value {
		f.at = at
		if null && o.x.O == nil {
			f.t.ThrowNull()
		}
		if do == nil {
			panic(fmt.Sprintf("plan: %s cannot be read", m.Key))
		}
		f.t.Step()
		k := f.r.take(2 + len(o.more))
		args := k.Args[:0]
		if x != nil {
			args = append(args, o.x)
		}
		if o.index {
			args = append(append(args, o.first), o.more...)
		}
		k.Args = args
		k.Thread, k.Types, k.In, k.Result = f.t, nil, declaring, result
		v := do(&k.Call)
		f.r.give(k)
		return v
	}
}

// read plans the value of an element of an array or a field of a tuple.
func (c *compiler) read(e check.Expr) valueFn {
	if n, ok := e.(*check.Field); ok {
		x, i, at := c.value(n.X), n.Index, n.Span.From
		return func(f *frame) clr.Value {
			v := x(f)
			r, ok := v.O.(*clr.Record)
			if !ok {
				f.at = at
				f.t.ThrowNull()
			}
			return r.Elems[i]
		}
	}
	n := e.(*check.Elem)
	if len(n.Index) == 1 {
		x, index, at := c.value(n.X), c.int(n.Index[0]), n.Span.From
		return func(f *frame) clr.Value {
			v := x(f)
			i := index(f)
			a, ok := v.O.(*clr.ArrayObject)
			if !ok || uint64(i) >= uint64(a.Len()) {
				f.at = at
				f.noElem(ok)
			}
			return a.At(int(i))
		}
	}
	p := c.elemPlace(n)
	return func(f *frame) clr.Value { return p.get(f, p.open(f)) }
}

func (f *frame) noElem(there bool) {
	if !there {
		f.t.ThrowNull()
	}
	f.t.ThrowIndex()
}

func (c *compiler) elemPlace(n *check.Elem) place {
	x, at, checked := c.value(n.X), n.Span.From, !n.Type.IsValue()
	index := make([]intFn, len(n.Index))
	for i, e := range n.Index {
		index[i] = c.int(e)
	}
	// find is the array and where the element lies in it.
	find := func(f *frame, o target) (*clr.ArrayObject, int) {
		a, ok := o.x.O.(*clr.ArrayObject)
		f.at = at
		if !ok {
			f.t.ThrowNull()
		}
		i, ok := position(a, int64(o.first.N), o.more)
		if !ok {
			f.t.ThrowIndex()
		}
		return a, i
	}
	return place{
		open: func(f *frame) target {
			o := target{x: x(f), first: clr.Value{N: uint64(index[0](f))}}
			for _, i := range index[1:] {
				o.more = append(o.more, clr.Value{N: uint64(i(f))})
			}
			return o
		},
		get: func(f *frame, o target) clr.Value {
			a, i := find(f, o)
			return a.At(i)
		},
		put: func(f *frame, o target, v clr.Value) {
			a, i := find(f, o)
			if checked && v.O != nil {
				f.storeCheck(a, v)
			}
			a.Put(i, v)
		},
	}
}

// storeCheck: an array of a derived type may stand where one of its base is
// wanted, and takes only what its own elements are.
func (f *frame) storeCheck(a *clr.ArrayObject, v clr.Value) {
	if elem, t := a.T.Args[0], v.O.Type(); elem != t && !t.AssignableTo(elem) {
		f.t.Throw(clr.ArrayTypeMismatchException, "Attempted to access an element as a type incompatible with the array.")
	}
}

// position is where an element lies; false: there is none.
func position(a *clr.ArrayObject, first int64, more []clr.Value) (int, bool) {
	if a.Dims == nil {
		return int(first), first >= 0 && first < int64(a.Len())
	}
	if first < 0 || first >= int64(a.Dims[0]) {
		return 0, false
	}
	at := int(first)
	for d, v := range more {
		i := v.Int()
		if i < 0 || i >= int64(a.Dims[d+1]) {
			return 0, false
		}
		at = at*a.Dims[d+1] + int(i)
	}
	return at, true
}
