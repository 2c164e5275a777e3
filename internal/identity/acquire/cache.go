package acquire

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cloister-ai/cloister/internal/secret"
)

// Bounds of obtaining tokens.
const (
	// fetchTimeout bounds one attempt, its retries included.
	fetchTimeout = 30 * time.Second
	// early is how long before its end a token is renewed; a fifth of its life
	// where that is shorter.
	early = 5 * time.Minute
	// again is the least time between two renewals of a token that is valid.
	again = 30 * time.Second
	// minHold and maxHold bound how long a failure is answered from memory.
	minHold = time.Second
	maxHold = 15 * time.Second
	// maxToken is the largest token that is taken, in bytes: a header has to
	// hold it.
	maxToken = 64 << 10
)

// token is what a fetch obtained. Refresh is when its authority wants it
// renewed; zero: it does not say.
type token struct {
	value            secret.Value
	expires, refresh time.Time
}

// Cache is a [Source] that asks only when it has to. It is safe for
// concurrent use.
type Cache struct {
	kind string
	// key is the same for sources that would obtain the same tokens.
	key   [sha256.Size]byte
	fetch func(context.Context) (token, error)
	opt   Options

	mu      sync.Mutex
	current token
	flight  *flight // nil: nobody asks
	// failed is why the last attempt failed; it counts until retryAt.
	failed   error
	failures int
	retryAt  time.Time
}

// flight is one attempt that any number of callers wait for.
type flight struct {
	done  chan struct{}
	token token
	err   error
}

func newCache(kind string, opt Options, key [sha256.Size]byte, fetch func(context.Context) (token, error)) *Cache {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &Cache{kind: kind, key: key, fetch: fetch, opt: opt}
}

// Token is a valid token and its end. It waits for an attempt only where
// there is no valid token, and no longer than ctx.
func (c *Cache) Token(ctx context.Context) (secret.Value, time.Time, error) {
	c.mu.Lock()
	now := c.opt.Now()
	held := now.Before(c.retryAt)
	if now.Before(c.current.expires) {
		t := c.current
		if !now.Before(t.refresh) && c.flight == nil && !held {
			c.start()
		}
		c.mu.Unlock()
		return t.value, t.expires, nil
	}
	if c.flight == nil {
		if held && c.failed != nil {
			defer c.mu.Unlock()
			return secret.Value{}, time.Time{}, c.failed
		}
		c.start()
	}
	f := c.flight
	c.mu.Unlock()
	select {
	case <-f.done:
		return f.token.value, f.token.expires, f.err
	case <-ctx.Done():
		return secret.Value{}, time.Time{}, &Error{Kind: c.kind, Reason: "the request ended before there was a token", Err: context.Cause(ctx)}
	}
}

// start begins an attempt; c.mu is held. The attempt belongs to no request,
// because others wait for it too; it ends by itself after fetchTimeout.
func (c *Cache) start() {
	f := &flight{done: make(chan struct{})}
	c.flight = f
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
		defer cancel()
		f.token, f.err = c.fetch(ctx)
		c.land(f)
		close(f.done)
	}()
}

// land keeps what an attempt brought.
func (c *Cache) land(f *flight) {
	now := c.opt.Now()
	if f.err == nil {
		f.err = c.check(f.token, now)
	}
	if f.err == nil && c.opt.Minted != nil {
		c.opt.Minted(f.token.value, f.token.expires)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flight = nil
	if f.err != nil {
		f.token = token{}
		c.fail(f.err, now)
		return
	}
	c.failed, c.failures, c.retryAt = nil, 0, now.Add(again)
	c.current = f.token
	c.current.refresh = refreshAt(f.token, now)
}

// fail holds on to an error; c.mu is held.
func (c *Cache) fail(err error, now time.Time) {
	hold := min(minHold<<min(c.failures, 8), maxHold)
	c.failed, c.failures, c.retryAt = err, c.failures+1, now.Add(hold)
	if now.Before(c.current.expires) {
		c.opt.Log.Warn("token not renewed", slog.String("credential", c.kind),
			slog.Time("expires", c.current.expires), slog.Any("error", err))
	}
}

func (c *Cache) check(t token, now time.Time) error {
	fault := func(format string, args ...any) error {
		return &Error{Kind: c.kind, Reason: "the authority gave a token that " + fmt.Sprintf(format, args...)}
	}
	text := t.value.Reveal()
	if text == "" || len(text) > maxToken {
		return fault("has %d bytes", len(text))
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] >= 0x7f {
			return fault("no header can hold")
		}
	}
	if !now.Before(t.expires) {
		return fault("has run out already; is this machine's clock right?")
	}
	return nil
}

// refreshAt is when a token that was obtained now is to be renewed.
func refreshAt(t token, now time.Time) time.Time {
	at := t.expires.Add(-min(early, t.expires.Sub(now)/5))
	if !t.refresh.IsZero() && t.refresh.After(now) && t.refresh.Before(at) {
		return t.refresh
	}
	return at
}

// Seed takes over the token of a source that would obtain the same one, so
// that a reload does not make requests wait. It reports whether it did.
func (c *Cache) Seed(from *Cache) bool {
	if from == nil || from == c || from.key != c.key {
		return false
	}
	from.mu.Lock()
	t := from.current
	from.mu.Unlock()
	if !c.opt.Now().Before(t.expires) {
		return false
	}
	if c.opt.Minted != nil {
		c.opt.Minted(t.value, t.expires)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = t
	return true
}

// asError makes err an [*Error] of this kind, without its text where that
// could hold more than it should.
func asError(kind, where string, seen observation, err error) *Error {
	e := &Error{Kind: kind, Where: where, Status: seen.status, Code: seen.code}
	switch {
	case seen.err != nil:
		e.Reason, e.Err = seen.err.Error(), seen.err
	case seen.status != 0 && seen.status != 200:
		e.Reason = "the answer is no token"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		e.Reason, e.Err = "there was no answer in time", err
	default:
		e.Reason = "the answer cannot be read"
		if seen.status == 0 {
			e.Reason = "no request was sent; the credential's settings or its environment are not usable"
		}
	}
	return e
}
