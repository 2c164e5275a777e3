package json

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// Compact is JToken.ToString(Formatting.None); null is "null".
func Compact(t *clr.Thread, token clr.Value) string {
	if token.O == nil {
		return "null"
	}
	return Text(t, token.O.(Token), false)
}

// textMembers are those of JsonConvert.
func textMembers() funcs {
	const p = "Newtonsoft.Json.JsonConvert"
	plain := func(c *clr.Call) clr.Value { return serialized(c.Thread, c.Args[0], false) }
	formatted := func(c *clr.Call) clr.Value { return serialized(c.Thread, c.Args[0], c.Args[1].Int() == 1) }
	typed := func(c *clr.Call) clr.Value { return deserialized(c.Thread, c.Text(0, "value"), of(c, 0)) }
	byType := func(c *clr.Call) clr.Value {
		to := (*clr.Type)(nil)
		if o, ok := c.Args[1].O.(*clr.TypeObject); ok {
			to = o.Of()
		}
		return deserialized(c.Thread, c.Text(0, "value"), to)
	}
	return funcs{
		p + ".SerializeObject(object)":                              plain,
		p + ".SerializeObject(object, JsonConverter[])":             plain,
		p + ".SerializeObject(object, Formatting)":                  formatted,
		p + ".SerializeObject(object, Formatting, JsonConverter[])": formatted,
		p + ".DeserializeObject(string)": func(c *clr.Call) clr.Value {
			return deserialized(c.Thread, c.Text(0, "value"), nil)
		},
		p + ".DeserializeObject<T>(string)":                     typed,
		p + ".DeserializeObject<T>(string, JsonConverter[])":    typed,
		p + ".DeserializeObject(string, Type)":                  byType,
		p + ".DeserializeObject(string, Type, JsonConverter[])": byType,
	}
}
