package syntax

import (
	"strconv"
	"strings"
)

// number takes an integer or a real literal.
func (l *lexer) number() {
	if l.src[l.at] == '0' && l.at+1 < len(l.src) {
		switch l.src[l.at+1] {
		case 'x', 'X':
			l.based(16, isHexDigit)
			return
		case 'b', 'B':
			l.based(2, func(c byte) bool { return c == '0' || c == '1' })
			return
		}
	}
	end := l.digits(l.at, isDigit)
	real := false
	if end+1 < len(l.src) && l.src[end] == '.' && isDigit(l.src[end+1]) {
		real = true
		end = l.digits(end+1, isDigit)
	}
	if end < len(l.src) && l.src[end]|0x20 == 'e' {
		real = true
		begin := end + 1
		if begin < len(l.src) && (l.src[begin] == '+' || l.src[begin] == '-') {
			begin++
		}
		if end = l.digits(begin, isDigit); end == begin {
			l.bad(end, "CS0595", "Invalid real literal")
			return
		}
	}
	if end < len(l.src) && strings.IndexByte("fFdDmM", l.src[end]) >= 0 {
		l.real(end, strings.ToUpper(l.src[end:end+1]))
		return
	}
	if real {
		l.real(end, "")
		return
	}
	l.integer(l.at, end, 10)
}

// digits finds the end of digits and the "_" between them.
func (l *lexer) digits(i int, isDigit func(byte) bool) int {
	for i < len(l.src) && (isDigit(l.src[i]) || l.src[i] == '_') {
		i++
	}
	return i
}

// based takes 0x… and 0b….
func (l *lexer) based(base int, isDigit func(byte) bool) {
	begin := l.at + 2
	l.integer(begin, l.digits(begin, isDigit), base)
}

// integer takes the digits, which end at end, and the suffix behind them.
func (l *lexer) integer(begin, end, base int) {
	digits := l.src[begin:end]
	suffix := ""
	for end < len(l.src) && len(suffix) < 2 {
		c := strings.ToUpper(l.src[end : end+1])
		if c != "U" && c != "L" || c == suffix {
			break
		}
		suffix += c
		end++
	}
	if suffix == "LU" {
		suffix = "UL"
	}
	if digits == "" || strings.HasSuffix(digits, "_") {
		l.bad(end, "CS1013", "Invalid number")
		return
	}
	v, err := strconv.ParseUint(strings.ReplaceAll(digits, "_", ""), base, 64)
	if err != nil {
		// The parser goes on with a number, as if it were one.
		l.fail(l.at, end, "CS1021", "Integral constant is too large")
	}
	l.literal(&Literal{Kind: IntLiteral, Value: v, Suffix: suffix, Hex: base == 16, Binary: base == 2}, end)
}

// real takes a real literal whose digits end at end.
func (l *lexer) real(end int, suffix string) {
	text := l.src[l.at:end]
	end += len(suffix)
	for i := range text {
		if text[i] == '_' && (i == 0 || i+1 == len(text) || !isDigitOrLow(text[i-1]) || !isDigitOrLow(text[i+1])) {
			l.bad(end, "CS1013", "Invalid number")
			return
		}
	}
	l.literal(&Literal{Kind: RealLiteral, Value: strings.ReplaceAll(text, "_", ""), Suffix: suffix}, end)
}

func (l *lexer) literal(lit *Literal, end int) {
	lit.Span = Span{From: Pos(l.at), To: Pos(end)}
	l.add(token{kind: tokLiteral, lit: lit}, end)
}

func isDigitOrLow(c byte) bool { return isDigit(c) || c == '_' }

func isHexDigit(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

// hexDigits reads up to most hexadecimal digits: their value and number.
func hexDigits(src string, most int) (v uint32, n int) {
	for n < most && n < len(src) && isHexDigit(src[n]) {
		d := src[n]
		if isDigit(d) {
			d -= '0'
		} else {
			d = d | 0x20 - 'a' + 10
		}
		v = v<<4 | uint32(d)
		n++
	}
	return v, n
}
