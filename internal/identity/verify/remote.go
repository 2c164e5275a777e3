package verify

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// remoteKeys keeps the key set of one issuer fresh. One goroutine fetches;
// requests only ever wait for it.
//
//	key id is in the set        answered from memory, whatever its age up to staleAfter
//	set is missing or stale     one fetch that a request may cause; else keys-unavailable
//	key id is not in the set    the same; else key-unknown
//
// All requests together cause one fetch per askEvery, the first at once, so
// that a rotated key is found without delay and made-up ids cost nothing. An
// id that a fetch did not bring is remembered as unknown. Besides, the set is
// fetched every refreshEvery, after a failure sooner.
type remoteKeys struct {
	fetch func(context.Context) (*KeySet, []KeyProblem, error)
	now   func() time.Time
	log   *slog.Logger
	refreshEvery,
	askEvery,
	staleAfter time.Duration

	current atomic.Pointer[fetched]
	lastErr atomic.Pointer[error]
	kick    chan struct{}

	mu sync.Mutex // guards the fields below
	// round is the fetch that is under way; nil: none.
	round *round
	// asked is when a request last caused a fetch.
	asked time.Time
	// unknown is until when an id is not worth a fetch.
	unknown map[string]time.Time
	// closed: nobody fetches any more.
	closed bool
}

type fetched struct {
	set *KeySet
	at  time.Time
}

type round struct {
	done chan struct{}
	// ok is set before done is closed.
	ok bool
}

func newRound() *round { return &round{done: make(chan struct{})} }

const (
	unknownFor  = 5 * time.Minute
	maxUnknown  = 1024
	minRetry    = time.Second
	maxRetry    = time.Minute
	longestWait = fetchTimeout + time.Second
)

// run fetches until ctx ends.
func (r *remoteKeys) run(ctx context.Context) {
	var wait, retry time.Duration
	if f := r.current.Load(); f != nil {
		wait = max(0, r.refreshEvery-r.now().Sub(f.at))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			r.close()
			return
		case <-timer.C:
		case <-r.kick:
		}
		r.begin()
		ok := r.refresh(ctx)
		if ok {
			wait, retry = r.refreshEvery, 0
		} else {
			retry = min(max(minRetry, 2*retry), maxRetry)
			wait = retry
		}
		r.finish(ok)
		timer.Reset(wait)
	}
}

// begin joins the round that a request began, or begins one.
func (r *remoteKeys) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.round == nil {
		r.round = newRound()
	}
	select { // A kick that came while the timer fired is served by this round.
	case <-r.kick:
	default:
	}
}

func (r *remoteKeys) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.finish(false)
}

func (r *remoteKeys) finish(ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.round != nil {
		r.round.ok = ok
		close(r.round.done)
		r.round = nil
	}
}

func (r *remoteKeys) refresh(ctx context.Context) bool {
	set, problems, err := r.fetch(ctx)
	if err != nil {
		r.lastErr.Store(&err)
		if ctx.Err() == nil {
			r.log.WarnContext(ctx, "fetching an issuer's keys failed", "error", err)
		}
		return false
	}
	for _, p := range problems {
		level := slog.LevelDebug
		if p.Alarm {
			level = slog.LevelError
		}
		r.log.Log(ctx, level, "a key of an issuer is not used", "key_id", p.KeyID, "reason", p.Reason)
	}
	if set.Len() == 0 {
		// What the issuer has withdrawn is withdrawn, even if it is all.
		r.log.ErrorContext(ctx, "an issuer has no usable key")
	}
	r.current.Store(&fetched{set, r.now()})
	r.lastErr.Store(nil)
	return true
}

// usable is the set in hand, or nil where there is none that is young enough.
func (r *remoteKeys) usable(now time.Time) *KeySet {
	f := r.current.Load()
	if f == nil || now.Sub(f.at) > r.staleAfter {
		return nil
	}
	return f.set
}

// holds reports whether key is still one of the issuer's.
func (r *remoteKeys) holds(key *Key, now time.Time) bool {
	set := r.usable(now)
	if set == nil {
		return false
	}
	k := set.find(key.ID)
	return k != nil && k.thumb == key.thumb
}

// key is the issuer's key of that id.
func (r *remoteKeys) key(ctx context.Context, id string) (*Key, *Error) {
	k, _, err := r.find(ctx, id)
	return k, err
}

// find is key, with the set that holds it.
func (r *remoteKeys) find(ctx context.Context, id string) (*Key, *KeySet, *Error) {
	if set := r.usable(r.now()); set != nil {
		if k := set.find(id); k != nil {
			return k, set, nil
		}
	}
	waitErr := r.ask(ctx, id)
	set := r.usable(r.now())
	if set == nil {
		if waitErr == nil {
			waitErr = r.failure()
		}
		return nil, nil, refuse(KeysUnavailable, "no key set of the issuer is in hand: %w", waitErr)
	}
	if k := set.find(id); k != nil {
		return k, set, nil
	}
	return nil, nil, refuse(KeyUnknown, "the issuer has no key %.64q", id)
}

func (r *remoteKeys) failure() error {
	if err := r.lastErr.Load(); err != nil {
		return *err
	}
	return fmt.Errorf("a fetch is allowed every %s", r.askEvery)
}

// ask waits for a fetch that could bring the key, where one is under way or
// may be caused. The error is the caller's context's.
func (r *remoteKeys) ask(ctx context.Context, id string) error {
	current := r.join(id)
	if current == nil {
		return nil
	}
	limit := time.NewTimer(longestWait)
	defer limit.Stop()
	select {
	case <-current.done:
	case <-limit.C:
		return context.DeadlineExceeded
	case <-ctx.Done():
		return ctx.Err()
	}
	if current.ok {
		r.remember(id)
	}
	return nil
}

// join is the round to wait for; nil: not worth it.
func (r *remoteKeys) join(id string) *round {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if r.closed || now.Before(r.unknown[id]) {
		return nil
	}
	if r.round != nil {
		return r.round
	}
	if !r.asked.IsZero() && now.Sub(r.asked) < r.askEvery {
		return nil
	}
	r.asked = now
	r.round = newRound()
	select {
	case r.kick <- struct{}{}:
	default:
	}
	return r.round
}

// remember notes an id that the set, just fetched, does not have.
func (r *remoteKeys) remember(id string) {
	now := r.now()
	set := r.usable(now)
	r.mu.Lock()
	defer r.mu.Unlock()
	if set == nil || set.find(id) != nil {
		delete(r.unknown, id)
		return
	}
	if len(r.unknown) >= maxUnknown {
		for old, until := range r.unknown {
			if !now.Before(until) {
				delete(r.unknown, old)
			}
		}
	}
	if len(r.unknown) < maxUnknown {
		r.unknown[id] = now.Add(unknownFor)
	}
}
