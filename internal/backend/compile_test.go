package backend

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestLookup(t *testing.T) {
	s := newSite()
	for _, host := range []string{"a.example", "implicit.example"} {
		s.Config.Destinations.Model = append(s.Config.Destinations.Model, site.Destination{Host: host})
	}
	s.Config.Destinations.Model = append(s.Config.Destinations.Model, site.Destination{Host: "127.0.0.1", Port: 8080}, site.Destination{Host: "fd00::1"})
	s.env["KEY"] = hidden
	s.Files["ca.pem"] = nil
	plain := func(id, u string) { s.Config.Backends[id] = site.BackendConfig{URL: u} }
	plain("root", "https://A.example/")
	plain("openai", "https://a.example:443/openai/")
	plain("deep", "wss://a.example/openai/v1")
	plain("six", "https://[fd00::1]/x")
	s.Service.APIs = []*site.API{{ID: "api", ServiceURL: "https://implicit.example/models"}}
	set := s.compile(t)
	for _, c := range []struct{ url, id, base string }{
		{"https://a.example", "root", ""},
		{"https://a.example/other", "root", "/other"},
		{"https://a.example/openai", "openai", "/openai"},
		{"https://a.example./openai/", "openai", "/openai"},
		{"HTTPS://A.EXAMPLE:443/openai", "openai", "/openai"},
		{"https://a.example/openai2", "root", "/openai2"},
		{"https://a.example/openai/deployments", "openai", "/openai/deployments"},
		{"https://a.example/openai/v1", "deep", "/openai/v1"},
		{"https://a.example/openai/v1/x%2Fy", "deep", "/openai/v1/x%2Fy"},
		{"wss://a.example/openai/v1", "deep", "/openai/v1"},
		{"https://[fd00:0::1]/x", "six", "/x"},
		{"https://implicit.example/models", "https://implicit.example/models", "/models"},
		{"https://implicit.example/other", "https://implicit.example/other", "/other"},
		{"http://127.0.0.1:8080/", "http://127.0.0.1:8080", ""},
		{"https://[fd00::1]/y", "https://[fd00::1]/y", "/y"},
	} {
		b, err := set.Lookup("", mustURL(t, c.url))
		if err != nil || b.ID() != c.id || !slices.Equal(b.BasePaths(), []string{c.base}) || b.PassCallerToken() {
			t.Errorf("%s: %+v, %v", c.url, b, err)
			continue
		}
		if got := b.URL().String(); !strings.HasSuffix(got, c.base) || !strings.HasPrefix(got, "http") {
			t.Errorf("%s: its URL is %s", c.url, got)
		}
	}
	for _, raw := range []string{
		"https://b.example", "https://a.example:8443", "http://a.example", "http://a.example:443/openai", "https://implicit.example:444",
		"http://implicit.example:443", "https://a.example/openai/../x", "https://a.example/openai/%2e%2e/x", "https://a.example//openai", "https://a.example/?x=1",
		"https://a.example/#x", "https://user:pass@a.example/openai", "ftp://a.example/openai", "https:///openai", "/openai", "https://a.example.evil/", "https:a.example",
	} {
		b, err := set.Lookup("", mustURL(t, raw))
		if !errors.As(err, new(*UnknownError)) || strings.Contains(err.Error(), "pass") {
			t.Errorf("%s: %+v, %v", raw, b, err)
		}
	}
	if _, err := set.Lookup("ROOT", nil); err != nil {
		t.Error(err)
	}
	for _, id := range []string{"", "nobody"} {
		if _, err := set.Lookup(id, nil); !errors.As(err, new(*UnknownError)) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// TestDerivedKeepsCredential: a base URL below a backend goes with that
// backend's credential, an undeclared one with none.
func TestDerivedKeepsCredential(t *testing.T) {
	s := newSite()
	answer := func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(r.URL.Path + " " + r.Header.Get("Api-Key")))
	}
	own, bare := s.server(t, answer), s.server(t, answer)
	s.env["KEY"] = hidden
	s.backend("own", own.URL+"/openai", key("KEY", ""))
	set := s.compile(t)
	b, err := set.Lookup("", mustURL(t, own.URL+"/openai/v1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, body, used := do(t, b, request(t, "GET", "/models", "")); body != "/openai/v1/models "+hidden || used.Backend != "own" {
		t.Errorf("got %q, %+v", body, used)
	}
	b, err = set.Lookup("", mustURL(t, bare.URL+"/x"))
	if err != nil {
		t.Fatal(err)
	}
	// Its CA is not known: the system's count for what is not declared.
	if _, err := b.RoundTrip(request(t, "GET", "/models", ""), nil); !errors.As(err, new(*ConnectError)) {
		t.Errorf("got %v", err)
	}
}

func TestProblems(t *testing.T) {
	pos := func(line int) site.Pos { return site.Pos{File: "f", Line: line} }
	s := newSite()
	s.Config.Destinations.Model = []site.Destination{{Host: "a.example"}, {Host: "a.example", Port: 80}}
	s.Config.Destinations.Identity = []site.Destination{{Host: "login.microsoftonline.com"}}
	s.env["LINE"] = "one\ntwo"
	s.Files["empty.pem"] = []byte("nothing")
	add := func(id string, line int, b site.BackendConfig) {
		b.Pos = pos(line)
		s.Config.Backends[id] = b
	}
	add("unlisted", 1, site.BackendConfig{URL: "https://b.example"})
	add("plain", 2, site.BackendConfig{URL: "http://a.example"})
	add("noca", 3, site.BackendConfig{URL: "https://a.example", CAFile: "empty.pem"})
	add("missingca", 4, site.BackendConfig{URL: "https://a.example", CAFile: "missing.pem"})
	add("nokey", 5, site.BackendConfig{URL: "https://a.example", Credential: site.BackendCredential{APIKey: &site.APIKey{Key: &site.SecretRef{Env: "NONE"}}}})
	add("linekey", 6, site.BackendConfig{URL: "https://a.example", Credential: site.BackendCredential{APIKey: &site.APIKey{Key: &site.SecretRef{Env: "LINE"}}}})
	add("nosecret", 7, site.BackendConfig{URL: "https://a.example", Credential: site.BackendCredential{ClientSecret: &site.ClientSecret{}}})
	add("dots", 8, site.BackendConfig{URL: "https://a.example/a/../b"})
	add("query", 9, site.BackendConfig{URL: "https://a.example/?a=b"})
	add("pool", 10, site.BackendConfig{PassCallerToken: true})
	s.Service.Backends = []*site.Backend{
		{ID: "pool", Pos: pos(11), Pool: []site.PoolMember{{Pos: pos(12), Backend: "nobody"}, {Pos: pos(13), Backend: "plain"}}},
		{ID: "doc", Pos: pos(14), URL: "https://a.example", Headers: map[string][]string{"X": {"{{nobody}}"}}},
	}
	s.Service.APIs = []*site.API{{ID: "api", Pos: pos(15), ServiceURL: "https://c.example"}}
	set, ps := s.try(t)
	if set != nil {
		t.Fatal("a set with errors")
	}
	var got []string
	for _, p := range ps {
		got = append(got, p.Code)
		if strings.Contains(p.String(), "two") {
			t.Errorf("the secret is shown: %s", p)
		}
	}
	want := []string{
		"destination-missing", "plaintext", "ca-file", "ca-file", "backend-credential", "backend-credential", "backend-credential",
		"backend-url", "backend-url", "pool-settings", "pool-member", "backend-credential", "still-verified", "still-verified", "destination-missing",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v\n%v", got, want, ps)
	}
}

// TestStillVerified: a document that wants no verification gets it all the
// same, with a warning.
func TestStillVerified(t *testing.T) {
	s := newSite()
	srv := s.server(t, func(http.ResponseWriter, *http.Request) {})
	s.Service.Backends = []*site.Backend{{ID: "doc", URL: srv.URL}}
	set, ps := s.try(t)
	if set == nil || len(ps) != 2 || ps[0].Severity != site.Warning {
		t.Fatalf("%v", ps)
	}
	if _, err := lookup(t, set, "doc").RoundTrip(request(t, "GET", "/", ""), nil); !errors.As(err, new(*ConnectError)) {
		t.Errorf("got %v", err)
	}
}
