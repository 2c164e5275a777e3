package json

import "github.com/cloister-ai/cloister/internal/csharp/clr"

const (
	jvalue = linq + ".JValue"
	jraw   = linq + ".JRaw"
)

func selfValue(c *clr.Call) *Value { return c.Args[0].O.(*Value) }

// ofKind is a constructor of a JValue of that kind.
func ofKind(k Kind) clr.Func {
	return func(c *clr.Call) clr.Value { return clr.Obj(value(c.Thread, k, c.Args[0])) }
}

// anyKind is new JValue(object), and the implicit conversions that go there.
func anyKind(c *clr.Call) clr.Value { return clr.Obj(newValue(c.Thread, c.Args[0])) }

// uriKind is new JValue(Uri).
func uriKind(c *clr.Call) clr.Value {
	if c.Args[0].O == nil {
		return clr.Obj(null(c.Thread))
	}
	return clr.Obj(value(c.Thread, KindURI, c.Args[0]))
}

// asLong is new JValue(long), where C# takes the smaller integers too.
func asLong(c *clr.Call) clr.Value {
	return clr.Obj(value(c.Thread, KindInteger, clr.Value{N: c.Args[0].N, O: clr.Int64}))
}

func valueMembers() funcs {
	const p = jvalue
	f := funcs{
		"new " + p + "(DateTime)":       ofKind(KindDate),
		"new " + p + "(DateTimeOffset)": ofKind(KindDate),
		"new " + p + "(Guid)":           ofKind(KindGuid),
		"new " + p + "(TimeSpan)":       ofKind(KindTimeSpan),
		"new " + p + "(Uri)":            uriKind,
		"new " + p + "(bool)":           ofKind(KindBoolean),
		"new " + p + "(char)":           ofKind(KindString),
		"new " + p + "(decimal)":        ofKind(KindFloat),
		"new " + p + "(double)":         ofKind(KindFloat),
		"new " + p + "(float)":          ofKind(KindFloat),
		"new " + p + "(long)":           ofKind(KindInteger),
		"new " + p + "(ulong)":          ofKind(KindInteger),
		"new " + p + "(string)":         ofKind(KindString),
		"new " + p + "(object)":         anyKind,
		"new " + p + "(JValue)":         copiedValue,
		"new " + jraw + "(JRaw)":        copiedValue,
		"new " + jraw + "(object)": func(c *clr.Call) clr.Value {
			v := value(c.Thread, KindRaw, c.Args[0])
			v.raw = true
			return clr.Obj(v)
		},
		p + ".CreateComment(string)": ofKind(KindComment),
		p + ".CreateString(string)":  ofKind(KindString),
		p + ".CreateNull()":          func(c *clr.Call) clr.Value { return clr.Obj(null(c.Thread)) },
		p + ".CreateUndefined()":     func(c *clr.Call) clr.Value { return clr.Obj(value(c.Thread, KindUndefined, clr.Null)) },
		p + ".HasValues":             anyValues,
		p + ".Type":                  kind,
		p + ".Value":                 func(c *clr.Call) clr.Value { return selfValue(c).V },
		p + ".Value=": func(c *clr.Call) clr.Value {
			setValue(c.Thread, selfValue(c), c.Args[1])
			return nothing
		},
	}
	for key, do := range valueObjectMembers() {
		f[key] = do
	}
	return f
}

// copiedValue is new JValue(JValue), which null makes fail.
func copiedValue(c *clr.Call) clr.Value {
	if c.Args[0].O == nil {
		c.ThrowNull()
	}
	from := c.Args[0].O.(*Value)
	v := value(c.Thread, from.kind, from.V)
	v.raw = c.Result == RawType
	return clr.Obj(v)
}

// valueObjectMembers are those of System.Object, IComparable and IFormattable.
func valueObjectMembers() funcs {
	const p = jvalue
	return funcs{
		p + ".CompareTo(JValue)": func(c *clr.Call) clr.Value {
			if c.Args[1].O == nil {
				return clr.Int(1)
			}
			return clr.Int(int32(compareValues(c.Thread, selfValue(c), c.Args[1].O.(*Value))))
		},
		p + ".Equals(JValue)": func(c *clr.Call) clr.Value { return clr.Bool(c.Equal(c.Args[0], c.Args[1])) },
		p + ".Equals(object)": func(c *clr.Call) clr.Value { return clr.Bool(c.Equal(c.Args[0], c.Args[1])) },
		p + ".GetHashCode()":  func(c *clr.Call) clr.Value { return clr.Int(int32(c.Hash(c.Args[0]))) },
		p + ".ToString()":     func(c *clr.Call) clr.Value { return c.New(c.Thread.Text(c.Args[0])) },
		p + ".ToString(string)": func(c *clr.Call) clr.Value {
			return c.New(c.Format(selfValue(c).V, c.Args[1].S))
		},
	}
}

// casts are the conversions between tokens and other values.
func casts() funcs {
	const p = jtoken
	f := funcs{}
	for name, to := range targets {
		for _, form := range castForms(name) {
			// A JSON null is no byte[], where a null reference is one.
			nullable := form != name || isClass(name) && name != "byte[]"
			f[p+".explicit operator "+form+"(JToken)"] = func(c *clr.Call) clr.Value {
				if c.Args[0].O == nil && isClass(name) {
					return clr.Null
				}
				v := cast(c.Thread, c.Args[0], to, nullable)
				if name == "Uri" && v.O != nil {
					return makeURI(c.Thread, c.Result, v)
				}
				return v
			}
		}
	}
	implicit := map[string]clr.Func{
		"DateTime": ofKind(KindDate), "DateTimeOffset": ofKind(KindDate), "Guid": ofKind(KindGuid), "TimeSpan": ofKind(KindTimeSpan),
		"Uri": uriKind, "bool": ofKind(KindBoolean), "byte[]": anyKind, "decimal": ofKind(KindFloat), "double": ofKind(KindFloat),
		"float": ofKind(KindFloat), "long": asLong, "int": asLong, "short": asLong, "sbyte": asLong, "byte": asLong, "ushort": asLong,
		"uint": asLong, "ulong": ofKind(KindInteger), "string": ofKind(KindString),
	}
	for name, do := range implicit {
		f[p+".implicit operator JToken("+name+")"] = do
		if !isClass(name) {
			// The nullable goes to new JValue(object), where an int stays one.
			f[p+".implicit operator JToken("+name+"?)"] = anyKind
		}
	}
	return f
}

func isClass(name string) bool { return name == "string" || name == "byte[]" || name == "Uri" }

func castForms(name string) []string {
	if isClass(name) {
		return []string{name}
	}
	return []string{name, name + "?"}
}
