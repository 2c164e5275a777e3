package check

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

func (c *checker) logical(n *syntax.Binary) operand {
	left, right := c.rvalue(c.expr(n.X)), c.rvalue(c.expr(n.Y))
	if left.isBad() || right.isBad() {
		return wrong(n)
	}
	x, y := c.implicit(left, clr.Boolean), c.implicit(right, clr.Boolean)
	if x == nil || y == nil {
		c.errorf(n, "CS0019", "Operator '%s' cannot be applied to operands of type '%s' and '%s'", n.Op, left.describe(), right.describe())
		return wrong(n)
	}
	or := n.Op == "||"
	if kx, ok := x.(*Const); ok {
		if ky, ok := y.(*Const); ok {
			v := kx.Value.Bool() && ky.Value.Bool()
			if or {
				v = kx.Value.Bool() || ky.Value.Bool()
			}
			return c.valueOf(&Const{typed{clr.Boolean, n.Span}, clr.Bool(v)}, n)
		}
	}
	return c.valueOf(&Logical{typed{clr.Boolean, n.Span}, or, x, y}, n)
}

// coalesce is x ?? y.
func (c *checker) coalesce(n *syntax.Binary) operand {
	x, y := c.rvalue(c.expr(n.X)), c.rvalue(c.expr(n.Y))
	if x.isBad() || y.isBad() {
		return wrong(n)
	}
	if x.kind == nullValue && y.kind == value {
		return y
	}
	fail := func() operand {
		c.errorf(n, "CS0019", "Operator '??' cannot be applied to operands of type '%s' and '%s'", x.describe(), y.describe())
		return wrong(n)
	}
	if x.kind != value {
		return fail()
	}
	tx := x.typ()
	if tx.IsValue() && !tx.IsNullable() {
		return fail()
	}
	out := &Coalesce{typed: typed{Span: n.Span}, X: x.e}
	inner := tx
	if tx.IsNullable() {
		inner = tx.Args[0]
		if c.canImplicit(y, inner) {
			out.Type, out.Y = inner, c.convert(y, inner, n.Y)
			return c.valueOf(out, n)
		}
	}
	if c.canImplicit(y, tx) {
		out.Type, out.Y = tx, c.convert(y, tx, n.Y)
		return c.valueOf(out, n)
	}
	ty := y.typ()
	if ty == nil {
		return fail()
	}
	out.Temp = c.temp(inner)
	if out.Conv = c.implicit(c.valueOf(&Local{typed{inner, n.Span}, out.Temp}, n.X), ty); out.Conv == nil {
		return fail()
	}
	out.Type, out.Y = ty, y.e
	return c.valueOf(out, n)
}

func (c *checker) as(n *syntax.As) operand {
	x := c.rvalue(c.expr(n.X))
	t := c.resolve(n.Type)
	if x.isBad() || t == bad {
		return wrong(n)
	}
	if t.IsValue() && !t.IsNullable() {
		c.errorf(n, "CS0077", "The as operator must be used with a reference type or nullable type ('%s' is a non-nullable value type)", t)
		return wrong(n)
	}
	if x.kind == nullValue {
		return c.valueOf(&Const{typed{t, n.Span}, clr.Null}, n)
	}
	e := c.typedValue(x)
	if e.T() == bad {
		return wrong(n)
	}
	if e.T() == clr.Void || c.standard(e, t) == nil && c.standardExplicit(e, t, n) == nil {
		c.errorf(n, "CS0039", "Cannot convert type '%s' to '%s' via a reference conversion, boxing conversion, unboxing conversion, wrapping conversion, or null type conversion", e.T(), t)
		return wrong(n)
	}
	return c.valueOf(&As{typed{t, n.Span}, e}, n)
}
