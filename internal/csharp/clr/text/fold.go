package text

import (
	"unicode"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// upper and lower are the invariant culture's: one character to one character,
// and only where the way back leads to the same one. So ß, ı, µ, ſ and the
// Kelvin sign stay; characters beyond 0xFFFF stay too, as in the Framework, and
// so do pairs that Unicode has got since 5.0.

func upper(r rune) rune {
	if r < utf8.RuneSelf {
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}
	if r > 0xFFFF {
		return r
	}
	if u := unicode.ToUpper(r); u != r && u <= 0xFFFF && unicode.ToLower(u) == r && !isNewPair(r) {
		return u
	}
	return r
}

func lower(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	if r > 0xFFFF {
		return r
	}
	if l := unicode.ToLower(r); l != r && l <= 0xFFFF && unicode.ToUpper(l) == r && !isNewPair(r) {
		return l
	}
	return r
}

// newPairs are the letters of such pairs.
var newPairs = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x23F, Hi: 0x240, Stride: 1}, {Lo: 0x252, Hi: 0x25C, Stride: 10}, {Lo: 0x261, Hi: 0x265, Stride: 4}, {Lo: 0x266, Hi: 0x26A, Stride: 4},
	{Lo: 0x26C, Hi: 0x26C, Stride: 1}, {Lo: 0x282, Hi: 0x287, Stride: 5}, {Lo: 0x29D, Hi: 0x29E, Stride: 1}, {Lo: 0x37F, Hi: 0x37F, Stride: 1},
	{Lo: 0x3F3, Hi: 0x3F3, Stride: 1}, {Lo: 0x524, Hi: 0x52F, Stride: 1}, {Lo: 0x10C7, Hi: 0x10CD, Stride: 6}, {Lo: 0x10D0, Hi: 0x10FF, Stride: 1},
	{Lo: 0x13A0, Hi: 0x13FD, Stride: 1}, {Lo: 0x1C90, Hi: 0x1CBF, Stride: 1}, {Lo: 0x1D8E, Hi: 0x1D8E, Stride: 1}, {Lo: 0x2C2F, Hi: 0x2C2F, Stride: 1},
	{Lo: 0x2C5F, Hi: 0x2C5F, Stride: 1}, {Lo: 0x2C70, Hi: 0x2C70, Stride: 1}, {Lo: 0x2C7E, Hi: 0x2C7F, Stride: 1}, {Lo: 0x2CEB, Hi: 0x2CF3, Stride: 1},
	{Lo: 0x2D27, Hi: 0x2D2D, Stride: 6}, {Lo: 0xA660, Hi: 0xA661, Stride: 1}, {Lo: 0xA698, Hi: 0xA69B, Stride: 1}, {Lo: 0xA78D, Hi: 0xA78D, Stride: 1},
	{Lo: 0xA790, Hi: 0xA7F6, Stride: 1}, {Lo: 0xAB53, Hi: 0xAB53, Stride: 1}, {Lo: 0xAB70, Hi: 0xABBF, Stride: 1},
}}

func isNewPair(r rune) bool { return r >= 0x23F && unicode.Is(newPairs, r) }

// mapRunes is s with f applied, s itself where nothing changes. The memory is
// taken first.
func mapRunes(t *clr.Thread, s string, f func(rune) rune) string {
	i := 0
	for i < len(s) {
		r, size := clr.Decode(s[i:])
		if f(r) != r {
			break
		}
		i += size
	}
	if i == len(s) {
		return s
	}
	if t != nil {
		t.Allocate(len(s) + 8)
		t.Work(len(s) / 8)
	}
	b := make([]byte, i, len(s)+8)
	copy(b, s)
	for i < len(s) {
		r, size := clr.Decode(s[i:])
		i += size
		if r = f(r); r < utf8.RuneSelf {
			b = append(b, byte(r))
		} else {
			b = appendRune(b, r)
		}
	}
	return string(b)
}

// appendRune appends a character or half of one; halves do not meet here.
func appendRune(b []byte, r rune) []byte {
	if r >= 0xD800 && r <= 0xDFFF {
		return append(b, 0xED, 0x80|byte(r>>6&0x3F), 0x80|byte(r&0x3F))
	}
	return utf8.AppendRune(b, r)
}

// ToUpper and ToLower are string.ToUpperInvariant() and ToLowerInvariant().
func ToUpper(s string) string { return mapRunes(nil, s, upper) }

// ToLower is string.ToLowerInvariant().
func ToLower(s string) string { return mapRunes(nil, s, lower) }

// EqualFold is string.Equals(a, b, StringComparison.OrdinalIgnoreCase).
func EqualFold(a, b string) bool {
	for len(a) > 0 && len(b) > 0 {
		if c, d := a[0], b[0]; c < utf8.RuneSelf && d < utf8.RuneSelf {
			if c != d && upperByte(c) != upperByte(d) {
				return false
			}
			a, b = a[1:], b[1:]
			continue
		}
		r, n := clr.Decode(a)
		q, m := clr.Decode(b)
		if r != q && upper(r) != upper(q) {
			return false
		}
		a, b = a[n:], b[m:]
	}
	return len(a) == len(b)
}

func upperByte(c byte) byte {
	if 'a' <= c && c <= 'z' {
		c -= 'a' - 'A'
	}
	return c
}

// compareFold orders by upper-case code units; the number is what .NET gives:
// the difference of the first units that differ, or else of the lengths.
func compareFold(a, b string) int {
	if clr.IsASCII(a) && clr.IsASCII(b) {
		for i := 0; i < len(a) && i < len(b); i++ {
			if c, d := upperByte(a[i]), upperByte(b[i]); c != d {
				return int(c) - int(d)
			}
		}
		return len(a) - len(b)
	}
	u, v := clr.Units(a), clr.Units(b)
	for i := 0; i < len(u) && i < len(v); i++ {
		if c, d := upper(rune(u[i])), upper(rune(v[i])); c != d {
			return int(c - d)
		}
	}
	return len(u) - len(v)
}

// CompareOrdinal is string.CompareOrdinal(a, b). Where one text begins with the
// other, .NET's loop over pairs sees the next unit or the lengths, by turns.
func CompareOrdinal(a, b string) int {
	if a == b {
		return 0
	}
	if !clr.IsASCII(a) || !clr.IsASCII(b) {
		return comparePairs(clr.Units(a), clr.Units(b))
	}
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	var c, d int
	if i < len(a) {
		c = int(a[i])
	}
	if i < len(b) {
		d = int(b[i])
	}
	return pairAnswer(i, c, d, len(a), len(b))
}

func comparePairs(a, b []uint16) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	var c, d int
	if i < len(a) {
		c = int(a[i])
	}
	if i < len(b) {
		d = int(b[i])
	}
	return pairAnswer(i, c, d, len(a), len(b))
}

// pairAnswer is for texts that agree in i units; c and d come next, 0 at an
// end.
func pairAnswer(i, c, d, lenA, lenB int) int {
	if (i == lenA || i == lenB) && i > 0 && i%2 == 0 {
		return lenA - lenB
	}
	return c - d
}

// compareUnits is for parts of strings, where lengths count and pairs do not.
func compareUnits(u, v []uint16) int {
	for i := 0; i < len(u) && i < len(v); i++ {
		if u[i] != v[i] {
			return int(u[i]) - int(v[i])
		}
	}
	return len(u) - len(v)
}
