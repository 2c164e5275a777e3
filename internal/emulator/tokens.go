package emulator

import (
	"unicode"
	"unicode/utf8"
)

// maxRun is how many letters or digits one token holds.
const maxRun = 6

// nextToken returns the length in bytes of the first token of s: one space, if
// something but a space follows it, and then up to six letters or digits, or
// one other character. It stands in for the models' tokenisers, which are large
// tables; like theirs its tokens are some four bytes of English.
//
// Tokens are taken from the left, so that the first n tokens of a text are n
// tokens by themselves.
func nextToken(s string) int {
	i := 0
	if len(s) > 1 && s[0] == ' ' && s[1] != ' ' {
		i = 1
	}
	for n := 0; i < len(s); n++ {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			if n == 0 {
				i += size
			}
			return i
		}
		if n == maxRun {
			return i
		}
		i += size
	}
	return i
}

// countTokens returns how many tokens a text has.
func countTokens(s string) int {
	n := 0
	for s != "" {
		s = s[nextToken(s):]
		n++
	}
	return n
}

// splitTokens returns the tokens of a text.
func splitTokens(s string) []string {
	var out []string
	for s != "" {
		n := nextToken(s)
		out = append(out, s[:n])
		s = s[n:]
	}
	return out
}
