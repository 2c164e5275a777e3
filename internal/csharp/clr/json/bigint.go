package json

import (
	"math/big"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/number"
)

// bigInteger is a System.Numerics.BigInteger: an integer of a text that is
// beyond 64 bits. Its digits are at most maxInteger, so that none of this is
// long.
type bigInteger struct{ n *big.Int }

// Type is System.Numerics.BigInteger.
func (*bigInteger) Type() *clr.Type { return BigIntegerType }

func bigHooks() *clr.Hooks {
	return &clr.Hooks{
		Text: func(_ *clr.Thread, v clr.Value) string { return v.O.(*bigInteger).n.String() },
		Format: func(t *clr.Thread, v clr.Value, format string) string {
			switch format {
			case "", "G", "g", "D", "d", "R", "r":
				return v.O.(*bigInteger).n.String()
			}
			t.ThrowFormat("Format specifier was invalid.")
			return ""
		},
		Equal: func(_ *clr.Thread, v, o clr.Value) bool {
			b, ok := o.O.(*bigInteger)
			return ok && v.O.(*bigInteger).n.Cmp(b.n) == 0
		},
		Hash: func(t *clr.Thread, v clr.Value) uint64 { return t.Hash(clr.Str(v.O.(*bigInteger).n.String())) },
		Compare: func(_ *clr.Thread, v, o clr.Value) int {
			return v.O.(*bigInteger).n.Cmp(o.O.(*bigInteger).n)
		},
	}
}

// toBig is an integer, a number cut to one, or a text as a BigInteger.
func toBig(t *clr.Thread, v clr.Value) *big.Int {
	switch v.Type() {
	case BigIntegerType:
		return v.O.(*bigInteger).n
	case clr.String:
		if n, ok := new(big.Int).SetString(v.S, 10); ok && len(v.S) < 1000 {
			return n
		}
		t.ThrowFormat("The value could not be parsed.")
	case clr.Double, clr.Single:
		f := v.Float()
		if f != f {
			throwOverflow(t, "BigInteger cannot represent the NaN value.")
		}
		if f-f != 0 {
			throwOverflow(t, "BigInteger cannot represent infinity.")
		}
		n, _ := big.NewFloat(f).Int(nil)
		return n
	case clr.Decimal:
		text := t.Text(v)
		r, ok := new(big.Rat).SetString(text)
		if ok {
			return new(big.Int).Quo(r.Num(), r.Denom())
		}
	case clr.UInt64:
		return new(big.Int).SetUint64(v.N)
	case clr.Int64, clr.Int32, clr.UInt32:
		return big.NewInt(v.Int())
	}
	t.Throw(clr.InvalidCastException, "Cannot convert "+v.Type().FullName()+" to BigInteger.")
	return nil
}

// fromBig is a BigInteger as a number of a simple type; what does not fit
// throws.
func fromBig(t *clr.Thread, n *big.Int, to *clr.Type) clr.Value {
	switch to {
	case clr.Double, clr.Single:
		f, _ := new(big.Float).SetInt(n).Float64()
		if to == clr.Single {
			return clr.Single32(float32(f))
		}
		return clr.Float(f)
	case clr.Decimal:
		d, err := number.ParseDecimal(n.String())
		if err != nil {
			throwOverflow(t, "Value was either too large or too small for a Decimal.")
		}
		return d.Value()
	}
	small := to == clr.Byte || to == clr.SByte || to == clr.Int16 || to == clr.UInt16 || to == clr.Char
	if small && !(n.IsInt64() && clr.CheckNumber(clr.Long(n.Int64()), clr.Int32)) {
		throwTooLarge(t, clr.Int32) // .NET goes by way of an int
	}
	var v clr.Value
	switch {
	case n.IsInt64():
		v = clr.Long(n.Int64())
	case n.IsUint64():
		v = clr.Value{N: n.Uint64(), O: clr.UInt64}
	default:
		throwTooLarge(t, to)
	}
	if !clr.CheckNumber(v, to) {
		if small {
			t.ThrowOverflow()
		}
		throwTooLarge(t, to)
	}
	return clr.ConvertNumber(v, to)
}

// throwTooLarge says that a number does not fit an int, uint, long or ulong.
func throwTooLarge(t *clr.Thread, to *clr.Type) {
	article := "an "
	if to == clr.UInt32 || to == clr.UInt64 {
		article = "a "
	}
	throwOverflow(t, "Value was either too large or too small for "+article+to.Name+".")
}

func throwOverflow(t *clr.Thread, message string) { t.Throw(clr.OverflowException, message) }
