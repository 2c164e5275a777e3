package text

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// insertAt is the index of Insert, checked.
func insertAt(c *clr.Call) int {
	if i := c.Int(1); i < 0 || i > builderOf(c).Len() {
		c.ThrowRange("index", indexMessage)
	}
	return c.Int(1)
}

func insertText(c *clr.Call) clr.Value {
	i := insertAt(c)
	builderOf(c).insert(c.Thread, i, c.Thread.Text(c.Args[2]))
	return c.Args[0]
}

var builderInsertMembers = map[string]clr.Func{
	"System.Text.StringBuilder.Insert(int, bool)":    insertText,
	"System.Text.StringBuilder.Insert(int, byte)":    insertText,
	"System.Text.StringBuilder.Insert(int, char)":    insertText,
	"System.Text.StringBuilder.Insert(int, decimal)": insertText,
	"System.Text.StringBuilder.Insert(int, double)":  insertText,
	"System.Text.StringBuilder.Insert(int, float)":   insertText,
	"System.Text.StringBuilder.Insert(int, int)":     insertText,
	"System.Text.StringBuilder.Insert(int, long)":    insertText,
	"System.Text.StringBuilder.Insert(int, sbyte)":   insertText,
	"System.Text.StringBuilder.Insert(int, short)":   insertText,
	"System.Text.StringBuilder.Insert(int, string)":  insertText,
	"System.Text.StringBuilder.Insert(int, uint)":    insertText,
	"System.Text.StringBuilder.Insert(int, ulong)":   insertText,
	"System.Text.StringBuilder.Insert(int, ushort)":  insertText,
	"System.Text.StringBuilder.Insert(int, object)": func(c *clr.Call) clr.Value {
		if c.Args[2].IsNull() { // wherever
			return c.Args[0]
		}
		return insertText(c)
	},
	"System.Text.StringBuilder.Insert(int, string, int)": func(c *clr.Call) clr.Value {
		s, n := c.Args[2].S, c.Int(3)
		if n < 0 {
			c.ThrowRange("count", nonNegative)
		}
		i := insertAt(c)
		if s == "" || n == 0 {
			return c.Args[0]
		}
		j := joiner{t: c.Thread}
		for range n {
			c.Step()
			j.put(s)
		}
		builderOf(c).insert(c.Thread, i, j.text())
		return c.Args[0]
	},
	"System.Text.StringBuilder.Insert(int, char[])": func(c *clr.Call) clr.Value {
		i := insertAt(c)
		builderOf(c).insert(c.Thread, i, charsText(c, 2))
		return c.Args[0]
	},
	"System.Text.StringBuilder.Insert(int, char[], int, int)": func(c *clr.Call) clr.Value {
		at, from, n := insertAt(c), c.Int(3), c.Int(4)
		a, _ := c.Args[2].O.(*clr.ArrayObject)
		if a == nil {
			if from == 0 && n == 0 {
				return c.Args[0]
			}
			panic(&clr.Thrown{
				T: clr.ArgumentNullException, Param: "value",
				Message: "String reference not set to an instance of a String.\nParameter name: value",
			})
		}
		switch {
		case from < 0:
			c.ThrowRange("startIndex", negativeStart)
		case n < 0:
			c.ThrowRange("charCount", mustPositive)
		case from > a.Len()-n:
			c.ThrowRange("startIndex", indexMessage)
		}
		builderOf(c).insert(c.Thread, at, fromChars(c, charsOf(a, from, n)).S)
		return c.Args[0]
	},
}

var builderChangeMembers = map[string]clr.Func{
	"System.Text.StringBuilder.Remove(int, int)": func(c *clr.Call) clr.Value {
		b, from, n := builderOf(c), c.Int(1), c.Int(2)
		switch {
		case n < 0:
			c.ThrowRange("length", negativeLength)
		case from < 0:
			c.ThrowRange("startIndex", negativeStart)
		case n > b.Len()-from:
			c.ThrowRange("length", indexMessage)
		}
		b.remove(c.Thread, from, n)
		return c.Args[0]
	},
	"System.Text.StringBuilder.Replace(char, char)": func(c *clr.Call) clr.Value {
		return replaceChar(c, 0, builderOf(c).Len())
	},
	"System.Text.StringBuilder.Replace(char, char, int, int)": func(c *clr.Call) clr.Value {
		from, to := replaceSpan(c)
		return replaceChar(c, from, to)
	},
	"System.Text.StringBuilder.Replace(string, string)": func(c *clr.Call) clr.Value {
		return replaceText(c, 0, builderOf(c).Len())
	},
	"System.Text.StringBuilder.Replace(string, string, int, int)": func(c *clr.Call) clr.Value {
		from, to := replaceSpan(c)
		return replaceText(c, from, to)
	},
}

func replaceSpan(c *clr.Call) (from, to int) {
	from, n, all := c.Int(3), c.Int(4), builderOf(c).Len()
	if from < 0 || from > all {
		c.ThrowRange("startIndex", indexMessage)
	}
	if n < 0 || from > all-n {
		c.ThrowRange("count", indexMessage)
	}
	return from, from + n
}

func replaceText(c *clr.Call, from, to int) clr.Value {
	old := c.Text(1, "oldValue")
	if old == "" {
		c.ThrowArgument("Empty name is not legal.", "oldValue")
	}
	builderOf(c).replace(c.Thread, old, c.Args[2].S, from, to)
	return c.Args[0]
}

func replaceChar(c *clr.Call, from, to int) clr.Value {
	b, old, with := builderOf(c), uint16(c.Args[1].N), uint16(c.Args[2].N)
	c.Work((to - from) / 16)
	if !b.wide && old >= 0x80 {
		return c.Args[0]
	}
	if with >= 0x80 {
		b.widen(c.Thread)
	}
	for i := from; i < to; i++ {
		switch {
		case b.wide && b.units[i] == old:
			b.units[i] = with
		case !b.wide && b.narrow[i] == byte(old):
			b.narrow[i] = byte(with)
		}
	}
	return c.Args[0]
}
