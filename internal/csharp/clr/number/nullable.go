package number

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// nullableMembers are those of T?, whose receiver may be null, and of
// System.Nullable.
var nullableMembers = funcs{
	"System.Nullable<T>.HasValue":                         func(c *clr.Call) clr.Value { return clr.Bool(!self(c).IsNull()) },
	"System.Nullable<T>.Value":                            nullableValue,
	"System.Nullable<T>.explicit operator T(Nullable<T>)": nullableValue,
	"System.Nullable<T>.implicit operator Nullable<T>(T)": self,
	"new System.Nullable<T>(T)":                           self,
	"System.Nullable<T>.Equals(object)":                   func(c *clr.Call) clr.Value { return clr.Bool(c.Equal(self(c), c.Args[1])) },
	"System.Nullable<T>.GetHashCode()": func(c *clr.Call) clr.Value {
		if self(c).IsNull() {
			return clr.Int(0)
		}
		return clr.Int(int32(c.Hash(self(c))))
	},
	"System.Nullable<T>.ToString()": func(c *clr.Call) clr.Value { return c.New(c.Thread.Text(self(c))) },
	"System.Nullable<T>.GetValueOrDefault()": func(c *clr.Call) clr.Value {
		if self(c).IsNull() {
			return clr.Zero(c.Result)
		}
		return self(c)
	},
	"System.Nullable<T>.GetValueOrDefault(T)": func(c *clr.Call) clr.Value {
		if self(c).IsNull() {
			return c.Args[1]
		}
		return self(c)
	},
	"System.Nullable.Compare<T>(T?, T?)": func(c *clr.Call) clr.Value { return clr.Int(int32(c.Compare(c.Args[0], c.Args[1]))) },
	"System.Nullable.Equals<T>(T?, T?)":  func(c *clr.Call) clr.Value { return clr.Bool(c.Equal(c.Args[0], c.Args[1])) },
	"System.Nullable.GetUnderlyingType(Type)": func(c *clr.Call) clr.Value {
		t := c.NotNull(0, "nullableType").(*clr.TypeObject).Of()
		if !t.IsNullable() {
			return clr.Null
		}
		return clr.TypeOf(t.Elem())
	},
}

func nullableValue(c *clr.Call) clr.Value {
	if self(c).IsNull() {
		c.Throw(clr.InvalidOperationException, "Nullable object must have a value.")
	}
	return self(c)
}
