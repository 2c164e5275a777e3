package app

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestManagedIdentityByPolicy: a document logs in as the managed identity of the
// machine, over class identity, once for all requests; the token is in no record.
func TestManagedIdentityByPolicy(t *testing.T) {
	var asked atomic.Int64
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Identity-Header") != "machine" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		asked.Add(1)
		fmt.Fprintf(w, `{"access_token":"mi-token-for-%s","expires_on":"%d","resource":"x","token_type":"Bearer"}`,
			strings.NewReplacer("/", "", ":", "").Replace(r.URL.Query().Get("resource")), time.Now().Add(24*time.Hour).Unix())
	}))
	t.Cleanup(endpoint.Close)
	t.Setenv("IDENTITY_ENDPOINT", endpoint.URL+"/token")
	t.Setenv("IDENTITY_HEADER", "machine")
	port := endpoint.URL[strings.LastIndexByte(endpoint.URL, ':')+1:]
	site := newSite(t, http.HandlerFunc(echo), map[string]string{
		"apim/apis/openai/policy.xml": onlyInbound(`<authentication-managed-identity resource="https://cognitiveservices.azure.com" />
			<authentication-managed-identity resource="api://own" output-token-variable-name="own" />
			<set-header name="X-Own"><value>@((string)context.Variables["own"])</value></set-header>`),
	})
	site.write(t, "cloister.yaml", with(site.config(""), [2]string{"destinations", "  identity: [{host: 127.0.0.1, port: " + port + "}]"}))
	g := site.start(t)
	ask := func() {
		t.Helper()
		resp, body := g.do(t, "GET", "/openai/x", "", nil)
		if resp.StatusCode != 200 {
			t.Fatal(resp.Status, body, g.log)
		}
		e := decodeEcho(t, body)
		if got := e.Header.Get("Authorization"); got != "Bearer mi-token-for-httpscognitiveservices.azure.com" {
			t.Errorf("Authorization %q", got)
		}
		if got := e.Header.Get("X-Own"); got != "mi-token-for-apiown" {
			t.Errorf("X-Own %q", got)
		}
	}
	ask()
	ask()
	site.write(t, "apim/policy.xml", policyWith(2))
	if r, err := g.Reload(t.Context()); err != nil || !r.Accepted() {
		t.Fatal(err, r.Problems.Err())
	}
	ask()
	if got := asked.Load(); got != 2 {
		t.Errorf("%d tokens obtained, want 2", got)
	}
	if strings.Contains(g.records.String()+g.log.String(), "mi-token") {
		t.Error("a record or a log line holds a token")
	}
}

// TestCertificatesByPolicy: a policy names the caller by its certificate, and
// shows the backend one of the site's.
func TestCertificatesByPolicy(t *testing.T) {
	ca := clientCA(t, "clients")
	app1, app1Print := clientCertificate(t, ca, "app-1")
	stranger, strangerPrint := clientCertificate(t, ca, "stranger")
	asleep, asleepPrint := clientCertificate(t, ca, "asleep")
	own, _ := clientCertificate(t, clientCA(t, "gateway"), "gateway")
	backend := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "certificates:", len(r.TLS.PeerCertificates))
		for _, c := range r.TLS.PeerCertificates[:min(1, len(r.TLS.PeerCertificates))] {
			fmt.Fprint(w, " ", c.Subject.CommonName)
		}
	}))
	backend.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	backend.StartTLS()
	t.Cleanup(backend.Close)
	key, err := pemKey(own)
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, http.HandlerFunc(echo), map[string]string{
		"tls/clients.pem":                     string(ca.PEM()),
		"tls/own.pem":                         string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]})),
		"tls/own.key":                         key,
		"apim/apis/certs/apiInformation.json": api("certs", `,"subscriptionRequired":false`),
		"apim/apis/certs/specification.yaml":  wildcardSpecification,
		"apim/apis/certs/policy.xml": onlyInbound(`<set-backend-service backend-id="mutual" />
			<validate-client-certificate validate-revocation="false">
				<identities><identity common-name="app-1" /><identity common-name="asleep" /><identity common-name="stranger" /></identities>
			</validate-client-certificate>
			<choose><when condition="@(context.Request.Url.Path.EndsWith("/own") &amp;&amp; context.Request.Certificate.Subject.Contains("app-1"))">
				<authentication-certificate certificate-id="gateway" />
			</when></choose>`),
	})
	port := backend.URL[strings.LastIndexByte(backend.URL, ':')+1:]
	config := with(s.config("callers: {apis: {certs: [policy]}}\ncertificates: {gateway: {certificate: tls/own.pem, key: tls/own.key}}\n"),
		[2]string{"subscriptions", fmt.Sprintf(`- {name: app1, scope: /apis, boundTo: {certificates: [%q]}}
- {name: asleep, scope: /apis, state: suspended, boundTo: {certificates: [%q]}}`, app1Print, asleepPrint)},
		[2]string{"backends", `  mutual: {url: "` + backend.URL + `", caFile: tls/backend.pem, credential: {none: true}}`})
	config = strings.Replace(config, "{name: localhost, default: true}", "{name: localhost, default: true, clientCA: tls/clients.pem}", 1)
	config = strings.Replace(config, "model: [{", "model: [{host: 127.0.0.1, port: "+port+"}, {", 1)
	s.write(t, "cloister.yaml", config)
	g := s.start(t)
	for _, tt := range []struct {
		name, path                        string
		cert                              *tls.Certificate
		status                            int
		body, subscription, print, reason string
	}{
		{"bound", "/certs/x", app1, 200, "certificates:0", "app1", app1Print, "policy-certificate"},
		{"bound, and the gateway's own", "/certs/own", app1, 200, "certificates:1 gateway", "app1", app1Print, "policy-certificate"},
		{"again without it", "/certs/x", app1, 200, "certificates:0", "app1", app1Print, "policy-certificate"},
		{"under no subscription", "/certs/x", stranger, 200, "certificates:0", "", strangerPrint, "policy-certificate"},
		{"suspended", "/certs/x", asleep, 403, "", "", "", "subscription-not-active"},
		{"none", "/certs/x", nil, 403, "", "", "", "client-certificate-not-present"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g.client = s.showing(t, g.Process, tt.cert, false)
			resp, body := g.do(t, "GET", tt.path, "", anonymous)
			if resp.StatusCode != tt.status || tt.body != "" && body != tt.body {
				t.Fatalf("%s %s, want %d %s\n%s", resp.Status, body, tt.status, tt.body, g.log)
			}
			id := resp.Header.Get("Cloister-Request-Id")
			rec := wantRecord(t, g, func(r map[string]any) bool { return r["request_id"] == id })
			if reasons := fmt.Sprint(rec["reasons"]); reasons != "["+tt.reason+"]" {
				t.Errorf("reasons %s, want %s", reasons, tt.reason)
			}
			if tt.status != 200 {
				return
			}
			if got := fmt.Sprint(field(rec, "subscription")); got != orNil(tt.subscription) {
				t.Errorf("subscription %s, want %s", got, orNil(tt.subscription))
			}
			if got := field(rec, "principal.certificate_sha256"); field(rec, "principal.kind") != "certificate" || got != tt.print {
				t.Errorf("principal %v", rec["principal"])
			}
		})
	}
}

// pemKey is the private key of a pair as PEM.
func pemKey(pair *tls.Certificate) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// TestPrincipalsByPolicyAreRevoked: a request whose caller a policy has named
// ends when the subscription ends that the token maps to.
func TestPrincipalsByPolicyAreRevoked(t *testing.T) {
	s := newVouchSite(t)
	good := s.token(t, mapped, nil)
	ended := make(chan int, 1)
	go func() {
		resp, err := s.send(t, s.client, "GET", "/jwt/wait", nil, bearer(good))
		if err != nil {
			ended <- 0
			return
		}
		resp.Body.Close()
		ended <- resp.StatusCode
	}()
	select {
	case <-waiting:
	case <-time.After(10 * time.Second):
		t.Fatal("the request did not get to the backend")
	}
	raw, err := os.ReadFile(filepath.Join(s.site.dir, "cloister.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.site.write(t, "cloister.yaml", strings.Replace(string(raw), "{name: gold, scope: /products/gold}", "{name: gold, scope: /products/gold, state: suspended}", 1))
	if r, err := s.Reload(t.Context()); err != nil || !r.Accepted() {
		t.Fatal(err, r.Problems.Err())
	}
	select {
	case status := <-ended:
		if status != http.StatusUnauthorized {
			t.Errorf("status %d, want 401", status)
		}
	case <-time.After(10 * time.Second):
		t.Error("the request goes on")
	}
	if resp, _ := s.do(t, "GET", "/jwt/x", "", bearer(good)); resp.StatusCode != http.StatusForbidden {
		t.Errorf("afterwards: %s, want 403", resp.Status)
	}
}

// waiting hears of requests to /wait, which wait until they are ended.
var waiting = make(chan struct{}, 1)

func echoOrWait(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/wait") {
		waiting <- struct{}{}
		<-r.Context().Done()
		return
	}
	echo(w, r)
}
