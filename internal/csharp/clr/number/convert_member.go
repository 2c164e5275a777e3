package number

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// dbNull is System.DBNull.Value.
type dbNull struct{ _ byte }

var (
	dbNullType  = clr.Named("System", "DBNull", 0)
	dbNullValue = clr.Obj(&dbNull{})
)

// Type is System.DBNull.
func (*dbNull) Type() *clr.Type { return dbNullType }

// convertMembers are System.Convert's, except for those for each type.
var convertMembers = funcs{
	"System.Convert.DBNull":           func(*clr.Call) clr.Value { return dbNullValue },
	"System.Convert.IsDBNull(object)": func(c *clr.Call) clr.Value { return clr.Bool(c.Args[0].O == dbNullValue.O) },
	"System.Convert.GetTypeCode(object)": func(c *clr.Call) clr.Value {
		const empty, dbNull = 0, 2
		v := c.Args[0]
		if o, ok := v.O.(Convertible); ok {
			v = o.Convertible()
		}
		switch {
		case v.IsNull():
			return clr.Number(typeCode, empty)
		case v.O == dbNullValue.O:
			return clr.Number(typeCode, dbNull)
		}
		return codeOf(v.Type())
	},
	"System.Convert.ChangeType(object, TypeCode)": func(c *clr.Call) clr.Value { return changeCode(c, c.Args[1].Int()) },
	"System.Convert.ChangeType(object, Type)":     changeType,
}

// convertOfTypes are Convert.ToXxx for each type and object.
func convertOfTypes() funcs {
	out := funcs{}
	for _, to := range targets {
		do := func(c *clr.Call) clr.Value { return To(c.Thread, c.Args[0], to) }
		prefix := "System.Convert.To" + to.Name + "("
		for _, from := range targets {
			out[prefix+word(from)+")"] = do
		}
		out[prefix+"object)"] = do
	}
	out["System.Convert.ToString(string)"] = self
	out["System.Convert.ToChar(string)"] = func(c *clr.Call) clr.Value {
		return fromText(c.Thread, c.Text(0, "value"), clr.Char)
	}
	return out
}

// changeCode is Convert.ChangeType with a TypeCode.
func changeCode(c *clr.Call, code int64) clr.Value {
	const empty, object, dbNull, text = 0, 1, 2, 18
	v := c.Args[0]
	switch {
	case v.IsNull() && (code == empty || code == object || code == text):
		return clr.Null
	case v.IsNull() || !convertible(v):
		c.Throw(clr.InvalidCastException, mustConvert)
	case code == empty:
		c.Throw(clr.InvalidCastException, "Object cannot be cast to Empty.")
	case code == object:
		return v
	case code == dbNull:
		c.Throw(clr.InvalidCastException, "Object cannot be cast to DBNull.")
	}
	for t, n := range codes {
		if n == code {
			return To(c.Thread, v, t)
		}
	}
	c.ThrowArgument("Unknown TypeCode value.", "")
	return clr.Null
}

const mustConvert = "Object must implement IConvertible."

// changeType is Convert.ChangeType with a Type.
func changeType(c *clr.Call) clr.Value {
	to := c.NotNull(1, "conversionType").(*clr.TypeObject).Of()
	v := c.Args[0]
	switch {
	case v.IsNull() && to.IsValue():
		c.Throw(clr.InvalidCastException, "Null object cannot be converted to a value type.")
	case v.IsNull(), v.Type() == to, to == clr.ObjectType && convertible(v):
		return v
	case !convertible(v):
		c.Throw(clr.InvalidCastException, mustConvert)
	case codes[to] != 0:
		return To(c.Thread, v, to)
	}
	badCast(c.Thread, assemblyName(v.Type()), assemblyName(to))
	return clr.Null
}

// assemblyName is Type.FullName, which says of a type argument where it lies.
func assemblyName(t *clr.Type) string {
	name := t.FullName()
	if t.Kind == clr.ArrayKind {
		return assemblyName(t.Args[0]) + strings.TrimPrefix(name, t.Args[0].FullName())
	}
	if len(t.Args) == 0 {
		return name
	}
	plain, _, _ := strings.Cut(name, "[")
	for i, a := range t.Args {
		if i > 0 {
			plain += ","
		} else {
			plain += "["
		}
		plain += "[" + assemblyName(a) + ", mscorlib, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089]"
	}
	return plain + "]"
}
