package collection

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// setOperationMembers are the operations on sets with others, of HashSet<T> and
// of ISet<T>, which nothing else implements.
func setOperationMembers() funcs {
	out := funcs{}
	for _, key := range []string{setKey, "System.Collections.Generic.ISet<T>"} {
		for name, f := range map[string]func(t *clr.Thread, s *Set, other clr.Value) clr.Value{
			"ExceptWith": exceptWith, "IntersectWith": intersectWith, "SymmetricExceptWith": symmetricExceptWith, "UnionWith": unionWith,
			"IsSubsetOf": isSubset, "IsProperSubsetOf": isProperSubset, "IsSupersetOf": isSuperset, "IsProperSupersetOf": isProperSuperset,
			"Overlaps": overlaps, "SetEquals": setEquals,
		} {
			out[key+"."+name+"(IEnumerable<T>)"] = func(c *clr.Call) clr.Value {
				c.NotNull(1, "other")
				return f(c.Thread, c.Args[0].O.(*Set), c.Args[1])
			}
		}
	}
	out["System.Collections.Generic.ISet<T>.Add(T)"] = func(c *clr.Call) clr.Value {
		return clr.Bool(c.Args[0].O.(*Set).add(c.Thread, c.Args[1]))
	}
	return out
}

// given goes through the other sequence.
func (s *Set) given(t *clr.Thread, other clr.Value) iter.Seq[clr.Value] {
	return source(t, other, "other", s.T.Args[0]).All(t)
}

// like is other as a set with the same comparer, or nil.
func (s *Set) like(other clr.Value) *Set {
	if o, ok := other.O.(*Set); ok && o.cmp == s.cmp {
		return o
	}
	return nil
}

// length is how many elements other has, where that is known.
func length(other clr.Value) (n int, known bool) {
	if o, ok := other.O.(Sized); ok {
		return o.Len(), true
	}
	return 0, false
}

func unionWith(t *clr.Thread, s *Set, other clr.Value) clr.Value {
	for v := range s.given(t, other) {
		s.add(t, v)
	}
	return clr.Null
}

func exceptWith(t *clr.Thread, s *Set, other clr.Value) clr.Value {
	switch {
	case s.count() == 0:
	case other.O == clr.Object(s):
		s.clear(t)
	default:
		for v := range s.given(t, other) {
			s.Remove(t, v)
		}
	}
	return clr.Null
}

func intersectWith(t *clr.Thread, s *Set, other clr.Value) clr.Value {
	if s.count() == 0 || other.O == clr.Object(s) {
		return clr.Null
	}
	if n, known := length(other); known && n == 0 {
		s.clear(t)
		return clr.Null
	}
	var keep map[int]bool
	if o := s.like(other); o != nil {
		keep = s.marks(t, func(v clr.Value) bool { return o.Contains(t, v) })
	} else {
		keep = s.found(t, other, nil)
	}
	for i := range s.slots {
		t.Step()
		if i < len(s.slots) && s.used(i) && !keep[i] {
			s.Remove(t, s.slots[i].key)
		}
	}
	return clr.Null
}

// marks are the slots whose elements fit.
func (s *Set) marks(t *clr.Thread, fits func(clr.Value) bool) map[int]bool {
	t.Allocate(s.count() * 16)
	out := map[int]bool{}
	for i := range s.slots {
		t.Step()
		if s.used(i) && fits(s.slots[i].key) {
			out[i] = true
		}
	}
	return out
}

// found are the slots of what is in other; missing counts what is not in s.
func (s *Set) found(t *clr.Thread, other clr.Value, missing *int) map[int]bool {
	t.Allocate(s.count() * 16)
	out := map[int]bool{}
	for v := range s.given(t, other) {
		if i := s.find(t, v); i >= 0 {
			out[i] = true
		} else if missing != nil {
			*missing++
		}
	}
	return out
}

func symmetricExceptWith(t *clr.Thread, s *Set, other clr.Value) clr.Value {
	switch o := s.like(other); {
	case s.count() == 0:
		return unionWith(t, s, other)
	case other.O == clr.Object(s):
		s.clear(t)
	case o != nil:
		for v := range o.All(t) {
			if !s.Remove(t, v) {
				s.add(t, v)
			}
		}
	default:
		s.symmetric(t, other)
	}
	return clr.Null
}

// symmetric takes out what was there and is in other; what other brings itself
// stays, however often it comes.
func (s *Set) symmetric(t *clr.Thread, other clr.Value) {
	gone, brought := map[int]bool{}, map[int]bool{}
	for v := range s.given(t, other) {
		t.Allocate(16)
		i := s.find(t, v)
		if i < 0 {
			s.add(t, v)
			brought[s.find(t, v)] = true
		} else if !brought[i] {
			gone[i] = true
		}
	}
	for i := range s.slots {
		if i < len(s.slots) && gone[i] {
			s.Remove(t, s.slots[i].key)
		}
	}
}

// hasAll reports whether everything of other is in s.
func (s *Set) hasAll(t *clr.Thread, other clr.Sequence) bool {
	for v := range other.All(t) {
		if !s.Contains(t, v) {
			return false
		}
	}
	return true
}

func (s *Set) containsAll(t *clr.Thread, other clr.Value) bool {
	for v := range s.given(t, other) {
		if !s.Contains(t, v) {
			return false
		}
	}
	return true
}

func isSubset(t *clr.Thread, s *Set, other clr.Value) clr.Value {
	if s.count() == 0 || other.O == clr.Object(s) {
		return clr.Bool(true)
	}
	if o := s.like(other); o != nil {
		return clr.Bool(s.count() <= o.count() && o.hasAll(t, s))
	}
	return clr.Bool(len(s.found(t, other, nil)) == s.count())
}

func isProperSubset(t *clr.Thread, s *Set, other clr.Value) clr.Value {
	if other.O == clr.Object(s) {
		return clr.Bool(false)
	}
	if n, known := length(other); known && (n == 0 || s.count() == 0) {
		return clr.Bool(n > 0)
	}
	if o := s.like(other); o != nil {
		return clr.Bool(s.count() < o.count() && o.hasAll(t, s))
	}
	missing := 0
	found := s.found(t, other, &missing)
	return clr.Bool(len(found) == s.count() && missing > 0)
}

func isSuperset(t *clr.Thread, s *Set, other clr.Value) clr.Value {
	if n, known := length(other); known && n == 0 || other.O == clr.Object(s) {
		return clr.Bool(true)
	}
	if o := s.like(other); o != nil && o.count() > s.count() {
		return clr.Bool(false)
	}
	return clr.Bool(s.containsAll(t, other))
}

func isProperSuperset(t *clr.Thread, s *Set, other clr.Value) clr.Value {
	if s.count() == 0 || other.O == clr.Object(s) {
		return clr.Bool(false)
	}
	if n, known := length(other); known && n == 0 {
		return clr.Bool(true)
	}
	if o := s.like(other); o != nil {
		return clr.Bool(o.count() < s.count() && s.hasAll(t, o))
	}
	missing := 0
	found := s.found(t, other, &missing)
	return clr.Bool(len(found) < s.count() && missing == 0)
}

func overlaps(t *clr.Thread, s *Set, other clr.Value) clr.Value {
	if s.count() == 0 {
		return clr.Bool(false)
	}
	for v := range s.given(t, other) {
		if s.Contains(t, v) {
			return clr.Bool(true)
		}
	}
	return clr.Bool(false)
}

func setEquals(t *clr.Thread, s *Set, other clr.Value) clr.Value {
	if other.O == clr.Object(s) {
		return clr.Bool(true)
	}
	if o := s.like(other); o != nil {
		return clr.Bool(o.count() == s.count() && s.hasAll(t, o))
	}
	if n, known := length(other); known && n > 0 && s.count() == 0 {
		return clr.Bool(false)
	}
	missing := 0
	found := s.found(t, other, &missing)
	return clr.Bool(len(found) == s.count() && missing == 0)
}
