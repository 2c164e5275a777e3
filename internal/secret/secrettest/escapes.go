package secrettest

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// depth is how many escapes may lie in each other: a URL in JSON in a log line
// of JSON is three.
const depth = 3

// views are a text as it is, and with its escapes taken away, again and again
// until there are none.
func views(text []byte) [][]byte {
	out := [][]byte{text}
	for range depth {
		last := out[len(out)-1]
		next := unescape(last)
		if bytes.Equal(next, last) {
			return out
		}
		out = append(out, next)
	}
	return out
}

// unescape takes away what looks like an escape of a URL (%41), of JSON (\u0041,
// \/) or of a Go string (\x41, \101). What does not is left as it is.
func unescape(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		n := 0
		switch text[i] {
		case '%':
			out, n = number(out, text, i+1, 2, 16)
		case '\\':
			out, n = backslash(out, text, i+1)
		}
		if n == 0 {
			out = append(out, text[i])
		}
		i += 1 + n
	}
	return out
}

// backslash appends what an escape stands for and says how many bytes follow
// its backslash; 0: it is none.
func backslash(out, text []byte, at int) ([]byte, int) {
	if at >= len(text) {
		return out, 0
	}
	simple := map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', '"': '"', '\\': '\\', '/': '/', '\'': '\''}
	var n int
	switch c := text[at]; {
	case c == 'u':
		out, n = number(out, text, at+1, 4, 16)
		n = after(n)
	case c == 'x':
		out, n = number(out, text, at+1, 2, 16)
		n = after(n)
	case c >= '0' && c <= '7':
		out, n = number(out, text, at, 3, 8)
	case simple[c] != 0:
		out, n = append(out, simple[c]), 1
	}
	return out, n
}

// after counts the letter before the digits, where there were digits.
func after(n int) int {
	if n > 0 {
		n++
	}
	return n
}

// number appends the character of a number with so many digits.
func number(out, text []byte, at, digits, base int) ([]byte, int) {
	if at+digits > len(text) {
		return out, 0
	}
	v, err := strconv.ParseUint(string(text[at:at+digits]), base, 16)
	switch {
	case err != nil:
		return out, 0
	case digits == 4:
		return utf8.AppendRune(out, rune(v)), digits
	case v > 255:
		return out, 0
	}
	return append(out, byte(v)), digits
}
