package syntax

import (
	"fmt"
	"strings"
)

// quoted takes "…" or '…' with escapes, on one line.
func (s *scanner) quoted(quote byte, what string) error {
	start := s.at
	for i := start + 1; i < len(s.src); i++ {
		switch s.src[i] {
		case '\\':
			if i+1 < len(s.src) && !isLineEnd(s.src[i+1]) {
				i++
			}
		case quote:
			s.at = i + 1
			return nil
		case '\n', '\r':
			return &Error{Offset: start, Reason: fmt.Sprintf("the %s does not end on its line", what)}
		}
	}
	return &Error{Offset: start, Reason: fmt.Sprintf("the %s has no end", what)}
}

// verbatimString takes @"…", in which "" is a quote and lines may end.
func (s *scanner) verbatimString() error {
	for i := s.at + 2; i < len(s.src); i++ {
		if s.src[i] != '"' {
			continue
		}
		if i+1 < len(s.src) && s.src[i+1] == '"' {
			i++
			continue
		}
		s.at = i + 1
		return nil
	}
	return &Error{Offset: s.at, Reason: "the string has no end"}
}

// inText takes one step inside an interpolated string: text up to a hole or to
// the string's end.
func (s *scanner) inText(verbatim bool) error {
	for s.at < len(s.src) {
		switch c := s.src[s.at]; {
		case s.next("{{"), s.next("}}"), verbatim && s.next(`""`):
			s.at += 2
		case c == '"':
			s.at++
			s.pop()
			return nil
		case c == '{':
			s.at++
			return s.push(hole, s.at-1)
		case c == '}':
			return &Error{Offset: s.at, Reason: `"}" in an interpolated string is written "}}"`}
		case !verbatim && c == '\\':
			s.escape()
		case !verbatim && isLineEnd(c):
			return &Error{Offset: s.open[len(s.open)-1].at, Reason: "the string does not end on its line"}
		default:
			s.at++
		}
	}
	return nil
}

// format takes ":…}" of a hole, for instance ":0.00}". Quotes are no strings
// there, and one ends the string around it, as in C#.
func (s *scanner) format() error {
	if s.next("::") {
		s.at += 2
		return nil
	}
	outer := s.open[len(s.open)-2]
	for s.at < len(s.src) {
		switch c := s.src[s.at]; {
		case s.next("{{"), s.next("}}"), outer.kind == verbatim && s.next(`""`):
			s.at += 2
		case c == '}':
			s.at++
			s.pop()
			return nil
		case c == '"' || c == '{':
			return &Error{Offset: s.at, Reason: fmt.Sprintf("%q in the format of a hole", c)}
		case outer.kind == text && c == '\\':
			s.escape()
		case outer.kind == text && isLineEnd(c):
			return &Error{Offset: outer.at, Reason: "the string does not end on its line"}
		default:
			s.at++
		}
	}
	return nil
}

// escape takes a backslash and the character after it.
func (s *scanner) escape() {
	s.at++
	if s.at < len(s.src) && !isLineEnd(s.src[s.at]) {
		s.at++
	}
}

func isLineEnd(c byte) bool { return strings.IndexByte("\r\n", c) >= 0 }
