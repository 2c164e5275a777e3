package backend

import (
	"strings"
	"sync"
	"testing"
)

// budget lets one request in five be tried again.
type budget struct {
	mu                       sync.Mutex
	requests, asked, granted int
}

func (b *budget) Request() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests++
}

func (b *budget) Retry() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	if 5*(b.granted+1) > b.requests {
		return false
	}
	b.granted++
	return true
}

// TestRetryBudget: every request is noted once, every further member asked
// for, and where the answer is no the first failure is the error.
func TestRetryBudget(t *testing.T) {
	s := newPoolSite()
	var spent budget
	s.opt.Retries = &spent
	for _, id := range []string{"a", "b", "c"} {
		s.dead(t, id)
	}
	s.alive(t, "d")
	s.pool("pool", member2{"a", 0, 1}, member2{"b", 1, 1}, member2{"c", 2, 1}, member2{"d", 3, 1})
	set := s.compile(t)
	b := lookup(t, set, "pool")
	failed := refused(t, b)
	if failed.Backend != "a" || !failed.BudgetUsedUp || !strings.Contains(failed.Error(), "the retry budget is used up") || s.all() != 1 {
		t.Errorf("%v", failed)
	}
	for range 4 { // those of single backends count too
		answer(t, lookup(t, set, "d"))
	}
	s.all()
	s.advance(firstAside)
	// a is tried, b by the one retry that was saved up, c not any more.
	if failed = refused(t, b); failed.Backend != "a" || s.all() != 2 {
		t.Errorf("%v", failed)
	}
	// c is in use and dead, and nothing is left to go on to d.
	if failed = refused(t, b); failed.Backend != "c" || s.all() != 1 {
		t.Errorf("%v", failed)
	}
	if got := answer(t, b); got != "d" {
		t.Errorf("answered by %s", got)
	}
	if spent.requests != 8 || spent.asked != 4 || spent.granted != 1 {
		t.Errorf("%+v", &spent)
	}
}

// TestAllDeadAttempts: 1,000 requests to a pool of which everybody is dead are
// at most 1,200 attempts, one after the other or all at once.
func TestAllDeadAttempts(t *testing.T) {
	for name, budget := range map[string]*budget{"nothing bounds retries": nil, "a budget": {}} {
		s := newPoolSite()
		for _, id := range []string{"a", "b", "c"} {
			s.dead(t, id)
		}
		s.pool("pool", member2{"a", 0, 1}, member2{"b", 0, 1}, member2{"c", 0, 1})
		if budget != nil {
			s.opt.Retries = budget
		}
		b := lookup(t, s.compile(t), "pool")
		for i := range 500 {
			if refused(t, b); i%50 == 49 {
				s.advance(firstAside)
			}
		}
		var wg sync.WaitGroup
		for range 500 {
			req := request(t, "GET", "/", "")
			wg.Go(func() {
				if _, err := b.RoundTrip(req, nil); err == nil {
					t.Error("answered by nobody")
				}
			})
		}
		wg.Wait()
		if n := s.all(); n < 1000 || n > 1200 {
			t.Errorf("%s: %d attempts", name, n)
		}
	}
}
