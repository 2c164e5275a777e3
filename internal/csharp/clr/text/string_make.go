package text

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

var stringMakeMembers = map[string]clr.Func{
	"new System.String(char, int)": func(c *clr.Call) clr.Value {
		if c.Int(1) < 0 {
			c.ThrowRange("count", negativeCount)
		}
		return clr.Str(repeat(c.Thread, uint16(c.Args[0].N), c.Int(1)))
	},
	"new System.String(char[])": func(c *clr.Call) clr.Value { return fromChars(c, allChars(c.Args[0])) },
	"new System.String(char[], int, int)": func(c *clr.Call) clr.Value {
		a := c.NotNull(0, "value").(*clr.ArrayObject)
		from, n := c.Int(1), c.Int(2)
		switch {
		case from < 0:
			c.ThrowRange("startIndex", negativeStart)
		case n < 0:
			c.ThrowRange("length", negativeLength)
		case from > len(a.Elems)-n:
			c.ThrowRange("startIndex", indexMessage)
		}
		return fromChars(c, charsOf(a, from, n))
	},

	"System.String.Concat(object)":                         concatObjects,
	"System.String.Concat(object, object)":                 concatObjects,
	"System.String.Concat(object, object, object)":         concatObjects,
	"System.String.Concat(object, object, object, object)": concatObjects,
	"System.String.Concat(string, string)":                 concatObjects,
	"System.String.Concat(string, string, string)":         concatObjects,
	"System.String.Concat(string, string, string, string)": concatObjects,
	"System.String.Concat(object[])":                       func(c *clr.Call) clr.Value { return concatArray(c, "args") },
	"System.String.Concat(string[])":                       func(c *clr.Call) clr.Value { return concatArray(c, "values") },
	"System.String.Concat(IEnumerable<string>)":            func(c *clr.Call) clr.Value { return joinSeq(c, "", c.Args[0], "values") },
	"System.String.Concat<T>(IEnumerable<T>)":              func(c *clr.Call) clr.Value { return joinSeq(c, "", c.Args[0], "values") },

	"System.String.Join(char, object[])":                   func(c *clr.Call) clr.Value { return joinArray(c, separator(c), "values") },
	"System.String.Join(string, object[])":                 func(c *clr.Call) clr.Value { return joinArray(c, separator(c), "values") },
	"System.String.Join(char, string[])":                   func(c *clr.Call) clr.Value { return joinArray(c, separator(c), "value") },
	"System.String.Join(string, string[])":                 func(c *clr.Call) clr.Value { return joinArray(c, separator(c), "value") },
	"System.String.Join(char, string[], int, int)":         joinPart,
	"System.String.Join(string, string[], int, int)":       joinPart,
	"System.String.Join(string, IEnumerable<string>)":      func(c *clr.Call) clr.Value { return joinSeq(c, separator(c), c.Args[1], "values") },
	"System.String.Join<T>(char, IEnumerable<T>)":          func(c *clr.Call) clr.Value { return joinSeq(c, separator(c), c.Args[1], "values") },
	"System.String.Join<T>(string, IEnumerable<T>)":        func(c *clr.Call) clr.Value { return joinSeq(c, separator(c), c.Args[1], "values") },
	"System.String.Format(string, object)":                 formatMember,
	"System.String.Format(string, object, object)":         formatMember,
	"System.String.Format(string, object, object, object)": formatMember,
	"System.String.Format(string, object[])":               func(c *clr.Call) clr.Value { return clr.Str(formatArgs(c, 0)) },
}

// repeat is n times a code unit.
func repeat(t *clr.Thread, u uint16, n int) string {
	one := charString(u)
	// n is below 2^31, so this does not overflow.
	t.Allocate(n * len(one))
	t.Work(n / 64)
	return strings.Repeat(one, n)
}

func fromChars(c *clr.Call, units []uint16) clr.Value {
	c.Allocate(3 * len(units))
	c.Work(len(units) / 4)
	return clr.Str(clr.FromUnits(units))
}

func concatObjects(c *clr.Call) clr.Value {
	var buf [4]string
	parts := buf[:0]
	for _, v := range c.Args {
		parts = append(parts, c.Thread.Text(v))
	}
	return clr.Str(concatAll(c.Thread, parts...))
}

func concatArray(c *clr.Call, param string) clr.Value {
	a := c.NotNull(0, param).(*clr.ArrayObject)
	return clr.Str(joinValues(c.Thread, "", a, 0, a.Len()))
}

// separator is the first argument, a char or a string that may be null.
func separator(c *clr.Call) string {
	if c.Args[0].O == clr.Object(clr.Char) {
		return charString(uint16(c.Args[0].N))
	}
	return c.Args[0].S
}

func joinArray(c *clr.Call, sep, param string) clr.Value {
	a := c.NotNull(1, param).(*clr.ArrayObject)
	return clr.Str(joinValues(c.Thread, sep, a, 0, a.Len()))
}

func joinPart(c *clr.Call) clr.Value {
	a := c.NotNull(1, "value").(*clr.ArrayObject)
	from, n := c.Int(2), c.Int(3)
	switch {
	case from < 0:
		c.ThrowRange("startIndex", negativeStart)
	case n < 0:
		c.ThrowRange("count", negativeCount)
	case from > a.Len()-n:
		c.ThrowRange("startIndex", bufferMessage)
	}
	return clr.Str(joinValues(c.Thread, separator(c), a, from, n))
}

func joinValues(t *clr.Thread, sep string, a *clr.ArrayObject, from, n int) string {
	j := joiner{t: t, sep: sep}
	for i := range n {
		j.add(a.At(from + i))
	}
	return j.text()
}

func joinSeq(c *clr.Call, sep string, v clr.Value, param string) clr.Value {
	elem := clr.String
	if len(c.Types) > 0 {
		elem = c.Types[0]
	}
	j := joiner{t: c.Thread, sep: sep}
	for e := range c.SeqOf(v, elem, param) {
		j.add(e)
	}
	return clr.Str(j.text())
}

// joiner puts texts together and takes memory as it grows.
type joiner struct {
	t    *clr.Thread
	sep  string
	b    []byte
	any  bool
	mend bool
}

func (j *joiner) add(v clr.Value) {
	j.t.Step()
	s := j.t.Text(v)
	if j.any {
		j.put(j.sep)
	}
	j.any = true
	j.put(s)
}

func (j *joiner) put(s string) {
	j.mend = j.mend || startsLow(s)
	j.t.Allocate(len(s))
	j.b = append(j.b, s...)
}

func (j *joiner) text() string {
	if j.mend {
		return clr.Mend(string(j.b))
	}
	return string(j.b)
}

func formatMember(c *clr.Call) clr.Value {
	return clr.Str(FormatComposite(c.Thread, c.Text(0, "format"), c.Args[1:]))
}

// formatArgs formats with an array of arguments: the format is argument i, the
// array the next.
func formatArgs(c *clr.Call, i int) string {
	if c.Args[i].O != nil {
		c.NotNull(i+1, "args")
	}
	format := c.Text(i, "format")
	a := c.Args[i+1].O.(*clr.ArrayObject)
	return FormatComposite(c.Thread, format, a.Elems)
}
