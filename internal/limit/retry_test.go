package limit

import (
	"testing"
	"time"
)

// TestRetriesAreAFifth: in the long run, however eager.
func TestRetriesAreAFifth(t *testing.T) {
	c := newClock()
	b := NewRetryBudget(RetryOptions{Now: c.now})
	const requests = 10_000
	retries := 0
	for range requests {
		b.Request()
		for range 3 {
			if b.Retry() {
				retries++
			}
		}
	}
	if retries < requests/5 || retries > requests/5+10 {
		t.Errorf("%d retries of %d requests", retries, requests)
	}
}

// TestRetriesOfAQuietBackend: who is asked once a minute is asked again.
func TestRetriesOfAQuietBackend(t *testing.T) {
	c := newClock()
	b := NewRetryBudget(RetryOptions{Now: c.now})
	for b.Retry() {
	}
	for i := range 10 {
		c.pass(time.Second)
		if !b.Retry() || b.Retry() {
			t.Fatalf("second %d: not exactly one retry", i)
		}
	}
	c.pass(time.Hour)
	n := 0
	for b.Retry() {
		n++
	}
	if n != 10 {
		t.Errorf("%d saved up, want 10", n)
	}
	c.pass(-time.Hour) // a clock that jumps back gives and takes nothing
	if b.Retry() {
		t.Error("a retry out of nothing")
	}
}
