package collection

import "github.com/cloister-ai/cloister/internal/csharp/clr"

func reduceMembers() funcs {
	const matching = "<TSource>(IEnumerable<TSource>, Func<TSource, bool>)"
	const compared = ", IEqualityComparer<TSource>)"
	return funcs{
		enumerable + ".Any<TSource>(IEnumerable<TSource>)": func(c *clr.Call) clr.Value {
			for range src(c).All(c.Thread) {
				return clr.Bool(true)
			}
			return clr.Bool(false)
		},
		enumerable + ".Any" + matching: func(c *clr.Call) clr.Value {
			s, f := src(c), function(c, 1, "predicate")
			for v := range s.All(c.Thread) {
				if c.Invoke(f, v).Bool() {
					return clr.Bool(true)
				}
			}
			return clr.Bool(false)
		},
		enumerable + ".All" + matching: func(c *clr.Call) clr.Value {
			s, f := src(c), function(c, 1, "predicate")
			for v := range s.All(c.Thread) {
				if !c.Invoke(f, v).Bool() {
					return clr.Bool(false)
				}
			}
			return clr.Bool(true)
		},
		enumerable + ".Count<TSource>(IEnumerable<TSource>)": func(c *clr.Call) clr.Value {
			return clr.Int(int32(sizeOf(c.Thread, src(c))))
		},
		enumerable + ".LongCount<TSource>(IEnumerable<TSource>)": func(c *clr.Call) clr.Value {
			n := int64(0)
			for range src(c).All(c.Thread) {
				n++
			}
			return clr.Long(n)
		},
		enumerable + ".Count" + matching:     func(c *clr.Call) clr.Value { return clr.Int(int32(matches(c))) },
		enumerable + ".LongCount" + matching: func(c *clr.Call) clr.Value { return clr.Long(matches(c)) },

		enumerable + ".Contains<TSource>(IEnumerable<TSource>, TSource)":                             contains,
		enumerable + ".Contains<TSource>(IEnumerable<TSource>, TSource" + compared:                   contains,
		enumerable + ".SequenceEqual<TSource>(IEnumerable<TSource>, IEnumerable<TSource>)":           sequenceEqual,
		enumerable + ".SequenceEqual<TSource>(IEnumerable<TSource>, IEnumerable<TSource>" + compared: sequenceEqual,

		enumerable + ".Aggregate<TSource>(IEnumerable<TSource>, Func<TSource, TSource, TSource>)":                                                                        aggregate,
		enumerable + ".Aggregate<TSource, TAccumulate>(IEnumerable<TSource>, TAccumulate, Func<TAccumulate, TSource, TAccumulate>)":                                      aggregateFrom,
		enumerable + ".Aggregate<TSource, TAccumulate, TResult>(IEnumerable<TSource>, TAccumulate, Func<TAccumulate, TSource, TAccumulate>, Func<TAccumulate, TResult>)": aggregateFrom,
	}
}

func matches(c *clr.Call) int64 {
	s, f := src(c), function(c, 1, "predicate")
	n := int64(0)
	for v := range s.All(c.Thread) {
		if c.Invoke(f, v).Bool() {
			n++
		}
	}
	return n
}

// contains asks the collection itself where no comparer is given.
func contains(c *clr.Call) clr.Value {
	s := src(c)
	if len(c.Args) < 3 {
		if found, known := containsIn(c.Thread, clr.Obj(s), c.Args[1]); known {
			return clr.Bool(found)
		}
	}
	cmp := equality(c.Get(2))
	for v := range s.All(c.Thread) {
		if equal(c.Thread, cmp, v, c.Args[1]) {
			return clr.Bool(true)
		}
	}
	return clr.Bool(false)
}

func sequenceEqual(c *clr.Call) clr.Value {
	a := source(c.Thread, c.Args[0], "first", c.Types[0])
	b := source(c.Thread, c.Args[1], "second", c.Types[0])
	cmp := equality(c.Get(2))
	if x, ok := a.(Sized); ok {
		if y, ok := b.(Sized); ok && x.Len() != y.Len() {
			return clr.Bool(false)
		}
	}
	first, second := a.All(c.Thread), pulled(c.Thread, b)
	defer second.Dispose(c.Thread)
	for v := range first {
		if !second.MoveNext(c.Thread) || !equal(c.Thread, cmp, v, second.current) {
			return clr.Bool(false)
		}
	}
	return clr.Bool(!second.MoveNext(c.Thread))
}

func aggregate(c *clr.Call) clr.Value {
	s, f := src(c), function(c, 1, "func")
	var sum clr.Value
	some := false
	for v := range s.All(c.Thread) {
		if !some {
			sum, some = v, true
			continue
		}
		sum = c.Invoke(f, sum, v)
	}
	if !some {
		c.Throw(clr.InvalidOperationException, noElements)
	}
	return sum
}

// aggregateFrom is Aggregate with a seed, and perhaps a selector of the result.
func aggregateFrom(c *clr.Call) clr.Value {
	s, f := src(c), function(c, 2, "func")
	result := clr.Null
	if len(c.Args) > 3 {
		result = function(c, 3, "resultSelector")
	}
	sum := c.Args[1]
	for v := range s.All(c.Thread) {
		sum = c.Invoke(f, sum, v)
	}
	if result.O != nil {
		return c.Invoke(result, sum)
	}
	return sum
}
