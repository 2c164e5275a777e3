package number

import (
	"cmp"
	"math"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// floatOf are the members of Single or Double, whose values lie in the same
// way.
func floatOf(t *clr.Type) *members {
	return &members{
		t:     t,
		order: func(a, b clr.Value) int { return cmp.Compare(a.Float(), b.Float()) },
		hash:  floatHash,
		format: func(v clr.Value, format string) (string, error) {
			if v.Is(clr.Single) {
				return FormatSingle(float32(v.Float()), format)
			}
			return FormatDouble(v.Float(), format)
		},
		parse: func(s string) (clr.Value, error) { return parse(t, s) },
	}
}

var floatHooks = floatOf(clr.Double).hooks()

// floatHash is GetHashCode(): that of the bits, where both zeros are the same,
// and all that are no numbers.
func floatHash(v clr.Value) int32 {
	f := v.Float()
	switch {
	case f == 0:
		return 0
	case v.Is(clr.Single) && f != f:
		return 0x7F800000
	case v.Is(clr.Single):
		return int32(math.Float32bits(float32(f)))
	case f != f:
		return 0x7FF00000
	}
	return width{64, true}.hash(math.Float64bits(f))
}

func floatMembers(t *clr.Type) funcs {
	own := word(t)
	is := func(f func(f float64) bool) clr.Func {
		return func(c *clr.Call) clr.Value { return clr.Bool(f(self(c).Float())) }
	}
	both := func(f func(a, b float64) bool) clr.Func {
		return func(c *clr.Call) clr.Value { return clr.Bool(f(c.Args[0].Float(), c.Args[1].Float())) }
	}
	constant := func(f float64) clr.Func {
		return func(*clr.Call) clr.Value { return clr.Value{N: math.Float64bits(f), O: t} }
	}
	smallest, largest, normal := math.SmallestNonzeroFloat64, math.MaxFloat64, 0x1p-1022
	if t == clr.Single {
		smallest, largest, normal = math.SmallestNonzeroFloat32, math.MaxFloat32, 0x1p-126
	}
	own1, own2 := "("+own+")", "("+own+", "+own+")"
	out := floatOf(t).table()
	more := funcs{
		"Epsilon":                   constant(smallest),
		"MaxValue":                  constant(largest),
		"MinValue":                  constant(-largest),
		"NaN":                       constant(math.NaN()),
		"NegativeInfinity":          constant(math.Inf(-1)),
		"PositiveInfinity":          constant(math.Inf(1)),
		"IsFinite" + own1:           is(func(f float64) bool { return f-f == 0 }),
		"IsInfinity" + own1:         is(func(f float64) bool { return math.IsInf(f, 0) }),
		"IsNaN" + own1:              is(func(f float64) bool { return f != f }),
		"IsNegative" + own1:         is(math.Signbit),
		"IsNegativeInfinity" + own1: is(func(f float64) bool { return math.IsInf(f, -1) }),
		"IsNormal" + own1:           is(func(f float64) bool { return math.Abs(f) >= normal && f-f == 0 }),
		"IsPositiveInfinity" + own1: is(func(f float64) bool { return math.IsInf(f, 1) }),
		"IsSubnormal" + own1:        is(func(f float64) bool { return f != 0 && math.Abs(f) < normal }),
		"operator !=" + own2:        both(func(a, b float64) bool { return a != b }),
		"operator <" + own2:         both(func(a, b float64) bool { return a < b }),
		"operator <=" + own2:        both(func(a, b float64) bool { return a <= b }),
		"operator ==" + own2:        both(func(a, b float64) bool { return a == b }),
		"operator >" + own2:         both(func(a, b float64) bool { return a > b }),
		"operator >=" + own2:        both(func(a, b float64) bool { return a >= b }),
	}
	for key, do := range more {
		out["System."+t.Name+"."+key] = do
	}
	return out
}
