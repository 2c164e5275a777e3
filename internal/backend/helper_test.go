package backend

import (
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// testSite is a site in memory whose backends are servers of the test.
type testSite struct {
	*site.Site
	opt Options
	env map[string]string
}

func newSite() *testSite {
	s := &testSite{env: map[string]string{}}
	s.Site = &site.Site{
		Config:  &site.Config{Backends: map[string]site.BackendConfig{}},
		Service: &site.Service{}, Files: map[string][]byte{},
	}
	s.opt.Secrets = secret.Env{LookupEnv: func(name string) (string, bool) { v, ok := s.env[name]; return v, ok }}
	return s
}

// server starts a TLS server and lists it in class model; its certificate is
// in the file ca.pem.
func (s *testSite) server(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = discard() // handshakes that tests mean to fail
	srv.StartTLS()
	t.Cleanup(srv.Close)
	s.list(t, srv.URL)
	s.trust(srv)
	return srv
}

func (s *testSite) trust(srv *httptest.Server) {
	s.Files["ca.pem"] = append(s.Files["ca.pem"], pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})...)
}

func (s *testSite) list(t *testing.T, raw string) {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	port, _ := strconv.Atoi(u.Port())
	s.Config.Destinations.Model = append(s.Config.Destinations.Model, site.Destination{Host: u.Hostname(), Port: port})
}

// backend declares a backend at a URL; f changes it.
func (s *testSite) backend(id, u string, f func(*site.BackendConfig)) {
	b := site.BackendConfig{URL: u, CAFile: "ca.pem"}
	if f != nil {
		f(&b)
	}
	s.Config.Backends[id] = b
}

func (s *testSite) try(t *testing.T) (*Set, site.Problems) {
	t.Helper()
	if s.opt.Dialer == nil {
		d, ps := egress.New(s.Config, egress.Options{ResolvConf: func() ([]byte, error) { return nil, nil }})
		if ps.HasErrors() {
			t.Fatal(ps.Err())
		}
		s.opt.Dialer = d
	}
	return Compile(s.Site, s.opt)
}

func (s *testSite) compile(t *testing.T) *Set {
	t.Helper()
	set, ps := s.try(t)
	if set == nil {
		t.Fatal(ps.Err())
	}
	t.Cleanup(set.CloseIdle)
	return set
}

func lookup(t *testing.T, set *Set, id string) *Backend {
	t.Helper()
	b, err := set.Lookup(id, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func request(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	var r *http.Request
	var err error
	if body == "" {
		r, err = http.NewRequestWithContext(t.Context(), method, path, nil)
	} else {
		r, err = http.NewRequestWithContext(t.Context(), method, path, struct{ *strings.Reader }{strings.NewReader(body)})
	}
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.ContentLength = int64(len(body))
	}
	return r
}

// closed is a loopback address at which nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "https://" + l.Addr().String()
}

// key gives a backend an API key out of an environment variable.
func key(env, header string) func(*site.BackendConfig) {
	return func(b *site.BackendConfig) {
		b.Credential.APIKey = &site.APIKey{Header: header, Key: &site.SecretRef{Env: env}}
	}
}

type member2 struct {
	id               string
	priority, weight int
}

func (s *testSite) pool(id string, members ...member2) {
	b := &site.Backend{ID: id}
	for _, m := range members {
		b.Pool = append(b.Pool, site.PoolMember{Backend: m.id, Priority: m.priority, Weight: m.weight})
	}
	s.Service.Backends = append(s.Service.Backends, b)
}

// dialer is one to which srv becomes a listener of the gateway's own when own
// says so.
func dialer(t *testing.T, s *testSite, own func() bool, srv *httptest.Server) *egress.Dialer {
	t.Helper()
	d, ps := egress.New(s.Config, egress.Options{OwnListeners: func() []netip.AddrPort {
		if !own() {
			return nil
		}
		return []netip.AddrPort{netip.MustParseAddrPort(strings.TrimPrefix(srv.URL, "https://"))}
	}})
	if ps.HasErrors() {
		t.Fatal(ps.Err())
	}
	return d
}

// watched is a body that tells when it is closed.
type watched struct {
	io.Reader
	closed atomic.Bool
}

// gone waits for the body to be closed: net/http does that when it likes.
func (w *watched) gone(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !w.closed.Load(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the body was left open")
		}
	}
}

func (w *watched) Close() error {
	w.closed.Store(true)
	return nil
}

func discard() *log.Logger { return log.New(io.Discard, "", 0) }
