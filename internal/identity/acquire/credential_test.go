package acquire

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

const clientSecret = "hidden-client-secret"

func clientSource(t *testing.T, e *fakeEntra, c *connects, opt Options, listed ...site.Destination) *Cache {
	t.Helper()
	opt.Client = clientOf(dialer(t, c, false, listed...), e.roots())
	s, err := ClientSecret(&site.ClientSecret{Authority: e.URL, TenantID: "contoso", ClientID: "gateway"}, secret.New(clientSecret), opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestClientSecret(t *testing.T) {
	e, c := newEntra(t), &connects{}
	var minted atomic.Int64
	s := clientSource(t, e, c, Options{Minted: func(v secret.Value, _ time.Time) { minted.Add(1) }}, destination(t, e.URL))
	for range 3 {
		v, expires, err := s.Token(t.Context())
		if err != nil || v.Reveal() != "token-1" {
			t.Fatalf("%v, %v", v.Reveal(), err)
		}
		if left := time.Until(expires); left < 50*time.Minute || left > time.Hour+time.Minute {
			t.Fatalf("valid for %s", left)
		}
	}
	if f := *e.form.Load(); f.Get("client_id") != "gateway" || f.Get("client_secret") != clientSecret ||
		!strings.Contains(f.Get("scope"), defaultResource+"/.default") || f.Get("grant_type") != "client_credentials" {
		t.Errorf("asked with %v", f)
	}
	if e.tokens.Load() != 1 || minted.Load() != 1 {
		t.Errorf("%d requests, %d minted", e.tokens.Load(), minted.Load())
	}
}

// TestClientSecretRenews runs the SDK's own cache too: near its end it gives a
// new token, not the old one again.
func TestClientSecretRenews(t *testing.T) {
	e, c, clk := newEntra(t), &connects{}, newClock()
	e.answer = func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":200,"access_token":"token-%d"}`, e.tokens.Load())
	}
	s := clientSource(t, e, c, Options{Now: clk.now}, destination(t, e.URL))
	text(t, s)
	clk.move(170 * time.Second)
	s.Token(t.Context())
	for deadline := time.Now().Add(5 * time.Second); e.tokens.Load() < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not renewed")
		}
	}
}

func TestClientSecretErrors(t *testing.T) {
	e := newEntra(t)
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"refused", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(401)
			fmt.Fprintf(w, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret %s"}`, clientSecret)
		}, "status 401, AADSTS7000215"},
		{"plain", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			fmt.Fprint(w, `{"error":"invalid_scope","error_description":"no"}`)
		}, "status 400, invalid_scope"},
		{"odd code", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"error":"%s"}`, clientSecret)
		}, "(status 400)"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://127.0.0.1:1/elsewhere", http.StatusTemporaryRedirect)
		}, "status 307"},
		{"no json", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, clientSecret) }, "cannot be read"},
		{"endless", func(w http.ResponseWriter, r *http.Request) {
			for range 300 {
				if _, err := w.Write(make([]byte, 8<<10)); err != nil {
					return
				}
			}
		}, "larger than 1 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec := &connects{}
			e.answer = c.answer
			s := clientSource(t, e, rec, Options{}, destination(t, e.URL))
			_, _, err := s.Token(t.Context())
			var typed *Error
			if !errors.As(err, &typed) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if all := fmt.Sprintf("%v %+v %#v", err, err, typed); strings.Contains(all, clientSecret) {
				t.Errorf("the error shows the secret: %s", all)
			}
		})
	}
}

func TestClientSecretUnavailable(t *testing.T) {
	e, c := newEntra(t), &connects{}
	var refused *egress.RefusedError
	s := clientSource(t, e, c, Options{})
	start := time.Now()
	if _, _, err := s.Token(t.Context()); !errors.As(err, &refused) || refused.Code != egress.CodeNotListed {
		t.Fatalf("got %v", err)
	}
	if time.Since(start) > 400*time.Millisecond || len(c.to) != 0 {
		t.Errorf("a refusal was tried again: %s, %v", time.Since(start), c.to)
	}
	// Tries are bounded where the authority is broken.
	e.answer = func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) }
	if _, _, err := clientSource(t, e, c, Options{}, destination(t, e.URL)).Token(t.Context()); err == nil {
		t.Fatal("a token out of a 503")
	}
	if n := e.tokens.Load(); n < 1 || n > 3 {
		t.Errorf("%d tries", n)
	}
}

// TestNoProxy: the environment's proxies and the SDK's own variables lead
// nowhere.
func TestNoProxy(t *testing.T) {
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") }))
	defer trap.Close()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, trap.URL)
	}
	t.Setenv("AZURE_AUTHORITY_HOST", "https://127.0.0.1:1")
	e, c := newEntra(t), &connects{}
	text(t, clientSource(t, e, c, Options{}, destination(t, e.URL)))
	if want := strings.TrimPrefix(e.URL, "https://"); slices.ContainsFunc(c.to, func(ap netip.AddrPort) bool { return ap.String() != want }) {
		t.Errorf("connected to %v", c.to)
	}
}

func TestClientSecretSettings(t *testing.T) {
	c := &connects{}
	for _, cfg := range []site.ClientSecret{
		{Authority: "http://127.0.0.1:1", TenantID: "contoso", ClientID: "x"},
		{Authority: "https://127.0.0.1:1", TenantID: "con/toso", ClientID: "x"},
		{Authority: "://", TenantID: "contoso", ClientID: "x"},
	} {
		_, err := ClientSecret(&cfg, secret.New(clientSecret), Options{Client: clientOf(dialer(t, c, false), nil)})
		if !errors.As(err, new(*Error)) || strings.Contains(err.Error(), clientSecret) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

// metadataServer answers as the instance metadata service does.
func metadataServer(t *testing.T, answer http.HandlerFunc) *connects {
	srv := httptest.NewServer(answer)
	t.Cleanup(srv.Close)
	return &connects{metadata: strings.TrimPrefix(srv.URL, "http://")}
}

func managed(t *testing.T, c *connects, allowed bool, cfg site.ManagedIdentity) *Cache {
	t.Helper()
	for _, name := range []string{"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET", "IMDS_ENDPOINT", "IDENTITY_SERVER_THUMBPRINT"} {
		t.Setenv(name, "")
	}
	s, err := ManagedIdentity(&cfg, optionsOf(dialer(t, c, allowed)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestManagedIdentity(t *testing.T) {
	var query, header atomic.Value
	c := metadataServer(t, func(w http.ResponseWriter, r *http.Request) {
		query.Store(r.URL.RequestURI())
		header.Store(r.Header.Get("Metadata") + " " + r.Host)
		fmt.Fprintf(w, `{"access_token":"token-imds","expires_in":"3600","resource":"https://r.example","token_type":"Bearer"}`)
	})
	s := managed(t, c, true, site.ManagedIdentity{ClientID: "0f6ba6a5-0000-4000-8000-000000000001", Resource: "https://r.example/"})
	if got := text(t, s); got != "token-imds" {
		t.Fatalf("got %q", got)
	}
	if q := query.Load().(string); !strings.HasPrefix(q, "/metadata/identity/oauth2/token?") ||
		!strings.Contains(q, "resource=https%3A%2F%2Fr.example&") && !strings.HasSuffix(q, "resource=https%3A%2F%2Fr.example") ||
		!strings.Contains(q, "client_id=0f6ba6a5-0000-4000-8000-000000000001") {
		t.Errorf("asked %s", q)
	}
	if h := header.Load(); h != "true 169.254.169.254" {
		t.Errorf("header %q", h)
	}
}

func TestManagedIdentityErrors(t *testing.T) {
	t.Run("not opened by the site", func(t *testing.T) {
		c := &connects{}
		var refused *egress.RefusedError
		_, _, err := managed(t, c, false, site.ManagedIdentity{Resource: "https://closed.example"}).Token(t.Context())
		if !errors.As(err, &refused) || refused.Code != egress.CodeMetadataQuery || len(c.to) != 0 {
			t.Errorf("got %v, connected to %v", err, c.to)
		}
	})
	t.Run("no identity", func(t *testing.T) {
		c := metadataServer(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			fmt.Fprint(w, `{"error":"invalid_request","error_description":"Identity not found"}`)
		})
		_, _, err := managed(t, c, true, site.ManagedIdentity{Resource: "https://none.example"}).Token(t.Context())
		if err == nil || !strings.Contains(err.Error(), "by managed identity: the answer is no token (status 400, invalid_request)") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("another endpoint that is not listed", func(t *testing.T) {
		c := &connects{}
		managed(t, c, true, site.ManagedIdentity{})
		t.Setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/token")
		t.Setenv("IDENTITY_HEADER", "x")
		other, err := ManagedIdentity(&site.ManagedIdentity{Resource: "https://other.example"}, optionsOf(dialer(t, c, true)))
		if err != nil {
			t.Fatal(err)
		}
		var refused *egress.RefusedError
		if _, _, err := other.Token(t.Context()); !errors.As(err, &refused) || len(c.to) != 0 {
			t.Errorf("got %v, connected to %v", err, c.to)
		}
	})
}
