package number

import (
	"math"
	"strconv"
)

// digits is a number that is about to be written: its digits, and where the
// point stands among them.
type digits struct {
	neg bool
	// d are ASCII digits; the first is no zero, and there is none for zero.
	// Those that a format asks for beyond the end are zeros.
	d []byte
	// point is how many digits stand before the point; it may be below zero.
	point int
	// float: the digits are rounded already, as their format asks, and zero
	// keeps its sign.
	float bool
	// exact: zeros at the end of d are part of a decimal's text.
	exact bool
}

func (n *digits) at(i int) byte {
	if i < len(n.d) {
		return n.d[i]
	}
	return '0'
}

// trim takes zeros away from the end.
func (n *digits) trim() {
	i := len(n.d)
	for i > 0 && n.d[i-1] == '0' {
		i--
	}
	n.d = n.d[:i]
	if i == 0 {
		n.point = 0
		n.neg = n.neg && n.float
	}
}

// round keeps the first keep digits. A 5 rounds away from zero, as .NET's
// formats do.
func (n *digits) round(keep int) {
	switch {
	case keep < 0:
		n.d = n.d[:0]
	case keep < len(n.d):
		up := n.d[keep] >= '5'
		n.d = n.d[:keep]
		for up && keep > 0 {
			if keep--; n.d[keep] != '9' {
				n.d[keep]++
				up = false
			} else {
				n.d = n.d[:keep]
			}
		}
		if up {
			n.d = append(n.d[:0], '1')
			n.point++
		}
	}
	n.trim()
}

// intDigits are those of an integer.
func intDigits(n uint64, neg bool) digits {
	out := digits{neg: neg}
	if n != 0 {
		out.d = strconv.AppendUint(make([]byte, 0, 24), n, 10)
		out.point = len(out.d)
	}
	return out
}

// digits are those of a decimal, with the zeros of its scale.
func (d Decimal) digits() digits {
	var buf [32]byte
	i, w := len(buf), d.wide()
	for w != (wide{}) {
		var r uint64
		if w[1] == 0 {
			w[0], r = w[0]/10, w[0]%10
		} else {
			w, r = w.divSmall(10)
		}
		i--
		buf[i] = '0' + byte(r)
	}
	out := digits{neg: d.neg, d: append(make([]byte, 0, 32), buf[i:]...), exact: true}
	out.point = len(out.d) - int(d.scale)
	return out
}

// How many digits a floating-point number is printed with.
type precision struct {
	shortest    bool
	significant int // digits in all, where not zero
	decimals    int // else digits after the point
}

// floatDigits are those of a finite floating-point number, rounded from its
// exact value; what lies in the middle goes to the even digit.
func floatDigits(f float64, size int, p precision) digits {
	out := digits{neg: math.Signbit(f), float: true}
	if f == 0 {
		return out
	}
	f = math.Abs(f)
	buf := make([]byte, 0, 32)
	switch {
	case p.shortest:
		buf = strconv.AppendFloat(buf, f, 'e', -1, size)
	case p.significant > 0:
		buf = strconv.AppendFloat(buf, f, 'e', p.significant-1, 64)
	default:
		return fixedDigits(out, strconv.AppendFloat(buf, f, 'f', p.decimals, 64))
	}
	e := len(buf) - 1
	for buf[e] != 'e' {
		e--
	}
	exp, _ := strconv.Atoi(string(buf[e+1:]))
	out.point = exp + 1
	out.d = append(buf[:1], buf[min(2, e):e]...)
	out.trim()
	return out
}

// fixedDigits reads digits with a point.
func fixedDigits(out digits, buf []byte) digits {
	out.point = len(buf)
	d := buf[:0]
	for i, c := range buf {
		if c == '.' {
			out.point = i
		} else {
			d = append(d, c)
		}
	}
	zeros := 0
	for zeros < len(d) && d[zeros] == '0' {
		zeros++
	}
	out.d, out.point = d[zeros:], out.point-zeros
	out.trim()
	return out
}
