package egress

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

// tlsServer starts a TLS server on loopback and returns its address.
func tlsServer(t *testing.T, h http.HandlerFunc, change func(*tls.Config)) (*httptest.Server, netip.AddrPort, *x509.CertPool) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	if change != nil {
		srv.TLS = &tls.Config{}
		change(srv.TLS)
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	return srv, srv.Listener.Addr().(*net.TCPAddr).AddrPort(), roots
}

// loopback lists an exact loopback address in class call.
func loopback(list ...netip.AddrPort) *site.Config {
	cfg := &site.Config{}
	for _, ap := range list {
		cfg.Destinations.Call = append(cfg.Destinations.Call, site.Destination{Host: ap.Addr().String(), Port: int(ap.Port())})
	}
	return cfg
}

// TestRedirects: an answer that redirects is an answer; and whoever follows it
// by hand meets the same judgement.
func TestRedirects(t *testing.T) {
	var n atomic.Int64
	srv, ap, roots := tlsServer(t, func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		w.Header().Set("Location", r.URL.Query().Get("to"))
		w.WriteHeader(http.StatusTemporaryRedirect)
	}, nil)
	w := &wire{real: true}
	d := newDialer(t, loopback(ap), w, nil)
	c := d.Client(Call, TransportOptions{RootCAs: roots}, 10*time.Second)
	defer c.CloseIdleConnections()
	for _, to := range []string{"http://169.254.169.254/metadata/identity/oauth2/token", "https://8.8.8.8/", "https://127.0.0.1:1/", "/again"} {
		resp, err := c.Get(srv.URL + "/?to=" + to)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 307 {
			t.Errorf("to %s: status %d", to, resp.StatusCode)
		}
		if to[0] == '/' {
			continue
		}
		w.took()
		var refused *RefusedError
		if _, err := c.Get(to); !errors.As(err, &refused) || len(w.took()) != 0 {
			t.Errorf("followed by hand to %s: %v", to, err)
		}
	}
	if n.Load() != 4 {
		t.Errorf("%d requests for 4", n.Load())
	}
}

// TestProxies: the environment's proxies are never asked, with NO_PROXY or
// without, and a listed proxy is no way around the list.
func TestProxies(t *testing.T) {
	trap := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("the proxy was asked for %s", r.URL) }))
	defer trap.Close()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "REQUEST_METHOD"} {
		t.Setenv(name, trap.URL)
	}
	for _, no := range []string{"", "localhost", "*"} {
		t.Setenv("NO_PROXY", no)
		t.Setenv("no_proxy", no)
		srv, ap, roots := tlsServer(t, func(http.ResponseWriter, *http.Request) {}, nil)
		w := &wire{real: true}
		d := newDialer(t, loopback(ap, netip.MustParseAddrPort(strings.TrimPrefix(trap.URL, "http://"))), w, nil)
		c := d.Client(Call, TransportOptions{RootCAs: roots}, 10*time.Second)
		resp, err := c.Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		for _, u := range []string{"http://elsewhere.example/", "https://elsewhere.example/"} {
			if _, err := c.Get(u); !errors.As(err, new(*RefusedError)) {
				t.Errorf("%s: %v", u, err)
			}
		}
		if took := w.took(); len(took) != 1 || took[0] != ap {
			t.Errorf("connected to %v", took)
		}
		if d.Transport(Call, TransportOptions{}).Proxy != nil || d.InstanceMetadata().(*metadataTransport).next.Proxy != nil {
			t.Error("a transport has a proxy function")
		}
		c.CloseIdleConnections()
	}
}

// TestPlaintext: HTTP without TLS is spoken to exact loopback addresses only.
func TestPlaintext(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer plain.Close()
	ap := netip.MustParseAddrPort(strings.TrimPrefix(plain.URL, "http://"))
	cfg := loopback(ap)
	cfg.Destinations.Call = append(cfg.Destinations.Call, site.Destination{Host: "10.0.0.1", Port: 80}, site.Destination{Host: "name.example", Port: 80},
		site.Destination{Host: "both.example", Port: 80, Addresses: addresses("127.0.0.1", "10.0.0.1")})
	w := &wire{real: true}
	w.answer("name.example", "10.0.0.2")
	c := newDialer(t, cfg, w, nil).Client(Call, TransportOptions{}, 10*time.Second)
	defer c.CloseIdleConnections()
	resp, err := c.Get(plain.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	w.took()
	for _, u := range []string{"http://10.0.0.1/", "http://name.example/", "http://both.example/"} {
		var refused *RefusedError
		if _, err := c.Get(u); !errors.As(err, &refused) || refused.Code != CodePlaintext || len(w.took()) != 0 {
			t.Errorf("%s: %v", u, err)
		}
	}
	if len(w.asked) != 0 {
		t.Errorf("asked for %v", w.asked)
	}
}

// TestTLS: 1.2 or later, and a certificate that verifies.
func TestTLS(t *testing.T) {
	ok := func(http.ResponseWriter, *http.Request) {}
	get := func(change func(*tls.Config), trust bool, host string) error {
		srv, ap, roots := tlsServer(t, ok, change)
		cfg := loopback(ap)
		cfg.Destinations.Call = append(cfg.Destinations.Call, site.Destination{Host: "wrong.test", Port: int(ap.Port()), Addresses: []netip.Addr{ap.Addr()}})
		if !trust {
			roots = x509.NewCertPool()
		}
		c := newDialer(t, cfg, &wire{real: true}, nil).Client(Call, TransportOptions{RootCAs: roots}, 10*time.Second)
		defer c.CloseIdleConnections()
		u := srv.URL
		if host != "" {
			u = strings.Replace(u, "127.0.0.1", host, 1)
		}
		resp, err := c.Get(u)
		if err == nil {
			resp.Body.Close()
			if resp.TLS == nil || resp.TLS.Version < tls.VersionTLS12 {
				t.Errorf("%+v", resp.TLS)
			}
		}
		return err
	}
	version := func(v uint16) func(*tls.Config) {
		return func(c *tls.Config) { c.MinVersion, c.MaxVersion = v, v }
	}
	if err := get(version(tls.VersionTLS12), true, ""); err != nil {
		t.Error(err)
	}
	if err := get(version(tls.VersionTLS13), true, ""); err != nil {
		t.Error(err)
	}
	if err := get(version(tls.VersionTLS11), true, ""); err == nil {
		t.Error("TLS 1.1 was spoken")
	}
	var bad *tls.CertificateVerificationError
	if err := get(nil, false, ""); !errors.As(err, &bad) {
		t.Errorf("an unknown authority: %v", err)
	}
	if err := get(nil, true, "wrong.test"); !errors.As(err, &bad) {
		t.Errorf("another name: %v", err)
	}
}

// TestPeer: who is at the other end is known at every request, over HTTP/1.1
// and HTTP/2.
func TestPeer(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		srv, ap, roots := tlsServer(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) },
			func(c *tls.Config) { c.NextProtos = []string{"h2", "http/1.1"} })
		tr := newDialer(t, loopback(ap), &wire{real: true}, nil).Transport(Call, TransportOptions{RootCAs: roots, MaxConns: 2, HTTP2: http2})
		defer tr.CloseIdleConnections()
		sum := sha256.Sum256(srv.Certificate().RawSubjectPublicKeyInfo)
		want := Peer{Addr: ap, SPKI: hex.EncodeToString(sum[:])}
		for range 2 {
			var got Peer
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { got = PeerOf(i.Conn) }})
			req, _ := http.NewRequestWithContext(ctx, "GET", srv.URL, nil)
			resp, err := tr.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if proto := string(body); got != want || (proto == "HTTP/2.0") != http2 {
				t.Errorf("%s: %+v, want %+v", proto, got, want)
			}
		}
	}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if PeerOf(a) != (Peer{}) {
		t.Error("a pipe has a peer")
	}
}

func TestIsNoHTTP1(t *testing.T) {
	srv, ap, roots := tlsServer(t, func(http.ResponseWriter, *http.Request) {}, func(c *tls.Config) { c.NextProtos = []string{"other"} })
	c := newDialer(t, loopback(ap), &wire{real: true}, nil).Client(Call, TransportOptions{RootCAs: roots}, 10*time.Second)
	if _, err := c.Get(srv.URL); !IsNoHTTP1(err) {
		t.Errorf("got %v", err)
	}
	for _, err := range []error{nil, errors.New("tls: no application protocol"), &net.OpError{Op: "dial", Err: errors.New("tls: no application protocol")}} {
		if IsNoHTTP1(err) {
			t.Errorf("%v", err)
		}
	}
}

// TestHandshakeEnds: a server that accepts and says nothing ends with the
// context, and the connection is closed.
func TestHandshakeEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	closed := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			_, err = io.Copy(io.Discard, conn)
			conn.Close()
		}
		closed <- err
	}()
	ap := l.Addr().(*net.TCPAddr).AddrPort()
	tr := newDialer(t, loopback(ap), &wire{real: true}, nil).Transport(Call, TransportOptions{})
	ctx, cancel := contextTimeout(t, 100*time.Millisecond)
	defer cancel()
	if conn, err := tr.DialTLSContext(ctx, "tcp", ap.String()); err == nil {
		conn.Close()
		t.Fatal("a handshake with nobody")
	}
	select {
	case <-closed:
	case <-time.After(5 * time.Second):
		t.Fatal("the connection stays open")
	}
}
