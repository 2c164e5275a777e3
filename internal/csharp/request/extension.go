package request

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/collection"
)

func extensionMembers() funcs {
	const x = "ContextExtensions."
	const values, variables, parameters = "IReadOnlyDictionary<string, string[]>", "IReadOnlyDictionary<string, object>", "IReadOnlyDictionary<string, string>"
	const own = "DictionaryExtensions.GetValueOrDefault<TKey, TValue>("
	return funcs{
		own + "IDictionary<TKey, TValue>, TKey, TValue)":            entryOrDefault,
		own + "IReadOnlyDictionary<TKey, TValue>, TKey, TValue)":    entryOrDefault,
		x + "GetValueOrDefault(" + values + ", string)":             valueOrDefault,
		x + "GetValueOrDefault(" + values + ", string, string)":     valueOrDefault,
		x + "GetValueOrDefault(" + variables + ", string)":          variableOrDefault,
		x + "GetValueOrDefault<T>(" + variables + ", string, T)":    typedOrDefault,
		x + "GetValueOrDefault(" + parameters + ", string, string)": variableOrDefault,
		x + "ToUri(IUrl)":                                                 toUri,
		x + "AsJwt(string)":                                               asJwt,
		x + "TryParseJwt(string, out Jwt)":                                tryParseJwt,
		x + "AsBasic(string)":                                             asBasic,
		x + "TryParseBasic(string, out BasicAuthCredentials)":             tryParseBasic,
		x + "ToFormUrlEncodedContent(IDictionary<string, IList<string>>)": func(c *clr.Call) clr.Value { return writeForm(c, "") },
		x + "ToQueryString(IDictionary<string, IList<string>>)":           func(c *clr.Call) clr.Value { return writeForm(c, "?") },
	}
}

// valueOrDefault is for headers, queries and claims: several values are joined.
func valueOrDefault(c *clr.Call) clr.Value {
	if c.Args[0].O == nil {
		c.ThrowNull()
	}
	if c.Args[1].O == nil {
		c.ThrowArgumentNull("key")
	}
	if o, ok := c.Args[0].O.(*valuesObject); ok {
		c.Step()
		if found, ok := o.of.Get(c.Args[1].S); ok {
			return joined(c.Thread, found)
		}
		return c.Get(2)
	}
	v, ok := c.Args[0].O.(collection.Map).Get(c.Thread, c.Args[1])
	if !ok {
		return c.Get(2)
	}
	var found []string
	for e := range c.Seq(v, "value") {
		found = append(found, e.S)
	}
	return joined(c.Thread, found)
}

func variableOrDefault(c *clr.Call) clr.Value {
	if c.Args[0].O == nil {
		c.ThrowNull()
	}
	if c.Args[1].O == nil {
		c.ThrowArgumentNull("key")
	}
	if v, ok := c.Args[0].O.(collection.Map).Get(c.Thread, c.Args[1]); ok {
		return v
	}
	return c.Get(2)
}

// entryOrDefault is for dictionaries of the expression's own.
func entryOrDefault(c *clr.Call) clr.Value {
	if c.Args[0].O == nil {
		c.ThrowArgumentNull("dictionary")
	}
	if c.Args[1].O == nil {
		c.ThrowArgumentNull("key")
	}
	if v, ok := c.Args[0].O.(collection.Map).Get(c.Thread, c.Args[1]); ok {
		return v
	}
	return c.Args[2]
}

// typedOrDefault casts the variable to T, as C# does.
func typedOrDefault(c *clr.Call) clr.Value {
	if c.Args[0].O == nil {
		c.ThrowNull()
	}
	if c.Args[1].O == nil {
		c.ThrowArgumentNull("key")
	}
	v, ok := c.Args[0].O.(collection.Map).Get(c.Thread, c.Args[1])
	if !ok {
		return c.Args[2]
	}
	return c.Cast(v, c.Types[0])
}

func asJwt(c *clr.Call) clr.Value {
	if c.Args[0].O == nil {
		return clr.Null
	}
	return object(ParseJwt(c.Thread, c.Args[0].S))
}

func tryParseJwt(c *clr.Call) clr.Value {
	v := asJwt(c)
	c.Ref(1).Set(v)
	return clr.Bool(v.O != nil)
}

func asBasic(c *clr.Call) clr.Value {
	if c.Args[0].O == nil {
		return clr.Null
	}
	return object(parseBasic(c.Thread, c.Args[0].S))
}

func tryParseBasic(c *clr.Call) clr.Value {
	v := asBasic(c)
	c.Ref(1).Set(v)
	return clr.Bool(v.O != nil)
}
