package backend

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// many sends n requests, 200 of them at a time.
func many(t *testing.T, b *Backend, n int) {
	t.Helper()
	slots := make(chan struct{}, 200)
	var wg sync.WaitGroup
	for range n {
		req := request(t, "GET", "/", "")
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			resp, err := b.RoundTrip(req, nil)
			if err != nil {
				t.Error(err)
				return
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		})
	}
	wg.Wait()
}

// TestSilentMember: a member that swallows packets costs the connect timeout
// once, and then one request each time that it is tried again: of 2,000
// requests after the first failure 1,998 do not wait for it. Whoever waits for
// it dials it, and dialling is counted.
func TestSilentMember(t *testing.T) {
	s := newPoolSite()
	s.alive(t, "b")
	s.alive(t, "c")
	hole := s.dead(t, "a")
	s.swallow(hole, true)
	s.pool("pool", member2{"a", 0, 1}, member2{"b", 0, 1}, member2{"c", 0, 1})
	set := s.compile(t)
	b := lookup(t, set, "pool")
	if answer(t, b); s.took(hole) != 1 {
		t.Fatal("the first request was not for the silent member")
	}
	for _, span := range []time.Duration{firstAside, 2 * firstAside} {
		many(t, b, 500)
		if n := s.took(hole); n != 0 {
			t.Errorf("%d of 500 requests went to a member that is set aside", n)
		}
		s.advance(span)
		many(t, b, 500)
		if n := s.took(hole); n != 1 {
			t.Errorf("%d of 500 requests tried the member whose time is over", n)
		}
	}
	if got := status(t, set, "a"); got.Failures != 3 || !got.AsideUntil.Equal(s.now().Add(20*time.Second)) || got.Host != hole || got.Error == "" {
		t.Errorf("%+v", got)
	}
	if n := s.log.count(saysAside); n != 1 {
		t.Errorf("%d lines say that it is set aside", n)
	}
}

// TestMemberComesBack: what was silent answers again.
func TestMemberComesBack(t *testing.T) {
	s := newPoolSite()
	s.alive(t, "b")
	addr := s.alive(t, "a").Listener.Addr().String()
	s.swallow(addr, true)
	s.pool("pool", member2{"a", 0, 1}, member2{"b", 1, 1})
	set := s.compile(t)
	b := lookup(t, set, "pool")
	for range 3 {
		if got := answer(t, b); got != "b" {
			t.Fatalf("answered by %s", got)
		}
	}
	if n := s.took(addr); n != 1 {
		t.Fatalf("%d attempts", n)
	}
	s.swallow(addr, false)
	if got := answer(t, b); got != "b" {
		t.Fatalf("answered by %s before the time is over", got)
	}
	s.advance(firstAside)
	for range 3 {
		if got := answer(t, b); got != "a" {
			t.Fatalf("answered by %s", got)
		}
	}
	if got := status(t, set, "a"); got != (MemberStatus{Member: "a", Host: addr}) {
		t.Errorf("%+v", got)
	}
	if s.log.count(saysAside) != 1 || s.log.count(saysBack) != 1 {
		t.Errorf("the log says %s", s.log.text.String())
	}
}

// TestAllAside: each request tries one member, the next one the next, so that
// the first to come back is found at once.
func TestAllAside(t *testing.T) {
	s := newPoolSite()
	addr := map[string]string{}
	for _, id := range []string{"a", "b", "c"} {
		addr[id] = s.dead(t, id)
	}
	s.pool("pool", member2{"a", 0, 1}, member2{"b", 0, 1}, member2{"c", 1, 1})
	b := lookup(t, s.compile(t), "pool")
	if refused(t, b); s.all() != 3 {
		t.Fatal("the first request did not try all")
	}
	var order strings.Builder
	for range 6 {
		s.advance(time.Millisecond)
		order.WriteString(refused(t, b).Backend)
		if n := s.all(); n != 1 {
			t.Fatalf("%d attempts", n)
		}
	}
	if order.String() != "abcabc" {
		t.Errorf("tried %s", order.String())
	}
}

// impatient sends a request that is over while it waits for a black hole.
func impatient(t *testing.T, s *poolSite, hole string, b *Backend) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	req := request(t, "GET", "/", "").WithContext(ctx)
	go func() {
		_, err := b.RoundTrip(req, nil)
		done <- err
	}()
	eventually(t, "dialled", func() bool { return s.took(hole) == 1 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// eventually waits for what another goroutine is about to do.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("still not ", what)
		}
	}
}

// TestImpatientCallers: callers that go away before a silent member is given
// up do not keep it in use.
func TestImpatientCallers(t *testing.T) {
	s := newPoolSite()
	s.timeout = 500 * time.Millisecond // long beside what the request takes
	s.alive(t, "b")
	hole := s.dead(t, "a")
	s.swallow(hole, true)
	s.pool("pool", member2{"a", 0, 1}, member2{"b", 1, 1})
	set := s.compile(t)
	b := lookup(t, set, "pool")
	impatient(t, s, hole, b)
	eventually(t, "set aside", func() bool { return status(t, set, "a").Failures == 1 })
	if got := answer(t, b); got != "b" || s.took(hole) != 0 {
		t.Errorf("answered by %s", got)
	}
	// Nor does one that goes away keep the trial.
	s.advance(firstAside)
	impatient(t, s, hole, b)
	impatient(t, s, hole, b)
}

// TestDialsThatAreCalledOff: the end of a set that is no longer in force says
// nothing about the members that it was connecting to.
func TestDialsThatAreCalledOff(t *testing.T) {
	s := newPoolSite()
	s.timeout = time.Minute
	hole := s.dead(t, "a")
	s.swallow(hole, true)
	s.pool("pool", member2{"a", 0, 1})
	set := s.compile(t)
	impatient(t, s, hole, lookup(t, set, "pool"))
	set.CloseIdle()
	eventually(t, "called off", func() bool {
		s.wire.mu.Lock()
		defer s.wire.mu.Unlock()
		return s.climbed == 1
	})
	time.Sleep(5 * time.Millisecond) // a note would be made now
	if got := status(t, set, "a"); got.Failures != 0 {
		t.Errorf("%+v", got)
	}
}

// TestNotSetAside: what fails for another reason than that no connection could
// be made says nothing about a member, and no caller can make it so.
func TestNotSetAside(t *testing.T) {
	s := newPoolSite()
	s.env["KEY"] = hidden
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := http.NewResponseController(w).Hijack()
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}))
	defer srv.Close()
	s.at(t, "a", srv.Listener.Addr().String())
	s.list(t, "https://models.example:443")
	s.Config.Backends["other"] = site.BackendConfig{URL: "https://models.example", Credential: site.BackendCredential{
		APIKey: &site.APIKey{Key: &site.SecretRef{Env: "KEY"}}}}
	s.pool("pool", member2{"a", 0, 1})
	set := s.compile(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, change := range map[string]func(*http.Request) *http.Request{
		"dies after connect": func(r *http.Request) *http.Request { return r },
		"caller is gone":     func(r *http.Request) *http.Request { return r.WithContext(gone) },
		"no header":          func(r *http.Request) *http.Request { r.Header["X"] = []string{"a\nb"}; return r },
		"no method":          func(r *http.Request) *http.Request { r.Method = "G T"; return r },
		"others' credential": func(r *http.Request) *http.Request {
			r.Header["X"] = []string{secret.New(hidden).Reveal()}
			return r
		},
	} {
		if _, err := lookup(t, set, "pool").RoundTrip(change(request(t, "GET", "/", "")), nil); err == nil {
			t.Errorf("%s: no error", name)
		}
		if got := status(t, set, "a"); got.Failures != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestUnverifiedMember is one to which no connection can be made.
func TestUnverifiedMember(t *testing.T) {
	s := newPoolSite()
	s.alive(t, "b")
	srv := s.server(t, func(http.ResponseWriter, *http.Request) {})
	s.Config.Backends["a"] = site.BackendConfig{URL: srv.URL}
	s.pool("pool", member2{"a", 0, 1}, member2{"b", 1, 1})
	set := s.compile(t)
	if got := answer(t, lookup(t, set, "pool")); got != "b" || !strings.Contains(status(t, set, "a").Error, "certificate") {
		t.Errorf("%s, %+v", got, set.Status())
	}

	// The CA that it needs mends it with the reload, and not later.
	s.backend("a", srv.URL, nil)
	s.opt.Previous = set
	if got := status(t, s.compile(t), "a"); got.Failures != 0 {
		t.Errorf("with its CA: %+v", got)
	}
}

// TestHealthSurvivesReload for a member with the same id and authority.
func TestHealthSurvivesReload(t *testing.T) {
	s := newPoolSite()
	s.dead(t, "a")
	s.dead(t, "c")
	s.alive(t, "b")
	s.pool("pool", member2{"a", 0, 1}, member2{"c", 0, 1}, member2{"b", 1, 1})
	old := s.compile(t)
	answer(t, lookup(t, old, "pool"))
	s.opt.Previous = old
	elsewhere := s.dead(t, "c")
	next := s.compile(t)
	if got, want := status(t, next, "a"), status(t, old, "a"); got != want || got.Failures != 1 {
		t.Errorf("a: %+v, was %+v", got, want)
	}
	if got := status(t, next, "c"); got.Failures != 0 || got.Host != elsewhere {
		t.Errorf("at another address: %+v", got)
	}
	// Requests that the old set still serves are learnt from too.
	s.advance(firstAside)
	answer(t, lookup(t, old, "pool"))
	if got := status(t, next, "a"); got.Failures != 2 {
		t.Errorf("after a failure in the old set: %+v", got)
	}
}

// TestMemberOfTwoPools is one member, and what one pool learns the other knows.
func TestMemberOfTwoPools(t *testing.T) {
	s := newPoolSite()
	addr := s.dead(t, "a")
	s.alive(t, "b")
	s.pool("one", member2{"a", 0, 1}, member2{"b", 1, 1})
	s.pool("two", member2{"A", 0, 1}, member2{"b", 1, 1})
	set := s.compile(t)
	for _, id := range []string{"one", "two"} {
		if got := answer(t, lookup(t, set, id)); got != "b" {
			t.Errorf("%s: answered by %s", id, got)
		}
	}
	if n := s.took(addr); n != 1 || len(set.Status()) != 2 || status(t, set, "a").Failures != 1 {
		t.Errorf("%d attempts, %+v", n, set.Status())
	}
}
