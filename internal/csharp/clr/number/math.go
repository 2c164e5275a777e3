package number

import (
	"cmp"
	"math"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// preciseSteps is what a function of precise.go costs.
const preciseSteps = 8

// function is a member with one number.
func function(f func(float64) float64) clr.Func {
	return func(c *clr.Call) clr.Value { return clr.Float(f(c.Args[0].Float())) }
}

// precise is a member whose function takes long.
func precise(f func(float64) float64) clr.Func {
	return func(c *clr.Call) clr.Value {
		c.Work(preciseSteps)
		return clr.Float(f(c.Args[0].Float()))
	}
}

// ofTwo is a member with two numbers.
func ofTwo(f func(a, b float64) float64) clr.Func {
	return func(c *clr.Call) clr.Value {
		c.Work(2 * preciseSteps)
		return clr.Float(f(c.Args[0].Float(), c.Args[1].Float()))
	}
}

var mathMembers = funcs{
	"System.Math.E":                               func(*clr.Call) clr.Value { return clr.Float(math.E) },
	"System.Math.PI":                              func(*clr.Call) clr.Value { return clr.Float(math.Pi) },
	"System.Math.Acos(double)":                    precise(acos),
	"System.Math.Acosh(double)":                   function(math.Acosh),
	"System.Math.Asin(double)":                    precise(asin),
	"System.Math.Asinh(double)":                   function(math.Asinh),
	"System.Math.Atan(double)":                    precise(atan),
	"System.Math.Atan2(double, double)":           ofTwo(atan2),
	"System.Math.Atanh(double)":                   function(math.Atanh),
	"System.Math.Cbrt(double)":                    precise(cbrt),
	"System.Math.Ceiling(double)":                 function(math.Ceil),
	"System.Math.Cos(double)":                     precise(cos),
	"System.Math.Cosh(double)":                    precise(cosh),
	"System.Math.Exp(double)":                     precise(exp),
	"System.Math.Floor(double)":                   function(math.Floor),
	"System.Math.IEEERemainder(double, double)":   ofTwo(math.Remainder),
	"System.Math.Log(double)":                     precise(log),
	"System.Math.Log(double, double)":             ofTwo(logOf),
	"System.Math.Log10(double)":                   precise(log10),
	"System.Math.Pow(double, double)":             ofTwo(pow),
	"System.Math.Sin(double)":                     precise(sin),
	"System.Math.Sinh(double)":                    precise(sinh),
	"System.Math.Sqrt(double)":                    function(math.Sqrt),
	"System.Math.Tan(double)":                     precise(tan),
	"System.Math.Tanh(double)":                    precise(tanh),
	"System.Math.Truncate(double)":                function(math.Trunc),
	"System.Math.Round(double)":                   function(math.RoundToEven),
	"System.Math.Round(double, int)":              func(c *clr.Call) clr.Value { return roundDouble(c, c.Int(1), 0) },
	"System.Math.Round(double, MidpointRounding)": func(c *clr.Call) clr.Value { return roundDouble(c, 0, c.Int(1)) },
	"System.Math.Round(double, int, MidpointRounding)": func(c *clr.Call) clr.Value {
		return roundDouble(c, c.Int(1), c.Int(2))
	},
	"System.Math.BigMul(int, int)":             func(c *clr.Call) clr.Value { return clr.Long(c.Args[0].Int() * c.Args[1].Int()) },
	"System.Math.DivRem(int, int, out int)":    divRem,
	"System.Math.DivRem(long, long, out long)": divRem,

	"System.Math.Ceiling(decimal)":                      decimalMembers["System.Decimal.Ceiling(decimal)"],
	"System.Math.Floor(decimal)":                        decimalMembers["System.Decimal.Floor(decimal)"],
	"System.Math.Truncate(decimal)":                     decimalMembers["System.Decimal.Truncate(decimal)"],
	"System.Math.Round(decimal)":                        decimalMembers["System.Decimal.Round(decimal)"],
	"System.Math.Round(decimal, int)":                   decimalMembers["System.Decimal.Round(decimal, int)"],
	"System.Math.Round(decimal, MidpointRounding)":      decimalMembers["System.Decimal.Round(decimal, MidpointRounding)"],
	"System.Math.Round(decimal, int, MidpointRounding)": decimalMembers["System.Decimal.Round(decimal, int, MidpointRounding)"],

	"System.Math.Abs(decimal)": func(c *clr.Call) clr.Value { return decimalValue(c, arg(c, 0).Abs()) },
	"System.Math.Abs(double)":  function(math.Abs),
	"System.Math.Abs(float)":   func(c *clr.Call) clr.Value { return clr.Single32(float32(math.Abs(c.Args[0].Float()))) },
}

// logOf is the logarithm to a base.
func logOf(a, base float64) float64 {
	if base == 1 || a != 1 && (base == 0 || math.IsInf(base, 1)) || a != a || base != base {
		return math.NaN()
	}
	return log(a) / log(base)
}

func roundDouble(c *clr.Call, digits, mode int) clr.Value {
	if digits < 0 || digits > 15 {
		c.ThrowRange("digits", "Rounding digits must be between 0 and 15, inclusive.")
	}
	return clr.Float(RoundDouble(c.Args[0].Float(), digits, midpoint(c, mode)))
}

// RoundDouble is Math.Round: it multiplies, rounds and divides, with the errors
// that this brings. Numbers of 1e16 and more stay as they are.
func RoundDouble(f float64, digits int, mode Midpoint) float64 {
	if !(math.Abs(f) < 1e16) {
		return f
	}
	power := floatTens[digits]
	f *= power
	if mode == AwayFromZero {
		whole, part := math.Modf(f)
		if math.Abs(part) >= 0.5 {
			whole += math.Copysign(1, part)
		}
		f = whole
	} else {
		f = math.RoundToEven(f)
	}
	return f / power
}

func divRem(c *clr.Call) clr.Value {
	t := c.Args[0].Type()
	q, err := clr.Arith("/", t, c.Args[0], c.Args[1], true)
	switch err {
	case clr.ByZero:
		c.Throw(clr.DivideByZeroException, "Attempted to divide by zero.")
	case clr.Overflows:
		c.ThrowOverflow()
	}
	c.Ref(2).Set(clr.Value{N: uint64(c.Args[0].Int() - q.Int()*c.Args[1].Int()), O: t})
	return q
}

// ordered types have Max, Min and Clamp.
var ordered = append([]*clr.Type{clr.Single, clr.Double, clr.Decimal}, integers...)

// mathOfTypes are the members of System.Math that are there for many types.
func mathOfTypes() funcs {
	out := funcs{}
	for _, t := range ordered {
		w, integer := widthOf(t)
		own := word(t)
		order := orderOf(t)
		out["System.Math.Max("+own+", "+own+")"] = extreme(order, 1)
		out["System.Math.Min("+own+", "+own+")"] = extreme(order, -1)
		out["System.Math.Clamp("+own+", "+own+", "+own+")"] = clamp(order)
		if integer && !w.signed {
			continue
		}
		out["System.Math.Sign("+own+")"] = sign(order, t)
		if integer {
			out["System.Math.Abs("+own+")"] = abs(w)
		}
	}
	return out
}

func orderOf(t *clr.Type) func(a, b clr.Value) int {
	switch t {
	case clr.Single, clr.Double:
		return floatOf(t).order
	case clr.Decimal:
		return decimalOf.order
	}
	m := integerOf(t)
	return func(a, b clr.Value) int { return cmp.Compare(m.order(a, b), 0) }
}

// extreme is Max or Min. Of two that are equal .NET gives the first, except for
// Min of decimals and of numbers in floating point; what is no number wins.
func extreme(order func(a, b clr.Value) int, side int) clr.Func {
	return func(c *clr.Call) clr.Value {
		a, b := c.Args[0], c.Args[1]
		if clr.IsFloat(a.Type()) {
			switch f, g := a.Float(), b.Float(); {
			case f != f:
				return a
			case g != g:
				return b
			case side > 0 && f > g, side < 0 && f < g:
				return a
			}
			return b
		}
		o := order(a, b) * side
		if o > 0 || o == 0 && side > 0 {
			return a
		}
		return b
	}
}

func clamp(order func(a, b clr.Value) int) clr.Func {
	below := func(a, b clr.Value) bool { return order(a, b) < 0 && !isNaN(a) && !isNaN(b) }
	return func(c *clr.Call) clr.Value {
		v, low, high := c.Args[0], c.Args[1], c.Args[2]
		switch {
		case below(high, low):
			c.ThrowArgument("'"+c.Thread.Text(low)+"' cannot be greater than "+c.Thread.Text(high)+".", "")
		case below(v, low):
			return low
		case below(high, v):
			return high
		}
		return v
	}
}

func isNaN(v clr.Value) bool { return clr.IsFloat(v.Type()) && v.Float() != v.Float() }

func sign(order func(a, b clr.Value) int, t *clr.Type) clr.Func {
	zero := clr.Value{O: t}
	return func(c *clr.Call) clr.Value {
		if isNaN(c.Args[0]) {
			c.Throw(clr.ArithmeticException, "Function does not accept floating point Not-a-Number values.")
		}
		return clr.Int(int32(order(c.Args[0], zero)))
	}
}

func abs(w width) clr.Func {
	return func(c *clr.Call) clr.Value {
		v := c.Args[0]
		if v.Int() >= 0 {
			return v
		}
		if w.wrap(-v.N) == v.N {
			c.Throw(clr.OverflowException, "Negating the minimum value of a twos complement number is invalid.")
		}
		return clr.Value{N: -v.N, O: v.O}
	}
}
