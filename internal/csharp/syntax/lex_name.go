package syntax

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// isKeyword reports whether a word is reserved. Contextual keywords are not.
func isKeyword(s string) bool {
	switch s {
	case "abstract", "as", "base", "break", "case", "catch", "checked", "class", "const", "continue",
		"default", "delegate", "do", "else", "enum", "event", "explicit", "extern", "false", "finally",
		"fixed", "for", "foreach", "goto", "if", "implicit", "in", "interface", "internal", "is", "lock",
		"namespace", "new", "null", "operator", "out", "override", "params", "private", "protected",
		"public", "readonly", "ref", "return", "sealed", "sizeof", "stackalloc", "static", "struct",
		"switch", "this", "throw", "true", "try", "typeof", "unchecked", "unsafe", "using", "virtual",
		"volatile", "while":
		return true
	}
	return isPredefined(s)
}

// isPredefined reports whether a word is one of the types that are keywords.
func isPredefined(s string) bool {
	switch s {
	case "bool", "byte", "char", "decimal", "double", "float", "int", "long", "object",
		"sbyte", "short", "string", "uint", "ulong", "ushort", "void":
		return true
	}
	return false
}

// name takes an identifier or a keyword.
func (l *lexer) name() {
	begin := l.at
	i := begin
	if l.src[i] == '@' {
		i++
	}
	name, end, escaped := readName(l.src, i)
	switch {
	case name == "" && end > i:
		// Only characters that do not count, as a zero-width joiner.
		l.bad(end, "CS1056", "Unexpected character")
	case name == "" && l.src[begin] == '@':
		l.bad(i, "CS1646", "Keyword, identifier, or string expected after verbatim specifier: @")
	case name == "":
		l.unexpected()
	case i == begin && !escaped && isKeyword(name):
		l.add(token{kind: tokKeyword, text: name}, end)
	default:
		l.add(token{kind: tokName, text: name, plain: i == begin && !escaped}, end)
	}
}

// readName reads the name at i: resolved, with the place of its end. A name
// that does not begin there is empty.
func readName(src string, i int) (name string, end int, escaped bool) {
	begin := i
	for i < len(src) && (isASCIILetter(src[i]) || src[i] == '_' || isDigit(src[i]) && i > begin) {
		i++
	}
	if i == len(src) || src[i] < utf8.RuneSelf && src[i] != '\\' {
		return src[begin:i], i, false
	}
	b := []byte(src[begin:i])
	for i < len(src) {
		r, n := nameRune(src[i:])
		if n == 0 || !isNamePart(r, len(b) == 0) {
			break
		}
		escaped = escaped || src[i] == '\\'
		i += n
		// Formatting characters do not count.
		if !unicode.Is(unicode.Cf, r) {
			b = utf8.AppendRune(b, r)
		}
	}
	return string(b), i, escaped
}

// nameRune reads a character or an escape; n is 0 where there is none.
func nameRune(src string) (r rune, n int) {
	if src[0] != '\\' {
		r, n = utf8.DecodeRuneInString(src)
		return r, n
	}
	digits := 0
	switch {
	case strings.HasPrefix(src, `\u`):
		digits = 4
	case strings.HasPrefix(src, `\U`):
		digits = 8
	default:
		return 0, 0
	}
	v, n := hexDigits(src[2:], digits)
	if n != digits || v > unicode.MaxRune {
		return 0, 0
	}
	return rune(v), 2 + digits
}

func isNamePart(r rune, first bool) bool {
	if r == '_' || unicode.IsLetter(r) || unicode.Is(unicode.Nl, r) {
		return true
	}
	return !first && unicode.In(r, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc, unicode.Cf)
}
