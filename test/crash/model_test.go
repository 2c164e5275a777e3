//go:build linux

package crash

import (
	"fmt"
	"math/rand/v2"
	"sync"
)

// The acts of the model, by their names in the audit log.
const (
	create   = "subscription.create"
	rotate   = "subscription.rotate"
	suspend  = "subscription.suspend"
	activate = "subscription.activate"
	remove   = "subscription.delete"
)

const (
	primary   = 0
	secondary = 1
	active    = "active"
	suspended = "suspended"
)

// act is one key operation.
type act struct {
	action string
	// slot is the key that is rotated.
	slot int
}

func (a act) key() string { return [...]string{"primary", "secondary"}[a.slot] }

// subscription is what must hold of one.
type subscription struct {
	name   string
	exists bool
	state  string
	// keys by slot; empty: there is one, and nobody was told which.
	keys [2]string
	// old are keys that must open nothing.
	old []string
	// busy: an operation is under way, or its outcome is not known.
	busy bool
	// version changes with the begin and the end of every operation.
	version int
	// done are the acknowledged acts since the last check, pending the one
	// whose answer did not come.
	done    []act
	pending *act
	// checked is the version whose keys were last tried.
	checked int
}

// model knows every subscription there ever was.
type model struct {
	mu   sync.Mutex // guards the fields and all subscriptions
	rand *rand.Rand
	subs []*subscription
}

// most is how many subscriptions live at a time.
const most = 30

// next picks an operation and marks its subscription busy; nil: all are.
func (m *model) next() (*subscription, act) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var live, free []*subscription
	for _, s := range m.subs {
		if s.exists {
			live = append(live, s)
			if !s.busy {
				free = append(free, s)
			}
		}
	}
	dice := m.rand.IntN(100)
	if len(live) < 8 || dice < 20 && len(live) < most {
		s := &subscription{name: fmt.Sprintf("s-%04d", len(m.subs)), busy: true, version: 1}
		m.subs = append(m.subs, s)
		return s, act{action: create}
	}
	if len(free) == 0 {
		return nil, act{}
	}
	s := free[m.rand.IntN(len(free))]
	s.busy = true
	s.version++
	switch {
	case dice < 60:
		return s, act{rotate, m.rand.IntN(2)}
	case dice < 85 && s.state == active:
		return s, act{action: suspend}
	case dice < 85:
		return s, act{action: activate}
	}
	return s, act{action: remove}
}

// acknowledge notes what from now on must hold. Keys are what the door showed.
func (m *model) acknowledge(s *subscription, a act, keys [2]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.done = append(s.done, a)
	s.apply(a, keys)
	s.busy = false
	s.version++
}

// lose notes an operation whose answer did not come.
func (m *model) lose(s *subscription, a act) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.pending = &a
	s.version++
}

// apply is what an act does.
func (s *subscription) apply(a act, keys [2]string) {
	switch a.action {
	case create:
		s.exists, s.state, s.keys = true, active, keys
	case rotate:
		s.retire(a.slot)
		s.keys[a.slot] = keys[a.slot]
	case suspend:
		s.state = suspended
	case activate:
		s.state = active
	case remove:
		s.exists = false
		s.retire(primary)
		s.retire(secondary)
	}
}

// retire makes a key an old one. The newest few are remembered.
func (s *subscription) retire(slot int) {
	if s.keys[slot] != "" {
		s.old = append(s.old, s.keys[slot])
		s.old = s.old[max(0, len(s.old)-4):]
	}
	s.keys[slot] = ""
}

// opening is a key that opens now, with its subscription and that one's
// version; nil: there is none.
func (m *model) opening(r *rand.Rand) (s *subscription, key string, version int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for range 20 {
		if len(m.subs) == 0 {
			break
		}
		s := m.subs[max(0, len(m.subs)-1-r.IntN(2*most))]
		key := s.keys[r.IntN(2)]
		if s.exists && !s.busy && s.state == active && key != "" {
			return s, key, s.version
		}
	}
	return nil, "", 0
}

// same says that nothing was done to a subscription since a version.
func (m *model) same(s *subscription, version int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return s.version == version
}

// seeds are the seed's streams of random numbers.
func seeded(seed uint64, stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }
