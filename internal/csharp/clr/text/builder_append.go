package text

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// appendText appends the argument as its ToString() says it.
func appendText(c *clr.Call) clr.Value {
	builderOf(c).Append(c.Thread, c.Thread.Text(c.Args[1]))
	return c.Args[0]
}

var builderAppendMembers = map[string]clr.Func{
	"System.Text.StringBuilder.Append(StringBuilder)": appendText,
	"System.Text.StringBuilder.Append(bool)":          appendText,
	"System.Text.StringBuilder.Append(byte)":          appendText,
	"System.Text.StringBuilder.Append(decimal)":       appendText,
	"System.Text.StringBuilder.Append(double)":        appendText,
	"System.Text.StringBuilder.Append(float)":         appendText,
	"System.Text.StringBuilder.Append(int)":           appendText,
	"System.Text.StringBuilder.Append(long)":          appendText,
	"System.Text.StringBuilder.Append(object)":        appendText,
	"System.Text.StringBuilder.Append(sbyte)":         appendText,
	"System.Text.StringBuilder.Append(short)":         appendText,
	"System.Text.StringBuilder.Append(string)":        appendText,
	"System.Text.StringBuilder.Append(uint)":          appendText,
	"System.Text.StringBuilder.Append(ulong)":         appendText,
	"System.Text.StringBuilder.Append(ushort)":        appendText,

	"System.Text.StringBuilder.Append(char)": func(c *clr.Call) clr.Value {
		builderOf(c).appendChar(c.Thread, uint16(c.Args[1].N), 1)
		return c.Args[0]
	},
	"System.Text.StringBuilder.Append(char, int)": func(c *clr.Call) clr.Value {
		if c.Int(2) < 0 {
			c.ThrowRange("repeatCount", negativeCount)
		}
		builderOf(c).appendChar(c.Thread, uint16(c.Args[1].N), c.Int(2))
		return c.Args[0]
	},
	"System.Text.StringBuilder.Append(char[])": func(c *clr.Call) clr.Value {
		builderOf(c).Append(c.Thread, charsText(c, 1))
		return c.Args[0]
	},
	"System.Text.StringBuilder.Append(char[], int, int)": func(c *clr.Call) clr.Value {
		from, n := c.Int(2), c.Int(3)
		if from < 0 {
			c.ThrowRange("startIndex", mustPositive)
		}
		if n < 0 {
			c.ThrowRange("charCount", mustPositive)
		}
		if n == 0 {
			return c.Args[0]
		}
		a := c.NotNull(1, "value").(*clr.ArrayObject)
		if n > a.Len()-from {
			c.ThrowRange("charCount", indexMessage)
		}
		builderOf(c).Append(c.Thread, fromChars(c, charsOf(a, from, n)).S)
		return c.Args[0]
	},
	"System.Text.StringBuilder.Append(string, int, int)": func(c *clr.Call) clr.Value {
		n := -1
		if c.Args[1].O != nil {
			n = length(c.Thread, c.Args[1].S)
		}
		if checkPart(c, n) {
			builderOf(c).Append(c.Thread, slice(c.Args[1].S, c.Int(2), c.Int(2)+c.Int(3)))
		}
		return c.Args[0]
	},
	"System.Text.StringBuilder.Append(StringBuilder, int, int)": func(c *clr.Call) clr.Value {
		from, n := c.Args[1].O, -1
		if from != nil {
			n = from.(*Builder).Len()
		}
		if checkPart(c, n) {
			builderOf(c).Append(c.Thread, from.(*Builder).text(c.Thread, c.Int(2), c.Int(3)))
		}
		return c.Args[0]
	},

	"System.Text.StringBuilder.AppendLine()": func(c *clr.Call) clr.Value {
		builderOf(c).appendChar(c.Thread, '\n', 1)
		return c.Args[0]
	},
	"System.Text.StringBuilder.AppendLine(string)": func(c *clr.Call) clr.Value {
		builderOf(c).Append(c.Thread, c.Args[1].S)
		builderOf(c).appendChar(c.Thread, '\n', 1)
		return c.Args[0]
	},

	"System.Text.StringBuilder.AppendFormat(string, object)":                 appendFormat,
	"System.Text.StringBuilder.AppendFormat(string, object, object)":         appendFormat,
	"System.Text.StringBuilder.AppendFormat(string, object, object, object)": appendFormat,
	"System.Text.StringBuilder.AppendFormat(string, object[])": func(c *clr.Call) clr.Value {
		builderOf(c).Append(c.Thread, formatArgs(c, 1))
		return c.Args[0]
	},

	"System.Text.StringBuilder.AppendJoin(char, object[])":            appendJoin,
	"System.Text.StringBuilder.AppendJoin(char, string[])":            appendJoin,
	"System.Text.StringBuilder.AppendJoin(string, object[])":          appendJoin,
	"System.Text.StringBuilder.AppendJoin(string, string[])":          appendJoin,
	"System.Text.StringBuilder.AppendJoin<T>(char, IEnumerable<T>)":   appendJoin,
	"System.Text.StringBuilder.AppendJoin<T>(string, IEnumerable<T>)": appendJoin,
}

// charsText is argument i, a char[], as a text; null is empty.
func charsText(c *clr.Call, i int) string {
	a, _ := c.Args[i].O.(*clr.ArrayObject)
	if a == nil {
		return ""
	}
	c.Allocate(2 * a.Len())
	return fromChars(c, charsOf(a, 0, a.Len())).S
}

// checkPart checks the arguments value, startIndex, count of Append: n is how
// long the value is, -1: it is null. False: nothing is to be appended.
func checkPart(c *clr.Call, n int) bool {
	from, count := c.Int(2), c.Int(3)
	if n < 0 {
		if from == 0 && count == 0 {
			return false
		}
		c.ThrowArgumentNull("value")
	}
	switch {
	case count < 0:
		c.ThrowRange("count", mustPositive)
	case count == 0:
		return false
	case from < 0 || from > n-count:
		c.ThrowRange("startIndex", indexMessage)
	}
	return true
}

func appendFormat(c *clr.Call) clr.Value {
	builderOf(c).Append(c.Thread, FormatComposite(c.Thread, c.Text(1, "format"), c.Args[2:]))
	return c.Args[0]
}

func appendJoin(c *clr.Call) clr.Value {
	c.NotNull(2, "values")
	sep := c.Thread.Text(c.Args[1])
	j := joiner{t: c.Thread, sep: sep}
	for v := range c.Seq(c.Args[2], "values") {
		j.add(v)
	}
	builderOf(c).Append(c.Thread, j.text())
	return c.Args[0]
}
