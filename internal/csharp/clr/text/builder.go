package text

import "github.com/cloister-ai/cloister/internal/csharp/clr"

var builderHooks = &clr.Hooks{Text: func(t *clr.Thread, v clr.Value) string {
	b := v.O.(*Builder)
	return b.text(t, 0, b.Len())
}}

const (
	beyondMost   = "Capacity exceeds maximum capacity."
	belowCurrent = "capacity was less than the current size."
	mustPositive = "Value must be positive."
)

func builderOf(c *clr.Call) *Builder { return c.Args[0].O.(*Builder) }

// newBuilder makes a StringBuilder with part of a text and a capacity; most is
// MaxCapacity.
func newBuilder(c *clr.Call, s string, capacity, most int) clr.Value {
	switch {
	case capacity > most:
		c.ThrowRange("capacity", beyondMost)
	case most < 1:
		c.ThrowRange("maxCapacity", "MaxCapacity must be one or greater.")
	case capacity < 0:
		c.ThrowRange("capacity", "'capacity' must be greater than zero.")
	}
	c.Allocate(96)
	if capacity == 0 {
		capacity = min(defaultCapacity, most)
	}
	b := NewBuilder()
	b.block, b.most = max(capacity, length(c.Thread, s)), most
	b.Append(c.Thread, s)
	return clr.Obj(b)
}

var builderMembers = map[string]clr.Func{
	"new System.Text.StringBuilder()":         func(c *clr.Call) clr.Value { return newBuilder(c, "", 0, mostChars) },
	"new System.Text.StringBuilder(int)":      func(c *clr.Call) clr.Value { return newBuilder(c, "", c.Int(0), mostChars) },
	"new System.Text.StringBuilder(int, int)": func(c *clr.Call) clr.Value { return newBuilder(c, "", c.Int(0), c.Int(1)) },
	"new System.Text.StringBuilder(string)":   func(c *clr.Call) clr.Value { return newBuilder(c, c.Args[0].S, 0, mostChars) },
	"new System.Text.StringBuilder(string, int)": func(c *clr.Call) clr.Value {
		return newBuilder(c, c.Args[0].S, c.Int(1), mostChars)
	},
	"new System.Text.StringBuilder(string, int, int, int)": func(c *clr.Call) clr.Value {
		s, from, n := c.Args[0].S, c.Int(1), c.Int(2)
		switch {
		case c.Int(3) < 0:
			c.ThrowRange("capacity", "'capacity' must be greater than zero.")
		case n < 0:
			c.ThrowRange("length", "'length' must be non-negative.")
		case from < 0:
			c.ThrowRange("startIndex", negativeStart)
		case from > length(c.Thread, s)-n:
			c.ThrowRange("length", "Index and length must refer to a location within the string.")
		}
		return newBuilder(c, slice(s, from, from+n), c.Int(3), mostChars)
	},

	"System.Text.StringBuilder.ToString()": func(c *clr.Call) clr.Value { return clr.Str(c.Thread.Text(c.Args[0])) },
	"System.Text.StringBuilder.ToString(int, int)": func(c *clr.Call) clr.Value {
		b, from, n := builderOf(c), c.Int(1), c.Int(2)
		switch {
		case from < 0:
			c.ThrowRange("startIndex", negativeStart)
		case from > b.Len():
			c.ThrowRange("startIndex", "startIndex cannot be larger than length of string.")
		case n < 0:
			c.ThrowRange("length", negativeLength)
		case from > b.Len()-n:
			c.ThrowRange("length", "Index and length must refer to a location within the string.")
		}
		return clr.Str(b.text(c.Thread, from, n))
	},
	"System.Text.StringBuilder.MaxCapacity": func(c *clr.Call) clr.Value { return clr.Int(int32(builderOf(c).most)) },
	"System.Text.StringBuilder.Capacity":    func(c *clr.Call) clr.Value { return clr.Int(int32(builderOf(c).capacity())) },
	"System.Text.StringBuilder.Capacity=": func(c *clr.Call) clr.Value {
		b, n := builderOf(c), c.Int(1)
		switch {
		case n < 0:
			c.ThrowRange("value", "Capacity must be positive.")
		case n > b.most:
			c.ThrowRange("value", beyondMost)
		case n < b.Len():
			c.ThrowRange("value", belowCurrent)
		}
		b.block = n - b.before
		return clr.Null
	},
	"System.Text.StringBuilder.EnsureCapacity(int)": func(c *clr.Call) clr.Value {
		b, n := builderOf(c), c.Int(1)
		if n < 0 {
			c.ThrowRange("capacity", "Capacity must be positive.")
		}
		if n > b.capacity() {
			if n > b.most {
				c.ThrowRange("value", beyondMost)
			}
			b.block = n - b.before
		}
		return clr.Int(int32(b.capacity()))
	},
	"System.Text.StringBuilder.Length": func(c *clr.Call) clr.Value { return clr.Int(int32(builderOf(c).Len())) },
	"System.Text.StringBuilder.Length=": func(c *clr.Call) clr.Value {
		b, n := builderOf(c), c.Int(1)
		if n < 0 {
			c.ThrowRange("value", negativeLength)
		}
		if n > b.most {
			c.ThrowRange("value", belowCurrent)
		}
		b.setLen(c.Thread, n)
		return clr.Null
	},
	"System.Text.StringBuilder.Clear()": func(c *clr.Call) clr.Value {
		builderOf(c).setLen(c.Thread, 0)
		return c.Args[0]
	},
	"System.Text.StringBuilder.this[int]": func(c *clr.Call) clr.Value {
		b, i := builderOf(c), c.Int(1)
		if i < 0 || i >= b.Len() {
			c.ThrowIndex()
		}
		return clr.CharOf(b.at(i))
	},
	"System.Text.StringBuilder.this[int]=": func(c *clr.Call) clr.Value {
		b, i, u := builderOf(c), c.Int(1), uint16(c.Args[2].N)
		if i < 0 || i >= b.Len() {
			c.ThrowRange("index", indexMessage)
		}
		if u >= 0x80 {
			b.widen(c.Thread)
		}
		if b.wide {
			b.units[i] = u
		} else {
			b.narrow[i] = byte(u)
		}
		return clr.Null
	},
	"System.Text.StringBuilder.Equals(StringBuilder)": func(c *clr.Call) clr.Value {
		a, _ := c.Args[0].O.(*Builder)
		b, _ := c.Args[1].O.(*Builder)
		if b == nil || a.Len() != b.Len() || a.capacity() != b.capacity() || a.most != b.most {
			return clr.Bool(false)
		}
		c.Work(a.Len() / 16)
		for i := range a.Len() {
			if a.at(i) != b.at(i) {
				return clr.Bool(false)
			}
		}
		return clr.Bool(true)
	},
	"System.Text.StringBuilder.CopyTo(int, char[], int, int)": builderCopyTo,
}

func builderCopyTo(c *clr.Call) clr.Value {
	b := builderOf(c)
	to := c.NotNull(2, "destination").(*clr.ArrayObject)
	from, at, n := c.Int(1), c.Int(3), c.Int(4)
	switch {
	case n < 0:
		c.ThrowRange("count", "Argument count must not be negative.")
	case at < 0:
		c.ThrowRange("destinationIndex", "'destinationIndex' must be non-negative.")
	case at > to.Len()-n:
		c.ThrowArgument("Either offset did not refer to a position in the string, or there is an insufficient length of destination character array.", "")
	case from < 0 || from > b.Len():
		c.ThrowRange("sourceIndex", indexMessage)
	case from > b.Len()-n:
		c.ThrowArgument("Source string was not long enough. Check sourceIndex and count.", "")
	}
	c.Work(n / 4)
	for i := range n {
		to.Elems[at+i] = clr.CharOf(b.at(from + i))
	}
	return clr.Null
}
