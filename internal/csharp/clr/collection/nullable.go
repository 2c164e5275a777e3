package collection

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// nullableMembers are System.Nullable<T>, whose values are null or a T. A
// receiver that is null is one without value: the evaluator lets it through.
func nullableMembers() funcs {
	const key = "System.Nullable<T>"
	value := func(c *clr.Call) clr.Value {
		if c.Args[0].O == nil {
			c.Throw(clr.InvalidOperationException, "Nullable object must have a value.")
		}
		return c.Args[0]
	}
	return funcs{
		"new " + key + "(T)": func(c *clr.Call) clr.Value { return c.Args[0] },
		key + ".HasValue":    func(c *clr.Call) clr.Value { return clr.Bool(c.Args[0].O != nil) },
		key + ".Value":       value,
		key + ".GetValueOrDefault()": func(c *clr.Call) clr.Value {
			if c.Args[0].O == nil {
				return clr.Zero(c.In.Args[0])
			}
			return c.Args[0]
		},
		key + ".GetValueOrDefault(T)": func(c *clr.Call) clr.Value {
			if c.Args[0].O == nil {
				return c.Args[1]
			}
			return c.Args[0]
		},
		key + ".Equals(object)": same,
		key + ".GetHashCode()": func(c *clr.Call) clr.Value {
			if c.Args[0].O == nil {
				return clr.Int(0)
			}
			return hashCode(c)
		},
		key + ".ToString()":                       text,
		key + ".explicit operator T(Nullable<T>)": value,
		key + ".implicit operator Nullable<T>(T)": func(c *clr.Call) clr.Value { return c.Args[0] },
		"System.Nullable.Compare<T>(T?, T?)":      func(c *clr.Call) clr.Value { return clr.Int(int32(c.Compare(c.Args[0], c.Args[1]))) },
		"System.Nullable.Equals<T>(T?, T?)":       func(c *clr.Call) clr.Value { return clr.Bool(c.Equal(c.Args[0], c.Args[1])) },
	}
}
