package limit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func askRate(t testing.TB, r *Rates, ask Rate) RateState {
	t.Helper()
	s, err := r.Ask(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRate(t *testing.T) {
	c := newClock()
	r := NewRates(c.now)
	ask := Rate{Key: Key{ByKey, "a"}, Calls: 3, Period: 10 * time.Second, Count: 1}
	want := func(count int, want RateState) {
		t.Helper()
		ask.Count = count
		if got := askRate(t, r, ask); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	want(1, RateState{Pass: true, Remaining: 2})
	c.pass(4 * time.Second)
	want(1, RateState{Pass: true, Remaining: 1})
	want(0, RateState{Pass: true, Remaining: 1})
	want(2, RateState{Remaining: 1, RetryAfter: 6 * time.Second})
	want(4, RateState{Remaining: 1, RetryAfter: 10 * time.Second})
	want(1, RateState{Pass: true})
	want(1, RateState{RetryAfter: 6 * time.Second})
	want(0, RateState{RetryAfter: 6 * time.Second})
	want(2, RateState{RetryAfter: 10 * time.Second})
	c.pass(6*time.Second - 1)
	want(1, RateState{RetryAfter: 1})
	c.pass(1)
	want(1, RateState{Pass: true})
	c.pass(4 * time.Second)
	want(2, RateState{Pass: true})

	ask.Late = true
	want(5, RateState{Pass: true})
	ask.Late = false
	want(1, RateState{RetryAfter: 10 * time.Second})

	// Other keys, families and periods are others' business.
	for _, other := range []Rate{
		{Key: Key{ByKey, "b"}, Calls: 1, Period: 10 * time.Second, Count: 1},
		{Key: Key{BySubscription, "a"}, Calls: 1, Period: 10 * time.Second, Count: 1},
		{Key: Key{ByKey, "a"}, Calls: 1, Period: 11 * time.Second, Count: 1},
		{Key: Key{ByKey, strings.Repeat("long", 100)}, Calls: 1, Period: 10 * time.Second, Count: 1},
		{Key: Key{ByKey, strings.Repeat("long", 101)}, Calls: 1, Period: 10 * time.Second, Count: 1},
	} {
		if s := askRate(t, r, other); !s.Pass {
			t.Errorf("%+v: %+v", other, s)
		}
		if s := askRate(t, r, other); s.Pass {
			t.Errorf("%+v passes again", other)
		}
	}
	// Nothing passes where nothing may.
	if s := askRate(t, r, Rate{Period: time.Second, Count: 1}); s.Pass || s.RetryAfter != time.Second {
		t.Errorf("a limit of 0: %+v", s)
	}
}

// TestRateNeverTooMany: random calls at random times. No period holds more than
// may pass, and nothing is refused that a log of all calls would let pass more
// than a 60th of the period earlier.
func TestRateNeverTooMany(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		c := newClock()
		r := NewRates(c.now)
		begun := c.at
		calls, period := 1+random.IntN(300), time.Duration(1+random.IntN(300))*time.Second
		var passed []moment
		sum := func(from, to time.Duration) (n int64) {
			for i := len(passed) - 1; i >= 0 && passed[i].at > from; i-- {
				if passed[i].at <= to {
					n += passed[i].n
				}
			}
			return n
		}
		for range 3000 {
			c.pass(time.Duration(random.Int64N(3 * int64(period) / int64(calls))))
			now, count := c.at.Sub(begun), 1+random.IntN(3)
			s := askRate(t, r, Rate{Calls: calls, Period: period, Count: count})
			if s.Pass {
				passed = append(passed, moment{now, int64(count)})
			}
			if n := sum(now-period, now); n > int64(calls) {
				t.Fatalf("seed %d: %d passed in one period, %d may", seed, n, calls)
			} else if s.Pass && s.Remaining > calls-int(n) {
				t.Fatalf("seed %d: %d remain of %d, %d passed", seed, s.Remaining, calls, n)
			}
			slack := period/rateSlots + 1
			if !s.Pass && sum(now-period-slack, now)+int64(count) <= int64(calls) {
				t.Fatalf("seed %d: refused with %d of %d", seed, sum(now-period-slack, now), calls)
			}
			if s.Pass == (s.RetryAfter > 0) || s.RetryAfter > period+slack {
				t.Fatalf("seed %d: %+v", seed, s)
			}
		}
	}
}

// TestRateConcurrent: of many at once exactly as many pass as may.
func TestRateConcurrent(t *testing.T) {
	c := newClock()
	r := NewRates(c.now)
	const calls = 500
	var passed [3]atomic.Int64
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for i := range 300 {
				key := i % len(passed)
				s, err := r.Ask(t.Context(), Rate{Key: Key{ByKey, fmt.Sprint(key)}, Calls: calls, Period: time.Minute, Count: 1})
				if err != nil {
					t.Error(err)
				}
				if s.Pass {
					passed[key].Add(1)
				}
			}
		})
	}
	wg.Wait()
	for i := range passed {
		if n := passed[i].Load(); n != calls {
			t.Errorf("key %d: %d passed, want %d", i, n, calls)
		}
	}
}

// TestRatesAreBounded: keys without end get no room, those that are there keep
// their counts, and idle ones leave.
func TestRatesAreBounded(t *testing.T) {
	c := newClock()
	r := NewRates(c.now)
	first := Rate{Key: Key{ByKey, "first"}, Calls: 1, Period: time.Minute, Count: 1}
	askRate(t, r, first)
	full := 0
	for i := range 2 * rateKeys {
		_, err := r.Ask(t.Context(), Rate{Key: Key{ByKey, fmt.Sprint(i)}, Calls: 1, Period: time.Minute, Count: 1})
		if errors.Is(err, ErrFull) {
			full++
		}
	}
	if full < rateKeys || r.kept() > rateKeys {
		t.Errorf("%d found no room, %d are kept", full, r.kept())
	}
	if askRate(t, r, first).Pass {
		t.Error("the flood has given the first its call back")
	}
	if !askRate(t, r, Rate{Key: Key{BySubscription, "first"}, Calls: 1, Period: time.Minute, Count: 1}).Pass {
		t.Error("the flood took the room of another family")
	}
	c.pass(time.Minute)
	for i := range rateKeys {
		askRate(t, r, Rate{Key: Key{ByKey, fmt.Sprint("second", i)}, Calls: 1, Period: time.Second, Count: 1})
		c.pass(time.Second)
	}
	if n := r.kept(); n > 2*fewKeys*rateShards {
		t.Errorf("%d idle keys are kept", n)
	}
}

func (r *Rates) kept() (n int) {
	for i := range r.shards[ByKey] {
		n += len(r.shards[ByKey][i].windows)
	}
	return n
}

// TestRateIsBounded: a window remembers few moments, whatever passes.
func TestRateIsBounded(t *testing.T) {
	c := newClock()
	w := &window{}
	for range 100_000 {
		c.pass(time.Duration(rand.Int64N(int64(10 * time.Millisecond))))
		w.ask(c.at.Sub(time.Unix(1_000_000, 0)), Rate{Calls: 1 << 30, Period: time.Second, Count: 1, Late: true})
		if cap(w.entries) > exactEntries {
			t.Fatalf("%d moments", len(w.entries))
		}
	}
}

// TestRateClockBack: a clock that goes back lets nothing more pass.
func TestRateClockBack(t *testing.T) {
	c := newClock()
	r := NewRates(c.now)
	ask := Rate{Calls: 2, Period: time.Minute, Count: 1}
	askRate(t, r, ask)
	c.pass(-time.Hour)
	askRate(t, r, ask)
	if s := askRate(t, r, ask); s.Pass {
		t.Error("a third passes")
	}
	c.pass(time.Hour + 59*time.Second)
	if s := askRate(t, r, ask); s.Pass {
		t.Error("a third passes before a minute is over")
	}
}

func BenchmarkRate(b *testing.B) {
	r := NewRates(nil)
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprintf("subscription-%d", i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		_, _ = r.Ask(b.Context(), Rate{Key: Key{ByKey, keys[i%len(keys)]}, Calls: 1000, Period: time.Minute, Count: 1})
	}
}
