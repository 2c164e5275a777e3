package number

import (
	"strings"
	"unicode"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// enumMembers are System.Enum's.
var enumMembers = funcs{
	"System.Enum.ToString()": func(c *clr.Call) clr.Value { return c.New(c.Thread.Text(self(c))) },
	"System.Enum.ToString(string)": func(c *clr.Call) clr.Value {
		format, _ := c.Str(1)
		if format == "" {
			return c.New(c.Thread.Text(self(c)))
		}
		return c.New(c.Format(self(c), format))
	},
	"System.Enum.Parse(Type, string)":       func(c *clr.Call) clr.Value { return parseEnum(c, enumArg(c), 1, false) },
	"System.Enum.Parse(Type, string, bool)": func(c *clr.Call) clr.Value { return parseEnum(c, enumArg(c), 1, c.Args[2].Bool()) },
	"System.Enum.Parse<TEnum>(string)":      func(c *clr.Call) clr.Value { return parseEnum(c, enumOf(c, c.Types[0]), 0, false) },
	"System.Enum.Parse<TEnum>(string, bool)": func(c *clr.Call) clr.Value {
		return parseEnum(c, enumOf(c, c.Types[0]), 0, c.Args[1].Bool())
	},
	"System.Enum.TryParse(Type, string, out object)": func(c *clr.Call) clr.Value {
		return tryEnum(c, enumArg(c), 1, false, clr.Null)
	},
	"System.Enum.TryParse(Type, string, bool, out object)": func(c *clr.Call) clr.Value {
		return tryEnum(c, enumArg(c), 1, c.Args[2].Bool(), clr.Null)
	},
	"System.Enum.TryParse<TEnum>(string, out TEnum)": func(c *clr.Call) clr.Value {
		return tryEnum(c, enumOf(c, c.Types[0]), 0, false, clr.Zero(c.Types[0]))
	},
	"System.Enum.TryParse<TEnum>(string, bool, out TEnum)": func(c *clr.Call) clr.Value {
		return tryEnum(c, enumOf(c, c.Types[0]), 0, c.Args[1].Bool(), clr.Zero(c.Types[0]))
	},
}

// enumArg is the enum whose Type is argument 0.
func enumArg(c *clr.Call) *clr.Type {
	return enumOf(c, c.NotNull(0, "enumType").(*clr.TypeObject).Of())
}

func enumOf(c *clr.Call, t *clr.Type) *clr.Type {
	if t.Kind != clr.Enum {
		c.ThrowArgument("Type provided must be an Enum.", "enumType")
	}
	return t
}

func parseEnum(c *clr.Call, t *clr.Type, text int, ignoreCase bool) clr.Value {
	s := strings.TrimFunc(c.Text(text, "value"), unicode.IsSpace)
	if s == "" {
		c.ThrowArgument("Must specify valid information for parsing in the string.", "")
	}
	c.Work(len(s) * (1 + len(t.Names)))
	n, err := enumValue(t, s, ignoreCase)
	switch err {
	case nil:
		return clr.Number(t, n)
	case ErrOverflow:
		c.Throw(clr.OverflowException, doesNotFit(t))
	}
	c.ThrowArgument("Requested value '"+s+"' was not found.", "")
	return clr.Null
}

// tryEnum gives what it has found to the last argument, and otherwise none.
func tryEnum(c *clr.Call, t *clr.Type, text int, ignoreCase bool, none clr.Value) clr.Value {
	s, _ := c.Str(text)
	s = strings.TrimFunc(s, unicode.IsSpace)
	c.Work(len(s) * (1 + len(t.Names)))
	out := c.Ref(len(c.Args) - 1)
	if s != "" {
		if n, err := enumValue(t, s, ignoreCase); err == nil {
			out.Set(clr.Number(t, n))
			return clr.Bool(true)
		}
	}
	out.Set(none)
	return clr.Bool(false)
}

// enumValue reads a number, or names with commas between, whose bits are put
// together. It fails with [ErrOverflow] or [ErrFormat].
func enumValue(t *clr.Type, s string, ignoreCase bool) (int64, error) {
	if c := s[0]; c == '-' || c == '+' || c >= '0' && c <= '9' {
		w, _ := widthOf(t)
		n, err := parseInteger(s, w)
		if err != ErrFormat {
			return int64(n), err
		}
	}
	var n int64
	for len(s) >= 0 {
		name, rest, more := strings.Cut(s, ",")
		v, ok := enumName(t, strings.TrimFunc(name, unicode.IsSpace), ignoreCase)
		if !ok {
			return 0, ErrFormat
		}
		n |= v
		if s = rest; !more {
			break
		}
	}
	return n, nil
}

func enumName(t *clr.Type, name string, ignoreCase bool) (int64, bool) {
	for _, e := range t.Names {
		if e.Name == name || ignoreCase && strings.EqualFold(e.Name, name) {
			return e.Value, true
		}
	}
	return 0, false
}
