package syntax

import "strings"

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

// cut takes an interpolated string whose line ends first.
func (l *lexer) cut() {
	from := int(l.tokens[l.open[len(l.open)-1].token].from)
	l.fail(from, l.at, "CS1010", "Newline in constant")
	l.add(token{kind: tokBad}, l.at)
	l.pop()
}

// format takes the ":0.00" of a hole. The hole's end is left.
func (l *lexer) format() {
	outer := l.open[len(l.open)-2].kind
	end := pieceEnd(l.src, l.at+1, outer == verbatim)
	l.add(token{kind: tokFormat, text: l.pieceText(l.at+1, end, outer == verbatim)}, end)
	if end == len(l.src) || l.src[end] == '}' {
		return
	}
	// The hole ends here with an error, and the string goes on.
	if c := l.src[end]; c == '"' {
		l.fail(end, end+1, "CS8076", "Missing close delimiter '}' for interpolated expression started with '{'")
	} else if c == '{' {
		l.fail(end, end+1, "CS8087", "A '{' character may only be escaped by doubling '{{' in an interpolated string")
	}
	l.add(token{kind: tokBad}, end)
	l.pop()
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
