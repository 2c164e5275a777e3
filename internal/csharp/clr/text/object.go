package text

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// plain is what new object() makes.
type plain struct{ _ byte }

// Type is System.Object.
func (*plain) Type() *clr.Type { return clr.ObjectType }

var objectMembers = map[string]clr.Func{
	"new System.Object()": func(c *clr.Call) clr.Value {
		c.Allocate(16)
		return clr.Obj(&plain{})
	},
	"System.Object.Equals(object)":                  func(c *clr.Call) clr.Value { return clr.Bool(c.Equal(c.Args[0], c.Args[1])) },
	"System.Object.Equals(object, object)":          func(c *clr.Call) clr.Value { return clr.Bool(c.Equal(c.Args[0], c.Args[1])) },
	"System.Object.ReferenceEquals(object, object)": func(c *clr.Call) clr.Value { return clr.Bool(clr.Same(c.Args[0], c.Args[1])) },
	"System.Object.GetType()":                       typeOf,
	"System.Object.GetHashCode()":                   func(c *clr.Call) clr.Value { return clr.Int(int32(c.Hash(c.Args[0]))) },
	"System.Object.ToString()":                      func(c *clr.Call) clr.Value { return clr.Str(c.Thread.Text(c.Args[0])) },
}

var booleanHooks = &clr.Hooks{
	Text:    func(_ *clr.Thread, v clr.Value) string { return boolText(v.Bool()) },
	Format:  func(_ *clr.Thread, v clr.Value, _ string) string { return boolText(v.Bool()) },
	Equal:   func(_ *clr.Thread, v, o clr.Value) bool { return o.Is(clr.Boolean) && v.Bool() == o.Bool() },
	Hash:    func(_ *clr.Thread, v clr.Value) uint64 { return v.N },
	Compare: func(_ *clr.Thread, v, o clr.Value) int { return int(v.Int() - o.Int()) },
}

func boolText(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

// parseBool reads True and False in any case, between white space and NULs.
func parseBool(t *clr.Thread, s string) (value, ok bool) {
	switch {
	case EqualFold(s, "true"):
		return true, true
	case EqualFold(s, "false"):
		return false, true
	}
	t.Work(len(s) / 8)
	s = strings.TrimFunc(s, func(r rune) bool { return isSpace(r) || r == 0 })
	switch {
	case EqualFold(s, "true"):
		return true, true
	case EqualFold(s, "false"):
		return false, true
	}
	return false, false
}

var booleanMembers = map[string]clr.Func{
	"System.Boolean.CompareTo(bool)": func(c *clr.Call) clr.Value { return clr.Int(int32(c.Args[0].Int() - c.Args[1].Int())) },
	"System.Boolean.CompareTo(object)": func(c *clr.Call) clr.Value {
		switch o := c.Args[1]; {
		case o.IsNull():
			return clr.Int(1)
		case !o.Is(clr.Boolean):
			c.ThrowArgument("Object must be of type Boolean.", "")
		}
		return clr.Int(int32(c.Args[0].Int() - c.Args[1].Int()))
	},
	"System.Boolean.Equals(bool)": func(c *clr.Call) clr.Value { return clr.Bool(c.Args[0].Bool() == c.Args[1].Bool()) },
	"System.Boolean.Equals(object)": func(c *clr.Call) clr.Value {
		return clr.Bool(c.Args[1].Is(clr.Boolean) && c.Args[0].Bool() == c.Args[1].Bool())
	},
	"System.Boolean.GetHashCode()": func(c *clr.Call) clr.Value { return clr.Int(int32(c.Args[0].N)) },
	"System.Boolean.GetTypeCode()": func(c *clr.Call) clr.Value { return clr.Number(c.Result, 3) },
	"System.Boolean.ToString()":    func(c *clr.Call) clr.Value { return clr.Str(boolText(c.Args[0].Bool())) },
	"System.Boolean.TrueString":    func(*clr.Call) clr.Value { return clr.Str("True") },
	"System.Boolean.FalseString":   func(*clr.Call) clr.Value { return clr.Str("False") },
	"System.Boolean.Parse(string)": func(c *clr.Call) clr.Value {
		b, ok := parseBool(c.Thread, c.Text(0, "value"))
		if !ok {
			c.ThrowFormat("String was not recognized as a valid Boolean.")
		}
		return clr.Bool(b)
	},
	"System.Boolean.TryParse(string, out bool)": func(c *clr.Call) clr.Value {
		b, ok := parseBool(c.Thread, c.Args[0].S)
		c.Ref(1).Set(clr.Bool(b))
		return clr.Bool(ok)
	},
}
