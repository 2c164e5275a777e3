package collection

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// countOf is how many elements a collection has; -1: it does not know.
func countOf(v clr.Value) int {
	if o, ok := v.O.(Sized); ok {
		return o.Len()
	}
	return -1
}

// containsIn is ICollection<T>.Contains, known: the collection has it.
func containsIn(t *clr.Thread, v, x clr.Value) (found, known bool) {
	switch o := v.O.(type) {
	case Container:
		return o.Contains(t, x), true
	case *clr.List:
		return indexIn(t, o, x, 0, o.Len()) >= 0, true
	case *clr.ArrayObject:
		return indexIn(t, o, x, 0, o.Len()) >= 0, true
	case Indexed:
		return o.IndexOf(t, x) >= 0, true
	}
	return false, false
}

// indexIn looks for x from place from on.
func indexIn(t *clr.Thread, o clr.Counted, x clr.Value, from, n int) int {
	if l, ok := o.(*clr.List); ok && x.O == clr.Object(clr.String) {
		t.Work(n)
		for i, e := range l.Elems[from : from+n] {
			if e.S == x.S && e.O == x.O {
				return from + i
			}
		}
		return -1
	}
	for i := from; i < from+n && i < o.Len(); i++ {
		t.Step()
		if t.Equal(o.At(i), x) {
			return i
		}
	}
	return -1
}

// throwFixed is what an array answers to ICollection<T>'s changes.
func throwFixed(t *clr.Thread) {
	t.Throw(clr.NotSupportedException, "Collection is of a fixed size")
}

func throwReadOnly(t *clr.Thread) {
	t.Throw(clr.NotSupportedException, "Collection is read-only.")
}

// add is ICollection<T>.Add and IList.Add.
func add(t *clr.Thread, o clr.Object, v clr.Value) {
	switch o := o.(type) {
	case *clr.List:
		listAdd(t, o, v)
	case *clr.ArrayObject:
		throwFixed(t)
	case Changing:
		o.Add(t, v)
	default:
		throwReadOnly(t)
	}
}

// remove is ICollection<T>.Remove.
func remove(t *clr.Thread, o clr.Object, v clr.Value) bool {
	switch o := o.(type) {
	case *clr.List:
		i := indexIn(t, o, v, 0, o.Len())
		if i >= 0 {
			listRemove(t, o, i, 1)
		}
		return i >= 0
	case *clr.ArrayObject:
		throwFixed(t)
	case Changing:
		return o.Remove(t, v)
	}
	throwReadOnly(t)
	return false
}

// clearAll is ICollection<T>.Clear.
func clearAll(t *clr.Thread, o clr.Object) {
	switch o := o.(type) {
	case *clr.List:
		listClear(t, o)
	case *clr.ArrayObject:
		t.Throw(clr.NotSupportedException, "Collection is read-only")
	case interface{ Clear(t *clr.Thread) }:
		o.Clear(t)
	default:
		throwReadOnly(t)
	}
}

// readOnly is ICollection<T>.IsReadOnly.
func readOnly(o clr.Object) bool {
	switch o := o.(type) {
	case *clr.List:
		return false
	case *clr.ArrayObject:
		return true // as ICollection<T>
	case ReadOnly:
		return o.ReadOnly()
	case Changing, ChangingMap:
		return false
	}
	return true
}

// at is the indexer of IList<T> and IReadOnlyList<T>.
func at(t *clr.Thread, o clr.Object, i int) clr.Value {
	c := o.(clr.Counted)
	if uint(i) >= uint(c.Len()) {
		throwIndex(t, o)
	}
	return c.At(i)
}

func throwIndex(t *clr.Thread, o clr.Object) {
	if _, array := o.(*clr.ArrayObject); array {
		throwOutOfRange(t, "index")
	}
	t.ThrowRange("index", badIndex)
}

// setAt is the setter of IList<T>.
func setAt(t *clr.Thread, o clr.Object, i int, v clr.Value) {
	switch o := o.(type) {
	case *clr.List:
		listSet(t, o, i, v)
	case *clr.ArrayObject:
		if uint(i) >= uint(o.Len()) {
			throwIndex(t, o)
		}
		o.Put(i, storable(t, o, v))
	case Indexed:
		o.SetAt(t, i, v)
	default:
		throwReadOnly(t)
	}
}

func indexOf(t *clr.Thread, o clr.Object, v clr.Value) int {
	if x, ok := o.(Indexed); ok {
		return x.IndexOf(t, v)
	}
	if c, ok := o.(clr.Counted); ok {
		return indexIn(t, c, v, 0, c.Len())
	}
	return -1
}

func insertAt(t *clr.Thread, o clr.Object, i int, v clr.Value) {
	switch o := o.(type) {
	case *clr.List:
		listInsert(t, o, i, v)
	case *clr.ArrayObject:
		throwFixed(t)
	case Indexed:
		o.Insert(t, i, v)
	default:
		throwReadOnly(t)
	}
}

func removeAt(t *clr.Thread, o clr.Object, i int) {
	switch o := o.(type) {
	case *clr.List:
		listRemoveAt(t, o, i)
	case *clr.ArrayObject:
		throwFixed(t)
	case Indexed:
		o.RemoveAt(t, i)
	default:
		throwReadOnly(t)
	}
}

// keysOf are a map's keys, or its values: its own collection of them, or a list
// made now.
func keysOf(c *clr.Call, values bool) clr.Value {
	m := c.Args[0].O.(Map)
	if k, ok := m.(Keyed); ok {
		if values {
			return k.Values(c.Thread)
		}
		return k.Keys(c.Thread)
	}
	var elems []clr.Value
	for p := range m.All(c.Thread) {
		c.Allocate(valueSize)
		v := p.O.(*Pair).Key
		if values {
			v = p.O.(*Pair).Value
		}
		elems = append(elems, v)
	}
	elem := clr.ObjectType
	if len(c.Result.Args) == 1 {
		elem = c.Result.Args[0]
	}
	return clr.Obj(c.NewList(elem, elems))
}

func interfaceMembers() funcs {
	const collection, list = generic + ".ICollection<T>", generic + ".IList<T>"
	out := funcs{
		collection + ".Add(T)": func(c *clr.Call) clr.Value {
			add(c.Thread, c.Args[0].O, c.Args[1])
			return clr.Null
		},
		collection + ".Clear()": func(c *clr.Call) clr.Value {
			clearAll(c.Thread, c.Args[0].O)
			return clr.Null
		},
		collection + ".Contains(T)": func(c *clr.Call) clr.Value {
			found, _ := containsIn(c.Thread, c.Args[0], c.Args[1])
			return clr.Bool(found)
		},
		collection + ".CopyTo(T[], int)":          copyTo("arrayIndex"),
		collection + ".Count":                     count,
		collection + ".IsReadOnly":                func(c *clr.Call) clr.Value { return clr.Bool(readOnly(c.Args[0].O)) },
		collection + ".Remove(T)":                 func(c *clr.Call) clr.Value { return clr.Bool(remove(c.Thread, c.Args[0].O, c.Args[1])) },
		generic + ".IReadOnlyCollection<T>.Count": count,

		list + ".IndexOf(T)": func(c *clr.Call) clr.Value { return clr.Int(int32(indexOf(c.Thread, c.Args[0].O, c.Args[1]))) },
		list + ".Insert(int, T)": func(c *clr.Call) clr.Value {
			insertAt(c.Thread, c.Args[0].O, c.Int(1), c.Args[2])
			return clr.Null
		},
		list + ".RemoveAt(int)": func(c *clr.Call) clr.Value {
			removeAt(c.Thread, c.Args[0].O, c.Int(1))
			return clr.Null
		},
		list + ".this[int]": func(c *clr.Call) clr.Value { return at(c.Thread, c.Args[0].O, c.Int(1)) },
		list + ".this[int]=": func(c *clr.Call) clr.Value {
			setAt(c.Thread, c.Args[0].O, c.Int(1), c.Args[2])
			return clr.Null
		},
		generic + ".IReadOnlyList<T>.this[int]": func(c *clr.Call) clr.Value { return at(c.Thread, c.Args[0].O, c.Int(1)) },
	}
	for _, key := range []string{generic + ".IDictionary<TKey, TValue>", generic + ".IReadOnlyDictionary<TKey, TValue>"} {
		out[key+".ContainsKey(TKey)"] = func(c *clr.Call) clr.Value {
			c.NotNull(1, "key")
			_, ok := c.Args[0].O.(Map).Get(c.Thread, c.Args[1])
			return clr.Bool(ok)
		}
		out[key+".Keys"] = func(c *clr.Call) clr.Value { return keysOf(c, false) }
		out[key+".Values"] = func(c *clr.Call) clr.Value { return keysOf(c, true) }
		out[key+".TryGetValue(TKey, out TValue)"] = tryGet
		out[key+".this[TKey]"] = func(c *clr.Call) clr.Value { return item(c.Thread, c.Args[0].O.(Map), c.Args[1]) }
	}
	const dict = generic + ".IDictionary<TKey, TValue>"
	out[dict+".Add(TKey, TValue)"] = func(c *clr.Call) clr.Value {
		changing(c).Insert(c.Thread, c.Args[1], c.Args[2])
		return clr.Null
	}
	out[dict+".Remove(TKey)"] = func(c *clr.Call) clr.Value { return clr.Bool(changing(c).Delete(c.Thread, c.Args[1])) }
	out[dict+".this[TKey]="] = func(c *clr.Call) clr.Value {
		changing(c).Put(c.Thread, c.Args[1], c.Args[2])
		return clr.Null
	}
	return out
}

func count(c *clr.Call) clr.Value { return clr.Int(int32(c.Args[0].O.(Sized).Len())) }

func changing(c *clr.Call) ChangingMap {
	m, ok := c.Args[0].O.(ChangingMap)
	if !ok {
		throwReadOnly(c.Thread)
	}
	return m
}

// copyTo is CopyTo(array), CopyTo(array, index) and CopyTo(array, index, count)
// of collections; param is how .NET calls the index there.
func copyTo(param string) clr.Func {
	return func(c *clr.Call) clr.Value {
		null := "array"
		switch c.Args[0].O.(type) {
		case *clr.List, *clr.ArrayObject: // which call Array.Copy
			null = "destinationArray"
		}
		c.NotNull(1, null)
		from, to := c.Args[0].O.(Sized), c.Args[1].O.(*clr.ArrayObject)
		index, n := 0, from.Len()
		if len(c.Args) > 2 {
			index = c.Int(2)
		}
		if len(c.Args) > 3 {
			n = c.Int(3)
		}
		checkCopy(c.Thread, from, to, copied{index: index, n: n, param: param})
		for v := range from.All(c.Thread) {
			if n == 0 {
				break
			}
			n--
			to.Put(index, storable(c.Thread, to, v))
			index++
		}
		return clr.Null
	}
}

// copied is what CopyTo is asked for.
type copied struct {
	index, n int
	param    string
}

// checkCopy throws as the collection does where the elements do not fit.
func checkCopy(t *clr.Thread, from Sized, to *clr.ArrayObject, a copied) {
	const short = "Destination array is not long enough to copy all the items in the collection. Check array index and length."
	switch from.(type) {
	case *clr.List, *clr.ArrayObject:
		a.copyArray(t, from.(clr.Counted), to)
		return
	case *Queue, *Stack:
		if a.index < 0 || a.index > to.Len() {
			throwActual(t, a.param, badIndex, a.index)
		}
		if to.Len()-a.index < a.n {
			t.ThrowArgument(offsetLength, "")
		}
		return
	case *Set:
		if a.index < 0 {
			throwActual(t, a.param, "Non negative number is required.", a.index)
		}
		if a.n < 0 {
			throwActual(t, "count", "Non negative number is required.", a.n)
		}
		if a.index > to.Len() || a.n > to.Len()-a.index {
			t.ThrowArgument(short, "")
		}
		return
	}
	if a.index < 0 || a.index > to.Len() {
		t.ThrowRange("index", nonNegative)
	}
	if to.Len()-a.index < a.n {
		t.ThrowArgument("Destination array is not long enough to copy all the items in the collection. Check array index and length.", "")
	}
}

func (a copied) copyArray(t *clr.Thread, from clr.Counted, to *clr.ArrayObject) {
	checkArrayCopy(t, arrayCopy{from: 0, fromLen: from.Len(), to: a.index, toLen: to.Len(), n: a.n})
}
