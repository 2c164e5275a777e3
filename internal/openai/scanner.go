package openai

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

const (
	// MaxBody is the largest request body that is scanned, in bytes.
	MaxBody = 32 << 20
	// MaxDepth is how deep objects and arrays may nest. The scanner keeps one
	// bit per level in a uint64, so it cannot be larger than 64.
	MaxDepth = 64
)

// scanner reads JSON by RFC 8259 and nothing beyond it. Its methods return
// false after fail; the first failure stands.
type scanner struct {
	b []byte
	i int
	// depth is the number of containers open around the value being read.
	depth  int
	at     int
	reason Reason
}

func (s *scanner) fail(at int, r Reason) bool {
	s.at, s.reason = at, r
	return false
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for s.i < len(s.b) {
		c := s.b[s.i]
		if c > ' ' || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
		s.i++
	}
	return 0
}

// skip reads one value of any kind. It keeps its own stack, one bit per open
// container (1: object), so that depth costs neither memory nor calls.
func (s *scanner) skip() bool {
	var objects uint64
	open := 0
	for {
		c := s.peek()
		switch {
		case c == '"':
			s.i++
			if _, ok := s.str(); !ok {
				return false
			}
		case c == '{' || c == '[':
			if s.depth+open >= MaxDepth {
				return s.fail(s.i, ReasonTooDeep)
			}
			s.i++
			if s.peek() == c+2 { // '}' is '{'+2, ']' is '['+2
				s.i++
				break
			}
			open++
			objects <<= 1
			if c == '{' {
				objects |= 1
				if _, _, ok := s.name(); !ok {
					return false
				}
			}
			continue
		default:
			if !s.scalar(c) {
				return false
			}
		}
		again, ok := s.closing(&objects, &open)
		if !ok || !again {
			return ok
		}
	}
}

// closing reads what may follow a value inside skip: closing brackets, and a
// comma if there is more to read.
func (s *scanner) closing(objects *uint64, open *int) (again, ok bool) {
	for *open > 0 {
		object := *objects&1 == 1
		switch c := s.peek(); {
		case c == ',':
			s.i++
			if object {
				if _, _, ok := s.name(); !ok {
					return false, false
				}
			}
			return true, true
		case c == '}' && object, c == ']' && !object:
			s.i++
			*open--
			*objects >>= 1
		default:
			return false, s.fail(s.i, ReasonSyntax)
		}
	}
	return false, true
}

// name reads a member's name and its colon, and returns the bytes between the
// quotes.
func (s *scanner) name() (raw []byte, escaped, ok bool) {
	if s.peek() != '"' {
		return nil, false, s.fail(s.i, ReasonSyntax)
	}
	s.i++
	start := s.i
	if escaped, ok = s.str(); !ok {
		return nil, false, false
	}
	raw = s.b[start : s.i-1]
	if s.peek() != ':' {
		return nil, false, s.fail(s.i, ReasonSyntax)
	}
	s.i++
	return raw, escaped, true
}

// scalar reads a number or a literal that begins with c.
func (s *scanner) scalar(c byte) bool {
	switch c {
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	}
	return s.number()
}

func (s *scanner) literal(want string) bool {
	if len(s.b)-s.i < len(want) || string(s.b[s.i:s.i+len(want)]) != want {
		return s.fail(s.i, ReasonSyntax)
	}
	s.i += len(want)
	return true
}

// number reads -? int frac? exp?.
func (s *scanner) number() bool {
	if s.at8('-') {
		s.i++
	}
	if s.at8('0') {
		s.i++
	} else if !s.digits() {
		return false
	}
	if s.at8('.') {
		s.i++
		if !s.digits() {
			return false
		}
	}
	if s.at8('e') || s.at8('E') {
		s.i++
		if s.at8('+') || s.at8('-') {
			s.i++
		}
		return s.digits()
	}
	return true
}

// at8 tells whether the next byte is c.
func (s *scanner) at8(c byte) bool { return s.i < len(s.b) && s.b[s.i] == c }

// digits reads at least one digit.
func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && s.b[s.i]-'0' <= 9 {
		s.i++
	}
	if s.i == start {
		return s.fail(s.i, ReasonSyntax)
	}
	return true
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// stops marks the bytes of w that end a run of plain text: quotes, backslashes
// and control characters. The lowest mark is exact; marks above it may not be.
func stops(w uint64) uint64 {
	q, e := w^(ones*'"'), w^(ones*'\\')
	return ((q-ones)&^q | (e-ones)&^e | (w-ones*0x20)&^w) & highs
}

// str reads a string whose opening quote has been read, up to and with its
// closing quote. Eight bytes at a time: the text of prompts is nearly all that
// a body holds. UTF-8 is checked once at the end, and only where a byte beyond
// ASCII was seen.
func (s *scanner) str() (escaped, ok bool) {
	b, start, i := s.b, s.i, s.i
	var high uint64
	for {
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			high |= w & highs
			if m := stops(w); m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i >= len(b) {
			return false, s.fail(i, ReasonSyntax)
		}
		switch c := b[i]; {
		case c == '"':
			s.i = i + 1
			if high != 0 && !utf8.Valid(b[start:i]) {
				return false, s.fail(invalidAt(b, start), ReasonUTF8)
			}
			return escaped, true
		case c == '\\':
			escaped = true
			if i = s.escape(i); i < 0 {
				return false, false
			}
		case c < 0x20:
			return false, s.fail(i, ReasonSyntax)
		default: // fewer than eight bytes are left
			high |= uint64(c & 0x80)
			i++
		}
	}
}

// invalidAt returns where the first invalid sequence from i on begins.
func invalidAt(b []byte, i int) int {
	for i < len(b) {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 {
			break
		}
		i += n
	}
	return i
}

// escape reads the escape sequence at i and returns the place after it, -1
// after a failure. A surrogate has to come as a pair.
func (s *scanner) escape(i int) int {
	if i+1 >= len(s.b) {
		s.fail(i, ReasonSyntax)
		return -1
	}
	switch s.b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
	default:
		s.fail(i, ReasonSyntax)
		return -1
	}
	r, ok := hex4(s.b, i+2)
	switch {
	case !ok:
		s.fail(i, ReasonSyntax)
		return -1
	case r < 0xd800 || r > 0xdfff:
		return i + 6
	}
	low, ok := rune(0), r < 0xdc00 && i+8 <= len(s.b) && s.b[i+6] == '\\' && s.b[i+7] == 'u'
	if ok {
		low, ok = hex4(s.b, i+8)
	}
	if !ok || low < 0xdc00 || low > 0xdfff {
		s.fail(i, ReasonLoneSurrogate)
		return -1
	}
	return i + 12
}

// hex4 reads four hexadecimal digits.
func hex4(b []byte, i int) (r rune, ok bool) {
	if i+4 > len(b) {
		return 0, false
	}
	for _, c := range b[i : i+4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
