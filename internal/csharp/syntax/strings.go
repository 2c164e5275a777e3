package syntax

import "strings"

// This file knows where strings end, for the scanner and the lexer alike.

// ending says how the text of a string stops.
type ending byte

const (
	closed  ending = iota // its quote was found
	cutLine               // the line ended first
	cutText               // the source ended first
)

// quotedEnd finds the end of "…" or '…' with escapes, on one line; at is the
// place of the opening quote. The end is behind the closing quote, or where
// the line or the source ends.
func quotedEnd(src string, at int) (int, ending) {
	quote := src[at]
	for i := at + 1; i < len(src); i++ {
		switch c := src[i]; {
		case c == quote:
			return i + 1, closed
		case isLineEnd(c):
			return i, cutLine
		case c == '\\':
			if i+1 < len(src) && !isLineEnd(src[i+1]) {
				i++
			}
		}
	}
	return len(src), cutText
}

// verbatimEnd finds the end of @"…", in which "" is a quote and lines may end;
// at is the place behind the opening quote.
func verbatimEnd(src string, at int) (int, ending) {
	for i := at; i < len(src); i++ {
		if src[i] != '"' {
			continue
		}
		if i+1 < len(src) && src[i+1] == '"' {
			i++
			continue
		}
		return i + 1, closed
	}
	return len(src), cutText
}

// pieceEnd finds where the text of an interpolated string, or the format of a
// hole in one, stops: at a quote, a brace, the line's end unless verbatim, or
// the end of the source.
func pieceEnd(src string, at int, verbatim bool) int {
	for at < len(src) {
		c := src[at]
		twice := at+1 < len(src) && src[at+1] == c
		switch {
		case (c == '{' || c == '}' || verbatim && c == '"') && twice:
			at += 2
		case c == '{' || c == '}' || c == '"' || !verbatim && isLineEnd(c):
			return at
		case c == '\\' && !verbatim && at+1 < len(src) && !isLineEnd(src[at+1]):
			at += 2
		default:
			at++
		}
	}
	return at
}

// commentEnd finds the end of the comment at, "//…" up to the line's end or
// "/*…*/"; ok is false when the latter has none.
func commentEnd(src string, at int) (end int, ok bool) {
	if src[at+1] == '/' {
		return restOfLine(src, at), true
	}
	i := strings.Index(src[at+2:], "*/")
	if i < 0 {
		return len(src), false
	}
	return at + 2 + i + 2, true
}

// restOfLine is where the line ends.
func restOfLine(src string, at int) int {
	if i := strings.IndexAny(src[at:], "\r\n"); i >= 0 {
		return at + i
	}
	return len(src)
}

// firstOnLine reports whether only blanks stand before the place on its line.
func firstOnLine(src string, start, at int) bool {
	for i := at - 1; i >= start; i-- {
		switch src[i] {
		case ' ', '\t':
			continue
		case '\n', '\r':
			return true
		}
		return false
	}
	return false
}

func isLineEnd(c byte) bool { return c == '\n' || c == '\r' }
