package json

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

const jtoken = linq + ".JToken"

// index is token[key] for every kind of token.
func index(t *clr.Thread, k Token, key clr.Value) clr.Value {
	switch k := k.(type) {
	case *Object:
		if key.Is(clr.String) {
			return valueOf(k.find(key.S))
		}
	case *Array:
		if key.Is(clr.Int32) {
			return clr.Obj(item(t, k, int(key.Int())))
		}
	case *Constructor:
		if key.Is(clr.Int32) {
			return clr.Obj(item(t, k, int(key.Int())))
		}
	default:
		t.Throw(clr.InvalidOperationException, "Cannot access child value on "+k.Type().FullName()+".")
	}
	throwKey(t, "Accessed", k, key)
	return clr.Null
}

// setIndex is token[key] = v.
func setIndex(t *clr.Thread, k Token, key clr.Value, v Token) {
	switch k := k.(type) {
	case *Object:
		if key.Is(clr.String) {
			putProperty(t, k, key, v)
			return
		}
	case *Array, *Constructor:
		if key.Is(clr.Int32) {
			set(t, k.(Container), int(key.Int()), v)
			return
		}
	default:
		t.Throw(clr.InvalidOperationException, "Cannot set child value on "+k.Type().FullName()+".")
	}
	throwKey(t, "Set", k, key)
}

// throwKey says that a container has no such keys.
func throwKey(t *clr.Thread, did string, k Token, key clr.Value) {
	if key.O == nil {
		t.ThrowArgumentNull("key")
	}
	wants := map[Kind]string{
		KindObject: "Object property name expected.", KindArray: "Int32 array index expected.",
		KindConstructor: "Argument position index expected.",
	}[k.Kind()]
	if k.Kind() == KindArray && t.Text(key) == "" {
		wants = "Int32 array index expected."
	}
	t.ThrowArgument(did+" "+k.Type().Name+" values with invalid key value: "+quotedText(t, key)+". "+wants, "")
}

// quotedText is a value in a message.
func quotedText(t *clr.Thread, v clr.Value) string {
	switch {
	case v.O == nil:
		return "{null}"
	case v.Is(clr.String):
		return `"` + v.S + `"`
	}
	return t.Text(v)
}

// item is the token at i.
func item(t *clr.Thread, c Container, i int) Token {
	if i < 0 || i >= c.Len() {
		throwIndex(t)
	}
	return c.child(i)
}

// end is First or Last, where there is one.
func end(c *clr.Call, last bool) clr.Value {
	k, ok := c.Args[0].O.(Container)
	if !ok {
		c.Throw(clr.InvalidOperationException, "Cannot access child value on "+self(c).Type().FullName()+".")
	}
	n := k.Len()
	if n == 0 {
		return clr.Null
	}
	if last {
		return clr.Obj(k.child(n - 1))
	}
	return clr.Obj(k.child(0))
}

func first(c *clr.Call) clr.Value { return end(c, false) }
func last(c *clr.Call) clr.Value  { return end(c, true) }

func kind(c *clr.Call) clr.Value { return clr.Number(KindType, int64(self(c).Kind())) }

func anyValues(c *clr.Call) clr.Value { return clr.Bool(hasValues(self(c))) }

// kids is Children(): of a value none.
func kids(c *clr.Call) clr.Value { return newEnumerable(c.Thread, TokenType, c.Args[0]) }

// formatted is ToString(Formatting, params JsonConverter[]).
func formatted(c *clr.Call) clr.Value {
	return clr.Str(Text(c.Thread, self(c), c.Args[1].Int() == 1))
}

func parsed[T Token](k T, err *clr.Thrown) clr.Value {
	if err != nil {
		panic(err)
	}
	return clr.Obj(k)
}

func tokenMembers() funcs {
	const p = jtoken
	f := funcs{
		p + ".Parse(string)": func(c *clr.Call) clr.Value {
			k, err := Parse(c.Thread, c.Text(0, "s"))
			return parsed(k, err)
		},
		p + ".FromObject(object)": func(c *clr.Call) clr.Value {
			c.NotNull(0, "o")
			return clr.Obj(fromObject(c.Thread, c.Args[0]))
		},
		p + ".DeepClone()": func(c *clr.Call) clr.Value { return clr.Obj(clone(c.Thread, self(c))) },
		p + ".DeepEquals(JToken, JToken)": func(c *clr.Call) clr.Value {
			return clr.Bool(deepEquals(c.Thread, tokenOf(c.Args[0]), tokenOf(c.Args[1])))
		},
		p + ".First":      first,
		p + ".Last":       last,
		p + ".HasValues":  anyValues,
		p + ".Type":       kind,
		p + ".Children()": kids,
		p + ".Children<T>()": func(c *clr.Call) clr.Value {
			return newEnumerable(c.Thread, of(c, 0), lazy(c.Thread, of(c, 0), ofType(c.Args[0], of(c, 0))))
		},
		p + ".ToString()": func(c *clr.Call) clr.Value { return c.New(c.Thread.Text(c.Args[0])) },
		p + ".ToString(Formatting, JsonConverter[])": formatted,
		p + ".Value<T>(object)": func(c *clr.Call) clr.Value {
			return valueAs(c.Thread, tokenOf(index(c.Thread, self(c), c.Args[1])), of(c, 0))
		},
		p + ".Values<T>()": func(c *clr.Call) clr.Value {
			if _, ok := c.Args[0].O.(Container); !ok {
				c.Throw(clr.InvalidOperationException, "Cannot access child value on "+self(c).Type().FullName()+".")
			}
			return lazy(c.Thread, of(c, 0), converted(c.Args[0], of(c, 0)))
		},
		p + ".this[object]": func(c *clr.Call) clr.Value { return index(c.Thread, self(c), c.Args[1]) },
		p + ".this[object]=": func(c *clr.Call) clr.Value {
			setIndex(c.Thread, self(c), c.Args[1], tokenOf(c.Args[2]))
			return nothing
		},
		p + ".ToObject<T>()": func(c *clr.Call) clr.Value { return toObject(c.Thread, self(c), of(c, 0)) },
		p + ".SelectToken(string)": func(c *clr.Call) clr.Value {
			return valueOf(selectOne(c.Thread, self(c), c.Text(1, "expression"), false))
		},
		p + ".SelectToken(string, bool)": func(c *clr.Call) clr.Value {
			return valueOf(selectOne(c.Thread, self(c), c.Text(1, "expression"), c.Args[2].Bool()))
		},
		p + ".SelectTokens(string)":       func(c *clr.Call) clr.Value { return selectAll(c, false) },
		p + ".SelectTokens(string, bool)": func(c *clr.Call) clr.Value { return selectAll(c, c.Args[2].Bool()) },
		p + ".ToObject(Type)": func(c *clr.Call) clr.Value {
			return toObject(c.Thread, self(c), typeArg(c, 1, "objectType"))
		},
	}
	return f
}
