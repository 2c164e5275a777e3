package plan

import (
	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// intoFn stores a value.
type intoFn func(f *frame, to *clr.Value)

// into plans the storing of an expression's value: in a variable, as an
// argument, as what is returned. Nothing is written before all is evaluated.
//
// A Value is five words. Go copies it in halves that straddle the words that
// were just written one by one, for which the processor has to wait; so what is
// hot stores the three fields, and makes no Value where the type is known.
func (c *compiler) into(e check.Expr) intoFn {
	switch n := e.(type) {
	case *check.Const:
		v := c.interned(n.Value)
		return func(_ *frame, to *clr.Value) { *to = v }
	case *check.Local:
		if v := c.fn.find(n.Var); v.kind == inSlot && n.Var.Ref == "" {
			return func(f *frame, to *clr.Value) { store(to, &f.s[v.index]) }
		}
	case *check.Convert:
		if n.Kind == check.Upcast {
			return c.into(n.X)
		}
	}
	if !c.plain {
		if x := c.intoForm(e); x != nil {
			return x
		}
	}
	x := c.value(e)
	return func(f *frame, to *clr.Value) {
		v := x(f)
		store(to, &v)
	}
}

// store is *to = *v, field by field.
func store(to, v *clr.Value) { to.N, to.S, to.O = v.N, v.S, v.O }

// intoForm stores what has a closure of its own; nil: e has none.
func (c *compiler) intoForm(e check.Expr) intoFn {
	t := e.T()
	switch {
	case t == clr.Boolean:
		if x := c.condForm(e); x != nil {
			return func(f *frame, to *clr.Value) {
				var n uint64
				if x(f) {
					n = 1
				}
				to.N, to.S, to.O = n, "", clr.Boolean
			}
		}
	case isInt(t):
		if x := c.intForm(e); x != nil {
			return func(f *frame, to *clr.Value) {
				n := x(f)
				to.N, to.S, to.O = uint64(n), "", t
			}
		}
	case t == clr.String:
		if x := c.textForm(e); x != nil {
			return func(f *frame, to *clr.Value) {
				s, ok := x(f)
				if !ok {
					*to = clr.Null
					return
				}
				to.N, to.S, to.O = 0, s, clr.String
			}
		}
	default:
		if x := c.objectForm(e); x != nil {
			return func(f *frame, to *clr.Value) {
				o := x(f)
				to.N, to.S, to.O = 0, "", o
			}
		}
	}
	return nil
}

func (c *compiler) intos(in []check.Expr) []intoFn {
	out := make([]intoFn, len(in))
	for i, e := range in {
		out[i] = c.into(e)
	}
	return out
}
