package collection

import (
	"iter"
	"math"
	"slices"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// ordered is an IOrderedEnumerable<TElement>.
type ordered struct {
	t      *clr.Type
	elem   *clr.Type
	source clr.Sequence
	keys   []sortKey // the first decides first
}

// sortKey is one key of a sort.
type sortKey struct {
	of         clr.Value // the selector
	compare    func(t *clr.Thread, a, b clr.Value) int
	descending bool
}

// cmp compares two values of the key.
func (k *sortKey) cmp(t *clr.Thread, a, b clr.Value) int {
	n := k.compare(t, a, b)
	if k.descending {
		// Not -n, which stays negative for the smallest number.
		switch {
		case n > 0:
			return -1
		case n < 0:
			return 1
		}
	}
	return n
}

// Type is System.Linq.OrderedEnumerable<TElement, TKey>.
func (o *ordered) Type() *clr.Type { return o.t }

func orderMembers() funcs {
	out := funcs{}
	for _, end := range []string{")", ", IComparer<TKey>)"} {
		const begin, further = "(IEnumerable<TSource>, Func<TSource, TKey>", "(IOrderedEnumerable<TSource>, Func<TSource, TKey>"
		for name, descending := range map[string]bool{"": false, "Descending": true} {
			out[enumerable+".OrderBy"+name+"<TSource, TKey>"+begin+end] = func(c *clr.Call) clr.Value {
				return newOrdered(c, &ordered{source: src(c), elem: c.Types[0]}, descending)
			}
			out[enumerable+".ThenBy"+name+"<TSource, TKey>"+further+end] = func(c *clr.Call) clr.Value {
				c.NotNull(0, "source")
				return newOrdered(c, c.Args[0].O.(*ordered), descending)
			}
		}
	}
	out["System.Linq.IOrderedEnumerable<TElement>.CreateOrderedEnumerable<TKey>(Func<TElement, TKey>, IComparer<TKey>, bool)"] = func(c *clr.Call) clr.Value {
		o := c.Args[0].O.(*ordered)
		return o.by(c.Thread, sortKey{function(c, 1, "keySelector"), order(c.Args[2]), c.Args[3].Bool()}, c.Types[0])
	}
	return out
}

func newOrdered(c *clr.Call, o *ordered, descending bool) clr.Value {
	return o.by(c.Thread, sortKey{function(c, 1, "keySelector"), order(c.Get(2)), descending}, c.Types[1])
}

// by is the sequence with one more key.
func (o *ordered) by(t *clr.Thread, k sortKey, key *clr.Type) clr.Value {
	t.Allocate(querySize + 64*len(o.keys))
	t.Work(len(o.keys))
	keys := append(append(make([]sortKey, 0, len(o.keys)+1), o.keys...), k)
	return clr.Obj(&ordered{t: orderedOf.Of(o.elem, key), elem: o.elem, source: o.source, keys: keys})
}

// All goes through the sequence, read and sorted before the first comes out.
func (o *ordered) All(t *clr.Thread) iter.Seq[clr.Value] {
	return func(yield func(clr.Value) bool) {
		t.Enter()
		for _, v := range o.sorted(t) {
			t.Step()
			if !yield(v) {
				break
			}
		}
		t.Leave()
	}
}

// sorted are the elements in order. The keys are computed first, of all
// elements the first key, then the next; equal elements stay as they were.
func (o *ordered) sorted(t *clr.Thread) []clr.Value { return o.sortedFrom(t, 0) }

// sortedFrom is the same for who wants those from place from on: where there is
// none, nothing is computed.
func (o *ordered) sortedFrom(t *clr.Thread, from int) []clr.Value {
	elems := toSlice(t, o.source)
	if len(elems) <= from {
		return elems
	}
	return o.sort(t, elems)
}

func (o *ordered) sort(t *clr.Thread, elems []clr.Value) []clr.Value {
	t.Allocate(len(elems) * (len(o.keys)*valueSize + 8 + valueSize))
	keys := make([][]clr.Value, len(o.keys))
	for k := range o.keys {
		keys[k] = make([]clr.Value, len(elems))
		for i, v := range elems {
			keys[k][i] = t.Invoke(o.keys[k].of, v)
		}
	}
	places := make([]int, len(elems))
	for i := range places {
		places[i] = i
	}
	failed(t, "", func() {
		slices.SortFunc(places, func(a, b int) int {
			t.Step()
			for k := range o.keys {
				if n := o.keys[k].cmp(t, keys[k][a], keys[k][b]); n != 0 {
					return n
				}
			}
			return a - b
		})
	})
	out := make([]clr.Value, len(elems))
	for i, p := range places {
		out[i] = elems[p]
	}
	return out
}

// failed does something that compares. What is thrown meanwhile becomes the
// inner exception of the one that .NET's sorting throws. An index outside of an
// array means there that the comparer lies: bad is what then is said, "" where
// that is not so.
func failed(t *clr.Thread, bad string, do func()) {
	depth := t.Depth()
	defer func() {
		if t.Over() {
			return
		}
		switch r := recover().(type) {
		case nil:
		case *clr.Thrown:
			t.SetDepth(depth)
			if bad != "" && r.T == clr.IndexOutOfRangeException {
				t.Throw(clr.ArgumentException, bad)
			}
			panic(&clr.Thrown{T: clr.InvalidOperationException, Message: "Failed to compare two elements in the array.", Inner: r})
		default:
			panic(r)
		}
	}()
	do()
}

// best is the first element of the order, or with last the last one, found
// without sorting; pred is a predicate or null. What is computed when, shows.
func (o *ordered) best(t *clr.Thread, pred clr.Value, last bool) (best clr.Value, found bool) {
	t.Enter()
	defer t.Leave()
	return o.bestOf(t, o.source.All(t), pred, last)
}

func (o *ordered) bestOf(t *clr.Thread, of iter.Seq[clr.Value], pred clr.Value, last bool) (best clr.Value, found bool) {
	t.Allocate(len(o.keys) * valueSize)
	have := make([]clr.Value, len(o.keys)) // the keys of best
	for v := range of {
		switch {
		case pred.O != nil && !t.Invoke(pred, v).Bool():
		case !found:
			best, found = v, true
			o.compute(t, have, 0, v)
		case o.beats(t, have, v, last):
			best = v
		}
	}
	return best, found
}

// compute computes the keys of v from number k on.
func (o *ordered) compute(t *clr.Thread, have []clr.Value, k int, v clr.Value) {
	for ; k < len(have); k++ {
		have[k] = t.Invoke(o.keys[k].of, v)
	}
}

// beats compares v with the best until now, whose keys become those of v where
// v is better. Further keys are computed where the ones before are equal.
func (o *ordered) beats(t *clr.Thread, have []clr.Value, v clr.Value, last bool) bool {
	for k := range o.keys {
		key := t.Invoke(o.keys[k].of, v)
		n := o.keys[k].cmp(t, key, have[k])
		switch {
		case n < 0 && !last || n > 0 && last:
			have[k] = key
			o.compute(t, have, k+1, v)
			return true
		case n != 0:
			return false
		case last && k == len(o.keys)-1:
			have[k] = key
		}
	}
	return last
}

func (o *ordered) first(t *clr.Thread) (clr.Value, bool) { return o.best(t, clr.Null, false) }

func (o *ordered) last(t *clr.Thread) (clr.Value, bool) { return o.best(t, clr.Null, true) }

func (o *ordered) at(t *clr.Thread, i int) (clr.Value, bool) {
	if i == 0 {
		return o.first(t)
	}
	if i < 0 {
		return clr.Null, false
	}
	t.Enter()
	defer t.Leave()
	elems := o.sortedFrom(t, i)
	if i >= len(elems) {
		return clr.Null, false
	}
	return elems[i], true
}

func (o *ordered) skip(t *clr.Thread, n int) clr.Value { return o.newPart(t, n, math.MaxInt32) }

func (o *ordered) take(t *clr.Thread, n int) clr.Value { return o.newPart(t, 0, n-1) }

// orderedPart are the places min to max of a sequence that is sorted.
type orderedPart struct {
	o        *ordered
	min, max int
}

func (o *ordered) newPart(t *clr.Thread, from, to int) clr.Value {
	p := &orderedPart{o, from, to}
	return newQuery(t, query{
		kind: orderedPlaces, a: o.elem, part: p,
		all: func(t *clr.Thread) iter.Seq[clr.Value] {
			return func(yield func(clr.Value) bool) {
				elems := o.sortedFrom(t, from)
				for i := from; i <= to && i < len(elems); i++ {
					t.Step()
					if !yield(elems[i]) {
						return
					}
				}
			}
		},
		size: func(t *clr.Thread) int { return max(0, min(sizeOf(t, o.source)-1, to)-from+1) },
		cheap: func(t *clr.Thread) int {
			n := cheapSize(t, o.source)
			if n < 0 {
				return -1
			}
			return max(0, min(n-1, to)-from+1)
		},
	})
}

func (p *orderedPart) skip(t *clr.Thread, n int) clr.Value {
	if p.min+n > p.max {
		return empty(t, p.o.elem)
	}
	return p.o.newPart(t, p.min+n, p.max)
}

func (p *orderedPart) take(t *clr.Thread, n int) clr.Value {
	return p.o.newPart(t, p.min, min(p.max, p.min+n-1))
}

func (p *orderedPart) at(t *clr.Thread, i int) (clr.Value, bool) {
	if i < 0 || i > p.max-p.min {
		return clr.Null, false
	}
	return p.o.at(t, p.min+i)
}

func (p *orderedPart) first(t *clr.Thread) (clr.Value, bool) { return p.o.at(t, p.min) }

func (p *orderedPart) last(t *clr.Thread) (clr.Value, bool) {
	t.Enter()
	defer t.Leave()
	elems := toSlice(t, p.o.source)
	switch n := len(elems); {
	case n <= p.min:
		return clr.Null, false
	case p.max >= n-1:
		t.Work(n)
		return p.o.bestOf(t, slices.Values(elems), clr.Null, true)
	}
	return p.o.sort(t, elems)[p.max], true
}
