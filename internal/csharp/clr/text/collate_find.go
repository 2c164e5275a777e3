package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Finding in the invariant culture. Where no character of either text has
// another way to be written, it is what finding by code units is, and nearly
// all text is so.

// simple reports that s has only such characters.
func simple(s string) bool {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c == 0 {
				return false
			}
			i++
			continue
		}
		r, size := clr.Decode(s[i:])
		if !simpleRune(r) {
			return false
		}
		i += size
	}
	return true
}

// simpleTable are the characters beyond ASCII that are known to be simple.
// What is left out is only slower.
var simpleTable = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0xA1, Hi: 0xA7, Stride: 1}, {Lo: 0xA9, Hi: 0xA9, Stride: 1}, {Lo: 0xAB, Hi: 0xAC, Stride: 1}, {Lo: 0xAE, Hi: 0xAE, Stride: 1},
		{Lo: 0xB0, Hi: 0xB1, Stride: 1}, {Lo: 0xB6, Hi: 0xB7, Stride: 1}, {Lo: 0xBB, Hi: 0xBB, Stride: 1}, {Lo: 0xBF, Hi: 0xC5, Stride: 1},
		{Lo: 0xC7, Hi: 0xDD, Stride: 1}, {Lo: 0xE0, Hi: 0xE5, Stride: 1}, {Lo: 0xE7, Hi: 0xFD, Stride: 1}, {Lo: 0xFF, Hi: 0x131, Stride: 1},
		{Lo: 0x134, Hi: 0x13E, Stride: 1}, {Lo: 0x141, Hi: 0x148, Stride: 1}, {Lo: 0x14A, Hi: 0x151, Stride: 1}, {Lo: 0x154, Hi: 0x17E, Stride: 1},
		{Lo: 0x386, Hi: 0x386, Stride: 1}, {Lo: 0x388, Hi: 0x3CE, Stride: 1}, {Lo: 0x400, Hi: 0x482, Stride: 1}, {Lo: 0x48A, Hi: 0x52F, Stride: 1},
		{Lo: 0x5D0, Hi: 0x5EA, Stride: 1}, {Lo: 0x621, Hi: 0x63A, Stride: 1}, {Lo: 0x641, Hi: 0x64A, Stride: 1}, {Lo: 0x2018, Hi: 0x2022, Stride: 1},
		{Lo: 0x20AC, Hi: 0x20AC, Stride: 1}, {Lo: 0x3041, Hi: 0x3096, Stride: 1}, {Lo: 0x30A1, Hi: 0x30FA, Stride: 1}, {Lo: 0x4E00, Hi: 0x9FFF, Stride: 1},
		{Lo: 0xAC00, Hi: 0xD7A3, Stride: 1},
	},
	R32: []unicode.Range32{{Lo: 0x1F300, Hi: 0x1F3FA, Stride: 1}, {Lo: 0x1F400, Hi: 0x1FAFF, Stride: 1}},
}

func simpleRune(r rune) bool { return unicode.Is(simpleTable, r) }

// placed is a weight with where its character stands, in code units.
type placed struct {
	weight
	start, end int
}

func allWeights(s string, ignoreCase bool) []placed {
	w := walker{s: s, ignoreCase: ignoreCase}
	out := make([]placed, 0, len(s))
	for {
		x, ok := w.next()
		if !ok {
			return out
		}
		out = append(out, placed{x, w.start, w.end})
	}
}

// find is where sub stands in s, from its first to behind its last code unit;
// -1: nowhere.
func find(t *clr.Thread, s, sub string, ignoreCase, last bool) (from, to int) {
	t.Work((len(s) + len(sub)) / 64)
	if simple(s) && simple(sub) {
		return findOrdinal(t, s, sub, ignoreCase, last)
	}
	t.Allocate(64 * (len(s) + len(sub)))
	t.Work(4 * (len(s) + len(sub)))
	all, part := allWeights(s, ignoreCase), allWeights(sub, ignoreCase)
	if len(part) == 0 {
		// What does not count is found where it stands.
		if rest := strings.ReplaceAll(sub, "\x00", ""); rest != "" {
			sub = rest
		}
		return findOrdinal(t, s, sub, false, last)
	}
	n := len(all) - len(part)
	for k := 0; k <= n; k++ {
		i := k
		if last {
			i = n - k
		}
		if matches(t, all, part, i) {
			return all[i].start, all[i+len(part)-1].end
		}
	}
	return -1, -1
}

func matches(t *clr.Thread, all, part []placed, i int) bool {
	if all[i].expanded || i+len(part) < len(all) && all[i+len(part)].expanded {
		return false
	}
	for j := range part {
		t.Step()
		if !sameWeight(all[i+j].weight, part[j].weight) {
			return false
		}
	}
	return true
}

func sameWeight(x, y weight) bool {
	return x.primary == y.primary && x.accent == y.accent && x.kind == y.kind && x.last == y.last
}

// findOrdinal finds by code units.
func findOrdinal(t *clr.Thread, s, sub string, ignoreCase, last bool) (from, to int) {
	if ignoreCase {
		s, sub = mapRunes(t, s, upper), mapRunes(t, sub, upper)
	}
	t.Work((len(s) + len(sub)) / 64)
	if last {
		from = lastOrdinal(s, sub)
	} else {
		from = indexOrdinal(s, sub)
	}
	return from, from + clr.Length(sub)
}

// edgeWork charges for hasPrefix and hasSuffix where they go through weights.
func edgeWork(t *clr.Thread, s, sub string) {
	t.Work(len(sub) / 64)
	if !clr.IsASCII(sub) || !clr.IsASCII(s[:min(len(s), len(sub))]) {
		t.Work(8 * len(sub))
	}
}

// hasPrefix is s.StartsWith(prefix) in the invariant culture.
func hasPrefix(s, prefix string, ignoreCase bool) bool {
	if prefix == "" {
		return true
	}
	if known, answer := quickPrefix(s, prefix, ignoreCase); known {
		return answer
	}
	if strings.HasPrefix(s, prefix) && !joinsBefore(s[len(prefix):]) {
		return true
	}
	w, v := walker{s: s, ignoreCase: ignoreCase}, walker{s: prefix, ignoreCase: ignoreCase}
	for {
		y, ok := v.next()
		if !ok {
			return len(w.buf) == 0
		}
		x, ok := w.next()
		if !ok || !sameWeight(x, y) {
			return false
		}
	}
}

// joinsBefore reports that s begins with what belongs to the character before.
func joinsBefore(s string) bool {
	r, _ := clr.Decode(s)
	return s != "" && r >= 0x300 && unicode.Is(unicode.M, r)
}

// quickPrefix answers for ASCII.
func quickPrefix(s, prefix string, ignoreCase bool) (known, answer bool) {
	n := min(len(s), len(prefix))
	for i := range n {
		c, d := s[i], prefix[i]
		if c >= utf8.RuneSelf || d >= utf8.RuneSelf || c == 0 || d == 0 {
			return false, false
		}
		if c == d || ignoreCase && upperByte(c) == upperByte(d) {
			continue
		}
		// An accent on the character before would make it differ as well, and
		// nothing that is ASCII on both sides is the same.
		return true, false
	}
	if len(s) < len(prefix) {
		return prefix[n] != 0 && prefix[n] < utf8.RuneSelf, false
	}
	return len(s) == n || s[n] < utf8.RuneSelf, true
}

// hasSuffix is s.EndsWith(suffix) in the invariant culture.
func hasSuffix(s, suffix string, ignoreCase bool) bool {
	if suffix == "" {
		return true
	}
	if n := len(s) - len(suffix); n >= 0 && simple(s[n:]) && simple(suffix) {
		if clr.IsASCII(s[n:]) && clr.IsASCII(suffix) {
			return s[n:] == suffix || ignoreCase && EqualFold(s[n:], suffix)
		}
	} else if n < 0 && clr.IsASCII(s) && clr.IsASCII(suffix) && strings.IndexByte(suffix, 0) < 0 {
		return false
	}
	if strings.HasSuffix(s, suffix) && !joinsBefore(suffix) {
		if r, _ := clr.Decode(suffix); r != 0 {
			return true
		}
	}
	// No character that is the same as part of the suffix is longer than this.
	if far := len(s) - 6*len(suffix) - 64; far > 0 {
		for !utf8.RuneStart(s[far]) {
			far++
		}
		s = s[far:]
	}
	all, part := countWeights(s), countWeights(suffix)
	if part == 0 {
		return strings.HasSuffix(s, suffix)
	}
	if all < part {
		return false
	}
	w, v := walker{s: s, ignoreCase: ignoreCase}, walker{s: suffix, ignoreCase: ignoreCase}
	for range all - part {
		w.next()
	}
	for i := range part {
		x, _ := w.next()
		y, _ := v.next()
		if !sameWeight(x, y) || i == 0 && x.expanded {
			return false
		}
	}
	return true
}

// countWeights is how many weights a text has.
func countWeights(s string) int {
	w := walker{s: s}
	for n := 0; ; n++ {
		if _, ok := w.next(); !ok {
			return n
		}
	}
}
