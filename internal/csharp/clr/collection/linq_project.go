package collection

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

func projectMembers() funcs {
	const many = enumerable + ".SelectMany<TSource, TResult>(IEnumerable<TSource>, "
	const pairs = enumerable + ".SelectMany<TSource, TCollection, TResult>(IEnumerable<TSource>, "
	return funcs{
		enumerable + ".Select<TSource, TResult>(IEnumerable<TSource>, Func<TSource, TResult>)":      project,
		enumerable + ".Select<TSource, TResult>(IEnumerable<TSource>, Func<TSource, int, TResult>)": projectIndex,

		many + "Func<TSource, IEnumerable<TResult>>)":                                                func(c *clr.Call) clr.Value { return selectMany(c, false) },
		many + "Func<TSource, int, IEnumerable<TResult>>)":                                           func(c *clr.Call) clr.Value { return selectMany(c, true) },
		pairs + "Func<TSource, IEnumerable<TCollection>>, Func<TSource, TCollection, TResult>)":      func(c *clr.Call) clr.Value { return selectMany(c, false) },
		pairs + "Func<TSource, int, IEnumerable<TCollection>>, Func<TSource, TCollection, TResult>)": func(c *clr.Call) clr.Value { return selectMany(c, true) },

		enumerable + ".Zip<TFirst, TSecond, TResult>(IEnumerable<TFirst>, IEnumerable<TSecond>, Func<TFirst, TSecond, TResult>)": zip,
	}
}

// project is Select.
func project(c *clr.Call) clr.Value {
	s, f := src(c), function(c, 1, "selector")
	return newSelect(c.Thread, s, f, c.Types[0], c.Types[1])
}

// newSelect is s with f called for each element.
func newSelect(t *clr.Thread, s clr.Sequence, f clr.Value, from, to *clr.Type) clr.Value {
	q := query{kind: selectEnumerable, a: from, b: to}
	switch o := s.(type) {
	case *clr.ArrayObject:
		if o.Len() == 0 {
			return empty(t, to)
		}
		q.kind = selectArray
	case *clr.List:
		q.kind = selectList
		q.whole = func(t *clr.Thread) []clr.Value { return collect(t, calledFor(t, f, o), o.Len()) }
	case Indexed:
		q.kind = selectIList
	case *query:
		q.kind, q.a = selectOn(o)
		if o.kind == emptyKind {
			return empty(t, to)
		}
		if q.a == nil {
			q.a = from
		}
	case *ordered:
		q.kind = selectPlaces
	}
	switch q.kind {
	case selectArray, selectList, selectIList, selectListPlaces:
		q.cheap = func(t *clr.Thread) int { return cheapSize(t, s) }
	case selectPlaces:
		q.base = s
		if o, ok := s.(*query); ok && o.base != nil {
			q.base = o.base
		}
		q.cheap = func(t *clr.Thread) int { return cheapSize(t, q.base) }
		q.size = func(t *clr.Thread) int { // .NET goes through the source twice
			for range q.all(t) {
			}
			return sizeOf(t, q.base)
		}
	}
	if p := placesOrList(s); p != nil {
		q.part = &selected{of: p, f: f, from: from, to: to}
	}
	q.all = func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			for v := range s.All(t) {
				if !yield(t.Invoke(f, v)) {
					return
				}
			}
		}
	}
	return newQuery(t, q)
}

// selectOn is the class of a Select over a query, and its first argument where
// that is not the type of the query's elements.
func selectOn(o *query) (*kind, *clr.Type) {
	switch o.kind {
	case whereArray:
		return whereSelectArray, nil
	case whereList:
		return whereSelectList, nil
	case whereEnumerable:
		return whereSelectAny, nil
	case selectArray, selectList, selectIList, selectEnumerable, selectPlaces, selectListPlaces, whereSelectArray, whereSelectList, whereSelectAny:
		return o.kind, o.a
	case listPlaces:
		return selectListPlaces, nil
	}
	if o.part != nil {
		return selectPlaces, nil
	}
	return selectEnumerable, nil
}

// calledFor calls f for the elements that the list has now, whatever becomes of
// it: so .NET makes arrays and lists of a Select over a list.
func calledFor(t *clr.Thread, f clr.Value, l *clr.List) iter.Seq[clr.Value] {
	return func(yield func(clr.Value) bool) {
		for i, n := 0, l.Len(); i < n; i++ {
			t.Step()
			if i >= l.Len() {
				throwIndex(t, l)
			}
			if !yield(t.Invoke(f, l.Elems[i])) {
				return
			}
		}
	}
}

// selected has the places of a Select over something that has places: what is
// not asked for is not computed.
type selected struct {
	of       partition
	f        clr.Value
	from, to *clr.Type
}

func (s *selected) skip(t *clr.Thread, n int) clr.Value {
	if p, ok := s.of.(*listPart); ok && p.elem == nil {
		if a, ok := p.l.(*clr.ArrayObject); ok && n >= a.Len() {
			return empty(t, s.to)
		}
	}
	return s.over(t, s.of.skip(t, n))
}

func (s *selected) take(t *clr.Thread, n int) clr.Value { return s.over(t, s.of.take(t, n)) }

func (s *selected) over(t *clr.Thread, part clr.Value) clr.Value {
	return newSelect(t, part.O.(clr.Sequence), s.f, s.from, s.to)
}

func (s *selected) at(t *clr.Thread, i int) (clr.Value, bool) {
	v, ok := s.of.at(t, i)
	return s.made(t, v, ok)
}

func (s *selected) first(t *clr.Thread) (clr.Value, bool) {
	v, ok := s.of.first(t)
	return s.made(t, v, ok)
}

func (s *selected) last(t *clr.Thread) (clr.Value, bool) {
	v, ok := s.of.last(t)
	return s.made(t, v, ok)
}

func (s *selected) made(t *clr.Thread, v clr.Value, ok bool) (clr.Value, bool) {
	if !ok {
		return clr.Null, false
	}
	return t.Invoke(s.f, v), true
}

func projectIndex(c *clr.Call) clr.Value {
	s, f := src(c), function(c, 1, "selector")
	return plain(c, func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			i := int32(-1)
			for v := range s.All(t) {
				i++
				if !yield(t.Invoke(f, v, clr.Int(i))) {
					return
				}
			}
		}
	})
}

// selectMany is SelectMany in its four forms: the collection's selector with or
// without a place, and with or without one for the result.
func selectMany(c *clr.Call, index bool) clr.Value {
	param, result := "selector", clr.Null
	if len(c.Args) > 2 {
		param = "collectionSelector"
	}
	s, f := src(c), function(c, 1, param)
	if len(c.Args) > 2 {
		result = function(c, 2, "resultSelector")
	}
	m := &many{s: s, f: f, result: result, index: index, inner: c.Types[1]}
	if result.O != nil || index {
		return plain(c, m.all(""))
	}
	return newQuery(c.Thread, query{
		kind: selectManyKind, a: c.Types[0], b: c.Types[1], all: m.all(""), size: m.size,
		whole: func(t *clr.Thread) []clr.Value { return later(t, m.sequences(t)) },
		list:  func(t *clr.Thread) []clr.Value { return collect(t, m.all("collection")(t), 0) },
	})
}

// many is what SelectMany is given; result may be null.
type many struct {
	s         clr.Sequence
	f, result clr.Value
	index     bool
	inner     *clr.Type
}

// all goes through the sequences of all elements. Where one is null, null is
// the name of the argument that .NET then finds to be null, or "".
func (m *many) all(null string) pass {
	return func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			i := int32(-1)
			for v := range m.s.All(t) {
				i++
				for w := range source(t, m.of(t, v, i), null, m.inner).All(t) {
					if m.result.O != nil {
						w = t.Invoke(m.result, v, w)
					}
					if !yield(w) {
						return
					}
				}
			}
		}
	}
}

// of is the sequence of an element.
func (m *many) of(t *clr.Thread, v clr.Value, i int32) clr.Value {
	if m.index {
		return t.Invoke(m.f, v, clr.Int(i))
	}
	return t.Invoke(m.f, v)
}

// sequences are those of all elements.
func (m *many) sequences(t *clr.Thread) iter.Seq[clr.Sequence] {
	return func(yield func(clr.Sequence) bool) {
		for v := range m.s.All(t) {
			if !yield(source(t, m.of(t, v, 0), "", m.inner)) {
				return
			}
		}
	}
}

func (m *many) size(t *clr.Thread) int {
	n := 0
	for v := range m.s.All(t) {
		n += sizeOf(t, source(t, m.of(t, v, 0), "source", m.inner))
	}
	return n
}

func zip(c *clr.Call) clr.Value {
	a := source(c.Thread, c.Args[0], "first", c.Types[0])
	b := source(c.Thread, c.Args[1], "second", c.Types[1])
	f := function(c, 2, "resultSelector")
	return plain(c, func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			first, second := a.All(t), pulled(t, b)
			defer second.Dispose(t)
			for v := range first {
				if !second.MoveNext(t) || !yield(t.Invoke(f, v, second.current)) {
					return
				}
			}
		}
	})
}
