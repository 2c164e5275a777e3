package app

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/identity/issue"
)

// clientCA is an authority that signs client certificates.
func clientCA(t *testing.T, name string) *issue.CA {
	t.Helper()
	ca, err := issue.NewCA(issue.Options{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// clientCertificate is a certificate of a client, and its fingerprint.
func clientCertificate(t *testing.T, ca *issue.CA, name string) (*tls.Certificate, string) {
	t.Helper()
	cert, err := ca.IssueClient(name)
	if err != nil {
		t.Fatal(err)
	}
	pair := cert.TLS()
	sum := sha256.Sum256(cert.Leaf.Raw)
	return &pair, hex.EncodeToString(sum[:])
}

// showing is a client that shows a certificate, whatever the server asks for;
// nil: none.
func (s *testSite) showing(t *testing.T, p *Process, cert *tls.Certificate, h2 bool) *http.Client {
	t.Helper()
	c := s.clientFor(t, p, h2)
	if cert != nil {
		c.Transport.(*http.Transport).TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
	return c
}

// TestClientCertificates: callers by certificate, and keys that are bound to
// one.
func TestClientCertificates(t *testing.T) {
	ca := clientCA(t, "clients")
	app1, app1Print := clientCertificate(t, ca, "app-1")
	app2, app2Print := clientCertificate(t, ca, "app-2")
	stranger, _ := clientCertificate(t, ca, "stranger")
	foreign, _ := clientCertificate(t, clientCA(t, "others"), "app-1")
	s := newSite(t, http.HandlerFunc(echo), map[string]string{
		"tls/clients.pem":                     string(ca.PEM()),
		"keys/bound":                          boundKey,
		"apim/apis/certs/apiInformation.json": api("certs", `,"subscriptionRequired":false`),
		"apim/apis/certs/specification.yaml":  wildcardSpecification,
		"apim/apis/certs/policy.xml":          onlyInbound(`<set-backend-service backend-id="openai" />`),
	})
	config := with(s.config("callers: {apis: {certs: [certificate]}}\n"), [2]string{"subscriptions", fmt.Sprintf(`- {name: app1, scope: /apis, boundTo: {certificates: [%q]}}
- {name: app2, scope: /apis, primaryKey: {file: keys/bound}, boundTo: {certificates: [%q]}}`, app1Print, app2Print)})
	config = strings.Replace(config, "{name: localhost, default: true}", "{name: localhost, default: true, clientCA: tls/clients.pem}", 1)
	s.write(t, "cloister.yaml", config)
	var ahead atomic.Int64
	g := s.startWith(t, func(o *Options) { o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) } })
	key := http.Header{"Ocp-Apim-Subscription-Key": {boundKey}}
	for _, tt := range []struct {
		name         string
		cert         *tls.Certificate
		path         string
		header       http.Header
		status       int
		subscription string
	}{
		{"bound certificate", app1, "/certs/x", anonymous, 200, "app1"},
		{"its neighbour's", app2, "/certs/x", anonymous, 200, "app2"},
		{"certificate of nobody", stranger, "/certs/x", anonymous, 403, ""},
		{"no certificate", nil, "/certs/x", anonymous, 403, ""},
		{"certificate in a header", nil, "/certs/x", http.Header{"Ocp-Apim-Subscription-Key": nil, "X-Client-Cert": {app1Print}, "X-Arr-Clientcert": {app1Print}, "Client-Cert": {app1Print}}, 403, ""},
		{"key alone", nil, "/certs/x", nil, 403, ""},
		{"certificate where a key is wanted", app1, "/openai/x", anonymous, 401, ""},
		{"bound key, its certificate", app2, "/openai/x", key, 200, "app2"},
		{"bound key, another's certificate", app1, "/openai/x", key, 403, ""},
		{"bound key, no certificate", nil, "/openai/x", key, 403, ""},
		{"certificate beside an unbound key", app1, "/openai/x", nil, 200, "team"},
	} {
		for _, h2 := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.name, "/h2=", h2), func(t *testing.T) {
				g.client = s.showing(t, g.Process, tt.cert, h2)
				resp, body := g.do(t, "GET", tt.path, "", tt.header)
				if resp.StatusCode != tt.status {
					t.Fatalf("%s %s, want %d", resp.Status, body, tt.status)
				}
				id := resp.Header.Get("Cloister-Request-Id")
				rec := wantRecord(t, g, func(r map[string]any) bool { return r["request_id"] == id })
				if got := fmt.Sprint(field(rec, "subscription")); got != orNil(tt.subscription) {
					t.Errorf("subscription %s, want %s", got, orNil(tt.subscription))
				}
				if tt.path == "/certs/x" && tt.status == 200 && (field(rec, "principal.kind") != "certificate" || field(rec, "principal.certificate_sha256") == nil) {
					t.Errorf("record: %v", rec["principal"])
				}
			})
		}
	}
	t.Run("another CA", func(t *testing.T) {
		client := s.showing(t, g.Process, foreign, false)
		if resp, err := g.send(t, client, "GET", "/certs/x", nil, anonymous); err == nil {
			t.Errorf("answered %s", resp.Status)
		}
	})
	t.Run("expires on an open connection", func(t *testing.T) {
		g.client = s.showing(t, g.Process, app1, false)
		if resp, _ := g.do(t, "GET", "/certs/x", "", anonymous); resp.StatusCode != 200 {
			t.Fatal(resp.Status)
		}
		ahead.Store(int64(issue.MaxLifetime + time.Hour))
		defer ahead.Store(0)
		if resp, _ := g.do(t, "GET", "/certs/x", "", anonymous); resp.StatusCode != 403 {
			t.Errorf("after its expiry: %s", resp.Status)
		}
	})
	t.Run("CA changed", func(t *testing.T) {
		// Neither an open connection nor a new one outlives its CA.
		g.client = s.showing(t, g.Process, app1, false)
		g.do(t, "GET", "/certs/x", "", anonymous)
		s.write(t, "tls/clients.pem", string(clientCA(t, "next").PEM()))
		if r, err := g.Reload(t.Context()); err != nil || !r.Accepted() {
			t.Fatal(err, r.Problems.Err())
		}
		if resp, err := g.send(t, g.client, "GET", "/certs/x", nil, anonymous); err == nil && resp.StatusCode == 200 {
			t.Error("a certificate of the CA before is accepted on an open connection")
		}
		fresh := s.showing(t, g.Process, app1, true)
		if resp, err := g.send(t, fresh, "GET", "/certs/x", nil, anonymous); err == nil {
			t.Errorf("a certificate of the CA before: %s", resp.Status)
		}
	})
}

// TestCertificateWatch: a renewed file is shown without anybody asking.
func TestCertificateWatch(t *testing.T) {
	s := newSite(t, http.NotFoundHandler(), nil)
	ca, err := issue.LoadCA(filepath.Join(s.dir, "state", "ca"), issue.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	write := func() (serial string) {
		cert, err := ca.IssueServer("localhost")
		if err != nil {
			t.Fatal(err)
		}
		key, err := cert.KeyPEM()
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, "tls/gw.pem", string(cert.PEM()))
		s.write(t, "tls/gw.key", key.Reveal())
		return cert.Leaf.SerialNumber.String()
	}
	write()
	s.write(t, "cloister.yaml", strings.Replace(s.config(""), "default: true}", "default: true, certificate: tls/gw.pem, key: tls/gw.key}", 1))
	g := s.startWith(t, func(o *Options) { o.CertificateInterval = 10 * time.Millisecond })
	renewed := write()
	eventually(t, "the renewed certificate", func() bool {
		client := s.clientFor(t, g.Process, false)
		defer client.CloseIdleConnections()
		resp, err := client.Get(g.url)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.TLS.PeerCertificates[0].SerialNumber.String() == renewed
	})
}
