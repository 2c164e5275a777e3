package clr

import (
	"math"
	"math/bits"
)

// Arithmetic on the types that lie in N. Decimal is that of package number.

// Wrap makes n a value of an integer type (char and enums too) by dropping the
// bits above it.
func Wrap(n uint64, t *Type) Value {
	u := t
	if t.Kind == Enum && t.Underlying != nil {
		u = t.Underlying
	}
	switch u {
	case SByte:
		n = uint64(int64(int8(n)))
	case Byte:
		n = uint64(uint8(n))
	case Int16:
		n = uint64(int64(int16(n)))
	case UInt16, Char:
		n = uint64(uint16(n))
	case Int32:
		n = uint64(int64(int32(n)))
	case UInt32:
		n = uint64(uint32(n))
	default:
		if t.Kind == Enum && t.Underlying == nil {
			n = uint64(int64(int32(n)))
		}
	}
	return Value{N: n, O: t}
}

// IsFloat reports float and double.
func IsFloat(t *Type) bool { return t == Double || t == Single }

// ConvertNumber converts between integers, char, float and double without
// checks, as C# does where nothing is checked.
func ConvertNumber(v Value, to *Type) Value {
	from := v.O.Type()
	switch {
	case IsFloat(from) && IsFloat(to):
		return floatOf(v.Float(), to)
	case IsFloat(from):
		return floatToInt(v.Float(), to)
	case to == Double || to == Single:
		if from == UInt64 {
			if to == Single {
				return floatOf(float64(float32(v.N)), to)
			}
			return floatOf(float64(v.N), to)
		}
		if to == Single {
			return floatOf(float64(float32(v.Int())), to)
		}
		return floatOf(float64(v.Int()), to)
	}
	return Wrap(v.N, to)
}

func floatOf(f float64, t *Type) Value {
	if t == Single {
		f = float64(float32(f))
	}
	return Value{N: math.Float64bits(f), O: t}
}

// floatToInt is what x64 gives: out of range, the smallest number of the wider
// type.
func floatToInt(f float64, to *Type) Value {
	switch to {
	case UInt64:
		if f >= 1<<63 && f < 1<<64 {
			return Value{N: uint64(int64(f-1<<63)) + 1<<63, O: to}
		}
		return Value{N: uint64(toInt64(f)), O: to}
	case Int64:
		return Value{N: uint64(toInt64(f)), O: to}
	case UInt32:
		return Wrap(uint64(toInt64(f)), to)
	case Int32:
		if f != f || f >= 1<<31 || f <= -1<<31-1 {
			return Value{N: 0xFFFFFFFF80000000, O: to}
		}
		return Wrap(uint64(int64(f)), to)
	}
	if f != f || f >= 1<<31 || f <= -1<<31-1 {
		return Wrap(0x80000000, to)
	}
	return Wrap(uint64(int64(f)), to)
}

func toInt64(f float64) int64 {
	if f != f || f >= 1<<63 || f < -1<<63 {
		return math.MinInt64
	}
	return int64(f)
}

// CheckNumber reports whether v is in the range of an integer type.
func CheckNumber(v Value, to *Type) bool {
	from := v.O.Type()
	if from.Kind == Enum {
		from = Int64
	}
	if to.Kind == Enum {
		if to = to.Underlying; to == nil {
			to = Int32
		}
	}
	if IsFloat(to) {
		return true
	}
	if IsFloat(from) {
		f := math.Trunc(v.Float())
		low, high := floatRange(to)
		return f >= low && f < high
	}
	got := Wrap(v.N, to)
	if got.N != v.N {
		return false
	}
	switch {
	case from == UInt64 && to != UInt64:
		return v.Int() >= 0
	case from != UInt64 && to == UInt64:
		return v.Int() >= 0
	}
	return true
}

func floatRange(t *Type) (low, high float64) {
	switch t {
	case SByte:
		return -1 << 7, 1 << 7
	case Byte:
		return 0, 1 << 8
	case Int16:
		return -1 << 15, 1 << 15
	case UInt16, Char:
		return 0, 1 << 16
	case Int32:
		return -1 << 31, 1 << 31
	case UInt32:
		return 0, 1 << 32
	case UInt64:
		return 0, 1 << 64
	}
	return -1 << 63, 1 << 63
}

// ArithError says why an operator gives no value.
type ArithError byte

// Errors of arithmetic.
const (
	NoError ArithError = iota
	ByZero
	Overflows
)

// Arith is a predefined operator on two operands of type t: + - * / % & | ^ <<
// >> and comparisons, not on decimals. A shift's right operand is an int.
func Arith(op string, t *Type, a, b Value, checked bool) (Value, ArithError) {
	switch op {
	case "==":
		return Bool(equalNumbers(t, a, b)), NoError
	case "!=":
		return Bool(!equalNumbers(t, a, b)), NoError
	case "<", ">", "<=", ">=":
		return Bool(compareNumbers(op, t, a, b)), NoError
	case "<<", ">>":
		return shift(op, t, a, b), NoError
	}
	if IsFloat(t) {
		return floatOf(floatArith(op, a.Float(), b.Float()), t), NoError
	}
	return intArith(op, t, a.N, b.N, checked)
}

func equalNumbers(t *Type, a, b Value) bool {
	if IsFloat(t) {
		return a.Float() == b.Float()
	}
	return a.N == b.N
}

func compareNumbers(op string, t *Type, a, b Value) bool {
	switch {
	case IsFloat(t):
		return ordered(op, a.Float(), b.Float())
	case t == UInt64:
		return ordered(op, a.N, b.N)
	}
	return ordered(op, a.Int(), b.Int())
}

func ordered[T int64 | uint64 | float64](op string, a, b T) bool {
	switch op {
	case "<":
		return a < b
	case ">":
		return a > b
	case "<=":
		return a <= b
	}
	return a >= b
}

func shift(op string, t *Type, a, b Value) Value {
	n := uint(b.N) & 31
	if t == Int64 || t == UInt64 {
		n = uint(b.N) & 63
	}
	if op == "<<" {
		return Wrap(a.N<<n, t)
	}
	if t == UInt64 || t == UInt32 {
		return Wrap(a.N>>n, t)
	}
	return Wrap(uint64(a.Int()>>n), t)
}

func floatArith(op string, a, b float64) float64 {
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	}
	return math.Mod(a, b)
}

func intArith(op string, t *Type, a, b uint64, checked bool) (Value, ArithError) {
	var n uint64
	over := false
	switch op {
	case "+":
		n = a + b
		if t == UInt64 {
			over = n < a
		} else {
			over = int64(a) > 0 && int64(b) > 0 && int64(n) < 0 || int64(a) < 0 && int64(b) < 0 && int64(n) >= 0
		}
	case "-":
		n = a - b
		if t == UInt64 {
			over = b > a
		} else {
			over = int64(a) >= 0 && int64(b) < 0 && int64(n) < 0 || int64(a) < 0 && int64(b) > 0 && int64(n) >= 0
		}
	case "*":
		n, over = multiply(t, a, b)
	case "/", "%":
		return divide(op, t, a, b)
	case "&":
		n = a & b
	case "|":
		n = a | b
	case "^":
		n = a ^ b
	}
	v := Wrap(n, t)
	if checked && (over || v.N != n) {
		return v, Overflows
	}
	return v, NoError
}

func multiply(t *Type, a, b uint64) (n uint64, over bool) {
	n = a * b
	if t == UInt64 {
		high, _ := bits.Mul64(a, b)
		return n, high != 0
	}
	x, y := int64(a), int64(b)
	if x == 0 || y == 0 {
		return n, false
	}
	return n, int64(n)/y != x || x == -1 && y == math.MinInt64 || y == -1 && x == math.MinInt64
}

func divide(op string, t *Type, a, b uint64) (Value, ArithError) {
	if b == 0 {
		return Value{O: t}, ByZero
	}
	if t == UInt64 {
		if op == "/" {
			return Value{N: a / b, O: t}, NoError
		}
		return Value{N: a % b, O: t}, NoError
	}
	x, y := int64(a), int64(b)
	if y == -1 {
		if op == "%" {
			if x == math.MinInt64 && t == Int64 || x == math.MinInt32 && t == Int32 {
				return Value{O: t}, Overflows
			}
			return Value{O: t}, NoError
		}
		v := Wrap(uint64(-x), t)
		if x == math.MinInt64 || int64(v.N) != -x {
			return v, Overflows
		}
		return v, NoError
	}
	if op == "/" {
		return Wrap(uint64(x/y), t), NoError
	}
	return Wrap(uint64(x%y), t), NoError
}

// Negate is unary minus, not on decimals.
func Negate(t *Type, v Value, checked bool) (Value, ArithError) {
	if IsFloat(t) {
		return floatOf(-v.Float(), t), NoError
	}
	return intArith("-", t, 0, v.N, checked)
}
