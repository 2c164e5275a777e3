package backend

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
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

// TestRepeatsAreBudgeted: what net/http sends again by itself when a kept
// connection breaks, the budget bounds too. A request that must not be repeated
// is not.
func TestRepeatsAreBudgeted(t *testing.T) {
	var calls atomic.Int64
	// A connection gives one answer and dies of the next request.
	handler := func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		conn, _ := r.Context().Value(countKey{}).(*atomic.Int64)
		if conn.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, "ok")
	}
	for _, method := range []string{"GET", "POST"} {
		s := newSite()
		srv := httptest.NewUnstartedServer(http.HandlerFunc(handler))
		srv.Config.ErrorLog = discard()
		srv.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, countKey{}, new(atomic.Int64))
		}
		srv.StartTLS()
		t.Cleanup(srv.Close)
		s.list(t, srv.URL)
		s.trust(srv)
		s.backend("flaky", srv.URL, nil)
		spent := &budget{}
		s.opt.Retries = spent
		b := lookup(t, s.compile(t), "flaky")
		calls.Store(0)
		const requests = 200
		failed := 0
		for range requests {
			resp, err := b.RoundTrip(request(t, method, "/", ""), nil)
			if err != nil {
				failed++
				continue
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		if n := calls.Load(); n > requests*12/10 || n < requests || failed == 0 {
			t.Errorf("%s: %d calls for %d requests, %d failed", method, n, requests, failed)
		}
		if method == "POST" && spent.asked != 0 {
			t.Errorf("a POST was repeated %d times", spent.asked)
		}
	}
}

// countKey leads from a request to how many came on its connection.
type countKey struct{}
