package collection

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Set is HashSet<T>.
type Set struct {
	T *clr.Type
	table
}

// NewSet makes a HashSet<elem> that compares by cmp, or by Equals where it is
// nil.
func NewSet(t *clr.Thread, elem *clr.Type, cmp EqualityComparer) *Set {
	t.Allocate(128)
	return &Set{T: hashSet.Of(elem), table: table{cmp: cmp}}
}

// Type is the set's.
func (s *Set) Type() *clr.Type { return s.T }

// Len is Count.
func (s *Set) Len() int { return s.count() }

// All goes through the set; a change meanwhile throws.
func (s *Set) All(t *clr.Thread) iter.Seq[clr.Value] {
	return s.entries(t, func(s *slot) clr.Value { return s.key })
}

// Contains reports whether v is in the set.
func (s *Set) Contains(t *clr.Thread, v clr.Value) bool { return s.find(t, v) >= 0 }

// Add is ICollection<T>.Add.
func (s *Set) Add(t *clr.Thread, v clr.Value) { s.add(t, v) }

func (s *Set) add(t *clr.Thread, v clr.Value) bool { return s.put(t, v, clr.Null, true) }

// Remove takes v out. A set that becomes empty begins anew with its first slot,
// which a dictionary does not.
func (s *Set) Remove(t *clr.Thread, v clr.Value) bool {
	_, ok := s.remove(t, v)
	if ok && s.count() == 0 {
		s.slots, s.freed, s.free = s.slots[:0], 0, -1
	}
	return ok
}

// Clear takes everything out.
func (s *Set) Clear(t *clr.Thread) { s.clear(t) }

const setKey = "System.Collections.Generic.HashSet<T>"

func setMembers() funcs {
	set := func(c *clr.Call) *Set { return c.Args[0].O.(*Set) }
	const n = "new " + setKey
	return funcs{
		n + "()":                                     func(c *clr.Call) clr.Value { return clr.Obj(makeSet(c, nil, 0)) },
		n + "(int)":                                  func(c *clr.Call) clr.Value { return clr.Obj(makeSet(c, nil, c.Int(0))) },
		n + "(int, IEqualityComparer<T>)":            func(c *clr.Call) clr.Value { return clr.Obj(makeSet(c, equality(c.Args[1]), c.Int(0))) },
		n + "(IEqualityComparer<T>)":                 func(c *clr.Call) clr.Value { return clr.Obj(makeSet(c, equality(c.Args[0]), 0)) },
		n + "(IEnumerable<T>)":                       copySet,
		n + "(IEnumerable<T>, IEqualityComparer<T>)": copySet,

		setKey + ".Add(T)": func(c *clr.Call) clr.Value { return clr.Bool(set(c).add(c.Thread, c.Args[1])) },
		setKey + ".Clear()": func(c *clr.Call) clr.Value {
			set(c).clear(c.Thread)
			return clr.Null
		},
		setKey + ".Comparer":              func(c *clr.Call) clr.Value { return comparerValue(set(c).cmp, set(c).T.Args[0]) },
		setKey + ".Contains(T)":           func(c *clr.Call) clr.Value { return clr.Bool(set(c).Contains(c.Thread, c.Args[1])) },
		setKey + ".CopyTo(T[])":           copyTo("arrayIndex"),
		setKey + ".CopyTo(T[], int)":      copyTo("arrayIndex"),
		setKey + ".CopyTo(T[], int, int)": copyTo("arrayIndex"),
		setKey + ".Count":                 func(c *clr.Call) clr.Value { return clr.Int(int32(set(c).count())) },
		setKey + ".CreateSetComparer()":   func(c *clr.Call) clr.Value { return clr.Obj(&setComparer{c.Result.Args[0].Args[0]}) },
		setKey + ".EnsureCapacity(int)":   func(c *clr.Call) clr.Value { return ensure(c, &set(c).table) },
		setKey + ".GetEnumerator()": func(c *clr.Call) clr.Value {
			return NewCursor(c.Thread, setEnumerator.Of(set(c).T.Args...), c.Args[0])
		},
		setKey + ".OnDeserialization(object)": func(c *clr.Call) clr.Value { return clr.Null },
		setKey + ".Remove(T)":                 func(c *clr.Call) clr.Value { return clr.Bool(set(c).Remove(c.Thread, c.Args[1])) },
		setKey + ".RemoveWhere(Predicate<T>)": func(c *clr.Call) clr.Value {
			c.NotNull(1, "match")
			s, n := set(c), int32(0)
			for i := 0; i < len(s.slots); i++ {
				c.Step()
				if s.used(i) {
					if v := s.slots[i].key; c.Invoke(c.Args[1], v).Bool() && s.Remove(c.Thread, v) {
						n++
					}
				}
			}
			return clr.Int(n)
		},
		setKey + ".TrimExcess()": func(c *clr.Call) clr.Value {
			s := set(c)
			if s.count() == 0 {
				s.table = table{cmp: s.cmp, version: s.version + 1}
				return clr.Null
			}
			s.version++
			s.compact(c.Thread, prime(s.count()))
			return clr.Null
		},
		setKey + ".TryGetValue(T, out T)": func(c *clr.Call) clr.Value {
			s := set(c)
			if i := s.find(c.Thread, c.Args[1]); i >= 0 {
				c.Ref(2).Set(s.slots[i].key)
				return clr.Bool(true)
			}
			c.Ref(2).Set(clr.Zero(s.T.Args[0]))
			return clr.Bool(false)
		},
	}
}

func makeSet(c *clr.Call, cmp EqualityComparer, capacity int) *Set {
	s := NewSet(c.Thread, c.In.Args[0], cmp)
	if capacity < 0 {
		throwOutOfRange(c.Thread, "capacity")
	}
	if capacity > 0 {
		s.resize(c.Thread, prime(capacity))
	}
	return s
}

func copySet(c *clr.Call) clr.Value {
	c.NotNull(0, "collection")
	s := makeSet(c, equality(c.Get(1)), 0)
	if from, ok := c.Args[0].O.(*Set); ok && from.cmp == s.cmp {
		s.copyFrom(c.Thread, from)
		return clr.Obj(s)
	}
	if n := countOf(c.Args[0]); n > 0 {
		s.resize(c.Thread, prime(n))
	}
	for v := range source(c.Thread, c.Args[0], "collection", c.In.Args[0]).All(c.Thread) {
		s.add(c.Thread, v)
	}
	if n := s.count(); n > 0 && s.capacity/n > 3 { // many came twice
		s.compact(c.Thread, prime(n))
	}
	return clr.Obj(s)
}

// copyFrom takes over another set's slots as they are, free ones too, or moves
// its elements together where many are free.
func (s *Set) copyFrom(t *clr.Thread, from *Set) {
	n := from.count()
	if n == 0 {
		return
	}
	s.table = from.copyOf(t)
	if expandPrime(n+1) < from.capacity {
		s.compact(t, prime(n))
	}
}

// setComparer is HashSet<T>.CreateSetComparer(): sets are equal that hold the
// same, each by the comparer of its own.
type setComparer struct{ elem *clr.Type }

func (s *setComparer) Type() *clr.Type { return setEquality.Of(s.elem) }

func (s *setComparer) Equal(t *clr.Thread, a, b clr.Value) bool {
	x, _ := a.O.(*Set)
	y, _ := b.O.(*Set)
	switch {
	case x == nil || y == nil:
		return x == nil && y == nil
	case x.cmp == y.cmp:
		return x.count() == y.count() && x.hasAll(t, y)
	}
	return y.mutual(t, x)
}

// mutual compares two sets whose comparers differ, by Equals alone.
func (s *Set) mutual(t *clr.Thread, o *Set) bool {
	for v := range s.All(t) {
		found := false
		for w := range o.All(t) {
			if t.Equal(v, w) {
				found = true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

func (s *setComparer) Hash(t *clr.Thread, v clr.Value) uint64 {
	var n uint64
	for e := range v.O.(*Set).All(t) {
		n ^= t.Hash(e)
	}
	return n
}
