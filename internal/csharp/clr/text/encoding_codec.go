package text

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// utf8Codec is UTF-8 as the Framework reads it: where a second byte makes a
// character that there is none of, both bytes are one wrong one.
type utf8Codec struct{}

func (utf8Codec) maxChars(n int) int { return n + 1 }

func (utf8Codec) encode(s string) []byte {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == 0xED && b[i+1] >= 0xA0 {
			copy(b[i:], "\uFFFD")
			i += 2
		}
	}
	return b
}

func (utf8Codec) decode(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	out := make([]byte, 0, len(b)+8)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			n = wrongBytes(b)
		}
		out = utf8.AppendRune(out, r)
		b = b[n:]
	}
	return string(out)
}

// wrongBytes is how many bytes are one wrong character.
func wrongBytes(b []byte) int {
	most := 0
	switch c := b[0]; {
	case c >= 0xC2 && c <= 0xDF, c < 0xC2, c > 0xF4:
		return 1
	case c < 0xF0:
		most = 2
	default:
		most = 3
	}
	n := 1
	for n < len(b) && n < most && b[n]&0xC0 == 0x80 {
		n++
		if n == 2 && !secondByte(b[0], b[1]) {
			break
		}
	}
	return n
}

// secondByte reports whether a character may begin so.
func secondByte(lead, c byte) bool {
	switch lead {
	case 0xE0:
		return c >= 0xA0
	case 0xED:
		return c < 0xA0
	case 0xF0:
		return c >= 0x90
	case 0xF4:
		return c < 0x90
	}
	return true
}

type asciiCodec struct{}

func (asciiCodec) maxChars(n int) int { return n }

func (asciiCodec) encode(s string) []byte {
	if clr.IsASCII(s) {
		return []byte(s)
	}
	b := make([]byte, 0, len(s))
	eachUnit(s, func(_ int, c uint16) bool {
		if c >= 0x80 {
			c = '?'
		}
		b = append(b, byte(c))
		return true
	})
	return b
}

func (asciiCodec) decode(b []byte) string {
	out := make([]byte, len(b))
	for i, c := range b {
		if c >= 0x80 {
			c = '?'
		}
		out[i] = c
	}
	return string(out)
}

// scalars calls f for the characters of s, U+FFFD for halves of them.
func scalars(s string, f func(r rune)) {
	for len(s) > 0 {
		r, n := clr.Decode(s)
		s = s[n:]
		if utf16.IsSurrogate(r) {
			r = utf8.RuneError
		}
		f(r)
	}
}

type utf16Codec struct{ big bool }

func (utf16Codec) maxChars(n int) int { return n>>1 + n&1 + 1 }

func (u utf16Codec) order() binary.AppendByteOrder {
	if u.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func (u utf16Codec) encode(s string) []byte {
	b, order := make([]byte, 0, 2*len(s)), u.order()
	scalars(s, func(r rune) {
		if r > 0xFFFF {
			high, low := utf16.EncodeRune(r)
			b = order.AppendUint16(b, uint16(high))
			r = low
		}
		b = order.AppendUint16(b, uint16(r))
	})
	return b
}

func (u utf16Codec) decode(b []byte) string {
	units := make([]uint16, 0, len(b)/2+1)
	for ; len(b) >= 2; b = b[2:] {
		if u.big {
			units = append(units, binary.BigEndian.Uint16(b))
		} else {
			units = append(units, binary.LittleEndian.Uint16(b))
		}
	}
	s := string(utf16.Decode(units))
	if len(b) == 1 {
		s += "\uFFFD"
	}
	return s
}

type utf32Codec struct{ big bool }

func (utf32Codec) maxChars(n int) int { return n/2 + 2 }

func (u utf32Codec) encode(s string) []byte {
	b := make([]byte, 0, 4*len(s))
	scalars(s, func(r rune) {
		if u.big {
			b = binary.BigEndian.AppendUint32(b, uint32(r))
		} else {
			b = binary.LittleEndian.AppendUint32(b, uint32(r))
		}
	})
	return b
}

func (u utf32Codec) decode(b []byte) string {
	out := make([]byte, 0, len(b))
	for ; len(b) >= 4; b = b[4:] {
		n := binary.LittleEndian.Uint32(b)
		if u.big {
			n = binary.BigEndian.Uint32(b)
		}
		if n > utf8.MaxRune {
			n = utf8.RuneError
		}
		out = utf8.AppendRune(out, rune(n)) // a surrogate becomes U+FFFD
	}
	if len(b) > 0 {
		out = append(out, "\uFFFD"...)
	}
	return string(out)
}

type latinCodec struct{}

func (latinCodec) maxChars(n int) int { return n }

var latinFits = func() map[rune]byte {
	fits := map[rune]byte{}
	pairs := []rune(latinFit)
	for i := 0; i < len(pairs); i += 2 {
		fits[pairs[i]] = byte(pairs[i+1])
	}
	return fits
}()

func (latinCodec) encode(s string) []byte {
	if clr.IsASCII(s) {
		return []byte(s)
	}
	b := make([]byte, 0, len(s))
	eachUnit(s, func(_ int, c uint16) bool {
		fit, ok := latinFits[rune(c)]
		switch {
		case c < 0x100:
			fit = byte(c)
		case c >= 0xFF01 && c <= 0xFF5E: // full width
			fit = byte(c - 0xFEE0)
		case !ok:
			fit = '?'
		}
		b = append(b, fit)
		return true
	})
	return b
}

func (latinCodec) decode(b []byte) string {
	out := make([]byte, 0, len(b)+len(b)/8)
	for _, c := range b {
		out = utf8.AppendRune(out, rune(c))
	}
	return string(out)
}

// pageCodec is a code page of golang.org/x/text.
type pageCodec struct{ e encoding.Encoding }

func (pageCodec) maxChars(n int) int { return n }

func (p pageCodec) encode(s string) []byte {
	var b []byte
	enc := p.e.NewEncoder()
	scalars(s, func(r rune) {
		one, err := enc.Bytes(utf8.AppendRune(nil, r))
		if err != nil {
			enc.Reset()
			one = []byte{'?'}
			if r > 0xFFFF {
				one = []byte("??")
			}
		}
		b = append(b, one...)
	})
	return b
}

func (p pageCodec) decode(b []byte) string {
	out, err := p.e.NewDecoder().Bytes(b)
	if err != nil {
		return ""
	}
	return string(out)
}
