package syntax

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// quoted takes "…".
func (l *lexer) quoted() {
	if l.next(`"""`) {
		// An empty string and another one are never neighbours in C# 7.
		code, reason := tooNew("raw string literals", "11.0")
		l.fail(l.at, l.at+3, code, reason)
		l.add(token{kind: tokBad}, len(l.src))
		l.open = nil
		return
	}
	end, how := quotedEnd(l.src, l.at)
	if how != closed {
		l.unquoted(end)
		return
	}
	v := l.unescape(l.at+1, end-1)
	l.literal(&Literal{Kind: StringLiteral, Value: v, Quote: '"'}, end)
}

// unquoted takes a string or a character that does not end on its line.
func (l *lexer) unquoted(end int) {
	if l.lined > 0 {
		l.at = end
		l.cut()
		return
	}
	l.bad(end, "CS1010", "Newline in constant")
}

// verbatimString takes @"…".
func (l *lexer) verbatimString() {
	end, how := verbatimEnd(l.src, l.at+2)
	if how != closed {
		l.bad(end, "CS1039", "Unterminated string literal")
		return
	}
	l.onOneLine(end)
	v := strings.ReplaceAll(l.src[l.at+2:end-1], `""`, `"`)
	l.literal(&Literal{Kind: StringLiteral, Value: validText(v), Quote: '@'}, end)
}

// char takes '…': a character, or a string where there are several.
func (l *lexer) char() {
	end, how := quotedEnd(l.src, l.at)
	if how != closed {
		l.unquoted(end)
		return
	}
	if end == l.at+2 {
		l.bad(end, "CS1011", "Empty character literal")
		return
	}
	v := l.unescape(l.at+1, end-1)
	if unit, ok := singleUnit(v); ok {
		l.literal(&Literal{Kind: CharLiteral, Value: unit, Quote: '\''}, end)
		return
	}
	if _, n := utf8.DecodeRuneInString(v); n == len(v) {
		l.bad(end, "CS1012", "Too many characters in character literal: it takes two units of UTF-16; mend: a string")
		return
	}
	l.literal(&Literal{Kind: StringLiteral, Value: v, Quote: '\''}, end)
}

// singleUnit is the UTF-16 code unit of a text that has one.
func singleUnit(s string) (uint16, bool) {
	if len(s) == 3 && s[0] == 0xED && s[1] >= 0xA0 {
		return 0xD000 | uint16(s[1]&0x3F)<<6 | uint16(s[2]&0x3F), true
	}
	r, n := utf8.DecodeRuneInString(s)
	return uint16(r), n == len(s) && r <= 0xFFFF
}

// unescape resolves the escapes of src[from:to].
func (l *lexer) unescape(from, to int) string {
	raw := l.src[from:to]
	if strings.IndexByte(raw, '\\') < 0 {
		return validText(raw)
	}
	b := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			r, n := utf8.DecodeRuneInString(raw[i:])
			b = utf8.AppendRune(b, r)
			i += n
			continue
		}
		r, n := escape(raw[i:])
		if n == 0 {
			n = min(2, len(raw)-i)
			l.fail(from+i, from+i+n, "CS1009", "Unrecognized escape sequence")
		}
		if n > 0 && r >= 0 {
			b = appendUnit(b, r)
		}
		i += n
	}
	return string(b)
}

// simpleEscapes are the characters behind a backslash and what they mean.
const simpleEscapes = "'\"\\0abfnrtv"
const simpleMeanings = "'\"\\\x00\a\b\f\n\r\t\v"

// escape reads the escape that src begins with; n is 0 where it is none.
func escape(src string) (r rune, n int) {
	if len(src) < 2 {
		return -1, 0
	}
	if i := strings.IndexByte(simpleEscapes, src[1]); i >= 0 {
		return rune(simpleMeanings[i]), 2
	}
	least, most := 0, 0
	switch src[1] {
	case 'x':
		least, most = 1, 4
	case 'u':
		least, most = 4, 4
	case 'U':
		least, most = 8, 8
	default:
		return -1, 0
	}
	v, digits := hexDigits(src[2:], most)
	if digits < least || v > utf8.MaxRune {
		return -1, 0
	}
	return rune(v), 2 + digits
}

// appendUnit appends a code point or a UTF-16 code unit. The two halves of a
// pair become one code point; a half alone is kept in three bytes, as WTF-8
// does, which no character of valid UTF-8 looks like.
func appendUnit(b []byte, r rune) []byte {
	if !utf16.IsSurrogate(r) {
		return utf8.AppendRune(b, r)
	}
	if n := len(b); r >= 0xDC00 && n >= 3 && b[n-3] == 0xED && b[n-2] >= 0xA0 && b[n-2] < 0xB0 {
		high := 0xD000 | rune(b[n-2]&0x3F)<<6 | rune(b[n-1]&0x3F)
		return utf8.AppendRune(b[:n-3], utf16.DecodeRune(high, r))
	}
	return append(b, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F|0x80, 0x80|byte(r)&0x3F)
}

// validText replaces each byte that is not UTF-8, so that lone surrogates come
// from escapes alone.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
