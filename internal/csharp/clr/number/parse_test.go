package number

import (
	"context"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

func newThread() *clr.Thread {
	t := &clr.Thread{Now: time.Now}
	t.Start(context.Background(), clr.DefaultLimits())
	return t
}

// thrown is the exception or limit that f ends with; nil: none.
func thrown(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = r.(error)
		}
	}()
	f()
	return nil
}

// FuzzParse: what one number type takes, the wider ones take too and read the
// same; what is read and printed is read again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"1", "-5", " +7 ", "1,234.50", "1e3", "5-", "NaN", "0x1", "99999999999999999999", "1\x00", ".5", "1e-400", "-0.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		i, err := parseInteger(s, width{64, true})
		d, errD := ParseDecimalText(s)
		g, errG := ParseDouble(s)
		if err == nil {
			if n, e := d.Int64(); errD != nil || e != nil || n != int64(i) {
				t.Fatalf("%q: %d, as decimal %v (%v)", s, int64(i), d, errD)
			}
			if errG != nil || g != float64(int64(i)) {
				t.Fatalf("%q: %d, as double %v (%v)", s, int64(i), g, errG)
			}
		}
		for _, e := range []error{err, errD, errG} {
			if e != nil && e != ErrFormat && e != ErrOverflow {
				t.Fatalf("%q: %v", s, e)
			}
		}
		if errG == nil {
			again, err := ParseDouble(DoubleText(g))
			if err != nil || again != g && g == g {
				t.Fatalf("%q: %v is %q and that is %v (%v)", s, g, DoubleText(g), again, err)
			}
		}
		if errD == nil {
			if again, err := ParseDecimalText(d.String()); err != nil || again.Cmp(d) != 0 {
				t.Fatalf("%q: %v and then %v (%v)", s, d, again, err)
			}
		}
		for _, base := range []int{2, 8, 10, 16} {
			if s != "" {
				_, _ = ParseBase(s, base, width{32, true})
			}
		}
	})
}

// FuzzFormat: formats of any text give text or ErrSpecifier, and what they
// allocate is bounded by what they say.
func FuzzFormat(f *testing.F) {
	for _, s := range []string{"", "D5", "x", "N2", "#,##0.00;(0);zero", "0.##E+00", "'a'0%", "\\0", "‰", "G17", "R"} {
		f.Add(s, 1234.5678, int64(-42))
	}
	f.Fuzz(func(t *testing.T, format string, x float64, n int64) {
		_, err := FormatDouble(x, format)
		_, err2 := FormatInt(n, 64, format)
		_, err3 := FormatUint(uint64(n), format)
		_, err4 := FromInt64(n).Format(format)
		for _, e := range []error{err, err2, err3, err4} {
			if e != nil && !errors.Is(e, ErrSpecifier) {
				t.Fatalf("%q: %v", format, e)
			}
		}
	})
}

// FuzzDecimal holds the arithmetic of decimals against exact numbers.
func FuzzDecimal(f *testing.F) {
	f.Add(uint64(150), uint32(0), uint8(2), uint64(3), uint32(0), uint8(0), false)
	f.Add(^uint64(0), ^uint32(0), uint8(28), uint64(1), uint32(7), uint8(5), true)
	f.Fuzz(func(t *testing.T, lo uint64, hi uint32, scale uint8, lo2 uint64, hi2 uint32, scale2 uint8, neg bool) {
		a := NewDecimal(lo, hi, neg, int(scale%29))
		b := NewDecimal(lo2, hi2, false, int(scale2%29))
		x, y := exact(a), exact(b)
		near := func(what string, d Decimal, err error, want *big.Rat) {
			if err != nil {
				if limit := exact(DecimalMax); err != ErrOverflow || new(big.Rat).Abs(want).Cmp(limit) < 0 {
					t.Fatalf("%v %s %v: %v", a, what, b, err)
				}
				return
			}
			diff := new(big.Rat).Sub(exact(d), want)
			unit := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d.scale)), nil))
			if diff.Abs(diff).Cmp(unit) > 0 {
				t.Fatalf("%v %s %v = %v", a, what, b, d)
			}
		}
		sum, err := a.Add(b)
		near("+", sum, err, new(big.Rat).Add(x, y))
		diff, err := a.Sub(b)
		near("-", diff, err, new(big.Rat).Sub(x, y))
		if !b.IsZero() {
			if r, err := a.Rem(b); err == nil && r.Abs().Cmp(b) >= 0 {
				t.Fatalf("%v %% %v = %v", a, b, r)
			}
		}
		if a.Cmp(b) != x.Cmp(y) {
			t.Fatalf("%v against %v: %d", a, b, a.Cmp(b))
		}
	})
}

func exact(d Decimal) *big.Rat {
	n := new(big.Int).SetUint64(uint64(d.hi))
	n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(d.lo))
	if d.neg {
		n.Neg(n)
	}
	return new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d.scale)), nil))
}

// TestBounds: what could be large is paid for before it is made.
func TestBounds(t *testing.T) {
	f := Family()
	call := func(key string, args ...clr.Value) {
		t.Helper()
		th := newThread()
		err := thrown(func() { f.Do[key](&clr.Call{Thread: th, Args: args}) })
		var limit *clr.LimitError
		if !errors.As(err, &limit) {
			t.Errorf("%s: %v", key, err)
		}
	}
	format := clr.Str(strings.Repeat("0", 70<<20))
	call("System.Int32.ToString(string)", clr.Int(1), format)
	call("System.Double.ToString(string)", clr.Float(1), format)
	call("System.Decimal.ToString(string)", DecimalOne.Value(), format)
	huge := clr.Obj(&clr.ArrayObject{T: clr.Byte.ArrayOf(1), Bytes: make([]byte, 60<<20)})
	call("System.Convert.ToBase64String(byte[])", huge)
	call("System.BitConverter.ToString(byte[])", huge)
}

// TestPrecise: functions of floating-point numbers are off by less than the
// last digit, whatever the argument.
func TestPrecise(t *testing.T) {
	own := []func(float64) float64{sin, cos, tan, asin, acos, atan, exp, log, log10, cbrt, sinh, cosh, tanh}
	std := []func(float64) float64{
		math.Sin, math.Cos, math.Tan, math.Asin, math.Acos, math.Atan, math.Exp, math.Log, math.Log10, math.Cbrt, math.Sinh, math.Cosh, math.Tanh,
	}
	args := []float64{0, math.Copysign(0, -1), 1, -1, 0.5, 2, 10, -10, 22, 30, 700, 710, 750, -750, 1e-300, 1e-8, 1e10, 1e22, 1e300, math.Inf(1), math.Inf(-1), math.NaN()}
	for i := range own {
		for _, x := range args {
			got, want := own[i](x), std[i](x)
			if got == want || got != got && want != want {
				continue
			}
			if math.Abs(got-want) > 4e-16*math.Abs(want) {
				t.Errorf("function %d of %g: %g, the standard library has %g", i, x, got, want)
			}
		}
	}
	if got := log(math.SmallestNonzeroFloat64); got != -744.4400719213812 {
		t.Errorf("the logarithm of the smallest number: %v", got)
	}
	for _, x := range args {
		for _, y := range args {
			got, want := pow(x, y), math.Pow(x, y)
			if got != want && !(got != got && want != want) && math.Abs(got-want) > 1e-13*math.Abs(want) {
				t.Errorf("%g to the %g: %g, the standard library has %g", x, y, got, want)
			}
			got, want = atan2(x, y), math.Atan2(x, y)
			if got != want && !(got != got && want != want) && math.Abs(got-want) > 4e-16*math.Abs(want) {
				t.Errorf("atan2(%g, %g): %g, the standard library has %g", x, y, got, want)
			}
		}
	}
}

func TestBase64(t *testing.T) {
	f := func(s, want string, ok bool) {
		t.Helper()
		got, err := DecodeBase64(s)
		if (err == nil) != ok || string(got) != want {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
	f("aGk=", "hi", true)
	f(" aG\tk\r\n= ", "hi", true)
	f("aGk", "", false)
	f("aGl=", "hi", true)
	f("aGk=aGk=", "", false)
	f("a_-=", "", false)
}

func BenchmarkParseInt32(b *testing.B) {
	do := Family().Do["System.Int32.Parse(string)"]
	th := &clr.Thread{}
	th.Start(context.Background(), clr.Limits{Steps: 1 << 60, Bytes: 1 << 60, Depth: 10, Time: time.Hour})
	c := &clr.Call{Thread: th, Args: []clr.Value{clr.Str("12345")}}
	b.ReportAllocs()
	for b.Loop() {
		do(c)
	}
}

func BenchmarkFromBase64(b *testing.B) {
	do := Family().Do["System.Convert.FromBase64String(string)"]
	th := &clr.Thread{}
	th.Start(context.Background(), clr.Limits{Steps: 1 << 60, Bytes: 1 << 60, Depth: 10, Time: time.Hour})
	c := &clr.Call{Thread: th, Args: []clr.Value{clr.Str(strings.Repeat("QUJD", 100))}}
	b.ReportAllocs()
	for b.Loop() {
		do(c)
	}
}

func BenchmarkSin(b *testing.B) {
	for b.Loop() {
		sin(1.25)
	}
}

func BenchmarkPow(b *testing.B) {
	for b.Loop() {
		pow(1.25, 7.5)
	}
}
