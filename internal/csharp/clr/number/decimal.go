package number

import (
	"errors"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// What plain functions of this package fail with.
var (
	// ErrOverflow is a number that its type cannot hold.
	ErrOverflow = errors.New("number: the value does not fit its type")
	// ErrDivideByZero is a division of a Decimal or an integer by zero.
	ErrDivideByZero = errors.New("number: division by zero")
	// ErrFormat is text that is no number.
	ErrFormat = errors.New("number: the text is no number")
	// ErrSpecifier is a format that the type does not know.
	ErrSpecifier = errors.New("number: the format is not valid")
)

// Decimal is a System.Decimal: an integer of 96 bits divided by a power of ten.
// The scale is part of it, so that 1.50 prints as written. The zero Decimal is
// 0. A *Decimal is the object of a [clr.Value]; it never changes.
type Decimal struct {
	lo    uint64
	hi    uint32
	scale uint8
	neg   bool
}

// maxScale is the most digits after the point.
const maxScale = 28

// Type is System.Decimal.
func (d *Decimal) Type() *clr.Type { return clr.Decimal }

// Value is the number as a value of .NET.
func (d Decimal) Value() clr.Value { return clr.Obj(&d) }

// DecimalOf is the number in v, a System.Decimal.
func DecimalOf(v clr.Value) Decimal {
	if d, ok := v.O.(*Decimal); ok {
		return *d
	}
	return Decimal{} // the zero bits of a struct
}

// Decimals that .NET has names for.
var (
	DecimalZero     = Decimal{}
	DecimalOne      = Decimal{lo: 1}
	DecimalMinusOne = Decimal{lo: 1, neg: true}
	DecimalMax      = Decimal{lo: ^uint64(0), hi: ^uint32(0)}
	DecimalMin      = Decimal{lo: ^uint64(0), hi: ^uint32(0), neg: true}
)

// NewDecimal puts a Decimal together from its parts; scale is at most 28.
func NewDecimal(lo uint64, hi uint32, neg bool, scale int) Decimal {
	return Decimal{lo: lo, hi: hi, neg: neg, scale: uint8(scale)}
}

// FromInt64 is exact.
func FromInt64(i int64) Decimal {
	if i < 0 {
		return Decimal{lo: uint64(-i), neg: true}
	}
	return Decimal{lo: uint64(i)}
}

// FromUint64 is exact.
func FromUint64(u uint64) Decimal { return Decimal{lo: u} }

// IsZero reports 0 of any scale and sign.
func (d Decimal) IsZero() bool { return d.lo == 0 && d.hi == 0 }

// Sign is -1, 0 or 1.
func (d Decimal) Sign() int {
	switch {
	case d.IsZero():
		return 0
	case d.neg:
		return -1
	}
	return 1
}

// Scale is the number of digits after the point.
func (d Decimal) Scale() int { return int(d.scale) }

// Neg is -d; zero has a sign too, which is seen in its bits alone.
func (d Decimal) Neg() Decimal {
	d.neg = !d.neg
	return d
}

// Abs is the number without its sign.
func (d Decimal) Abs() Decimal {
	d.neg = false
	return d
}

// Cmp is -1, 0 or 1 as d is below, equal to or above o; scales do not count.
func (d Decimal) Cmp(o Decimal) int {
	s, so := d.Sign(), o.Sign()
	switch {
	case s < so:
		return -1
	case s > so:
		return 1
	case s == 0:
		return 0
	}
	a, b := d.aligned(o)
	return s * a.cmp(b)
}

// aligned are the numbers without signs, with the larger of both scales.
func (d Decimal) aligned(o Decimal) (a, b wide) {
	a, b = d.wide(), o.wide()
	switch {
	case d.scale < o.scale:
		a = a.scaleUp(int(o.scale - d.scale))
	case d.scale > o.scale:
		b = b.scaleUp(int(d.scale - o.scale))
	}
	return a, b
}

func (d Decimal) wide() wide { return wide{d.lo, uint64(d.hi)} }

// Add is d + o. Where the exact sum has more digits than fit, the last ones are
// rounded to even.
func (d Decimal) Add(o Decimal) (Decimal, error) {
	a, b := d.aligned(o)
	scale, neg := max(d.scale, o.scale), d.neg
	switch {
	case d.neg == o.neg:
		a = a.add(b)
	case a == b: // .NET's way to align leaves a sign that only the bits show
		a, neg = wide{}, neg != (d.scale > o.scale)
	case a.cmp(b) > 0:
		a = a.sub(b)
	default:
		a, neg = b.sub(a), !neg
	}
	return a.decimal(int(scale), neg)
}

// Sub is d - o, as [Decimal.Add].
func (d Decimal) Sub(o Decimal) (Decimal, error) { return d.Add(o.Neg()) }

// Mul is d * o; the scales add up, as far as they fit.
func (d Decimal) Mul(o Decimal) (Decimal, error) {
	switch small := d.hi|o.hi == 0 && (d.lo|o.lo)>>32 == 0; {
	case small && int(d.scale)+int(o.scale) > maxScale+19, !small && (d.IsZero() || o.IsZero()):
		return Decimal{}, nil // .NET loses scale and sign
	}
	return d.wide().mul(o.wide()).decimal(int(d.scale)+int(o.scale), d.neg != o.neg)
}

// Div is d / o. A quotient that comes out even keeps the difference of the
// scales; another has as many digits as fit, without zeros at the end.
func (d Decimal) Div(o Decimal) (Decimal, error) {
	if o.IsZero() {
		return Decimal{}, ErrDivideByZero
	}
	divisor := o.wide()
	q, r := d.wide().div(divisor)
	scale, inexact := int(d.scale)-int(o.scale), false
	for r != (wide{}) || scale < 0 {
		inexact = inexact || r != (wide{})
		next, digit := q.mulSmall(10), uint64(0)
		if r != (wide{}) {
			digit, r = r.mulSmall(10).digit(divisor)
		}
		next = next.add(wide{digit})
		if scale == maxScale || !next.fits() {
			if scale < 0 {
				return Decimal{}, ErrOverflow
			}
			return roundQuotient(q, digit, r, scale, d.neg != o.neg)
		}
		q, scale = next, scale+1
	}
	out, err := q.decimal(scale, d.neg != o.neg)
	if inexact {
		out = out.trim()
	}
	return out, err
}

// roundQuotient ends a division where no digit more fits.
func roundQuotient(q wide, digit uint64, r wide, scale int, neg bool) (Decimal, error) {
	if digit > 5 || digit == 5 && (r != (wide{}) || q[0]&1 == 1) {
		q = q.add(wide{1})
	}
	out, err := q.decimal(scale, neg)
	return out.trim(), err
}

// trim takes zeros after the point away.
func (d Decimal) trim() Decimal {
	for d.scale > 0 {
		q, r := d.wide().divSmall(10)
		if r != 0 {
			break
		}
		d.lo, d.hi, d.scale = q[0], uint32(q[1]), d.scale-1
	}
	return d
}

// Rem is d % o: it has d's sign.
func (d Decimal) Rem(o Decimal) (Decimal, error) {
	if o.IsZero() {
		return Decimal{}, ErrDivideByZero
	}
	if d.IsZero() {
		return d, nil
	}
	a, b := d.aligned(o)
	if a.cmp(b) < 0 {
		return d, nil
	}
	_, r := a.div(b)
	return r.decimal(int(max(d.scale, o.scale)), d.neg)
}
