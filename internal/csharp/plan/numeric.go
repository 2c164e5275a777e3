package plan

import (
	"math"

	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// isInt reports types that lie in N: integers, char and enums.
func isInt(t *clr.Type) bool {
	switch t {
	case clr.Int32, clr.Int64, clr.UInt32, clr.UInt64, clr.Char, clr.Byte, clr.SByte, clr.Int16, clr.UInt16:
		return true
	}
	return t.Kind == clr.Enum
}

// int plans an expression whose value lies in N.
func (c *compiler) int(e check.Expr) intFn {
	switch n := e.(type) {
	case *check.Const:
		k := n.Value.Int()
		return func(*frame) int64 { return k }
	case *check.Local:
		if v := c.fn.find(n.Var); v.kind == inSlot && n.Var.Ref == "" {
			return func(f *frame) int64 { return int64(f.s[v.index].N) }
		}
	}
	if !c.plain {
		if x := c.intForm(e); x != nil {
			return x
		}
	}
	x := c.value(e)
	return func(f *frame) int64 { return int64(x(f).N) }
}

// intForm plans what has a closure of its own for integers; nil: it has none.
func (c *compiler) intForm(e check.Expr) intFn {
	switch n := e.(type) {
	case *check.Binary:
		if !n.Lifted && isInt(n.Operand) && n.Operand.Kind != clr.Enum {
			return c.intBinary(n)
		}
	case *check.Unary:
		if !n.Lifted && !n.Checked && n.Type.Kind != clr.Enum {
			return c.intUnary(n)
		}
	case *check.Convert:
		if n.Kind == check.Numeric && !n.Checked && isInt(n.X.T()) {
			x, wrap := c.int(n.X), wrapper(n.Type)
			if wrap == nil {
				return x
			}
			return func(f *frame) int64 { return wrap(x(f)) }
		}
	case *check.Ternary:
		cond, a, b := c.cond(n.C), c.int(n.A), c.int(n.B)
		return func(f *frame) int64 {
			if cond(f) {
				return a(f)
			}
			return b(f)
		}
	case *check.Get, *check.Call:
		if do, ok := fastOf(e).(func(string) int32); ok {
			in := operands(e)
			x, slow, at := c.text(in[0]), c.slow(e), e.At().From
			return func(f *frame) int64 {
				s, ok := x(f)
				f.at = at
				f.through(s)
				if !ok {
					return slow(f, clr.Null, clr.Null).Int()
				}
				return int64(do(s))
			}
		}
	}
	return nil
}

// wrapper drops the bits above a type; nil: it has all of them.
func wrapper(t *clr.Type) func(int64) int64 {
	switch numbers(t) {
	case clr.SByte:
		return func(n int64) int64 { return int64(int8(n)) }
	case clr.Byte:
		return func(n int64) int64 { return int64(uint8(n)) }
	case clr.Int16:
		return func(n int64) int64 { return int64(int16(n)) }
	case clr.UInt16, clr.Char:
		return func(n int64) int64 { return int64(uint16(n)) }
	case clr.Int32:
		return func(n int64) int64 { return int64(int32(n)) }
	case clr.UInt32:
		return func(n int64) int64 { return int64(uint32(n)) }
	}
	return nil
}

func (c *compiler) intUnary(n *check.Unary) intFn {
	x, wrap := c.int(n.X), wrapper(n.Type)
	if wrap == nil {
		wrap = func(n int64) int64 { return n }
	}
	switch n.Op {
	case "-":
		return func(f *frame) int64 { return wrap(-x(f)) }
	case "~":
		return func(f *frame) int64 { return wrap(^x(f)) }
	}
	return x
}

// intBinary plans arithmetic. What policies do most has closures of its own.
func (c *compiler) intBinary(n *check.Binary) intFn {
	x, y := c.int(n.X), c.int(n.Y)
	if n.Operand == clr.Int32 && !n.Checked {
		if k, ok := n.Y.(*check.Const); ok {
			if f := int32Const(n.Op, x, int32(k.Value.Int())); f != nil {
				return f
			}
		}
		if f := int32Binary(n.Op, x, y); f != nil {
			return f
		}
	}
	if (n.Operand == clr.Int64 || n.Operand == clr.UInt64) && !n.Checked {
		if f := int64Binary(n.Op, x, y); f != nil {
			return f
		}
	}
	op, t, checked, at := n.Op, n.Operand, n.Checked, n.Span.From
	return func(f *frame) int64 {
		a := x(f)
		b := y(f)
		v, err := clr.Arith(op, t, clr.Value{N: uint64(a)}, clr.Value{N: uint64(b)}, checked)
		if err != clr.NoError {
			f.at = at
			f.arith(err)
		}
		return int64(v.N)
	}
}

func int32Const(op string, x intFn, k int32) intFn {
	switch op {
	case "+":
		return func(f *frame) int64 { return int64(int32(x(f)) + k) }
	case "-":
		return func(f *frame) int64 { return int64(int32(x(f)) - k) }
	case "*":
		return func(f *frame) int64 { return int64(int32(x(f)) * k) }
	case "%":
		if k > 0 {
			return func(f *frame) int64 { return int64(int32(x(f)) % k) }
		}
	case "/":
		if k > 0 {
			return func(f *frame) int64 { return int64(int32(x(f)) / k) }
		}
	}
	return nil
}

func int32Binary(op string, x, y intFn) intFn {
	switch op {
	case "+":
		return func(f *frame) int64 { a := int32(x(f)); return int64(a + int32(y(f))) }
	case "-":
		return func(f *frame) int64 { a := int32(x(f)); return int64(a - int32(y(f))) }
	case "*":
		return func(f *frame) int64 { a := int32(x(f)); return int64(a * int32(y(f))) }
	}
	return bitsBinary(op, x, y)
}

func int64Binary(op string, x, y intFn) intFn {
	switch op {
	case "+":
		return func(f *frame) int64 { a := x(f); return a + y(f) }
	case "-":
		return func(f *frame) int64 { a := x(f); return a - y(f) }
	case "*":
		return func(f *frame) int64 { a := x(f); return a * y(f) }
	}
	return bitsBinary(op, x, y)
}

// bitsBinary are operators whose result needs no wrapping.
func bitsBinary(op string, x, y intFn) intFn {
	switch op {
	case "&":
		return func(f *frame) int64 { a := x(f); return a & y(f) }
	case "|":
		return func(f *frame) int64 { a := x(f); return a | y(f) }
	case "^":
		return func(f *frame) int64 { a := x(f); return a ^ y(f) }
	}
	return nil
}

func floatValue(t *clr.Type, x float64) clr.Value {
	return clr.Value{N: math.Float64bits(x), O: t}
}

// float plans an expression whose type is double or float.
func (c *compiler) float(e check.Expr) floatFn {
	switch n := e.(type) {
	case *check.Const:
		k := n.Value.Float()
		return func(*frame) float64 { return k }
	case *check.Local:
		if v := c.fn.find(n.Var); v.kind == inSlot && n.Var.Ref == "" {
			return func(f *frame) float64 { return math.Float64frombits(f.s[v.index].N) }
		}
	}
	if !c.plain {
		if x := c.floatForm(e); x != nil {
			return x
		}
	}
	x := c.value(e)
	return func(f *frame) float64 { return math.Float64frombits(x(f).N) }
}

// floatForm plans what has a closure of its own for double and float; nil: it
// has none.
func (c *compiler) floatForm(e check.Expr) floatFn {
	switch n := e.(type) {
	case *check.Binary:
		if !n.Lifted && clr.IsFloat(n.Operand) {
			return c.floatBinary(n)
		}
	case *check.Unary:
		if !n.Lifted && n.Op == "-" {
			x := c.float(n.X)
			return func(f *frame) float64 { return -x(f) }
		}
	case *check.Convert:
		return c.floatConvert(n)
	case *check.Ternary:
		cond, a, b := c.cond(n.C), c.float(n.A), c.float(n.B)
		return func(f *frame) float64 {
			if cond(f) {
				return a(f)
			}
			return b(f)
		}
	}
	return nil
}

// floatConvert plans what is exact, or rounds as .NET does, without more.
func (c *compiler) floatConvert(n *check.Convert) floatFn {
	from := n.X.T()
	if n.Kind != check.Numeric || n.Type != clr.Double {
		return nil
	}
	switch {
	case clr.IsFloat(from):
		return c.float(n.X)
	case isInt(from) && numbers(from) != clr.UInt64:
		x := c.int(n.X)
		return func(f *frame) float64 { return float64(x(f)) }
	}
	return nil
}

func (c *compiler) floatBinary(n *check.Binary) floatFn {
	x, y := c.float(n.X), c.float(n.Y)
	round := func(a float64) float64 { return a }
	if n.Operand == clr.Single {
		round = func(a float64) float64 { return float64(float32(a)) }
	}
	switch n.Op {
	case "+":
		return func(f *frame) float64 { a := x(f); return round(a + y(f)) }
	case "-":
		return func(f *frame) float64 { a := x(f); return round(a - y(f)) }
	case "*":
		return func(f *frame) float64 { a := x(f); return round(a * y(f)) }
	case "/":
		return func(f *frame) float64 { a := x(f); return round(a / y(f)) }
	}
	return func(f *frame) float64 { a := x(f); return round(math.Mod(a, y(f))) }
}
