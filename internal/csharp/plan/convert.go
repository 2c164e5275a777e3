package plan

import (
	"fmt"

	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/number"
)

// convert plans a conversion that the language defines.
func (c *compiler) convert(n *check.Convert) valueFn {
	x := c.value(n.X)
	to, checked, at := n.Type, n.Checked, n.Span.From
	switch n.Kind {
	case check.Upcast, check.Redelegate:
		return x
	case check.Numeric:
		return func(f *frame) clr.Value {
			v := x(f)
			f.at = at
			return number.Convert(f.t, v, to, checked)
		}
	case check.LiftNumeric:
		to = to.Args[0]
		return func(f *frame) clr.Value {
			v := x(f)
			if v.O == nil {
				return v
			}
			f.at = at
			return number.Convert(f.t, v, to, checked)
		}
	case check.Downcast:
		return downcast(x, n)
	case check.Unbox:
		return unbox(x, n)
	case check.Unwrap:
		return func(f *frame) clr.Value {
			v := x(f)
			if v.O == nil {
				f.at = at
				f.noValue()
			}
			return v
		}
	}
	panic(fmt.Sprintf("plan: conversion %d", n.Kind))
}

func (f *frame) noValue() {
	f.t.Throw(clr.InvalidOperationException, "Nullable object must have a value.")
}

func downcast(x valueFn, n *check.Convert) valueFn {
	to, at := n.Type, n.Span.From
	return func(f *frame) clr.Value {
		v := x(f)
		if v.O == nil {
			return v
		}
		if t := v.O.Type(); t != to && !t.AssignableTo(to) {
			f.at = at
			f.t.ThrowCast(t, to)
		}
		return v
	}
}

// unbox takes a value out of its box: exactly its type, or an enum for its
// numbers and the other way round, as .NET allows.
func unbox(x valueFn, n *check.Convert) valueFn {
	to, at := inner(n.Type), n.Span.From
	nullable := n.Type.IsNullable()
	return func(f *frame) clr.Value {
		v := x(f)
		if v.O == nil {
			if nullable {
				return v
			}
			f.at = at
			f.t.ThrowNull()
		}
		t := v.O.Type()
		if t == to || to.Kind == clr.TupleKind && t.AssignableTo(to) {
			return v
		}
		if numbers(t) != numbers(to) || t.Kind != clr.Enum && to.Kind != clr.Enum {
			f.at = at
			f.t.ThrowCast(t, to)
		}
		v.O = to
		return v
	}
}

// numbers is the type of an enum's numbers, or the type itself.
func numbers(t *clr.Type) *clr.Type {
	switch {
	case t.Kind != clr.Enum:
		return t
	case t.Underlying == nil:
		return clr.Int32
	}
	return t.Underlying
}

// isType tests a value's own type; null is of none.
func isType(to *clr.Type) func(clr.Value) bool {
	to = inner(to)
	if to.IsValue() && to.Kind != clr.TupleKind {
		return func(v clr.Value) bool { return v.O != nil && v.O.Type() == to }
	}
	return func(v clr.Value) bool {
		if v.O == nil {
			return false
		}
		t := v.O.Type()
		return t == to || t.AssignableTo(to)
	}
}

// pattern plans a pattern as a test that gives its variable the value.
func (c *compiler) pattern(p check.Pattern) func(*frame, clr.Value) bool {
	switch p := p.(type) {
	case *check.ConstPattern:
		k := p.Value
		return func(f *frame, v clr.Value) bool { return f.t.Equal(k, v) }
	case *check.VarPattern:
		if p.Var == nil {
			return func(*frame, clr.Value) bool { return true }
		}
		to := c.fn.find(p.Var)
		return func(f *frame, v clr.Value) bool {
			to.set(f, v)
			return true
		}
	case *check.TypePattern:
		is := isType(p.To)
		if p.Var == nil {
			return func(_ *frame, v clr.Value) bool { return is(v) }
		}
		to := c.fn.find(p.Var)
		return func(f *frame, v clr.Value) bool {
			if !is(v) {
				return false
			}
			to.set(f, v)
			return true
		}
	}
	panic(fmt.Sprintf("plan: pattern %T", p))
}
