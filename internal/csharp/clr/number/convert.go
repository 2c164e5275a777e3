package number

import (
	"math"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// bits is how an integer type lies in 64 bits.
type width struct {
	size   int // bits
	signed bool
}

// widthOf is the width of an integer type, char or enum; false: t is none.
func widthOf(t *clr.Type) (width, bool) {
	if t != nil && t.Kind == clr.Enum {
		t = t.Underlying
		if t == nil {
			t = clr.Int32
		}
	}
	switch t {
	case clr.SByte:
		return width{8, true}, true
	case clr.Byte:
		return width{8, false}, true
	case clr.Int16:
		return width{16, true}, true
	case clr.UInt16, clr.Char:
		return width{16, false}, true
	case clr.Int32:
		return width{32, true}, true
	case clr.UInt32:
		return width{32, false}, true
	case clr.Int64:
		return width{64, true}, true
	case clr.UInt64:
		return width{64, false}, true
	}
	return width{}, false
}

// wrap is n cut to the width.
func (w width) wrap(n uint64) uint64 {
	if w.size == 64 {
		return n
	}
	n <<= 64 - w.size
	if w.signed {
		return uint64(int64(n) >> (64 - w.size))
	}
	return n >> (64 - w.size)
}

// holds reports whether the integer n of width from fits w.
func (w width) holds(n uint64, from width) bool {
	if from.signed && int64(n) < 0 {
		return w.signed && w.wrap(n) == n
	}
	return w.wrap(n) == n && (!w.signed || int64(n) >= 0)
}

// Convert is C#'s (to)v between the numeric types, char and enums, checked or
// not. From a floating-point number that does not fit, unchecked gives what .NET
// gives on x64; a decimal throws always.
func Convert(t *clr.Thread, v clr.Value, to *clr.Type, checked bool) clr.Value {
	from := v.Type()
	if from == to {
		return v
	}
	if w, ok := widthOf(from); ok {
		return fromInteger(t, v.N, w, to, checked)
	}
	switch from {
	case clr.Double, clr.Single:
		return fromFloating(t, v, to, checked)
	case clr.Decimal:
		return fromDecimal(t, DecimalOf(v), to)
	}
	panic("number: " + from.FullName() + " is no number")
}

func fromInteger(t *clr.Thread, n uint64, from width, to *clr.Type, checked bool) clr.Value {
	if w, ok := widthOf(to); ok {
		if checked && !w.holds(n, from) {
			t.ThrowOverflow()
		}
		return clr.Value{N: w.wrap(n), O: to}
	}
	switch to {
	case clr.Double:
		if from.signed {
			return clr.Float(float64(int64(n)))
		}
		return clr.Float(float64(n))
	case clr.Single:
		if from.signed {
			return clr.Single32(float32(int64(n)))
		}
		return clr.Single32(float32(n))
	case clr.Decimal:
		if from.signed {
			return FromInt64(int64(n)).Value()
		}
		return FromUint64(n).Value()
	}
	panic("number: " + to.FullName() + " is no number")
}

func fromFloating(t *clr.Thread, v clr.Value, to *clr.Type, checked bool) clr.Value {
	f := v.Float()
	if w, ok := widthOf(to); ok {
		n, fits := w.truncate(f)
		if checked && !fits {
			t.ThrowOverflow()
		}
		return clr.Value{N: n, O: to}
	}
	switch to {
	case clr.Double:
		return clr.Float(f)
	case clr.Single:
		return clr.Single32(float32(f))
	case clr.Decimal:
		d, err := FromFloat64(f)
		if v.Is(clr.Single) {
			d, err = FromFloat32(float32(f))
		}
		if err != nil {
			t.Throw(clr.OverflowException, tooLarge("a", clr.Decimal))
		}
		return d.Value()
	}
	panic("number: " + to.FullName() + " is no number")
}

// truncate is f without what stands after the point, in the width; fits tells
// whether it is the same number. What does not fit becomes what the
// instructions of x64 give.
func (w width) truncate(f float64) (n uint64, fits bool) {
	whole := math.Trunc(f)
	low, high := 0.0, math.Ldexp(1, w.size)
	if w.signed {
		low, high = -math.Ldexp(1, w.size-1), math.Ldexp(1, w.size-1)
	}
	if fits = whole >= low && whole < high; fits {
		if w.signed || whole < math.MaxInt64 {
			return uint64(int64(whole)), true
		}
		return uint64(whole), true
	}
	switch {
	case w.size == 64 && !w.signed:
		return floatToUint64(whole), false
	case w.size == 64, w.size == 32 && !w.signed:
		return w.wrap(indefinite(whole, 64)), false
	}
	return w.wrap(indefinite(whole, 32)), false
}

// indefinite converts to a signed integer as cvttsd2si does: what does not fit
// is the smallest one.
func indefinite(f float64, size int) uint64 {
	limit := math.Ldexp(1, size-1)
	if f >= -limit && f < limit {
		return uint64(int64(f))
	}
	return -(uint64(1) << (size - 1))
}

// floatToUint64 is .NET's (ulong)f of a number that does not fit.
func floatToUint64(f float64) uint64 {
	if f >= math.MaxInt64 || f != f {
		return 1<<63 ^ indefinite(f-math.Ldexp(1, 63), 64)
	}
	return indefinite(f, 64)
}

func fromDecimal(t *clr.Thread, d Decimal, to *clr.Type) clr.Value {
	switch to {
	case clr.Double:
		return clr.Float(d.Float64())
	case clr.Single:
		return clr.Single32(d.Float32())
	}
	w, ok := widthOf(to)
	if !ok {
		panic("number: " + to.FullName() + " is no number")
	}
	n, err := d.integer(w)
	if err != nil {
		t.Throw(clr.OverflowException, doesNotFit(to))
	}
	return clr.Value{N: n, O: to}
}

// integer is d without what stands after the point, in the width.
func (d Decimal) integer(w width) (uint64, error) {
	if !w.signed {
		n, err := d.Uint64()
		if err == nil && w.wrap(n) != n {
			err = ErrOverflow
		}
		return n, err
	}
	n, err := d.Int64()
	if err == nil && w.wrap(uint64(n)) != uint64(n) {
		err = ErrOverflow
	}
	return uint64(n), err
}
