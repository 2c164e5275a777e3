package number

import "strings"

// plain is a number as it is written: digits without zeros at the front, and
// where the point stands among them.
type plain struct {
	neg bool
	// digits has ASCII digits; point is how many stand before the point, and
	// may be below zero or beyond the end.
	digits string
	point  int
	// pointed: a point is written.
	pointed bool
}

// scan reads digits with a point and an exponent, nothing else.
func (p *plain) scan(s string) bool {
	mantissa, exponent, hasExp := s, "", false
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent, hasExp = s[:i], s[i+1:], true
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole+fraction == "" || !digitsOnly(whole) || !digitsOnly(fraction) {
		return false
	}
	p.digits, p.point = whole+fraction, len(whole)
	if hasExp {
		e, ok := scanExponent(exponent)
		if !ok {
			return false
		}
		p.point += e
	}
	p.strip()
	return true
}

// strip takes zeros away that stand before the first digit.
func (p *plain) strip() {
	digits := strings.TrimLeft(p.digits, "0")
	if digits != "" {
		p.point -= len(p.digits) - len(digits)
		p.digits = digits
	}
}

func digitsOnly(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// scanExponent reads a signed exponent; far ones are cut to ten thousand.
func scanExponent(s string) (int, bool) {
	neg := false
	if s != "" && (s[0] == '+' || s[0] == '-') {
		neg, s = s[0] == '-', s[1:]
	}
	if s == "" || !digitsOnly(s) {
		return 0, false
	}
	e := 0
	for i := 0; i < len(s); i++ {
		e = min(e*10+int(s[i]-'0'), 10000)
	}
	if neg {
		e = -e
	}
	return e, true
}

// decimal is the number with the scale that is written.
func (p *plain) decimal() (Decimal, error) {
	if strings.Trim(p.digits, "0") == "" {
		return Decimal{scale: uint8(min(max(len(p.digits)-p.point, 0), maxScale)), neg: p.neg}, nil
	}
	if p.point > 29 {
		return Decimal{}, ErrOverflow
	}
	scale := len(p.digits) - p.point
	// 30 digits fill a Decimal, and one more says how to round: the others can
	// only tell whether something is left.
	digits := p.digits
	const most = 31
	if len(digits) > most {
		rest := digits[most:]
		scale -= len(rest)
		digits = digits[:most]
		if strings.Trim(rest, "0") != "" && (digits[most-1] == '0' || digits[most-1] == '5') {
			digits = digits[:most-1] + string(digits[most-1]+1)
		}
	}
	var w wide
	for i := 0; i < len(digits); i++ {
		w = w.mulSmall(10).add(wide{uint64(digits[i] - '0')})
	}
	if scale < 0 {
		w, scale = w.scaleUp(-scale), 0
		if len(digits)+p.point > 60 || !w.fits() {
			return Decimal{}, ErrOverflow
		}
	}
	if scale > 2*maxScale+most {
		return Decimal{scale: maxScale, neg: p.neg}, nil
	}
	return w.decimal(scale, p.neg)
}
