package collection

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// room makes place for n more elements, as .NET's list grows: four, then twice
// as many.
func room(t *clr.Thread, l *clr.List, n int) {
	need := len(l.Elems) + n
	if l.Cap < len(l.Elems) {
		l.Cap = len(l.Elems)
	}
	if need <= l.Cap && need <= cap(l.Elems) {
		return
	}
	capacity := l.Cap
	if need > capacity {
		capacity = max(4, 2*l.Cap, need)
		if l.Cap > 0 && need <= 2*l.Cap {
			capacity = 2 * l.Cap
		}
	}
	setCapacity(t, l, capacity)
}

func setCapacity(t *clr.Thread, l *clr.List, capacity int) {
	t.Allocate(capacity * valueSize)
	t.Work(len(l.Elems))
	elems := make([]clr.Value, len(l.Elems), capacity)
	copy(elems, l.Elems)
	l.Elems, l.Cap = elems, capacity
}

func listAdd(t *clr.Thread, l *clr.List, v clr.Value) {
	room(t, l, 1)
	l.Elems = append(l.Elems, v)
	l.Version++
}

func listSet(t *clr.Thread, l *clr.List, i int, v clr.Value) {
	if uint(i) >= uint(len(l.Elems)) {
		throwIndex(t, l)
	}
	l.Elems[i] = v
	l.Version++
}

func listClear(t *clr.Thread, l *clr.List) {
	l.Cap = max(l.Cap, len(l.Elems))
	t.Work(len(l.Elems))
	clear(l.Elems)
	l.Elems = l.Elems[:0]
	l.Version++
}

func listInsert(t *clr.Thread, l *clr.List, i int, v clr.Value) {
	if i < 0 || i > len(l.Elems) {
		t.ThrowRange("index", "Index must be within the bounds of the List.")
	}
	room(t, l, 1)
	t.Work((len(l.Elems) - i) / 8)
	l.Elems = append(l.Elems, clr.Null)
	copy(l.Elems[i+1:], l.Elems[i:])
	l.Elems[i] = v
	l.Version++
}

func listRemoveAt(t *clr.Thread, l *clr.List, i int) {
	if uint(i) >= uint(len(l.Elems)) {
		throwIndex(t, l)
	}
	listRemove(t, l, i, 1)
}

// listRemove takes out n elements, which exist.
func listRemove(t *clr.Thread, l *clr.List, i, n int) {
	l.Cap = max(l.Cap, len(l.Elems))
	t.Work((len(l.Elems) - i) / 8)
	copy(l.Elems[i:], l.Elems[i+n:])
	clear(l.Elems[len(l.Elems)-n:])
	l.Elems = l.Elems[:len(l.Elems)-n]
	l.Version++
}

// insertAll puts the elements of a sequence at i.
func insertAll(t *clr.Thread, l *clr.List, i int, from clr.Value) {
	if countOf(from) < 0 {
		for v := range source(t, from, "collection", l.T.Args[0]).All(t) {
			listInsert(t, l, i, v)
			i++
		}
		return
	}
	elems := gather(t, from, "collection", l.T.Args[0])
	if len(elems) == 0 {
		return
	}
	room(t, l, len(elems))
	t.Work(len(l.Elems) - i)
	l.Elems = append(l.Elems, elems...)
	copy(l.Elems[i+len(elems):], l.Elems[i:])
	copy(l.Elems[i:], elems)
	l.Version++
}

// gather are the elements of a sequence of elem, in a slice of their own.
func gather(t *clr.Thread, from clr.Value, param string, elem *clr.Type) []clr.Value {
	s := source(t, from, param, elem)
	return collect(t, s.All(t), max(0, countOf(from)))
}

const listKey = "System.Collections.Generic.List<T>"

func list(c *clr.Call) *clr.List { return c.Args[0].O.(*clr.List) }

func listMembers() funcs {
	return funcs{
		"new " + listKey + "()": func(c *clr.Call) clr.Value {
			c.Allocate(64)
			return clr.Obj(&clr.List{T: c.In})
		},
		"new " + listKey + "(IEnumerable<T>)": func(c *clr.Call) clr.Value {
			c.NotNull(0, "collection")
			elems := gather(c.Thread, c.Args[0], "collection", c.In.Args[0])
			l := &clr.List{T: c.In, Elems: elems, Cap: len(elems)}
			if countOf(c.Args[0]) < 0 { // added one by one
				l.Cap = grown(len(elems))
			}
			return clr.Obj(l)
		},
		"new " + listKey + "(int)": func(c *clr.Call) clr.Value {
			if c.Int(0) < 0 {
				c.ThrowRange("capacity", nonNegative)
			}
			l := &clr.List{T: c.In}
			setCapacity(c.Thread, l, c.Int(0))
			return clr.Obj(l)
		},
		listKey + ".Add(T)": func(c *clr.Call) clr.Value {
			listAdd(c.Thread, list(c), c.Args[1])
			return clr.Null
		},
		listKey + ".AddRange(IEnumerable<T>)": func(c *clr.Call) clr.Value {
			c.NotNull(1, "collection")
			l := list(c)
			if countOf(c.Args[1]) >= 0 {
				insertAll(c.Thread, l, l.Len(), c.Args[1])
				return clr.Null
			}
			l.Version++ // once, so that a sequence over the list itself goes on
			for v := range source(c.Thread, c.Args[1], "collection", l.T.Args[0]).All(c.Thread) {
				room(c.Thread, l, 1)
				l.Elems = append(l.Elems, v)
			}
			return clr.Null
		},
		listKey + ".Capacity": func(c *clr.Call) clr.Value { return clr.Int(int32(max(list(c).Cap, list(c).Len()))) },
		listKey + ".Capacity=": func(c *clr.Call) clr.Value {
			if c.Int(1) < list(c).Len() {
				c.ThrowRange("value", "capacity was less than the current size.")
			}
			setCapacity(c.Thread, list(c), c.Int(1))
			return clr.Null
		},
		listKey + ".Clear()": func(c *clr.Call) clr.Value {
			listClear(c.Thread, list(c))
			return clr.Null
		},
		listKey + ".Contains(T)": func(c *clr.Call) clr.Value {
			return clr.Bool(indexIn(c.Thread, list(c), c.Args[1], 0, list(c).Len()) >= 0)
		},
		listKey + ".CopyTo(T[])":                copyTo("arrayIndex"),
		listKey + ".CopyTo(T[], int)":           copyTo("arrayIndex"),
		listKey + ".CopyTo(int, T[], int, int)": copyRange,
		listKey + ".Count":                      func(c *clr.Call) clr.Value { return clr.Int(int32(list(c).Len())) },
		listKey + ".GetEnumerator()": func(c *clr.Call) clr.Value {
			return NewCursor(c.Thread, listEnumerator.Of(list(c).T.Args...), c.Args[0])
		},
		listKey + ".GetRange(int, int)": func(c *clr.Call) clr.Value {
			l, i, n := list(c), c.Int(1), c.Int(2)
			checkRange(c.Thread, l.Len(), i, n)
			c.Allocate(n * valueSize)
			return clr.Obj(&clr.List{T: l.T, Elems: append([]clr.Value(nil), l.Elems[i:i+n]...), Cap: n})
		},
		listKey + ".Insert(int, T)": func(c *clr.Call) clr.Value {
			listInsert(c.Thread, list(c), c.Int(1), c.Args[2])
			return clr.Null
		},
		listKey + ".InsertRange(int, IEnumerable<T>)": func(c *clr.Call) clr.Value {
			c.NotNull(2, "collection")
			if i := c.Int(1); i < 0 || i > list(c).Len() {
				throwIndex(c.Thread, list(c))
			}
			insertAll(c.Thread, list(c), c.Int(1), c.Args[2])
			return clr.Null
		},
		listKey + ".Remove(T)": func(c *clr.Call) clr.Value { return clr.Bool(remove(c.Thread, list(c), c.Args[1])) },
		listKey + ".RemoveAt(int)": func(c *clr.Call) clr.Value {
			listRemoveAt(c.Thread, list(c), c.Int(1))
			return clr.Null
		},
		listKey + ".RemoveRange(int, int)": func(c *clr.Call) clr.Value {
			checkRange(c.Thread, list(c).Len(), c.Int(1), c.Int(2))
			if c.Int(2) > 0 {
				listRemove(c.Thread, list(c), c.Int(1), c.Int(2))
			}
			return clr.Null
		},
		listKey + ".ToArray()": func(c *clr.Call) clr.Value {
			return c.ArrayValue(c.Result.Args[0], append([]clr.Value{}, list(c).Elems...))
		},
		listKey + ".TrimExcess()": func(c *clr.Call) clr.Value {
			l := list(c)
			if l.Len() < int(float64(max(l.Cap, l.Len()))*0.9) {
				setCapacity(c.Thread, l, l.Len())
			}
			return clr.Null
		},
		listKey + ".this[int]": func(c *clr.Call) clr.Value {
			l, i := list(c), c.Int(1)
			if uint(i) >= uint(len(l.Elems)) {
				throwIndex(c.Thread, l)
			}
			return l.Elems[i]
		},
		listKey + ".this[int]=": func(c *clr.Call) clr.Value {
			listSet(c.Thread, list(c), c.Int(1), c.Args[2])
			return clr.Null
		},
	}
}

// grown is the capacity of a list to which n elements were added one by one.
func grown(n int) int {
	if n == 0 {
		return 0
	}
	c := 4
	for c < n {
		c *= 2
	}
	return c
}

// checkRange throws where index and count do not lie in a list of so many.
func checkRange(t *clr.Thread, length, index, count int) {
	if index < 0 {
		t.ThrowRange("index", nonNegative)
	}
	if count < 0 {
		t.ThrowRange("count", nonNegative)
	}
	if length-index < count {
		t.ThrowArgument(offsetLength, "")
	}
}

// copyRange is CopyTo(index, array, arrayIndex, count).
func copyRange(c *clr.Call) clr.Value {
	l, i, at, n := list(c), c.Int(1), c.Int(3), c.Int(4)
	if l.Len()-i < n {
		c.ThrowArgument(offsetLength, "")
	}
	c.NotNull(2, "destinationArray")
	to := c.Args[2].O.(*clr.ArrayObject)
	checkArrayCopy(c.Thread, arrayCopy{from: i, fromLen: l.Len(), to: at, toLen: to.Len(), n: n})
	c.Work(n)
	for k := range n {
		to.Put(at+k, storable(c.Thread, to, l.Elems[i+k]))
	}
	return clr.Null
}
