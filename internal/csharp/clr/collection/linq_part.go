package collection

import (
	"iter"
	"math"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

func partMembers() funcs {
	return funcs{
		enumerable + ".Skip<TSource>(IEnumerable<TSource>, int)":     skip,
		enumerable + ".Take<TSource>(IEnumerable<TSource>, int)":     take,
		enumerable + ".SkipLast<TSource>(IEnumerable<TSource>, int)": skipLast,
		enumerable + ".TakeLast<TSource>(IEnumerable<TSource>, int)": takeLast,
		enumerable + ".Empty<TResult>()":                             func(c *clr.Call) clr.Value { return emptyArray(c.Types[0]) },
		enumerable + ".Range(int, int)": func(c *clr.Call) clr.Value {
			from, n := c.Int(0), c.Int(1)
			if n < 0 || int64(from)+int64(n)-1 > math.MaxInt32 {
				throwOutOfRange(c.Thread, "count")
			}
			if n == 0 {
				return empty(c.Thread, clr.Int32)
			}
			return newRange(c.Thread, from, n)
		},
		enumerable + ".Repeat<TResult>(TResult, int)": func(c *clr.Call) clr.Value {
			if c.Int(1) < 0 {
				throwOutOfRange(c.Thread, "count")
			}
			if c.Int(1) == 0 {
				return empty(c.Thread, c.Types[0])
			}
			return newRepeat(c.Thread, c.Types[0], c.Args[0], c.Int(1))
		},
	}
}

func skip(c *clr.Call) clr.Value { return skipped(c.Thread, src(c), c.Types[0], c.Int(1)) }

func skipped(t *clr.Thread, s clr.Sequence, elem *clr.Type, n int) clr.Value {
	p := places(s)
	if n <= 0 {
		if q, ok := s.(*query); ok && q.kind != plainKind && !q.eager || p != nil {
			return clr.Obj(s)
		}
		n = 0
	} else if p != nil {
		return p.skip(t, n)
	}
	if l := listed(s); l != nil {
		return newListPart(t, &listPart{elem, l, n, math.MaxInt32})
	}
	return newPart(t, &part{elem, s, n, -1})
}

func take(c *clr.Call) clr.Value {
	s, n := src(c), c.Int(1)
	switch p := places(s); {
	case n <= 0:
		return empty(c.Thread, c.Types[0])
	case p != nil:
		return p.take(c.Thread, n)
	}
	if l := listed(s); l != nil {
		return newListPart(c.Thread, &listPart{c.Types[0], l, 0, n - 1})
	}
	return newPart(c.Thread, &part{c.Types[0], s, 0, n - 1})
}

// placesOrList are a sequence's places, also those of a list.
func placesOrList(s clr.Sequence) partition {
	if p := places(s); p != nil {
		return p
	}
	if l := listed(s); l != nil {
		return &listPart{nil, l, 0, math.MaxInt32}
	}
	return nil
}

// empty is a sequence of nothing.
func empty(t *clr.Thread, elem *clr.Type) clr.Value {
	none := func(*clr.Thread) int { return 0 }
	return newQuery(t, query{kind: emptyKind, a: elem, part: nothing{elem}, cheap: none, all: func(*clr.Thread) iter.Seq[clr.Value] {
		return func(func(clr.Value) bool) {}
	}})
}

type nothing struct{ elem *clr.Type }

func (e nothing) skip(t *clr.Thread, _ int) clr.Value { return empty(t, e.elem) }
func (e nothing) take(t *clr.Thread, _ int) clr.Value { return empty(t, e.elem) }
func (nothing) at(*clr.Thread, int) (clr.Value, bool) { return clr.Null, false }
func (nothing) first(*clr.Thread) (clr.Value, bool)   { return clr.Null, false }
func (nothing) last(*clr.Thread) (clr.Value, bool)    { return clr.Null, false }

// listPart are the places min to max of a list, however long it is.
type listPart struct {
	elem     *clr.Type // nil: never a sequence itself
	l        clr.Counted
	min, max int
}

func newListPart(t *clr.Thread, p *listPart) clr.Value {
	return newQuery(t, query{
		kind: listPlaces, a: p.elem, part: p,
		all: func(t *clr.Thread) iter.Seq[clr.Value] {
			return func(yield func(clr.Value) bool) {
				for i := p.min; i <= p.max && i < p.l.Len(); i++ {
					t.Step()
					if !yield(p.l.At(i)) {
						return
					}
				}
			}
		},
		size: p.size, cheap: p.size,
	})
}

func (p *listPart) size(*clr.Thread) int { return max(0, min(p.l.Len()-1, p.max)-p.min+1) }

func (p *listPart) skip(t *clr.Thread, n int) clr.Value {
	if p.min+n > p.max {
		return empty(t, p.elem)
	}
	return newListPart(t, &listPart{p.elem, p.l, p.min + n, p.max})
}

func (p *listPart) take(t *clr.Thread, n int) clr.Value {
	return newListPart(t, &listPart{p.elem, p.l, p.min, min(p.max, p.min+n-1)})
}

func (p *listPart) at(t *clr.Thread, i int) (clr.Value, bool) {
	t.Step()
	if i < 0 || i > p.max-p.min || i >= p.l.Len()-p.min {
		return clr.Null, false
	}
	return p.l.At(p.min + i), true
}

func (p *listPart) first(t *clr.Thread) (clr.Value, bool) { return p.at(t, 0) }

func (p *listPart) last(t *clr.Thread) (clr.Value, bool) {
	return p.at(t, min(p.l.Len()-1, p.max)-p.min)
}

// part are the places min to max of any sequence; without an end, max is -1.
type part struct {
	elem     *clr.Type
	s        clr.Sequence
	min, max int
}

func newPart(t *clr.Thread, p *part) clr.Value {
	q := query{kind: enumerablePlaces, a: p.elem, part: p, all: p.all}
	if p.max < 0 {
		q.size = func(t *clr.Thread) int { return max(0, sizeOf(t, p.s)-p.min) }
	}
	return newQuery(t, q)
}

func (p *part) all(t *clr.Thread) iter.Seq[clr.Value] {
	return func(yield func(clr.Value) bool) {
		i := -1
		for v := range p.s.All(t) {
			if i++; i < p.min {
				continue
			}
			// What is behind the last place is not asked for.
			if !yield(v) || i == p.max {
				return
			}
		}
	}
}

func (p *part) skip(t *clr.Thread, n int) clr.Value {
	if p.max >= 0 && p.min+n > p.max {
		return empty(t, p.elem)
	}
	return newPart(t, &part{p.elem, p.s, p.min + n, p.max})
}

func (p *part) take(t *clr.Thread, n int) clr.Value {
	last := p.min + n - 1
	if p.max >= 0 {
		last = min(last, p.max)
	}
	return newPart(t, &part{p.elem, p.s, p.min, last})
}

func (p *part) at(t *clr.Thread, i int) (clr.Value, bool) {
	if i >= 0 && (p.max < 0 || i <= p.max-p.min) {
		for v := range p.all(t) {
			if i--; i < 0 {
				return v, true
			}
		}
	}
	return clr.Null, false
}

func (p *part) first(t *clr.Thread) (clr.Value, bool) { return p.at(t, 0) }

func (p *part) last(t *clr.Thread) (last clr.Value, found bool) {
	for v := range p.all(t) {
		last, found = v, true
	}
	return last, found
}

// skipLast keeps back as many elements as it leaves out.
func skipLast(c *clr.Call) clr.Value {
	s, n := src(c), c.Int(1)
	if n <= 0 {
		return skipped(c.Thread, s, c.Types[0], 0)
	}
	return plain(c, func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			kept := &Queue{}
			for v := range s.All(t) {
				if kept.n == n && !yield(kept.dequeue()) {
					return
				}
				kept.enqueue(t, v)
			}
		}
	})
}

func takeLast(c *clr.Call) clr.Value {
	s, n := src(c), c.Int(1)
	if n <= 0 {
		return empty(c.Thread, c.Types[0])
	}
	return plain(c, func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			kept := &Queue{}
			for v := range s.All(t) {
				if kept.n == n {
					kept.dequeue()
				}
				kept.enqueue(t, v)
			}
			for kept.n > 0 {
				t.Step()
				if !yield(kept.dequeue()) {
					return
				}
			}
		}
	})
}

// numbers are the places of Range and Repeat: n values from f.
type numbers struct {
	n    int
	elem *clr.Type
	f    func(i int) clr.Value
	// with makes the sequence of n of them from place i on.
	with func(t *clr.Thread, i, n int) clr.Value
}

func (r *numbers) query(k *kind, elem *clr.Type) query {
	return query{
		kind: k, a: elem, part: r,
		all: func(t *clr.Thread) iter.Seq[clr.Value] {
			return func(yield func(clr.Value) bool) {
				for i := range r.n {
					t.Step()
					if !yield(r.f(i)) {
						return
					}
				}
			}
		},
		size: r.size, cheap: r.size,
	}
}

func newRange(t *clr.Thread, from, n int) clr.Value {
	r := &numbers{
		n: n, elem: clr.Int32, f: func(i int) clr.Value { return clr.Int(int32(from + i)) },
		with: func(t *clr.Thread, i, n int) clr.Value { return newRange(t, from+i, n) },
	}
	return newQuery(t, r.query(rangeKind, nil))
}

func newRepeat(t *clr.Thread, elem *clr.Type, v clr.Value, n int) clr.Value {
	r := &numbers{
		n: n, elem: elem, f: func(int) clr.Value { return v },
		with: func(t *clr.Thread, _, n int) clr.Value { return newRepeat(t, elem, v, n) },
	}
	return newQuery(t, r.query(repeatKind, elem))
}

func (r *numbers) size(*clr.Thread) int { return r.n }

func (r *numbers) skip(t *clr.Thread, n int) clr.Value {
	if n >= r.n {
		return empty(t, r.elem)
	}
	return r.with(t, n, r.n-n)
}

func (r *numbers) take(t *clr.Thread, n int) clr.Value { return r.with(t, 0, min(n, r.n)) }

func (r *numbers) at(t *clr.Thread, i int) (clr.Value, bool) {
	t.Step()
	if i < 0 || i >= r.n {
		return clr.Null, false
	}
	return r.f(i), true
}

func (r *numbers) first(t *clr.Thread) (clr.Value, bool) { return r.at(t, 0) }

func (r *numbers) last(t *clr.Thread) (clr.Value, bool) { return r.at(t, r.n-1) }
