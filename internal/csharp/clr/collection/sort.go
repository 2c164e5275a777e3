package collection

import (
	"math/bits"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// sorter is .NET's own sort. It is not stable, so how it goes shows where
// elements are equal: an introsort with the median of three, insertion up to
// sixteen elements, and a heap where the halves are too uneven.
type sorter struct {
	t     *clr.Thread
	keys  []clr.Value
	items []clr.Value // moved as the keys are; nil: none
	cmp   func(t *clr.Thread, a, b clr.Value) int
	// bad is what is said where comparing leads out of the keys, because one
	// thing does not always compare as less, equal or greater.
	bad string
}

// badComparer is .NET's sentence about a comparer that contradicts itself.
func badComparer(of clr.Value, t *clr.Type) string {
	name := "null"
	switch {
	case t != nil:
		name = "'" + t.FullName() + "'"
	case of.O != nil:
		name = "'" + of.O.Type().FullName() + "'"
	}
	return "Unable to sort because the IComparer.Compare() method returns inconsistent results. Either a value does not compare equal to itself, or one value repeatedly compared to another value yields different results. IComparer: " + name + "."
}

// sort sorts n keys from place from on, which exist.
func (s *sorter) sort(from, n int) {
	if n < 2 {
		return
	}
	failed(s.t, s.bad, func() { s.intro(from, from+n-1, 2*(bits.Len(uint(len(s.keys)))-1)) })
}

// compare compares two keys; i is the place of one of them.
func (s *sorter) compare(a, b clr.Value) int {
	s.t.Step()
	return s.cmp(s.t, a, b)
}

// at is the key at a place that a bad comparer may have led to.
func (s *sorter) at(i int) clr.Value {
	if uint(i) >= uint(len(s.keys)) {
		s.t.ThrowIndex()
	}
	return s.keys[i]
}

func (s *sorter) swap(a, b int) {
	s.keys[a], s.keys[b] = s.keys[b], s.keys[a]
	if s.items != nil {
		s.items[a], s.items[b] = s.items[b], s.items[a]
	}
}

func (s *sorter) swapIfGreater(a, b int) {
	if a != b && s.compare(s.keys[a], s.keys[b]) > 0 {
		s.swap(a, b)
	}
}

func (s *sorter) intro(lo, hi, depth int) {
	for hi > lo {
		switch size := hi - lo + 1; {
		case size == 2:
			s.swapIfGreater(lo, hi)
			return
		case size == 3:
			s.swapIfGreater(lo, hi-1)
			s.swapIfGreater(lo, hi)
			s.swapIfGreater(hi-1, hi)
			return
		case size <= 16:
			s.insertion(lo, hi)
			return
		case depth == 0:
			s.heap(lo, hi)
			return
		}
		depth--
		p := s.partition(lo, hi)
		s.intro(p+1, hi, depth)
		hi = p - 1
	}
}

func (s *sorter) partition(lo, hi int) int {
	middle := lo + (hi-lo)/2
	s.swapIfGreater(lo, middle)
	s.swapIfGreater(lo, hi)
	s.swapIfGreater(middle, hi)
	pivot := s.keys[middle]
	s.swap(middle, hi-1)
	left, right := lo, hi-1
	for left < right {
		for left++; s.compare(s.at(left), pivot) < 0; left++ {
		}
		for right--; s.compare(pivot, s.at(right)) < 0; right-- {
		}
		if left >= right {
			break
		}
		s.swap(left, right)
	}
	s.at(left)
	s.swap(left, hi-1)
	return left
}

func (s *sorter) insertion(lo, hi int) {
	for i := lo; i < hi; i++ {
		j, key, item := i, s.keys[i+1], clr.Null
		if s.items != nil {
			item = s.items[i+1]
		}
		for j >= lo && s.compare(key, s.keys[j]) < 0 {
			s.move(j+1, j)
			j--
		}
		s.put(j+1, key, item)
	}
}

// move copies what is at from to to; put puts a key and its item there.
func (s *sorter) move(to, from int) {
	s.keys[to] = s.keys[from]
	if s.items != nil {
		s.items[to] = s.items[from]
	}
}

func (s *sorter) put(to int, key, item clr.Value) {
	s.keys[to] = key
	if s.items != nil {
		s.items[to] = item
	}
}

func (s *sorter) heap(lo, hi int) {
	n := hi - lo + 1
	for i := n / 2; i >= 1; i-- {
		s.down(i, n, lo)
	}
	for i := n; i > 1; i-- {
		s.swap(lo, lo+i-1)
		s.down(1, i-1, lo)
	}
}

func (s *sorter) down(i, n, lo int) {
	key, item := s.keys[lo+i-1], clr.Null
	if s.items != nil {
		item = s.items[lo+i-1]
	}
	for i <= n/2 {
		child := 2 * i
		if child < n && s.compare(s.keys[lo+child-1], s.keys[lo+child]) < 0 {
			child++
		}
		if s.compare(key, s.keys[lo+child-1]) >= 0 {
			break
		}
		s.move(lo+i-1, lo+child-1)
		i = child
	}
	s.put(lo+i-1, key, item)
}

// binarySearch is the place of v among n sorted elements from place from on,
// or the complement of where it would stand.
func binarySearch(t *clr.Thread, o clr.Counted, from, n int, v, cmp clr.Value) (found clr.Value) {
	compare := order(cmp)
	failed(t, "", func() {
		lo, hi := from, from+n-1
		for lo <= hi {
			t.Step()
			i := lo + (hi-lo)/2
			switch c := compare(t, o.At(i), v); {
			case c == 0:
				found = clr.Int(int32(i))
				return
			case c < 0:
				lo = i + 1
			default:
				hi = i - 1
			}
		}
		found = clr.Int(int32(^lo))
	})
	return found
}

// comparison is a delegate as a comparer.
func comparison(f clr.Value) func(t *clr.Thread, a, b clr.Value) int {
	return func(t *clr.Thread, a, b clr.Value) int { return int(t.Invoke(f, a, b).Int()) }
}
