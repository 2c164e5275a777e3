package xml

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// casts are the explicit conversions of elements and attributes.
func casts() funcs {
	out := funcs{}
	for _, from := range [...]struct {
		name, param string
		text        func(t *clr.Thread, v clr.Value) string
	}{
		{"XElement", "element", func(t *clr.Thread, v clr.Value) string { return v.O.(*Node).Value(t) }},
		{"XAttribute", "attribute", func(_ *clr.Thread, v clr.Value) string { return v.O.(*Attr).value }},
	} {
		key := func(to string) string {
			return linq + "." + from.name + ".explicit operator " + to + "(" + from.name + ")"
		}
		out[key("string")] = func(c *clr.Call) clr.Value {
			if c.Args[0].O == nil {
				return clr.Null
			}
			return clr.Str(from.text(c.Thread, c.Args[0]))
		}
		for name, of := range map[string]*clr.Type{
			"bool": clr.Boolean, "int": clr.Int32, "uint": clr.UInt32, "long": clr.Int64, "ulong": clr.UInt64, "float": clr.Single,
			"double": clr.Double, "decimal": clr.Decimal, "DateTime": clr.DateTime, "DateTimeOffset": clr.DateTimeOffset,
			"TimeSpan": clr.TimeSpan, "Guid": clr.Guid,
		} {
			convert := func(c *clr.Call) clr.Value {
				s := from.text(c.Thread, c.Args[0])
				c.Work(len(s) / 16)
				return parse(c.Thread, of, s)
			}
			out[key(name)] = func(c *clr.Call) clr.Value {
				c.NotNull(0, from.param)
				return convert(c)
			}
			out[key(name+"?")] = func(c *clr.Call) clr.Value {
				if c.Args[0].O == nil {
					return clr.Null
				}
				return convert(c)
			}
		}
	}
	return out
}

// parsers read texts of types without looking at the thread.
var parsers = map[*clr.Type]func(of *clr.Type, s string) (clr.Value, *problem){
	clr.Boolean: parseBool, clr.Int32: parseInteger, clr.UInt32: parseInteger, clr.Int64: parseInteger, clr.UInt64: parseInteger,
	clr.Single: parseFloat, clr.Double: parseFloat, clr.Decimal: parseDecimal, clr.TimeSpan: parseDuration, clr.Guid: parseGuid,
}

// parse reads a text as a value of that type, or throws.
func parse(t *clr.Thread, of *clr.Type, s string) clr.Value {
	var v clr.Value
	var p *problem
	switch of {
	case clr.DateTime:
		v, p = parseDateTime(t, s)
	case clr.DateTimeOffset:
		v, p = parseOffset(t, s)
	default:
		v, p = parsers[of](of, s)
	}
	if p != nil {
		t.Throw(p.of, p.message)
	}
	return v
}
