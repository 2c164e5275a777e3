package collection

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// arraySortMembers sort arrays, reverse them and search in sorted ones.
func arraySortMembers() funcs {
	const sort, reverse, search = "System.Array.Sort", "System.Array.Reverse", "System.Array.BinarySearch"
	return funcs{
		sort + "(Array)":                                                     sortArray,
		sort + "(Array, IComparer)":                                          sortArray,
		sort + "(Array, int, int)":                                           sortPart,
		sort + "(Array, int, int, IComparer)":                                sortPart,
		sort + "<T>(T[])":                                                    sortArray,
		sort + "<T>(T[], IComparer<T>)":                                      sortArray,
		sort + "<T>(T[], int, int)":                                          sortPart,
		sort + "<T>(T[], int, int, IComparer<T>)":                            sortPart,
		sort + "(Array, Array)":                                              sortWithItems,
		sort + "(Array, Array, IComparer)":                                   sortWithItems,
		sort + "(Array, Array, int, int)":                                    sortPartWithItems,
		sort + "(Array, Array, int, int, IComparer)":                         sortPartWithItems,
		sort + "<TKey, TValue>(TKey[], TValue[])":                            sortWithItems,
		sort + "<TKey, TValue>(TKey[], TValue[], IComparer<TKey>)":           sortWithItems,
		sort + "<TKey, TValue>(TKey[], TValue[], int, int)":                  sortPartWithItems,
		sort + "<TKey, TValue>(TKey[], TValue[], int, int, IComparer<TKey>)": sortPartWithItems,
		sort + "<T>(T[], Comparison<T>)": func(c *clr.Call) clr.Value {
			a := array(c, 0, "array")
			f := function(c, 1, "comparison")
			sortElements(c, &sorting{a: a, n: a.Len(), cmp: comparison(f), bad: badComparer(f, nil)})
			return clr.Null
		},

		reverse + "(Array)":            reverseArray,
		reverse + "(Array, int, int)":  reverseArray,
		reverse + "<T>(T[])":           reverseArray,
		reverse + "<T>(T[], int, int)": reverseArray,

		search + "(Array, object)":                      searchArray,
		search + "(Array, object, IComparer)":           searchArray,
		search + "(Array, int, int, object)":            searchPart,
		search + "(Array, int, int, object, IComparer)": searchPart,
		search + "<T>(T[], T)":                          searchArray,
		search + "<T>(T[], T, IComparer<T>)":            searchArray,
		search + "<T>(T[], int, int, T)":                searchPart,
		search + "<T>(T[], int, int, T, IComparer<T>)":  searchPart,
	}
}

// one is argument i, an array of one dimension.
func one(c *clr.Call, i int, param string) *clr.ArrayObject {
	a := array(c, i, param)
	if a.T.Rank != 1 {
		c.Throw(clr.RankException, onlySingle)
	}
	return a
}

// sorting is what Array.Sort is asked for.
type sorting struct {
	a, items *clr.ArrayObject
	from, n  int
	cmp      func(t *clr.Thread, a, b clr.Value) int
	bad      string
}

func (s *sorting) comparer(v clr.Value) {
	s.cmp, s.bad = order(v), badComparer(v, nil)
}

func sortArray(c *clr.Call) clr.Value {
	a := one(c, 0, "array")
	s := &sorting{a: a, n: a.Len()}
	s.comparer(c.Get(1))
	sortElements(c, s)
	return clr.Null
}

func sortPart(c *clr.Call) clr.Value {
	a := one(c, 0, "array")
	checkPart(c.Thread, a.Len(), c.Int(1), c.Int(2), "length")
	s := &sorting{a: a, from: c.Int(1), n: c.Int(2)}
	s.comparer(c.Get(3))
	sortElements(c, s)
	return clr.Null
}

func sortWithItems(c *clr.Call) clr.Value {
	s := &sorting{a: one(c, 0, "keys")}
	s.n = s.a.Len()
	s.comparer(c.Get(2))
	s.withItems(c)
	return clr.Null
}

func sortPartWithItems(c *clr.Call) clr.Value {
	s := &sorting{a: one(c, 0, "keys"), from: c.Int(2), n: c.Int(3)}
	s.comparer(c.Get(4))
	s.withItems(c)
	return clr.Null
}

func (s *sorting) withItems(c *clr.Call) {
	if s.items, _ = c.Args[1].O.(*clr.ArrayObject); s.items != nil && s.items.T.Rank != 1 {
		c.Throw(clr.RankException, onlySingle)
	}
	checkPart(c.Thread, s.a.Len(), s.from, s.n, "length")
	if s.items != nil && s.items.Len()-s.from < s.n {
		c.Throw(clr.ArgumentException, offsetLength)
	}
	sortElements(c, s)
}

// checkPart throws where index and length do not lie in an array or list of
// so many elements.
func checkPart(t *clr.Thread, of, index, length int, param string) {
	switch {
	case index < 0:
		t.ThrowRange("index", nonNegative)
	case length < 0:
		t.ThrowRange(param, nonNegative)
	case of-index < length:
		t.Throw(clr.ArgumentException, offsetLength)
	}
}

// sortElements sorts an array. One of bytes is sorted as values; what is done
// when comparing throws, is in the array all the same.
func sortElements(c *clr.Call, s *sorting) {
	keys, back := values(c.Thread, s.a)
	defer back()
	do := sorter{t: c.Thread, keys: keys, cmp: s.cmp, bad: s.bad}
	if s.items != nil {
		items, back := values(c.Thread, s.items)
		defer back()
		do.items = items
	}
	do.sort(s.from, s.n)
}

// values are an array's elements, and what puts changed ones back.
func values(t *clr.Thread, a *clr.ArrayObject) (elems []clr.Value, back func()) {
	if a.Bytes == nil {
		return a.Elems, func() {}
	}
	elems = collect(t, a.All(t), a.Len())
	return elems, func() {
		for i, v := range elems {
			a.Bytes[i] = byte(v.N)
		}
	}
}

// reverseArray is Reverse(array) and Reverse(array, index, length).
func reverseArray(c *clr.Call) clr.Value {
	a := one(c, 0, "array")
	from, n := 0, a.Len()
	if len(c.Args) > 1 {
		from, n = c.Int(1), c.Int(2)
		checkPart(c.Thread, a.Len(), from, n, "length")
	}
	c.Work(n)
	for i, j := from, from+n-1; i < j; i, j = i+1, j-1 {
		v, w := a.At(i), a.At(j)
		a.Put(i, w)
		a.Put(j, v)
	}
	return clr.Null
}

func searchArray(c *clr.Call) clr.Value {
	a := one(c, 0, "array")
	return binarySearch(c.Thread, a, 0, a.Len(), c.Args[1], c.Get(2))
}

func searchPart(c *clr.Call) clr.Value {
	a := one(c, 0, "array")
	checkPart(c.Thread, a.Len(), c.Int(1), c.Int(2), "length")
	return binarySearch(c.Thread, a, c.Int(1), c.Int(2), c.Args[3], c.Get(4))
}
