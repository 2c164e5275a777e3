package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/emulator"
)

// Ids of the tenant of token tests.
const (
	tenant    = "11111111-1111-4111-8111-111111111111"
	audience  = "22222222-2222-4222-8222-222222222222"
	mapped    = "33333333-3333-4333-8333-333333333333"
	unmapped  = "44444444-4444-4444-8444-444444444444"
	withRole  = "55555555-5555-4555-8555-555555555555"
	toAsleep  = "66666666-6666-4666-8666-666666666666"
	someGroup = "77777777-7777-4777-8777-777777777777"
	boundKey  = "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
)

// tokenSite is a site that trusts an emulated Entra ID.
type tokenSite struct {
	*running
	site  *testSite
	entra *emulator.Entra
}

func newTokenSite(t *testing.T) *tokenSite {
	t.Helper()
	s := &tokenSite{}
	var entra http.HandlerFunc = func(w http.ResponseWriter, r *http.Request) { s.entra.ServeHTTP(w, r) }
	issuer, port := server(t, entra)
	s.entra = newEntra(t, issuer)
	site := newSite(t, http.HandlerFunc(echo), map[string]string{
		"keys/bound":                                 boundKey,
		"apim/apis/tokens/apiInformation.json":       api("tokens", `,"subscriptionRequired":false`),
		"apim/apis/tokens/specification.yaml":        wildcardSpecification,
		"apim/apis/both/apiInformation.json":         api("both", `,"subscriptionRequired":true`),
		"apim/apis/both/specification.yaml":          wildcardSpecification,
		"apim/products/gold/productInformation.json": `{"properties":{"displayName":"Gold","subscriptionRequired":true,"state":"published"}}`,
		"apim/products/gold/apis.json":               `[{"name":"openai"},{"name":"tokens"}]`,
		"apim/products/gold/policy.xml":              inboundHeader("X-Product", "gold"),
		"apim/apis/tokens/policy.xml":                onlyInbound(`<set-backend-service backend-id="openai" />`),
		"apim/apis/both/policy.xml":                  onlyInbound(`<set-backend-service backend-id="openai" />`),
	})
	site.write(t, "cloister.yaml", with(site.config(fmt.Sprintf(`callers:
  apis: {openai: [subscription, token], tokens: [token], both: [subscription+token]}
tokens:
  audiences: [%q]
  issuers: [{issuer: %q, caFile: tls/backend.pem}]
  callers:
  - {subscription: gold, clientApplicationIds: [%q]}
  - {subscription: asleep, clientApplicationIds: [%q]}
  - {subscription: byrole, roles: [Models.Read]}
  - {subscription: bygroup, groups: [%q]}
`, audience, s.entra.Issuer(2), mapped, toAsleep, someGroup)),
		[2]string{"subscriptions", fmt.Sprintf(`- {name: gold, scope: /products/gold}
- {name: asleep, scope: /apis, state: suspended}
- {name: byrole, scope: /apis/openai}
- {name: bygroup, scope: /apis}
- {name: bound, scope: /apis, primaryKey: {file: keys/bound}, boundTo: {principals: [%q]}}`, s.entra.ObjectID(mapped))},
		[2]string{"destinations", "  identity: [{host: 127.0.0.1, port: " + port + "}]"},
	))
	s.site = site
	s.running = site.startWith(t, func(o *Options) { o.Development = true })
	if err := s.AwaitIssuers(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func newEntra(t *testing.T, at *httptest.Server) *emulator.Entra {
	t.Helper()
	e, err := emulator.NewEntra(emulator.EntraOptions{
		BaseURL: at.URL, TenantID: tenant,
		Clients: []emulator.EntraClient{
			// A client without a role would have no token that counts.
			{ID: mapped, Roles: map[string][]string{audience: {"Use"}}},
			{ID: unmapped, Roles: map[string][]string{audience: {"Use"}}},
			{ID: toAsleep, Roles: map[string][]string{audience: {"Use"}}},
			{ID: withRole, Roles: map[string][]string{audience: {"Models.Read"}}},
		},
		Resources: []emulator.EntraResource{{ID: audience, Version: 2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// inboundHeader is a document that gives requests a header.
func inboundHeader(name, value string) string {
	return onlyInbound(`<set-header name="` + name + `" exists-action="append"><value>` + value + `</value></set-header>`)
}

// token is a client's access token with claims changed; a nil value removes
// one.
func (s *tokenSite) token(t *testing.T, client string, change map[string]any) string {
	t.Helper()
	claims, err := s.entra.Claims(client, audience)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]any{}
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	maps.Copy(m, change)
	for name, v := range m {
		if v == nil {
			delete(m, name)
		}
	}
	for _, name := range []string{"iat", "nbf", "exp"} { // JSON's numbers are floats here
		if f, ok := m[name].(float64); ok {
			m[name] = int64(f)
		}
	}
	raw, err := s.entra.Sign(m)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func bearer(token string) http.Header {
	return http.Header{"Ocp-Apim-Subscription-Key": nil, "Authorization": {"Bearer " + token}}
}

func keyAndBearer(key, token string) http.Header {
	return http.Header{"Ocp-Apim-Subscription-Key": {key}, "Authorization": {"Bearer " + token}}
}

// TestTokens: who gets in with which token, to which subscription, by whose
// product's policies.
func TestTokens(t *testing.T) {
	s := newTokenSite(t)
	ago := func(d time.Duration) int64 { return time.Now().Add(-d).Unix() }
	good := s.token(t, mapped, nil)
	parts := strings.Split(good, ".")
	for _, tt := range []struct {
		name, path string
		header     http.Header
		status     int
		// subscription and product of the record; reason is the first.
		subscription, product, reason string
	}{
		{"token alone", "/tokens/x", bearer(good), 200, "gold", "gold", "token"},
		{"token where a key would do", "/openai/x", bearer(good), 200, "gold", "gold", "token"},
		{"key where a token would do", "/openai/x", nil, 200, "team", "", "subscription-key"},
		{"key and token", "/openai/x", keyAndBearer(teamKey, good), 200, "team", "", "subscription-key-and-token"},
		{"key where a token is wanted", "/tokens/x", nil, 401, "", "", "token-not-present"},
		{"nothing", "/tokens/x", anonymous, 401, "", "", "token-not-present"},
		{"both wanted, both sent", "/both/x", keyAndBearer(teamKey, good), 200, "team", "", "subscription-key-and-token"},
		{"both wanted, key sent", "/both/x", nil, 401, "team", "", "token-not-present"},
		{"both wanted, token sent", "/both/x", bearer(good), 401, "", "", "subscription-key-not-found"},
		{"both wanted, wrong key", "/both/x", keyAndBearer("wrong", good), 401, "", "", "subscription-key-invalid"},
		{"both wanted, client mapped to none", "/both/x", keyAndBearer(teamKey, s.token(t, unmapped, nil)), 200, "team", "", "subscription-key-and-token"},
		{"client mapped to none", "/tokens/x", bearer(s.token(t, unmapped, nil)), 403, "", "", "caller-not-mapped"},
		{"client mapped to a suspended subscription", "/tokens/x", bearer(s.token(t, toAsleep, nil)), 403, "", "", "subscription-not-active"},
		{"role", "/openai/x", bearer(s.token(t, withRole, nil)), 200, "byrole", "", "token"},
		{"role, API outside the subscription", "/tokens/x", bearer(s.token(t, withRole, nil)), 403, "byrole", "", "subscription-scope"},
		{"role in another case", "/openai/x", bearer(s.token(t, unmapped, map[string]any{"roles": []string{"models.read"}})), 403, "", "", "caller-not-mapped"},
		{"group", "/tokens/x", bearer(s.token(t, unmapped, map[string]any{"groups": []string{someGroup}})), 200, "bygroup", "", "token"},
		{"first rule counts", "/openai/x", bearer(s.token(t, mapped, map[string]any{"roles": []string{"Models.Read"}})), 200, "gold", "gold", "token"},
		{"bound subscription, its principal", "/both/x", keyAndBearer(boundKey, good), 200, "bound", "", "subscription-key-and-token"},
		{"bound subscription, another principal", "/both/x", keyAndBearer(boundKey, s.token(t, unmapped, nil)), 403, "", "", "subscription-bound"},
		{"bound subscription, no principal", "/openai/x", http.Header{"Ocp-Apim-Subscription-Key": {boundKey}}, 403, "", "", "subscription-bound"},

		{"another audience", "/tokens/x", bearer(s.token(t, mapped, map[string]any{"aud": "api://other"})), 401, "", "", "audience-mismatch"},
		{"Azure OpenAI's own audience", "/tokens/x", bearer(s.token(t, mapped, map[string]any{"aud": emulator.CognitiveServicesURI})), 401, "", "", "audience-mismatch"},
		{"expired", "/tokens/x", bearer(s.token(t, mapped, map[string]any{"iat": ago(3 * time.Hour), "nbf": ago(3 * time.Hour), "exp": ago(2 * time.Hour)})), 401, "", "", "expired"},
		{"not yet valid", "/tokens/x", bearer(s.token(t, mapped, map[string]any{"nbf": ago(-10 * time.Minute)})), 401, "", "", "not-yet-valid"},
		{"no expiry", "/tokens/x", bearer(s.token(t, mapped, map[string]any{"exp": nil})), 401, "", "", "expiry-missing"},
		{"issuer not trusted", "/tokens/x", bearer(s.token(t, mapped, map[string]any{"iss": s.entra.Issuer(1)})), 401, "", "", "issuer-unknown"},
		{"issuer of a neighbour", "/tokens/x", bearer(s.token(t, mapped, map[string]any{"iss": s.entra.Issuer(2) + "/"})), 401, "", "", "issuer-unknown"},
		{"another tenant", "/tokens/x", bearer(s.token(t, mapped, map[string]any{"tid": audience})), 401, "", "", "tenant-mismatch"},
		{"signature of another token", "/tokens/x", bearer(parts[0] + "." + parts[1] + "." + strings.Split(s.token(t, unmapped, nil), ".")[2]), 401, "", "", "signature-invalid"},
		{"no signature", "/tokens/x", bearer(parts[0] + "." + parts[1] + "."), 401, "", "", ""},
		{"invalid token beside a good key", "/openai/x", keyAndBearer(teamKey, good+"x"), 401, "", "", ""},
		{"wrong key beside a good token", "/openai/x", keyAndBearer("wrong", good), 401, "", "", "subscription-key-invalid"},
		{"two tokens", "/tokens/x", http.Header{"Ocp-Apim-Subscription-Key": nil, "Authorization": {"Bearer " + good, "Bearer " + good}}, 400, "", "", "authorization-repeated"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := s.do(t, "GET", tt.path, "", tt.header)
			if resp.StatusCode != tt.status {
				t.Fatalf("%s, want %d: %s", resp.Status, tt.status, body)
			}
			id := resp.Header.Get("Cloister-Request-Id")
			rec := wantRecord(t, s.running, func(r map[string]any) bool { return r["request_id"] == id })
			if got := fmt.Sprint(field(rec, "subscription")); got != orNil(tt.subscription) {
				t.Errorf("subscription %s, want %s", got, orNil(tt.subscription))
			}
			if got := fmt.Sprint(field(rec, "product")); got != orNil(tt.product) {
				t.Errorf("product %s, want %s", got, orNil(tt.product))
			}
			if reasons := fmt.Sprint(rec["reasons"]); tt.reason != "" && reasons != "["+tt.reason+"]" {
				t.Errorf("reasons %s, want %s", reasons, tt.reason)
			}
			if tt.status != 200 {
				return
			}
			e := decodeEcho(t, body)
			if got := e.Header.Get("X-Product"); got != tt.product {
				t.Errorf("the policies of product %q ran, want %q", got, tt.product)
			}
			if e.Header.Get("Authorization") != "" || strings.Contains(body, good) {
				t.Errorf("the token went out: %s", body)
			}
		})
	}
	for _, secret := range []string{parts[1], parts[2], boundKey, teamKey} {
		if strings.Contains(s.records.String()+s.log.String(), secret) {
			t.Error("a record or a log line holds a credential")
		}
	}
}

func orNil(s string) string {
	if s == "" {
		return "<nil>"
	}
	return s
}

// TestTokenKeysRotate: a token of a new key is accepted after one fetch; what
// is cached goes on through an outage of the issuer; a key that nobody
// publishes is refused whatever the outage.
func TestTokenKeysRotate(t *testing.T) {
	s := newTokenSite(t)
	status := func(token string) int {
		resp, _ := s.do(t, "GET", "/tokens/x", "", bearer(token))
		return resp.StatusCode
	}
	old := s.token(t, mapped, nil)
	if got := status(old); got != 200 {
		t.Fatalf("first token: %d", got)
	}
	if err := s.entra.Rotate(); err != nil {
		t.Fatal(err)
	}
	fetches := s.entra.KeyFetches()
	for i := range 3 {
		if got := status(s.token(t, mapped, map[string]any{"uti": fmt.Sprint(i)})); got != 200 {
			t.Fatalf("token of the new key: %d", got)
		}
	}
	if got := s.entra.KeyFetches() - fetches; got != 1 {
		t.Errorf("%d fetches for a new key, want 1", got)
	}
	if got := status(old); got != 200 {
		t.Errorf("token of the key before: %d", got)
	}

	s.entra.SetOutage(true)
	if got := status(s.token(t, mapped, map[string]any{"uti": "outage"})); got != 200 {
		t.Errorf("with the issuer gone and its keys in hand: %d", got)
	}
	if err := s.entra.Rotate(); err != nil {
		t.Fatal(err)
	}
	if got := status(s.token(t, mapped, nil)); got != 401 {
		t.Errorf("token of a key that nobody could fetch: %d, want 401", got)
	}
	// A reload without the issuer keeps the keys in hand.
	s.site.write(t, "apim/policy.xml", policyWith(2))
	if r, err := s.Reload(t.Context()); err != nil || !r.Accepted() {
		t.Fatal(err, r.Problems.Err())
	}
	if got := status(old); got != 200 {
		t.Errorf("after a reload without the issuer: %d", got)
	}
}

// TestTokenIssuerDown: an issuer that was never reached lets nobody in, and the
// caller learns that it is not its fault.
func TestTokenIssuerDown(t *testing.T) {
	issuer, port := server(t, http.NotFoundHandler())
	entra := newEntra(t, issuer)
	site := newSite(t, http.HandlerFunc(echo), nil)
	site.write(t, "cloister.yaml", with(site.config(fmt.Sprintf(`callers: {default: [token]}
tokens:
  audiences: [%q]
  issuers: [{issuer: %q, caFile: tls/backend.pem}]
  callers: [{subscription: team, clientApplicationIds: [%q]}]
`, audience, entra.Issuer(2), mapped)), [2]string{"destinations", "  identity: [{host: 127.0.0.1, port: " + port + "}]"}))
	s := &tokenSite{running: site.startWith(t, func(o *Options) { o.Development = true }), entra: entra}
	resp, body := s.do(t, "GET", "/openai/x", "", bearer(s.token(t, mapped, nil)))
	if resp.StatusCode != 503 {
		t.Errorf("%s %s, want 503", resp.Status, body)
	}
}
