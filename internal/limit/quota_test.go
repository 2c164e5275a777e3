package limit

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func askQuota(t testing.TB, q *Quotas, ask Quota) QuotaState {
	t.Helper()
	s, err := q.Ask(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestQuota(t *testing.T) {
	c := &clock{time.Date(2026, 3, 1, 12, 0, 20, 0, time.UTC)}
	q := NewQuotas(c.now)
	ask := Quota{
		Key: Key{ByKey, "a"}, Calls: 2, Bytes: 100, Period: time.Minute,
		First: time.Date(2030, 1, 1, 0, 0, 30, 0, time.UTC), // also before it
	}
	want := func(count, moved int64, want QuotaState) {
		t.Helper()
		ask.Count, ask.Moved = count, moved
		if got := askQuota(t, q, ask); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	want(1, 0, QuotaState{Pass: true, ReplenishedIn: 10 * time.Second})
	want(2, 0, QuotaState{ReplenishedIn: 10 * time.Second})
	want(1, 0, QuotaState{Pass: true, ReplenishedIn: 10 * time.Second})
	want(1, 0, QuotaState{ReplenishedIn: 10 * time.Second})
	want(0, 0, QuotaState{ReplenishedIn: 10 * time.Second})
	c.pass(10*time.Second - 1)
	want(0, 0, QuotaState{ReplenishedIn: 1})
	c.pass(1)
	want(1, 0, QuotaState{Pass: true, ReplenishedIn: time.Minute})
	ask.Late = true
	want(0, 1000, QuotaState{Pass: true, ReplenishedIn: time.Minute})
	ask.Late = false
	want(1, 0, QuotaState{Bandwidth: true, ReplenishedIn: time.Minute})
	c.pass(-time.Hour) // a clock that goes back gives nothing
	want(1, 0, QuotaState{Bandwidth: true, ReplenishedIn: time.Minute})
	c.pass(time.Hour + time.Minute)
	want(1, 0, QuotaState{Pass: true, ReplenishedIn: time.Minute})

	ever := Quota{Key: Key{ByKey, "a"}, Calls: 1, Bytes: NoBound, Count: 1}
	if s := askQuota(t, q, ever); s != (QuotaState{Pass: true}) {
		t.Errorf("%+v", s)
	}
	c.pass(1000 * time.Hour)
	if s := askQuota(t, q, ever); s.Pass {
		t.Error("a quota for ever began anew")
	}
	if s := askQuota(t, q, Quota{Calls: NoBound, Bytes: NoBound, Count: 1, Moved: 1}); !s.Pass {
		t.Error("no bound bounds")
	}
	if s := askQuota(t, q, Quota{Key: Key{ByKey, "none"}, Bytes: NoBound, Count: 1}); s.Pass {
		t.Error("a quota of 0 lets something pass")
	}
}

// TestQuotaWindows: windows begin at the first and at whole periods from it.
func TestQuotaWindows(t *testing.T) {
	for _, row := range []struct{ now, first, period, want string }{
		{"2026-03-01T11:29:58Z", "0001-01-01T00:00:00Z", "1h", "30m2s"},
		{"2026-03-01T11:29:58Z", "2026-03-01T11:29:58Z", "1h", "1h"},
		{"2026-03-01T11:29:58Z", "2026-03-01T11:29:57Z", "1h", "59m59s"},
		{"2026-03-01T11:29:58Z", "2026-03-01T11:29:59Z", "1h", "1s"},
		{"2026-03-01T11:29:58.25Z", "2030-01-01T00:00:59Z", "1m", "750ms"},
		{"1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "1h", "1s"},
		{"2026-03-01T00:00:01Z", "2026-02-27T00:00:00Z", "336h", "287h59m59s"},
	} {
		now, _ := time.Parse(time.RFC3339, row.now)
		first, _ := time.Parse(time.RFC3339, row.first)
		period, _ := time.ParseDuration(row.period)
		want, _ := time.ParseDuration(row.want)
		q := NewQuotas(func() time.Time { return now })
		if got := askQuota(t, q, Quota{Calls: 1, Bytes: NoBound, Period: period, First: first}).ReplenishedIn; got != want {
			t.Errorf("%s from %s each %s: %v, want %v", row.now, row.first, row.period, got, want)
		}
	}
}

// TestQuotaConcurrent: of many at once exactly as many pass as may.
func TestQuotaConcurrent(t *testing.T) {
	c := newClock()
	q := NewQuotas(c.now)
	var passed atomic.Int64
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for range 100 {
				s, err := q.Ask(t.Context(), Quota{Calls: 777, Bytes: NoBound, Period: time.Hour, Count: 1})
				if err != nil {
					t.Error(err)
				}
				if s.Pass {
					passed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if passed.Load() != 777 {
		t.Errorf("%d passed", passed.Load())
	}
}

// TestQuotasAreBounded: keys without end get no room, and those whose window
// has ended leave.
func TestQuotasAreBounded(t *testing.T) {
	c := newClock()
	q := NewQuotas(c.now)
	ask := func(key string) (QuotaState, error) {
		return q.Ask(t.Context(), Quota{Key: Key{ByKey, key}, Calls: 1, Bytes: NoBound, Period: time.Hour, Count: 1})
	}
	_, _ = ask("first")
	full := 0
	for i := range 2 * quotaKeys {
		if _, err := ask(fmt.Sprint(i)); errors.Is(err, ErrFull) {
			full++
		}
	}
	if full < quotaKeys || q.kept() > quotaKeys {
		t.Errorf("%d found no room, %d are kept", full, q.kept())
	}
	if s, err := ask("first"); s.Pass || err != nil {
		t.Errorf("the flood has given the first its call back: %v", err)
	}
	c.pass(time.Hour)
	if s, err := ask("new"); !s.Pass || err != nil {
		t.Errorf("no room after the window: %v", err)
	}
}

func (q *Quotas) kept() (n int) {
	for i := range q.shards[ByKey] {
		n += len(q.shards[ByKey][i].used)
	}
	return n
}

func TestSlots(t *testing.T) {
	c := NewCounters(nil)
	take := func(key string, most int) func() {
		release, err := c.Slot(t.Context(), key, most)
		if err != nil {
			t.Fatal(err)
		}
		return release
	}
	one, two := take("a", 2), take("a", 2)
	if one == nil || two == nil || take("a", 2) != nil || take("b", 0) != nil {
		t.Error("not two slots")
	}
	if take("a", 3) == nil {
		t.Error("a larger bound has no room")
	}
	one()
	two()
	if take("a", 2) == nil || take("a", 2) != nil {
		t.Error("slots do not come back")
	}
}
