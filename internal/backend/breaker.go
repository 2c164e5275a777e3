package backend

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

// breaker says whether a service is left alone for a while, because it failed as
// often as its rule says:
//
//	closed   the rule's failures came within its interval  → open, for tripDuration
//	open     the time is over                              → closed
//
// Apart from that it knows until when a service that is a member of pools has
// asked to be left alone, by a 429 with retry-after-ms: other members come before
// it then, and it is asked all the same where there are none.
//
// It is per gateway, as API Management's are. A reload hands it on.
type breaker struct {
	// until is when it closes, in nanoseconds since 1970; 0: it is closed. busy is
	// until when the service has asked to be left alone.
	until, busy atomic.Int64

	mu   sync.Mutex
	rule *site.CircuitBreaker
	// failures are the last ones, as many as trip the rule, oldest at next.
	failures []time.Time
	next     int
	// slots count requests and failures for a percentage.
	slots [slots]slot
}

// slots is into how many parts an interval is cut where a percentage counts.
const slots = 10

// fewest is how many requests an interval has at least before a percentage of
// them means something.
const fewest = 10

type slot struct {
	// of is which part of time it is about.
	of            int64
	total, failed int
}

// open reports until when the service is left alone; ok is false where it is
// not.
func (b *breaker) open(now func() time.Time) (until time.Time, ok bool) {
	return pending(&b.until, now)
}

// asked reports whether the service has asked to be left alone.
func (b *breaker) asked(now func() time.Time) bool {
	_, ok := pending(&b.busy, now)
	return ok
}

// pending is a moment that has not come; one that has is forgotten.
func pending(moment *atomic.Int64, now func() time.Time) (until time.Time, ok bool) {
	at := moment.Load()
	if at == 0 {
		return time.Time{}, false
	}
	until = time.Unix(0, at)
	if !now().Before(until) {
		moment.CompareAndSwap(at, 0)
		return time.Time{}, false
	}
	return until, true
}

// put sets a moment, unless a later one is set.
func put(moment *atomic.Int64, until time.Time) {
	for {
		at := moment.Load()
		if at >= until.UnixNano() || moment.CompareAndSwap(at, until.UnixNano()) {
			return
		}
	}
}

// answered notes an answer, and says whether it tripped the rule.
func (b *breaker) answered(status int, h http.Header, now time.Time) (tripped bool) {
	if b.rule == nil {
		return false
	}
	failed := false
	for _, r := range b.rule.Statuses {
		failed = failed || r.Min <= status && status <= r.Max
	}
	if !b.note(failed, now) {
		return false
	}
	span := b.rule.Trip
	if asked, ok := retryAfter(h, now); ok && b.rule.AcceptRetryAfter {
		span = asked
	}
	put(&b.until, now.Add(span))
	return true
}

// failedWith notes that there was no answer.
func (b *breaker) failedWith(reason string, now time.Time) (tripped bool) {
	if b.rule == nil {
		return false
	}
	failed := false
	for _, r := range b.rule.Reasons {
		failed = failed || r == reason || r == site.ServerErrors
	}
	if !b.note(failed, now) {
		return false
	}
	put(&b.until, now.Add(b.rule.Trip))
	return true
}

// note counts a request, and says whether the rule's measure is full. Then it
// begins anew.
func (b *breaker) note(failed bool, now time.Time) bool {
	if b.rule.Percentage == 0 && !failed {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rule.Percentage > 0 {
		return b.share(failed, now)
	}
	if b.failures == nil {
		b.failures = make([]time.Time, b.rule.Count)
	}
	b.failures[b.next] = now
	b.next = (b.next + 1) % len(b.failures)
	oldest := b.failures[b.next]
	if oldest.IsZero() || now.Sub(oldest) > b.rule.Interval {
		return false
	}
	clear(b.failures)
	return true
}

// share counts for a percentage.
func (b *breaker) share(failed bool, now time.Time) bool {
	part := now.UnixNano() / max(1, int64(b.rule.Interval)/slots)
	s := &b.slots[part%slots]
	if s.of != part {
		*s = slot{of: part}
	}
	s.total++
	if failed {
		s.failed++
	}
	total, bad := 0, 0
	for _, s := range b.slots {
		if s.of > part-slots {
			total, bad = total+s.total, bad+s.failed
		}
	}
	if !failed || total < fewest || bad*100 < b.rule.Percentage*total {
		return false
	}
	b.slots = [slots]slot{}
	return true
}

// longestAsked bounds for how long a service may ask to be left alone.
const longestAsked = time.Hour

// retryAfter is for how long an answer asks to be left alone: retry-after-ms,
// which Azure OpenAI writes, goes before Retry-After (RFC 9110, section 10.2.3).
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	if d, ok := retryAfterMs(h); ok {
		return d, true
	}
	bounded := func(d time.Duration) (time.Duration, bool) { return min(d, longestAsked), d > 0 }
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 && seconds < 1e9 {
		return bounded(time.Duration(seconds * float64(time.Second)))
	}
	if at, err := http.ParseTime(text); err == nil {
		return bounded(at.Sub(now))
	}
	return 0, false
}

// retryAfterMs is what a provisioned deployment says that has no room left.
func retryAfterMs(h http.Header) (time.Duration, bool) {
	ms, err := strconv.ParseFloat(strings.TrimSpace(h.Get("Retry-After-Ms")), 64)
	if err != nil || !(ms > 0 && ms < 1e12) {
		return 0, false
	}
	return min(time.Duration(ms*float64(time.Millisecond)), longestAsked), true
}

// inherit takes over what is known of the service by another set.
func (b *breaker) inherit(was *breaker) {
	b.until.Store(was.until.Load())
	b.busy.Store(was.busy.Load())
}
