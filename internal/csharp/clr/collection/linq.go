package collection

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

const enumerable = "System.Linq.Enumerable"

// query is a sequence of LINQ's: nothing has happened yet.
type query struct {
	kind *kind
	// a and b are the arguments of the kind's class.
	a, b *clr.Type
	more []*clr.Type // all of them where there are more
	of   *clr.Type   // made when asked for
	// all goes through the elements.
	all func(t *clr.Thread) iter.Seq[clr.Value]
	// part is the sequence as one with places; nil: it has none.
	part partition
	// whole is what ToArray() and ToList() do where it shows; nil: all.
	whole func(t *clr.Thread) []clr.Value
	// list is the same for ToList() where that differs again.
	list func(t *clr.Thread) []clr.Value
	// size is Count() where that does not go through all; nil: it does.
	size func(t *clr.Thread) int
	// cheap is how many there are, where that needs no going through, or -1;
	// nil: -1.
	cheap func(t *clr.Thread) int
	// eager: GetEnumerator() already goes through the source.
	eager bool
	// base is what a Select is made of that has kind selectPlaces.
	base clr.Sequence
	// concat is what was joined, for chains that get long.
	concat *chain
	// around is what was appended and prepended, likewise.
	around *around
}

// querySize is what a query takes, with its closures.
const querySize = 256

// partition is a sequence whose places are found without going through what is
// before them, as IPartition<T> of .NET: which elements are made, shows.
type partition interface {
	skip(t *clr.Thread, n int) clr.Value
	take(t *clr.Thread, n int) clr.Value
	at(t *clr.Thread, i int) (clr.Value, bool)
	first(t *clr.Thread) (clr.Value, bool)
	last(t *clr.Thread) (clr.Value, bool)
}

// Type is the name of .NET's class for such a sequence.
func (q *query) Type() *clr.Type {
	if q.of == nil {
		switch {
		case q.more != nil:
			q.of = q.kind.def.Of(q.more...)
		case q.a == nil:
			q.of = q.kind.def
		case q.kind.params == 1:
			q.of = q.kind.def.Of(q.a)
		default:
			q.of = q.kind.def.Of(q.a, q.b)
		}
	}
	return q.of
}

// All goes through the sequence. One that is made of others nests, and counts
// as calls do.
func (q *query) All(t *clr.Thread) iter.Seq[clr.Value] {
	if q.eager {
		t.Enter()
		seq := q.all(t)
		t.Leave()
		return seq
	}
	return func(yield func(clr.Value) bool) {
		t.Enter()
		q.all(t)(yield)
		t.Leave()
	}
}

// newQuery charges for a query and makes it a value.
func newQuery(t *clr.Thread, q query) clr.Value {
	t.Allocate(querySize)
	return clr.Obj(&q)
}

// viewed is a sequence that is one of several types of elements, as a JObject
// is one of tokens and one of pairs.
type viewed interface {
	Of(elem *clr.Type) clr.Sequence
}

// chars is a string as a sequence.
type chars struct{ s string }

func (chars) Type() *clr.Type { return clr.String }

func (s chars) All(t *clr.Thread) iter.Seq[clr.Value] { return clr.Chars(t, s.s) }

// source is a sequence that LINQ is given, as one of elem; null throws, without
// param as a null reference does.
func source(t *clr.Thread, v clr.Value, param string, elem *clr.Type) clr.Sequence {
	switch o := v.O.(type) {
	case nil:
		if param == "" {
			t.ThrowNull()
		}
		t.ThrowArgumentNull(param)
	case *query:
		return o
	case *clr.List:
		return o
	case *clr.ArrayObject:
		return o
	case viewed:
		return o.Of(elem)
	case clr.Sequence:
		return o
	case *clr.Type:
		if o == clr.String {
			return chars{v.S}
		}
	}
	panic("collection: a " + v.Type().FullName() + " is no sequence")
}

// src is argument 0, the source.
func src(c *clr.Call) clr.Sequence { return source(c.Thread, c.Args[0], "source", c.Types[0]) }

// function is argument i, a delegate; null throws.
func function(c *clr.Call, i int, param string) clr.Value {
	c.NotNull(i, param)
	return c.Args[i]
}

// listed is a sequence as IList<T>; nil: it is none.
func listed(s clr.Sequence) clr.Counted {
	switch o := s.(type) {
	case *clr.List:
		return o
	case *clr.ArrayObject:
		return o
	case Indexed:
		return o
	}
	return nil
}

// places are a sequence's; nil: it has none.
func places(s clr.Sequence) partition {
	if q, ok := s.(*query); ok && q.part != nil {
		return q.part
	}
	if o, ok := s.(*ordered); ok {
		return o
	}
	return nil
}

// sizeOf is Count(): what a collection knows, or how many there are.
func sizeOf(t *clr.Thread, s clr.Sequence) int {
	switch o := s.(type) {
	case Sized:
		return o.Len()
	case *query:
		if o.size != nil {
			t.Enter()
			defer t.Leave()
			return o.size(t)
		}
	case *ordered:
		return sizeOf(t, o.source)
	}
	n := 0
	for range s.All(t) {
		n++
	}
	return n
}

// cheapSize is how many elements there are where that is known without going
// through them, else -1. Concat and SelectMany ask for it.
func cheapSize(t *clr.Thread, s clr.Sequence) int {
	switch o := s.(type) {
	case Sized:
		return o.Len()
	case *ordered:
		return cheapSize(t, o.source)
	case *query:
		if o.cheap != nil {
			t.Enter()
			defer t.Leave()
			return o.cheap(t)
		}
	}
	return -1
}

// later goes through sequences as .NET does to make an array of them: those
// whose length is known before have room left for them, and are gone through
// when the others are done.
func later(t *clr.Thread, seqs iter.Seq[clr.Sequence]) []clr.Value {
	type gap struct {
		at int // in out
		s  clr.Sequence
		n  int
	}
	var out []clr.Value
	var gaps []gap
	for s := range seqs {
		switch n := cheapSize(t, s); {
		case n > 0:
			t.Allocate(64)
			gaps = append(gaps, gap{len(out), s, n})
		case n < 0:
			out = append(out, collect(t, s.All(t), 0)...)
		}
	}
	if len(gaps) == 0 {
		return out
	}
	t.Allocate(len(out) * valueSize)
	var whole []clr.Value
	from := 0
	for _, g := range gaps {
		whole = append(whole, out[from:g.at]...)
		whole = append(whole, collect(t, g.s.All(t), g.n)...)
		from = g.at
	}
	return append(whole, out[from:]...)
}

// toSlice are the elements of a sequence, in a slice of their own.
func toSlice(t *clr.Thread, s clr.Sequence) []clr.Value {
	switch o := s.(type) {
	case *clr.List:
		return cloned(t, o.Elems)
	case *clr.ArrayObject:
		if o.Bytes == nil {
			return cloned(t, o.Elems)
		}
	case *query:
		if o.whole != nil {
			return o.whole(t)
		}
	}
	n := 0
	if k, ok := s.(Sized); ok {
		n = k.Len()
	}
	return collect(t, s.All(t), n)
}

func cloned(t *clr.Thread, elems []clr.Value) []clr.Value {
	t.Allocate(len(elems) * valueSize)
	t.Work(len(elems) / 8)
	return append(make([]clr.Value, 0, len(elems)), elems...)
}

// collect puts what comes into a slice that begins with room for n.
func collect(t *clr.Thread, seq iter.Seq[clr.Value], n int) []clr.Value {
	t.Allocate(n * valueSize)
	out := make([]clr.Value, 0, n)
	for v := range seq {
		if len(out) == cap(out) {
			grown := max(4, 2*len(out))
			t.Allocate(grown * valueSize)
			out = append(make([]clr.Value, 0, grown), out...)
		}
		out = append(out, v)
	}
	return out
}

// pulled are the elements of a sequence one at a time, for members that go
// through two at once.
func pulled(t *clr.Thread, s clr.Sequence) *Cursor {
	t.Allocate(128)
	c := &Cursor{}
	c.over(t, s)
	return c
}
