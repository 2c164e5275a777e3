package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/identity/issue"
)

// teamKey is the primary key of subscription "team" in test sites.
const teamKey = "0123456789abcdef0123456789abcdef"

// testSite is a site on disk whose backend is a server of the test.
type testSite struct {
	// witness keeps the audit log's checkpoints.
	witness string
	dir     string
	backend *httptest.Server
}

// newSite writes a site with one API "openai" at /openai, for every path, whose
// requests go to handler. Files are written over the defaults.
func newSite(t testing.TB, handler http.Handler, files map[string]string) *testSite {
	t.Helper()
	backend := httptest.NewTLSServer(handler)
	t.Cleanup(backend.Close)
	s := &testSite{dir: t.TempDir(), backend: backend, witness: filepath.Join(t.TempDir(), "witness")}
	s.write(t, "tls/backend.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: backend.Certificate().Raw})))
	s.write(t, "keys/team", teamKey+"\n")
	s.write(t, "cloister.yaml", s.config(""))
	s.write(t, "apim/apis/openai/apiInformation.json", `{"properties":{"displayName":"OpenAI","path":"openai","protocols":["https"],"serviceUrl":"`+s.backend.URL+`/openai","subscriptionRequired":true}}`)
	s.write(t, "apim/apis/openai/specification.yaml", wildcardSpecification)
	for name, content := range files {
		s.write(t, name, content)
	}
	if _, err := issue.InitCA(filepath.Join(s.dir, "state", "ca"), issue.Options{
		Name: "test", PermittedDNS: []string{"localhost"}, PermittedIPs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

const wildcardSpecification = `openapi: 3.0.1
info: {title: OpenAI, version: "1"}
paths:
  /*:
    get: {operationId: get, responses: {"200": {description: ok}}}
    post: {operationId: post, responses: {"200": {description: ok}}}
    delete: {operationId: delete, responses: {"200": {description: ok}}}
`

// config is cloister.yaml with more lines at its end.
func (s *testSite) config(more string) string {
	u, _ := url.Parse(s.backend.URL)
	return fmt.Sprintf(`name: test
listeners: [{address: 127.0.0.1, port: 0}]
hostnames: [{name: localhost, default: true}]
health: {address: "127.0.0.1:0"}
subscriptions:
- {name: team, scope: /apis, primaryKey: {file: keys/team}}
destinations:
  model: [{host: 127.0.0.1, port: %s}]
backends:
  openai: {url: "%s/openai", caFile: tls/backend.pem, credential: {none: true}}
audit: {witness: {file: %q}}
`, u.Port(), s.backend.URL, s.witness) + more
}

func (s *testSite) write(t testing.TB, name, content string) {
	t.Helper()
	path := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// running is a process of a test with what it wrote.
type running struct {
	*Process
	records, log *syncBuffer
	client       *http.Client
	url          string
}

// syncBuffer is a bytes.Buffer for several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start runs the site's gateway until the test ends.
func (s *testSite) start(t testing.TB) *running { return s.startWith(t, nil) }

// startWith is start with options that change changes.
func (s *testSite) startWith(t testing.TB, change func(*Options)) *running {
	t.Helper()
	r := &running{records: &syncBuffer{}, log: &syncBuffer{}}
	opt := Options{
		Dir: s.dir, Stdout: r.records, Stderr: io.Discard,
		Log: slog.New(slog.NewTextHandler(r.log, nil)),
	}
	if change != nil {
		change(&opt)
	}
	p, problems, err := Start(t.Context(), opt)
	if err != nil || problems.HasErrors() {
		t.Fatal(err, problems.Err())
	}
	r.Process = p
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := p.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log:\n%s", r.log)
		}
	})
	r.client = s.clientFor(t, p, false)
	r.url = "https://localhost:" + fmt.Sprint(p.Addrs()[0].Port())
	return r
}

// clientFor trusts the site's CA and connects to the process whatever the
// name.
func (s *testSite) clientFor(t testing.TB, p *Process, h2 bool) *http.Client {
	t.Helper()
	ca, err := os.ReadFile(filepath.Join(s.dir, "state", "ca", issue.CertificateFile))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	addr := p.Addrs()[0].String()
	tr := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: h2, DisableCompression: true,
		MaxIdleConnsPerHost: 100,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: noRedirect, Timeout: 30 * time.Second}
}

// do sends a request with the team's key unless the header says otherwise.
func (r *running) do(t *testing.T, method, path, body string, header http.Header) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Ocp-Apim-Subscription-Key", teamKey)
	for name, values := range header {
		if values == nil {
			req.Header.Del(name)
			continue
		}
		req.Header[name] = values
	}
	resp, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("reading the answer: %v (so far %q)", err, got)
	}
	return resp, string(got)
}

// anonymous drops the key.
var anonymous = http.Header{"Ocp-Apim-Subscription-Key": nil}
