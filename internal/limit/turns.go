package limit

import (
	"context"
	"net/netip"
	"sync"
)

// Turns bounds how much is done at once, and shares it out: clients that wait
// take turns, however many they ask for at once. A queue in order of arrival
// would let one client with a thousand handshakes make everybody wait for a
// thousand.
type Turns struct {
	mu   sync.Mutex // guards the rest
	free int
	// waiting has a queue for each client that waits, and order holds those
	// clients, the next first.
	waiting map[network][]*turn
	order   []network
}

// turn is one that waits.
type turn struct {
	ready   chan struct{} // closed once it is its turn
	granted bool
	gone    bool // it waits no longer
}

// NewTurns makes turns of which most may be under way at once; at least one.
func NewTurns(most int) *Turns {
	return &Turns{free: max(1, most), waiting: map[network][]*turn{}}
}

// Take waits for a client's turn, or for ctx, whose error it then returns.
// What was taken has to be given back by [Turns.Give].
func (t *Turns) Take(ctx context.Context, client netip.Addr) error {
	w := t.join(clientOf(client))
	if w == nil {
		return nil
	}
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if w.granted { // in the same moment
		t.next()
	}
	w.gone = true
	return ctx.Err()
}

// join takes what is free, or returns a place in the queue.
func (t *Turns) join(n network) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.free > 0 {
		t.free--
		return nil
	}
	w := &turn{ready: make(chan struct{})}
	if len(t.waiting[n]) == 0 {
		t.order = append(t.order, n)
	}
	t.waiting[n] = append(t.waiting[n], w)
	return w
}

// Give ends a turn.
func (t *Turns) Give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next()
}

// next hands a turn that ended to whoever is first in the queue of the client
// whose turn it is.
func (t *Turns) next() {
	for len(t.order) > 0 {
		n := t.order[0]
		t.order = t.order[1:]
		queue := t.waiting[n]
		for len(queue) > 0 && queue[0].gone {
			queue = queue[1:]
		}
		if len(queue) == 0 {
			delete(t.waiting, n)
			continue
		}
		w := queue[0]
		if len(queue) == 1 {
			delete(t.waiting, n)
		} else {
			t.waiting[n] = queue[1:]
			t.order = append(t.order, n)
		}
		w.granted = true
		close(w.ready)
		return
	}
	t.free++
}
