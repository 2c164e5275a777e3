package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/testenv"
)

// counter is a backend that counts who comes: every connection, and every byte
// that is sent, before TLS.
type counter struct {
	net.Listener
	connections, bytes atomic.Int64
}

type countedConn struct {
	net.Conn
	counter *counter
}

func (c *counter) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c.connections.Add(1)
	return &countedConn{conn, c}, nil
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.counter.bytes.Add(int64(n))
	return n, err
}

// newCounter listens on loopback and answers by h. The PEM is that of its CA.
func newCounter(t *testing.T, h http.Handler) (c *counter, caPEM []byte) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c = &counter{Listener: ln}
	ca, err := issue.NewCA(issue.Options{Name: "counting backend", PermittedIPs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.IssueServer("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		Handler:   h,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert.TLS()}},
	}
	go server.ServeTLS(c, "", "")
	t.Cleanup(func() { server.Close() })
	return c, ca.PEM()
}

// served is a site from "cloister init" under "cloister serve".
type served struct {
	// dir is the site's directory.
	dir     string
	addr    string
	roots   *x509.CertPool
	backend *counter
	process *testenv.Process
}

// serveInit runs "cloister init" and "cloister serve" on its site, of which
// nothing is changed but the ports, because tests run side by side.
func serveInit(t *testing.T) *served {
	t.Helper()
	reached := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "the backend was reached") })
	return serveChanged(t, reached, nil)
}

// serveChanged is serveInit with a backend of one's own, and a site that change
// changes: it gets the site's directory and cloister.yaml, and returns the new
// one. The backend's CA is then trusted.
func serveChanged(t *testing.T, backend http.Handler, change func(dir, config string) string) *served {
	t.Helper()
	s := &served{roots: x509.NewCertPool()}
	var caPEM []byte
	s.backend, caPEM = newCounter(t, backend)
	dir := filepath.Join(t.TempDir(), "site")
	s.dir = dir
	program := testenv.Binary(t)
	if out, err := exec.Command(program, "init", "--openai", "https://"+s.backend.Addr().String(), dir).CombinedOutput(); err != nil {
		t.Fatalf("cloister init: %v\n%s", err, out)
	}
	port, health := testenv.Port(t), testenv.Port(t)
	s.addr = fmt.Sprintf("127.0.0.1:%d", port)
	config := filepath.Join(dir, "cloister.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{"port: 8443}", fmt.Sprintf("port: %d}", port)},
		{`"127.0.0.1:9443"`, fmt.Sprintf(`"127.0.0.1:%d"`, health)},
	} {
		if strings.Count(string(text), change[0]) != 1 {
			t.Fatalf("cloister.yaml has no %s to put a free port in", change[0])
		}
		text = []byte(strings.Replace(string(text), change[0], change[1], 1))
	}
	if change != nil {
		write(t, filepath.Join(dir, "tls", "backend.pem"), string(caPEM))
		text = []byte(strings.Replace(change(dir, string(text)), "    credential:", "    caFile: tls/backend.pem\n    credential:", 1))
	}
	if err := os.WriteFile(config, text, 0o644); err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(filepath.Join(dir, "state", "ca", issue.CertificateFile))
	if err != nil || !s.roots.AppendCertsFromPEM(ca) {
		t.Fatalf("the site's CA: %v", err)
	}
	s.process = testenv.Start(t, exec.Command(program, "serve", "--detached", dir))
	t.Cleanup(func() { s.stop(t) })
	s.awaitReady(t, s.process, fmt.Sprintf("http://127.0.0.1:%d/readyz", health))
	return s
}

// stop asks the gateway to end, once, and returns what it has printed.
func (s *served) stop(t *testing.T) string {
	t.Helper()
	select {
	case <-s.process.Done():
	default:
		s.process.Signal(t, os.Interrupt)
	}
	if code := s.process.Wait(t, 20*time.Second); code != 0 {
		t.Errorf("cloister serve ended with %d:\n%s", code, s.process.Output())
	}
	return s.process.Output()
}

func (s *served) awaitReady(t *testing.T, p *testenv.Process, url string) {
	t.Helper()
	client := &http.Client{Timeout: time.Second}
	deadline := time.Now().Add(30 * time.Second)
	for {
		resp, err := client.Get(url)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-p.Done():
			t.Fatalf("cloister serve ended:\n%s", p.Output())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("not ready: %v\n%s", err, p.Output())
		}
	}
}

// redirected dials one address whatever the name.
type redirected struct{ addr string }

func (d *redirected) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, d.addr)
}
