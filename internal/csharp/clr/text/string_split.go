package text

import (
	"fmt"
	"math"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

var stringSplitMembers = map[string]clr.Func{
	"System.String.Split(char[])":                          func(c *clr.Call) clr.Value { return splitChars(c, allChars(c.Args[1]), 0, 0) },
	"System.String.Split(char[], int)":                     func(c *clr.Call) clr.Value { return splitChars(c, allChars(c.Args[1]), 2, 0) },
	"System.String.Split(char[], StringSplitOptions)":      func(c *clr.Call) clr.Value { return splitChars(c, allChars(c.Args[1]), 0, 2) },
	"System.String.Split(char[], int, StringSplitOptions)": func(c *clr.Call) clr.Value { return splitChars(c, allChars(c.Args[1]), 2, 3) },
	"System.String.Split(char, StringSplitOptions)": func(c *clr.Call) clr.Value {
		return splitStrings(c, []string{charString(uint16(c.Args[1].N))}, 0, 2)
	},
	"System.String.Split(char, int, StringSplitOptions)": func(c *clr.Call) clr.Value {
		return splitStrings(c, []string{charString(uint16(c.Args[1].N))}, 2, 3)
	},
	"System.String.Split(string, StringSplitOptions)":        func(c *clr.Call) clr.Value { return splitStrings(c, []string{c.Args[1].S}, 0, 2) },
	"System.String.Split(string, int, StringSplitOptions)":   func(c *clr.Call) clr.Value { return splitStrings(c, []string{c.Args[1].S}, 2, 3) },
	"System.String.Split(string[], StringSplitOptions)":      func(c *clr.Call) clr.Value { return splitArray(c, 0, 2) },
	"System.String.Split(string[], int, StringSplitOptions)": func(c *clr.Call) clr.Value { return splitArray(c, 2, 3) },
}

func splitArray(c *clr.Call, count, options int) clr.Value {
	a, _ := c.Args[1].O.(*clr.ArrayObject)
	if a == nil || len(a.Elems) == 0 {
		return splitChars(c, nil, count, options)
	}
	seps := make([]string, len(a.Elems))
	for i, e := range a.Elems {
		seps[i] = e.S
	}
	return splitStrings(c, seps, count, options)
}

// splitChars splits at any of the characters; none means at white space.
func splitChars(c *clr.Call, chars []uint16, count, options int) clr.Value {
	if len(chars) == 1 {
		return splitStrings(c, []string{charString(chars[0])}, count, options)
	}
	c.Work(len(c.Args[0].S) * len(chars) / 16)
	is := isSpace
	if len(chars) > 0 {
		is = func(r rune) bool { return r <= 0xFFFF && has(chars, uint16(r)) }
		for _, u := range chars {
			if u >= 0xD800 && u <= 0xDFFF {
				return splitStrings(c, charStrings(chars), count, options)
			}
		}
	}
	return split(c, count, options, func(s string) (at, size int) {
		for i := 0; i < len(s); {
			r, n := clr.Decode(s[i:])
			if is(r) {
				return i, n
			}
			i += n
		}
		return -1, 0
	})
}

func charStrings(units []uint16) []string {
	out := make([]string, len(units))
	for i, u := range units {
		out[i] = charString(u)
	}
	return out
}

// splitStrings splits at any of the texts: at the first that stands at a place,
// in their order. Empty ones split nothing.
func splitStrings(c *clr.Call, seps []string, count, options int) clr.Value {
	var used []string
	for _, s := range seps {
		if splits(s) {
			return splitHalves(c, seps, count, options)
		}
		if s != "" {
			used = append(used, s)
		}
	}
	switch len(used) {
	case 0:
		return split(c, count, options, func(string) (int, int) { return -1, 0 })
	case 1:
		return split(c, count, options, func(s string) (int, int) { return strings.Index(s, used[0]), len(used[0]) })
	}
	c.Work(len(c.Args[0].S) * len(used) / 4)
	return split(c, count, options, func(s string) (int, int) {
		for i := range len(s) {
			for _, sep := range used {
				if strings.HasPrefix(s[i:], sep) {
					return i, len(sep)
				}
			}
		}
		return -1, 0
	})
}

// splitHalves splits at halves of characters: every half is marked so that the
// text can be split by bytes.
func splitHalves(c *clr.Call, seps []string, count, options int) clr.Value {
	c.Allocate(6 * len(c.Args[0].S))
	c.Work(len(c.Args[0].S))
	apart := make([]string, len(seps))
	for i, s := range seps {
		apart[i] = halves(s)
	}
	args := append([]clr.Value(nil), c.Args...)
	args[0] = clr.Str(halves(args[0].S))
	inner := *c
	inner.Args = args
	v := splitMarked(&inner, apart, count, options)
	for i, e := range v.O.(*clr.ArrayObject).Elems {
		v.O.(*clr.ArrayObject).Elems[i] = clr.Str(clr.Mend(e.S))
	}
	return v
}

func splitMarked(c *clr.Call, seps []string, count, options int) clr.Value {
	return split(c, count, options, func(s string) (int, int) {
		for i := range len(s) {
			for _, sep := range seps {
				if sep != "" && strings.HasPrefix(s[i:], sep) {
					return i, len(sep)
				}
			}
		}
		return -1, 0
	})
}

// halves is s with every character beyond 0xFFFF as two halves, each of three
// bytes.
func halves(s string) string {
	var b []byte
	eachUnit(s, func(_ int, u uint16) bool {
		if u >= 0xD800 && u <= 0xDFFF {
			b = appendRune(b, rune(u))
		} else {
			b = clr.AppendChar(b, u)
		}
		return true
	})
	return string(b)
}

// partSize is what a part of a split text takes in an array, which grows by
// copying itself.
const partSize = 64

// split cuts the receiver where next finds a separator. The arguments count and
// options are at these places, 0 where there are none.
func split(c *clr.Call, count, options int, next func(s string) (at, size int)) clr.Value {
	s, most, dropEmpty := c.Args[0].S, math.MaxInt32, false
	if count > 0 {
		if most = c.Int(count); most < 0 {
			c.ThrowRange("count", negativeCount)
		}
	}
	if options > 0 {
		if o := c.Int(options); o < 0 || o > 1 {
			c.ThrowArgument(fmt.Sprintf("Illegal enum value: %d.", o), "")
		}
		dropEmpty = c.Int(options) == 1
	}
	if most == 0 || s == "" && dropEmpty {
		return stringArray(nil)
	}
	c.Work(len(s) / 32)
	var parts []clr.Value
	if most > 1 {
		parts, s = cut(c, s, most, dropEmpty, next)
	}
	if s != "" || !dropEmpty || most == 1 {
		parts = append(parts, clr.Str(s))
	}
	return stringArray(parts)
}

// stringArray is a string[] whose memory was taken as it grew.
func stringArray(parts []clr.Value) clr.Value {
	if parts == nil {
		parts = []clr.Value{}
	}
	return clr.Obj(&clr.ArrayObject{T: clr.String.ArrayOf(1), Elems: parts})
}

// cut takes parts off s until one is left to take, and gives the rest. With
// dropEmpty separators at the beginning of the rest go as well.
func cut(c *clr.Call, s string, most int, dropEmpty bool, next func(s string) (at, size int)) ([]clr.Value, string) {
	var parts []clr.Value
	for {
		at, size := next(s)
		if at < 0 {
			return parts, s
		}
		c.Step()
		c.Allocate(partSize)
		if dropEmpty && at == 0 {
			s = s[size:]
			continue
		}
		if len(parts) == most-1 {
			return parts, s
		}
		parts = append(parts, clr.Str(s[:at]))
		s = s[at+size:]
	}
}
