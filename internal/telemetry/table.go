package telemetry

import (
	"maps"
	"sync"
	"sync/atomic"
)

// table makes one value per key and keeps it, so that the hot path finds its
// counters without building label values. It holds at most limit keys; what
// comes later shares one value, so that callers cannot make series at will.
// Reading takes no lock: the map is copied when a key is added.
type table[K comparable, V any] struct {
	limit int
	make  func(K) V
	// other is the key under which the overflow is counted.
	other K

	mu      sync.Mutex // guards changes of entries
	entries atomic.Pointer[map[K]V]
}

func newTable[K comparable, V any](limit int, other K, make func(K) V) *table[K, V] {
	t := &table[K, V]{limit: limit, other: other, make: make}
	t.entries.Store(&map[K]V{})
	return t
}

// get returns the value of k, made if there is room for it.
func (t *table[K, V]) get(k K) V {
	if v, ok := (*t.entries.Load())[k]; ok {
		return v
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	old := *t.entries.Load()
	if v, ok := old[k]; ok {
		return v
	}
	if len(old) >= t.limit {
		k = t.other
		if v, ok := old[k]; ok {
			return v
		}
	}
	next := maps.Clone(old)
	next[k] = t.make(k)
	t.entries.Store(&next)
	return next[k]
}

// known returns the value of k if it was made before.
func (t *table[K, V]) known(k K) (V, bool) {
	v, ok := (*t.entries.Load())[k]
	return v, ok
}
