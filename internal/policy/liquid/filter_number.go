package liquid

import (
	"math"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/number"
)

// wholeType is the wider type of two whole numbers; nil: one of them is none.
func wholeType(a, b clr.Value) *clr.Type {
	wide := clr.Int32
	for _, v := range []clr.Value{a, b} {
		switch v.Type() {
		case clr.SByte, clr.Byte, clr.Int16, clr.UInt16, clr.Int32:
		case clr.UInt32, clr.Int64:
			wide = clr.Int64
		default:
			return nil
		}
	}
	return wide
}

// calculate is an operator: of whole numbers one of them, of others a Decimal,
// and a Double where that is too small.
func calculate(f *filtering, operator string) clr.Value {
	a, b := f.scalar(f.in), f.scalar(f.args[0])
	if a.IsNull() || b.IsNull() {
		return clr.Null
	}
	if t := wholeType(a, b); t != nil {
		v, failed := clr.Arith(operator, t, clr.Number(t, a.Int()), clr.Number(t, b.Int()), true)
		switch failed {
		case clr.NoError:
			return v
		case clr.ByZero:
			f.Throw(clr.DivideByZeroException, "Attempted to divide by zero.")
		}
		f.ThrowOverflow()
	}
	var out clr.Value
	if f.tried(func() {
		out = number.Arith(f.Thread, operator, number.To(f.Thread, a, clr.Decimal), number.To(f.Thread, b, clr.Decimal))
	}) {
		return out
	}
	x, y := number.To(f.Thread, a, clr.Double).Float(), number.To(f.Thread, b, clr.Double).Float()
	switch operator {
	case "+":
		x += y
	case "-":
		x -= y
	case "*":
		x *= y
	case "/":
		x /= y
	default:
		x = math.Mod(x, y)
	}
	return clr.Float(x)
}

// plus of a text puts text behind it.
func plus(f *filtering) clr.Value {
	if s, ok := f.asText(f.in); ok {
		return f.str(s + f.arg(0))
	}
	return calculate(f, "+")
}

// times of a text and a whole number repeats it.
func times(f *filtering) clr.Value {
	s, ok := f.asText(f.in)
	n := f.scalar(f.args[0])
	if !ok || !n.Is(clr.Int32) && !n.Is(clr.Int64) {
		return calculate(f, "*")
	}
	count := f.whole(n)
	if count < 0 {
		f.ThrowRange("count", "Specified argument was out of the range of valid values.")
	}
	f.Allocate(count * valueSize)
	out := make(list, 0, count)
	for range count {
		f.Step()
		out = append(out, clr.Str(s))
	}
	return clr.Obj(out)
}

// double reads a number as Double.TryParse does.
func (f *filtering) double(v clr.Value) (float64, bool) {
	d, ok := f.become(clr.Str(f.text(v)), clr.Double)
	return d.Float(), ok
}

func abs(f *filtering) clr.Value {
	d, _ := f.double(f.in)
	return clr.Float(math.Abs(d))
}

func bound(f *filtering, least bool) clr.Value {
	a, ok := f.double(f.in)
	b, ok2 := f.double(f.args[0])
	switch {
	case !ok || !ok2:
		return f.in
	case least:
		return clr.Float(math.Max(a, b))
	}
	return clr.Float(math.Min(a, b))
}

func toWhole(f *filtering, up bool) clr.Value {
	v, ok := f.become(clr.Str(f.text(f.in)), clr.Decimal)
	if !ok || f.in.IsNull() {
		return clr.Null
	}
	d := number.DecimalOf(v)
	if up {
		return d.Ceiling().Value()
	}
	return d.Floor().Value()
}

// round rounds halves to the even digit; what is no number becomes null.
func round(f *filtering) clr.Value {
	v, ok := f.become(f.scalar(f.in), clr.Decimal)
	places := f.number(0, 0)
	if !ok || f.in.IsNull() || places < 0 || places > 28 {
		return clr.Null
	}
	return number.DecimalOf(v).Round(places, number.ToEven).Value()
}
