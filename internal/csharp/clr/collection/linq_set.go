package collection

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// setLinqMembers are the operations on sets.
func setLinqMembers() funcs {
	const one, two, compared = "<TSource>(IEnumerable<TSource>", ", IEnumerable<TSource>", ", IEqualityComparer<TSource>"
	out := funcs{}
	for _, end := range []string{")", compared + ")"} {
		out[enumerable+".Distinct"+one+end] = distinct
		out[enumerable+".Union"+one+two+end] = union
		out[enumerable+".Except"+one+two+end] = except
		out[enumerable+".Intersect"+one+two+end] = intersect
		out[enumerable+".ToHashSet"+one+end] = func(c *clr.Call) clr.Value {
			s := NewSet(c.Thread, c.Types[0], nil)
			from := src(c)
			s.cmp = equality(c.Get(1))
			for v := range from.All(c.Thread) {
				s.add(c.Thread, v)
			}
			return clr.Obj(s)
		}
	}
	return out
}

// unique gives out what add takes.
func unique(t *clr.Thread, s clr.Sequence, add func(v clr.Value) bool, yield func(clr.Value) bool) bool {
	for v := range s.All(t) {
		if add(v) && !yield(v) {
			return false
		}
	}
	return true
}

func distinct(c *clr.Call) clr.Value {
	s, cmp := src(c), equality(c.Get(1))
	return newQuery(c.Thread, query{kind: distinctKind, a: c.Types[0], all: func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			seen := newSeen(t, cmp)
			unique(t, s, func(v clr.Value) bool { return seen.put(t, v, clr.Null, true) }, yield)
		}
	}})
}

// newSeen is a table of what has come.
func newSeen(t *clr.Thread, cmp EqualityComparer) *table {
	t.Allocate(128)
	return &table{cmp: cmp}
}

// both are the two sequences of an operation, and its comparer.
func both(c *clr.Call) (a, b clr.Sequence, cmp EqualityComparer) {
	a = source(c.Thread, c.Args[0], "first", c.Types[0])
	b = source(c.Thread, c.Args[1], "second", c.Types[0])
	return a, b, equality(c.Get(2))
}

func union(c *clr.Call) clr.Value {
	a, b, cmp := both(c)
	kind := unionTwo
	if q, ok := a.(*query); ok && (q.kind == unionTwo || q.kind == unionMany) {
		kind = unionMany
	}
	return newQuery(c.Thread, query{kind: kind, a: c.Types[0], all: func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			seen := newSeen(t, cmp)
			add := func(v clr.Value) bool { return seen.put(t, v, clr.Null, true) }
			if unique(t, a, add, yield) {
				unique(t, b, add, yield)
			}
		}
	}})
}

func except(c *clr.Call) clr.Value {
	a, b, cmp := both(c)
	return plain(c, func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			seen := newSeen(t, cmp)
			for v := range b.All(t) {
				seen.put(t, v, clr.Null, true)
			}
			unique(t, a, func(v clr.Value) bool { return seen.put(t, v, clr.Null, true) }, yield)
		}
	})
}

func intersect(c *clr.Call) clr.Value {
	a, b, cmp := both(c)
	return plain(c, func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			seen := newSeen(t, cmp)
			for v := range b.All(t) {
				seen.put(t, v, clr.Null, true)
			}
			unique(t, a, func(v clr.Value) bool { _, was := seen.remove(t, v); return was }, yield)
		}
	})
}
