package number

// Midpoint is what becomes of a number that lies in the middle of two.
type Midpoint int

// How numbers are rounded: the values of System.MidpointRounding, with two of
// this package's own for Floor and Ceiling.
const (
	ToEven       Midpoint = 0
	AwayFromZero Midpoint = 1
	ToZero       Midpoint = 2
	down         Midpoint = 3
	up           Midpoint = 4
)

// Round keeps at most decimals digits after the point.
func (d Decimal) Round(decimals int, mode Midpoint) Decimal {
	drop := int(d.scale) - decimals
	if drop <= 0 {
		return d
	}
	w, last, sticky := d.wide(), uint64(0), false
	for range drop {
		sticky = sticky || last != 0
		w, last = w.divSmall(10)
	}
	more := false
	switch mode {
	case ToEven:
		more = last > 5 || last == 5 && (sticky || w[0]&1 == 1)
	case AwayFromZero:
		more = last >= 5
	case down:
		more = d.neg && (last != 0 || sticky)
	case up:
		more = !d.neg && (last != 0 || sticky)
	}
	if more {
		w = w.add(wide{1}) // fits: at least one digit less
	}
	return Decimal{lo: w[0], hi: uint32(w[1]), scale: uint8(decimals), neg: d.neg}
}

// Truncate cuts off what stands after the point.
func (d Decimal) Truncate() Decimal { return d.Round(0, ToZero) }

// Floor is the next integer that is not above d.
func (d Decimal) Floor() Decimal { return d.Round(0, down) }

// Ceiling is the next integer that is not below d.
func (d Decimal) Ceiling() Decimal { return d.Round(0, up) }
