package number

import (
	"math"
	"strconv"
)

// specifier is a standard format: a letter with a precision, -1 for none. The
// letter 0 is a custom format.
func specifier(format string) (letter byte, precision int) {
	if format == "" || format[0] == 0 {
		return 'G', -1
	}
	c := format[0] | 0x20
	if c < 'a' || c > 'z' {
		return 0, -1
	}
	if len(format) == 1 {
		return format[0], -1
	}
	n := 0
	for i := 1; i < len(format); i++ {
		d := format[i] - '0'
		if format[i] == 0 {
			break
		}
		if d > 9 || n >= 10 {
			return 0, -1
		}
		n = n*10 + int(d)
	}
	return format[0], n
}

// FormatDouble is f.ToString(format); an empty format is G. It fails with
// [ErrSpecifier].
func FormatDouble(f float64, format string) (string, error) { return formatFloat(f, 64, format) }

// FormatSingle is f.ToString(format).
func FormatSingle(f float32, format string) (string, error) {
	return formatFloat(float64(f), 32, format)
}

// DoubleText is f.ToString().
func DoubleText(f float64) string {
	s, _ := formatFloat(f, 64, "")
	return s
}

// SingleText is f.ToString().
func SingleText(f float32) string {
	s, _ := formatFloat(float64(f), 32, "")
	return s
}

func formatFloat(f float64, size int, format string) (string, error) {
	switch {
	case f != f:
		return "NaN", nil
	case math.IsInf(f, 1):
		return "Infinity", nil
	case math.IsInf(f, -1):
		return "-Infinity", nil
	}
	plainDigits := 15
	if size == 32 {
		plainDigits = 7
	}
	letter, n := specifier(format)
	var p precision
	switch letter | 0x20 {
	case 0x20: // custom formats see fewer digits than there are
		d := floatDigits(f, size, precision{significant: plainDigits})
		return picture(&d, format), nil
	case 'r':
		letter, n, p.shortest = letter-'r'+'g', -1, true
	case 'g':
		p.shortest, p.significant = n <= 0, n
	case 'e':
		n = orDefault(n, 6)
		p.significant = n + 1
	case 'c', 'f', 'n':
		n = orDefault(n, 2)
		p.decimals = n
	case 'p':
		n = orDefault(n, 2)
		p.decimals = n + 2
	default:
		return "", ErrSpecifier
	}
	d := floatDigits(f, size, p)
	if p.shortest {
		n = max(len(d.d), plainDigits)
	}
	return standard(&d, letter, n)
}

func orDefault(n, otherwise int) int {
	if n < 0 {
		return otherwise
	}
	return n
}

// FormatInt is the ToString(format) of a signed integer of size bits.
func FormatInt(i int64, size int, format string) (string, error) {
	if format == "" {
		return strconv.FormatInt(i, 10), nil
	}
	if c := format[0] | 0x20; c == 'x' && i < 0 {
		return formatInteger(width{size, false}.wrap(uint64(i)), false, format)
	}
	if i < 0 {
		return formatInteger(-uint64(i), true, format)
	}
	return formatInteger(uint64(i), false, format)
}

// FormatUint is the ToString(format) of an unsigned integer.
func FormatUint(u uint64, format string) (string, error) {
	if format == "" {
		return strconv.FormatUint(u, 10), nil
	}
	return formatInteger(u, false, format)
}

func formatInteger(u uint64, neg bool, format string) (string, error) {
	letter, n := specifier(format)
	switch letter {
	case 'D', 'd':
		return padded(strconv.FormatUint(u, 10), neg, n), nil
	case 'x':
		return padded(strconv.FormatUint(u, 16), false, n), nil
	case 'X':
		return padded(upper(strconv.FormatUint(u, 16)), false, n), nil
	case 'R', 'r':
		return "", ErrSpecifier
	}
	d := intDigits(u, neg)
	if letter == 0 {
		return picture(&d, format), nil
	}
	if letter|0x20 == 'g' && n <= 0 {
		n = max(len(d.d), 1)
	}
	return standard(&d, letter, n)
}

func upper(hex string) string {
	b := []byte(hex)
	for i, c := range b {
		if c >= 'a' {
			b[i] = c - 0x20
		}
	}
	return string(b)
}

func padded(s string, neg bool, n int) string {
	b := make([]byte, 0, max(n, len(s))+1)
	if neg {
		b = append(b, '-')
	}
	for i := len(s); i < n; i++ {
		b = append(b, '0')
	}
	return string(append(b, s...))
}

// Format is d.ToString(format); an empty format is G, which keeps zeros.
func (d Decimal) Format(format string) (string, error) {
	letter, n := specifier(format)
	digits := d.digits()
	switch {
	case letter == 0:
		digits.trimZero()
		return picture(&digits, format), nil
	case letter|0x20 == 'r':
		return "", ErrSpecifier
	case letter|0x20 == 'g' && n == 0:
		n = len(digits.d)
	}
	return standard(&digits, letter, n)
}

// String is d.ToString().
func (d Decimal) String() string {
	s, _ := d.Format("")
	return s
}

// trimZero drops sign and scale of a decimal zero.
func (n *digits) trimZero() {
	if len(n.d) == 0 {
		n.neg, n.point = false, 0
	}
}

// standard writes a number in one of the formats C E F G N P; n is the
// precision, and where it is not given, -1.
func standard(d *digits, letter byte, n int) (string, error) {
	b := make([]byte, 0, 32)
	switch letter | 0x20 {
	case 'c':
		n = orDefault(n, 2)
		d.fixedRound(n)
		if d.neg {
			return string(append(d.fixed(append(b, "(¤"...), n, true), ')')), nil
		}
		b = d.fixed(append(b, "¤"...), n, true)
	case 'f', 'n':
		n = orDefault(n, 2)
		d.fixedRound(n)
		b = d.fixed(d.sign(b), n, letter|0x20 == 'n')
	case 'p':
		n = orDefault(n, 2)
		d.point += 2
		d.fixedRound(n)
		b = append(d.fixed(d.sign(b), n, true), " %"...)
	case 'e':
		n = orDefault(n, 6) + 1
		d.significantRound(n)
		b = d.scientific(d.sign(b), n, letter)
	case 'g':
		b = d.general(b, n, letter-'g'+'e')
	default:
		return "", ErrSpecifier
	}
	return string(b), nil
}

func (n *digits) sign(b []byte) []byte {
	if n.neg {
		return append(b, '-')
	}
	return b
}

func (n *digits) fixedRound(decimals int) { n.significantRound(n.point + decimals) }

func (n *digits) significantRound(keep int) {
	if n.float {
		n.trim()
		return
	}
	n.round(keep)
}

// fixed writes digits around a point, in groups of three or not.
func (n *digits) fixed(b []byte, decimals int, groups bool) []byte {
	if n.point <= 0 {
		b = append(b, '0')
	}
	for i := range max(n.point, 0) {
		b = append(b, n.at(i))
		if left := n.point - 1 - i; groups && left > 0 && left%3 == 0 {
			b = append(b, ',')
		}
	}
	if decimals == 0 {
		return b
	}
	b = append(b, '.')
	for i := n.point; i < n.point+decimals; i++ {
		if i < 0 {
			b = append(b, '0')
		} else {
			b = append(b, n.at(i))
		}
	}
	return b
}

func (n *digits) scientific(b []byte, count int, e byte) []byte {
	b = append(b, n.at(0))
	if count > 1 {
		b = append(b, '.')
	}
	for i := 1; i < count; i++ {
		b = append(b, n.at(i))
	}
	exp := 0
	if len(n.d) > 0 {
		exp = n.point - 1
	}
	return exponent(b, e, exp, 3, true)
}

// general writes the number plainly, or with an exponent where that is
// shorter. A count of -1 is a decimal, whose digits stand as they are.
func (n *digits) general(b []byte, count int, e byte) []byte {
	plainly := count < 0
	if plainly && len(n.d) == 0 {
		n.neg = false
	}
	if !plainly {
		n.significantRound(count)
	}
	b = n.sign(b)
	before, withExp := n.point, false
	if !plainly && (before > count || before < -3) {
		before, withExp = 1, true
	}
	i := 0
	if before <= 0 {
		b = append(b, '0')
	}
	for ; i < before; i++ {
		b = append(b, n.at(i))
	}
	if i < len(n.d) || before < 0 {
		b = append(b, '.')
		for ; before < 0; before++ {
			b = append(b, '0')
		}
		b = append(b, n.d[min(i, len(n.d)):]...)
	}
	if withExp {
		return exponent(b, e, n.point-1, 2, true)
	}
	return b
}

func exponent(b []byte, e byte, exp, least int, plus bool) []byte {
	b = append(b, e)
	switch {
	case exp < 0:
		b, exp = append(b, '-'), -exp
	case plus:
		b = append(b, '+')
	}
	text := strconv.Itoa(exp)
	for i := len(text); i < least; i++ {
		b = append(b, '0')
	}
	return append(b, text...)
}
