package plan

import (
	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/number"
)

// arith throws what an operator's error is in .NET.
func (f *frame) arith(e clr.ArithError) {
	switch e {
	case clr.ByZero:
		f.t.Throw(clr.DivideByZeroException, "Attempted to divide by zero.")
	case clr.Overflows:
		f.t.ThrowOverflow()
	}
}

// inner is what a nullable holds, or the type itself.
func inner(t *clr.Type) *clr.Type {
	if t.IsNullable() {
		return t.Args[0]
	}
	return t
}

func isComparison(op string) bool {
	switch op {
	case "==", "!=", "<", ">", "<=", ">=":
		return true
	}
	return false
}

// operator is a predefined operator on two values that are not null.
func (c *compiler) operator(n *check.Binary) func(f *frame, a, b clr.Value) clr.Value {
	op, t, checked, at := n.Op, n.Operand, n.Checked, n.Span.From
	if t.Kind == clr.Delegate {
		return func(f *frame, a, b clr.Value) clr.Value { return f.combine(op, a, b) }
	}
	if t == clr.Decimal {
		return func(f *frame, a, b clr.Value) clr.Value {
			f.at = at
			return number.Arith(f.t, op, a, b)
		}
	}
	if isComparison(op) {
		return func(_ *frame, a, b clr.Value) clr.Value {
			v, _ := clr.Arith(op, t, a, b, false)
			return v
		}
	}
	result := inner(n.Type)
	return func(f *frame, a, b clr.Value) clr.Value {
		v, err := clr.Arith(op, t, a, b, checked)
		if err != clr.NoError {
			f.at = at
			f.arith(err)
		}
		v.O = result
		return v
	}
}

func (c *compiler) binary(n *check.Binary) valueFn {
	x, y, do := c.value(n.X), c.value(n.Y), c.operator(n)
	if !n.Lifted {
		return func(f *frame) clr.Value {
			a := x(f)
			return do(f, a, y(f))
		}
	}
	if n.Operand == clr.Boolean && (n.Op == "&" || n.Op == "|") {
		or := n.Op == "|"
		return func(f *frame) clr.Value {
			a := x(f)
			return threeValued(a, y(f), or)
		}
	}
	null := liftedNull(n.Op)
	return func(f *frame) clr.Value {
		a := x(f)
		b := y(f)
		if a.O == nil || b.O == nil {
			return null(a, b)
		}
		return do(f, a, b)
	}
}

// liftedNull is what an operator on nullables gives where one is null.
func liftedNull(op string) func(a, b clr.Value) clr.Value {
	switch {
	case op == "==":
		return func(a, b clr.Value) clr.Value { return clr.Bool(a.O == nil && b.O == nil) }
	case op == "!=":
		return func(a, b clr.Value) clr.Value { return clr.Bool(a.O != nil || b.O != nil) }
	case isComparison(op):
		return func(clr.Value, clr.Value) clr.Value { return clr.Bool(false) }
	}
	return func(clr.Value, clr.Value) clr.Value { return clr.Null }
}

// threeValued is & and | of bool?: null is what is not known.
func threeValued(a, b clr.Value, or bool) clr.Value {
	for _, v := range []clr.Value{a, b} {
		if v.O != nil && v.Bool() == or {
			return v
		}
	}
	if a.O == nil {
		return a
	}
	return b
}

// lifted is a user-defined operator on nullables.
func (c *compiler) lifted(n *check.Lifted) valueFn {
	if n.M.Do == nil {
		c.unbuilt(n.M, n.Span)
		return nil
	}
	do, at, m := n.M.Do, n.Span.From, n.M
	null := liftedNull(n.Op)
	x := c.value(n.X)
	y := func(*frame) clr.Value { return clr.Bool(true) }
	count := 1
	if n.Y != nil {
		y, count = c.value(n.Y), 2
	}
	return func(f *frame) clr.Value {
		a := x(f)
		b := y(f)
		if a.O == nil || b.O == nil {
			return null(a, b)
		}
		f.at = at
		f.t.Step()
		k := f.r.take(count)
		k.Args[0] = a
		if count > 1 {
			k.Args[1] = b
		}
		k.Thread, k.Types, k.In, k.Result = f.t, nil, m.Declaring, m.Result
		v := do(&k.Call)
		f.r.give(k)
		return v
	}
}

func (c *compiler) unary(n *check.Unary) valueFn {
	x, do := c.value(n.X), c.unaryOperator(n)
	if !n.Lifted {
		return func(f *frame) clr.Value { return do(f, x(f)) }
	}
	return func(f *frame) clr.Value {
		v := x(f)
		if v.O == nil {
			return v
		}
		return do(f, v)
	}
}

func (c *compiler) unaryOperator(n *check.Unary) func(*frame, clr.Value) clr.Value {
	t, checked, at := inner(n.Type), n.Checked, n.Span.From
	switch n.Op {
	case "!":
		return func(_ *frame, v clr.Value) clr.Value { return clr.Bool(!v.Bool()) }
	case "~":
		return func(_ *frame, v clr.Value) clr.Value { return clr.Wrap(^v.N, t) }
	case "-":
		if t == clr.Decimal {
			return func(_ *frame, v clr.Value) clr.Value { return number.DecimalOf(v).Neg().Value() }
		}
		return func(f *frame, v clr.Value) clr.Value {
			v, err := clr.Negate(t, v, checked)
			if err != clr.NoError {
				f.at = at
				f.arith(err)
			}
			return v
		}
	}
	return func(_ *frame, v clr.Value) clr.Value { return v }
}
