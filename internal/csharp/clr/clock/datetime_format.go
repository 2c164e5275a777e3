package clock

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// Moment is what is written: a DateTime, or a DateTimeOffset where HasOffset
// is set.
type Moment struct {
	// Ticks are those of the clock.
	Ticks int64
	// Kind is a DateTime's.
	Kind int
	// Offset is a DateTimeOffset's, in minutes.
	Offset    int
	HasOffset bool
	// Zone is the local one; nil: UTC.
	Zone *time.Location
}

const wrongFormat = "Input string was not in a correct format."

// custom are the patterns that the standard formats of the invariant culture
// stand for.
var custom = map[byte]string{
	'd': "MM/dd/yyyy", 'D': "dddd, dd MMMM yyyy",
	'f': "dddd, dd MMMM yyyy HH:mm", 'F': "dddd, dd MMMM yyyy HH:mm:ss",
	'g': "MM/dd/yyyy HH:mm", 'G': "MM/dd/yyyy HH:mm:ss",
	'm': "MMMM dd", 'M': "MMMM dd", 'y': "yyyy MMMM", 'Y': "yyyy MMMM",
	'o': "yyyy-MM-ddTHH:mm:ss.fffffffK", 'O': "yyyy-MM-ddTHH:mm:ss.fffffffK",
	'r': "ddd, dd MMM yyyy HH:mm:ss 'GMT'", 'R': "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
	's': "yyyy-MM-ddTHH:mm:ss", 't': "HH:mm", 'T': "HH:mm:ss",
	'u': "yyyy-MM-dd HH:mm:ssZ", 'U': "dddd, dd MMMM yyyy HH:mm:ss",
}

// Format is m.ToString(format); an empty format is the general one.
func (m Moment) Format(format string) (string, *Problem) {
	switch {
	case format == "" && m.HasOffset:
		format = "MM/dd/yyyy HH:mm:ss zzz"
	case format == "":
		format = custom['G']
	case len(format) == 1:
		pattern := custom[format[0]]
		if pattern == "" {
			return "", badFormat(wrongFormat)
		}
		switch format[0] {
		case 'r', 'R', 'u':
			if m.HasOffset {
				m.Ticks -= int64(m.Offset) * TicksPerMinute
				m.Offset = 0
			}
		case 'U':
			if m.HasOffset {
				return "", badFormat(wrongFormat)
			}
			m = m.universal()
		}
		format = pattern
	case utf8.RuneCountInString(format) == 1 && len(format) < 4:
		return "", badFormat(wrongFormat)
	}
	f := formatter{m: m, out: make([]byte, 0, len(format)+24)}
	f.year, f.month, f.day, _ = date(m.Ticks)
	f.hour, f.minute, f.second, f.fraction = clockOf(m.Ticks)
	if p := f.pattern(format); p != nil {
		return "", p
	}
	return string(f.out), nil
}

// universal is DateTime.ToUniversalTime(): a time without a kind is taken as
// local.
func (m Moment) universal() Moment {
	if m.Kind != UTC {
		m.Ticks = clampTicks(m.Ticks - offsetAtClock(m.Zone, m.Ticks))
		m.Kind = UTC
	}
	return m
}

func clampTicks(ticks int64) int64 { return max(0, min(ticks, MaxTicks)) }

type formatter struct {
	m                                                Moment
	year, month, day, hour, minute, second, fraction int
	out                                              []byte
}

func (f *formatter) pattern(format string) *Problem {
	for i := 0; i < len(format); {
		n := 1
		for i+n < len(format) && format[i+n] == format[i] {
			n++
		}
		switch c := format[i]; c {
		case '\'', '"':
			end, p := f.quoted(format, i)
			if p != nil {
				return p
			}
			n = end - i
		case '%':
			// The next character by itself is a custom format.
			if i+1 >= len(format) || format[i+1] == '%' {
				return badFormat(wrongFormat)
			}
			_, size := utf8.DecodeRuneInString(format[i+1:])
			if p := f.pattern(format[i+1 : i+1+size]); p != nil {
				return p
			}
			n = 1 + size
		case '\\':
			if i+1 >= len(format) {
				return badFormat(wrongFormat)
			}
			f.out = append(f.out, format[i+1])
			n = 2
		case 'K':
			f.roundtrip()
			n = 1
		case 'f', 'F':
			if n > 7 {
				return badFormat(wrongFormat)
			}
			f.fractions(n, c == 'F')
		default:
			if !f.field(c, n) {
				f.out = append(f.out, c)
				n = 1
			}
		}
		i += n
	}
	return nil
}

// field writes n letters c of a pattern; false: c stands for itself.
func (f *formatter) field(c byte, n int) bool {
	switch c {
	case 'h':
		f.number((f.hour+11)%12+1, min(n, 2))
	case 'H':
		f.number(f.hour, min(n, 2))
	case 'm':
		f.number(f.minute, min(n, 2))
	case 's':
		f.number(f.second, min(n, 2))
	case 't':
		half := "AM"
		if f.hour >= 12 {
			half = "PM"
		}
		f.out = append(f.out, half[:min(n, 2)]...)
	case 'd':
		f.dayOrMonth(f.day, dayNames[dayOfWeek(f.m.Ticks)], n)
	case 'M':
		f.dayOrMonth(f.month, monthNames[f.month-1], n)
	case 'y':
		if n <= 2 {
			f.number(f.year%100, n)
		} else {
			f.number(f.year, n)
		}
	case 'g':
		f.out = append(f.out, "A.D."...)
	case 'z':
		f.zone(n)
	default:
		return false
	}
	return true
}

func (f *formatter) dayOrMonth(number int, name string, n int) {
	switch n {
	case 1, 2:
		f.number(number, n)
	case 3:
		f.out = append(f.out, name[:abbreviated]...)
	default:
		f.out = append(f.out, name...)
	}
}

func (f *formatter) number(v, width int) { f.out = appendNumber(f.out, v, width) }

// appendNumber writes a number of at least width digits.
func appendNumber(out []byte, v, width int) []byte {
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], int64(v), 10)
	for range width - len(text) {
		out = append(out, '0')
	}
	return append(out, text...)
}

// fractions writes n digits of the second. Where zeros at the end are left out
// and nothing remains, a point before goes too.
func (f *formatter) fractions(n int, trim bool) {
	v := f.fraction
	for range 7 - n {
		v /= 10
	}
	if !trim {
		f.number(v, n)
		return
	}
	for n > 0 && v%10 == 0 {
		v /= 10
		n--
	}
	switch {
	case n > 0:
		f.number(v, n)
	case len(f.out) > 0 && f.out[len(f.out)-1] == '.':
		f.out = f.out[:len(f.out)-1]
	}
}

// quoted writes the text in quotes that begins at i, and returns what is
// behind it.
func (f *formatter) quoted(format string, i int) (end int, p *Problem) {
	quote := format[i]
	for i++; i < len(format); i++ {
		switch format[i] {
		case quote:
			return i + 1, nil
		case '\\':
			if i++; i >= len(format) {
				return 0, badFormat(wrongFormat)
			}
		}
		f.out = append(f.out, format[i])
	}
	return 0, badFormat("Cannot find a matching quote character for the character '" + string(quote) + "'.")
}

// offset is the offset from UTC in minutes.
func (f *formatter) offset() int {
	switch {
	case f.m.HasOffset:
		return f.m.Offset
	case f.m.Kind == UTC:
		return 0
	}
	return int(offsetAtClock(f.m.Zone, f.m.Ticks) / TicksPerMinute)
}

func (f *formatter) zone(n int) {
	minutes := f.sign(f.offset())
	if n <= 2 {
		f.number(minutes/60, n)
		return
	}
	f.number(minutes/60, 2)
	f.out = append(f.out, ':')
	f.number(minutes%60, 2)
}

// sign writes the sign of minutes and returns them without.
func (f *formatter) sign(minutes int) int {
	if minutes < 0 {
		f.out = append(f.out, '-')
		return -minutes
	}
	f.out = append(f.out, '+')
	return minutes
}

// roundtrip is K: the offset if there is one to be told, Z for UTC.
func (f *formatter) roundtrip() {
	switch {
	case f.m.HasOffset, f.m.Kind == Local:
		f.zone(3)
	case f.m.Kind == UTC:
		f.out = append(f.out, 'Z')
	}
}
