package audit

import (
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// plain says that a byte stands for itself inside a JSON string, and does
// nothing to a terminal.
func plain(c byte) bool {
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\'
}

// appendEscaped appends s as the inside of a JSON string, at most limit bytes
// of it; whole says that all of s is there. Invalid UTF-8 is replaced; control
// and format characters, which can rewrite what a terminal shows, are escaped,
// so that a reader of the JSON still gets them.
func appendEscaped(buf []byte, s string, limit int) (_ []byte, whole bool) {
	n := 0
	for n < len(s) && plain(s[n]) {
		n++
	}
	if n == len(s) && n <= limit {
		return append(buf, s...), true // nearly always
	}
	start := len(buf)
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		before := len(buf)
		buf = appendRune(buf, r, s[i:i+size])
		if len(buf)-start > limit {
			return buf[:before], false
		}
		i += size
	}
	return buf, true
}

// appendRune appends one character; raw is how it was written.
func appendRune(buf []byte, r rune, raw string) []byte {
	switch {
	case r == '"' || r == '\\':
		return append(buf, '\\', byte(r))
	case r == '\n':
		return append(buf, '\\', 'n')
	case r == '\r':
		return append(buf, '\\', 'r')
	case r == '\t':
		return append(buf, '\\', 't')
	case r == utf8.RuneError && len(raw) == 1:
		return append(buf, `\ufffd`...)
	case harmful(r):
		return appendUnicodeEscape(buf, r)
	}
	return append(buf, raw...)
}

// appendHarmless is appendEscaped for valid JSON: its strings are escaped as
// far as JSON asks, and outside of strings there is only ASCII.
func appendHarmless(buf []byte, compact string) []byte {
	for _, r := range compact {
		if harmful(r) {
			buf = appendUnicodeEscape(buf, r)
		} else {
			buf = utf8.AppendRune(buf, r)
		}
	}
	return buf
}

// harmful are control characters, format characters (direction marks among
// them), and the line separators that JavaScript takes for line breaks.
func harmful(r rune) bool {
	if r < 0x7f {
		return r < ' '
	}
	return r < 0xa0 || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Cf, r)
}

func appendUnicodeEscape(buf []byte, r rune) []byte {
	if hi, lo := utf16.EncodeRune(r); hi != unicode.ReplacementChar {
		return appendUnicodeEscape(appendUnicodeEscape(buf, hi), lo)
	}
	return append(buf, '\\', 'u', hexDigits[r>>12&0xf], hexDigits[r>>8&0xf], hexDigits[r>>4&0xf], hexDigits[r&0xf])
}
