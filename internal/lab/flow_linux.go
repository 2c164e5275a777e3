package lab

import (
	"net/netip"
	"sync"
)

func addrPort(a netip.Addr, port uint16) netip.AddrPort { return netip.AddrPortFrom(a, port) }

// keptFlows is how many decisions a lab remembers, and how many wait for one who
// reads slowly.
const keptFlows = 4096

// flowLog hands the kernel's decisions on to who listens.
type flowLog struct {
	mu        sync.Mutex
	listeners map[chan Flow]bool
}

// add tells everybody. Who does not read fast enough loses some.
func (l *flowLog) add(f Flow) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.listeners {
		select {
		case c <- f:
		default:
		}
	}
}

// serve sends decisions until the other side goes away.
func (l *flowLog) serve(w *wire) {
	c := make(chan Flow, keptFlows)
	l.mu.Lock()
	if l.listeners == nil {
		l.listeners = map[chan Flow]bool{}
	}
	l.listeners[c] = true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.listeners, c)
		l.mu.Unlock()
	}()
	if w.send(reply{}) != nil { // from here on nothing is missed
		return
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		var nothing request
		w.receive(&nothing)
	}()
	for {
		select {
		case f := <-c:
			if w.send(f) != nil {
				return
			}
		case <-gone:
			return
		}
	}
}

// watch is the outer side of a flowLog: the latest decisions, in a ring.
type watch struct {
	once sync.Once
	err  error
	wire *wire

	mu    sync.Mutex
	ring  []Flow
	next  int
	added chan struct{} // closed when there is another
}

// begin listens; only the first call does something.
func (w *watch) begin(l *Lab) error {
	w.once.Do(func() {
		c, err := l.connect()
		if err != nil {
			w.err = err
			return
		}
		if w.err = c.ask(request{Flows: true}, &reply{}); w.err != nil {
			c.close()
			return
		}
		w.mu.Lock()
		w.wire, w.added = c, make(chan struct{})
		w.mu.Unlock()
		go w.read(c)
	})
	return w.err
}

func (w *watch) read(c *wire) {
	for {
		var f Flow
		if c.receive(&f) != nil {
			return
		}
		c.understood()
		w.mu.Lock()
		if len(w.ring) < keptFlows {
			w.ring = append(w.ring, f)
		} else {
			w.ring[w.next%keptFlows] = f
		}
		w.next++
		close(w.added)
		w.added = make(chan struct{})
		w.mu.Unlock()
	}
}

// of are the decisions about a flow, in their order, and a channel that is
// closed when there may be more.
func (w *watch) of(is func(Flow) bool) (found []Flow, more <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.ring {
		if f := w.ring[(w.next+i)%len(w.ring)]; is(f) {
			found = append(found, f)
		}
	}
	return found, w.added
}

func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wire != nil {
		w.wire.close()
	}
}
