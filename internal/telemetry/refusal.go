package telemetry

import (
	"net/netip"
	"sync"
	"time"
)

// maxRefusals bounds the sources that are told apart within one second. What
// comes from more is counted per cause, as source "many".
const maxRefusals = 4096

// refusal is what refusals are counted by.
type refusal struct {
	source netip.Addr
	cause  string
}

// refusals counts what was refused early, for one second, then hands one line
// per source and cause to the recorder. The second begins with its first
// refusal.
type refusals struct {
	r *Recorder

	// mu guards the rest.
	mu     sync.Mutex
	began  time.Time
	counts map[refusal]int64
	timer  *time.Timer
	closed bool
}

func (f *refusals) init(r *Recorder) {
	f.r = r
	f.counts = make(map[refusal]int64)
}

func (f *refusals) add(source netip.Addr, cause string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := refusal{source.Unmap(), cause}
	if _, known := f.counts[key]; !known && len(f.counts) >= maxRefusals {
		key.source = netip.Addr{}
	}
	if len(f.counts) == 0 {
		f.began = f.r.opt.Now()
		if !f.closed {
			f.timer = time.AfterFunc(time.Second, f.flush)
		}
	}
	f.counts[key]++
	if f.closed {
		f.writeLocked()
	}
}

func (f *refusals) flush() {
	f.mu.Lock()
	counts, began := f.counts, f.began
	f.counts = make(map[refusal]int64)
	f.mu.Unlock()
	// Outside the lock: the recorder may block, early refusals must not.
	f.write(counts, began)
}

func (f *refusals) writeLocked() {
	counts := f.counts
	f.counts = make(map[refusal]int64)
	f.write(counts, f.began)
}

func (f *refusals) write(counts map[refusal]int64, began time.Time) {
	var line []byte
	for key, n := range counts {
		e := encoder{buf: line[:0]}
		e.head(began, "WARN", MsgRefused, f.r.opt.Site)
		if key.source.IsValid() {
			e.addr("source", key.source)
		} else {
			e.str("source", "many")
		}
		e.str("cause", key.cause)
		e.int("count", n)
		e.tail()
		line = e.buf
		f.r.add(line)
	}
}

// close writes what was counted; later refusals are written at once.
func (f *refusals) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.timer != nil {
		f.timer.Stop()
	}
	f.closed = true
	f.writeLocked()
}
