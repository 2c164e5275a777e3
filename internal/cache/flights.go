package cache

import (
	"context"
	"sync"
)

// Flights sees to it that one computes what many want. The zero Flights is
// ready.
type Flights struct {
	mu     sync.Mutex // guards flying
	flying map[string]chan struct{}
}

// Begin makes the caller the one who computes the value of a key, until done is
// called. Where somebody else does, done is nil, and landed is closed when they
// have done.
func (f *Flights) Begin(key string) (done func(), landed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.flying[key]; c != nil {
		return nil, c
	}
	if f.flying == nil {
		f.flying = map[string]chan struct{}{}
	}
	c := make(chan struct{})
	f.flying[key] = c
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.flying[key] == c {
			delete(f.flying, key)
			close(c)
		}
	}, nil
}

// Wait waits for one who computes, as long as the context lasts.
func Wait(ctx context.Context, landed <-chan struct{}) error {
	select {
	case <-landed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
