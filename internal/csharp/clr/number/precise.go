package number

import (
	"math"
	"math/big"
	"sync"
)

// Go's own sine, logarithm and their kin are off by the last bit in one call of
// four, which shows where all digits are printed. Those here are computed with
// four times the digits and rounded once, and so agree with .NET's, whose
// errors are a little above half of the last bit. They take some microseconds.

// bitsOf is how many bits are computed with.
const bitsOf = 256

func real(f float64) *big.Float { return new(big.Float).SetPrec(bitsOf).SetFloat64(f) }

func newReal() *big.Float { return new(big.Float).SetPrec(bitsOf) }

// constants of mathematics, made when first needed.
var (
	realPi = sync.OnceValue(func() *big.Float {
		pi := newReal().Mul(real(16), arcOf(5, false))
		return pi.Sub(pi, newReal().Mul(real(4), arcOf(239, false)))
	})
	realLn2 = sync.OnceValue(func() *big.Float { return newReal().Mul(real(2), arcOf(3, true)) })
)

// arcOf is atan(1/n), or where hyperbolic, atanh(1/n).
func arcOf(n float64, hyperbolic bool) *big.Float {
	sum := newReal()
	power, square := newReal().Quo(real(1), real(n)), real(n*n)
	for k := 1; power.Sign() != 0 && power.MantExp(nil) > -bitsOf-8; k += 2 {
		term := newReal().Quo(power, real(float64(k)))
		if k%4 == 3 && !hyperbolic {
			term.Neg(term)
		}
		sum.Add(sum, term)
		power.Quo(power, square)
	}
	return sum
}

func rounded(x *big.Float) float64 {
	f, _ := x.Float64()
	return f
}

// realExp is e^x for an x that a float64 can hold the result of.
func realExp(x *big.Float) *big.Float {
	q := newReal().Quo(x, realLn2())
	f, _ := q.Float64()
	k := math.RoundToEven(f)
	const halvings = 8
	r := newReal().Sub(x, newReal().Mul(real(k), realLn2()))
	r.SetMantExp(r, -halvings)
	sum, term := real(1), real(1)
	for i := 1; i < 60 && term.Sign() != 0 && term.MantExp(nil) > -bitsOf; i++ {
		term.Mul(term, r)
		term.Quo(term, real(float64(i)))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum.SetMantExp(sum, int(k))
}

// realLog is the natural logarithm of a positive number.
func realLog(x *big.Float) *big.Float {
	m := newReal()
	e := x.MantExp(m)
	f, _ := m.Float64()
	y := real(math.Log(f))
	for range 2 { // each triples the digits
		p := realExp(y)
		d := newReal().Quo(newReal().Sub(m, p), newReal().Add(m, p))
		y.Add(y, d.SetMantExp(d, 1))
	}
	return y.Add(y, newReal().Mul(real(float64(e)), realLn2()))
}

// realSinCos are sine and cosine of an x that is not huge.
func realSinCos(x *big.Float) (sin, cos *big.Float) {
	half := newReal().SetMantExp(realPi(), -1)
	q, _ := newReal().Quo(x, half).Float64()
	k := math.RoundToEven(q)
	r := newReal().Sub(x, newReal().Mul(real(k), half))
	square := newReal().Mul(r, r)
	series := func(term *big.Float, from int) *big.Float {
		sum := newReal().Set(term)
		for i := from; i < 120 && term.Sign() != 0 && term.MantExp(nil) > sum.MantExp(nil)-bitsOf; i += 2 {
			term.Mul(term, square)
			term.Quo(term, real(float64(-i*(i+1))))
			sum.Add(sum, term)
		}
		return sum
	}
	sin, cos = series(newReal().Set(r), 2), series(real(1), 1)
	switch int64(k) & 3 {
	case 1:
		return cos, sin.Neg(sin)
	case 2:
		return sin.Neg(sin), cos.Neg(cos)
	case 3:
		return cos.Neg(cos), sin
	}
	return sin, cos
}

// realArc is the angle of the point (x, y), near which guess is.
func realArc(y, x *big.Float, guess float64) float64 {
	s, c := realSinCos(real(guess))
	up := newReal().Sub(newReal().Mul(y, c), newReal().Mul(x, s))
	down := newReal().Add(newReal().Mul(x, c), newReal().Mul(y, s))
	d := up.Quo(up, down)
	cube := newReal().Mul(d, newReal().Mul(d, d))
	d.Sub(d, cube.Quo(cube, real(3)))
	return rounded(d.Add(d, real(guess)))
}

// plainly reports numbers whose results the standard library gives exactly or
// nearly so: zeros, infinities, and those that are too small or too large.
func plainly(f float64) bool {
	a := math.Abs(f)
	return !(a > 0x1p-26 && a < 0x1p60)
}

func sin(f float64) float64 {
	if plainly(f) {
		return math.Sin(f)
	}
	s, _ := realSinCos(real(f))
	return rounded(s)
}

func cos(f float64) float64 {
	if plainly(f) {
		return math.Cos(f)
	}
	_, c := realSinCos(real(f))
	return rounded(c)
}

func tan(f float64) float64 {
	if plainly(f) {
		return math.Tan(f)
	}
	s, c := realSinCos(real(f))
	return rounded(s.Quo(s, c))
}

// opposite is the square root of 1 - f².
func opposite(f float64) *big.Float {
	x := real(f)
	d := newReal().Sub(real(1), newReal().Mul(x, x))
	return d.Sqrt(d)
}

func asin(f float64) float64 {
	if plainly(f) || math.Abs(f) >= 1 {
		return math.Asin(f)
	}
	return realArc(real(f), opposite(f), math.Asin(f))
}

func acos(f float64) float64 {
	if !(math.Abs(f) < 1) {
		return math.Acos(f)
	}
	return realArc(opposite(f), real(f), math.Acos(f))
}

func atan(f float64) float64 {
	if plainly(f) {
		return math.Atan(f)
	}
	return realArc(real(f), real(1), math.Atan(f))
}

func atan2(y, x float64) float64 {
	guess := math.Atan2(y, x)
	if y == 0 || x == 0 || plainly(guess) || math.IsInf(x, 0) || math.IsInf(y, 0) {
		return guess
	}
	return realArc(real(y), real(x), guess)
}

func exp(f float64) float64 {
	if plainly(f) || f > 710 || f < -746 {
		return math.Exp(f)
	}
	return rounded(realExp(real(f)))
}

// finite reports a number above zero that is not infinite.
func finite(f float64) bool { return f > 0 && f <= math.MaxFloat64 }

func log(f float64) float64 {
	if !finite(f) || f == 1 {
		return math.Log(f)
	}
	return rounded(realLog(real(f)))
}

func cbrt(f float64) float64 {
	if f == 0 || f-f != 0 {
		return f
	}
	x, z := real(f), real(math.Cbrt(f))
	for range 2 {
		square := newReal().Mul(z, z)
		d := newReal().Sub(newReal().Mul(square, z), x)
		z.Sub(z, d.Quo(d, square.Mul(square, real(3))))
	}
	return rounded(z)
}

func pow(x, y float64) float64 {
	guess := math.Pow(x, y)
	if guess == 0 || guess == 1 || guess-guess != 0 || x == 0 || y == 1 {
		return guess
	}
	p := realLog(real(math.Abs(x)))
	f := rounded(realExp(p.Mul(p, real(y))))
	return math.Copysign(f, guess)
}

// expm1 is e^x - 1, without loss near zero.
func expm1(f float64) float64 {
	if plainly(f) || f > 710 || f < -746 {
		return math.Expm1(f)
	}
	e := realExp(real(f))
	return rounded(e.Sub(e, real(1)))
}

// The hyperbolic functions and the decimal logarithm go the classical ways in
// floating point, because .NET's libraries do so and show their errors.

func sinh(f float64) float64 {
	a := math.Abs(f)
	if a < 0x1p-28 || a-a != 0 {
		return f
	}
	half := math.Copysign(0.5, f)
	if a >= 22 {
		return largeExp(half, a)
	}
	t := expm1(a)
	if a < 1 {
		return half * (2*t - float64(t*t)/(t+1))
	}
	return half * (t + t/(t+1))
}

func cosh(f float64) float64 {
	a := math.Abs(f)
	switch {
	case a-a != 0:
		return a
	case a >= 22:
		return largeExp(0.5, a)
	case a < 0.5*math.Ln2:
		t := expm1(a)
		w := 1 + t
		return 1 + float64(t*t)/(w+w)
	}
	t := exp(a)
	return 0.5*t + 0.5/t
}

// largeExp is half * e^a, also where e^a alone is too large.
func largeExp(half, a float64) float64 {
	if a < 709 {
		return half * exp(a)
	}
	w := exp(0.5 * a)
	return half * w * w
}

func tanh(f float64) float64 {
	a := math.Abs(f)
	z := 1.0
	switch {
	case f != f || a < 0x1p-55:
		return f
	case a >= 22:
	case a >= 1:
		z = 1 - 2/(expm1(2*a)+2)
	default:
		t := expm1(-2 * a)
		z = -t / (t + 2)
	}
	return math.Copysign(z, f)
}

func log10(f float64) float64 {
	if !finite(f) {
		return math.Log10(f)
	}
	// The logarithm of two in two parts, of which the higher one times an
	// exponent is exact.
	const high, low = 0x1.34413509f6p-2, 0x1.9fef311f12b36p-42
	m, e := math.Frexp(f)
	if m, e = 2*m, e-1; e < 0 {
		m, e = m/2, e+1
	}
	k := float64(e)
	return float64(float64(k*low)+float64(1/math.Ln10)*log(m)) + k*high
}
