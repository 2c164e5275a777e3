package limit

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// handClock is moved by hand.
type handClock struct{ at atomic.Int64 }

func newHandClock() *handClock {
	c := &handClock{}
	c.at.Store(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC).UnixNano())
	return c
}

func (c *handClock) now() time.Time          { return time.Unix(0, c.at.Load()).UTC() }
func (c *handClock) advance(d time.Duration) { c.at.Add(int64(d)) }

// TestTokensTogether: a thousand requests at once never pass a limit by more than
// what one of them was held for, whatever they really take of it.
func TestTokensTogether(t *testing.T) {
	for round := range 20 {
		clock := newHandClock()
		tokens := NewTokens(clock.now)
		r := rand.New(rand.NewPCG(uint64(round), 7))
		limits := TokenLimits{PerMinute: 500 + r.IntN(20_000)}
		if round%2 == 1 {
			limits.Quota, limits.Period = 500+r.IntN(20_000), Daily
		}
		most := limits.PerMinute
		if limits.Quota > 0 {
			most = min(most, limits.Quota)
		}
		var spent, largest, let atomic.Int64
		var wg sync.WaitGroup
		for i := range 1000 {
			prompt, unasked, takes := 1+r.IntN(60), r.IntN(400), r.Float64()
			wg.Go(func() {
				h, v, _ := tokens.Reserve(t.Context(), TokenRequest{Key: "k", TokenLimits: limits, Prompt: prompt, Unasked: unasked}, nil)
				if !v.Allowed {
					return
				}
				let.Add(1)
				estimate := int64(prompt + unasked)
				for old := largest.Load(); estimate > old && !largest.CompareAndSwap(old, estimate); old = largest.Load() {
				}
				completion := int(takes * float64(unasked))
				if i%3 == 0 {
					completion = unasked
				}
				h.Settle(prompt, completion)
				spent.Add(int64(prompt + completion))
			})
		}
		wg.Wait()
		if spent.Load() > int64(most)+largest.Load() {
			t.Errorf("round %d: %d of %d spent, the largest estimate was %d", round, spent.Load(), most, largest.Load())
		}
		if let.Load() == 0 {
			t.Errorf("round %d: nobody was let in", round)
		}
	}
}

// TestTokensOne: what one request may, of a thousand at once one may.
func TestTokensOne(t *testing.T) {
	tokens := NewTokens(newHandClock().now)
	var let atomic.Int32
	var wg sync.WaitGroup
	for range 1000 {
		wg.Go(func() {
			_, v, _ := tokens.Reserve(t.Context(), TokenRequest{Key: "k", TokenLimits: TokenLimits{PerMinute: 100}, Prompt: 60}, nil)
			if v.Allowed {
				let.Add(1)
			}
		})
	}
	wg.Wait()
	if let.Load() != 1 {
		t.Errorf("%d were let in", let.Load())
	}
}

func TestTokensMinute(t *testing.T) {
	clock := newHandClock()
	tokens := NewTokens(clock.now)
	reserve := func(prompt int) (TokenHold, TokenVerdict) {
		h, v, _ := tokens.Reserve(t.Context(), TokenRequest{Key: "k", TokenLimits: TokenLimits{PerMinute: 100}, Prompt: prompt}, nil)
		return h, v
	}
	spend := func(prompt, completion int) {
		t.Helper()
		h, v := reserve(prompt)
		if !v.Allowed {
			t.Fatalf("refused: %+v", v)
		}
		h.Settle(prompt, completion)
	}
	spend(10, 30)
	clock.advance(19 * time.Second)
	spend(10, 30)
	if _, v := reserve(21); v.Allowed || v.OverQuota || v.RetryAfter != 41*time.Second || v.PerMinute != 20 {
		t.Errorf("%+v", v)
	}
	if h, v := reserve(20); !v.Allowed || v.PerMinute != 0 {
		t.Errorf("%+v", v)
	} else {
		h.Settle(20, 100) // more than was held
		h.Settle(0, 0)    // comes too late
	}
	if _, v := reserve(1); v.Allowed || v.RetryAfter != time.Minute {
		t.Errorf("%+v", v)
	}
	clock.advance(60 * time.Second)
	if h, v := reserve(100); !v.Allowed || v.PerMinute != 0 {
		t.Errorf("%+v", v)
	} else if left, _ := h.Left(TokenLimits{PerMinute: 150}); left != 50 {
		t.Errorf("%d left", left)
	}
}

// TestTokensHeld: what is under way counts, however long it takes, and the second
// policy of a request does not count it again.
func TestTokensHeld(t *testing.T) {
	clock := newHandClock()
	tokens := NewTokens(clock.now)
	ask := TokenRequest{Key: "k", TokenLimits: TokenLimits{PerMinute: 100}, Prompt: 50, Unasked: 500}
	h, v, _ := tokens.Reserve(t.Context(), ask, nil)
	if !v.Allowed || v.PerMinute != 50 {
		t.Fatalf("%+v", v)
	}
	clock.advance(10 * time.Minute)
	if _, v, _ := tokens.Reserve(t.Context(), ask, nil); v.Allowed || v.RetryAfter != waitForHolds {
		t.Errorf("what is held was forgotten: %+v", v)
	}
	ask.Quota, ask.Period = 60, Hourly
	if again, v, _ := tokens.Reserve(t.Context(), ask, h); !v.Allowed || again != h || v.PerMinute != 50 || v.Quota != 10 {
		t.Errorf("%+v", v)
	}
	ask.Prompt, ask.PerMinute = 1, 0
	if _, v, _ := tokens.Reserve(t.Context(), ask, nil); v.Allowed || !v.OverQuota || v.RetryAfter != waitForHolds {
		t.Errorf("%+v", v)
	}
	ask.Prompt, ask.PerMinute = 50, 100
	h.Settle(50, 9)
	if _, v, _ := tokens.Reserve(t.Context(), ask, nil); v.Allowed || !v.OverQuota {
		t.Errorf("%+v", v)
	}
	if left, quota := h.Left(ask.TokenLimits); left != 41 || quota != 1 {
		t.Errorf("%d and %d left", left, quota)
	}
}

func TestTokensGuess(t *testing.T) {
	tokens := NewTokens(newHandClock().now)
	ask := TokenRequest{Key: "k", TokenLimits: TokenLimits{PerMinute: 10_000}, Prompt: 10, Guess: true}
	left := func() int {
		h, _, _ := tokens.Reserve(t.Context(), ask, nil)
		defer h.Settle(0, 0)
		n, _ := h.Left(ask.TokenLimits)
		return n
	}
	if got := left(); got != 10_000-10-firstCompletion {
		t.Errorf("%d left", got)
	}
	keep, _, _ := tokens.Reserve(t.Context(), ask, nil) // a key that nobody uses is forgotten
	for range 30 {
		h, _, _ := tokens.Reserve(t.Context(), ask, nil)
		h.Settle(0, 40)
	}
	keep.Settle(0, 0)
	if got := left(); got != 10_000-30*40-10-40 {
		t.Errorf("%d left", got)
	}
	h, _, _ := tokens.Reserve(t.Context(), ask, nil)
	h.Settle(0, 200)
	if got := left(); got != 10_000-30*40-200-10-200 {
		t.Errorf("%d left", got)
	}
	for range 100 {
		h, _, _ := tokens.Reserve(t.Context(), ask, nil)
		h.Settle(0, 8)
	}
	if got := left(); got != 10_000-30*40-200-100*8-10-9 {
		t.Errorf("%d left", got)
	}
}

func TestPeriods(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 8, time.FixedZone("", -7*3600)) // Wednesday, 12:06 UTC
	for p, want := range map[Period][2]string{
		Hourly: {"2026-03-04T12:00:00Z", "2026-03-04T13:00:00Z"},
		Daily:  {"2026-03-04T00:00:00Z", "2026-03-05T00:00:00Z"},
		Weekly: {"2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"}, Monthly: {"2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"},
		Yearly: {"2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
	} {
		begin, end := p.Window(at)
		if got := [2]string{begin.Format(time.RFC3339), end.Format(time.RFC3339)}; got != want {
			t.Errorf("%s: %v, want %v", p, got, want)
		}
	}
	if begin, _ := Weekly.Window(time.Date(2026, 3, 8, 23, 0, 0, 0, time.UTC)); begin.Day() != 2 {
		t.Errorf("the week of a Sunday begins %v", begin)
	}
	clock := newHandClock()
	tokens := NewTokens(clock.now)
	for _, p := range Periods() {
		ask := TokenRequest{Key: string(p), TokenLimits: TokenLimits{Quota: 10, Period: p}, Prompt: 10}
		h, v, _ := tokens.Reserve(t.Context(), ask, nil)
		if !v.Allowed || v.Quota != 0 {
			t.Fatalf("%s: %+v", p, v)
		}
		h.Settle(10, 0)
		_, end := p.Window(clock.now())
		if _, v, _ := tokens.Reserve(t.Context(), ask, nil); v.Allowed || !v.OverQuota || v.RetryAfter != end.Sub(clock.now()) {
			t.Errorf("%s: %+v", p, v)
		}
	}
	clock.advance(366 * 24 * time.Hour)
	for _, p := range Periods() {
		if _, v, _ := tokens.Reserve(t.Context(), TokenRequest{Key: string(p), TokenLimits: TokenLimits{Quota: 10, Period: p}, Prompt: 10}, nil); !v.Allowed {
			t.Errorf("%s: %+v", p, v)
		}
	}
}

// TestTokensClock: a clock that is set back gives no quota anew.
func TestTokensClock(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 1, time.UTC)
	tokens := NewTokens(func() time.Time { return now })
	ask := TokenRequest{Key: "k", TokenLimits: TokenLimits{Quota: 10, Period: Hourly}, Prompt: 10}
	hold, v, _ := tokens.Reserve(t.Context(), ask, nil)
	if !v.Allowed {
		t.Fatal("refused")
	}
	hold.Settle(10, 0)
	now = now.Add(-time.Second)
	if _, v, _ := tokens.Reserve(t.Context(), ask, nil); v.Allowed {
		t.Error("a second back, and the quota is there again")
	}
	now = now.Add(time.Hour + time.Second)
	if _, v, _ := tokens.Reserve(t.Context(), ask, nil); !v.Allowed {
		t.Error("the next hour has no quota")
	}
}

// TestTokensKeys: keys that count nothing are forgotten, and those that find no
// place share a count.
func TestTokensKeys(t *testing.T) {
	clock := newHandClock()
	tokens := NewTokens(clock.now)
	ask := func(key string) TokenVerdict {
		h, v, _ := tokens.Reserve(t.Context(), TokenRequest{Key: key, TokenLimits: TokenLimits{PerMinute: 10}, Prompt: 10}, nil)
		if v.Allowed {
			h.Settle(10, 0)
		}
		return v
	}
	n, refused := 0, 0
	for ; n < tokenShards*maxTokenKeys+1000; n++ {
		if !ask(fmt.Sprint("key", n)).Allowed {
			refused++
		}
	}
	if refused == 0 {
		t.Error("keys without a place count nothing")
	}
	kept := func() (kept int) {
		for i := range tokens.shards {
			kept += len(tokens.shards[i].keys)
		}
		return kept
	}
	if got := kept(); got > tokenShards*(maxTokenKeys+1) {
		t.Errorf("%d keys", got)
	}
	if ask("key0").Allowed {
		t.Error("a key was forgotten while it counts")
	}
	clock.advance(2 * time.Minute)
	for i := range 1000 {
		ask(fmt.Sprint("other", i))
	}
	if got := kept(); got > 1000 {
		t.Errorf("%d keys are kept", got)
	}
	long := strings.Repeat("x", 1<<20)
	if !ask(long+"a").Allowed || !ask(long+"b").Allowed || ask(long+"a").Allowed {
		t.Error("long keys are mistaken for each other")
	}
}

func BenchmarkTokens(b *testing.B) {
	tokens := NewTokens(time.Now)
	b.ReportAllocs()
	for b.Loop() {
		h, v, _ := tokens.Reserve(b.Context(), TokenRequest{Key: "subscription", TokenLimits: TokenLimits{PerMinute: 1 << 50}, Prompt: 10, Unasked: 100}, nil)
		if !v.Allowed {
			b.Fatal(v)
		}
		h.Settle(10, 20)
	}
}
