package admin

import (
	"sync"
	"time"

	"github.com/cloister-ai/cloister/internal/audit"
)

// reads keeps who looks again and again, as a monitor and "audit tail -f" do,
// from filling the log with its looking: of equal reads one a minute is put on
// record. Acts, refusals and failures always are.
type reads struct {
	mu   sync.Mutex // guards last
	last map[read]time.Time
}

type read struct{ actor, action, target, outcome string }

const (
	readEvery = time.Minute
	// maxReads bounds what is remembered; beyond it all is forgotten.
	maxReads = 1024
)

// first reports whether the record stands for a read that has none this minute.
func (r *reads) first(rec *audit.Record) bool {
	key := read{rec.Actor, rec.Action, rec.Target, rec.Outcome}
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, again := r.last[key]; again && rec.Time.Sub(at) < readEvery && !rec.Time.Before(at) {
		return false
	}
	if r.last == nil || len(r.last) >= maxReads {
		r.last = map[read]time.Time{}
	}
	r.last[key] = rec.Time
	return true
}
