package collection

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// pass is one going through a sequence.
type pass = func(t *clr.Thread) iter.Seq[clr.Value]

func filterMembers() funcs {
	return funcs{
		enumerable + ".Where<TSource>(IEnumerable<TSource>, Func<TSource, bool>)":          where,
		enumerable + ".Where<TSource>(IEnumerable<TSource>, Func<TSource, int, bool>)":     whereIndex,
		enumerable + ".OfType<TResult>(IEnumerable)":                                       ofType,
		enumerable + ".Cast<TResult>(IEnumerable)":                                         cast,
		enumerable + ".TakeWhile<TSource>(IEnumerable<TSource>, Func<TSource, bool>)":      func(c *clr.Call) clr.Value { return takeWhile(c, false) },
		enumerable + ".TakeWhile<TSource>(IEnumerable<TSource>, Func<TSource, int, bool>)": func(c *clr.Call) clr.Value { return takeWhile(c, true) },
		enumerable + ".SkipWhile<TSource>(IEnumerable<TSource>, Func<TSource, bool>)":      func(c *clr.Call) clr.Value { return skipWhile(c, false) },
		enumerable + ".SkipWhile<TSource>(IEnumerable<TSource>, Func<TSource, int, bool>)": func(c *clr.Call) clr.Value { return skipWhile(c, true) },
		enumerable + ".DefaultIfEmpty<TSource>(IEnumerable<TSource>)":                      defaultIfEmpty,
		enumerable + ".DefaultIfEmpty<TSource>(IEnumerable<TSource>, TSource)":             defaultIfEmpty,
		enumerable + ".AsEnumerable<TSource>(IEnumerable<TSource>)":                        func(c *clr.Call) clr.Value { return c.Args[0] },
	}
}

func where(c *clr.Call) clr.Value {
	s, f := src(c), function(c, 1, "predicate")
	q := query{kind: whereEnumerable, a: c.Types[0]}
	switch o := s.(type) {
	case *clr.ArrayObject:
		if o.Len() == 0 {
			return empty(c.Thread, c.Types[0])
		}
		q.kind = whereArray
	case *clr.List:
		q.kind = whereList
	case *query:
		if o.kind == whereArray || o.kind == whereList {
			q.kind = o.kind
		}
	}
	q.all = func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			for v := range s.All(t) {
				if t.Invoke(f, v).Bool() && !yield(v) {
					return
				}
			}
		}
	}
	return newQuery(c.Thread, q)
}

func whereIndex(c *clr.Call) clr.Value {
	s, f := src(c), function(c, 1, "predicate")
	return plain(c, func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			i := int32(-1)
			for v := range s.All(t) {
				i++
				if t.Invoke(f, v, clr.Int(i)).Bool() && !yield(v) {
					return
				}
			}
		}
	})
}

func ofType(c *clr.Call) clr.Value {
	s, to := source(c.Thread, c.Args[0], "source", c.Types[0]), c.Types[0]
	return plain(c, func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			for v := range s.All(t) {
				if v.O != nil && fits(v, to) && !yield(v) {
					return
				}
			}
		}
	})
}

// cast is Cast<TResult>(); a sequence of that type is itself.
func cast(c *clr.Call) clr.Value {
	s, to := source(c.Thread, c.Args[0], "source", c.Types[0]), c.Types[0]
	if c.Args[0].O.Type().AssignableTo(clr.EnumerableOf.Of(to)) {
		return c.Args[0]
	}
	return plain(c, func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			for v := range s.All(t) {
				if !yield(unboxed(t, v, to)) {
					return
				}
			}
		}
	})
}

// unboxed is (T)(object)v.
func unboxed(t *clr.Thread, v clr.Value, to *clr.Type) clr.Value {
	if v.O == nil {
		if to.IsValue() && !to.IsNullable() {
			t.ThrowNull()
		}
		return v
	}
	of := v.O.Type()
	if of == to || fits(v, to) {
		return v
	}
	// An enum's box opens as its number, and the other way round.
	if a, b := numberType(of), numberType(to); a != nil && a == b && (of.Kind == clr.Enum || to.Kind == clr.Enum) {
		return clr.Number(to, v.Int())
	}
	t.ThrowCast(of, to)
	return clr.Null
}

// numberType is what an enum is made of; a number is made of itself.
func numberType(t *clr.Type) *clr.Type {
	switch {
	case t.IsNullable():
		return numberType(t.Elem())
	case t.Kind != clr.Enum:
		return t
	case t.Underlying == nil:
		return clr.Int32
	}
	return t.Underlying
}

// called calls a predicate with an element, and with its place where the member
// is the one that takes it.
func called(f clr.Value, index bool) func(t *clr.Thread, v clr.Value, i int32) bool {
	if index {
		return func(t *clr.Thread, v clr.Value, i int32) bool { return t.Invoke(f, v, clr.Int(i)).Bool() }
	}
	return func(t *clr.Thread, v clr.Value, _ int32) bool { return t.Invoke(f, v).Bool() }
}

func takeWhile(c *clr.Call, index bool) clr.Value {
	s := src(c)
	f := called(function(c, 1, "predicate"), index)
	return plain(c, func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			i := int32(-1)
			for v := range s.All(t) {
				i++
				if !f(t, v, i) || !yield(v) {
					return
				}
			}
		}
	})
}

func skipWhile(c *clr.Call, index bool) clr.Value {
	s := src(c)
	f := called(function(c, 1, "predicate"), index)
	return plain(c, func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			i, through := int32(-1), false
			for v := range s.All(t) {
				if !through {
					i++
					if f(t, v, i) {
						continue
					}
					through = true
				}
				if !yield(v) {
					return
				}
			}
		}
	})
}

func defaultIfEmpty(c *clr.Call) clr.Value {
	s, instead := src(c), clr.Zero(c.Types[0])
	if len(c.Args) > 1 {
		instead = c.Args[1]
	}
	return newQuery(c.Thread, query{
		kind: defaultKind, a: c.Types[0],
		all: func(t *clr.Thread) iter.Seq[clr.Value] {
			return func(yield func(clr.Value) bool) {
				some := false
				for v := range s.All(t) {
					some = true
					if !yield(v) {
						return
					}
				}
				if !some {
					yield(instead)
				}
			}
		},
		size: func(t *clr.Thread) int { return max(1, sizeOf(t, s)) },
		cheap: func(t *clr.Thread) int {
			if n := cheapSize(t, s); n != 0 {
				return n
			}
			return 1
		},
	})
}
