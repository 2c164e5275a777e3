package json

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

const (
	jobject   = linq + ".JObject"
	jproperty = linq + ".JProperty"
)

func newObject(t *clr.Thread) *Object {
	t.Allocate(containerSize)
	return &Object{}
}

func selfObject(c *clr.Call) *Object { return c.Args[0].O.(*Object) }

// propertyOf is the property of that name as a StringComparison (its number)
// has it: the exact one first.
func propertyOf(c *clr.Call, name clr.Value, comparison clr.Value) *Property {
	if name.O == nil {
		return nil
	}
	o := selfObject(c)
	p := o.Property(name.S)
	const ordinal = 4
	if p != nil || comparison.Int() == ordinal {
		return p
	}
	c.Work(8 * len(o.props))
	for _, p := range o.props {
		if call(c.Thread, "System.String.Equals(string, string, StringComparison)", clr.Str(p.Name), name, comparison).Bool() {
			return p
		}
	}
	return nil
}

// held is a property's value; of none null.
func held(p *Property) clr.Value {
	if p == nil {
		return clr.Null
	}
	return valueOf(p.value)
}

// propertySeq goes through an object's properties; what is a JProperty.
func propertySeq(o *Object, what func(*Property) clr.Value) func(*clr.Thread) iter.Seq[clr.Value] {
	return func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			for v := range o.All(t) {
				if !yield(what(v.O.(*Property))) {
					return
				}
			}
		}
	}
}

func itself(p *Property) clr.Value { return clr.Obj(p) }

func objectMembers() funcs {
	const p = jobject
	made := func(c *clr.Call) clr.Value {
		o := newObject(c.Thread)
		add(c.Thread, o, 0, c.Args[0])
		return clr.Obj(o)
	}
	f := funcs{
		"new " + p + "()":         func(c *clr.Call) clr.Value { return clr.Obj(newObject(c.Thread)) },
		"new " + p + "(JObject)":  copied,
		"new " + p + "(object)":   made,
		"new " + p + "(object[])": made,
		p + ".Parse(string)": func(c *clr.Call) clr.Value {
			o, err := ParseObject(c.Thread, c.Text(0, "s"))
			return parsed(o, err)
		},
		p + ".FromObject(object)": func(c *clr.Call) clr.Value {
			c.NotNull(0, "o")
			k := fromObject(c.Thread, c.Args[0])
			if k.Kind() != KindObject {
				c.ThrowArgument("Object serialized to "+k.Kind().String()+". JObject instance expected.", "")
			}
			return clr.Obj(k)
		},
		p + ".Type": kind,
		p + ".Add(string, JToken)": func(c *clr.Call) clr.Value {
			addProperty(c.Thread, selfObject(c), c.Args[1], tokenOf(c.Args[2]))
			return nothing
		},
		p + ".Remove(string)": func(c *clr.Call) clr.Value { return clr.Bool(selfObject(c).Delete(c.Thread, c.Args[1])) },
		p + ".Property(string)": func(c *clr.Call) clr.Value {
			if c.Args[1].O == nil {
				return clr.Null
			}
			if k := selfObject(c).Property(c.Args[1].S); k != nil {
				return clr.Obj(k)
			}
			return clr.Null
		},
		p + ".Properties()":     func(c *clr.Call) clr.Value { return tokens(c, propertySeq(selfObject(c), itself)) },
		p + ".PropertyValues()": propertyValues,
		p + ".GetEnumerator()": func(c *clr.Call) clr.Value {
			return cursor(c, clr.Obj(pairs{selfObject(c)}))
		},
	}
	for key, do := range objectLookups() {
		f[key] = do
	}
	return f
}

func propertyValues(c *clr.Call) clr.Value {
	values := propertySeq(selfObject(c), func(k *Property) clr.Value { return valueOf(k.value) })
	return newEnumerable(c.Thread, TokenType, lazy(c.Thread, TokenType, values))
}

// objectLookups are the ways to a property's value.
func objectLookups() funcs {
	const p = jobject
	return funcs{
		p + ".GetValue(string)": func(c *clr.Call) clr.Value {
			return valueOf(selfObject(c).find(c.Args[1].S))
		},
		p + ".GetValue(string, StringComparison)": func(c *clr.Call) clr.Value {
			return held(propertyOf(c, c.Args[1], c.Args[2]))
		},
		p + ".TryGetValue(string, out JToken)": func(c *clr.Call) clr.Value {
			v := clr.Null
			if c.Args[1].O != nil {
				v = valueOf(selfObject(c).find(c.Args[1].S))
			}
			c.Ref(2).Set(v)
			return clr.Bool(v.O != nil)
		},
		p + ".TryGetValue(string, StringComparison, out JToken)": func(c *clr.Call) clr.Value {
			v := held(propertyOf(c, c.Args[1], c.Args[2]))
			c.Ref(3).Set(v)
			return clr.Bool(v.O != nil)
		},
		p + ".ContainsKey(string)": func(c *clr.Call) clr.Value {
			c.NotNull(1, "propertyName")
			return clr.Bool(selfObject(c).Property(c.Args[1].S) != nil)
		},
		p + ".Property(string, StringComparison)": func(c *clr.Call) clr.Value {
			if k := propertyOf(c, c.Args[1], c.Args[2]); k != nil {
				return clr.Obj(k)
			}
			return clr.Null
		},
		p + ".this[string]": func(c *clr.Call) clr.Value { return selfObject(c).Item(c.Thread, c.Args[1]) },
		p + ".this[string]=": func(c *clr.Call) clr.Value {
			selfObject(c).Put(c.Thread, c.Args[1], c.Args[2])
			return nothing
		},
		p + ".this[object]":  indexed,
		p + ".this[object]=": setIndexed,
	}
}

// propertyContent is what new JProperty(name, content) holds: several values
// become an array.
func propertyContent(t *clr.Thread, content clr.Value) Token {
	if !isMulti(content) {
		return fromContent(t, content)
	}
	a := newArray(t)
	add(t, a, 0, content)
	return a
}

func propertyMembers() funcs {
	const p = jproperty
	made := func(c *clr.Call) clr.Value {
		name := c.Text(0, "name")
		c.Allocate(propertySize)
		k := &Property{Name: name}
		insert(c.Thread, k, 0, propertyContent(c.Thread, c.Args[1]))
		return clr.Obj(k)
	}
	return funcs{
		"new " + p + "(JProperty)":        copied,
		"new " + p + "(string, object)":   made,
		"new " + p + "(string, object[])": made,
		p + ".Type":                       kind,
		p + ".Name":                       func(c *clr.Call) clr.Value { return clr.Str(c.Args[0].O.(*Property).Name) },
		p + ".Value":                      func(c *clr.Call) clr.Value { return valueOf(c.Args[0].O.(*Property).value) },
		p + ".Value=": func(c *clr.Call) clr.Value {
			putValue(c.Thread, c.Args[0].O.(*Property), tokenOf(c.Args[1]))
			return nothing
		},
	}
}
