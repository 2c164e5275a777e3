package clock

import "math"

const (
	notASpan     = "String was not recognized as a valid TimeSpan."
	spanTooLarge = "The TimeSpan could not be parsed because at least one of the numeric components is out of range or contains too many digits."
)

// shape is a form of a TimeSpan: what its numbers are, and what stands between
// them.
type shape struct {
	parts   string
	between [4]string
}

// shapes are all forms. Where the numbers are too large for one, the next that
// fits is tried: 25:00:00 is 25 days.
var shapes = [...]shape{
	{"d", [4]string{}},
	{"hm", [4]string{":"}},
	{"hms", [4]string{":", ":"}},
	{"dhm", [4]string{".", ":"}},
	{"hmf", [4]string{":", ":."}},
	{"hmsf", [4]string{":", ":", "."}},
	{"dhms", [4]string{".", ":", ":"}},
	{"dhmf", [4]string{".", ":", ":."}},
	{"dhmsf", [4]string{".", ":", ":", "."}},
	{"dhm", [4]string{":", ":"}},
	{"dhms", [4]string{":", ":", ":"}},
	{"dhmf", [4]string{":", ":", ":."}},
	{"dhmsf", [4]string{":", ":", ":", "."}},
}

// piece is a number with so many zeros before its first digit.
type piece struct {
	before string
	value  int64
	zeros  int
}

// fraction are the ticks of a fraction of a second. It may have seven digits;
// .NET takes an eighth behind a zero, and counts it as ticks: 0.00000012 is 12.
func (p piece) fraction() (int64, bool) {
	most, least := int64(TicksPerSecond), int64(TicksPerSecond/10)
	for i := range p.zeros {
		if i == 0 {
			most--
		} else {
			most /= 10
		}
		least /= 10
	}
	if p.value >= most {
		return 0, p.value == 0 && p.zeros <= 7
	}
	n := p.value
	for n != 0 && n < least {
		n *= 10
	}
	return n, p.zeros <= 7
}

// largestPiece is what no number may reach, whatever it is.
const largestPiece = 1 << 28

// fits reports whether the pieces have the shape, and what they are.
func (s *shape) fits(pieces []piece, negative bool) (parts string, ok bool) {
	start := ""
	if negative {
		start = "-"
	}
	if len(pieces) != len(s.parts)+1 || pieces[0].before != start || pieces[len(pieces)-1].before != "" {
		return "", false
	}
	for i := 1; i < len(s.parts); i++ {
		if pieces[i].before != s.between[i-1] {
			return "", false
		}
	}
	return s.parts, true
}

// ParseSpan is TimeSpan.Parse(s).
func ParseSpan(s string) (int64, *Problem) {
	pieces, p := spanPieces(trim(s))
	if p != nil {
		return 0, p
	}
	large := false
	for _, negative := range [...]bool{false, true} {
		for i := range shapes {
			parts, ok := shapes[i].fits(pieces, negative)
			if !ok {
				continue
			}
			if ticks, ok := sumPieces(parts, pieces, negative); ok {
				return ticks, nil
			}
			large = true
		}
	}
	if large {
		return 0, overflow(spanTooLarge)
	}
	return 0, badFormat(notASpan)
}

// spanPieces takes s apart: every number with what stands before it, and at
// last what stands behind.
func spanPieces(s string) ([]piece, *Problem) {
	pieces := make([]piece, 0, 6)
	for {
		n := 0
		for n < len(s) && !isDigit(s[n]) {
			n++
		}
		p := piece{before: s[:n]}
		if s = s[n:]; s == "" {
			return append(pieces, p), nil
		}
		for n = 0; n < len(s) && isDigit(s[n]); n++ {
			if p.value == 0 && s[n] == '0' {
				p.zeros++
			}
			p.value = p.value*10 + int64(s[n]-'0')
			if p.value >= largestPiece {
				return nil, overflow(spanTooLarge)
			}
		}
		if len(pieces) == 5 {
			return nil, badFormat(notASpan)
		}
		s = s[n:]
		pieces = append(pieces, p)
	}
}

// largest is what the parts of a TimeSpan may be.
func largest(part byte) int64 {
	switch part {
	case 'd':
		return 10675199
	case 'h':
		return 23
	}
	return 59
}

func spanUnit(part byte) uint64 {
	switch part {
	case 'd':
		return TicksPerDay
	case 'h':
		return TicksPerHour
	case 'm':
		return TicksPerMinute
	}
	return TicksPerSecond
}

func sumPieces(parts string, pieces []piece, negative bool) (int64, bool) {
	var sum uint64
	for i := range len(parts) {
		p, part := pieces[i], parts[i]
		switch {
		case part != 'f':
			if p.value > largest(part) {
				return 0, false
			}
			sum += uint64(p.value) * spanUnit(part)
		default:
			n, ok := p.fraction()
			if !ok {
				return 0, false
			}
			sum += uint64(n)
		}
	}
	if negative {
		return -int64(sum), sum <= 1<<63
	}
	return int64(sum), sum <= math.MaxInt64
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
