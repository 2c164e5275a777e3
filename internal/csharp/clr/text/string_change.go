package text

import (
	"strings"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

var stringChangeMembers = map[string]clr.Func{
	"System.String.Substring(int)": func(c *clr.Call) clr.Value {
		s := c.Args[0].S
		from, all := c.Int(1), length(c.Thread, s)
		if from < 0 {
			c.ThrowRange("startIndex", negativeStart)
		}
		if from > all {
			c.ThrowRange("startIndex", "startIndex cannot be larger than length of string.")
		}
		return clr.Str(slice(s, from, all))
	},
	"System.String.Substring(int, int)": func(c *clr.Call) clr.Value {
		s := c.Args[0].S
		from, n, all := c.Int(1), c.Int(2), length(c.Thread, s)
		switch {
		case from < 0:
			c.ThrowRange("startIndex", negativeStart)
		case from > all:
			c.ThrowRange("startIndex", "startIndex cannot be larger than length of string.")
		case n < 0:
			c.ThrowRange("length", negativeLength)
		case from > all-n:
			c.ThrowRange("length", "Index and length must refer to a location within the string.")
		}
		return clr.Str(slice(s, from, from+n))
	},
	"System.String.Remove(int)": func(c *clr.Call) clr.Value {
		s, from := c.Args[0].S, c.Int(1)
		if from < 0 {
			c.ThrowRange("startIndex", negativeStart)
		}
		if from >= length(c.Thread, s) {
			c.ThrowRange("startIndex", "startIndex must be less than length of string.")
		}
		return clr.Str(slice(s, 0, from))
	},
	"System.String.Remove(int, int)": func(c *clr.Call) clr.Value {
		s := c.Args[0].S
		from, n, all := c.Int(1), c.Int(2), length(c.Thread, s)
		switch {
		case from < 0:
			c.ThrowRange("startIndex", negativeStart)
		case n < 0:
			c.ThrowRange("count", negativeCount)
		case from > all-n:
			c.ThrowRange("count", "Index and count must refer to a location within the string.")
		}
		return clr.Str(concatAll(c.Thread, slice(s, 0, from), slice(s, from+n, all)))
	},
	"System.String.Insert(int, string)": func(c *clr.Call) clr.Value {
		s, add := c.Args[0].S, c.Text(2, "value")
		at, all := c.Int(1), length(c.Thread, s)
		if at < 0 || at > all {
			c.ThrowRange("startIndex", rangeMessage)
		}
		return clr.Str(concatAll(c.Thread, slice(s, 0, at), add, slice(s, at, all)))
	},

	"System.String.Replace(char, char)": func(c *clr.Call) clr.Value {
		return clr.Str(replaceOrdinal(c.Thread, c.Args[0].S, charString(uint16(c.Args[1].N)), charString(uint16(c.Args[2].N))))
	},
	"System.String.Replace(string, string)": func(c *clr.Call) clr.Value {
		return clr.Str(replaceOrdinal(c.Thread, c.Args[0].S, oldValue(c), c.Args[2].S))
	},
	"System.String.Replace(string, string, StringComparison)": func(c *clr.Call) clr.Value {
		how := comparisonOf(c, 3)
		old := oldValue(c)
		if how == (comparison{ordinal: true}) {
			return clr.Str(replaceOrdinal(c.Thread, c.Args[0].S, old, c.Args[2].S))
		}
		return clr.Str(replaceHow(c.Thread, c.Args[0].S, old, c.Args[2].S, how))
	},

	"System.String.PadLeft(int)":        func(c *clr.Call) clr.Value { return pad(c, ' ', true) },
	"System.String.PadRight(int)":       func(c *clr.Call) clr.Value { return pad(c, ' ', false) },
	"System.String.PadLeft(int, char)":  func(c *clr.Call) clr.Value { return pad(c, uint16(c.Args[2].N), true) },
	"System.String.PadRight(int, char)": func(c *clr.Call) clr.Value { return pad(c, uint16(c.Args[2].N), false) },

	"System.String.ToLower()":          func(c *clr.Call) clr.Value { return clr.Str(mapRunes(c.Thread, c.Args[0].S, lower)) },
	"System.String.ToLowerInvariant()": func(c *clr.Call) clr.Value { return clr.Str(mapRunes(c.Thread, c.Args[0].S, lower)) },
	"System.String.ToUpper()":          func(c *clr.Call) clr.Value { return clr.Str(mapRunes(c.Thread, c.Args[0].S, upper)) },
	"System.String.ToUpperInvariant()": func(c *clr.Call) clr.Value { return clr.Str(mapRunes(c.Thread, c.Args[0].S, upper)) },

	"System.String.Trim()":            func(c *clr.Call) clr.Value { return trimmed(c, nil, true, true) },
	"System.String.TrimStart()":       func(c *clr.Call) clr.Value { return trimmed(c, nil, true, false) },
	"System.String.TrimEnd()":         func(c *clr.Call) clr.Value { return trimmed(c, nil, false, true) },
	"System.String.Trim(char)":        func(c *clr.Call) clr.Value { return trimmed(c, []uint16{uint16(c.Args[1].N)}, true, true) },
	"System.String.TrimStart(char)":   func(c *clr.Call) clr.Value { return trimmed(c, []uint16{uint16(c.Args[1].N)}, true, false) },
	"System.String.TrimEnd(char)":     func(c *clr.Call) clr.Value { return trimmed(c, []uint16{uint16(c.Args[1].N)}, false, true) },
	"System.String.Trim(char[])":      func(c *clr.Call) clr.Value { return trimmed(c, allChars(c.Args[1]), true, true) },
	"System.String.TrimStart(char[])": func(c *clr.Call) clr.Value { return trimmed(c, allChars(c.Args[1]), true, false) },
	"System.String.TrimEnd(char[])":   func(c *clr.Call) clr.Value { return trimmed(c, allChars(c.Args[1]), false, true) },
}

func oldValue(c *clr.Call) string {
	old := c.Text(1, "oldValue")
	if old == "" {
		c.ThrowArgument("String cannot be of zero length.", "oldValue")
	}
	return old
}

func replaceOrdinal(t *clr.Thread, s, old, with string) string {
	t.Work(len(s) / 32)
	if splits(old) {
		return replaceUnits(t, s, old, with)
	}
	n := strings.Count(s, old)
	if n == 0 {
		return s
	}
	t.Work(n)
	t.Allocate(len(s) + n*(len(with)-len(old)))
	s = strings.ReplaceAll(s, old, with)
	if splits(with) || with == "" || strings.IndexByte(s, 0xED) >= 0 {
		s = clr.Mend(s)
	}
	return s
}

func replaceUnits(t *clr.Thread, s, old, with string) string {
	from, to, found := clr.Units(old), clr.Units(with), clr.Units(s)
	t.Allocate(4 * len(s))
	t.Work(len(s))
	var out []uint16
	for len(found) > 0 {
		i := indexUnits(found, from)
		if i < 0 {
			break
		}
		t.Work(len(found))
		t.Allocate(4*len(found) + 2*(i+len(to)))
		out = append(append(out, found[:i]...), to...)
		found = found[i+len(from):]
	}
	return clr.FromUnits(append(out, found...))
}

// replaceHow replaces what is the same under a comparison.
func replaceHow(t *clr.Thread, s, old, with string, how comparison) string {
	j := joiner{t: t}
	for {
		// What is found costs by the rest of the text, each time.
		t.Work(len(s) / 16)
		from, to := how.search(t, s, old, false)
		if from < 0 || s == "" || to == 0 {
			j.put(s)
			return j.text()
		}
		all := clr.Length(s)
		j.put(slice(s, 0, from))
		j.put(with)
		s = slice(s, to, all)
	}
}

func pad(c *clr.Call, with uint16, left bool) clr.Value {
	s, width := c.Args[0].S, c.Int(1)
	if width < 0 {
		c.ThrowRange("totalWidth", nonNegative)
	}
	n := width - length(c.Thread, s)
	if n <= 0 {
		return c.Args[0]
	}
	fill := repeat(c.Thread, with, n)
	if left {
		return clr.Str(concatAll(c.Thread, fill, s))
	}
	return clr.Str(concatAll(c.Thread, s, fill))
}

// trimmed is the receiver without the units at its ends; without units these
// are white space.
func trimmed(c *clr.Call, units []uint16, start, end bool) clr.Value {
	s := c.Args[0].S
	drop := isSpace
	if len(units) > 0 {
		for _, u := range units {
			if u >= 0xD800 && u <= 0xDFFF {
				return trimUnits(c, units, start, end)
			}
		}
		drop = func(r rune) bool { return r <= 0xFFFF && has(units, uint16(r)) }
	}
	before := len(s)
	s = trimRunes(s, drop, start, end)
	c.Work((before - len(s)) * (1 + len(units)) / 16)
	return clr.Str(s)
}

// trimRunes takes characters off the ends as long as they are to be dropped.
func trimRunes(s string, drop func(rune) bool, start, end bool) string {
	for start && s != "" {
		r, size := clr.Decode(s)
		if !drop(r) {
			break
		}
		s = s[size:]
	}
	if end {
		s = s[:trimEnd(s, drop)]
	}
	return s
}

func trimEnd(s string, drop func(rune) bool) int {
	n := len(s)
	for n > 0 {
		i := n - 1
		for i > 0 && !utf8.RuneStart(s[i]) {
			i--
		}
		if r, _ := clr.Decode(s[i:]); !drop(r) {
			break
		}
		n = i
	}
	return n
}

func trimUnits(c *clr.Call, units []uint16, start, end bool) clr.Value {
	c.Allocate(5 * len(c.Args[0].S))
	c.Work(len(c.Args[0].S) * len(units) / 8)
	all := clr.Units(c.Args[0].S)
	for start && len(all) > 0 && has(units, all[0]) {
		all = all[1:]
	}
	for end && len(all) > 0 && has(units, all[len(all)-1]) {
		all = all[:len(all)-1]
	}
	return clr.Str(clr.FromUnits(all))
}
