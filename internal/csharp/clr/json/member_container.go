package json

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/collection"
)

const (
	jcontainer   = linq + ".JContainer"
	jarray       = linq + ".JArray"
	jconstructor = linq + ".JConstructor"
)

// below is Descendants() of a container.
func below(k Container, self bool) func(*clr.Thread) iter.Seq[clr.Value] {
	return func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) { descendants(t, k, self, yield) }
	}
}

func containerMembers() funcs {
	const p = jcontainer
	return funcs{
		p + ".Count":      func(c *clr.Call) clr.Value { return clr.Int(int32(selfContainer(c).Len())) },
		p + ".HasValues":  anyValues,
		p + ".First":      first,
		p + ".Last":       last,
		p + ".Children()": kids,
		p + ".Values<T>()": func(c *clr.Call) clr.Value {
			return lazy(c.Thread, of(c, 0), converted(c.Args[0], of(c, 0)))
		},
		p + ".Descendants()":        func(c *clr.Call) clr.Value { return tokens(c, below(selfContainer(c), false)) },
		p + ".DescendantsAndSelf()": func(c *clr.Call) clr.Value { return tokens(c, below(selfContainer(c), true)) },
		p + ".Add(object)": func(c *clr.Call) clr.Value {
			k := selfContainer(c)
			add(c.Thread, k, k.Len(), c.Args[1])
			return nothing
		},
		p + ".AddFirst(object)": func(c *clr.Call) clr.Value {
			add(c.Thread, selfContainer(c), 0, c.Args[1])
			return nothing
		},
		p + ".RemoveAll()": func(c *clr.Call) clr.Value {
			clearAll(c.Thread, selfContainer(c))
			return nothing
		},
		p + ".ReplaceAll(object)": func(c *clr.Call) clr.Value {
			k := selfContainer(c)
			clearAll(c.Thread, k)
			add(c.Thread, k, k.Len(), c.Args[1])
			return nothing
		},
		p + ".Merge(object)": func(c *clr.Call) clr.Value {
			merge(c.Thread, selfContainer(c), c.Args[1])
			return nothing
		},
	}
}

// merge is JContainer.Merge: members of objects are merged, items of arrays and
// constructors are added.
func merge(t *clr.Thread, into Container, content clr.Value) {
	if content.O == nil {
		return
	}
	if _, ok := content.O.(Token); !ok && !isMulti(content) {
		t.ThrowArgument("Could not determine JSON object type for type "+content.Type().FullName()+".", "content")
	}
	t.Enter()
	defer t.Leave()
	switch into := into.(type) {
	case *Object:
		if from, ok := content.O.(*Object); ok {
			mergeObject(t, into, from)
		}
	case *Array:
		_, array := content.O.(*Array)
		if array || isMulti(content) {
			mergeList(t, into, content)
		}
	case *Constructor:
		if from, ok := content.O.(*Constructor); ok {
			if from.Name.O != nil {
				into.Name = from.Name
			}
			mergeList(t, into, content)
		}
	case *Property:
		if from, ok := content.O.(*Property); ok && from.value != nil && from.value.Kind() != KindNull {
			putValue(t, into, from.value)
		}
	}
}

func mergeList(t *clr.Thread, into Container, content clr.Value) {
	for v := range content.O.(clr.Sequence).All(t) {
		add(t, into, into.Len(), v)
	}
}

func mergeObject(t *clr.Thread, into, from *Object) {
	for v := range from.All(t) {
		p := v.O.(*Property)
		was := into.Property(p.Name)
		if was == nil {
			addProperty(t, into, clr.Str(p.Name), p.value)
			continue
		}
		if c, ok := was.value.(Container); ok && c.Kind() == p.value.Kind() {
			merge(t, c, clr.Obj(p.value))
			continue
		}
		if with, ok := p.value.(*Value); !ok || with.kind != KindNull && with.V.O != nil {
			putValue(t, was, p.value)
		}
	}
}

// putValue is JProperty.Value = k.
func putValue(t *clr.Thread, p *Property, k Token) {
	if p.value == nil {
		insert(t, p, 0, k)
		return
	}
	set(t, p, 0, k)
}

// cursor is GetEnumerator() of a token.
func cursor(c *clr.Call, of clr.Value) clr.Value { return collection.NewCursor(c.Thread, c.Result, of) }

// copyTokens is CopyTo of the containers.
func copyTokens(c *clr.Call) clr.Value {
	from := selfContainer(c)
	to := c.NotNull(1, "array").(*clr.ArrayObject)
	i := c.Int(2)
	switch {
	case i < 0:
		c.ThrowRange("arrayIndex", "arrayIndex is less than 0.")
	case i >= to.Len() && i != 0:
		c.ThrowArgument("arrayIndex is equal to or greater than the length of array.", "")
	case from.Len() > to.Len()-i:
		c.ThrowArgument("The number of elements in the source JObject is greater than the available space from arrayIndex"+
			" to the end of the destination array.", "")
	}
	c.Work(from.Len())
	for j := range from.Len() {
		to.Put(i+j, clr.Obj(from.child(j)))
	}
	return nothing
}

// newArray is an empty JArray.
func newArray(t *clr.Thread) *Array {
	t.Allocate(containerSize)
	return &Array{}
}

// copied is a new container with copies of another's tokens, and no notes.
func copied(c *clr.Call) clr.Value {
	if c.Args[0].O == nil {
		c.ThrowArgumentNull("other")
	}
	return clr.Obj(clone(c.Thread, self(c)))
}

func arrayMembers() funcs {
	const p = jarray
	array := func(c *clr.Call) *Array { return c.Args[0].O.(*Array) }
	made := func(c *clr.Call) clr.Value {
		a := newArray(c.Thread)
		add(c.Thread, a, 0, c.Args[0])
		return clr.Obj(a)
	}
	return funcs{
		"new " + p + "()":         func(c *clr.Call) clr.Value { return clr.Obj(newArray(c.Thread)) },
		"new " + p + "(JArray)":   copied,
		"new " + p + "(object)":   made,
		"new " + p + "(object[])": made,
		p + ".Parse(string)": func(c *clr.Call) clr.Value {
			a, err := ParseArray(c.Thread, c.Text(0, "s"))
			return parsed(a, err)
		},
		p + ".FromObject(object)": func(c *clr.Call) clr.Value {
			c.NotNull(0, "o")
			k := fromObject(c.Thread, c.Args[0])
			if k.Kind() != KindArray {
				c.ThrowArgument("Object serialized to "+k.Kind().String()+". JArray instance expected.", "")
			}
			return clr.Obj(k)
		},
		p + ".Type":       kind,
		p + ".IsReadOnly": func(*clr.Call) clr.Value { return clr.Bool(false) },
		p + ".Add(JToken)": func(c *clr.Call) clr.Value {
			add(c.Thread, array(c), array(c).Len(), c.Args[1])
			return nothing
		},
		p + ".Clear()": func(c *clr.Call) clr.Value {
			clearAll(c.Thread, array(c))
			return nothing
		},
		p + ".Contains(JToken)":      func(c *clr.Call) clr.Value { return clr.Bool(array(c).Contains(c.Thread, c.Args[1])) },
		p + ".IndexOf(JToken)":       func(c *clr.Call) clr.Value { return clr.Int(int32(array(c).IndexOf(c.Thread, c.Args[1]))) },
		p + ".Remove(JToken)":        func(c *clr.Call) clr.Value { return clr.Bool(array(c).Remove(c.Thread, c.Args[1])) },
		p + ".CopyTo(JToken[], int)": copyTokens,
		p + ".GetEnumerator()":       func(c *clr.Call) clr.Value { return cursor(c, c.Args[0]) },
		p + ".Insert(int, JToken)": func(c *clr.Call) clr.Value {
			array(c).Insert(c.Thread, c.Int(1), c.Args[2])
			return nothing
		},
		p + ".RemoveAt(int)": func(c *clr.Call) clr.Value {
			array(c).RemoveAt(c.Thread, c.Int(1))
			return nothing
		},
		p + ".this[int]": func(c *clr.Call) clr.Value { return clr.Obj(item(c.Thread, array(c), c.Int(1))) },
		p + ".this[int]=": func(c *clr.Call) clr.Value {
			array(c).SetAt(c.Thread, c.Int(1), c.Args[2])
			return nothing
		},
		p + ".this[object]":  indexed,
		p + ".this[object]=": setIndexed,
	}
}

// indexed and setIndexed are the indexers by object.
func indexed(c *clr.Call) clr.Value { return index(c.Thread, self(c), c.Args[1]) }

func setIndexed(c *clr.Call) clr.Value {
	setIndex(c.Thread, self(c), c.Args[1], tokenOf(c.Args[2]))
	return nothing
}

// newConstructor is an empty JConstructor.
func newConstructor(t *clr.Thread, name clr.Value) *Constructor {
	t.Allocate(containerSize)
	return &Constructor{Name: name}
}

func constructorMembers() funcs {
	const p = jconstructor
	named := func(c *clr.Call) *Constructor {
		if c.Text(0, "name") == "" {
			c.ThrowArgument("Constructor name cannot be empty.", "name")
		}
		return newConstructor(c.Thread, c.Args[0])
	}
	with := func(c *clr.Call) clr.Value {
		k := named(c)
		add(c.Thread, k, 0, c.Args[1])
		return clr.Obj(k)
	}
	return funcs{
		"new " + p + "()":                 func(c *clr.Call) clr.Value { return clr.Obj(newConstructor(c.Thread, clr.Null)) },
		"new " + p + "(JConstructor)":     copied,
		"new " + p + "(string)":           func(c *clr.Call) clr.Value { return clr.Obj(named(c)) },
		"new " + p + "(string, object)":   with,
		"new " + p + "(string, object[])": with,
		p + ".Type":                       kind,
		p + ".Name":                       func(c *clr.Call) clr.Value { return c.Args[0].O.(*Constructor).Name },
		p + ".Name=": func(c *clr.Call) clr.Value {
			c.Args[0].O.(*Constructor).Name = c.Args[1]
			return nothing
		},
		p + ".this[object]":  indexed,
		p + ".this[object]=": setIndexed,
	}
}
