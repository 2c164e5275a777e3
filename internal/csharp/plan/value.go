package plan

import (
	"fmt"
	"unsafe"

	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// value plans an expression as a closure that gives a Value.
func (c *compiler) value(e check.Expr) valueFn {
	switch n := e.(type) {
	case *check.Const:
		v := c.interned(n.Value)
		return func(*frame) clr.Value { return v }
	case *check.Local:
		return c.local(n.Var)
	}
	if !c.plain {
		if x := c.boxed(e); x != nil {
			return x
		}
	}
	return c.valueForm(e)
}

// boxed makes a Value of what a specialised closure gives; nil: there is none
// for e.
func (c *compiler) boxed(e check.Expr) valueFn {
	t := e.T()
	switch {
	case t == clr.Boolean:
		if x := c.condForm(e); x != nil {
			return func(f *frame) clr.Value { return clr.Bool(x(f)) }
		}
	case isInt(t):
		if x := c.intForm(e); x != nil {
			return func(f *frame) clr.Value { return clr.Value{N: uint64(x(f)), O: t} }
		}
	case clr.IsFloat(t):
		if x := c.floatForm(e); x != nil {
			return func(f *frame) clr.Value { return floatValue(t, x(f)) }
		}
	case t == clr.String:
		if x := c.textForm(e); x != nil {
			return func(f *frame) clr.Value {
				s, ok := x(f)
				if !ok {
					return clr.Null
				}
				return clr.Str(s)
			}
		}
	default:
		if x := c.objectForm(e); x != nil {
			return func(f *frame) clr.Value { return clr.Value{O: x(f)} }
		}
	}
	return nil
}

// valueForm plans every expression but constants and variables, with Values.
func (c *compiler) valueForm(e check.Expr) valueFn {
	switch n := e.(type) {
	case *check.Get:
		return c.get(n)
	case *check.Call:
		return c.call(n)
	case *check.Invoke:
		return c.invoke(n)
	case *check.CallLocal:
		return c.callLocal(n)
	case *check.RefArg:
		return c.refArg(n)
	case *check.Convert:
		return c.convert(n)
	case *check.Unary:
		return c.unary(n)
	case *check.Binary:
		return c.binary(n)
	case *check.Lifted:
		return c.lifted(n)
	case *check.Logical:
		return c.logical(n)
	case *check.Concat:
		x := c.concat(n)
		return func(f *frame) clr.Value { return clr.Str(x(f)) }
	case *check.Interpolated:
		return c.interpolated(n)
	case *check.Equality:
		return c.equality(n)
	case *check.IsNull:
		x, not := c.value(n.X), n.Not
		return func(f *frame) clr.Value { return clr.Bool((x(f).O == nil) != not) }
	}
	return c.valueMore(e)
}

func (c *compiler) valueMore(e check.Expr) valueFn {
	switch n := e.(type) {
	case *check.Coalesce:
		return c.coalesce(n)
	case *check.Ternary:
		cond, a, b := c.cond(n.C), c.value(n.A), c.value(n.B)
		return func(f *frame) clr.Value {
			if cond(f) {
				return a(f)
			}
			return b(f)
		}
	case *check.CondAccess:
		return c.condAccess(n)
	case *check.Elem, *check.Field:
		return c.read(n)
	case *check.Assign:
		return c.assign(n)
	case *check.Compound:
		return c.compound(n)
	case *check.Deconstruct:
		return c.deconstruct(n)
	case *check.Lambda:
		return c.lambda(n)
	case *check.MethodGroup:
		return c.methodGroup(n)
	case *check.NewArray:
		return c.newArray(n)
	case *check.Init:
		return c.initialize(n)
	case *check.Record:
		return c.record(n)
	}
	return c.valueRest(e)
}

func (c *compiler) valueRest(e check.Expr) valueFn {
	switch n := e.(type) {
	case *check.IsType:
		x, is := c.value(n.X), isType(n.To)
		return func(f *frame) clr.Value { return clr.Bool(is(x(f))) }
	case *check.Match:
		x, match := c.value(n.X), c.pattern(n.Pattern)
		return func(f *frame) clr.Value { return clr.Bool(match(f, x(f))) }
	case *check.As:
		x, is := c.value(n.X), isType(n.Type)
		return func(f *frame) clr.Value {
			if v := x(f); is(v) {
				return v
			}
			return clr.Null
		}
	case *check.TypeOf:
		v := clr.TypeOf(n.Of)
		return func(*frame) clr.Value { return v }
	case *check.Throw:
		do := c.throw(n.X, n.Span.From)
		return func(f *frame) clr.Value { do(f); return clr.Null }
	case *check.Sequence:
		steps, x := c.stmts(n.Steps), c.value(n.X)
		return func(f *frame) clr.Value {
			steps(f)
			return x(f)
		}
	}
	panic(fmt.Sprintf("plan: expression %T", e))
}

func (c *compiler) local(v *check.Var) valueFn {
	p := c.fn.find(v)
	if v.Ref != "" {
		return func(f *frame) clr.Value { return p.get(f).O.(*clr.Ref).Get() }
	}
	i := p.index
	switch p.kind {
	case inSlot:
		return func(f *frame) clr.Value { return f.s[i] }
	case inBox:
		return func(f *frame) clr.Value { return f.b[i].v }
	}
	return func(f *frame) clr.Value { return f.up[i].v }
}

func (c *compiler) coalesce(n *check.Coalesce) valueFn {
	x, y := c.value(n.X), c.value(n.Y)
	if n.Conv == nil {
		return func(f *frame) clr.Value {
			if v := x(f); v.O != nil {
				return v
			}
			return y(f)
		}
	}
	temp, conv := c.fn.find(n.Temp), c.value(n.Conv)
	return func(f *frame) clr.Value {
		v := x(f)
		if v.O == nil {
			return y(f)
		}
		temp.set(f, v)
		return conv(f)
	}
}

func (c *compiler) condAccess(n *check.CondAccess) valueFn {
	x, temp, then := c.value(n.X), c.fn.find(n.Temp), c.value(n.Then)
	return func(f *frame) clr.Value {
		v := x(f)
		if v.O == nil {
			return clr.Null
		}
		temp.set(f, v)
		return then(f)
	}
}

func (c *compiler) initialize(n *check.Init) valueFn {
	x, temp := c.value(n.New), c.fn.find(n.Temp)
	steps := make([]func(*frame), len(n.Steps))
	for i, s := range n.Steps {
		steps[i] = c.effect(s)
	}
	return func(f *frame) clr.Value {
		v := x(f)
		temp.set(f, v)
		for _, step := range steps {
			step(f)
		}
		return temp.get(f)
	}
}

// recordSize is what an element of a tuple or anonymous object takes.
const recordSize = 40

func (c *compiler) record(n *check.Record) valueFn {
	t, elems := n.Type, c.values(n.Elems)
	return func(f *frame) clr.Value {
		f.t.Allocate(boxSize + recordSize*len(elems))
		out := make([]clr.Value, len(elems))
		for i, e := range elems {
			out[i] = e(f)
		}
		return clr.Obj(&clr.Record{T: t, Elems: out})
	}
}

func (c *compiler) values(in []check.Expr) []valueFn {
	out := make([]valueFn, len(in))
	for i, e := range in {
		out[i] = c.value(e)
	}
	return out
}

func (c *compiler) equality(n *check.Equality) valueFn {
	x, y, not := c.value(n.X), c.value(n.Y), n.Not
	return func(f *frame) clr.Value {
		a := x(f)
		return clr.Bool(same(a, y(f)) != not)
	}
}

// same is == on references. Strings are told apart by where their text lies,
// which is one place for equal constants, as in .NET.
func same(a, b clr.Value) bool {
	if a.O == clr.Object(clr.String) && b.O == a.O {
		return len(a.S) == len(b.S) && (a.S == "" || unsafe.StringData(a.S) == unsafe.StringData(b.S))
	}
	return clr.Same(a, b)
}

func (c *compiler) logical(n *check.Logical) valueFn {
	x, y, or := c.value(n.X), c.value(n.Y), n.Or
	return func(f *frame) clr.Value {
		if v := x(f); v.Bool() == or {
			return v
		}
		return y(f)
	}
}
