package number

import "math"

// Go's own sine, logarithm and their kin are off by the last bit in one call of
// four, which shows where all digits are printed. Those here are computed with
// twice the digits and rounded once, and so agree with .NET's, whose errors are
// a little above half of the last bit.

// double is a number as the sum of two: the second is below half of the last
// bit of the first.
type double struct{ hi, lo float64 }

func of(f float64) double { return double{f, 0} }

// sum is a + b, exactly.
func sum(a, b float64) double {
	s := a + b
	t := s - a
	return double{s, (a - (s - t)) + (b - t)}
}

// product is a * b, exactly.
func product(a, b float64) double {
	p := a * b
	return double{p, math.FMA(a, b, -p)}
}

func (x double) add(y double) double {
	s, t := sum(x.hi, y.hi), sum(x.lo, y.lo)
	s = sum(s.hi, s.lo+t.hi)
	return sum(s.hi, s.lo+t.lo)
}

func (x double) neg() double { return double{-x.hi, -x.lo} }

func (x double) sub(y double) double { return x.add(y.neg()) }

func (x double) mul(y double) double {
	p := product(x.hi, y.hi)
	return sum(p.hi, p.lo+(x.hi*y.lo+x.lo*y.hi))
}

func (x double) div(y double) double {
	q := of(x.hi / y.hi)
	for range 2 {
		r := x.sub(q.mul(y))
		q = q.add(of(r.hi / y.hi))
	}
	return q
}

// scaled is x * 2^e.
func (x double) scaled(e int) double { return double{math.Ldexp(x.hi, e), math.Ldexp(x.lo, e)} }

func (x double) sqrt() double {
	r := of(math.Sqrt(x.hi))
	if r.hi == 0 {
		return r
	}
	return r.add(x.sub(r.mul(r)).div(r.add(r)))
}

func (x double) float() float64 { return x.hi + x.lo }

// Constants in two parts, and the third part of half of pi.
var (
	ln2        = double{math.Ln2, 0x1.abc9e3b39803fp-56}
	halfPi     = double{math.Pi / 2, 0x1.1a62633145c07p-54}
	halfPiRest = -0x1.f1976b7ed8fbcp-110
)

// factorials are 1/n!.
var factorials = func() (f [30]double) {
	f[0] = of(1)
	for i := 1; i < len(f); i++ {
		f[i] = f[i-1].div(of(float64(i)))
	}
	return f
}()

// exp is e^x - 1, times 2^e and with 1 added where e is not zero.
func (x double) exp() (minusOne double, e int) {
	k := math.RoundToEven(x.hi / math.Ln2)
	const halvings = 6
	r := x.sub(ln2.mul(of(k))).scaled(-halvings)
	p := factorials[13]
	for i := 12; i > 0; i-- {
		p = p.mul(r).add(factorials[i])
	}
	p = p.mul(r)
	for range halvings { // (1+p)² - 1
		p = p.add(p).add(p.mul(p))
	}
	return p, int(k)
}

// power is e^x.
func (x double) power() double {
	p, e := x.exp()
	return p.add(of(1)).scaled(e)
}

// log is the natural logarithm of a positive number.
func (x double) log() double {
	m, e := math.Frexp(x.hi)
	if m < math.Sqrt2/2 {
		e--
	}
	x = x.scaled(-e)
	at := of(float64(e)).mul(ln2)
	if math.Abs(x.hi-1) < 0x1p-6 { // the series of atanh, which keeps all digits near 1
		s := x.sub(of(1)).div(x.add(of(1)))
		square, p := s.mul(s), double{}
		for i := 17; i > 0; i -= 2 {
			p = p.mul(square).add(of(1).div(of(float64(i))))
		}
		p = p.mul(s)
		return at.add(p.add(p))
	}
	y := of(math.Log(x.hi))
	p := y.power()
	d := x.sub(p).div(x.add(p))
	return at.add(y.add(d.add(d)))
}

// mostReduced is up to where sine and cosine are computed so.
const mostReduced = 1e5

// sinCos are sine and cosine of a number up to mostReduced.
func (x double) sinCos() (sin, cos double) {
	k := math.RoundToEven(x.hi / halfPi.hi)
	a, b := product(k, halfPi.hi), product(k, halfPi.lo)
	r := x.sub(a).sub(b).sub(of(k * halfPiRest))
	square := r.mul(r)
	for i := 27; i > 0; i -= 2 {
		sin = factorials[i].sub(square.mul(sin))
		cos = factorials[i-1].sub(square.mul(cos))
	}
	sin = sin.mul(r)
	switch int64(k) & 3 {
	case 1:
		return cos, sin.neg()
	case 2:
		return sin.neg(), cos.neg()
	case 3:
		return cos.neg(), sin
	}
	return sin, cos
}

// arc is the angle of the point (x, y), near which guess is.
func arc(y, x double, guess float64) float64 {
	s, c := of(guess).sinCos()
	d := y.mul(c).sub(x.mul(s)).div(x.mul(c).add(y.mul(s)))
	cube := d.mul(d).mul(d)
	return d.sub(cube.div(of(3))).add(of(guess)).float()
}

// plainly reports numbers whose results the standard library gives exactly or
// nearly so: zeros, infinities, and those that are too small.
func plainly(f float64) bool {
	a := math.Abs(f)
	return !(a > 0x1p-26 && a <= math.MaxFloat64)
}

func sin(f float64) float64 {
	if plainly(f) || math.Abs(f) > mostReduced {
		return math.Sin(f)
	}
	s, _ := of(f).sinCos()
	return s.float()
}

func cos(f float64) float64 {
	if plainly(f) || math.Abs(f) > mostReduced {
		return math.Cos(f)
	}
	_, c := of(f).sinCos()
	return c.float()
}

func tan(f float64) float64 {
	if plainly(f) || math.Abs(f) > mostReduced {
		return math.Tan(f)
	}
	s, c := of(f).sinCos()
	return s.div(c).float()
}

// opposite is the square root of 1 - f².
func opposite(f float64) double { return of(1).sub(product(f, f)).sqrt() }

func asin(f float64) float64 {
	if plainly(f) || math.Abs(f) >= 1 {
		return math.Asin(f)
	}
	return arc(of(f), opposite(f), math.Asin(f))
}

func acos(f float64) float64 {
	if !(math.Abs(f) < 1) {
		return math.Acos(f)
	}
	return arc(opposite(f), of(f), math.Acos(f))
}

func atan(f float64) float64 {
	if plainly(f) || math.Abs(f) > 0x1p200 {
		return math.Atan(f)
	}
	return arc(of(f), of(1), math.Atan(f))
}

func atan2(y, x float64) float64 {
	guess := math.Atan2(y, x)
	_, ey := math.Frexp(y)
	_, ex := math.Frexp(x)
	if y == 0 || x == 0 || plainly(guess) || math.IsInf(x, 0) || math.IsInf(y, 0) || ey-ex > 200 || ex-ey > 200 {
		return guess
	}
	return arc(of(y).scaled(-ex), of(x).scaled(-ex), guess)
}

func exp(f float64) float64 {
	if plainly(f) || f > 710 || f < -700 {
		return math.Exp(f)
	}
	p, e := of(f).exp()
	return math.Ldexp(p.add(of(1)).float(), e)
}

// finite reports a number above zero that is not infinite.
func finite(f float64) bool { return f > 0 && f <= math.MaxFloat64 }

func log(f float64) float64 {
	if !finite(f) || f == 1 {
		return math.Log(f)
	}
	return logOfFloat(f).float()
}

// logOfFloat is the logarithm of a number that may be as small as any.
func logOfFloat(f float64) double {
	m, e := math.Frexp(f)
	if e < -1000 || e > 1000 {
		return of(m).log().add(of(float64(e)).mul(ln2))
	}
	return of(f).log()
}

func cbrt(f float64) float64 {
	if f == 0 || f-f != 0 {
		return f
	}
	m, e := math.Frexp(f)
	for ; e%3 != 0; e++ {
		m /= 2
	}
	z := of(math.Cbrt(m))
	square := z.mul(z)
	d := square.mul(z).sub(of(m)).div(square.mul(of(3)))
	return math.Ldexp(z.sub(d).float(), e/3)
}

func pow(x, y float64) float64 {
	guess := math.Pow(x, y)
	a := math.Abs(guess)
	if guess == 1 || guess-guess != 0 || x == 0 || y == 1 || a < 0x1p-960 || math.IsInf(y, 0) {
		return guess
	}
	p, e := logOfFloat(math.Abs(x)).mul(of(y)).exp()
	return math.Copysign(math.Ldexp(p.add(of(1)).float(), e), guess)
}

// expm1 is e^x - 1, without loss near zero.
func expm1(f float64) float64 {
	if plainly(f) || f > 710 || f < -746 {
		return math.Expm1(f)
	}
	p, e := of(f).exp()
	if e == 0 {
		return p.float()
	}
	return p.add(of(1)).scaled(e).sub(of(1)).float()
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
