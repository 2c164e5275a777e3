package plan

import (
	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// assign plans =. Its value is what was assigned.
func (c *compiler) assign(n *check.Assign) valueFn {
	x := c.value(n.Value)
	if n.Target == nil {
		return x
	}
	if l, ok := n.Target.(*check.Local); ok && l.Var.Ref == "" {
		v := c.fn.find(l.Var)
		if v.kind == inSlot {
			return func(f *frame) clr.Value {
				y := x(f)
				f.s[v.index] = y
				return y
			}
		}
		return func(f *frame) clr.Value {
			y := x(f)
			v.set(f, y)
			return y
		}
	}
	p := c.place(n.Target)
	return func(f *frame) clr.Value {
		o := p.open(f)
		v := x(f)
		p.put(f, o, v)
		return v
	}
}

// compound plans op=, ++ and --.
func (c *compiler) compound(n *check.Compound) valueFn {
	old, p, x, post := c.fn.find(n.Old), c.place(n.Target), c.value(n.Value), n.Post
	return func(f *frame) clr.Value {
		o := p.open(f)
		before := p.get(f, o)
		old.set(f, before)
		v := x(f)
		p.put(f, o, v)
		if post {
			return before
		}
		return v
	}
}

// effectForm plans assignments of integers to variables without Values; nil: e
// is none.
func (c *compiler) effectForm(e check.Expr) func(*frame) {
	switch n := e.(type) {
	case *check.Assign:
		if i, ok := c.intSlot(n.Target); ok {
			x, t := c.int(n.Value), n.Target.T()
			return func(f *frame) { f.s[i] = clr.Value{N: uint64(x(f)), O: t} }
		}
	case *check.Compound:
		if i, ok := c.intSlot(n.Target); ok {
			return c.countForm(n, i)
		}
	}
	return nil
}

// countForm is i += x of integers. Where x cannot change i, its old value is
// read from i itself.
func (c *compiler) countForm(n *check.Compound, i int) func(*frame) {
	if b, ok := n.Value.(*check.Binary); ok && steady(b.Y) {
		c.fn.slots[n.Old] = i
		x := c.int(n.Value)
		return func(f *frame) { f.s[i].N = uint64(x(f)) }
	}
	old, x := c.fn.find(n.Old).index, c.int(n.Value)
	return func(f *frame) {
		f.s[old] = f.s[i]
		f.s[i].N = uint64(x(f))
	}
}

// steady reports expressions that change nothing.
func steady(e check.Expr) bool {
	switch n := e.(type) {
	case *check.Const, *check.Local:
		return true
	case *check.Convert:
		return n.Kind == check.Numeric && steady(n.X)
	}
	return false
}

// slot is the slot of a variable that has one and is no reference.
func (c *compiler) slot(e check.Expr) (int, bool) {
	l, ok := e.(*check.Local)
	if !ok || l.Var.Ref != "" || l.Var.Captured {
		return 0, false
	}
	return c.fn.find(l.Var).index, true
}

// intSlot is the slot of a variable whose value lies in N.
func (c *compiler) intSlot(e check.Expr) (int, bool) {
	if i, ok := c.slot(e); ok && isInt(e.T()) {
		return i, true
	}
	return 0, false
}

// deconstruct plans (a, b) = t: targets, then the value, then its conversions,
// then the assignments.
func (c *compiler) deconstruct(n *check.Deconstruct) valueFn {
	x, at := c.value(n.Value), n.Span.From
	temps := make([]variable, len(n.Temps))
	places := make([]*place, len(n.Targets))
	convs := make([]valueFn, len(n.Convs))
	for i := range n.Temps {
		temps[i] = c.fn.find(n.Temps[i])
		if n.Targets[i] != nil {
			p := c.place(n.Targets[i])
			places[i] = &p
		}
		convs[i] = c.value(n.Convs[i])
	}
	return func(f *frame) clr.Value {
		open := make([]target, len(places))
		for i, p := range places {
			if p != nil {
				open[i] = p.open(f)
			}
		}
		v := x(f)
		f.at = at
		r, ok := v.O.(*clr.Record)
		if !ok {
			f.t.ThrowNull()
		}
		f.t.Allocate(2 * recordSize * len(places))
		for i, t := range temps {
			t.set(f, r.Elems[i])
		}
		values := make([]clr.Value, len(convs))
		for i, conv := range convs {
			values[i] = conv(f)
		}
		for i, p := range places {
			if p != nil {
				p.put(f, open[i], values[i])
			}
		}
		return v
	}
}

// newArray plans new T[n] and new T[] {…}.
func (c *compiler) newArray(n *check.NewArray) valueFn {
	t, at := n.Type, n.Span.From
	if len(n.Sizes) > 0 {
		return c.sizedArray(n)
	}
	elems, dims := c.values(n.Elems), n.Dims
	elem, rank := t.Args[0], t.Rank
	return func(f *frame) clr.Value {
		out := make([]clr.Value, len(elems))
		for i, e := range elems {
			out[i] = e(f)
		}
		f.at = at
		v := f.t.ArrayValue(elem, out)
		if rank > 1 {
			a := v.O.(*clr.ArrayObject)
			a.T, a.Dims = t, dims
		}
		return v
	}
}

func (c *compiler) sizedArray(n *check.NewArray) valueFn {
	t, at := n.Type, n.Span.From
	sizes := make([]intFn, len(n.Sizes))
	for i, s := range n.Sizes {
		sizes[i] = c.int(s)
	}
	return func(f *frame) clr.Value {
		var dims []int
		total := int64(1)
		for _, s := range sizes {
			size := s(f)
			f.at = at
			if size < 0 || size > 1<<31-1 {
				f.t.ThrowOverflow()
			}
			dims = append(dims, int(size))
			if total *= size; total > 1<<31-1 {
				f.t.Throw(clr.OutOfMemoryException, "Array dimensions exceeded supported range.")
			}
		}
		a := f.t.NewArray(t.Args[0], int(total))
		f.t.Work(int(total) / 64)
		if len(dims) > 1 {
			a.T, a.Dims = t, dims
		}
		return clr.Obj(a)
	}
}
