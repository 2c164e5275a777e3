package number

import "math"

// powers of ten as .NET's conversions multiply and divide with.
var floatTens = func() (p [81]float64) {
	for i := range p {
		p[i] = math.Pow10(i)
	}
	return p
}()

// FromFloat64 is (decimal)f: f rounded to 15 digits, without zeros at the end.
func FromFloat64(f float64) (Decimal, error) { return fromFloat(f, 15) }

// FromFloat32 is (decimal)f: f rounded to 7 digits.
func FromFloat32(f float32) (Decimal, error) { return fromFloat(float64(f), 7) }

// fromFloat goes .NET's way in floating point, because exact arithmetic gives
// another last digit now and then.
func fromFloat(f float64, digits int) (Decimal, error) {
	exp := int(math.Float64bits(f)>>52&0x7FF) - 1022
	if digits == 7 {
		exp = int(math.Float32bits(float32(f))>>23&0xFF) - 126
		if exp == 129 {
			exp = 1025
		}
	}
	switch {
	case exp < -94:
		return Decimal{}, nil // less than half of the smallest
	case exp > 96:
		return Decimal{}, ErrOverflow
	}
	neg := f < 0
	f = math.Abs(f)
	power := digits - 1 - exp*19728>>16 // log10(2) is 19728/65536
	switch {
	case power >= 0:
		power = min(power, maxScale)
		f *= floatTens[power]
	case power != -1 || f >= floatTens[digits]:
		f /= floatTens[-power]
	default:
		power = 0
	}
	if f < floatTens[digits-1] && power < maxScale {
		f *= 10
		power++
	}
	mant := uint64(math.RoundToEven(f))
	if mant == 0 {
		return Decimal{}, nil
	}
	if power < 0 {
		return wide{mant}.scaleUp(-power).decimal(0, neg)
	}
	for strip := min(power, digits-1); strip > 0 && mant%10 == 0; strip-- {
		mant /= 10
		power--
	}
	return Decimal{lo: mant, scale: uint8(power), neg: neg}, nil
}

// Float64 is (double)d, which divides in floating point as .NET does and may be
// off by the last bit.
func (d Decimal) Float64() float64 {
	f := (float64(d.lo) + float64(d.hi)*18446744073709551616) / floatTens[d.scale]
	if d.neg {
		return -f
	}
	return f
}

// Float32 is (float)d.
func (d Decimal) Float32() float32 { return float32(d.Float64()) }

// whole is the number without what stands after the point.
func (d Decimal) whole() wide {
	w := d.wide()
	for n := int(d.scale); n > 0; n -= 19 {
		w, _ = w.divSmall(tens[min(n, 19)])
	}
	return w
}

// Int64 is (long)d: what stands after the point is cut off.
func (d Decimal) Int64() (int64, error) {
	w := d.whole()
	limit := uint64(math.MaxInt64)
	if d.neg {
		limit++
	}
	if w[1] != 0 || w[0] > limit {
		return 0, ErrOverflow
	}
	if d.neg {
		return -int64(w[0]), nil
	}
	return int64(w[0]), nil
}

// Uint64 is (ulong)d.
func (d Decimal) Uint64() (uint64, error) {
	w := d.whole()
	if w[1] != 0 || d.neg && w[0] != 0 {
		return 0, ErrOverflow
	}
	return w[0], nil
}

// ParseDecimal reads what C# writes before an m: digits, a point, an exponent.
// Digits that do not fit are rounded to even.
func ParseDecimal(literal string) (Decimal, error) {
	var p plain
	if !p.scan(literal) {
		return Decimal{}, ErrFormat
	}
	return p.decimal()
}
