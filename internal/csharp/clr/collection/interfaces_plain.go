package collection

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// plainInterfaceMembers are the interfaces without type arguments, which the
// list does not name but its types implement.
func plainInterfaceMembers() funcs {
	const collection, list, dict = "System.Collections.ICollection", "System.Collections.IList", "System.Collections.IDictionary"
	no := func(c *clr.Call) clr.Value { return clr.Bool(false) }
	return funcs{
		collection + ".CopyTo(Array, int)": copyTo("index"),
		collection + ".Count":              count,
		collection + ".IsSynchronized":     no,
		collection + ".SyncRoot":           func(c *clr.Call) clr.Value { return c.Args[0] },

		list + ".Add(object)": func(c *clr.Call) clr.Value {
			o := c.Args[0].O
			if l, ok := o.(*clr.List); ok {
				listAdd(c.Thread, l, elementOf(c.Thread, l.T.Args[0], c.Args[1], "value"))
				return clr.Int(int32(l.Len() - 1))
			}
			add(c.Thread, o, c.Args[1])
			return clr.Int(int32(countOf(c.Args[0]) - 1))
		},
		list + ".Clear()": func(c *clr.Call) clr.Value {
			if a, ok := c.Args[0].O.(*clr.ArrayObject); ok {
				clearArray(c.Thread, a, 0, a.Len())
				return clr.Null
			}
			clearAll(c.Thread, c.Args[0].O)
			return clr.Null
		},
		list + ".Contains(object)": func(c *clr.Call) clr.Value {
			found, _ := containsIn(c.Thread, c.Args[0], c.Args[1])
			return clr.Bool(found)
		},
		list + ".IndexOf(object)": func(c *clr.Call) clr.Value { return clr.Int(int32(indexOf(c.Thread, c.Args[0].O, c.Args[1]))) },
		list + ".Insert(int, object)": func(c *clr.Call) clr.Value {
			v := c.Args[2]
			if l, ok := c.Args[0].O.(*clr.List); ok {
				v = elementOf(c.Thread, l.T.Args[0], v, "item")
			}
			insertAt(c.Thread, c.Args[0].O, c.Int(1), v)
			return clr.Null
		},
		list + ".IsFixedSize": func(c *clr.Call) clr.Value {
			_, array := c.Args[0].O.(*clr.ArrayObject)
			return clr.Bool(array)
		},
		list + ".IsReadOnly": func(c *clr.Call) clr.Value {
			_, array := c.Args[0].O.(*clr.ArrayObject)
			return clr.Bool(!array && readOnly(c.Args[0].O))
		},
		list + ".Remove(object)": func(c *clr.Call) clr.Value {
			remove(c.Thread, c.Args[0].O, c.Args[1])
			return clr.Null
		},
		list + ".RemoveAt(int)": func(c *clr.Call) clr.Value {
			removeAt(c.Thread, c.Args[0].O, c.Int(1))
			return clr.Null
		},
		list + ".this[int]": func(c *clr.Call) clr.Value {
			if a, ok := c.Args[0].O.(*clr.ArrayObject); ok && uint(c.Int(1)) >= uint(a.Len()) {
				c.ThrowIndex()
			}
			return at(c.Thread, c.Args[0].O, c.Int(1))
		},
		list + ".this[int]=": func(c *clr.Call) clr.Value {
			v := c.Args[2]
			switch o := c.Args[0].O.(type) {
			case *clr.List:
				v = elementOf(c.Thread, o.T.Args[0], v, "value")
			case *clr.ArrayObject:
				setElement(c.Thread, o, c.Int(1), v)
				return clr.Null
			}
			setAt(c.Thread, c.Args[0].O, c.Int(1), v)
			return clr.Null
		},

		dict + ".Add(object, object)": func(c *clr.Call) clr.Value {
			k, v := keyValue(c)
			changing(c).Insert(c.Thread, k, v)
			return clr.Null
		},
		dict + ".Clear()": func(c *clr.Call) clr.Value {
			clearAll(c.Thread, c.Args[0].O)
			return clr.Null
		},
		dict + ".Contains(object)": func(c *clr.Call) clr.Value {
			_, ok := lookUp(c)
			return clr.Bool(ok)
		},
		dict + ".IsFixedSize": no,
		dict + ".IsReadOnly": func(c *clr.Call) clr.Value {
			_, ok := c.Args[0].O.(ChangingMap)
			return clr.Bool(!ok)
		},
		dict + ".Keys":   func(c *clr.Call) clr.Value { return keysOf(c, false) },
		dict + ".Values": func(c *clr.Call) clr.Value { return keysOf(c, true) },
		dict + ".Remove(object)": func(c *clr.Call) clr.Value {
			if _, ok := lookUp(c); ok {
				changing(c).Delete(c.Thread, c.Args[1])
			}
			return clr.Null
		},
		dict + ".this[object]": func(c *clr.Call) clr.Value {
			v, _ := lookUp(c)
			return v
		},
		dict + ".this[object]=": func(c *clr.Call) clr.Value {
			k, v := keyValue(c)
			changing(c).Put(c.Thread, k, v)
			return clr.Null
		},
		"System.ICloneable.Clone()": func(c *clr.Call) clr.Value {
			if a, ok := c.Args[0].O.(*clr.ArrayObject); ok {
				return cloneArray(c.Thread, a)
			}
			return c.Args[0] // a string
		},
	}
}

// lookUp is the value of a key that may be of any type: of another than the
// map's, it is not there.
func lookUp(c *clr.Call) (clr.Value, bool) {
	c.NotNull(1, "key")
	m := c.Args[0].O.(Map)
	if d, ok := m.(*Dictionary); ok && !fits(c.Args[1], d.T.Args[0]) {
		return clr.Null, false
	}
	return m.Get(c.Thread, c.Args[1])
}

// keyValue are a key and a value for IDictionary, of the types that the map
// has.
func keyValue(c *clr.Call) (key, value clr.Value) {
	c.NotNull(1, "key")
	d, ok := c.Args[0].O.(*Dictionary)
	if !ok {
		return c.Args[1], c.Args[2]
	}
	return elementOf(c.Thread, d.T.Args[0], c.Args[1], "key"), elementOf(c.Thread, d.T.Args[1], c.Args[2], "value")
}

// fits reports whether "v is of" holds, or v is null and of may be.
func fits(v clr.Value, of *clr.Type) bool {
	if v.O == nil {
		return !of.IsValue() || of.IsNullable()
	}
	if of.IsNullable() {
		of = of.Elem()
	}
	return v.O.Type().AssignableTo(of)
}

// elementOf is v where only values of one type go; param is the argument.
func elementOf(t *clr.Thread, of *clr.Type, v clr.Value, param string) clr.Value {
	if v.O == nil && !fits(v, of) {
		t.ThrowArgumentNull(param)
	}
	if !fits(v, of) {
		t.ThrowArgument("The value \""+t.Text(v)+"\" is not of type \""+of.FullName()+"\" and cannot be used in this generic collection.", param)
	}
	return v
}
