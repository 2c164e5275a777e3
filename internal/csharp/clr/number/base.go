package number

import (
	"math"
	"strconv"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// baseError is why text has no value in a base, in .NET's words.
type baseError string

func (e baseError) Error() string { return "number: " + string(e) }

// What [ParseBase] fails with, besides [ErrOverflow].
const (
	errMinus    baseError = "String cannot contain a minus sign if the base is not 10."
	errNegative baseError = "The string was being parsed as an unsigned number and could not have a negative sign."
	errNoDigits baseError = "Could not find any recognizable digits."
	errJunk     baseError = "Additional non-parsable characters are at the end of the string."
)

// baseMembers are Convert.ToString(n, toBase) and Convert.ToInt32(s, fromBase)
// with its kin.
func baseMembers() funcs {
	out := funcs{}
	for _, t := range []*clr.Type{clr.Byte, clr.Int16, clr.Int32, clr.Int64} {
		w, _ := widthOf(t)
		out["System.Convert.ToString("+word(t)+", int)"] = func(c *clr.Call) clr.Value {
			n, base := c.Args[0].N, checkBase(c, 1)
			if base == 10 {
				return c.New(strconv.FormatInt(int64(n), 10))
			}
			return c.New(strconv.FormatUint(width{w.size, false}.wrap(n), base))
		}
	}
	for _, t := range integers {
		out["System.Convert.To"+t.Name+"(string, int)"] = func(c *clr.Call) clr.Value {
			base := checkBase(c, 1)
			s, ok := c.Str(0)
			if !ok {
				return clr.Value{O: t}
			}
			if s == "" {
				c.ThrowRange(indexMessage, "Specified argument was out of the range of valid values.")
			}
			c.Work(len(s))
			return parseBase(c, s, base, t)
		}
	}
	return out
}

func checkBase(c *clr.Call, i int) int {
	base := c.Int(i)
	if base != 2 && base != 8 && base != 10 && base != 16 {
		c.ThrowArgument("Invalid Base.", "")
	}
	return base
}

// parseBase reads a number as .NET does: into 32 bits, or 64 for the types that
// have as many, and then into the type.
func parseBase(c *clr.Call, s string, base int, t *clr.Type) clr.Value {
	w, _ := widthOf(t)
	read, of := width{32, w.signed}, clr.Int32
	if w.size == 64 {
		read, of = w, clr.Int64
	}
	if base != 10 || !w.signed {
		of = map[*clr.Type]*clr.Type{clr.Int32: clr.UInt32, clr.Int64: clr.UInt64}[of]
	}
	n, err := ParseBase(s, base, read)
	if err == ErrOverflow {
		c.Throw(clr.OverflowException, doesNotFit(of))
	}
	switch e, _ := err.(baseError); e {
	case "":
	case errMinus:
		c.ThrowArgument(string(e), "")
	case errNegative:
		c.Throw(clr.OverflowException, string(e))
	default:
		c.ThrowFormat(string(e))
	}
	if w.size >= 32 {
		return clr.Value{N: w.wrap(n), O: t}
	}
	r := int64(int32(n))
	if w.signed && base != 10 {
		if r = int64(uint32(n)); r>>w.size == 0 {
			return clr.Value{N: w.wrap(uint64(r)), O: t}
		}
	}
	if w.wrap(uint64(r)) != uint64(r) {
		c.Throw(clr.OverflowException, doesNotFit(t))
	}
	return clr.Value{N: uint64(r), O: t}
}

// ParseBase reads digits of base 2, 8, 10 or 16, without white space; hex
// digits may have 0x before them. A sign counts for base 10 alone, so that
// others fill the bits of w whether it has a sign or not.
func ParseBase(s string, base int, w width) (uint64, error) {
	i, neg := 0, false
	switch s[0] {
	case '-':
		if base != 10 {
			return 0, errMinus
		}
		if !w.signed {
			return 0, errNegative
		}
		neg = true
		i++
	case '+':
		i++
	}
	if base == 16 && i+1 < len(s) && s[i] == '0' && s[i+1]|0x20 == 'x' {
		i += 2
	}
	n, start, over := uint64(0), i, false
	most := uint64(math.MaxUint64) >> (64 - w.size)
	for ; i < len(s) && digitOf(s[i]) < base; i++ {
		d := uint64(digitOf(s[i]))
		over = over || n > (most-d)/uint64(base)
		n = n*uint64(base) + d
		if over { // .NET says so before it looks at the rest
			return 0, ErrOverflow
		}
	}
	switch {
	case i == start:
		return 0, errNoDigits
	case i < len(s):
		return 0, errJunk
	}
	if limit := uint64(1) << (w.size - 1); w.signed && base == 10 && (n > limit || n == limit && !neg) {
		return 0, ErrOverflow
	}
	if neg {
		n = -n
	}
	return n, nil
}

func digitOf(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'z':
		return int(c|0x20-'a') + 10
	}
	return 99
}
