package backend

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/site"
)

// wire stands between the dialer and the kernel: it counts, and swallows what
// goes to some addresses.
type wire struct {
	mu    sync.Mutex
	dials map[string]int
	holes map[string]bool
	// climbed counts those that came back out of a hole.
	climbed int
}

func (w *wire) connect(ctx context.Context, network string, ap netip.AddrPort) (net.Conn, error) {
	w.mu.Lock()
	w.dials[ap.String()]++
	hole := w.holes[ap.String()]
	w.mu.Unlock()
	if hole {
		<-ctx.Done()
		w.mu.Lock()
		defer w.mu.Unlock()
		w.climbed++
		return nil, ctx.Err()
	}
	// Connecting on loopback ends by itself, on a busy machine after the
	// timeout that the black holes have.
	var d net.Dialer
	return d.DialContext(context.WithoutCancel(ctx), network, ap.String())
}

// took is how often addr was dialled since the last call.
func (w *wire) took(addr string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.dials[addr]
	w.dials[addr] = 0
	return n
}

// all is took for every address together.
func (w *wire) all() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for addr := range w.dials {
		n += w.dials[addr]
		w.dials[addr] = 0
	}
	return n
}

func (w *wire) swallow(addr string, yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holes[addr] = yes
}

// lines is a log that many write to.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

// What the log says of members.
const (
	saysAside = "member of a pool set aside"
	saysBack  = "member of a pool in use again"
)

// poolSite is a site with pools of plain loopback servers, a clock that is
// moved by hand and a wire.
type poolSite struct {
	*testSite
	*wire
	*clock
	log lines
	// timeout is what a black hole costs, in real time.
	timeout time.Duration
}

func newPoolSite() *poolSite {
	s := &poolSite{testSite: newSite(), wire: &wire{dials: map[string]int{}, holes: map[string]bool{}}, clock: newClock(), timeout: 100 * time.Millisecond}
	s.opt.Now, s.opt.Log = s.now, slog.New(slog.NewTextHandler(&s.log, nil))
	return s
}

// at declares a backend at an address of loopback.
func (s *poolSite) at(t *testing.T, id, addr string) {
	t.Helper()
	s.list(t, "http://"+addr)
	s.Config.Backends[id] = site.BackendConfig{URL: "http://" + addr}
}

// alive declares a backend that answers with its id.
func (s *poolSite) alive(t *testing.T, id string) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, id) }))
	t.Cleanup(srv.Close)
	s.at(t, id, srv.Listener.Addr().String())
	return srv
}

// dead declares a backend at which nobody listens.
func (s *poolSite) dead(t *testing.T, id string) (addr string) {
	t.Helper()
	addr = strings.TrimPrefix(closed(t), "https://")
	s.at(t, id, addr)
	return addr
}

func (s *poolSite) compile(t *testing.T) *Set {
	t.Helper()
	d, ps := egress.New(s.Config, egress.Options{Connect: s.connect, ConnectTimeout: s.timeout})
	if ps.HasErrors() {
		t.Fatal(ps.Err())
	}
	s.opt.Dialer = d
	return s.testSite.compile(t)
}

func status(t *testing.T, set *Set, id string) MemberStatus {
	t.Helper()
	for _, m := range set.Status() {
		if m.Member == id {
			return m
		}
	}
	t.Fatalf("no member %q", id)
	return MemberStatus{}
}

// refused sends a request that no connection can be made for.
func refused(t *testing.T, b *Backend) *ConnectError {
	t.Helper()
	_, err := b.RoundTrip(request(t, "GET", "/", ""), nil)
	failed, ok := err.(*ConnectError)
	if !ok {
		t.Fatalf("got %v", err)
	}
	return failed
}

func answer(t *testing.T, b *Backend) string {
	t.Helper()
	_, text, _ := do(t, b, request(t, "GET", "/", ""))
	return text
}
