package regex

import (
	"errors"
	"time"
	"unicode/utf16"

	"github.com/dlclark/regexp2/v2"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// subject is a string that is searched.
type subject struct {
	text string
	// runes are its code units, which the engine takes for characters.
	runes []rune
	ascii bool
}

func newSubject(t *clr.Thread, s string) *subject {
	n := len(s)
	sub := &subject{text: s, ascii: clr.IsASCII(s)}
	t.Allocate(n*4 + 64)
	if sub.ascii {
		sub.runes = make([]rune, n)
		for i := range n {
			sub.runes[i] = rune(s[i])
		}
		return sub
	}
	sub.runes = make([]rune, 0, n)
	for len(s) > 0 {
		r, size := clr.Decode(s)
		if s = s[size:]; r < 0x10000 {
			sub.runes = append(sub.runes, engineRune(uint16(r)))
			continue
		}
		high, low := utf16.EncodeRune(r)
		sub.runes = append(sub.runes, engineRune(uint16(high)), engineRune(uint16(low)))
	}
	return sub
}

// engineRune is the character that stands for a code unit in the engine.
// Halves of characters are none of Unicode, and the engine loses them where it
// makes strings of what a pattern begins with: they become characters for
// private use, whose lower 16 bits are theirs.
func engineRune(c uint16) rune {
	if c >= 0xD800 && c <= 0xDFFF {
		return 0x100000 + rune(c)
	}
	return rune(c)
}

// wide are the code units of a string.
func wide(s string) []uint16 { return clr.Units(s) }

// text is the string of these code units.
func text(u []uint16) string { return clr.FromUnits(u) }

func (s *subject) len() int { return len(s.runes) }

// slice is the text from one place to another.
func (s *subject) slice(t *clr.Thread, from, to int) string {
	if s.ascii {
		return s.text[from:to]
	}
	t.Allocate((to - from) * 3)
	b := make([]byte, 0, to-from)
	for _, r := range s.runes[from:to] {
		b = clr.AppendChar(b, uint16(r))
	}
	return string(b)
}

// limit is how long a search may take now.
func limit(t *clr.Thread, timeout time.Duration) time.Duration {
	d := MaxSearch
	if timeout > 0 {
		d = min(d, timeout)
	}
	left := t.Left()
	if left <= 0 {
		over(t)
	}
	return min(d, max(left, time.Millisecond))
}

// failed throws what a search's error means.
func failed(t *clr.Thread, err error) {
	if errors.Is(err, regexp2.ErrBacktrackingStackLimit) {
		t.Stop("memory", "16 MiB for going back in a regular expression")
	}
	if t.Left() <= 0 {
		over(t)
	}
	t.Throw(clr.RegexTimeoutException, "The RegEx engine has timed out while trying to match a pattern to an input string. "+
		"This can occur for many reasons, including very large inputs or excessive backtracking caused by nested quantifiers, "+
		"back-references and other factors.")
}

// over ends a run whose time has passed: so many steps have the clock looked
// at.
func over(t *clr.Thread) { t.Work(1 << 14) }

// charge counts a search through n characters.
func charge(t *clr.Thread, n int) {
	t.Work(n/8 + 1)
	t.Allocate(160)
}
