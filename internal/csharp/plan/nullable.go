package plan

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// Family is the code of Nullable<T>, whose members alone take a null receiver.
func Family() clr.Family {
	const key = "System.Nullable<T>."
	same := func(c *clr.Call) clr.Value { return c.Args[0] }
	return clr.Family{Name: "plan", Do: map[string]clr.Func{
		key + "HasValue": func(c *clr.Call) clr.Value { return clr.Bool(c.Args[0].O != nil) },
		key + "Value":    nullableValue,
		key + "GetValueOrDefault()": func(c *clr.Call) clr.Value {
			if c.Args[0].O == nil {
				return clr.Zero(c.Result)
			}
			return c.Args[0]
		},
		key + "GetValueOrDefault(T)": func(c *clr.Call) clr.Value {
			if c.Args[0].O == nil {
				return c.Args[1]
			}
			return c.Args[0]
		},
		key + "ToString()":                       func(c *clr.Call) clr.Value { return c.New(c.Thread.Text(c.Args[0])) },
		key + "Equals(object)":                   func(c *clr.Call) clr.Value { return clr.Bool(c.Equal(c.Args[0], c.Args[1])) },
		key + "GetHashCode()":                    func(c *clr.Call) clr.Value { return clr.Int(int32(c.Hash(c.Args[0]))) },
		key + "explicit operator T(Nullable<T>)": nullableValue,
		key + "implicit operator Nullable<T>(T)": same,
		"new System.Nullable<T>(T)":              same,
	}}
}

func nullableValue(c *clr.Call) clr.Value {
	if c.Args[0].O == nil {
		c.Throw(clr.InvalidOperationException, "Nullable object must have a value.")
	}
	return c.Args[0]
}
