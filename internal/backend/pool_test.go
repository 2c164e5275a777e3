package backend

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

func members(weights ...int) []*member {
	var list []*member
	for i, w := range weights {
		list = append(list, &member{service: &service{id: string(rune('a' + i)), health: &health{}}, weight: w})
	}
	return list
}

// first is the member that a request tries first. It keeps no trial.
func first(p *pool, now func() time.Time) string {
	w := walk{pool: p, now: now}
	defer w.release()
	return w.next().id
}

// all is what a walk tries if nothing that it tries is reached.
func all(p *pool, now func() time.Time) string {
	var ids strings.Builder
	w := walk{pool: p, now: now}
	defer w.release()
	for m := w.next(); m != nil; m = w.next() {
		ids.WriteString(m.id)
	}
	return ids.String()
}

func TestPoolWeights(t *testing.T) {
	for _, c := range []struct {
		weights []int
		want    string
	}{
		{[]int{1, 1, 1}, "abcabc"},
		{[]int{5, 1, 1}, "aabacaaaabacaa"},
		{[]int{50, 50}, "abab"},
		{[]int{0, 1}, "bbb"},
		{[]int{0, 0}, "abab"},
		{[]int{100}, "aa"},
	} {
		p := newPool(members(c.weights...), make([]int, len(c.weights)))
		var got strings.Builder
		for range len(c.want) {
			got.WriteString(first(p, time.Now))
		}
		if got.String() != c.want {
			t.Errorf("%v: got %s, want %s", c.weights, got.String(), c.want)
		}
	}
}

func TestPoolOrder(t *testing.T) {
	p := newPool(members(1, 2, 0, 1, 1), []int{1, 1, 1, 0, 100})
	for _, want := range []string{"dbace", "dabce", "dbace"} {
		if got := all(p, time.Now); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestPoolSpread: many at once are spread exactly.
func TestPoolSpread(t *testing.T) {
	p := newPool(members(3, 1), []int{0, 0})
	var mu sync.Mutex
	n := map[string]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				id := first(p, time.Now)
				mu.Lock()
				n[id]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if n["a"] != 600 || n["b"] != 200 {
		t.Errorf("%v", n)
	}
}

// TestFailover: a member that cannot be connected to costs a request nothing
// but time, its body and each member's own credential and path included.
func TestFailover(t *testing.T) {
	s := newSite()
	srv := s.server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %q %q", r.URL.Path, body, r.Header["Api-Key"], r.Header["X-Dead"])
	})
	dead := closed(t)
	s.list(t, dead)
	s.env["DEAD"], s.env["GOOD"] = hidden, hidden2
	s.backend("dead", dead+"/dead", key("DEAD", "X-Dead"))
	s.backend("good", srv.URL+"/good", key("GOOD", ""))
	s.pool("pool", member2{"dead", 0, 1}, member2{"good", 1, 1})
	b := lookup(t, s.compile(t), "pool")
	if got := b.BasePaths(); len(got) != 2 || got[0] != "/dead" || got[1] != "/good" || b.URL() != nil {
		t.Errorf("paths %q, URL %v", got, b.URL())
	}
	for _, length := range []int64{5, -1} {
		body := &watched{Reader: strings.NewReader("hello")}
		req := request(t, "POST", "/x", "")
		req.Body, req.ContentLength = body, length
		_, text, used := do(t, b, req)
		if want := `/good/x hello ["` + hidden2 + `"] []`; text != want || used.Backend != "good" || !used.Address.IsValid() {
			t.Errorf("got %s, want %s; %+v", text, want, used)
		}
		body.gone(t)
		if len(req.Header) != 0 {
			t.Errorf("the request's header holds %v", req.Header)
		}
	}
}

// TestPoolAllDead: the last failure is the error.
func TestPoolAllDead(t *testing.T) {
	s := newSite()
	one, two := closed(t), closed(t)
	s.list(t, one)
	s.list(t, two)
	s.Files["ca.pem"] = nil
	s.Config.Backends["one"], s.Config.Backends["two"] = site.BackendConfig{URL: one}, site.BackendConfig{URL: two}
	s.pool("pool", member2{"one", 0, 1}, member2{"two", 1, 1})
	var used Used
	_, err := lookup(t, s.compile(t), "pool").RoundTrip(request(t, "GET", "/", ""), &used)
	if failed, ok := err.(*ConnectError); !ok || failed.Backend != "two" || used.Backend != "two" {
		t.Errorf("%v, %+v", err, used)
	}
}

// TestPoolPassesCallerToken only where every member says so.
func TestPoolPassesCallerToken(t *testing.T) {
	s := newSite()
	s.Config.Destinations.Model = []site.Destination{{Host: "a.example"}}
	for id, pass := range map[string]bool{"yes": true, "also": true, "no": false} {
		s.Config.Backends[id] = site.BackendConfig{URL: "https://a.example/" + id, PassCallerToken: pass}
	}
	s.pool("all", member2{"yes", 0, 1}, member2{"also", 0, 1})
	s.pool("some", member2{"yes", 0, 1}, member2{"no", 0, 1})
	set := s.compile(t)
	for id, want := range map[string]bool{"yes": true, "no": false, "all": true, "some": false} {
		if got := lookup(t, set, id).PassCallerToken(); got != want {
			t.Errorf("%s: %v", id, got)
		}
	}
}
