package limit

import (
	"hash/maphash"
	"sync"
)

// Counter counts what named callers hold open, such as WebSockets of a
// subscription. The zero value is not ready; see [NewCounter]. A name costs
// memory only while it holds something.
type Counter struct {
	seed   maphash.Seed
	shards [counterShards]counterShard
}

const counterShards = 16

type counterShard struct {
	mu   sync.Mutex // guards the rest
	open map[string]int
}

// NewCounter makes an empty one.
func NewCounter() *Counter { return &Counter{seed: maphash.MakeSeed()} }

// Begin counts one for a name, unless it holds most already (0: no bound).
// What it let begin has to be given back by [Counter.End].
func (c *Counter) Begin(name string, most int) bool {
	s := c.of(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if most > 0 && s.open[name] >= most {
		return false
	}
	if s.open == nil {
		s.open = make(map[string]int)
	}
	s.open[name]++
	return true
}

// End gives back one that Begin let begin.
func (c *Counter) End(name string) {
	s := c.of(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[name] > 1 {
		s.open[name]--
		return
	}
	delete(s.open, name)
	if len(s.open) == 0 {
		s.open = nil
	}
}

// Held is how many a name holds.
func (c *Counter) Held(name string) int {
	s := c.of(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[name]
}

func (c *Counter) of(name string) *counterShard {
	return &c.shards[maphash.String(c.seed, name)%counterShards]
}
