package number

import "math/bits"

// wide is an integer of 192 bits, lowest first: what sums, products and aligned
// operands of Decimals need. math/big would do, with memory for each step.
type wide [3]uint64

// tens are the powers of ten in 64 bits.
var tens = func() (p [20]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

// fits reports whether a Decimal can hold w.
func (w wide) fits() bool { return w[2] == 0 && w[1]>>32 == 0 }

func (w wide) cmp(o wide) int {
	for i := 2; i >= 0; i-- {
		if w[i] != o[i] {
			if w[i] < o[i] {
				return -1
			}
			return 1
		}
	}
	return 0
}

func (w wide) add(o wide) (sum wide) {
	var carry uint64
	for i := range w {
		sum[i], carry = bits.Add64(w[i], o[i], carry)
	}
	return sum
}

// sub is w - o, which is not below zero.
func (w wide) sub(o wide) (rest wide) {
	var borrow uint64
	for i := range w {
		rest[i], borrow = bits.Sub64(w[i], o[i], borrow)
	}
	return rest
}

// mulSmall is w * m, as far as it fits.
func (w wide) mulSmall(m uint64) (p wide) {
	var carry uint64
	for i := range w {
		hi, lo := bits.Mul64(w[i], m)
		var c uint64
		p[i], c = bits.Add64(lo, carry, 0)
		carry = hi + c
	}
	return p
}

// mul is w * o of two numbers of 96 bits.
func (w wide) mul(o wide) wide {
	p, high := w.mulSmall(o[0]), w.mulSmall(o[1])
	return p.add(wide{0, high[0], high[1]})
}

// scaleUp is w * 10^n.
func (w wide) scaleUp(n int) wide {
	for ; n > 19; n -= 19 {
		w = w.mulSmall(tens[19])
	}
	return w.mulSmall(tens[n])
}

// divSmall is w / d and what is left.
func (w wide) divSmall(d uint64) (q wide, r uint64) {
	for i := 2; i >= 0; i-- {
		q[i], r = bits.Div64(r, w[i], d)
	}
	return q, r
}

// div is w / d and what is left; d is not zero.
func (w wide) div(d wide) (q, r wide) {
	if d[1] == 0 && d[2] == 0 {
		q, r[0] = w.divSmall(d[0])
		return q, r
	}
	// Bit by bit: divisors beyond 64 bits are rare.
	for i := 191; i >= 0; i-- {
		r = r.add(r)
		r[0] |= w[i>>6] >> (i & 63) & 1
		if r.cmp(d) >= 0 {
			r = r.sub(d)
			q[i>>6] |= 1 << (i & 63)
		}
	}
	return q, r
}

// digit is w / d where that is below ten, and what is left.
func (w wide) digit(d wide) (digit uint64, r wide) {
	for ; w.cmp(d) >= 0; digit++ {
		w = w.sub(d)
	}
	return digit, w
}

// decimal is w / 10^scale with as many digits as a Decimal has; the rest is
// rounded to even.
func (w wide) decimal(scale int, neg bool) (Decimal, error) {
	var last uint64
	sticky := false
	for scale > maxScale || !w.fits() {
		if scale == 0 {
			return Decimal{}, ErrOverflow
		}
		sticky = sticky || last != 0
		w, last = w.divSmall(10)
		scale--
	}
	if last > 5 || last == 5 && (sticky || w[0]&1 == 1) {
		if w = w.add(wide{1}); !w.fits() {
			return w.decimal(scale, neg)
		}
	}
	return Decimal{lo: w[0], hi: uint32(w[1]), scale: uint8(scale), neg: neg}, nil
}
