package emulator

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/identity/acquire"
	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// serveVault starts a vault that takes one token, which is "good".
func serveVault(t *testing.T, change func(*KeyVaultOptions)) (*KeyVault, *httptest.Server) {
	t.Helper()
	var v *KeyVault
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { v.ServeHTTP(w, r) }))
	t.Cleanup(srv.Close)
	opt := KeyVaultOptions{
		BaseURL: srv.URL, Authority: "https://login.microsoftonline.com/" + testTenant,
		VerifyToken: func(_ context.Context, raw string) (string, error) {
			if raw != "good" {
				return "", errors.New("another")
			}
			return "caller", nil
		},
		Now: instant, Rand: noise(),
	}
	if change != nil {
		change(&opt)
	}
	var err error
	if v, err = NewKeyVault(opt); err != nil {
		t.Fatal(err)
	}
	return v, srv
}

// TestVaultWire: answers as the REST description and the service have them.
func TestVaultWire(t *testing.T) {
	v, srv := serveVault(t, func(o *KeyVaultOptions) {
		o.Allow = func(_, action string) bool { return action != "keys/unwrap" }
	})
	v.SetSecret("k", "value", VaultAttributes{Expires: instant()})
	v.SetSecret("off", "value", VaultAttributes{Disabled: true})
	if _, err := v.SetKey("rsa", VaultRSA, VaultAttributes{}); err != nil {
		t.Fatal(err)
	}
	const version = "?api-version=2025-07-01"
	good := []string{"Authorization", "Bearer good"}
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		code, inner, message     string
	}{
		{"no token", "GET", "/secrets/k/" + version, "", nil, 401, "Unauthorized", "", "AKV10000"},
		{"another token", "GET", "/secrets/k/" + version, "", []string{"Authorization", "Bearer bad"}, 401, "Unauthorized", "", "AKV10022"},
		{"no version of the API", "GET", "/secrets/k/", "", good, 400, "BadParameter", "", "api-version"},
		{"missing", "GET", "/secrets/none/" + version, "", good, 404, "SecretNotFound", "", "A secret with (name/id) none was not found in this key vault."},
		{"missing version", "GET", "/secrets/k/00000000000000000000000000000000" + version, "", good, 404, "SecretNotFound", "", "(name/id) k/0000"},
		{"disabled", "GET", "/secrets/off/" + version, "", good, 403, "Forbidden", "SecretDisabled", "Operation get is not allowed on a disabled secret."},
		{"missing key", "GET", "/keys/none/" + version, "", good, 404, "KeyNotFound", "", "A key with"},
		{"role", "POST", "/keys/rsa//unwrapkey" + version, `{}`, good, 403, "Forbidden", "ForbiddenByRbac", "Caller is not authorized to perform action on resource."},
		{"body", "POST", "/keys/rsa//wrapkey" + version, `{"alg":"RSA-OAEP-256","value":"=="}`, good, 400, "BadParameter", "", "value"},
		{"algorithm", "POST", "/keys/rsa//wrapkey" + version, `{"alg":"RSA1_5","value":"AAAA"}`, good, 400, "BadParameter", "", "RSA1_5"},
		{"method", "PUT", "/secrets/k" + version, `{}`, good, 404, "NotFound", "", ""},
		{"route", "GET", "/certificates/k" + version, "", good, 404, "NotFound", "", ""},
		{"operation", "POST", "/keys/rsa//encrypt" + version, `{}`, good, 404, "NotFound", "", ""},
	} {
		resp, body := exchange(t, srv, c.method, c.path, c.body, c.headers...)
		got := parse[struct {
			Error struct {
				Code, Message string
				Inner         struct{ Code string } `json:"innererror"`
			}
		}](t, body).Error
		if resp.StatusCode != c.status || got.Code != c.code || got.Inner.Code != c.inner || !strings.Contains(got.Message, c.message) {
			t.Errorf("%s: %d %s", c.name, resp.StatusCode, body)
		}
		want := ""
		if c.status == 401 {
			want = `Bearer authorization="https://login.microsoftonline.com/` + testTenant + `", resource="https://vault.azure.net"`
		}
		if got := resp.Header.Get("Www-Authenticate"); got != want {
			t.Errorf("%s: challenge %s", c.name, got)
		}
	}
	// As in the service, an expired secret is given out, with its expiry.
	resp, body := exchange(t, srv, "GET", "/secrets/k/"+version, "", good...)
	got := parse[map[string]any](t, body)
	delete(got, "id")
	want := map[string]any{"value": "value", "attributes": map[string]any{
		"enabled": true, "exp": 1.7e9, "created": 1.7e9, "updated": 1.7e9, "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90.0,
	}}
	if diff := cmp.Diff(want, got); resp.StatusCode != 200 || diff != "" {
		t.Errorf("%d (-want +got)\n%s", resp.StatusCode, diff)
	}
	v.Throttle(1, 3*time.Second)
	if resp, body := exchange(t, srv, "GET", "/secrets/k/"+version, "", good...); resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "3" || !strings.Contains(body, `"Throttled"`) {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
}

// TestVaultKeys: what a version wraps, that version unwraps, expired or not, and
// no other.
func TestVaultKeys(t *testing.T) {
	v, srv := serveVault(t, nil)
	operate := func(id, operation, value string) (int, string) {
		t.Helper()
		path := strings.TrimPrefix(id, srv.URL) + "/" + operation + "?api-version=7.4"
		resp, body := exchange(t, srv, "POST", path, `{"alg":"RSA-OAEP-256","value":"`+value+`"}`, "Authorization", "Bearer good")
		var r keyOperationResult
		if err := json.Unmarshal([]byte(body), &r); err != nil || resp.StatusCode == 200 && r.ID != id {
			t.Errorf("%s: %v", body, err)
		}
		return resp.StatusCode, r.Value
	}
	first, err := v.SetKey("k", VaultRSA, VaultAttributes{})
	if err != nil {
		t.Fatal(err)
	}
	status, wrapped := operate(first, "wrapkey", "c2VjcmV0")
	if status != 200 || wrapped == "c2VjcmV0" {
		t.Fatalf("%d %s", status, wrapped)
	}
	second, err := v.SetKey("k", VaultRSA, VaultAttributes{})
	if err != nil {
		t.Fatal(err)
	}
	if status, got := operate(first, "unwrapkey", wrapped); status != 200 || got != "c2VjcmV0" {
		t.Errorf("%d %s", status, got)
	}
	if status, _ := operate(second, "unwrapkey", wrapped); status != 400 {
		t.Errorf("the new version: %d", status)
	}
	version := first[strings.LastIndex(first, "/")+1:]
	for _, c := range []struct {
		a            VaultAttributes
		wrap, unwrap int
	}{
		{VaultAttributes{Expires: instant()}, 403, 200},
		{VaultAttributes{Disabled: true}, 403, 403},
	} {
		if err := v.SetKeyAttributes("k", version, c.a); err != nil {
			t.Fatal(err)
		}
		w, _ := operate(first, "wrapkey", "c2VjcmV0")
		u, _ := operate(first, "unwrapkey", wrapped)
		if w != c.wrap || u != c.unwrap {
			t.Errorf("%+v: %d, %d", c.a, w, u)
		}
	}
}

func TestVaultOptions(t *testing.T) {
	for _, base := range []string{"", "http://h", "https://", "https://h/path", "://"} {
		if _, err := NewKeyVault(KeyVaultOptions{BaseURL: base}); err == nil {
			t.Errorf("base URL %q is taken", base)
		}
	}
	v, _ := serveVault(t, nil)
	if _, err := v.SetKey("k", "oct", VaultAttributes{}); err == nil {
		t.Error("a key of an unknown type")
	}
	if v.DeleteKey("none", true) == nil || v.DeleteSecret("none", true) == nil || v.SetKeyAttributes("none", "", VaultAttributes{}) == nil || v.SetSecretAttributes("none", VaultAttributes{}) == nil {
		t.Error("what is not there was changed")
	}
}

// TestVaultThroughDialer: the official SDK, tokens of the emulated tenant and
// the one dialer together, over TLS: a declared vault is reached, one that is
// not is refused before the first packet.
func TestVaultThroughDialer(t *testing.T) {
	entra, entraServer := serveEntra(t, func(o *EntraOptions) { o.Resources = append(o.Resources, KeyVaultResource()) })
	v, srv := serveVault(t, func(o *KeyVaultOptions) {
		o.Authority, o.VerifyToken = entra.AuthorityHost()+testTenant, entra.VerifyVaultToken
		o.Now, o.Rand = nil, nil
		o.Allow = func(id, _ string) bool { return id == entra.ObjectID(testClient) }
	})
	v.SetSecret("k", "value", VaultAttributes{})
	if _, err := v.SetKey("state", VaultRSA, VaultAttributes{}); err != nil {
		t.Fatal(err)
	}
	vaultsOf := func(client, text string, listed ...site.Destination) *secret.Vaults {
		pool := x509.NewCertPool()
		pool.AddCert(entraServer.Certificate())
		pool.AddCert(srv.Certificate())
		dialer, problems := egress.New(&site.Config{Destinations: site.Destinations{
			Identity: []site.Destination{at(t, entraServer.URL)}, Secret: listed,
		}}, egress.Options{})
		if problems.HasErrors() {
			t.Fatal(problems.Err())
		}
		source, err := acquire.ClientSecret(&site.ClientSecret{
			Authority: entraServer.URL, TenantID: testTenant, ClientID: client, Scope: secret.VaultScope,
		}, secret.New(text), acquire.Options{Client: dialer.Client(egress.Identity, egress.TransportOptions{RootCAs: pool}, 0)})
		if err != nil {
			t.Fatal(err)
		}
		return secret.NewVaults(secret.VaultOptions{
			Client:     dialer.Client(egress.Secret, egress.TransportOptions{RootCAs: pool, MaxConns: 4}, 0),
			Credential: secret.TokenCredential(source, secret.VaultScope), Development: true,
		})
	}
	ref := srv.URL + "/secrets/k"
	vaults := vaultsOf(testClient, testSecret, at(t, srv.URL))
	got, err := vaults.ReadSecret(t.Context(), ref)
	if err != nil || got.Reveal() != "value" {
		t.Errorf("%d bytes, %v", len(got.Reveal()), err)
	}
	key, err := vaults.OpenKey(t.Context(), srv.URL+"/keys/state")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := key.Wrap(t.Context(), []byte("keyring"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := key.Unwrap(t.Context(), sealed, nil); err != nil || string(opened) != "keyring" {
		t.Errorf("%q, %v", opened, err)
	}
	before := v.Requests()
	var refused *egress.RefusedError
	if _, err := vaultsOf(testClient, testSecret).ReadSecret(t.Context(), ref); !errors.As(err, &refused) || refused.Code != egress.CodeNotListed || v.Requests() != before {
		t.Errorf("a vault that is not listed: %v", err)
	}
	if _, err := vaultsOf(testStranger, "stranger", at(t, srv.URL)).ReadSecret(t.Context(), ref); err == nil || !strings.Contains(err.Error(), "ForbiddenByRbac") {
		t.Errorf("another client: %v", err)
	}
	if _, err := vaultsOf(testClient, "wrong", at(t, srv.URL)).ReadSecret(t.Context(), ref); err == nil || !strings.Contains(err.Error(), "there is no token for it") {
		t.Errorf("a wrong client secret: %v", err)
	}
	// A token of the same tenant for something else is not taken.
	claims, err := entra.Claims(testClient, CognitiveServicesURI)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := entra.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	if resp, _ := exchange(t, srv, "GET", "/secrets/k/?api-version=7.4", "", "Authorization", "Bearer "+raw); resp.StatusCode != 401 {
		t.Errorf("a token for Cognitive Services: %d", resp.StatusCode)
	}
	// An outage of the vault, and one of the whole connection.
	srv.Close()
	if _, err := vaultsOf(testClient, testSecret, at(t, srv.URL)).ReadSecret(t.Context(), ref); !errors.Is(err, secret.ErrUnavailable) || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("nobody there: %v", err)
	}
}

// at is a server of a test as a declared destination.
func at(t *testing.T, raw string) site.Destination {
	t.Helper()
	ap, err := netip.ParseAddrPort(strings.TrimPrefix(raw, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	return site.Destination{Host: ap.Addr().String(), Port: int(ap.Port())}
}
