package cache

import (
	"context"
	"sync"
	"time"
)

// Memory is a [Cache] in process. It never fails but with [ErrTooLarge].
type Memory struct {
	now func() time.Time

	mu   sync.Mutex // guards list and byKey
	list lru[memoryEntry]
	// byKey are the nodes of list.
	byKey map[string]*node[memoryEntry]
}

type memoryEntry struct {
	key    string
	value  []byte
	stored time.Time
}

// NewMemory makes an empty one.
func NewMemory(o Options) *Memory {
	o.complete(defaultEntries)
	return &Memory{now: o.Now, list: newLRU[memoryEntry](&o), byKey: map[string]*node[memoryEntry]{}}
}

// Get is [Cache.Get].
func (m *Memory) Get(_ context.Context, key string) (Item, bool, error) {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.byKey[key]
	if n == nil {
		return Item{}, false, nil
	}
	if !now.Before(n.expires) {
		m.drop(n)
		return Item{}, false, nil
	}
	m.list.touch(n)
	return Item{Value: n.it.value, Stored: n.it.stored, Expires: n.expires}, true, nil
}

// Set is [Cache.Set].
func (m *Memory) Set(_ context.Context, key string, value []byte, lasts time.Duration) error {
	now := m.now()
	n := &node[memoryEntry]{
		it: memoryEntry{key, value, now}, size: int64(len(key)+len(value)) + overhead, expires: now.Add(lasts),
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if was := m.byKey[key]; was != nil {
		m.drop(was)
	}
	switch {
	case lasts <= 0:
		return nil
	case !m.list.fits(n.size):
		return ErrTooLarge
	}
	m.byKey[key] = n
	m.list.push(n)
	for old := m.list.over(); old != nil; old = m.list.over() {
		m.drop(old)
	}
	return nil
}

// Remove is [Cache.Remove].
func (m *Memory) Remove(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := m.byKey[key]; n != nil {
		m.drop(n)
	}
	return nil
}

func (m *Memory) drop(n *node[memoryEntry]) {
	m.list.drop(n)
	delete(m.byKey, n.it.key)
}

// Size is how many entries there are, those that have expired included, and how
// many bytes they take.
func (m *Memory) Size() (entries int, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.list.entries, m.list.bytes
}
