package number

import (
	"strconv"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

var decimalOf = &members{
	t:     clr.Decimal,
	order: func(a, b clr.Value) int { return DecimalOf(a).Cmp(DecimalOf(b)) },
	hash:  func(v clr.Value) int32 { return DecimalOf(v).hash() },
	format: func(v clr.Value, format string) (string, error) {
		return DecimalOf(v).Format(format)
	},
	parse: func(s string) (clr.Value, error) { return parse(clr.Decimal, s) },
}

var decimalHooks = func() *clr.Hooks {
	h := decimalOf.hooks()
	zero := DecimalZero.Value()
	h.Zero = func(*clr.Type) clr.Value { return zero }
	return h
}()

// hash is GetHashCode(): that of the bits without zeros at the end.
func (d Decimal) hash() int32 {
	d = d.trim()
	if d.IsZero() {
		return 0
	}
	return int32(uint32(d.lo) ^ uint32(d.lo>>32) ^ d.hi ^ d.flags())
}

// flags are the scale and the sign, as decimal.GetBits gives them.
func (d Decimal) flags() uint32 {
	f := uint32(d.scale) << 16
	if d.neg {
		f |= 1 << 31
	}
	return f
}

// decimalValue pays for a new Decimal.
func decimalValue(c *clr.Call, d Decimal) clr.Value {
	c.Allocate(decimalSize)
	return d.Value()
}

func arg(c *clr.Call, i int) Decimal { return DecimalOf(c.Args[i]) }

var decimalMembers = join(decimalOf.table(), funcs{
	"System.Decimal.MaxValue": func(*clr.Call) clr.Value { return DecimalMax.Value() },
	"System.Decimal.MinValue": func(*clr.Call) clr.Value { return DecimalMin.Value() },
	"System.Decimal.MinusOne": func(*clr.Call) clr.Value { return DecimalMinusOne.Value() },
	"System.Decimal.One":      func(*clr.Call) clr.Value { return DecimalOne.Value() },
	"System.Decimal.Zero":     func(*clr.Call) clr.Value { return DecimalZero.Value() },

	"System.Decimal.Compare(decimal, decimal)":   func(c *clr.Call) clr.Value { return clr.Int(int32(arg(c, 0).Cmp(arg(c, 1)))) },
	"System.Decimal.Equals(decimal, decimal)":    func(c *clr.Call) clr.Value { return clr.Bool(arg(c, 0).Cmp(arg(c, 1)) == 0) },
	"System.Decimal.Add(decimal, decimal)":       arith("+"),
	"System.Decimal.Subtract(decimal, decimal)":  arith("-"),
	"System.Decimal.Multiply(decimal, decimal)":  arith("*"),
	"System.Decimal.Divide(decimal, decimal)":    arith("/"),
	"System.Decimal.Remainder(decimal, decimal)": arith("%"),
	"System.Decimal.Negate(decimal)":             func(c *clr.Call) clr.Value { return decimalValue(c, arg(c, 0).Neg()) },

	"System.Decimal.Ceiling(decimal)":                      func(c *clr.Call) clr.Value { return decimalValue(c, arg(c, 0).Ceiling()) },
	"System.Decimal.Floor(decimal)":                        func(c *clr.Call) clr.Value { return decimalValue(c, arg(c, 0).Floor()) },
	"System.Decimal.Truncate(decimal)":                     func(c *clr.Call) clr.Value { return decimalValue(c, arg(c, 0).Truncate()) },
	"System.Decimal.Round(decimal)":                        roundDecimal,
	"System.Decimal.Round(decimal, MidpointRounding)":      func(c *clr.Call) clr.Value { return roundDecimalBy(c, 0, c.Int(1)) },
	"System.Decimal.Round(decimal, int)":                   roundDecimal,
	"System.Decimal.Round(decimal, int, MidpointRounding)": func(c *clr.Call) clr.Value { return roundDecimalBy(c, c.Int(1), c.Int(2)) },

	"System.Decimal.FromOACurrency(long)": func(c *clr.Call) clr.Value {
		n := c.Args[0].Int()
		d := FromInt64(n)
		d.scale = 4
		if n != 0 {
			d = d.trim()
		}
		return decimalValue(c, d)
	},
	"System.Decimal.ToOACurrency(decimal)": func(c *clr.Call) clr.Value {
		d := arg(c, 0).Round(4, ToEven)
		w, neg := d.wide().scaleUp(4-int(d.scale)), d.neg
		n, err := wholeOf(w, neg)
		if err != nil {
			c.Throw(clr.OverflowException, "Value was either too large or too small for a Currency.")
		}
		return clr.Long(n)
	},
	"System.Decimal.GetBits(decimal)": func(c *clr.Call) clr.Value {
		d := arg(c, 0)
		return c.ArrayValue(clr.Int32, []clr.Value{
			clr.Int(int32(d.lo)), clr.Int(int32(d.lo >> 32)), clr.Int(int32(d.hi)), clr.Int(int32(d.flags())),
		})
	},

	"new System.Decimal(double)": convertTo(clr.Decimal),
	"new System.Decimal(float)":  convertTo(clr.Decimal),
	"new System.Decimal(int)":    convertTo(clr.Decimal),
	"new System.Decimal(uint)":   convertTo(clr.Decimal),
	"new System.Decimal(long)":   convertTo(clr.Decimal),
	"new System.Decimal(ulong)":  convertTo(clr.Decimal),
	"new System.Decimal(int, int, int, bool, byte)": func(c *clr.Call) clr.Value {
		if c.Int(4) > maxScale {
			c.ThrowRange("scale", "Decimal's scale value must be between 0 and 28, inclusive.")
		}
		lo := uint64(uint32(c.Int(0))) | uint64(uint32(c.Int(1)))<<32
		return decimalValue(c, NewDecimal(lo, uint32(c.Int(2)), c.Args[3].Bool(), c.Int(4)))
	},
	"new System.Decimal(int[])": func(c *clr.Call) clr.Value {
		bits := c.NotNull(0, "bits").(*clr.ArrayObject)
		var at [4]uint32
		for i := range min(bits.Len(), 4) {
			at[i] = uint32(bits.At(i).N)
		}
		if scale := at[3] >> 16 & 0xFF; bits.Len() != 4 || at[3]&^0x80FF0000 != 0 || scale > maxScale {
			c.ThrowArgument("Decimal byte array constructor requires an array of length four containing valid decimal bytes.", "")
		}
		return decimalValue(c, NewDecimal(uint64(at[0])|uint64(at[1])<<32, at[2], at[3]>>31 == 1, int(at[3]>>16&0xFF)))
	},
})

func arith(op string) clr.Func {
	return func(c *clr.Call) clr.Value { return Arith(c.Thread, op, c.Args[0], c.Args[1]) }
}

// convertTo is a conversion of the argument.
func convertTo(t *clr.Type) clr.Func {
	return func(c *clr.Call) clr.Value { return Convert(c.Thread, c.Args[0], t, true) }
}

// wholeOf is a number of 64 bits with a sign.
func wholeOf(w wide, neg bool) (int64, error) {
	d := Decimal{lo: w[0], hi: uint32(w[1]), neg: neg}
	if w[2] != 0 || w[1]>>32 != 0 {
		return 0, ErrOverflow
	}
	return d.Int64()
}

func roundDecimal(c *clr.Call) clr.Value { return roundDecimalBy(c, int(c.Get(1).Int()), int(ToEven)) }

func roundDecimalBy(c *clr.Call, decimals, mode int) clr.Value {
	if decimals < 0 || decimals > maxScale {
		c.ThrowRange("decimals", "Decimal can only round to between 0 and 28 digits of precision.")
	}
	return decimalValue(c, arg(c, 0).Round(decimals, midpoint(c, mode)))
}

// midpoint is a System.MidpointRounding.
func midpoint(c *clr.Call, mode int) Midpoint {
	if mode != int(ToEven) && mode != int(AwayFromZero) {
		c.ThrowArgument("The value '"+strconv.Itoa(mode)+"' is not valid for this usage of the type MidpointRounding.", "mode")
	}
	return Midpoint(mode)
}

// decimalOperators are those between Decimals.
func decimalOperators() funcs {
	out := funcs{}
	for _, op := range []string{"+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">="} {
		out["System.Decimal.operator "+op+"(decimal, decimal)"] = arith(op)
	}
	one := DecimalOne.Value()
	step := func(op string) clr.Func {
		return func(c *clr.Call) clr.Value { return Arith(c.Thread, op, c.Args[0], one) }
	}
	out["System.Decimal.operator ++(decimal)"] = step("+")
	out["System.Decimal.operator --(decimal)"] = step("-")
	out["System.Decimal.operator +(decimal)"] = self
	out["System.Decimal.operator -(decimal)"] = func(c *clr.Call) clr.Value { return decimalValue(c, arg(c, 0).Neg()) }
	return out
}

// decimalConversions are casts from and to Decimal, and its To… members.
func decimalConversions() funcs {
	out := funcs{}
	for _, t := range append([]*clr.Type{clr.Char, clr.Single, clr.Double}, integers...) {
		_, integer := widthOf(t)
		name, from := word(t), "implicit operator decimal("
		if !integer {
			from = "explicit operator decimal("
		}
		out["System.Decimal."+from+name+")"] = convertTo(clr.Decimal)
		out["System.Decimal.explicit operator "+name+"(decimal)"] = convertTo(t)
		if t != clr.Char {
			out["System.Decimal.To"+t.Name+"(decimal)"] = convertTo(t)
		}
	}
	return out
}
