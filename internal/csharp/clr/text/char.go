package text

import (
	"fmt"
	"unicode/utf16"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

var charHooks = &clr.Hooks{
	Text:    func(_ *clr.Thread, v clr.Value) string { return charString(uint16(v.N)) },
	Format:  func(_ *clr.Thread, v clr.Value, _ string) string { return charString(uint16(v.N)) },
	Equal:   func(_ *clr.Thread, v, o clr.Value) bool { return o.Is(clr.Char) && v.N == o.N },
	Hash:    func(_ *clr.Thread, v clr.Value) uint64 { return uint64(uint32(charHash(v))) },
	Compare: func(_ *clr.Thread, v, o clr.Value) int { return int(v.Int() - o.Int()) },
}

func charHash(v clr.Value) int32 { return int32(uint32(v.N)<<16 | uint32(v.N)) }

var charMembers = map[string]clr.Func{
	"System.Char.CompareTo(char)": func(c *clr.Call) clr.Value { return clr.Int(int32(c.Args[0].Int() - c.Args[1].Int())) },
	"System.Char.CompareTo(object)": func(c *clr.Call) clr.Value {
		switch o := c.Args[1]; {
		case o.IsNull():
			return clr.Int(1)
		case !o.Is(clr.Char):
			c.ThrowArgument("Object must be of type Char.", "")
		}
		return clr.Int(int32(c.Args[0].Int() - c.Args[1].Int()))
	},
	"System.Char.Equals(char)":   func(c *clr.Call) clr.Value { return clr.Bool(c.Args[0].N == c.Args[1].N) },
	"System.Char.Equals(object)": func(c *clr.Call) clr.Value { return clr.Bool(c.Args[1].Is(clr.Char) && c.Args[0].N == c.Args[1].N) },
	"System.Char.GetHashCode()":  func(c *clr.Call) clr.Value { return clr.Int(charHash(c.Args[0])) },
	"System.Char.GetTypeCode()":  func(c *clr.Call) clr.Value { return clr.Number(c.Result, 4) },
	"System.Char.MaxValue":       func(*clr.Call) clr.Value { return clr.CharOf(0xFFFF) },
	"System.Char.MinValue":       func(*clr.Call) clr.Value { return clr.CharOf(0) },

	"System.Char.ConvertFromUtf32(int)": func(c *clr.Call) clr.Value {
		n := c.Int(0)
		if n < 0 || n > 0x10FFFF || n >= 0xD800 && n <= 0xDFFF {
			c.ThrowRange("utf32", "A valid UTF32 value is between 0x000000 and 0x10ffff, inclusive, "+
				"and should not include surrogate codepoint values (0x00d800 ~ 0x00dfff).")
		}
		return clr.Str(string(rune(n)))
	},
	"System.Char.ConvertToUtf32(char, char)": func(c *clr.Call) clr.Value {
		high, low := rune(c.Args[0].N), rune(c.Args[1].N)
		if !isHigh(high) {
			c.ThrowRange("highSurrogate", "A valid high surrogate character is between 0xd800 and 0xdbff, inclusive.")
		}
		if !isLow(low) {
			c.ThrowRange("lowSurrogate", "A valid low surrogate character is between 0xdc00 and 0xdfff, inclusive.")
		}
		return clr.Int(utf16.DecodeRune(high, low))
	},
	"System.Char.ConvertToUtf32(string, int)": charToUTF32,

	"System.Char.Parse(string)": func(c *clr.Call) clr.Value {
		s := c.Text(0, "s")
		if !oneUnit(s) {
			c.ThrowFormat("String must be exactly one character long.")
		}
		return clr.CharOf(clr.CharAt(s, 0))
	},
	"System.Char.TryParse(string, out char)": func(c *clr.Call) clr.Value {
		s := c.Args[0].S
		if !oneUnit(s) {
			c.Ref(1).Set(clr.CharOf(0))
			return clr.Bool(false)
		}
		c.Ref(1).Set(clr.CharOf(clr.CharAt(s, 0)))
		return clr.Bool(true)
	},

	"System.Char.ToLower(char)":          func(c *clr.Call) clr.Value { return clr.CharOf(uint16(lower(rune(c.Args[0].N)))) },
	"System.Char.ToLowerInvariant(char)": func(c *clr.Call) clr.Value { return clr.CharOf(uint16(lower(rune(c.Args[0].N)))) },
	"System.Char.ToUpper(char)":          func(c *clr.Call) clr.Value { return clr.CharOf(uint16(upper(rune(c.Args[0].N)))) },
	"System.Char.ToUpperInvariant(char)": func(c *clr.Call) clr.Value { return clr.CharOf(uint16(upper(rune(c.Args[0].N)))) },
	"System.Char.ToString()":             func(c *clr.Call) clr.Value { return clr.Str(charString(uint16(c.Args[0].N))) },
	"System.Char.ToString(char)":         func(c *clr.Call) clr.Value { return clr.Str(charString(uint16(c.Args[0].N))) },
}

func oneUnit(s string) bool { return s != "" && len(s) <= 3 && clr.Length(s) == 1 }

func isHigh(r rune) bool { return r >= 0xD800 && r <= 0xDBFF }
func isLow(r rune) bool  { return r >= 0xDC00 && r <= 0xDFFF }

func charToUTF32(c *clr.Call) clr.Value {
	s, i := c.Text(0, "s"), c.Int(1)
	all := length(c.Thread, s)
	if i < 0 || i >= all {
		c.ThrowRange("index", indexMessage)
	}
	const invalid = "Found a %s surrogate char without a %s surrogate at index: %d. The input may not be in this encoding, " +
		"or may not contain valid Unicode (UTF-16) characters."
	at, half := clr.Offset(s, i)
	r, _ := clr.Decode(s[at:])
	switch {
	case half, isLow(r):
		c.ThrowArgument(fmt.Sprintf(invalid, "low", "preceding high", i), "s")
	case isHigh(r):
		c.ThrowArgument(fmt.Sprintf(invalid, "high", "following low", i), "s")
	}
	return clr.Int(r)
}
