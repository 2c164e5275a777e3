package collection

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// findMembers are Find and its kin: of an array, which is a parameter, and of a
// list, which is the receiver. first is "T[], " and "" in the keys.
func findMembers(key, generic, first string) funcs {
	const pred = "Predicate<T>"
	many := func(c *clr.Call) clr.Counted {
		c.NotNull(0, "array")
		return c.Args[0].O.(clr.Counted)
	}
	return funcs{
		key + ".Exists" + generic + "(" + first + pred + ")": func(c *clr.Call) clr.Value {
			o := many(c)
			return clr.Bool(find(c.Thread, o, 0, o.Len(), function(c, 1, "match")) >= 0)
		},
		key + ".Find" + generic + "(" + first + pred + ")": func(c *clr.Call) clr.Value {
			o := many(c)
			return elementOr(o, find(c.Thread, o, 0, o.Len(), function(c, 1, "match")), c.Result)
		},
		key + ".FindLast" + generic + "(" + first + pred + ")": func(c *clr.Call) clr.Value {
			o := many(c)
			return elementOr(o, findLast(c.Thread, o, o.Len()-1, o.Len(), function(c, 1, "match")), c.Result)
		},
		key + ".TrueForAll" + generic + "(" + first + pred + ")": func(c *clr.Call) clr.Value {
			o, f := many(c), function(c, 1, "match")
			for i := 0; i < o.Len(); i++ {
				if !c.Invoke(f, o.At(i)).Bool() {
					return clr.Bool(false)
				}
			}
			return clr.Bool(true)
		},
		key + ".FindIndex" + generic + "(" + first + pred + ")":                    func(c *clr.Call) clr.Value { return findIndex(c, many(c)) },
		key + ".FindIndex" + generic + "(" + first + "int, " + pred + ")":          func(c *clr.Call) clr.Value { return findIndex(c, many(c)) },
		key + ".FindIndex" + generic + "(" + first + "int, int, " + pred + ")":     func(c *clr.Call) clr.Value { return findIndex(c, many(c)) },
		key + ".FindLastIndex" + generic + "(" + first + pred + ")":                func(c *clr.Call) clr.Value { return findLastIndex(c, many(c)) },
		key + ".FindLastIndex" + generic + "(" + first + "int, " + pred + ")":      func(c *clr.Call) clr.Value { return findLastIndex(c, many(c)) },
		key + ".FindLastIndex" + generic + "(" + first + "int, int, " + pred + ")": func(c *clr.Call) clr.Value { return findLastIndex(c, many(c)) },
	}
}

// find is the first place among n from place from on that fits, or -1.
func find(t *clr.Thread, o clr.Counted, from, n int, pred clr.Value) int {
	for i := from; i < from+n && i < o.Len(); i++ {
		if t.Invoke(pred, o.At(i)).Bool() {
			return i
		}
	}
	return -1
}

// findLast is the last place that fits among n that end at place from, or -1.
func findLast(t *clr.Thread, o clr.Counted, from, n int, pred clr.Value) int {
	for i := from; i > from-n; i-- {
		if i < o.Len() && t.Invoke(pred, o.At(i)).Bool() {
			return i
		}
	}
	return -1
}

// elementOr is element i, or default(T) for -1.
func elementOr(o clr.Counted, i int, of *clr.Type) clr.Value {
	if i < 0 || i >= o.Len() {
		return clr.Zero(of)
	}
	return o.At(i)
}

// outside is what is said of an index and a count that do not fit.
type outside struct{ index, count string }

func saying(o clr.Counted) outside {
	if _, list := o.(*clr.List); list {
		return outside{listIndex, listCount}
	}
	return outside{badIndex, badCount}
}

// findIndex is FindIndex in its three forms.
func findIndex(c *clr.Call, o clr.Counted) clr.Value {
	say := saying(o)
	from, n := 0, o.Len()
	if len(c.Args) > 2 {
		from = c.Int(1)
		n = o.Len() - from
	}
	if from < 0 || from > o.Len() {
		c.ThrowRange("startIndex", say.index)
	}
	if len(c.Args) > 3 {
		n = c.Int(2)
	}
	if n < 0 || from > o.Len()-n {
		c.ThrowRange("count", say.count)
	}
	return clr.Int(int32(find(c.Thread, o, from, n, function(c, len(c.Args)-1, "match"))))
}

// findLastIndex is FindLastIndex in its three forms. An empty collection has
// the place before its first one.
func findLastIndex(c *clr.Call, o clr.Counted) clr.Value {
	say := saying(o)
	pred := function(c, len(c.Args)-1, "match")
	from := o.Len() - 1
	if len(c.Args) > 2 {
		from = c.Int(1)
	}
	n := from + 1
	if len(c.Args) > 3 {
		n = c.Int(2)
	}
	if o.Len() == 0 {
		if from != -1 {
			c.ThrowRange("startIndex", say.index)
		}
	} else if from < 0 || from >= o.Len() {
		c.ThrowRange("startIndex", say.index)
	}
	if n < 0 || from-n+1 < 0 {
		c.ThrowRange("count", say.count)
	}
	return clr.Int(int32(findLast(c.Thread, o, from, n, pred)))
}

func arrayFindMembers() funcs {
	const key = "System.Array"
	out := findMembers(key, "<T>", "T[], ")
	out[key+".FindAll<T>(T[], Predicate<T>)"] = func(c *clr.Call) clr.Value {
		a, f := array(c, 0, "array"), function(c, 1, "match")
		return newArray(c.Types[0], collect(c.Thread, matching(c.Thread, a, f), 0))
	}
	out[key+".ForEach<T>(T[], Action<T>)"] = func(c *clr.Call) clr.Value {
		a, f := array(c, 0, "array"), function(c, 1, "action")
		for i := range a.Len() {
			c.Invoke(f, a.At(i))
		}
		return clr.Null
	}
	out[key+".ConvertAll<TInput, TOutput>(TInput[], Converter<TInput, TOutput>)"] = func(c *clr.Call) clr.Value {
		a, f := array(c, 0, "array"), function(c, 1, "converter")
		to := c.NewArray(c.Types[1], a.Len())
		for i := range a.Len() {
			to.Put(i, c.Invoke(f, a.At(i)))
		}
		return clr.Obj(to)
	}
	out[key+".Fill<T>(T[], T)"] = func(c *clr.Call) clr.Value {
		a := array(c, 0, "array")
		return fill(c, a, 0, a.Len())
	}
	out[key+".Fill<T>(T[], T, int, int)"] = func(c *clr.Call) clr.Value {
		a, from, n := array(c, 0, "array"), c.Int(2), c.Int(3)
		if from < 0 || from > a.Len() {
			c.ThrowRange("startIndex", badIndex)
		}
		if n < 0 || from > a.Len()-n {
			c.ThrowRange("count", badCount)
		}
		return fill(c, a, from, n)
	}
	for _, kind := range [...]struct{ generic, args string }{{"", "(Array, object"}, {"<T>", "(T[], T"}} {
		for _, more := range []string{")", ", int)", ", int, int)"} {
			out[key+".IndexOf"+kind.generic+kind.args+more] = arrayIndexOf
			out[key+".LastIndexOf"+kind.generic+kind.args+more] = func(c *clr.Call) clr.Value {
				return arrayLastIndexOf(c, kind.generic == "")
			}
		}
	}
	return out
}

func fill(c *clr.Call, a *clr.ArrayObject, from, n int) clr.Value {
	c.Work(n / 8)
	for i := from; i < from+n; i++ {
		a.Put(i, c.Args[1])
	}
	return clr.Null
}

func arrayIndexOf(c *clr.Call) clr.Value {
	a := one(c, 0, "array")
	from := 0
	if len(c.Args) > 2 {
		from = c.Int(2)
	}
	n := a.Len() - from
	if len(c.Args) > 3 {
		n = c.Int(3)
	}
	if from < 0 || from > a.Len() {
		c.ThrowRange("startIndex", badIndex)
	}
	if n < 0 || n > a.Len()-from {
		c.ThrowRange("count", badCount)
	}
	return clr.Int(int32(indexIn(c.Thread, a, c.Args[1], from, n)))
}

// arrayLastIndexOf is LastIndexOf; the one for any Array says otherwise what is
// wrong with a count.
func arrayLastIndexOf(c *clr.Call, any bool) clr.Value {
	a := one(c, 0, "array")
	from, n := a.Len()-1, a.Len()
	if len(c.Args) > 2 {
		from = c.Int(2)
		n = from + 1
		if a.Len() == 0 {
			n = 0
		}
	}
	if len(c.Args) > 3 {
		n = c.Int(3)
	}
	if a.Len() == 0 {
		if !any && (from != -1 && from != 0) {
			c.ThrowRange("startIndex", badIndex)
		}
		if !any && n != 0 {
			c.ThrowRange("count", badCount)
		}
		return clr.Int(-1)
	}
	if from < 0 || from >= a.Len() {
		c.ThrowRange("startIndex", badIndex)
	}
	if n < 0 || n > from+1 && !any {
		c.ThrowRange("count", badCount)
	}
	if n > from+1 {
		c.ThrowRange("endIndex", "endIndex cannot be greater than startIndex.")
	}
	return clr.Int(int32(lastIndexIn(c.Thread, a, c.Args[1], from, n)))
}

// lastIndexIn looks for x from place from down.
func lastIndexIn(t *clr.Thread, o clr.Counted, x clr.Value, from, n int) int {
	for i := from; i > from-n; i-- {
		t.Step()
		if t.Equal(o.At(i), x) {
			return i
		}
	}
	return -1
}
