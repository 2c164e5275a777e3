package backend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

const (
	hidden  = "hidden-0123456789abcdef"
	hidden2 = "hidden-fedcba9876543210"
)

func TestAPIKey(t *testing.T) {
	s := newSite()
	srv := s.server(t, func(w http.ResponseWriter, r *http.Request) { json.NewEncoder(w).Encode(r.Header) })
	s.env["KEY"], s.env["BEARER"], s.env["BASIC"] = hidden, hidden2, "Basic "+hidden
	s.backend("plain", srv.URL, key("KEY", ""))
	s.backend("bearer", srv.URL, key("BEARER", "authorization"))
	s.backend("basic", srv.URL, key("BASIC", "Authorization"))
	set := s.compile(t)
	for _, c := range []struct{ id, name, want string }{
		{"plain", "Api-Key", hidden}, {"bearer", "Authorization", "Bearer " + hidden2}, {"basic", "Authorization", "Basic " + hidden},
	} {
		req := request(t, "GET", "/", "")
		req.Header.Set(c.name, "a policy's own")
		req.Header.Set("X-Other", "kept")
		_, body, _ := do(t, lookup(t, set, c.id), req)
		var h http.Header
		json.Unmarshal([]byte(body), &h)
		if got := h.Values(c.name); len(got) != 1 || got[0] != c.want || h.Get("X-Other") != "kept" {
			t.Errorf("%s: %v", c.id, h)
		}
	}
}

// TestDocumentCredential: headers, parameters and named values of apim/.
func TestDocumentCredential(t *testing.T) {
	s := newSite()
	srv := s.server(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s|%s|%s|%s", r.Header["X-Two"], r.Header.Get("Authorization"), r.Header.Get("X-Tenant"), r.URL.RawQuery)
	})
	s.env["NV"] = hidden
	s.Service.NamedValues = []*site.NamedValue{
		{Name: "the-key", Ref: &site.SecretRef{Env: "NV"}, Secret: true}, {Name: "tenant", Value: "contoso-tenant"},
	}
	s.Service.Backends = []*site.Backend{{
		ID: "doc", URL: srv.URL, ValidateChain: true, ValidateName: true,
		Headers: map[string][]string{"x-two": {"one", "two"}, "Authorization": {"Bearer {{ The-Key }}"}, "X-Tenant": {"{{tenant}}"}},
		Query:   map[string][]string{"code": {hidden2}, "v": {"a b"}},
	}}
	s.Config.Backends["doc"] = site.BackendConfig{CAFile: "ca.pem"}
	set := s.compile(t)
	_, body, _ := do(t, lookup(t, set, "doc"), request(t, "GET", "/?x=%20&code=forged&c%6fde=forged", ""))
	if want := "[one two]|Bearer " + hidden + "|contoso-tenant|x=%20&code=" + hidden2 + "&v=a+b"; body != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
	// What is secret of it is bound to the host; a tenant is not.
	for text, want := range map[string]bool{"x " + hidden: true, hidden2: true, "contoso-tenant": false, "one": false} {
		if got := set.Carries(http.Header{"X": {text}}, "other.example"); got != want {
			t.Errorf("%s: carries %v", text, got)
		}
	}
}

// tokens is a source of a token.
type tokens struct {
	text string
	err  error
}

func (s tokens) Token(context.Context) (secret.Value, time.Time, error) {
	return secret.New(s.text), time.Now().Add(time.Hour), s.err
}

func TestToken(t *testing.T) {
	s := newSite()
	var seen atomic.Value
	srv := s.server(t, func(w http.ResponseWriter, r *http.Request) { seen.Store(r.Header.Get("Authorization")) })
	s.backend("b", srv.URL, nil)
	b := lookup(t, s.compile(t), "b")
	b.one.credential.token = tokens{text: hidden}
	do(t, b, request(t, "GET", "/", ""))
	if seen.Load() != "Bearer "+hidden {
		t.Errorf("sent %v", seen.Load())
	}
	cause := errors.New("no identity")
	b.one.credential.token = tokens{err: cause}
	body := &watched{Reader: strings.NewReader("x")}
	req := request(t, "POST", "/", "x")
	req.Body = body
	seen.Store("nothing")
	var failed *CredentialError
	if _, err := b.RoundTrip(req, nil); !errors.As(err, &failed) || !errors.Is(err, cause) || seen.Load() != "nothing" || !body.closed.Load() {
		t.Errorf("%v, sent %v, closed %v", err, seen.Load(), body.closed.Load())
	}
}

// TestClientSecret runs the whole way: authority, token, backend; and a
// reload, which asks for no second token.
func TestClientSecret(t *testing.T) {
	s := newSite()
	var asked atomic.Int64
	var authority *httptest.Server
	authority = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		base := authority.URL + "/contoso"
		if strings.HasSuffix(r.URL.Path, "/openid-configuration") {
			fmt.Fprintf(w, `{"issuer":%q,"token_endpoint":%q,"authorization_endpoint":%q}`, base+"/v2.0", base+"/token", base+"/authorize")
			return
		}
		asked.Add(1)
		fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":3600,"access_token":%q}`, hidden)
	}))
	defer authority.Close()
	srv := s.server(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("Authorization")) })
	s.trust(authority)
	s.list(t, authority.URL)
	s.Config.Destinations.Identity = s.Config.Destinations.Model[1:]
	s.Config.Destinations.Model = s.Config.Destinations.Model[:1]
	s.env["SECRET"] = hidden2
	s.backend("b", srv.URL, func(b *site.BackendConfig) {
		b.Credential.ClientSecret = &site.ClientSecret{
			Authority: authority.URL, TenantID: "contoso", ClientID: "gateway", Secret: &site.SecretRef{Env: "SECRET"}, CAFile: "ca.pem",
		}
	})
	set := s.compile(t)
	if set.Carries(http.Header{"A": {hidden}}, "other.example") {
		t.Error("a token is known before it was obtained")
	}
	_, body, used := do(t, lookup(t, set, "b"), request(t, "GET", "/", ""))
	if body != "Bearer "+hidden || used.Acquire <= 0 {
		t.Errorf("sent %q, %+v", body, used)
	}
	s.opt.Previous = set
	again := s.compile(t)
	if _, body, _ := do(t, lookup(t, again, "b"), request(t, "GET", "/", "")); body != "Bearer "+hidden || asked.Load() != 1 {
		t.Errorf("after a reload: sent %q, asked %d times", body, asked.Load())
	}
	for i, set := range []*Set{set, again} {
		if !set.Carries(http.Header{"A": {"Bearer " + hidden}}, "other.example") || set.Carries(http.Header{"A": {hidden}}, used.Host) {
			t.Errorf("set %d: the token is not bound to its host", i)
		}
	}
}

// TestCredentialStays: a credential of one host does not leave for another,
// wherever in the head it stands, and whoever put it there.
func TestCredentialStays(t *testing.T) {
	s := newSite()
	var n atomic.Int64
	count := func(w http.ResponseWriter, r *http.Request) { n.Add(1) }
	own, other := s.server(t, count), s.server(t, count)
	s.env["KEY"] = hidden
	s.backend("own", own.URL, key("KEY", ""))
	s.backend("other", other.URL, func(b *site.BackendConfig) { b.Credential.None = true })
	s.pool("pool", member2{"other", 0, 1}, member2{"own", 1, 1})
	set := s.compile(t)
	for name, change := range map[string]func(*http.Request){
		"header":          func(r *http.Request) { r.Header.Set("X-Any", hidden) },
		"in a header":     func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+hidden+" ") },
		"second line":     func(r *http.Request) { r.Header["X-Any"] = []string{"a", "b" + hidden} },
		"odd spelling":    func(r *http.Request) { r.Header["x-any"] = []string{hidden} },
		"query":           func(r *http.Request) { r.URL.RawQuery = "a=" + hidden },
		"query, encoded":  func(r *http.Request) { r.URL.RawQuery = "a=%68" + hidden[1:] },
		"query, unusable": func(r *http.Request) { r.URL.RawQuery = "a=%zz" },
		"path":            func(r *http.Request) { r.URL.Path = "/" + hidden },
		"path, encoded":   func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/"+hidden, "/%68"+hidden[1:] },
	} {
		for _, id := range []string{"other", "pool"} {
			req := request(t, "GET", "/", "")
			change(req)
			var travel *TravelError
			if _, err := lookup(t, set, id).RoundTrip(req, nil); !errors.As(err, &travel) || strings.Contains(err.Error(), hidden) {
				t.Errorf("%s to %s: %v", name, id, err)
			}
		}
	}
	if n.Load() != 0 {
		t.Errorf("%d requests were sent", n.Load())
	}
	req := request(t, "GET", "/", "")
	req.Header.Set("X-Any", hidden)
	do(t, lookup(t, set, "own"), req)
}

// TestAttachChecksHost: even if something else in this package went wrong, a
// credential is not put on a request to another host.
func TestAttachChecksHost(t *testing.T) {
	at := &service{scheme: "https", authority: "own.example"}
	at.credential.setHeader("api-key", secret.New(hidden))
	for _, change := range []func(*http.Request){
		func(r *http.Request) { r.URL.Host = "other.example" },
		func(r *http.Request) { r.URL.Host = "own.example:8443" },
		func(r *http.Request) { r.URL.Scheme = "http" },
		func(r *http.Request) { r.Host = "other.example" },
	} {
		req := request(t, "GET", "https://own.example/", "")
		req.Host = ""
		change(req)
		if _, err := at.attach(t.Context(), req, time.Now); err == nil || len(req.Header) != 0 {
			t.Errorf("%s (Host %q): %v, %d headers", req.URL, req.Host, err, len(req.Header))
		}
	}
}

// TestPlainHTTP: a credential goes in clear to an exact loopback address only.
func TestPlainHTTP(t *testing.T) {
	s := newSite()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("Api-Key")) }))
	defer srv.Close()
	s.list(t, srv.URL)
	s.list(t, "https://models.example:8080")
	s.env["KEY"] = hidden
	s.Config.Backends["loopback"] = site.BackendConfig{URL: srv.URL, Credential: site.BackendCredential{APIKey: &site.APIKey{Key: &site.SecretRef{Env: "KEY"}}}}
	if _, body, used := do(t, lookup(t, s.compile(t), "loopback"), request(t, "GET", "/", "")); body != hidden || used.CertificateSPKI != "" || !used.Address.IsValid() {
		t.Errorf("got %q, %+v", body, used)
	}
	s.Config.Backends["far"] = site.BackendConfig{URL: "http://models.example:8080"}
	if set, ps := s.try(t); set != nil || !strings.Contains(ps.Err().Error(), "in clear") {
		t.Errorf("accepted: %v", ps)
	}
}

// TestNothingPrinted: no formatting of a set, a backend or an error shows a
// secret.
func TestNothingPrinted(t *testing.T) {
	s := newSite()
	srv := s.server(t, func(http.ResponseWriter, *http.Request) {})
	s.env["KEY"] = hidden
	var log strings.Builder
	s.opt.Log = slog.New(slog.NewTextHandler(&log, nil))
	dead := closed(t)
	s.list(t, dead)
	s.backend("good", srv.URL, key("KEY", ""))
	s.backend("dead", dead, key("KEY", "authorization"))
	s.pool("pool", member2{"dead", 0, 1}, member2{"good", 1, 1})
	set := s.compile(t)
	b := lookup(t, set, "pool")
	do(t, b, request(t, "GET", "/", ""))
	_, err := lookup(t, set, "dead").RoundTrip(request(t, "GET", "/", ""), nil)
	all := log.String()
	for _, v := range []any{set, b, err, *b, b.pool.levels[0].services[0].credential, set.minted.all(), s.opt} {
		all += fmt.Sprintf("%v %+v %#v", v, v, v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		j, _ := json.Marshal(v)
		all += string(j)
	}
	if all += log.String(); strings.Contains(all, hidden) {
		t.Error("a secret was printed")
	}
	if !strings.Contains(log.String(), "member of a pool set aside") {
		t.Errorf("the log says %q", log.String())
	}
}

func TestMinted(t *testing.T) {
	now := time.Now()
	m := &minted{now: func() time.Time { return now }}
	m.bind(secret.New("short"), "a", never)
	m.bind(secret.New(hidden), "a", now.Add(time.Hour))
	m.bind(secret.New(hidden), "b", now.Add(time.Hour))
	m.bind(secret.New(hidden2), "a", never)
	h := http.Header{"X": {hidden}}
	if m.inHeader(h, "a") || m.inHeader(h, "b") || !m.inHeader(h, "c") || m.inHeader(http.Header{"X": {"short"}}, "c") {
		t.Error("a credential of two hosts")
	}
	now = now.Add(2 * time.Hour)
	m.bind(secret.New("another one"), "a", never)
	if m.inHeader(h, "c") || !m.inHeader(http.Header{"X": {hidden2}}, "c") || len(m.all()) != 2 {
		t.Errorf("what has run out is kept: %d", len(m.all()))
	}
	set := &Set{minted: m}
	for host, want := range map[string]bool{"a": false, "A:443": false, "a:8443": true, "b": true} {
		if got := set.Carries(http.Header{"X": {hidden2}}, host); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
}
