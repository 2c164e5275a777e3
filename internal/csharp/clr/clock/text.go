package clock

import (
	"strings"
	"unicode"
)

// trim takes away what .NET calls white space at both ends.
func trim(s string) string { return strings.TrimFunc(s, isSpace) }

// isSpace is Char.IsWhiteSpace: the same as Go's.
func isSpace(r rune) bool { return unicode.IsSpace(r) }
