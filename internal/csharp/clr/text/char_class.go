package text

import (
	"unicode"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

var charClassMembers = classMembers()

// classes are the questions about a character that exist for a char and for a
// place in a string.
var classes = map[string]func(r rune) bool{
	"IsControl":       unicode.IsControl,
	"IsDigit":         unicode.IsDigit,
	"IsLetter":        unicode.IsLetter,
	"IsLetterOrDigit": func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) },
	"IsLower":         isLowerCase,
	"IsNumber":        unicode.IsNumber,
	"IsPunctuation":   isPunctuation,
	"IsSeparator":     func(r rune) bool { return unicode.Is(unicode.Z, r) },
	"IsSymbol":        isSymbol,
	"IsUpper":         func(r rune) bool { return unicode.Is(unicode.Lu, r) },
	"IsWhiteSpace":    isSpace,
	"IsSurrogate":     func(r rune) bool { return r >= 0xD800 && r <= 0xDFFF },
	"IsHighSurrogate": isHigh,
	"IsLowSurrogate":  isLow,
}

// isLowerCase is Unicode's category Ll, and two more: the Framework reads
// Latin-1 from a table of Unicode 2.
func isLowerCase(r rune) bool { return unicode.Is(unicode.Ll, r) || r == 'ª' || r == 'º' }

// In that table the section and pilcrow signs are symbols, and the soft hyphen
// is a dash.

func isPunctuation(r rune) bool {
	return unicode.IsPunct(r) && r != '§' && r != '¶' || r == 0xAD
}

func isSymbol(r rune) bool { return unicode.IsSymbol(r) || r == '§' || r == '¶' }

// byUnit are the classes that look at a code unit even in a string.
var byUnit = map[string]bool{"IsSurrogate": true, "IsHighSurrogate": true, "IsLowSurrogate": true, "IsWhiteSpace": true}

func classMembers() map[string]clr.Func {
	out := map[string]clr.Func{
		"System.Char.IsSurrogatePair(char, char)": func(c *clr.Call) clr.Value {
			return clr.Bool(isHigh(rune(c.Args[0].N)) && isLow(rune(c.Args[1].N)))
		},
		"System.Char.IsSurrogatePair(string, int)": func(c *clr.Call) clr.Value { return clr.Bool(charIn(c) > 0xFFFF) },
		"System.Char.GetNumericValue(char)":        func(c *clr.Call) clr.Value { return clr.Float(numericValue(rune(c.Args[0].N))) },
		"System.Char.GetNumericValue(string, int)": func(c *clr.Call) clr.Value { return clr.Float(numericValue(charIn(c))) },
	}
	for name, is := range classes {
		units := byUnit[name]
		out["System.Char."+name+"(char)"] = func(c *clr.Call) clr.Value { return clr.Bool(is(rune(c.Args[0].N))) }
		out["System.Char."+name+"(string, int)"] = func(c *clr.Call) clr.Value {
			r := charIn(c)
			if units && r > 0xFFFF {
				r = rune(clr.CharAt(c.Args[0].S, c.Int(1)))
			}
			return clr.Bool(is(r))
		}
	}
	return out
}

// charIn is the character at the place in a string that the arguments name;
// the second half of one is that half.
func charIn(c *clr.Call) rune {
	s, i := c.Text(0, "s"), c.Int(1)
	if i < 0 || i >= len(s) || i >= length(c.Thread, s) {
		c.ThrowRange("index", rangeMessage)
	}
	c.Work(i / 16)
	at, half := clr.Offset(s, i)
	if half {
		return rune(clr.CharAt(s, i))
	}
	r, _ := clr.Decode(s[at:])
	return r
}
