package deploy

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
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/testenv"
)

const (
	key      = "0123456789abcdef0123456789abcdef"
	events   = 20
	interval = 100 * time.Millisecond
)

// backend answers GET with "ok" and POST with a stream of events that takes
// two seconds.
func backend(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		io.WriteString(w, "ok")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for i := range events {
		fmt.Fprintf(w, "data: {\"n\":%d}\n\n", i)
		w.(http.Flusher).Flush()
		time.Sleep(interval)
	}
	io.WriteString(w, "data: [DONE]\n\n")
}

// machine is a site on disk and the sockets of its service manager, which is
// the test.
type machine struct {
	program, dir    string
	gateway, health *net.TCPListener
	roots           *x509.CertPool
}

// newMachine writes a site for two sockets that listen already.
func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{program: testenv.Binary(t), dir: filepath.Join(t.TempDir(), "site"), roots: x509.NewCertPool()}
	m.gateway, m.health = listen(t), listen(t)
	upstream, caPEM := newBackend(t)
	if out, err := exec.Command(m.program, "init", "--openai", "https://"+upstream, m.dir).CombinedOutput(); err != nil {
		t.Fatalf("cloister init: %v\n%s", err, out)
	}
	config := filepath.Join(m.dir, "cloister.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{"network: {subnet: gateway}\n", ""}, // the test machine stands in no subnet
		{"port: 8443}", fmt.Sprintf("port: %d}", port(m.gateway))},
		{`"127.0.0.1:9443"`, fmt.Sprintf("%q", m.health.Addr())},
		{"      managedIdentity: {}", "      none: true"},
		{"    credential:", "    caFile: tls/backend.pem\n    credential:"},
	} {
		if strings.Count(string(text), change[0]) != 1 {
			t.Fatalf("cloister.yaml has no %s", change[0])
		}
		text = []byte(strings.Replace(string(text), change[0], change[1], 1))
	}
	write(t, config, string(text)+"subscriptions:\n- {name: team-a, scope: /apis/azure-openai, primaryKey: {file: keys/team-a}}\n")
	write(t, filepath.Join(m.dir, "tls", "backend.pem"), string(caPEM))
	write(t, filepath.Join(m.dir, "keys", "team-a"), key)
	ca, err := os.ReadFile(filepath.Join(m.dir, "state", "ca", issue.CertificateFile))
	if err != nil || !m.roots.AppendCertsFromPEM(ca) {
		t.Fatalf("the site's CA: %v", err)
	}
	return m
}

func newBackend(t *testing.T) (addr string, caPEM []byte) {
	t.Helper()
	ca, err := issue.NewCA(issue.Options{Name: "backend", PermittedIPs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.IssueServer("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	ln := listen(t)
	server := &http.Server{Handler: http.HandlerFunc(backend), TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert.TLS()}}}
	go server.ServeTLS(ln, "", "")
	t.Cleanup(func() { server.Close() })
	return ln.Addr().String(), ca.PEM()
}

func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln.(*net.TCPListener)
}

func port(ln *net.TCPListener) int { return ln.Addr().(*net.TCPAddr).Port }

// serve starts "cloister serve" with sockets, as a service manager does.
func (m *machine) serve(t *testing.T, sockets ...*os.File) *testenv.Process {
	t.Helper()
	return m.serveUnder(t, nil, sockets...)
}

// serveUnder starts it as the argument of another program.
func (m *machine) serveUnder(t *testing.T, program []string, sockets ...*os.File) *testenv.Process {
	t.Helper()
	// The process's own number, which only it knows before the program runs.
	args := append(program, "sh", "-c", `LISTEN_PID=$$; export LISTEN_PID; exec "$0" serve "$1"`, m.program, m.dir)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.ExtraFiles = sockets
	cmd.Env = append(os.Environ(), fmt.Sprintf("LISTEN_FDS=%d", len(sockets)),
		"LISTEN_FDNAMES="+strings.TrimSuffix(strings.Repeat("cloister.socket:", len(sockets)), ":"))
	return testenv.Start(t, cmd)
}

// sockets are the machine's own.
func (m *machine) sockets(t *testing.T) []*os.File {
	t.Helper()
	return []*os.File{file(t, m.gateway), file(t, m.health)}
}

func file(t *testing.T, of interface{ File() (*os.File, error) }) *os.File {
	t.Helper()
	f, err := of.File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// client calls the gateway. It gives up late: a bound that fires because the
// machine is busy proves nothing.
func (m *machine) client(keepAlive, http2 bool) *http.Client {
	return &http.Client{Timeout: 60 * time.Second, Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: m.roots, ServerName: "localhost"},
		DisableKeepAlives: !keepAlive, ForceAttemptHTTP2: http2,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, m.gateway.Addr().String())
		},
	}}
}

// call sends a request and reads its answer to the end.
func call(ctx context.Context, c *http.Client, method, path, body string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, method, "https://localhost/openai/v1"+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("api-key", key)
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, answer)
	}
	return string(answer), err
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
