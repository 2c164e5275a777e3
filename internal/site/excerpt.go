package site

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// excerptWidth is the number of characters of a source line that an excerpt
// shows; longer lines are cut around the place.
const excerptWidth = 120

// Excerpt returns the line of src that pos names and, below it, a caret under
// the column. It is empty when pos names no line of src. Tabs stay tabs in both
// lines, so that the caret stands right at any tab width; other characters that
// do not print are shown as "?", and wide ones take two columns. Long lines are cut to 120 characters.
func Excerpt(src []byte, pos Pos) string {
	line, ok := sourceLine(src, pos.Line)
	if !ok {
		return ""
	}
	column := min(max(pos.Column, 1)-1, len(line))
	before := []rune(printable(line[:column]))
	after := []rune(printable(line[column:]))

	if len(before)+len(after) > excerptWidth {
		before, after = cutAround(before, after)
	}
	var b strings.Builder
	b.WriteString(string(before))
	b.WriteString(string(after))
	b.WriteByte('\n')
	for _, r := range before {
		b.WriteString(blank(r))
	}
	b.WriteByte('^')
	return b.String()
}

// blank is as wide on a terminal as r is.
func blank(r rune) string {
	if r == '\t' {
		return "\t"
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return ""
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return "  "
	}
	return " "
}

// sourceLine is line number n, counted from 1 and without its line break.
func sourceLine(src []byte, n int) ([]byte, bool) {
	if n < 1 {
		return nil, false
	}
	for ; n > 1; n-- {
		i := bytes.IndexByte(src, '\n')
		if i < 0 {
			return nil, false
		}
		src = src[i+1:]
	}
	if i := bytes.IndexByte(src, '\n'); i >= 0 {
		src = src[:i]
	}
	return bytes.TrimSuffix(src, []byte("\r")), true
}

func printable(b []byte) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || (r != utf8.RuneError && unicode.IsPrint(r)) {
			return r
		}
		return '?'
	}, string(b))
}

// cutAround keeps the text next to the place and marks what was cut.
func cutAround(before, after []rune) (left, right []rune) {
	const half = excerptWidth / 2
	if len(before) > half {
		left = append([]rune("…"), before[len(before)-half:]...)
	} else {
		left = before
	}
	if rest := excerptWidth - len(left); len(after) > rest {
		right = append(append([]rune{}, after[:rest]...), '…')
	} else {
		right = after
	}
	return left, right
}
