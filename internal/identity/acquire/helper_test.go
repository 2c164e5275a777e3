package acquire

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/site"
)

// fakeEntra is an authority that answers the client credentials flow.
type fakeEntra struct {
	*httptest.Server
	tokens atomic.Int64
	// answer replaces the token endpoint; nil: a token for an hour.
	answer http.HandlerFunc
	form   atomic.Pointer[url.Values]
}

func newEntra(t *testing.T) *fakeEntra {
	e := &fakeEntra{}
	e.Server = httptest.NewTLSServer(e)
	t.Cleanup(e.Close)
	return e
}

func (e *fakeEntra) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/contoso/v2.0/.well-known/openid-configuration":
		base := e.URL + "/contoso"
		json.NewEncoder(w).Encode(map[string]string{
			"issuer":                 base + "/v2.0",
			"token_endpoint":         base + "/oauth2/v2.0/token",
			"authorization_endpoint": base + "/oauth2/v2.0/authorize",
		})
	case "/contoso/oauth2/v2.0/token":
		n := e.tokens.Add(1)
		r.ParseForm()
		e.form.Store(&r.Form)
		if e.answer != nil {
			e.answer(w, r)
			return
		}
		fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":3600,"access_token":"token-%d"}`, n)
	default:
		http.NotFound(w, r)
	}
}

func (e *fakeEntra) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(e.Certificate())
	return pool
}

func destination(t *testing.T, raw string) site.Destination {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	port, _ := strconv.Atoi(u.Port())
	return site.Destination{Host: u.Hostname(), Port: port}
}

// connects records what is connected to, and leads instance metadata to a
// server of the test.
type connects struct {
	mu       sync.Mutex
	to       []netip.AddrPort
	metadata string
}

func (c *connects) connect(ctx context.Context, network string, ap netip.AddrPort) (net.Conn, error) {
	c.mu.Lock()
	c.to = append(c.to, ap)
	c.mu.Unlock()
	addr := ap.String()
	if addr == "169.254.169.254:80" && c.metadata != "" {
		addr = c.metadata
	} else if !ap.Addr().IsLoopback() {
		return nil, fmt.Errorf("the test does not connect to %s", ap)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, addr)
}

func dialer(t *testing.T, c *connects, metadata bool, identity ...site.Destination) *egress.Dialer {
	t.Helper()
	cfg := &site.Config{Destinations: site.Destinations{Identity: identity}}
	if metadata {
		cfg.Destinations.Identity = append(cfg.Destinations.Identity, site.Destination{Host: "169.254.169.254", Port: 80})
	}
	d, ps := egress.New(cfg, egress.Options{Connect: c.connect, ResolvConf: func() ([]byte, error) { return nil, nil }})
	if ps.HasErrors() {
		t.Fatal(ps.Err())
	}
	return d
}

// clientOf and optionsOf hand a dialer's ways over as the gateway does.
func clientOf(d *egress.Dialer, roots *x509.CertPool) *http.Client {
	return d.Client(egress.Identity, egress.TransportOptions{RootCAs: roots, MaxConns: 4}, 0)
}

func optionsOf(d *egress.Dialer) Options {
	return Options{Client: clientOf(d, nil), InstanceMetadata: d.InstanceMetadata()}
}

// clock is a wall clock that the test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Now()} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}
