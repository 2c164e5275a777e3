package emulator

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/identity/verify"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

const (
	testTenant   = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	testClient   = "11111111-1111-4111-8111-111111111111"
	testStranger = "22222222-2222-4222-8222-222222222222"
	testGateway  = "33333333-3333-4333-8333-333333333333"
	testOther    = "44444444-4444-4444-8444-444444444444"
	testSecret   = "abc8Q~ with space+&"
)

// serveEntra starts a tenant with one client that has a role of the gateway.
func serveEntra(t *testing.T, change func(*EntraOptions)) (*Entra, *httptest.Server) {
	t.Helper()
	var e *Entra
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { e.ServeHTTP(w, r) }))
	t.Cleanup(srv.Close)
	opt := EntraOptions{
		BaseURL: srv.URL, TenantID: testTenant,
		Clients: []EntraClient{
			{ID: testClient, Secrets: []secret.Value{secret.New("old"), secret.New(testSecret)}, Roles: map[string][]string{testGateway: {"Models.Invoke"}}},
			{ID: testStranger, Secrets: []secret.Value{secret.New("stranger")}},
		},
		Resources: []EntraResource{
			{ID: testGateway, URIs: []string{"api://cloister"}, Version: 2, AssignmentRequired: true},
			{ID: testOther, URIs: []string{"https://other.example"}},
		},
	}
	if change != nil {
		change(&opt)
	}
	var err error
	if e, err = NewEntra(opt); err != nil {
		t.Fatal(err)
	}
	return e, srv
}

// credential is the official SDK's, with no more than authority, CA and
// DisableInstanceDiscovery set.
func credential(t *testing.T, e *Entra, srv *httptest.Server, client, secret string) *azidentity.ClientSecretCredential {
	t.Helper()
	c, err := azidentity.NewClientSecretCredential(testTenant, client, secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{
			Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: e.AuthorityHost()},
			Transport: srv.Client(),
			Retry:     policy.RetryOptions{MaxRetries: -1},
		},
		DisableInstanceDiscovery: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func payload(t *testing.T, raw string) map[string]any {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return parse[map[string]any](t, string(b))
}

func TestEntraWithAzidentity(t *testing.T) {
	e, srv := serveEntra(t, nil)
	oid := e.ObjectID(testClient)
	for _, c := range []struct {
		scope string
		want  map[string]any
	}{
		{"https://cognitiveservices.azure.com/.default", map[string]any{
			"aud": "https://cognitiveservices.azure.com", "iss": e.Issuer(1), "ver": "1.0", "appid": testClient, "appidacr": "1",
			"idp": e.Issuer(1), "idtyp": "app", "oid": oid, "sub": oid, "tid": testTenant,
		}},
		{"api://cloister/.default", map[string]any{
			"aud": testGateway, "iss": e.Issuer(2), "ver": "2.0", "azp": testClient, "azpacr": "1",
			"idtyp": "app", "oid": oid, "sub": oid, "tid": testTenant, "roles": []any{"Models.Invoke"},
		}},
	} {
		tok, err := credential(t, e, srv, testClient, testSecret).GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{c.scope}})
		if err != nil {
			t.Fatal(err)
		}
		if left := time.Until(tok.ExpiresOn); left < 59*time.Minute || left > time.Hour {
			t.Errorf("%s: expires in %v", c.scope, left)
		}
		got := payload(t, tok.Token)
		for _, name := range []string{"iat", "nbf", "exp", "aio", "rh", "uti"} {
			if got[name] == nil {
				t.Errorf("%s: no %s", c.scope, name)
			}
			delete(got, name)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.scope, diff)
		}
	}
	if e.Issued() != 2 {
		t.Errorf("issued %d tokens", e.Issued())
	}
}

func TestEntraErrorsWithAzidentity(t *testing.T) {
	e, srv := serveEntra(t, nil)
	for _, c := range []struct{ client, secret, scope, want string }{
		{testClient, "wrong", CognitiveServicesURI + "/.default", "AADSTS7000215"},
		{testGateway, testSecret, CognitiveServicesURI + "/.default", "AADSTS700016"},
		{testClient, testSecret, "https://unknown.example/.default", "AADSTS500011"},
		{testStranger, "stranger", "api://cloister/.default", "AADSTS501051"},
	} {
		_, err := credential(t, e, srv, c.client, c.secret).GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{c.scope}})
		var failed *azidentity.AuthenticationFailedError
		if !errors.As(err, &failed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.want, err)
		}
	}
}

// TestEntraTokensVerify lets the gateway's own verifier judge the tokens, over
// metadata and key sets, before and after a rotation.
func TestEntraTokensVerify(t *testing.T) {
	e, srv := serveEntra(t, nil)
	cfg := &site.Tokens{Audiences: []string{testGateway, "https://other.example"}, Issuers: []site.Issuer{{Issuer: e.Issuer(1)}, {Issuer: e.Issuer(2)}}}
	v, err := verify.NewTokenVerifier(cfg, verify.Options{
		Client: func(*site.Issuer) *http.Client { return srv.Client() }, AskEvery: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for _, resource := range []string{"api://cloister", "https://other.example"} {
		for round := range 2 {
			raw := token(t, e, resource)
			got, err := v.Verify(t.Context(), raw)
			if err != nil {
				t.Fatalf("%s, round %d: %v", resource, round, err)
			}
			if got.Principal.ClientID != testClient || got.Principal.ObjectID != e.ObjectID(testClient) || !strings.HasPrefix(got.KeyID, Marker) {
				t.Errorf("%s: %+v", resource, got)
			}
			if err := e.Rotate(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Millisecond) // past AskEvery
		}
	}
	if e.KeyFetches() < 3 {
		t.Errorf("%d fetches of keys", e.KeyFetches())
	}
}

func token(t *testing.T, e *Entra, resource string) string {
	t.Helper()
	c, err := e.Claims(testClient, resource)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := e.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestEntraRotationForgets(t *testing.T) {
	e, _ := serveEntra(t, nil)
	judge := e.VerifyToken(nil)
	raw := token(t, e, CognitiveServicesURI)
	for round, want := range []bool{true, true, false} {
		if err := judge(t.Context(), raw); (err == nil) != want {
			t.Errorf("after %d rotations: %v", round, err)
		}
		if err := e.Rotate(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEntraVerifyToken(t *testing.T) {
	e, _ := serveEntra(t, nil)
	change := func(f func(*Claims)) string {
		c, err := e.Claims(testClient, CognitiveServicesURI)
		if err != nil {
			t.Fatal(err)
		}
		f(c)
		raw, err := e.Sign(c)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	good := change(func(*Claims) {})
	parts := strings.Split(good, ".")
	for name, raw := range map[string]string{
		"audience":  change(func(c *Claims) { c.Audience = "api://cloister" }),
		"issuer":    change(func(c *Claims) { c.Issuer = "https://sts.windows.net/" + testTenant + "/" }),
		"expired":   change(func(c *Claims) { c.Expires = time.Now().Unix() - 1 }),
		"early":     change(func(c *Claims) { c.NotBefore = time.Now().Unix() + 100 }),
		"signature": parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
		"garbage":   "a.b.c",
	} {
		if e.VerifyToken(nil)(t.Context(), raw) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := e.VerifyToken(nil)(t.Context(), good); err != nil {
		t.Error(err)
	}
	var denied *PermissionError
	err := e.VerifyToken(func(string) bool { return false })(t.Context(), good)
	if !errors.As(err, &denied) || denied.ObjectID != e.ObjectID(testClient) {
		t.Errorf("denied: %v", err)
	}
}

// TestEntraTokenEndpoints goes through both endpoints, both ways to show a
// secret, and the catalogue.
func TestEntraTokenEndpoints(t *testing.T) {
	_, srv := serveEntra(t, nil)
	v2, v1 := "/"+testTenant+"/oauth2/v2.0/token", "/"+testTenant+"/oauth2/token"
	form := func(pairs ...string) url.Values {
		f := url.Values{"grant_type": {"client_credentials"}, "client_id": {testClient}, "client_secret": {testSecret}}
		for i := 0; i < len(pairs); i += 2 {
			f.Set(pairs[i], pairs[i+1])
			if pairs[i+1] == "" {
				f.Del(pairs[i])
			}
		}
		return f
	}
	scope := CognitiveServicesURI + "/.default"
	for _, c := range []struct {
		path   string
		form   url.Values
		status int
		code   int
		name   string
	}{
		{v2, form("scope", scope), 200, 0, ""},
		{v2, form("scope", scope+" openid offline_access profile"), 200, 0, ""},
		{"/" + Marker + v2, form("scope", scope), 200, 0, ""},
		{v2, form("scope", CognitiveServicesURI+"//.default"), 200, 0, ""},
		{v2, form("scope", testGateway+"/.default"), 200, 0, ""},
		{v1, form("resource", CognitiveServicesURI), 200, 0, ""},
		{v1, form("resource", CognitiveServicesURI+"/"), 200, 0, ""},
		{v2, form("scope", scope, "grant_type", ""), 400, 900144, "invalid_request"},
		{v2, form("scope", scope, "grant_type", "password"), 400, 70003, "unsupported_grant_type"},
		{v2, form("scope", scope, "client_id", ""), 400, 900144, "invalid_request"},
		{v2, form("scope", scope, "client_id", testOther), 400, 700016, "unauthorized_client"},
		{v2, form("scope", scope, "client_secret", ""), 401, 7000218, "invalid_client"},
		{v2, form("scope", scope, "client_secret", "nope"), 401, 7000215, "invalid_client"},
		{v2, form(), 400, 900144, "invalid_request"},
		{v2, form("scope", "openid"), 400, 900144, "invalid_request"},
		{v2, form("scope", CognitiveServicesURI+"/user_impersonation"), 400, 1002012, "invalid_scope"},
		{v2, form("scope", scope+" api://cloister/.default"), 400, 70011, "invalid_scope"},
		{v2, form("scope", "api://nobody/.default"), 400, 500011, "invalid_resource"},
		{v1, form("scope", scope), 400, 900144, "invalid_request"},
		{"/" + testOther + "/oauth2/v2.0/token", form("scope", scope), 400, 90002, "invalid_tenant"},
	} {
		resp, err := srv.Client().PostForm(srv.URL+c.path, c.form)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Type        string          `json:"token_type"`
			Expires     json.RawMessage `json:"expires_in"`
			Token       string          `json:"access_token"`
			Name        string          `json:"error"`
			Description string          `json:"error_description"`
			Codes       []int           `json:"error_codes"`
			URI         string          `json:"error_uri"`
			Trace       string          `json:"trace_id"`
			Correlation string          `json:"correlation_id"`
			Timestamp   string          `json:"timestamp"`
		}
		err = json.NewDecoder(resp.Body).Decode(&got)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != c.status {
			t.Errorf("%s %v: %d, %v", c.path, c.form, resp.StatusCode, err)
			continue
		}
		if c.status == 200 {
			quoted := strings.HasPrefix(string(got.Expires), `"`)
			if got.Type != "Bearer" || strings.Count(got.Token, ".") != 2 || quoted != (c.path == v1) {
				t.Errorf("%s %v: %+v", c.path, c.form, got)
			}
			continue
		}
		if got.Name != c.name || len(got.Codes) != 1 || got.Codes[0] != c.code || !strings.Contains(got.Description, " Trace ID: "+got.Trace+" Correlation ID: "+got.Correlation+" Timestamp: "+got.Timestamp) {
			t.Errorf("%s %v: %+v, want %d %s", c.path, c.form, got, c.code, c.name)
		}
	}
}

func TestEntraBasicSecret(t *testing.T) {
	_, srv := serveEntra(t, nil)
	body := url.Values{"grant_type": {"client_credentials"}, "scope": {CognitiveServicesURI + "/.default"}}.Encode()
	for password, want := range map[string]int{url.QueryEscape(testSecret): 200, "old": 200, "wrong": 401, "%zz": 401} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/"+testTenant+"/oauth2/v2.0/token", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(testClient, password)
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%q: %d, want %d", password, resp.StatusCode, want)
		}
	}
}

func TestEntraDiscovery(t *testing.T) {
	e, srv := serveEntra(t, nil)
	for path, issuer := range map[string]string{
		"/" + testTenant + "/v2.0/.well-known/openid-configuration": e.Issuer(2),
		"/" + testTenant + "/.well-known/openid-configuration":      e.Issuer(1),
		"/common/v2.0/.well-known/openid-configuration":             e.Issuer(2),
	} {
		resp, body := exchange(t, srv, "GET", path, "")
		doc := parse[metadata](t, body)
		if resp.StatusCode != 200 || doc.Issuer != issuer || !strings.Contains(issuer, Marker) || !strings.HasPrefix(doc.TokenEndpoint, srv.URL) {
			t.Errorf("%s: %d %+v", path, resp.StatusCode, doc)
		}
		resp, body = exchange(t, srv, "GET", strings.TrimPrefix(doc.KeysURI, srv.URL), "")
		keys := parse[struct{ Keys []publicKey }](t, body)
		if resp.StatusCode != 200 || len(keys.Keys) != 1 || !strings.HasPrefix(keys.Keys[0].ID, Marker) {
			t.Errorf("%s: %d %+v", doc.KeysURI, resp.StatusCode, keys)
		}
	}
	_, body := exchange(t, srv, "GET", "/common/discovery/instance?api-version=1.1&authorization_endpoint=x", "")
	if !strings.Contains(body, `"tenant_discovery_endpoint":"`+srv.URL) {
		t.Error(body)
	}
	for path, want := range map[string]int{"/": 404, "/" + testTenant + "/x": 404, "/" + testTenant + "/oauth2/v2.0/token": 405, "/other/discovery/keys": 400} {
		if resp, _ := exchange(t, srv, "GET", path, ""); resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
		}
	}
	e.SetOutage(true)
	if resp, _ := exchange(t, srv, "GET", "/"+testTenant+"/discovery/keys", ""); resp.StatusCode != 503 {
		t.Errorf("in an outage: %d", resp.StatusCode)
	}
}

func TestEntraKeyIsKept(t *testing.T) {
	first, _ := serveEntra(t, nil)
	key := first.keys.published()[0].key
	second, _ := serveEntra(t, func(o *EntraOptions) { o.Key, o.BaseURL = key, first.opt.BaseURL })
	if err := second.VerifyToken(nil)(t.Context(), token(t, first, CognitiveServicesURI)); err != nil {
		t.Error(err)
	}
}

func TestNewEntraRefuses(t *testing.T) {
	for name, change := range map[string]func(*EntraOptions){
		"plain http":      func(o *EntraOptions) { o.BaseURL = "http://127.0.0.1" },
		"path":            func(o *EntraOptions) { o.BaseURL = "https://127.0.0.1/x" },
		"tenant":          func(o *EntraOptions) { o.TenantID = "contoso" },
		"client":          func(o *EntraOptions) { o.Clients = []EntraClient{{ID: "app"}} },
		"client twice":    func(o *EntraOptions) { o.Clients = append(o.Clients, o.Clients[0]) },
		"resource":        func(o *EntraOptions) { o.Resources = []EntraResource{{ID: "api"}} },
		"token version 3": func(o *EntraOptions) { o.Resources = []EntraResource{{ID: testOther, Version: 3}} },
		"lifetime":        func(o *EntraOptions) { o.Lifetime = 48 * time.Hour },
	} {
		opt := EntraOptions{BaseURL: "https://127.0.0.1", TenantID: testTenant, Clients: []EntraClient{{ID: testClient}}}
		change(&opt)
		if _, err := NewEntra(opt); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
