package clock

import "unicode/utf8"

// span is a TimeSpan in its parts.
type span struct {
	negative                                bool
	days, hours, minutes, seconds, fraction int
}

func spanOf(ticks int64) span {
	s := span{negative: ticks < 0}
	n := uint64(ticks)
	if s.negative {
		n = -n // also right for the lowest
	}
	s.days = int(n / TicksPerDay)
	n %= TicksPerDay
	s.hours, s.minutes, s.seconds, s.fraction = clockOf(int64(n))
	return s
}

// FormatSpan is TimeSpan.ToString(format); an empty format is the constant one.
func FormatSpan(ticks int64, format string) (string, *Problem) {
	s := spanOf(ticks)
	if len(format) <= 1 || utf8.RuneCountInString(format) == 1 && len(format) < 4 {
		switch format {
		case "", "c", "t", "T":
			return string(s.constant()), nil
		case "g", "G":
			return string(s.general(format == "G")), nil
		}
		return "", badFormat(wrongFormat)
	}
	out, p := s.pattern(make([]byte, 0, len(format)+16), format)
	return string(out), p
}

// constant is [-][d.]hh:mm:ss[.fffffff].
func (s span) constant() []byte {
	out := make([]byte, 0, 26)
	if s.negative {
		out = append(out, '-')
	}
	if s.days > 0 {
		out = append(appendNumber(out, s.days, 1), '.')
	}
	out = s.clock(out, 2)
	if s.fraction > 0 {
		out = appendNumber(append(out, '.'), s.fraction, 7)
	}
	return out
}

// general is [-][d:]h:mm:ss[.FFFFFFF], or all of it where long is set.
func (s span) general(long bool) []byte {
	out := make([]byte, 0, 26)
	if s.negative {
		out = append(out, '-')
	}
	if s.days > 0 || long {
		out = append(appendNumber(out, s.days, 1), ':')
	}
	if long {
		return appendNumber(append(s.clock(out, 2), '.'), s.fraction, 7)
	}
	out = s.clock(out, 1)
	if s.fraction > 0 {
		out = appendFraction(append(out, '.'), s.fraction, 7, true)
	}
	return out
}

// clock writes hours of at least width digits, minutes and seconds.
func (s span) clock(out []byte, width int) []byte {
	out = append(appendNumber(out, s.hours, width), ':')
	out = append(appendNumber(out, s.minutes, 2), ':')
	return appendNumber(out, s.seconds, 2)
}

// appendFraction writes n digits of a fraction of seven, with trim those
// without zeros at the end.
func appendFraction(out []byte, fraction, n int, trim bool) []byte {
	for range 7 - n {
		fraction /= 10
	}
	for ; trim && n > 0 && fraction%10 == 0; n-- {
		fraction /= 10
	}
	if n == 0 {
		return out
	}
	return appendNumber(out, fraction, n)
}

// pattern writes s as a custom format says. There every letter that is not of
// a format stands in quotes or behind a backslash.
func (s span) pattern(out []byte, format string) ([]byte, *Problem) {
	for i := 0; i < len(format); {
		c, n := format[i], 1
		for i+n < len(format) && format[i+n] == c {
			n++
		}
		switch c {
		case '\'', '"':
			f := formatter{out: out}
			end, p := f.quoted(format, i)
			if p != nil {
				return nil, p
			}
			out, n = f.out, end-i
		case '%':
			if i+1 >= len(format) || format[i+1] == '%' {
				return nil, badFormat(wrongFormat)
			}
			_, size := utf8.DecodeRuneInString(format[i+1:])
			var p *Problem
			if out, p = s.pattern(out, format[i+1:i+1+size]); p != nil {
				return nil, p
			}
			n = 1 + size
		case '\\':
			if i+1 >= len(format) {
				return nil, badFormat(wrongFormat)
			}
			_, size := utf8.DecodeRuneInString(format[i+1:])
			out = append(out, format[i+1:i+1+size]...)
			n = 1 + size
		default:
			var ok bool
			if out, ok = s.field(out, c, n); !ok {
				return nil, badFormat(wrongFormat)
			}
		}
		i += n
	}
	return out, nil
}

func (s span) field(out []byte, c byte, n int) ([]byte, bool) {
	switch {
	case c == 'h' && n <= 2:
		return appendNumber(out, s.hours, n), true
	case c == 'm' && n <= 2:
		return appendNumber(out, s.minutes, n), true
	case c == 's' && n <= 2:
		return appendNumber(out, s.seconds, n), true
	case c == 'd' && n <= 8:
		return appendNumber(out, s.days, n), true
	case (c == 'f' || c == 'F') && n <= 7:
		return appendFraction(out, s.fraction, n, c == 'F'), true
	}
	return nil, false
}
