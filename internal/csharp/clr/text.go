package clr

import (
	"iter"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Strings of .NET are UTF-16. Here they are UTF-8, and a surrogate without its
// other half is three bytes as in WTF-8, so that nothing is lost. Places and
// lengths that C# sees count UTF-16 code units; for ASCII they are the bytes.

// IsASCII reports that places in bytes and in code units are the same.
func IsASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Length is string.Length.
func Length(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c < utf8.RuneSelf, c >= 0xC0 && c < 0xF0:
			n++
		case c >= 0xF0:
			n += 2
		}
	}
	return n
}

// Decode is the first character of s, surrogates included, and its bytes.
func Decode(s string) (r rune, size int) {
	if len(s) >= 3 && s[0] == 0xED && s[1] >= 0xA0 && s[1] <= 0xBF && s[2]&0xC0 == 0x80 {
		return rune(s[0]&0xF)<<12 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), 3
	}
	return utf8.DecodeRuneInString(s)
}

// AppendChar appends a code unit; a low surrogate joins the high one before
// it.
func AppendChar(b []byte, c uint16) []byte {
	switch {
	case c < utf8.RuneSelf:
		return append(b, byte(c))
	case c >= 0xDC00 && c <= 0xDFFF:
		if n := len(b); n >= 3 && b[n-3] == 0xED && b[n-2] >= 0xA0 && b[n-2] <= 0xAF {
			high, _ := Decode(string(b[n-3:]))
			return utf8.AppendRune(b[:n-3], utf16.DecodeRune(high, rune(c)))
		}
		fallthrough
	case c >= 0xD800 && c <= 0xDBFF:
		return append(b, 0xED, 0x80|byte(c>>6&0x3F), 0x80|byte(c&0x3F))
	}
	return utf8.AppendRune(b, rune(c))
}

// FromUnits is the string of these code units.
func FromUnits(units []uint16) string {
	b := make([]byte, 0, len(units))
	for _, c := range units {
		b = AppendChar(b, c)
	}
	return string(b)
}

// Units are the code units of s.
func Units(s string) []uint16 {
	out := make([]uint16, 0, len(s))
	for len(s) > 0 {
		r, size := Decode(s)
		if r >= 0x10000 {
			high, low := utf16.EncodeRune(r)
			out = append(out, uint16(high), uint16(low))
		} else {
			out = append(out, uint16(r))
		}
		s = s[size:]
	}
	return out
}

// Concat joins strings; halves of a character that meet become one.
func Concat(a, b string) string {
	if n := len(a); n >= 3 && a[n-3] == 0xED && len(b) >= 3 && b[0] == 0xED {
		high, _ := Decode(a[n-3:])
		low, size := Decode(b)
		if high >= 0xD800 && high <= 0xDBFF && low >= 0xDC00 && low <= 0xDFFF && size == 3 {
			return a[:n-3] + string(utf16.DecodeRune(high, low)) + b[3:]
		}
	}
	return a + b
}

// Mend joins halves of characters that have met, for text that was put together
// by bytes.
func Mend(s string) string {
	for i := 0; ; {
		j := strings.IndexByte(s[i:], 0xED)
		if j < 0 {
			return s
		}
		i += j
		if i+6 <= len(s) && s[i+1] >= 0xA0 && s[i+1] <= 0xAF && s[i+3] == 0xED && s[i+4] >= 0xB0 {
			s = Concat(s[:i+3], s[i+3:])
		}
		i++
	}
}

// CharAt is the code unit at i, which is below the length.
func CharAt(s string, i int) uint16 {
	if i < len(s) && IsASCII(s[:i+1]) {
		return uint16(s[i])
	}
	at, half := Offset(s, i)
	r, _ := Decode(s[at:])
	if r < 0x10000 {
		return uint16(r)
	}
	high, low := utf16.EncodeRune(r)
	if half {
		return uint16(low)
	}
	return uint16(high)
}

// Offset is where the code unit i begins, in bytes; half: it is the second one
// of the character that begins there.
func Offset(s string, i int) (at int, half bool) {
	for i > 0 && at < len(s) {
		_, size := Decode(s[at:])
		units := 1
		if size == 4 {
			units = 2
		}
		if i < units {
			return at, true
		}
		i -= units
		at += size
	}
	return at, false
}

// Slice is Substring(from, n), which is inside s.
func Slice(s string, from, n int) string {
	if IsASCII(s) {
		return s[from : from+n]
	}
	start, half := Offset(s, from)
	end, halfEnd := Offset(s, from+n)
	if !half && !halfEnd {
		return s[start:end]
	}
	return FromUnits(Units(s)[from : from+n])
}

// Chars goes through the code units of s.
func Chars(t *Thread, s string) iter.Seq[Value] {
	return func(yield func(Value) bool) {
		for len(s) > 0 {
			t.Step()
			r, size := Decode(s)
			s = s[size:]
			if r < 0x10000 {
				if !yield(CharOf(uint16(r))) {
					return
				}
				continue
			}
			high, low := utf16.EncodeRune(r)
			if !yield(CharOf(uint16(high))) || !yield(CharOf(uint16(low))) {
				return
			}
		}
	}
}
