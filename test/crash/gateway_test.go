//go:build linux

package crash

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/testenv"
)

// patience bounds everything that should take a moment: the machine may be
// busy with other tests.
const patience = 30 * time.Second

// gateway is one life of "cloister serve".
type gateway struct {
	*testenv.Process
	door *admin.Client
	// http are clients over HTTP/1.1 and HTTP/2, with connections that are kept.
	http   [2]*http.Client
	health string
	// patient: a 503 is asked again, because the site's staleAfter is so short
	// that a busy machine may pass it. What is refused for a while is not lost.
	patient bool
}

// run starts the program on a site. Wrap is what it is run by, strace.
func (s site) run(t testing.TB, wrap ...string) *testenv.Process {
	t.Helper()
	args := append(wrap[:len(wrap):len(wrap)], program(t), "serve", s.dir)
	cmd := exec.Command(args[0], args[1:]...)
	// A test binary that is killed leaves no gateway behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return testenv.Start(t, cmd)
}

// start runs the gateway until it says that it serves.
func (s site) start(t testing.TB, wrap ...string) *gateway {
	t.Helper()
	g, err := s.attach(t, s.run(t, wrap...))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// errEnded: the gateway ended before it served.
var errEnded = errors.New("the gateway ended before it served")

// attach waits until a process serves and makes clients for it.
func (s site) attach(t testing.TB, p *testenv.Process) (*gateway, error) {
	t.Helper()
	deadline := time.After(patience)
	for {
		if line, ok := servingLine(p.Output()); ok {
			return s.clients(t, p, line), nil
		}
		select {
		case <-p.Done():
			return nil, fmt.Errorf("%w; it printed:\n%s", errEnded, p.Output())
		case <-deadline:
			t.Fatalf("the gateway does not serve after %v; it printed:\n%s", patience, p.Output())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// serving is what the gateway logs when it serves.
type serving struct {
	Msg       string
	Listeners []string
	Health    string
}

func servingLine(output string) (serving, bool) {
	for line := range strings.Lines(output) {
		var s serving
		if strings.Contains(line, `"serving"`) && json.Unmarshal([]byte(line), &s) == nil && s.Msg == "serving" && len(s.Listeners) == 1 {
			return s, true
		}
	}
	return serving{}, false
}

func (s site) clients(t testing.TB, p *testenv.Process, at serving) *gateway {
	t.Helper()
	ca, err := os.ReadFile(s.file("state/ca/" + issue.CertificateFile))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	g := &gateway{Process: p, door: admin.NewClient(s.state()), health: at.Health}
	for i := range g.http {
		tr := &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: i == 1, MaxIdleConnsPerHost: 100,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, at.Listeners[0])
			},
		}
		t.Cleanup(tr.CloseIdleConnections)
		g.http[i] = &http.Client{Transport: tr}
	}
	return g
}

// kill ends a process at once and waits for its end.
func kill(t testing.TB, p *testenv.Process) {
	t.Helper()
	p.Kill(t)
	p.Wait(t, patience)
}

// kill ends the gateway at once and waits for its end.
func (g *gateway) kill(t testing.TB) {
	t.Helper()
	kill(t, g.Process)
	for _, c := range g.http {
		c.CloseIdleConnections()
	}
}

// stop ends it as an operator does.
func (g *gateway) stop(t testing.TB) {
	t.Helper()
	for _, c := range g.http {
		c.CloseIdleConnections()
	}
	g.Signal(t, syscall.SIGTERM)
	if code := g.Wait(t, patience); code != 0 {
		t.Errorf("exit code %d after SIGTERM; it printed:\n%s", code, tail(g.Output()))
	}
}

// ask sends one request with a key. An answer's body is the caller's.
func (g *gateway) ask(ctx context.Context, which int, path, key string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://localhost/openai/"+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Ocp-Apim-Subscription-Key", key)
	return g.http[which].Do(req)
}

// opens is the status of a request with a key, and its id.
func (g *gateway) opens(t testing.TB, key string) (status int, id string) {
	t.Helper()
	until(t, "an answer other than 503", func() bool {
		var err error
		if status, id, err = g.tries(key); err != nil {
			t.Fatalf("a request: %v; the gateway printed:\n%s", err, tail(g.Output()))
		}
		return !g.patient || status != http.StatusServiceUnavailable
	})
	return status, id
}

// tries is opens where a request may fail.
func (g *gateway) tries(key string) (status int, id string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	resp, err := g.ask(ctx, 0, "x", key)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header.Get(requestID), err
}

const requestID = "Cloister-Request-Id"

// ready asks the probe.
func (g *gateway) ready() bool {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	resp, err := client.Get("http://" + g.health + "/readyz")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// until waits for ok and says how long that took.
func until(t testing.TB, what string, ok func() bool) time.Duration {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		switch took := time.Since(begun); {
		case ok():
			return took
		case took > patience:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// tail is the end of what a process printed.
func tail(s string) string { return s[max(0, len(s)-3000):] }
