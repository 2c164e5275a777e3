package verify

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

// TestOverHTTPS fetches from a real server: rotation without restart, a
// redirect that is not followed, a server nobody vouches for.
func TestOverHTTPS(t *testing.T) {
	k1, k2 := newKey(t, "k1", "RS256"), newKey(t, "k2", "RS256")
	var keys atomic.Pointer[[]byte]
	publish := func(list ...any) { b := encode(t, object{"keys": list}); keys.Store(&b) }
	publish(k1.jwk)
	var elsewhere atomic.Int32
	mux := http.NewServeMux()
	srv := httptest.NewTLSServer(mux)
	defer srv.Close()
	issuer := srv.URL + "/" + testTenant + "/v2.0"
	mux.HandleFunc("GET /"+testTenant+"/v2.0/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, issuer, srv.URL+"/keys")
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(*keys.Load()) })
	mux.HandleFunc("GET /moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) })
	mux.HandleFunc("GET /elsewhere", func(w http.ResponseWriter, _ *http.Request) {
		elsewhere.Add(1)
		_, _ = w.Write(*keys.Load())
	})

	start := func(jwksURI string, client *http.Client) *TokenVerifier {
		cfg := testConfig()
		cfg.Issuers[0].Issuer, cfg.Issuers[0].JWKSURI = issuer, jwksURI
		v, err := NewTokenVerifier(cfg, Options{Client: func(*site.Issuer) *http.Client { return client }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(v.Close)
		return v
	}
	token := func(k *testKey) string { return k.token(t, time.Now(), nil, object{"iss": issuer}) }

	v := start("", srv.Client())
	old := token(k1)
	wantGood(t, v, old)
	publish(k2.jwk)
	wantGood(t, v, token(k2))
	wantCode(t, v, old, KeyUnknown)

	wantCode(t, start(srv.URL+"/moved", srv.Client()), token(k2), KeysUnavailable)
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
	wantCode(t, start(srv.URL+"/keys", &http.Client{}), token(k2), KeysUnavailable)
}
