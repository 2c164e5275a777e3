package regex

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// captures are the members of Capture, Group and Match.
func captures() map[string]clr.Func {
	index := func(c *clr.Call) clr.Value { _, x := asGroup(c.Args[0].O); return clr.Int(int32(x.from)) }
	length := func(c *clr.Call) clr.Value { _, x := asGroup(c.Args[0].O); return clr.Int(int32(x.count)) }
	value := func(c *clr.Call) clr.Value { _, x := asGroup(c.Args[0].O); return clr.Str(x.value(c.Thread)) }
	success := func(c *clr.Call) clr.Value { g, _ := asGroup(c.Args[0].O); return clr.Bool(len(g.all) > 0) }
	list := func(c *clr.Call) clr.Value { return clr.Obj(&capturesOf{c.Args[0].O}) }
	return map[string]clr.Func{
		"Capture.Index":  index,
		"Capture.Length": length,
		"Capture.Value":  value,
		"Group.Index":    index,
		"Group.Length":   length,
		"Group.Value":    value,
		"Group.Success":  success,
		"Group.Captures": list,
		"Match.Index":    index,
		"Match.Length":   length,
		"Match.Value":    value,
		"Match.Success":  success,
		"Match.Captures": list,
		"Match.Empty":    func(*clr.Call) clr.Value { return clr.Obj(noMatch) },
		"Match.Groups":   func(c *clr.Call) clr.Value { return clr.Obj(&groupsOf{c.Args[0].O.(*match)}) },
		"Match.Result(string)": func(c *clr.Call) clr.Value {
			m := c.Args[0].O.(*match)
			s := c.Text(1, "replacement")
			if m.prog == nil {
				c.Throw(clr.NotSupportedException, "Result cannot be called on a failed Match.")
			}
			out := &output{t: c.Thread}
			m.expand(out, m.prog.parts(c.Thread, s))
			return c.New(out.string())
		},
	}
}

// collections are the members of the three collections.
func collections() map[string]clr.Func {
	return map[string]clr.Func{
		"CaptureCollection.Count": func(c *clr.Call) clr.Value { return clr.Int(int32(c.Args[0].O.(*capturesOf).Len())) },
		"CaptureCollection.this[int]": func(c *clr.Call) clr.Value {
			list, i := c.Args[0].O.(*capturesOf), c.Int(1)
			if i < 0 || i >= list.Len() {
				c.ThrowRange("i", outOfRange)
			}
			return list.At(i)
		},
		"GroupCollection.Count":     func(c *clr.Call) clr.Value { return clr.Int(int32(c.Args[0].O.(*groupsOf).Len())) },
		"GroupCollection.this[int]": func(c *clr.Call) clr.Value { return clr.Obj(c.Args[0].O.(*groupsOf).number(c.Int(1))) },
		"GroupCollection.this[string]": func(c *clr.Call) clr.Value {
			g := c.Args[0].O.(*groupsOf)
			if g.m.prog == nil {
				return clr.Obj(noGroup)
			}
			return clr.Obj(g.number(g.m.prog.group(c.Text(1, "name"))))
		},
		"MatchCollection.Count": func(c *clr.Call) clr.Value { m := matchesIn(c); return clr.Int(int32(m.Len())) },
		"MatchCollection.this[int]": func(c *clr.Call) clr.Value {
			v, ok := matchesIn(c).get(c.Thread, c.Int(1))
			if !ok {
				c.ThrowRange("i", outOfRange)
			}
			return v
		},
		"MatchCollection.GetEnumerator()": func(c *clr.Call) clr.Value {
			m := clr.EnumerableType.Members("GetEnumerator")[0] // of the collections, which know enumerators
			return m.Do(&clr.Call{Thread: c.Thread, Args: c.Args[:1], In: clr.EnumerableType, Result: m.Result})
		},
		"MatchCollection.IsReadOnly":     func(*clr.Call) clr.Value { return clr.Bool(true) },
		"MatchCollection.IsSynchronized": func(*clr.Call) clr.Value { return clr.Bool(false) },
		"MatchCollection.SyncRoot":       func(c *clr.Call) clr.Value { return c.Args[0] },
		"MatchCollection.CopyTo(Match[], int)": func(c *clr.Call) clr.Value {
			return copyTo(c, matchesIn(c))
		},
		"MatchCollection.CopyTo(Array, int)": func(c *clr.Call) clr.Value {
			if a, ok := c.Args[1].O.(*clr.ArrayObject); ok && a.T.Rank != 1 {
				c.ThrowArgument("Only single dimensional arrays are supported for the requested action.", "")
			}
			return copyTo(c, matchesIn(c))
		},
	}
}

// matchesIn is the receiver; its searches are the caller's from now on.
func matchesIn(c *clr.Call) *matchesOf {
	m := c.Args[0].O.(*matchesOf)
	m.t = c.Thread
	return m
}

// copyTo is what List<Match>.CopyTo does, which .NET calls here.
func copyTo(c *clr.Call, m *matchesOf) clr.Value {
	n := m.Len()
	a := c.NotNull(1, "destinationArray").(*clr.ArrayObject)
	at := c.Int(2)
	elem := a.T.Elem()
	if elem.IsValue() || !matchType.AssignableTo(elem) {
		c.Throw(clr.ArgumentException, "Target array type is not compatible with the type of items in the collection.")
	}
	if at < 0 {
		c.ThrowRange("destinationIndex", "Value has to be >= 0.")
	}
	if at > a.Len()-n {
		c.ThrowArgument("Destination array was not long enough. Check destIndex and length, and the array's lower bounds", "destinationArray")
	}
	c.Work(n)
	for i := range n {
		a.Put(at+i, m.At(i))
	}
	return clr.Null
}
