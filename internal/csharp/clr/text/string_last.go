package text

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// backSpan checks startIndex and count of a LastIndexOf, which count backwards,
// and gives the part that is looked through. Nothing is left of an empty text.
func backSpan(c *clr.Call, s string, first, places int) (from, to int) {
	all := length(c.Thread, s)
	if places == 0 || all == 0 {
		return 0, all
	}
	start := c.Int(first)
	if start < 0 || start >= all {
		c.ThrowRange("startIndex", indexMessage)
	}
	n := start + 1
	if places > 1 {
		if n = c.Int(first + 1); n < 0 || n > start+1 {
			c.ThrowRange("count", countMessage)
		}
	}
	return start - n + 1, start + 1
}

func lastIndexOfChar(c *clr.Call) clr.Value {
	s, u := c.Args[0].S, uint16(c.Args[1].N)
	from, to := backSpan(c, s, 2, len(c.Args)-2)
	return lastUnit(c, s, from, to, func(x uint16) bool { return x == u })
}

func lastUnit(c *clr.Call, s string, from, to int, is func(uint16) bool) clr.Value {
	c.Work(len(s) / 16)
	if clr.IsASCII(s) {
		for i := to - 1; i >= from; i-- {
			if is(uint16(s[i])) {
				return clr.Int(int32(i))
			}
		}
		return clr.Int(-1)
	}
	found := -1
	eachUnit(s, func(i int, u uint16) bool {
		if i >= from && i < to && is(u) {
			found = i
		}
		return i < to
	})
	return clr.Int(int32(found))
}

func lastIndexOfAny(c *clr.Call) clr.Value {
	s := c.Args[0].S
	any := allChars(clr.Obj(c.NotNull(1, "anyOf")))
	from, to := backSpan(c, s, 2, len(c.Args)-2)
	c.Work(len(s) * len(any) / 16)
	return lastUnit(c, s, from, to, func(x uint16) bool { return has(any, x) })
}

// lastIndexOfString: a start right behind the text means the text's end.
func lastIndexOfString(c *clr.Call, places int, how comparison) clr.Value {
	s, sub := c.Args[0].S, c.Text(1, "value")
	all := length(c.Thread, s)
	start, n := all-1, all
	if places > 0 {
		start = c.Int(2)
	}
	if all == 0 && (start == -1 || start == 0) {
		if sub == "" {
			return clr.Int(0)
		}
		return clr.Int(-1)
	}
	if start < 0 || start > all {
		c.ThrowRange("startIndex", indexMessage)
	}
	if n = start + 1; places > 1 {
		n = c.Int(3)
	}
	if start == all {
		start--
		if n > 0 {
			n--
		}
	}
	if n < 0 || n > start+1 {
		c.ThrowRange("count", countMessage)
	}
	if sub == "" {
		return clr.Int(int32(start))
	}
	at, _ := how.search(c.Thread, slice(s, start-n+1, start+1), sub, true)
	if at >= 0 {
		at += start - n + 1
	}
	return clr.Int(int32(at))
}

var stringLastMembers = map[string]clr.Func{
	"System.String.LastIndexOf(char)":             lastIndexOfChar,
	"System.String.LastIndexOf(char, int)":        lastIndexOfChar,
	"System.String.LastIndexOf(char, int, int)":   lastIndexOfChar,
	"System.String.LastIndexOf(string)":           func(c *clr.Call) clr.Value { return lastIndexOfString(c, 0, comparison{}) },
	"System.String.LastIndexOf(string, int)":      func(c *clr.Call) clr.Value { return lastIndexOfString(c, 1, comparison{}) },
	"System.String.LastIndexOf(string, int, int)": func(c *clr.Call) clr.Value { return lastIndexOfString(c, 2, comparison{}) },
	"System.String.LastIndexOf(string, StringComparison)": func(c *clr.Call) clr.Value {
		c.Text(1, "value")
		return lastIndexOfString(c, 0, comparisonOf(c, 2))
	},
	"System.String.LastIndexOf(string, int, StringComparison)": func(c *clr.Call) clr.Value {
		c.Text(1, "value")
		return lastIndexOfString(c, 1, comparisonOf(c, 3))
	},
	"System.String.LastIndexOf(string, int, int, StringComparison)": func(c *clr.Call) clr.Value {
		c.Text(1, "value")
		return lastIndexOfString(c, 2, comparisonOf(c, 4))
	},
	"System.String.LastIndexOfAny(char[])":           lastIndexOfAny,
	"System.String.LastIndexOfAny(char[], int)":      lastIndexOfAny,
	"System.String.LastIndexOfAny(char[], int, int)": lastIndexOfAny,
}
