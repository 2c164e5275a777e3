package text

import (
	"strings"
	"unicode/utf16"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// startsLow and endsHigh tell text whose halves of characters may meet others'.
func startsLow(s string) bool { return len(s) >= 3 && s[0] == 0xED && s[1] >= 0xB0 }

func endsHigh(s string) bool {
	n := len(s)
	return n >= 3 && s[n-3] == 0xED && s[n-2] >= 0xA0 && s[n-2] <= 0xAF
}

// splits reports text that can stand in another one without its bytes standing
// there: it begins or ends inside of a character.
func splits(s string) bool { return startsLow(s) || endsHigh(s) }

// concatAll joins texts, and takes their memory first.
func concatAll(t *clr.Thread, parts ...string) string {
	n, mend := 0, false
	for _, p := range parts {
		n += len(p)
		mend = mend || startsLow(p)
	}
	t.Allocate(n)
	s := strings.Join(parts, "")
	if mend {
		s = clr.Mend(s)
	}
	return s
}

// indexOrdinal is the place of sub in s in code units, -1: nowhere.
func indexOrdinal(s, sub string) int {
	if splits(sub) {
		return indexUnits(clr.Units(s), clr.Units(sub))
	}
	i := strings.Index(s, sub)
	if i <= 0 {
		return i
	}
	return clr.Length(s[:i])
}

func lastOrdinal(s, sub string) int {
	if splits(sub) {
		return lastUnits(clr.Units(s), clr.Units(sub))
	}
	i := strings.LastIndex(s, sub)
	if i <= 0 {
		return i
	}
	return clr.Length(s[:i])
}

func containsOrdinal(s, sub string) bool {
	if splits(sub) {
		return indexUnits(clr.Units(s), clr.Units(sub)) >= 0
	}
	return strings.Contains(s, sub)
}

// indexUnits finds halves of characters, which is rare.
func indexUnits(s, sub []uint16) int {
	text, part := string(wide(s)), string(wide(sub))
	for from := 0; ; from++ {
		i := strings.Index(text[from:], part)
		if i < 0 {
			return -1
		}
		if from += i; from%2 == 0 {
			return from / 2
		}
	}
}

func lastUnits(s, sub []uint16) int {
	text, part := string(wide(s)), string(wide(sub))
	for {
		i := strings.LastIndex(text, part)
		if i < 0 {
			return -1
		}
		if i%2 == 0 {
			return i / 2
		}
		text = text[:i+len(part)-1]
	}
}

// wide is two bytes a unit. A match at an odd place is none.
func wide(units []uint16) []byte {
	b := make([]byte, 0, 2*len(units))
	for _, u := range units {
		b = append(b, byte(u>>8), byte(u))
	}
	return b
}

// eachUnit calls f for the code units of s until it says false.
func eachUnit(s string, f func(i int, c uint16) bool) {
	for i := 0; len(s) > 0; i++ {
		r, size := clr.Decode(s)
		s = s[size:]
		if r < 0x10000 {
			if !f(i, uint16(r)) {
				return
			}
			continue
		}
		high, low := utf16.EncodeRune(r)
		if !f(i, uint16(high)) || !f(i+1, uint16(low)) {
			return
		}
		i++
	}
}

// slice is the part of s between two places.
func slice(s string, from, to int) string { return clr.Slice(s, from, to-from) }

// charsOf are the code units of a char[].
func charsOf(a *clr.ArrayObject, from, n int) []uint16 {
	units := make([]uint16, n)
	for i := range units {
		units[i] = uint16(a.Elems[from+i].N)
	}
	return units
}

// allChars are the code units of the char[] in v; null has none.
func allChars(v clr.Value) []uint16 {
	a, _ := v.O.(*clr.ArrayObject)
	if a == nil {
		return nil
	}
	return charsOf(a, 0, len(a.Elems))
}

// charString is a string of one code unit.
func charString(c uint16) string {
	if c < 0x80 {
		return ascii[c : c+1]
	}
	return string(clr.AppendChar(nil, c))
}

// ascii is every ASCII character, so that one of them is a string without
// memory.
var ascii = func() string {
	b := make([]byte, 128)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}()
