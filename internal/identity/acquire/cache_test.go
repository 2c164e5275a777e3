package acquire

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloister-ai/cloister/internal/secret"
)

// source is a fetch that counts and can be told to fail or to wait.
type source struct {
	n    atomic.Int64
	fail atomic.Bool
	wait time.Duration
	life time.Duration
}

func (s *source) fetch(ctx context.Context) (token, error) {
	n := s.n.Add(1)
	select {
	case <-time.After(s.wait):
	case <-ctx.Done():
		return token{}, ctx.Err()
	}
	if s.fail.Load() {
		return token{}, &Error{Kind: "test", Reason: fmt.Sprintf("attempt %d", n)}
	}
	return token{value: secret.New(fmt.Sprintf("token-%d", n)), expires: time.Now().Add(s.life)}, nil
}

func text(t *testing.T, c *Cache) string {
	t.Helper()
	v, expires, err := c.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !time.Now().Before(expires) {
		t.Fatal("the token has run out")
	}
	return v.Reveal()
}

func TestCacheAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{wait: time.Second, life: time.Hour}
		c := newCache("test", Options{}, [sha256.Size]byte{}, s.fetch)
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if got := text(t, c); got != "token-1" {
					t.Errorf("got %q", got)
				}
			})
		}
		wg.Wait()
		if n := s.n.Load(); n != 1 {
			t.Errorf("%d attempts for 100 callers at once", n)
		}
	})
}

// TestCacheRenewsEarly: a token is renewed before its end, and nobody waits.
func TestCacheRenewsEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{wait: time.Second, life: time.Hour}
		c := newCache("test", Options{}, [sha256.Size]byte{}, s.fetch)
		text(t, c)
		time.Sleep(time.Hour - early - time.Second)
		if text(t, c); s.n.Load() != 1 {
			t.Fatal("renewed too early")
		}
		time.Sleep(2 * time.Second)
		start := time.Now()
		if got := text(t, c); got != "token-1" || time.Since(start) != 0 {
			t.Fatalf("got %q after %s", got, time.Since(start))
		}
		time.Sleep(2 * time.Second)
		if got := text(t, c); got != "token-2" {
			t.Fatalf("got %q", got)
		}
	})
}

// TestCacheOutlivesFailure: a valid token is given out while renewing fails,
// attempts stay few, and after its end the failure is what callers get.
func TestCacheOutlivesFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: 10 * time.Minute}
		c := newCache("test", Options{}, [sha256.Size]byte{}, s.fetch)
		text(t, c)
		s.fail.Store(true)
		time.Sleep(8*time.Minute + time.Second)
		for range 100 {
			if got := text(t, c); got != "token-1" {
				t.Fatalf("got %q", got)
			}
			time.Sleep(time.Second)
		}
		if n := s.n.Load() - 1; n < 5 || n > 15 {
			t.Errorf("%d attempts in 100 seconds of failure", n)
		}
		time.Sleep(time.Minute)
		if _, _, err := c.Token(t.Context()); !errors.As(err, new(*Error)) {
			t.Fatalf("got %v", err)
		}
		before := s.n.Load()
		for range 1000 {
			c.Token(t.Context())
		}
		if n := s.n.Load() - before; n > 1 {
			t.Errorf("%d attempts in one instant", n)
		}
		s.fail.Store(false)
		time.Sleep(maxHold)
		text(t, c)
	})
}

// TestCacheCallerLeaves: a caller that gives up does not take the attempt
// with it.
func TestCacheCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{wait: 10 * time.Second, life: time.Hour}
		c := newCache("test", Options{}, [sha256.Size]byte{}, s.fetch)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := c.Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		if got := text(t, c); got != "token-1" {
			t.Fatalf("got %q", got)
		}
	})
}

func TestCacheBoundsAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{wait: time.Hour, life: time.Hour}
		c := newCache("test", Options{}, [sha256.Size]byte{}, s.fetch)
		start := time.Now()
		if _, _, err := c.Token(t.Context()); err == nil || time.Since(start) != fetchTimeout {
			t.Fatalf("%v after %s", err, time.Since(start))
		}
	})
}

func TestCacheRefusesTokens(t *testing.T) {
	now := time.Now()
	for name, tok := range map[string]token{
		"empty":   {expires: now.Add(time.Hour)},
		"run out": {value: secret.New("text"), expires: now},
		"newline": {value: secret.New("hidden\r\nX: y"), expires: now.Add(time.Hour)},
		"long":    {value: secret.New(string(make([]byte, maxToken+1))), expires: now.Add(time.Hour)},
	} {
		minted := false
		c := newCache("test", Options{Now: func() time.Time { return now }, Minted: func(secret.Value, time.Time) { minted = true }},
			[sha256.Size]byte{}, func(context.Context) (token, error) { return tok, nil })
		v, _, err := c.Token(t.Context())
		if !errors.As(err, new(*Error)) || !v.IsZero() || minted {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestSeed(t *testing.T) {
	s := &source{life: time.Hour}
	was := newCache("test", Options{}, [sha256.Size]byte{1}, s.fetch)
	text(t, was)
	var minted []string
	opt := Options{Minted: func(v secret.Value, _ time.Time) { minted = append(minted, v.Reveal()) }}
	now := newCache("test", opt, [sha256.Size]byte{1}, s.fetch)
	if !now.Seed(was) || text(t, now) != "token-1" || s.n.Load() != 1 || len(minted) != 1 {
		t.Errorf("the token was not taken over: %d attempts, minted %v", s.n.Load(), minted)
	}
	other := newCache("test", Options{}, [sha256.Size]byte{2}, s.fetch)
	if other.Seed(was) || other.Seed(nil) || text(t, other) != "token-2" {
		t.Error("another credential's token was taken over")
	}
	empty := newCache("test", Options{}, [sha256.Size]byte{1}, s.fetch)
	if newCache("test", Options{}, [sha256.Size]byte{1}, s.fetch).Seed(empty) {
		t.Error("no token was taken over")
	}
}
