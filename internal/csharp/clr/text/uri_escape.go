package text

import (
	"strings"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// uriPlain are the characters that an escaped URI may have: those of RFC 3986.
// dataPlain are the unreserved ones.
var uriPlain, dataPlain = func() (all, data [128]bool) {
	for _, c := range base64Alphabet[:62] + "-._~" {
		all[c], data[c] = true, true
	}
	for _, c := range ":/?#[]@!$&'()*+,;=" {
		all[c] = true
	}
	return all, data
}()

// escapeURI escapes what a URI may not have, and the characters in forced; with
// keep, escapes stay what they are.
func escapeURI(s, forced string, keep bool) string {
	var out []byte
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf && uriPlain[c] && strings.IndexByte(forced, c) < 0 {
			i++
			continue
		}
		if c == '%' && keep {
			if _, ok := hexByte(s[i:]); ok {
				i += 3
				continue
			}
		}
		out = append(out, s[from:i]...)
		n := 1
		if c >= utf8.RuneSelf {
			_, n = clr.Decode(s[i:])
		}
		out = appendEscaped(out, s[i:i+n])
		i += n
		from = i
	}
	if from == 0 {
		return s
	}
	return string(append(out, s[from:]...))
}

// appendEscaped escapes all bytes of s; half of a character is U+FFFD.
func appendEscaped(out []byte, s string) []byte {
	if len(s) == 3 && s[0] == 0xED && s[1] >= 0xA0 {
		s = "\uFFFD"
	}
	for i := range len(s) {
		out = append(out, '%', upperHex[s[i]>>4], upperHex[s[i]&15])
	}
	return out
}

// EscapeData is Uri.EscapeDataString(s), or EscapeUriString(s); false: .NET
// throws. It does where the first half of a character stands alone, but only
// where that half begins or ends what is beyond ASCII.
func EscapeData(s string, plain *[128]bool) (string, bool) {
	i := 0
	for i < len(s) && s[i] < utf8.RuneSelf && plain[s[i]] {
		i++
	}
	if i == len(s) {
		return s, true
	}
	out := append(make([]byte, 0, len(s)+len(s)/2), s[:i]...)
	for i < len(s) {
		c := s[i]
		switch {
		case c < utf8.RuneSelf && plain[c]:
			out = append(out, c)
			i++
		case c < utf8.RuneSelf:
			out = appendEscaped(out, s[i:i+1])
			i++
		default:
			n, ok := beyondASCII(s[i:])
			if !ok {
				return "", false
			}
			for j := i; j < i+n; {
				_, size := clr.Decode(s[j:])
				out = appendEscaped(out, s[j:j+size])
				j += size
			}
			i += n
		}
	}
	return string(out), true
}

// beyondASCII is how far .NET reads what is beyond ASCII at the beginning of s:
// with one character more where the last one is a first half.
func beyondASCII(s string) (n int, ok bool) {
	units := 0
	high := false
	for n < len(s) && s[n] >= utf8.RuneSelf {
		r, size := clr.Decode(s[n:])
		high = r >= 0xD800 && r <= 0xDBFF
		n += size
		units++
	}
	if !high {
		return n, true
	}
	if units == 1 || n == len(s) {
		return 0, false
	}
	_, size := clr.Decode(s[n:])
	return n + size, true
}

// staysEscaped are the characters whose escapes stay where a URI is shown.
func staysEscaped(c byte) bool {
	return c <= 0x1F || c == 0x7F || strings.IndexByte("#$%&+,/;=?@\\", c) >= 0
}

// inIRI reports whether a character beyond ASCII may stand in a URI unescaped.
func inIRI(r rune, query bool) bool {
	switch {
	case r < 0xA0:
		return false
	case r <= 0xD7FF, r >= 0xF900 && r <= 0xFDCF, r >= 0xFDF0 && r <= 0xFFEF:
		return true
	case r >= 0xE000 && r <= 0xF8FF:
		return query
	case r >= 0x10000 && r&0xFFFE != 0xFFFE:
		return r < 0xE0000 || r >= 0xE1000 && r < 0xF0000 || query && r >= 0xF0000
	}
	return false
}

func isBidi(r rune) bool {
	return r == 0x200E || r == 0x200F || r >= 0x202A && r <= 0x202E
}

// escapedRun is the run of escapes of bytes beyond ASCII at the beginning of s.
func escapedRun(s string) (b []byte, n int) {
	for {
		c, ok := hexByte(s[n:])
		if !ok || c < utf8.RuneSelf {
			return b, n
		}
		b = append(b, c)
		n += 3
	}
}

// appendRun appends what bytes beyond ASCII say in UTF-8; bytes that say
// nothing, and characters that keep says no to, stay escaped.
func appendRun(out, b []byte, keep func(r rune) bool) []byte {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 || !keep(r) {
			for _, c := range b[:n] {
				out = append(out, '%', upperHex[c>>4], upperHex[c&15])
			}
		} else {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return out
}

// mendPercent escapes each % that begins no escape.
func mendPercent(s string) string {
	for i := strings.IndexByte(s, '%'); i >= 0; {
		if _, ok := hexByte(s[i:]); !ok {
			return escapePercent(s)
		}
		next := strings.IndexByte(s[i+3:], '%')
		if next < 0 {
			break
		}
		i += 3 + next
	}
	return s
}

func escapePercent(s string) string {
	var out []byte
	for i := range len(s) {
		out = append(out, s[i])
		if _, ok := hexByte(s[i:]); s[i] == '%' && !ok {
			out = append(out, "25"...)
		}
	}
	return string(out)
}

// unescapeSafe takes the escapes out of an escaped part that mean nothing
// special.
func unescapeSafe(s string, query bool) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		c, ok := hexByte(s[i:])
		switch {
		case !ok:
			out = append(out, s[i])
			i++
		case c < utf8.RuneSelf && staysEscaped(c):
			out = append(out, s[i:i+3]...)
			i += 3
		case c < utf8.RuneSelf:
			out = append(out, c)
			i += 3
		case c <= 0x9F && !utf8.RuneStart(c): // no lead byte: as it stands
			out = append(out, s[i:i+3]...)
			i += 3
		default:
			b, n := escapedRun(s[i:])
			out = appendRun(out, b, func(r rune) bool { return inIRI(r, query) && !isBidi(r) })
			i += n
		}
	}
	return string(out)
}

// unescapeAll is Uri.UnescapeDataString.
func unescapeAll(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		c, ok := hexByte(s[i:])
		switch {
		case !ok:
			out = append(out, s[i])
			i++
		case c < utf8.RuneSelf:
			out = append(out, c)
			i += 3
		default:
			b, n := escapedRun(s[i:])
			out = appendRun(out, b, func(rune) bool { return true })
			i += n
		}
	}
	return string(out)
}

// needsIRI reports characters beyond ASCII, written or escaped, and escapes of
// unreserved ones: .NET then rewrites the parts.
func needsIRI(s string) bool {
	if !clr.IsASCII(s) {
		return true
	}
	for i := strings.IndexByte(s, '%'); i >= 0 && i < len(s); {
		if s[i] != '%' {
			i++
			continue
		}
		c, ok := hexByte(s[i:])
		switch {
		case !ok:
			i++
		case c < utf8.RuneSelf:
			if dataPlain[c] {
				return true
			}
			i += 3
		default:
			b, n := escapedRun(s[i:])
			if hasCharacter(b) {
				return true
			}
			i += n
		}
	}
	return false
}

func hasCharacter(b []byte) bool {
	for i := range b {
		if r, _ := utf8.DecodeRune(b[i:]); r != utf8.RuneError {
			return true
		}
	}
	return false
}

// rewriteIRI writes a part as RFC 3987 has it: characters for escapes, but for
// those in reserved, and escapes for characters that it does not allow.
func rewriteIRI(s, reserved string, query bool) string {
	out := make([]byte, 0, len(s)+8)
	for i := 0; i < len(s); {
		if s[i] == '%' {
			c, ok := hexByte(s[i:])
			switch {
			case !ok: // .NET does not look at the next two either
				n := 1
				if len(s)-i >= 3 && clr.IsASCII(s[i:i+3]) {
					n = 3
				}
				out = append(out, s[i:i+n]...)
				i += n
			case c < utf8.RuneSelf && (staysEscaped(c) || strings.IndexByte(reserved, c) >= 0):
				out = append(out, s[i:i+3]...)
				i += 3
			case c < utf8.RuneSelf:
				out = append(out, c)
				i += 3
			default:
				b, n := escapedRun(s[i:])
				if hasCharacter(b) {
					out = appendRun(out, b, func(r rune) bool { return inIRI(r, query) && !isBidi(r) })
				} else {
					out = append(out, s[i:i+n]...)
				}
				i += n
			}
			continue
		}
		r, n := clr.Decode(s[i:])
		switch {
		case r < utf8.RuneSelf || inIRI(r, query) && !isBidi(r):
			out = append(out, s[i:i+n]...)
		case isBidi(r):
		default:
			out = appendEscaped(out, s[i:i+n])
		}
		i += n
	}
	return string(out)
}
