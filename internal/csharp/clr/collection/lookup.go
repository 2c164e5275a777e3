package collection

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Lookup is ILookup<TKey, TElement>: groups in the order in which their keys
// came.
type Lookup struct {
	T *clr.Type
	table
}

// Type is System.Linq.Lookup<TKey, TElement>.
func (l *Lookup) Type() *clr.Type { return l.T }

// All goes through the groups.
func (l *Lookup) All(t *clr.Thread) iter.Seq[clr.Value] {
	return l.entries(t, func(s *slot) clr.Value { return s.value })
}

func newLookup(t *clr.Thread, of *clr.Type, cmp EqualityComparer) *Lookup {
	t.Allocate(128)
	return &Lookup{T: of, table: table{cmp: cmp}}
}

// group is the group of a key, a new one where there is none.
func (l *Lookup) group(t *clr.Thread, key clr.Value) *Grouping {
	hash := l.hash(t, key)
	if i, _ := l.locate(t, key, hash); i >= 0 {
		return l.slots[i].value.O.(*Grouping)
	}
	t.Allocate(96)
	g := &Grouping{of: l, Key: key}
	l.insert(t, key, clr.Obj(g), hash)
	return g
}

// find is the group of a key, or nil.
func (l *Lookup) find(t *clr.Thread, key clr.Value) *Grouping {
	if i := l.table.find(t, key); i >= 0 {
		return l.slots[i].value.O.(*Grouping)
	}
	return nil
}

// Grouping is an IGrouping<TKey, TElement>, and a list that nobody changes.
type Grouping struct {
	of    *Lookup
	t     *clr.Type
	Key   clr.Value
	elems []clr.Value
}

// Type is System.Linq.Grouping<TKey, TElement>.
func (g *Grouping) Type() *clr.Type {
	if g.t == nil {
		g.t = groupingOf.Of(g.of.T.Args...)
	}
	return g.t
}

// Len is Count.
func (g *Grouping) Len() int { return len(g.elems) }

// At is element i, which exists.
func (g *Grouping) At(i int) clr.Value { return g.elems[i] }

// All goes through the elements.
func (g *Grouping) All(t *clr.Thread) iter.Seq[clr.Value] {
	return func(yield func(clr.Value) bool) {
		for _, v := range g.elems {
			t.Step()
			if !yield(v) {
				return
			}
		}
	}
}

func (g *Grouping) add(t *clr.Thread, v clr.Value) {
	if len(g.elems) == cap(g.elems) {
		grown := max(1, 2*len(g.elems))
		t.Allocate(grown * valueSize)
		g.elems = append(make([]clr.Value, 0, grown), g.elems...)
	}
	g.elems = append(g.elems, v)
}

// ReadOnly is ICollection<T>.IsReadOnly.
func (g *Grouping) ReadOnly() bool { return true }

// IndexOf is IList<T>'s.
func (g *Grouping) IndexOf(t *clr.Thread, v clr.Value) int { return indexIn(t, g, v, 0, len(g.elems)) }

// Add and what follows is refused, as in .NET.
func (g *Grouping) Add(t *clr.Thread, _ clr.Value) { g.refuse(t) }

// Remove is refused.
func (g *Grouping) Remove(t *clr.Thread, _ clr.Value) bool { g.refuse(t); return false }

// Clear is refused.
func (g *Grouping) Clear(t *clr.Thread) { g.refuse(t) }

// SetAt is refused.
func (g *Grouping) SetAt(t *clr.Thread, _ int, _ clr.Value) { g.refuse(t) }

// Insert is refused.
func (g *Grouping) Insert(t *clr.Thread, _ int, _ clr.Value) { g.refuse(t) }

// RemoveAt is refused.
func (g *Grouping) RemoveAt(t *clr.Thread, _ int) { g.refuse(t) }

func (g *Grouping) refuse(t *clr.Thread) {
	t.Throw(clr.NotSupportedException, "Specified method is not supported.")
}
