package plan

import (
	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// cond plans an expression whose type is bool.
func (c *compiler) cond(e check.Expr) boolFn {
	switch n := e.(type) {
	case *check.Const:
		b := n.Value.Bool()
		return func(*frame) bool { return b }
	case *check.Local:
		if v := c.fn.find(n.Var); v.kind == inSlot && n.Var.Ref == "" {
			return func(f *frame) bool { return f.s[v.index].N != 0 }
		}
	}
	if !c.plain {
		if x := c.condForm(e); x != nil {
			return x
		}
	}
	x := c.value(e)
	return func(f *frame) bool { return x(f).N != 0 }
}

// condForm plans what has a closure of its own for bools; nil: it has none.
func (c *compiler) condForm(e check.Expr) boolFn {
	switch n := e.(type) {
	case *check.Logical:
		x, y := c.cond(n.X), c.cond(n.Y)
		if n.Or {
			return func(f *frame) bool { return x(f) || y(f) }
		}
		return func(f *frame) bool { return x(f) && y(f) }
	case *check.Unary:
		if n.Op == "!" && !n.Lifted {
			x := c.cond(n.X)
			return func(f *frame) bool { return !x(f) }
		}
	case *check.Ternary:
		cond, a, b := c.cond(n.C), c.cond(n.A), c.cond(n.B)
		return func(f *frame) bool {
			if cond(f) {
				return a(f)
			}
			return b(f)
		}
	case *check.Binary:
		if !n.Lifted {
			return c.compare(n)
		}
	case *check.IsNull:
		return c.isNull(n)
	case *check.Get, *check.Call:
		return c.condFast(e)
	}
	return nil
}

func (c *compiler) isNull(n *check.IsNull) boolFn {
	not := n.Not
	if n.X.T() == clr.String {
		x := c.text(n.X)
		return func(f *frame) bool {
			_, ok := x(f)
			return ok == not
		}
	}
	x := c.value(n.X)
	return func(f *frame) bool { return (x(f).O == nil) != not }
}

// condFast calls members on strings that give a bool.
func (c *compiler) condFast(e check.Expr) boolFn {
	switch do := fastOf(e).(type) {
	case func(string) bool:
		in := operands(e)
		x, slow, at := c.text(in[0]), c.slow(e), e.At().From
		return func(f *frame) bool {
			s, ok := x(f)
			f.at = at
			f.through(s)
			if !ok {
				return slow(f, clr.Null, clr.Null).Bool()
			}
			return do(s)
		}
	case func(string, string) bool:
		in := operands(e)
		if k, ok := in[1].(*check.Const); ok && k.Value.O != nil {
			return c.condFastConst(e, do, c.interned(k.Value))
		}
		x, y, slow, at := c.text(in[0]), c.text(in[1]), c.slow(e), e.At().From
		return func(f *frame) bool {
			s, ok := x(f)
			u, okay := y(f)
			f.at = at
			f.through(s)
			if !ok || !okay {
				return slow(f, textValue(s, ok), textValue(u, okay)).Bool()
			}
			return do(s, u)
		}
	}
	return nil
}

// condFastConst is condFast for a constant as the second string; a variable as
// the first one is read where it lies.
func (c *compiler) condFastConst(e check.Expr, do func(a, b string) bool, k clr.Value) boolFn {
	first := operands(e)[0]
	x, slow, at, u := c.text(first), c.slow(e), e.At().From, k.S
	if i, ok := c.slot(first); ok {
		return func(f *frame) bool {
			p := &f.s[i]
			f.at = at
			f.through(p.S)
			if p.O == nil {
				return slow(f, clr.Null, k).Bool()
			}
			return do(p.S, u)
		}
	}
	return func(f *frame) bool {
		s, ok := x(f)
		f.at = at
		f.through(s)
		if !ok {
			return slow(f, clr.Null, k).Bool()
		}
		return do(s, u)
	}
}

// compare plans comparisons of numbers, and logic on bools; nil: the operands
// are others.
func (c *compiler) compare(n *check.Binary) boolFn {
	switch {
	case n.Operand == clr.Boolean:
		return c.logic(n)
	case !isComparison(n.Op):
		return nil
	case isInt(n.Operand):
		return c.compareInts(n)
	case clr.IsFloat(n.Operand):
		return c.compareFloats(n)
	}
	return nil
}

func (c *compiler) logic(n *check.Binary) boolFn {
	x, y := c.cond(n.X), c.cond(n.Y)
	switch n.Op {
	case "&":
		return func(f *frame) bool { a := x(f); b := y(f); return a && b }
	case "|":
		return func(f *frame) bool { a := x(f); b := y(f); return a || b }
	case "==":
		return func(f *frame) bool { a := x(f); return a == y(f) }
	}
	return func(f *frame) bool { a := x(f); return a != y(f) } // != and ^
}

func (c *compiler) compareInts(n *check.Binary) boolFn {
	x, y := c.int(n.X), c.int(n.Y)
	if numbers(n.Operand) == clr.UInt64 {
		if f := orderUnsigned(n.Op, x, y); f != nil {
			return f
		}
	}
	if k, ok := n.Y.(*check.Const); ok {
		return compareConst(n.Op, x, k.Value.Int())
	}
	switch n.Op {
	case "==":
		return func(f *frame) bool { a := x(f); return a == y(f) }
	case "!=":
		return func(f *frame) bool { a := x(f); return a != y(f) }
	case "<":
		return func(f *frame) bool { a := x(f); return a < y(f) }
	case ">":
		return func(f *frame) bool { a := x(f); return a > y(f) }
	case "<=":
		return func(f *frame) bool { a := x(f); return a <= y(f) }
	}
	return func(f *frame) bool { a := x(f); return a >= y(f) }
}

func compareConst(op string, x intFn, k int64) boolFn {
	switch op {
	case "==":
		return func(f *frame) bool { return x(f) == k }
	case "!=":
		return func(f *frame) bool { return x(f) != k }
	case "<":
		return func(f *frame) bool { return x(f) < k }
	case ">":
		return func(f *frame) bool { return x(f) > k }
	case "<=":
		return func(f *frame) bool { return x(f) <= k }
	}
	return func(f *frame) bool { return x(f) >= k }
}

// orderUnsigned compares numbers of 64 bits without a sign; nil: it makes no
// difference for op.
func orderUnsigned(op string, x, y intFn) boolFn {
	switch op {
	case "<":
		return func(f *frame) bool { a := uint64(x(f)); return a < uint64(y(f)) }
	case ">":
		return func(f *frame) bool { a := uint64(x(f)); return a > uint64(y(f)) }
	case "<=":
		return func(f *frame) bool { a := uint64(x(f)); return a <= uint64(y(f)) }
	case ">=":
		return func(f *frame) bool { a := uint64(x(f)); return a >= uint64(y(f)) }
	}
	return nil
}

func (c *compiler) compareFloats(n *check.Binary) boolFn {
	x, y := c.float(n.X), c.float(n.Y)
	switch n.Op {
	case "==":
		return func(f *frame) bool { a := x(f); return a == y(f) }
	case "!=":
		return func(f *frame) bool { a := x(f); return a != y(f) }
	case "<":
		return func(f *frame) bool { a := x(f); return a < y(f) }
	case ">":
		return func(f *frame) bool { a := x(f); return a > y(f) }
	case "<=":
		return func(f *frame) bool { a := x(f); return a <= y(f) }
	}
	return func(f *frame) bool { a := x(f); return a >= y(f) }
}
