package simulate

import (
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cloister-ai/cloister/internal/limit"
	"github.com/cloister-ai/cloister/internal/policy"
)

// World is what outlives a request. It belongs to one goroutine at a time.
type World struct {
	services policy.Services
	run      *running
	turns    turns

	mu  sync.Mutex // guards now, which goroutines of libraries read too
	now time.Time
}

func (w *World) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// NewWorld begins with empty counters and caches, and a clock that stands at now.
func NewWorld(now time.Time) *World {
	w := &World{now: now}
	clock := w.clock
	w.turns = turns{now: clock, set: w.Set, current: &sleeper{turn: make(chan struct{}, 1)}}
	w.services = policy.Services{
		Now: clock, Random: newRandom("cloister"), Sleep: w.turns.sleep, Turns: &w.turns,
		Calls: calls{w}, Events: events{w}, Metrics: metrics{w},
		Counters: limit.NewCounters(clock), Tokens: limit.NewTokens(clock), Caches: policy.NewCaches(0, clock),
		KeySets: keySets{w}, Identities: identities{w}, Authorizations: authorizations{w},
	}
	return w
}

// Advance moves the clock on.
func (w *World) Advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// Set puts the clock; it does not go back.
func (w *World) Set(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.After(w.now) {
		w.now = now
	}
}

// newRandom gives the same bytes for the same seed.
func newRandom(seed string) io.Reader { return rand.NewChaCha8(sha256.Sum256([]byte(seed))) }
