package text

import (
	"strings"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// search finds sub in s as told: the first and the unit behind the last.
func (how comparison) search(t *clr.Thread, s, sub string, last bool) (from, to int) {
	if sub == "" {
		return 0, 0
	}
	if how.ordinal {
		return findOrdinal(t, s, sub, how.ignoreCase, last)
	}
	return find(t, s, sub, how.ignoreCase, last)
}

func containsHow(c *clr.Call, sub string, how comparison) clr.Value {
	from, _ := how.search(c.Thread, c.Args[0].S, sub, false)
	return clr.Bool(from >= 0)
}

func prefixHow(c *clr.Call, s, sub string, how comparison) bool {
	if !how.ordinal {
		return hasPrefix(s, sub, how.ignoreCase)
	}
	if splits(sub) {
		from, _ := findOrdinal(c.Thread, s, sub, how.ignoreCase, false)
		return from == 0
	}
	if !how.ignoreCase {
		return strings.HasPrefix(s, sub)
	}
	head, ok := headLike(s, sub)
	return ok && EqualFold(head, sub)
}

// headLike is the beginning of s with as many characters as sub.
func headLike(s, sub string) (string, bool) {
	if len(s) >= len(sub) && clr.IsASCII(s[:len(sub)]) {
		return s[:len(sub)], true
	}
	i := 0
	for ; len(sub) > 0; sub = sub[1:] {
		if !utf8.RuneStart(sub[0]) {
			continue
		}
		if i >= len(s) {
			return "", false
		}
		_, size := clr.Decode(s[i:])
		i += size
	}
	return s[:i], true
}

// tailLike is the end of s with as many characters as sub.
func tailLike(s, sub string) (string, bool) {
	i := len(s)
	for ; len(sub) > 0; sub = sub[1:] {
		if !utf8.RuneStart(sub[0]) {
			continue
		}
		if i == 0 {
			return "", false
		}
		for i--; i > 0 && !utf8.RuneStart(s[i]); i-- {
		}
	}
	return s[i:], true
}

func suffixHow(c *clr.Call, s, sub string, how comparison) bool {
	if !how.ordinal {
		return hasSuffix(s, sub, how.ignoreCase)
	}
	if splits(sub) {
		n := clr.Length(s) - clr.Length(sub)
		c.Allocate(2 * len(s))
		c.Work(len(s) / 4)
		return n >= 0 && clr.FromUnits(clr.Units(s)[n:]) == sub
	}
	if !how.ignoreCase {
		return strings.HasSuffix(s, sub)
	}
	tail, ok := tailLike(s, sub)
	return ok && EqualFold(tail, sub)
}

// edgeHow is StartsWith and EndsWith with a comparison.
func edgeHow(c *clr.Call, has func(c *clr.Call, s, sub string, how comparison) bool) clr.Value {
	s, sub := c.Args[0].S, c.Text(1, "value")
	if sub == "" || sub == s {
		bareComparison(c, 2)
	}
	how := comparisonOf(c, 2)
	edgeWork(c.Thread, s, sub)
	return clr.Bool(has(c, s, sub, how))
}

// unitIndex is the first place of a code unit from a place on, among n units.
func unitIndex(t *clr.Thread, s string, u uint16, from, n int) int {
	t.Work(len(s) / 64)
	if u < utf8.RuneSelf && from == 0 && n >= len(s) {
		i := strings.IndexByte(s, byte(u))
		if i <= 0 {
			return i
		}
		return clr.Length(s[:i])
	}
	if clr.IsASCII(s) {
		if u >= utf8.RuneSelf {
			return -1
		}
		if i := strings.IndexByte(s[from:from+n], byte(u)); i >= 0 {
			return from + i
		}
		return -1
	}
	t.Work(len(s) / 8)
	found := -1
	eachUnit(s, func(i int, c uint16) bool {
		if c == u && i >= from && i < from+n {
			found = i
		}
		return found < 0 && i < from+n
	})
	return found
}

// span checks startIndex and count of an IndexOf and completes them.
func span(c *clr.Call, s string, first int) (from, n int) {
	all := length(c.Thread, s)
	if len(c.Args) <= first {
		return 0, all
	}
	from = c.Int(first)
	if from < 0 || from > all {
		c.ThrowRange("startIndex", indexMessage)
	}
	n = all - from
	if len(c.Args) > first+1 {
		if n = c.Int(first + 1); n < 0 || n > all-from {
			c.ThrowRange("count", countMessage)
		}
	}
	return from, n
}

func indexOfChar(c *clr.Call) clr.Value {
	from, n := span(c, c.Args[0].S, 2)
	return clr.Int(int32(unitIndex(c.Thread, c.Args[0].S, uint16(c.Args[1].N), from, n)))
}

func indexOfString(c *clr.Call, places int, how comparison) clr.Value {
	s, sub := c.Args[0].S, c.Text(1, "value")
	args := c.Args
	c.Args = args[:2+places]
	from, n := span(c, s, 2)
	c.Args = args
	if sub == "" {
		return clr.Int(int32(from))
	}
	part := s
	if from > 0 || n < length(c.Thread, s) {
		part = slice(s, from, from+n)
	}
	at, _ := how.search(c.Thread, part, sub, false)
	if at >= 0 {
		at += from
	}
	return clr.Int(int32(at))
}

func indexOfAny(c *clr.Call) clr.Value {
	s := c.Args[0].S
	any := allChars(clr.Obj(c.NotNull(1, "anyOf")))
	from, n := span(c, s, 2)
	found := -1
	c.Work(len(s) * (1 + len(any)) / 16)
	eachUnit(s, func(i int, u uint16) bool {
		if i >= from && i < from+n && has(any, u) {
			found = i
		}
		return found < 0 && i < from+n
	})
	return clr.Int(int32(found))
}

func has(units []uint16, u uint16) bool {
	for _, x := range units {
		if x == u {
			return true
		}
	}
	return false
}

var stringFindMembers = map[string]clr.Func{
	"System.String.Contains(char)": func(c *clr.Call) clr.Value {
		s := c.Args[0].S
		return clr.Bool(unitIndex(c.Thread, s, uint16(c.Args[1].N), 0, len(s)) >= 0)
	},
	"System.String.Contains(char, StringComparison)": func(c *clr.Call) clr.Value {
		return containsHow(c, charString(uint16(c.Args[1].N)), comparisonOf(c, 2))
	},
	"System.String.Contains(string)": func(c *clr.Call) clr.Value {
		sub := c.Text(1, "value")
		c.Work(len(c.Args[0].S) / 64)
		return clr.Bool(containsOrdinal(c.Args[0].S, sub))
	},
	"System.String.Contains(string, StringComparison)": func(c *clr.Call) clr.Value {
		sub := c.Text(1, "value")
		return containsHow(c, sub, comparisonOf(c, 2))
	},

	"System.String.StartsWith(char)": func(c *clr.Call) clr.Value {
		s := c.Args[0].S
		return clr.Bool(s != "" && clr.CharAt(s, 0) == uint16(c.Args[1].N))
	},
	"System.String.StartsWith(string)": func(c *clr.Call) clr.Value {
		edgeWork(c.Thread, c.Args[0].S, c.Text(1, "value"))
		return clr.Bool(hasPrefix(c.Args[0].S, c.Args[1].S, false))
	},
	"System.String.StartsWith(string, StringComparison)": func(c *clr.Call) clr.Value { return edgeHow(c, prefixHow) },
	"System.String.EndsWith(char)": func(c *clr.Call) clr.Value {
		s := c.Args[0].S
		if s == "" {
			return clr.Bool(false)
		}
		i := len(s) - 1
		for i > 0 && !utf8.RuneStart(s[i]) {
			i--
		}
		units := clr.Units(s[i:])
		return clr.Bool(units[len(units)-1] == uint16(c.Args[1].N))
	},
	"System.String.EndsWith(string)": func(c *clr.Call) clr.Value {
		edgeWork(c.Thread, c.Args[0].S, c.Text(1, "value"))
		return clr.Bool(hasSuffix(c.Args[0].S, c.Args[1].S, false))
	},
	"System.String.EndsWith(string, StringComparison)": func(c *clr.Call) clr.Value { return edgeHow(c, suffixHow) },

	"System.String.IndexOf(char)":           indexOfChar,
	"System.String.IndexOf(char, int)":      indexOfChar,
	"System.String.IndexOf(char, int, int)": indexOfChar,
	"System.String.IndexOf(char, StringComparison)": func(c *clr.Call) clr.Value {
		how := comparisonOf(c, 2)
		at, _ := how.search(c.Thread, c.Args[0].S, charString(uint16(c.Args[1].N)), false)
		return clr.Int(int32(at))
	},
	"System.String.IndexOf(string)":           func(c *clr.Call) clr.Value { return indexOfString(c, 0, comparison{}) },
	"System.String.IndexOf(string, int)":      func(c *clr.Call) clr.Value { return indexOfString(c, 1, comparison{}) },
	"System.String.IndexOf(string, int, int)": func(c *clr.Call) clr.Value { return indexOfString(c, 2, comparison{}) },
	"System.String.IndexOf(string, StringComparison)": func(c *clr.Call) clr.Value {
		c.Text(1, "value")
		return indexOfString(c, 0, comparisonOf(c, 2))
	},
	"System.String.IndexOf(string, int, StringComparison)": func(c *clr.Call) clr.Value {
		c.Text(1, "value")
		return indexOfString(c, 1, comparisonOf(c, 3))
	},
	"System.String.IndexOf(string, int, int, StringComparison)": func(c *clr.Call) clr.Value {
		c.Text(1, "value")
		return indexOfString(c, 2, comparisonOf(c, 4))
	},
	"System.String.IndexOfAny(char[])":           indexOfAny,
	"System.String.IndexOfAny(char[], int)":      indexOfAny,
	"System.String.IndexOfAny(char[], int, int)": indexOfAny,
}
