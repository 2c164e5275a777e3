package text

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

var stringHooks = &clr.Hooks{
	Text:    func(_ *clr.Thread, v clr.Value) string { return v.S },
	Format:  func(_ *clr.Thread, v clr.Value, _ string) string { return v.S },
	Compare: func(_ *clr.Thread, v, o clr.Value) int { return Compare(v.S, o.S, false) },
}

var stringMembers = map[string]clr.Func{
	"System.String.Clone()":                         func(c *clr.Call) clr.Value { return c.Args[0] },
	"System.String.ToString()":                      func(c *clr.Call) clr.Value { return c.Args[0] },
	"System.String.Copy(string)":                    func(c *clr.Call) clr.Value { return clr.Str(c.Text(0, "str")) },
	"System.String.Intern(string)":                  func(c *clr.Call) clr.Value { return clr.Str(c.Text(0, "str")) },
	"System.String.IsInterned(string)":              func(c *clr.Call) clr.Value { return clr.Str(c.Text(0, "str")) },
	"System.String.Empty":                           func(*clr.Call) clr.Value { return clr.Str("") },
	"System.String.Length":                          func(c *clr.Call) clr.Value { return clr.Int(int32(length(c.Thread, c.Args[0].S))) },
	"System.String.this[int]":                       stringChar,
	"System.String.GetTypeCode()":                   func(c *clr.Call) clr.Value { return clr.Number(c.Result, 18) },
	"System.String.GetHashCode()":                   func(c *clr.Call) clr.Value { return clr.Int(int32(c.Hash(c.Args[0]))) },
	"System.String.IsNullOrEmpty(string)":           func(c *clr.Call) clr.Value { return clr.Bool(c.Args[0].S == "") },
	"System.String.ToCharArray()":                   func(c *clr.Call) clr.Value { return charArray(c.Thread, c.Args[0].S) },
	"System.String.ToCharArray(int, int)":           stringToChars,
	"System.String.IsNormalized()":                  func(c *clr.Call) clr.Value { return clr.Bool(isNormal(c, 1)) },
	"System.String.Normalize()":                     func(c *clr.Call) clr.Value { return normalize(c, 1) },
	"System.String.IsNormalized(NormalizationForm)": func(c *clr.Call) clr.Value { return clr.Bool(isNormal(c, c.Int(1))) },
	"System.String.Normalize(NormalizationForm)":    func(c *clr.Call) clr.Value { return normalize(c, c.Int(1)) },
	"System.String.GetHashCode(StringComparison)": func(c *clr.Call) clr.Value {
		how := comparisonOf(c, 1)
		return clr.Int(hashText(c.Thread, c.Args[0].S, how))
	},
	"System.String.IsNullOrWhiteSpace(string)": func(c *clr.Call) clr.Value {
		c.Work(len(c.Args[0].S) / 64)
		return clr.Bool(isBlank(c.Args[0].S))
	},
	"System.String.CopyTo(int, char[], int, int)": func(c *clr.Call) clr.Value {
		s := c.Args[0].S
		to := c.NotNull(2, "destination").(*clr.ArrayObject)
		from, at, n, all := c.Int(1), c.Int(3), c.Int(4), length(c.Thread, s)
		switch {
		case n < 0:
			c.ThrowRange("count", negativeCount)
		case from < 0:
			c.ThrowRange("sourceIndex", indexMessage)
		case n > all-from:
			c.ThrowRange("sourceIndex", "Index and count must refer to a location within the string.")
		case at > len(to.Elems)-n || at < 0:
			c.ThrowRange("destinationIndex", "Index and count must refer to a location within the string.")
		}
		c.Work(n / 4)
		putChars(to, at, slice(s, from, from+n))
		return clr.Null
	},
}

func isBlank(s string) bool {
	for i := 0; i < len(s); {
		r, size := clr.Decode(s[i:])
		if !isSpace(r) {
			return false
		}
		i += size
	}
	return true
}

// length is string.Length, of long texts with the steps that it takes.
func length(t *clr.Thread, s string) int {
	if len(s) > 256 {
		t.Work(len(s) / 64)
	}
	n := clr.Length(s)
	if n < len(s) && len(s) > 256 { // characters are counted one by one, and found so
		t.Work(len(s) / 8)
	}
	return n
}

func stringChar(c *clr.Call) clr.Value {
	s, i := c.Args[0].S, c.Int(1)
	if i < 0 || i >= len(s) {
		c.ThrowIndex()
	}
	// Loops over a text take each character by its place; for text that is not
	// ASCII that goes through it again and again, and costs.
	if i > 64 {
		c.Work(i / 64)
	}
	if s[i] < utf8.RuneSelf && clr.IsASCII(s[:i]) {
		return clr.CharOf(uint16(s[i]))
	}
	c.Work(i / 8)
	if i >= clr.Length(s) {
		c.ThrowIndex()
	}
	return clr.CharOf(clr.CharAt(s, i))
}

// charArray is s as a char[].
func charArray(t *clr.Thread, s string) clr.Value {
	a := t.NewArray(clr.Char, length(t, s))
	putChars(a, 0, s)
	return clr.Obj(a)
}

func putChars(a *clr.ArrayObject, at int, s string) {
	eachUnit(s, func(i int, u uint16) bool {
		a.Elems[at+i] = clr.CharOf(u)
		return true
	})
}

func stringToChars(c *clr.Call) clr.Value {
	s, from, n := c.Args[0].S, c.Int(1), c.Int(2)
	all := length(c.Thread, s)
	if from < 0 || from > all || from > all-n {
		c.ThrowRange("startIndex", indexMessage)
	}
	if n < 0 {
		c.ThrowRange("length", indexMessage)
	}
	return charArray(c.Thread, slice(s, from, from+n))
}

// forms are the values of NormalizationForm.
var forms = map[int]norm.Form{1: norm.NFC, 2: norm.NFD, 5: norm.NFKC, 6: norm.NFKD}

func isNormal(c *clr.Call, form int) bool {
	f, ok := forms[form]
	c.Work(len(c.Args[0].S) / 4)
	return !ok || f.IsNormalString(c.Args[0].S)
}

func normalize(c *clr.Call, form int) clr.Value {
	s := c.Args[0].S
	f, ok := forms[form]
	c.Work(len(s) / 2)
	if !ok || f.IsNormalString(s) {
		return c.Args[0]
	}
	// One character becomes eighteen at the most, of three bytes.
	c.Allocate(3 * len(s))
	s = f.String(s)
	return c.New(s)
}

// isSpace is char.IsWhiteSpace.
func isSpace(r rune) bool {
	switch {
	case r <= ' ':
		return r == ' ' || r >= '\t' && r <= '\r'
	case r < 0x1680:
		return r == 0x85 || r == 0xA0
	}
	return r == 0x1680 || r >= 0x2000 && r <= 0x200A || r == 0x2028 || r == 0x2029 || r == 0x202F || r == 0x205F || r == 0x3000
}
