package syntax

import (
	"slices"
	"strings"
)

// piece takes one step inside an interpolated string: its text, a hole's
// beginning, or its end.
func (l *lexer) piece(isVerbatim bool) {
	end := pieceEnd(l.src, l.at, isVerbatim)
	if end > l.at {
		l.onOneLine(end)
		l.add(token{kind: tokPiece, text: l.pieceText(l.at, end, isVerbatim)}, end)
		return
	}
	switch l.src[l.at] {
	case '"':
		opener := l.open[len(l.open)-1].token
		l.pop()
		l.tokens[opener].match = len(l.tokens)
		l.add(token{kind: tokTextEnd, match: opener}, l.at+1)
	case '{':
		l.push(hole, token{kind: tokHole}, l.at+1)
	case '}':
		l.fail(l.at, l.at+1, "CS8086", "A '}' character must be escaped (by doubling) in an interpolated string")
		l.at++
	default:
		l.cut()
	}
}

// cut takes an interpolated string whose line ends first. The strings around
// it that have to end on this line are cut with it.
func (l *lexer) cut() {
	for i, o := range l.open {
		if o.kind == text {
			l.collapse(i, l.at, "CS1010", "Newline in constant")
			return
		}
	}
}

// collapse makes one bad token, up to end, of the i-th of what is open and of
// all inside, so that the error is the only one there.
func (l *lexer) collapse(i, end int, code, reason string) {
	opener := l.open[i].token
	for len(l.open) > i {
		l.pop()
	}
	first := l.tokens[opener]
	l.at, l.newLine = int(first.from), first.newLine
	l.tokens = l.tokens[:opener]
	l.errs = slices.DeleteFunc(l.errs, func(e *Error) bool { return e.Offset >= l.at })
	l.bad(end, code, reason)
}

// format takes the ":0.00" of a hole. The hole's end is left.
func (l *lexer) format() {
	i := len(l.open) - 2
	isVerbatim := l.open[i].kind == verbatim
	end := pieceEnd(l.src, l.at+1, isVerbatim)
	if end == len(l.src) || l.src[end] == '}' {
		l.onOneLine(end)
		l.add(token{kind: tokFormat, text: l.pieceText(l.at+1, end, isVerbatim)}, end)
		return
	}
	switch l.src[end] {
	case '"':
		l.collapse(i, restOfLine(l.src, end), "CS8076", "Missing close delimiter '}' for interpolated expression started with '{'")
	case '{':
		l.collapse(i, restOfLine(l.src, end), "CS8087", "A '{' character may only be escaped by doubling '{{' in an interpolated string")
	default:
		l.at = end
		l.cut()
	}
}

// pieceText resolves text of an interpolated string: escapes, and what is
// doubled.
func (l *lexer) pieceText(from, to int, isVerbatim bool) string {
	double := strings.NewReplacer("{{", "{", "}}", "}")
	if isVerbatim {
		double = strings.NewReplacer("{{", "{", "}}", "}", `""`, `"`)
		return validText(double.Replace(l.src[from:to]))
	}
	raw := l.src[from:to]
	if strings.IndexByte(raw, '\\') < 0 {
		return validText(double.Replace(raw))
	}
	// "\u007b{" is one brace and a half for the compiler too: braces that come
	// from escapes are not doubled, so those are resolved piece by piece.
	return l.unescapeDoubled(from, to)
}

// unescapeDoubled resolves escapes and doubled braces that stand as such.
func (l *lexer) unescapeDoubled(from, to int) string {
	var b []byte
	begin := from
	for i := from; i < to; i++ {
		switch c := l.src[i]; {
		case c == '\\':
			i++
		case (c == '{' || c == '}') && i+1 < to && l.src[i+1] == c:
			b = append(b, l.unescape(begin, i+1)...)
			i++
			begin = i + 1
		}
	}
	return string(append(b, l.unescape(begin, to)...))
}
