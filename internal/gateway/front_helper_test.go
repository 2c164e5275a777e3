package gateway

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

const frontTestHost = "gw.test"

// frontTestCA signs what the tests of the front need.
type frontTestCA struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

func newFrontTestCA(t testing.TB) *frontTestCA {
	t.Helper()
	ca := &frontTestCA{pool: x509.NewCertPool()}
	ca.key, ca.cert = nil, nil
	leaf := ca.issue(t, "front test ca")
	ca.pool.AddCert(leaf.Leaf)
	ca.key, ca.cert = leaf.PrivateKey.(*ecdsa.PrivateKey), leaf.Leaf
	return ca
}

// issue makes a certificate for names; the first that ca makes is its own.
func (ca *frontTestCA) issue(t testing.TB, names ...string) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: names[0]},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, n)
		}
	}
	parent, signer := ca.cert, ca.key
	if parent == nil {
		parent, signer = tmpl, key
		tmpl.DNSNames, tmpl.ExtKeyUsage = nil, nil
		tmpl.IsCA, tmpl.BasicConstraintsValid = true, true
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// frontTest is a real front on a free loopback port.
type frontTest struct {
	*Server
	ca    *frontTestCA
	addr  string
	front atomic.Pointer[Front]
	opt   FrontOptions

	mu       sync.Mutex // guards the rest
	refusals []Refusal
	seen     []string // "METHOD path" of what reached the handler
	calls    []Call
	headers  []http.Header
}

type frontTestOption func(*frontTest, *ServerOptions)

func withLimits(l site.Limits) frontTestOption {
	return func(ft *frontTest, _ *ServerOptions) { ft.opt.Limits = l }
}

func withProxies(p ...site.TrustedProxy) frontTestOption {
	return func(ft *frontTest, _ *ServerOptions) { ft.opt.TrustedProxies = p }
}

func withHandler(h Handler) frontTestOption {
	return func(ft *frontTest, o *ServerOptions) { o.Handler = ft.noting(h) }
}

// startFront serves gw.test (default) and other.test; its handler answers with
// the number of body bytes that it read.
func startFront(t testing.TB, opts ...frontTestOption) *frontTest {
	t.Helper()
	ft := &frontTest{ca: newFrontTestCA(t)}
	ft.opt.Hostnames = []FrontHostname{
		{Name: frontTestHost, Default: true, Certificate: ft.ca.issue(t, frontTestHost, "127.0.0.1")},
		{Name: "other.test", Certificate: ft.ca.issue(t, "other.test")},
	}
	so := ServerOptions{
		Front: ft.front.Load,
		Refused: func(r Refusal) {
			ft.mu.Lock()
			defer ft.mu.Unlock()
			ft.refusals = append(ft.refusals, r)
		},
	}
	so.Handler = ft.noting(frontTestAnswer)
	for _, o := range opts {
		o(ft, &so)
	}
	if ft.opt.Limits.BanFor == 0 {
		ft.opt.Limits.BanFor = -1 // most tests misbehave, from one address
	}
	ft.swap(t)
	ft.Server = NewServer(so)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ft.addr = ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- ft.Serve(ln) }()
	t.Cleanup(func() {
		ft.Close()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return ft
}

// swap puts ft.opt into force, as a reload does.
func (ft *frontTest) swap(t testing.TB) {
	t.Helper()
	f, err := NewFront(ft.opt)
	if err != nil {
		t.Fatal(err)
	}
	ft.front.Store(f)
}

func frontTestAnswer(w http.ResponseWriter, r *http.Request, _ *Conn, _ *Call) {
	n, err := io.Copy(io.Discard, r.Body)
	var bad *BodyError
	if errors.As(err, &bad) {
		w.WriteHeader(bad.Status)
		return
	}
	io.WriteString(w, http.StatusText(200)+" "+time.Duration(n).String())
}

func (ft *frontTest) noting(h Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request, c *Conn, call *Call) {
		ft.mu.Lock()
		ft.seen = append(ft.seen, call.Method+" "+call.Path)
		ft.calls = append(ft.calls, *call)
		ft.headers = append(ft.headers, r.Header.Clone())
		ft.mu.Unlock()
		h(w, r, c, call)
	}
}

// takeSeen returns what reached the handler since the last call.
func (ft *frontTest) takeSeen() []string {
	ft.mu.Lock()
	defer ft.mu.Unlock()
	s := ft.seen
	ft.seen, ft.calls, ft.headers = nil, nil, nil
	return s
}

func (ft *frontTest) takeRefusals() []Refusal {
	ft.mu.Lock()
	defer ft.mu.Unlock()
	r := ft.refusals
	ft.refusals = nil
	return r
}

func (ft *frontTest) lastCall(t testing.TB) (Call, http.Header) {
	t.Helper()
	ft.mu.Lock()
	defer ft.mu.Unlock()
	if len(ft.calls) == 0 {
		t.Fatal("nothing reached the handler")
	}
	return ft.calls[len(ft.calls)-1], ft.headers[len(ft.headers)-1]
}

// awaitRefusal waits for a refusal with this cause.
func (ft *frontTest) awaitRefusal(t testing.TB, cause RefusalCause) Refusal {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		for _, r := range ft.takeRefusals() {
			if r.Cause == cause {
				return r
			}
		}
	}
	t.Fatalf("no refusal %q", cause)
	return Refusal{}
}

func (ft *frontTest) clientTLS(protos ...string) *tls.Config {
	return &tls.Config{RootCAs: ft.ca.pool, ServerName: frontTestHost, NextProtos: protos}
}

// dial opens a TLS connection for raw bytes. Everything on it is bounded.
func (ft *frontTest) dial(t testing.TB, cfg *tls.Config) *tls.Conn {
	t.Helper()
	d := net.Dialer{Timeout: 5 * time.Second}
	conn, err := tls.DialWithDialer(&d, "tcp", ft.addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	t.Cleanup(func() { conn.Close() })
	return conn
}

// client is an ordinary client; h2 chooses the protocol.
func (ft *frontTest) client(t testing.TB, h2 bool) *http.Client {
	t.Helper()
	p := new(http.Protocols)
	p.SetHTTP1(!h2)
	p.SetHTTP2(h2)
	tr := &http.Transport{
		Protocols: p, TLSClientConfig: ft.clientTLS(), ForceAttemptHTTP2: h2,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", ft.addr)
		},
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

// readAnswers reads answers until the connection ends.
func readAnswers(t testing.TB, conn io.Reader, methods ...string) (statuses []int, bodies []string) {
	t.Helper()
	br := bufio.NewReader(conn)
	for i := 0; ; i++ {
		req := &http.Request{Method: "GET"}
		if i < len(methods) {
			req.Method = methods[i]
		}
		resp, err := http.ReadResponse(br, req)
		if err != nil {
			if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
				t.Error("the connection was not ended")
			}
			return statuses, bodies
		}
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode >= 200 {
			if got := resp.Header.Get("Strict-Transport-Security"); got != hsts {
				t.Errorf("answer %d (%d): Strict-Transport-Security %q", i, resp.StatusCode, got)
			}
		}
		statuses, bodies = append(statuses, resp.StatusCode), append(bodies, string(body))
	}
}

func loopbackProxy(p site.TrustedProxy) site.TrustedProxy {
	p.Prefix = netip.MustParsePrefix("127.0.0.0/8")
	return p
}
