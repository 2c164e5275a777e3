package collection

import (
	"iter"
	"slices"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

func joinMembers() funcs {
	const (
		types     = "<TOuter, TInner, TKey, TResult>(IEnumerable<TOuter>, IEnumerable<TInner>, Func<TOuter, TKey>, Func<TInner, TKey>, "
		one       = enumerable + ".Join" + types + "Func<TOuter, TInner, TResult>"
		all       = enumerable + ".GroupJoin" + types + "Func<TOuter, IEnumerable<TInner>, TResult>"
		compared  = ", IEqualityComparer<TKey>)"
		appending = "<TSource>(IEnumerable<TSource>, TSource)"
	)
	return funcs{
		one + ")":      join,
		one + compared: join,
		all + ")":      groupJoin,
		all + compared: groupJoin,

		enumerable + ".Concat<TSource>(IEnumerable<TSource>, IEnumerable<TSource>)": concat,
		enumerable + ".Append" + appending:                                          func(c *clr.Call) clr.Value { return addTo(c, true) },
		enumerable + ".Prepend" + appending:                                         func(c *clr.Call) clr.Value { return addTo(c, false) },
		enumerable + ".Reverse<TSource>(IEnumerable<TSource>)":                      reversed,
	}
}

// joining is what Join and GroupJoin are given.
type joining struct {
	outer, inner                 clr.Sequence
	outerKey, innerKey, toResult clr.Value
	cmp                          EqualityComparer
	elem                         *clr.Type // of inner
	lookup                       *clr.Type
}

func newJoining(c *clr.Call) *joining {
	return &joining{
		outer: source(c.Thread, c.Args[0], "outer", c.Types[0]), inner: source(c.Thread, c.Args[1], "inner", c.Types[1]),
		outerKey: function(c, 2, "outerKeySelector"), innerKey: function(c, 3, "innerKeySelector"), toResult: function(c, 4, "resultSelector"),
		cmp: equality(c.Get(5)), elem: c.Types[1], lookup: lookupOf.Of(c.Types[2], c.Types[1]),
	}
}

// inside is the lookup of the inner sequence; elements without key are in
// none.
func (j *joining) inside(t *clr.Thread) *Lookup {
	l := newLookup(t, j.lookup, j.cmp)
	for v := range j.inner.All(t) {
		if key := t.Invoke(j.innerKey, v); key.O != nil {
			l.group(t, key).add(t, v)
		}
	}
	return l
}

func join(c *clr.Call) clr.Value {
	j := newJoining(c)
	return plain(c, func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			var l *Lookup
			for v := range j.outer.All(t) {
				if l == nil {
					if l = j.inside(t); l.count() == 0 {
						return
					}
				}
				g := l.find(t, t.Invoke(j.outerKey, v))
				for i := 0; g != nil && i < len(g.elems); i++ {
					if !yield(t.Invoke(j.toResult, v, g.elems[i])) {
						return
					}
				}
			}
		}
	})
}

func groupJoin(c *clr.Call) clr.Value {
	j := newJoining(c)
	return plain(c, func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			var l *Lookup
			for v := range j.outer.All(t) {
				if l == nil {
					l = j.inside(t)
				}
				group := emptyArray(j.elem)
				if g := l.find(t, t.Invoke(j.outerKey, v)); g != nil {
					group = clr.Obj(g)
				}
				if !yield(t.Invoke(j.toResult, v, group)) {
					return
				}
			}
		}
	})
}

// chain is a.Concat(b).Concat(c)…: a list, so that going through it does not
// nest as often as there are calls.
type chain struct {
	before *chain // nil: first is a sequence
	first  clr.Sequence
	last   clr.Sequence
	n      int // how many sequences
}

// parts are the sequences in order.
func (l *chain) parts(t *clr.Thread) []clr.Sequence {
	t.Allocate(l.n * 16)
	t.Work(l.n)
	out := make([]clr.Sequence, l.n)
	for i := l.n - 1; ; i-- {
		out[i] = l.last
		if l.before == nil {
			out[0] = l.first
			return out
		}
		l = l.before
	}
}

func concat(c *clr.Call) clr.Value {
	a := source(c.Thread, c.Args[0], "first", c.Types[0])
	b := source(c.Thread, c.Args[1], "second", c.Types[0])
	l := &chain{first: a, last: b, n: 2}
	q := query{kind: concatTwo, a: c.Types[0], concat: l}
	if o, ok := a.(*query); ok && o.concat != nil {
		l.before, l.n = o.concat, o.concat.n+1
		q.kind = concatMany
	}
	q.all = func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			for _, s := range l.parts(t) {
				for v := range s.All(t) {
					if !yield(v) {
						return
					}
				}
			}
		}
	}
	q.whole = func(t *clr.Thread) []clr.Value { return later(t, slices.Values(l.parts(t))) }
	q.list = func(t *clr.Thread) []clr.Value {
		l.cheap(t) // which may show, see reversed
		return collect(t, q.all(t), 0)
	}
	q.size, q.cheap = l.size, l.cheap
	return newQuery(c.Thread, q)
}

// size counts as .NET does: from the third sequence on the last one first, then
// the first two, which are asked what they know.
func (l *chain) size(t *clr.Thread) int {
	parts, n := l.parts(t), 0
	for i := len(parts) - 1; i >= 2; i-- {
		n += sizeOf(t, parts[i])
	}
	for _, s := range parts[:2] {
		known := cheapSize(t, s)
		if known < 0 {
			known = sizeOf(t, s)
		}
		n += known
	}
	return n
}

// cheap is the size where all is known: of two sequences of any kind, of more
// that are collections.
func (l *chain) cheap(t *clr.Thread) int {
	parts, n := l.parts(t), 0
	for _, s := range parts {
		if _, collection := s.(Sized); len(parts) > 2 && !collection {
			return -1
		}
	}
	for _, s := range parts {
		known := cheapSize(t, s)
		if known < 0 {
			return -1
		}
		n += known
	}
	return n
}

// around is what Append and Prepend put around a sequence.
type around struct {
	s             clr.Sequence
	before, after *linked // the last one first
	n             int     // after
	both          int
}

type linked struct {
	v    clr.Value
	next *linked
}

func addTo(c *clr.Call, after bool) clr.Value {
	s := src(c)
	a := &around{s: s}
	kind := appendOne
	if o, ok := s.(*query); ok && o.around != nil {
		*a = *o.around
		kind = appendMany
	}
	a.both++
	if after {
		a.after = &linked{c.Args[1], a.after}
		a.n++
	} else {
		a.before = &linked{c.Args[1], a.before}
	}
	c.Allocate(128)
	whole := func(t *clr.Thread) []clr.Value {
		a.cheap(t)
		return collect(t, a.all(t), 0)
	}
	return newQuery(c.Thread, query{
		kind: kind, a: c.Types[0], around: a, all: a.all, whole: whole, cheap: a.cheap,
		size: func(t *clr.Thread) int { return sizeOf(t, a.s) + a.both },
	})
}

func (a *around) cheap(t *clr.Thread) int {
	if n := cheapSize(t, a.s); n >= 0 {
		return n + a.both
	}
	return -1
}

func (a *around) all(t *clr.Thread) iter.Seq[clr.Value] {
	return func(yield func(clr.Value) bool) {
		for l := a.before; l != nil; l = l.next {
			t.Step()
			if !yield(l.v) {
				return
			}
		}
		for v := range a.s.All(t) {
			if !yield(v) {
				return
			}
		}
		t.Allocate(a.n * valueSize)
		tail := make([]clr.Value, a.n)
		for l, i := a.after, a.n-1; l != nil; l, i = l.next, i-1 {
			tail[i] = l.v
		}
		for _, v := range tail {
			t.Step()
			if !yield(v) {
				return
			}
		}
	}
}

// reversed is Reverse: everything is read before the first comes out.
func reversed(c *clr.Call) clr.Value {
	s := src(c)
	return newQuery(c.Thread, query{
		kind: reverseKind, a: c.Types[0],
		all: func(t *clr.Thread) iter.Seq[clr.Value] {
			return func(yield func(clr.Value) bool) {
				elems := toSlice(t, s)
				for i := len(elems) - 1; i >= 0; i-- {
					t.Step()
					if !yield(elems[i]) {
						return
					}
				}
			}
		},
		size: func(t *clr.Thread) int { return sizeOf(t, s) },
		cheap: func(t *clr.Thread) int {
			// .NET counts here also what is not cheap, if only it can count.
			q, ok := s.(*query)
			if _, sorted := s.(*ordered); sorted || ok && q.kind != plainKind {
				return sizeOf(t, s)
			}
			return cheapSize(t, s)
		},
	})
}
