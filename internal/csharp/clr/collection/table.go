package collection

import (
	"hash/maphash"
	"math/bits"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// table is the hash table of Dictionary and HashSet. Its slots stand in the
// order in which they were taken; freed ones are taken again, the last one
// first. That order shows when it is gone through, so it is .NET's.
type table struct {
	cmp EqualityComparer // nil: Equals and GetHashCode
	// buckets hold the first slot of a chain, plus one.
	buckets []int32
	slots   []slot
	free    int32 // the slot to take next, or -1
	freed   int
	// capacity is .NET's, a prime; more slots make it grow.
	capacity int
	version  int
}

type slot struct {
	hash uint64
	// next is the next slot of the chain or -1; of a free slot, freeBase less the
	// next free one.
	next       int32
	key, value clr.Value
}

// freeBase tells free slots from the end of a chain, -1.
const freeBase = -3

// slotSize is what a slot and its bucket take.
const slotSize = 104

// mixSeed differs from process to process. Hashes of numbers are the same
// everywhere; what they are mixed with is not.
var mixSeed = maphash.String(maphash.MakeSeed(), "collection")

func (h *table) count() int { return len(h.slots) - h.freed }

func (h *table) hash(t *clr.Thread, key clr.Value) uint64 {
	var n uint64
	switch {
	case key.O == nil:
	case h.cmp != nil:
		n = h.cmp.Hash(t, key)
	default:
		n = t.Hash(key)
	}
	hi, lo := bits.Mul64(n^mixSeed, 0x9E3779B97F4A7C15)
	return hi ^ lo
}

func (h *table) same(t *clr.Thread, a, b clr.Value) bool {
	if h.cmp != nil {
		return h.cmp.Equal(t, a, b)
	}
	if a.O == clr.Object(clr.String) && b.O == clr.Object(clr.String) {
		return a.S == b.S
	}
	return t.Equal(a, b)
}

// find is the slot of a key, or -1.
func (h *table) find(t *clr.Thread, key clr.Value) int {
	if len(h.buckets) == 0 {
		return -1
	}
	i, _ := h.locate(t, key, h.hash(t, key))
	return i
}

// locate is the slot of a key and the one before it in the chain, or -1.
func (h *table) locate(t *clr.Thread, key clr.Value, hash uint64) (at, before int) {
	if len(h.buckets) == 0 {
		return -1, -1
	}
	before = -1
	for i := int(h.buckets[hash&uint64(len(h.buckets)-1)]) - 1; i >= 0; {
		t.Step()
		s := &h.slots[i]
		if s.hash == hash && h.same(t, s.key, key) {
			return i, before
		}
		before, i = i, int(s.next)
	}
	return -1, -1
}

// insert takes a slot for a key that is not there.
func (h *table) insert(t *clr.Thread, key, value clr.Value, hash uint64) {
	h.version++
	var at int
	if h.freed > 0 {
		at = int(h.free)
		h.free = freeBase - h.slots[at].next
		h.freed--
	} else {
		if len(h.slots) == h.capacity {
			h.resize(t, expandPrime(h.capacity))
		}
		at = len(h.slots)
		h.slots = append(h.slots, slot{})
	}
	b := &h.buckets[hash&uint64(len(h.buckets)-1)]
	h.slots[at] = slot{hash: hash, next: *b - 1, key: key, value: value}
	*b = int32(at) + 1
}

// put sets the value of a key; with add it is only added, and false says that
// it is there.
func (h *table) put(t *clr.Thread, key, value clr.Value, add bool) bool {
	hash := h.hash(t, key)
	if i, _ := h.locate(t, key, hash); i >= 0 {
		if add {
			return false
		}
		h.slots[i].value = value
		h.version++
		return true
	}
	h.insert(t, key, value, hash)
	return true
}

// remove frees the slot of a key.
func (h *table) remove(t *clr.Thread, key clr.Value) (clr.Value, bool) {
	hash := h.hash(t, key)
	i, before := h.locate(t, key, hash)
	if i < 0 {
		return clr.Null, false
	}
	value := h.slots[i].value
	if before < 0 {
		h.buckets[hash&uint64(len(h.buckets)-1)] = h.slots[i].next + 1
	} else {
		h.slots[before].next = h.slots[i].next
	}
	if h.freed == 0 {
		h.free = -1
	}
	h.slots[i] = slot{next: freeBase - h.free}
	h.free = int32(i)
	h.freed++
	h.version++
	return value, true
}

// used reports whether slot i holds an entry.
func (h *table) used(i int) bool { return h.slots[i].next >= -1 }

func (h *table) clear(t *clr.Thread) {
	t.Work(len(h.slots))
	clear(h.slots)
	clear(h.buckets)
	h.slots, h.freed, h.free = h.slots[:0], 0, -1
	h.version++
}

// resize makes room for so many slots.
func (h *table) resize(t *clr.Thread, capacity int) {
	t.Allocate(capacity * slotSize)
	t.Work(len(h.slots))
	slots := make([]slot, len(h.slots), capacity)
	copy(slots, h.slots)
	h.slots, h.capacity = slots, capacity
	h.buckets = make([]int32, 1<<bits.Len(uint(capacity)))
	for i := range h.slots {
		if s := &h.slots[i]; s.next >= -1 {
			b := &h.buckets[s.hash&uint64(len(h.buckets)-1)]
			s.next = *b - 1
			*b = int32(i) + 1
		}
	}
}

// compact moves the entries together, with room for so many slots.
func (h *table) compact(t *clr.Thread, capacity int) {
	t.Work(len(h.slots))
	kept := h.slots[:0]
	for i := range h.slots {
		if h.slots[i].next >= -1 {
			kept = append(kept, h.slots[i])
		}
	}
	h.slots, h.freed, h.free = kept, 0, -1
	h.resize(t, capacity)
}

// copyOf is a table with the same entries in the same slots.
func (h *table) copyOf(t *clr.Thread) table {
	out := *h
	out.buckets, out.slots, out.capacity = nil, h.slots, h.capacity
	if h.capacity > 0 {
		out.resize(t, h.capacity)
	}
	return out
}

// primes are the capacities that .NET's tables grow through, as
// Dictionary.EnsureCapacity shows them.
var primes = [...]int{
	3, 7, 11, 17, 23, 29, 37, 47, 59, 71, 89, 107, 131, 163, 197, 239, 293, 353, 431, 521, 631, 761, 919, 1103, 1327, 1597, 1931, 2333,
	2801, 3371, 4049, 4861, 5839, 7013, 8419, 10103, 12143, 14591, 17519, 21023, 25229, 30293, 36353, 43627, 52361, 62851, 75431, 90523,
	108631, 130363, 156437, 187751, 225307, 270371, 324449, 389357, 467237, 560689, 672827, 807403, 968897, 1162687,
}

// prime is the capacity of at least n. Beyond the list the memory of a run is
// long used up.
func prime(n int) int {
	for _, p := range primes {
		if p >= n {
			return p
		}
	}
	return n | 1
}

func expandPrime(n int) int { return prime(2 * n) }
