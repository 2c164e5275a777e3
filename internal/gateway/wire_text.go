package gateway

import "bytes"

// Token characters of RFC 9110 section 5.6.2 as two masks: below and from 64.
const (
	tokenLow uint64 = 1<<'!' | 1<<'#' | 1<<'$' | 1<<'%' | 1<<'&' | 1<<'\'' |
		1<<'*' | 1<<'+' | 1<<'-' | 1<<'.' | (1<<10-1)<<'0'
	tokenHigh uint64 = (1<<26-1)<<('A'-64) | (1<<26-1)<<('a'-64) |
		1<<('^'-64) | 1<<('_'-64) | 1<<('`'-64) | 1<<('|'-64) | 1<<('~'-64)
)

func isToken[T []byte | string](s T) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < 64 && tokenLow>>c&1 == 1 || c >= 64 && c < 128 && tokenHigh>>(c-64)&1 == 1 {
			continue
		}
		return false
	}
	return len(s) > 0
}

// fieldText reports whether s is free of control characters, tab excepted.
// Bytes from 0x80 on are opaque and allowed, RFC 9110 section 5.5.
func fieldText(s []byte) bool {
	for _, c := range s {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

func trimOWS(s []byte) []byte {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// foldEqual compares with a lower-case ASCII word without case.
func foldEqual(s []byte, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i, c := range s {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// listHolds reports whether a comma-separated list holds a lower-case word.
func listHolds(list []byte, lower string) bool {
	for len(list) > 0 {
		var item []byte
		item, list, _ = bytes.Cut(list, []byte{','})
		if foldEqual(trimOWS(item), lower) {
			return true
		}
	}
	return false
}

// hostText reports whether s has only the characters of "host" or "host:port".
// Which hosts there are is decided in read; here is no string to allocate.
func hostText(s []byte) bool {
	for i, c := range s {
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9':
		case c == '.' || c == '-' || c == '_':
		case c == ':' || c == '[' && i == 0 || c == ']':
		default:
			return false
		}
	}
	return len(s) > 0
}
