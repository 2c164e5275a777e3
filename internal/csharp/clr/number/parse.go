package number

import (
	"math"
	"strconv"
	"strings"
)

// What a number may be written with besides digits and a sign before them:
// System.Globalization.NumberStyles, as far as Parse(string) uses it.
type style struct {
	point, thousands, exponent, signBehind bool
}

var (
	floatStyle   = style{point: true, thousands: true, exponent: true}
	decimalStyle = style{point: true, thousands: true, signBehind: true}
)

// ParseDouble is double.Parse(s). A number that is too large fails with
// [ErrOverflow], anything else that is none with [ErrFormat].
func ParseDouble(s string) (float64, error) { return parseFloat(s, 64) }

// ParseSingle is float.Parse(s).
func ParseSingle(s string) (float32, error) {
	f, err := parseFloat(s, 32)
	return float32(f), err
}

// mostFloatDigits are more than any number in the middle of two has.
const mostFloatDigits = 800

func parseFloat(s string, size int) (float64, error) {
	if s != "" && s[len(s)-1] <= '9' && len(s) <= 15 && digitsOnly(s) {
		n, _ := strconv.ParseUint(s, 10, 64)
		if size == 32 {
			return float64(float32(n)), nil
		}
		return float64(n), nil
	}
	var p plain
	if !p.parse(s, floatStyle) {
		switch strings.TrimFunc(s, func(r rune) bool { return r <= ' ' && isWhite(byte(r)) }) {
		case "Infinity":
			return math.Inf(1), nil
		case "-Infinity":
			return math.Inf(-1), nil
		case "NaN":
			return math.NaN(), nil
		}
		return 0, ErrFormat
	}
	if p.zero() {
		return 0, nil
	}
	digits := p.digits
	if len(digits) > mostFloatDigits { // the rest can only tell whether something is left
		digits = digits[:mostFloatDigits] + "1"
	}
	text := "0." + digits + "e" + strconv.Itoa(p.point)
	if p.neg {
		text = "-" + text
	}
	f, err := strconv.ParseFloat(text, size)
	if err != nil {
		return 0, ErrOverflow
	}
	return f, nil
}

// ParseDecimalText is decimal.Parse(s), which keeps zeros at the end.
func ParseDecimalText(s string) (Decimal, error) {
	var p plain
	if !p.parse(s, decimalStyle) {
		return Decimal{}, ErrFormat
	}
	return p.decimal()
}

// parseInteger is Parse(s) of an integer type; n has its width.
func parseInteger(s string, w width) (n uint64, err error) {
	i, neg := 0, false
	for i < len(s) && isWhite(s[i]) {
		i++
	}
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		neg = s[i] == '-'
		i++
	}
	start, over := i, false
	for ; i < len(s) && s[i]-'0' <= 9; i++ {
		d := uint64(s[i] - '0')
		if n > (math.MaxUint64-d)/10 {
			over = true
			continue
		}
		n = n*10 + d
	}
	if i == start || !endsWell(s[i:]) {
		return 0, ErrFormat
	}
	switch limit := uint64(1) << (w.size - 1); {
	case over, !w.signed && (neg && n != 0 || w.wrap(n) != n):
		return 0, ErrOverflow
	case w.signed && (neg && n > limit || !neg && n >= limit):
		return 0, ErrOverflow
	}
	if neg {
		n = -n
	}
	return n, nil
}

// isWhite is what numbers call white space.
func isWhite(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// endsWell reports that after the number stand only white space and then
// zeros, which .NET overlooks.
func endsWell(s string) bool {
	i := 0
	for i < len(s) && isWhite(s[i]) {
		i++
	}
	for i < len(s) && s[i] == 0 {
		i++
	}
	return i == len(s)
}

// parse reads a number as .NET does; what it may be written with says st.
func (p *plain) parse(s string, st style) bool {
	i, signed := 0, false
	for ; i < len(s) && isWhite(s[i]); i++ {
	}
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		p.neg, signed = s[i] == '-', true
		i++
	}
	i = p.mantissa(s, i, st)
	if p.digits == "" {
		return false
	}
	if st.exponent {
		i = p.exponent(s, i)
	}
	if st.signBehind && !signed {
		for ; i < len(s) && isWhite(s[i]); i++ {
		}
		if i < len(s) && (s[i] == '-' || s[i] == '+') {
			p.neg = s[i] == '-'
			i++
		}
	}
	if p.neg && !p.pointed && p.zero() {
		p.neg = false
	}
	p.strip()
	return endsWell(s[i:])
}

// mantissa reads digits, a point and commas, and says where it ends.
func (p *plain) mantissa(s string, i int, st style) int {
	start, pointed, commas := i, -1, false
scan:
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c-'0' <= 9:
		case c == '.' && st.point && pointed < 0:
			pointed = i
		case c == ',' && st.thousands && pointed < 0 && i > start:
			commas = true
		default:
			break scan
		}
	}
	text := s[start:i]
	if p.pointed = pointed >= 0; !p.pointed {
		pointed = i
	}
	whole := text[:pointed-start]
	if commas {
		whole = strings.ReplaceAll(whole, ",", "")
	}
	p.digits, p.point = whole+strings.TrimPrefix(text[pointed-start:], "."), len(whole)
	return i
}

// exponent reads an exponent at i; what is none ends the number.
func (p *plain) exponent(s string, i int) int {
	if i >= len(s) || s[i]|0x20 != 'e' {
		return i
	}
	end := i + 1
	if end < len(s) && (s[end] == '-' || s[end] == '+') {
		end++
	}
	digits := end
	for end < len(s) && s[end]-'0' <= 9 {
		end++
	}
	if end == digits {
		return i
	}
	e, _ := scanExponent(s[i+1 : end])
	p.point += e
	return end
}

// zero reports that no digit is above zero.
func (p *plain) zero() bool { return strings.Trim(p.digits, "0") == "" }
