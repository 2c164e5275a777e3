package backend

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

// scripted is a server that says its name, with a status and a head that the
// test chooses.
type scripted struct {
	status atomic.Int32
	head   atomic.Pointer[map[string]string]
	asked  atomic.Int32
	body   atomic.Pointer[string]
}

// say sets what the server answers from now on.
func (s *scripted) say(status int, head map[string]string) {
	s.status.Store(int32(status))
	s.head.Store(&head)
}

func (s *testSite) scripted(t *testing.T, id string, rule *site.CircuitBreaker) *scripted {
	t.Helper()
	out := &scripted{}
	out.say(200, nil)
	srv := s.server(t, func(w http.ResponseWriter, r *http.Request) {
		out.asked.Add(1)
		body, _ := io.ReadAll(r.Body)
		text := string(body) + r.Header.Get("Cookie")
		out.body.Store(&text)
		for name, v := range *out.head.Load() {
			w.Header().Set(name, v)
		}
		w.WriteHeader(int(out.status.Load()))
		fmt.Fprint(w, id)
	})
	s.Service.Backends = append(s.Service.Backends, &site.Backend{ID: id, URL: srv.URL, ValidateChain: true, ValidateName: true, Breaker: rule})
	s.Config.Backends[id] = site.BackendConfig{CAFile: "ca.pem"}
	return out
}

// ask sends a request whose body lies in memory.
func ask(t *testing.T, b *Backend, cookie string) (answered string, resp *http.Response, err error) {
	t.Helper()
	req := request(t, "POST", "/", "")
	req.Header = http.Header{}
	if cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("hello")), nil }
	req.Body, req.ContentLength = http.NoBody, 5
	resp, err = b.RoundTrip(req, nil)
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return fmt.Sprintf("%d %s", resp.StatusCode, text), resp, nil
}

func wantAnswer(t *testing.T, b *Backend, want string) {
	t.Helper()
	if got, _, err := ask(t, b, ""); got != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func wantOpen(t *testing.T, b *Backend, until time.Time) {
	t.Helper()
	_, _, err := ask(t, b, "")
	var open *OpenError
	if !errors.As(err, &open) || !open.Until.Equal(until) {
		t.Errorf("got %v, want an open circuit until %v", err, until)
	}
}

// TestBreakerCount: so many failures within the interval open the circuit for
// tripDuration; those that are older do not count; other statuses do not.
func TestBreakerCount(t *testing.T) {
	s, c := newSite(), newClock()
	s.opt.Now = c.now
	srv := s.scripted(t, "a", &site.CircuitBreaker{
		Name: "r", Count: 3, Interval: time.Minute, Trip: 10 * time.Second, Statuses: []site.StatusRange{{Min: 500, Max: 503}},
	})
	b := lookup(t, s.compile(t), "a")
	fail := func(status int) { srv.say(status, nil); ask(t, b, "") }
	fail(500)
	fail(429)
	fail(504)
	c.advance(61 * time.Second)
	fail(503) // the first is forgotten
	fail(502)
	srv.say(200, nil)
	wantAnswer(t, b, "200 a")
	fail(500)
	asked := srv.asked.Load()
	wantOpen(t, b, c.now().Add(10*time.Second))
	c.advance(9 * time.Second)
	wantOpen(t, b, c.now().Add(time.Second))
	if srv.asked.Load() != asked {
		t.Error("a backend whose circuit is open was asked")
	}
	c.advance(time.Second)
	srv.say(200, nil)
	wantAnswer(t, b, "200 a")
	fail(500) // counting has begun anew
	srv.say(200, nil)
	wantAnswer(t, b, "200 a")
}

// TestBreakerPercentage counts shares, and not before there are ten requests.
func TestBreakerPercentage(t *testing.T) {
	s, c := newSite(), newClock()
	s.opt.Now = c.now
	srv := s.scripted(t, "a", &site.CircuitBreaker{
		Percentage: 50, Interval: 10 * time.Second, Trip: time.Minute, Statuses: []site.StatusRange{{Min: 500, Max: 599}},
	})
	b := lookup(t, s.compile(t), "a")
	for range 6 {
		wantAnswer(t, b, "200 a")
	}
	srv.say(500, nil)
	for range 5 { // 5 of 11 are fewer than half
		wantAnswer(t, b, "500 a")
	}
	wantAnswer(t, b, "500 a")
	wantOpen(t, b, c.now().Add(time.Minute))
}

// TestBreakerRetryAfter: the backend's own time goes before tripDuration where
// the rule says so, bounded by an hour.
func TestBreakerRetryAfter(t *testing.T) {
	for name, test := range map[string]struct {
		accept bool
		head   map[string]string
		want   time.Duration
	}{
		"seconds":      {true, map[string]string{"Retry-After": "30"}, 30 * time.Second},
		"milliseconds": {true, map[string]string{"Retry-After": "30", "retry-after-ms": "1500"}, 1500 * time.Millisecond},
		"a date":       {true, map[string]string{"Retry-After": "Tue, 01 Jan 2030 00:01:00 GMT"}, time.Minute},
		"the past":     {true, map[string]string{"Retry-After": "Fri, 02 Jan 2026 03:00:00 GMT"}, 5 * time.Second},
		"nonsense":     {true, map[string]string{"Retry-After": "-1", "retry-after-ms": "NaN"}, 5 * time.Second},
		"for ever":     {true, map[string]string{"Retry-After": "99999999"}, time.Hour},
		"not accepted": {false, map[string]string{"Retry-After": "30"}, 5 * time.Second},
		"none":         {true, nil, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := newSite(), newClock()
			s.opt.Now = c.now
			srv := s.scripted(t, "a", &site.CircuitBreaker{
				Count: 1, Interval: time.Minute, Trip: 5 * time.Second, AcceptRetryAfter: test.accept,
				Statuses: []site.StatusRange{{Min: 429, Max: 429}},
			})
			srv.say(429, test.head)
			b := lookup(t, s.compile(t), "a")
			wantAnswer(t, b, "429 a")
			wantOpen(t, b, c.now().Add(test.want))
		})
	}
}

// TestBreakerErrors: connections that fail and timeouts count by their reasons;
// a caller that goes away counts for nothing.
func TestBreakerErrors(t *testing.T) {
	for reason, opens := range map[string]bool{site.ConnectionFailure: true, site.ServerErrors: true, site.TimeoutFailure: false} {
		s, c := newSite(), newClock()
		s.opt.Now = c.now
		dead := closed(t)
		s.list(t, dead)
		s.Files["ca.pem"] = nil
		s.Service.Backends = append(s.Service.Backends, &site.Backend{
			ID: "a", URL: dead, ValidateChain: true, ValidateName: true,
			Breaker: &site.CircuitBreaker{Count: 1, Interval: time.Minute, Trip: time.Second, Reasons: []string{reason}},
		})
		b := lookup(t, s.compile(t), "a")
		ask(t, b, "")
		_, _, err := ask(t, b, "")
		if _, open := err.(*OpenError); open != opens {
			t.Errorf("%s: %v", reason, err)
		}
	}
}

// TestPoolBreakers: members whose circuit is open are left out; where all are,
// so is the pool, until the first closes. A reload keeps what is known.
func TestPoolBreakers(t *testing.T) {
	s, c := newSite(), newClock()
	s.opt.Now = c.now
	rule := func(trip time.Duration) *site.CircuitBreaker {
		return &site.CircuitBreaker{Count: 1, Interval: time.Minute, Trip: trip, Statuses: []site.StatusRange{{Min: 500, Max: 599}}}
	}
	one, two := s.scripted(t, "one", rule(20*time.Second)), s.scripted(t, "two", rule(10*time.Second))
	s.pool("pool", member2{"one", 0, 1}, member2{"two", 1, 1})
	set := s.compile(t)
	b := lookup(t, set, "pool")
	one.say(500, nil)
	wantAnswer(t, b, "500 one")
	wantAnswer(t, b, "200 two")
	s.opt.Previous = set
	b = lookup(t, s.compile(t), "pool")
	wantAnswer(t, b, "200 two")
	two.say(503, nil)
	wantAnswer(t, b, "503 two")
	wantOpen(t, b, c.now().Add(10*time.Second))
	c.advance(10 * time.Second)
	two.say(200, nil)
	wantAnswer(t, b, "200 two")
	c.advance(10 * time.Second)
	one.say(200, nil)
	wantAnswer(t, b, "200 one")
}

// TestMoveOn: a member that says it has no room hands that very request on, and
// is left alone for the time that it says, as long as there is another one.
func TestMoveOn(t *testing.T) {
	s, c := newSite(), newClock()
	s.opt.Now = c.now
	ptu, paygo := s.scripted(t, "ptu", nil), s.scripted(t, "paygo", nil)
	s.pool("pool", member2{"ptu", 0, 1}, member2{"paygo", 1, 1})
	b := lookup(t, s.compile(t), "pool")
	ptu.say(429, map[string]string{"retry-after-ms": "2000", "Retry-After": "2"})
	wantAnswer(t, b, "200 paygo")
	if got := *paygo.body.Load(); got != "hello" {
		t.Errorf("the second member got the body %q", got)
	}
	wantAnswer(t, b, "200 paygo")
	if n := ptu.asked.Load(); n != 1 {
		t.Errorf("the first member was asked %d times", n)
	}
	// Where both have no room the caller hears it, and both are asked again.
	paygo.say(429, map[string]string{"retry-after-ms": "1000"})
	wantAnswer(t, b, "429 paygo")
	got, _, err := ask(t, b, "")
	if err != nil || !strings.HasPrefix(got, "429 ") {
		t.Errorf("%q, %v", got, err)
	}
	c.advance(2 * time.Second)
	ptu.say(200, nil)
	wantAnswer(t, b, "200 ptu")
	// A plain 429 is the caller's.
	ptu.say(429, map[string]string{"Retry-After": "2"})
	wantAnswer(t, b, "429 ptu")
	wantAnswer(t, b, "429 ptu")
}

// TestMoveOnBudget: the retry budget bounds it, and a body that is gone cannot be
// sent again.
func TestMoveOnBudget(t *testing.T) {
	s := newSite()
	ptu := s.scripted(t, "ptu", nil)
	s.scripted(t, "paygo", nil)
	s.pool("pool", member2{"ptu", 0, 1}, member2{"paygo", 1, 1})
	s.opt.Retries = never2{}
	ptu.say(429, map[string]string{"retry-after-ms": "1"})
	wantAnswer(t, lookup(t, s.compile(t), "pool"), "429 ptu")

	s.opt.Retries = nil
	s.opt.Now = newClock().now
	b := lookup(t, s.compile(t), "pool")
	resp, err := b.RoundTrip(request(t, "POST", "/", "streamed"), nil)
	if err != nil || resp.StatusCode != 429 {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
}

type never2 struct{}

func (never2) Request()    {}
func (never2) Retry() bool { return false }

// TestAffinity: a session stays at its member, as long as that answers; the
// cookie gives nothing away and is not passed on.
func TestAffinity(t *testing.T) {
	s, c := newSite(), newClock()
	s.opt.Now = c.now
	servers := map[string]*scripted{}
	for _, id := range []string{"a", "b", "c"} {
		servers[id] = s.scripted(t, id, nil)
	}
	s.pool("pool", member2{"a", 0, 1}, member2{"b", 0, 1}, member2{"c", 0, 1})
	s.Service.Backends[len(s.Service.Backends)-1].AffinityCookie = "sid"
	b := lookup(t, s.compile(t), "pool")
	first, resp, err := ask(t, b, "")
	if err != nil || len(resp.Cookies()) != 1 {
		t.Fatal(first, resp, err)
	}
	cookie := resp.Cookies()[0]
	if cookie.Name != "sid" || !cookie.HttpOnly || !cookie.Secure || strings.Contains(cookie.Value, "a") && len(cookie.Value) < 32 {
		t.Errorf("%+v", cookie)
	}
	id := strings.TrimPrefix(first, "200 ")
	for range 5 {
		got, resp, err := ask(t, b, "x=1; sid="+cookie.Value+"; y=2")
		if got != first || err != nil || len(resp.Cookies()) != 0 {
			t.Errorf("%q, %v, %v", got, resp, err)
		}
		if sent := *servers[id].body.Load(); sent != "hellox=1; y=2" {
			t.Errorf("the backend got %q", sent)
		}
	}
	// Its member has no room: another one takes the session over.
	servers[id].say(429, map[string]string{"retry-after-ms": "1000"})
	got, resp, err := ask(t, b, "sid="+cookie.Value)
	if got == first || err != nil || len(resp.Cookies()) != 1 || resp.Cookies()[0].Value == cookie.Value {
		t.Errorf("%q, %v, %v", got, resp, err)
	}
	// What no member has is nobody's.
	var seen []string
	for range 3 {
		got, _, _ := ask(t, b, "sid=forged")
		seen = append(seen, got)
	}
	if slices.Contains(seen, "") {
		t.Error(seen)
	}
}
