package app

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// foreign is the audience of tokens that only a document accepts.
const foreign = "api://foreign"

// newVouchSite is a site whose APIs leave it to policies who may call. It trusts
// version 2.0 of an emulated Entra ID, and its documents version 1.0 too, and a
// key of their own.
func newVouchSite(t *testing.T) *tokenSite {
	t.Helper()
	s := &tokenSite{}
	var entra http.HandlerFunc = func(w http.ResponseWriter, r *http.Request) { s.entra.ServeHTTP(w, r) }
	issuer, port := server(t, entra)
	s.entra = newEntra(t, issuer)
	files := map[string]string{
		"apim/products/gold/productInformation.json": `{"properties":{"displayName":"Gold","subscriptionRequired":true,"state":"published"}}`,
		"apim/products/gold/apis.json":               `[{"name":"jwt"}]`,
		"apim/products/gold/policy.xml":              inboundHeader("X-Product", "gold"),
	}
	const audiences = `<audiences><audience>` + audience + `</audience><audience>` + foreign + `</audience></audiences>`
	both := `<openid-config url="` + issuer.URL + `/` + tenant + `/v2.0/.well-known/openid-configuration" />
		<openid-config url="` + issuer.URL + `/` + tenant + `/.well-known/openid-configuration" />` + audiences
	for name, document := range map[string]string{
		"jwt":   `<validate-jwt header-name="Authorization" require-scheme="Bearer" output-token-variable-name="jwt">` + both + `</validate-jwt>`,
		"entra": `<validate-azure-ad-token tenant-id="` + tenant + `" authentication-endpoint="` + issuer.URL + `">` + audiences + `</validate-azure-ad-token>`,
		"own":   `<validate-jwt header-name="X-Token"><issuer-signing-keys><key>` + strings.Repeat("c3Nz", 11) + `</key></issuer-signing-keys></validate-jwt>`,
		"two": `<validate-jwt header-name="Authorization">` + both + `</validate-jwt>
			<validate-jwt header-name="X-Token">` + both + `</validate-jwt>`,
		"made": `<set-header name="Authorization" exists-action="override"><value>@("Bearer " + context.Request.Body.As<string>(true))</value></set-header>
			<validate-jwt header-name="Authorization">` + both + `</validate-jwt>`,
		"query": `<validate-jwt query-parameter-name="access_token">` + both + `</validate-jwt>`,
		"none":  `<set-variable name="x" value="y" />`,
		"copy": `<validate-jwt header-name="X-Token">` + both + `</validate-jwt>
			<set-header name="X-Copy"><value>@(context.Request.Headers.GetValueOrDefault("X-Token", ""))</value></set-header>`,
		"keyed": `<validate-jwt header-name="Authorization">` + both + `</validate-jwt>`,
	} {
		files["apim/apis/"+name+"/apiInformation.json"] = api(name, `,"subscriptionRequired":false`)
		files["apim/apis/"+name+"/specification.yaml"] = wildcardSpecification
		files["apim/apis/"+name+"/policy.xml"] = onlyInbound(`<set-backend-service backend-id="openai" />` + document)
	}
	site := newSite(t, http.HandlerFunc(echoOrWait), files)
	site.write(t, "cloister.yaml", with(site.config(fmt.Sprintf(`callers:
  default: [policy]
  apis: {openai: [subscription], keyed: [subscription]}
tokens:
  audiences: [%q]
  issuers: [{issuer: %q, caFile: tls/backend.pem}]
  callers:
  - {subscription: gold, clientApplicationIds: [%q]}
  - {subscription: asleep, clientApplicationIds: [%q]}
`, audience, s.entra.Issuer(2), mapped, toAsleep)),
		[2]string{"subscriptions", "- {name: gold, scope: /products/gold}\n- {name: asleep, scope: /apis, state: suspended}"},
		[2]string{"destinations", "  identity: [{host: 127.0.0.1, port: " + port + "}]"},
	))
	s.site = site
	s.running = site.startWith(t, func(o *Options) { o.Development = true })
	if err := s.AwaitIssuers(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestPrincipalsByPolicy attacks the gate of APIs that leave it to policies who
// may call: what only a document trusts lets nobody through.
func TestPrincipalsByPolicy(t *testing.T) {
	s := newVouchSite(t)
	good, other := s.token(t, mapped, nil), s.token(t, unmapped, nil)
	foreignToken := s.token(t, mapped, map[string]any{"aud": foreign})
	version1 := s.token(t, mapped, map[string]any{"iss": s.entra.Issuer(1), "ver": "1.0", "appid": mapped, "azp": nil})
	withToken := func(token string) http.Header {
		return http.Header{"Ocp-Apim-Subscription-Key": nil, "X-Token": {token}}
	}
	twoTokens := func(a, b string) http.Header {
		return http.Header{"Ocp-Apim-Subscription-Key": nil, "Authorization": {"Bearer " + a}, "X-Token": {b}}
	}
	for _, tt := range []struct {
		name, path, body string
		header           http.Header
		status           int
		// Of the record: subscription, principal's id, first reason.
		subscription, principal, reason string
	}{
		{"mapped", "/jwt/x", "", bearer(good), 200, "gold", s.entra.ObjectID(mapped), "policy-token"},
		{"mapped to none", "/jwt/x", "", bearer(other), 200, "", s.entra.ObjectID(unmapped), "policy-token"},
		{"Entra's own policy", "/entra/x", "", bearer(good), 200, "", s.entra.ObjectID(mapped), "policy-token"},
		{"query", "/query/x?a=1&access_token=" + good, "", anonymous, 200, "", s.entra.ObjectID(mapped), "policy-token"},
		{"another header, same token twice", "/two/x", "", twoTokens(good, good), 200, "", s.entra.ObjectID(mapped), "policy-token"},
		{"a key, and a token", "/keyed/x", "", keyAndBearer(teamKey, other), 200, "team", s.entra.ObjectID(unmapped), "subscription-key"},

		{"nothing", "/jwt/x", "", anonymous, 401, "", "", "token-not-present"},
		{"nobody looks", "/none/x", "", bearer(good), 403, "", "", "no-principal"},
		{"issuer that the site does not trust", "/jwt/x", "", bearer(version1), 403, "", "", "no-principal"},
		{"the same by Entra's own policy", "/entra/x", "", bearer(version1), 403, "", "", "no-principal"},
		{"audience that the site does not trust", "/jwt/x", "", bearer(foreignToken), 403, "", "", "no-principal"},
		{"audience that nobody trusts", "/jwt/x", "", bearer(s.token(t, mapped, map[string]any{"aud": "api://other"})), 401, "", "", "token-audience-not-allowed"},
		{"a document's own key, under the name of a trusted issuer", "/own/x", "", withToken(signSecret(t, s, mapped)), 403, "", "", "no-principal"},
		{"ID token", "/jwt/x", "", bearer(s.token(t, mapped, map[string]any{"nonce": "n"})), 403, "", "", "no-principal"},
		{"suspended subscription", "/jwt/x", "", bearer(s.token(t, toAsleep, nil)), 403, "", "", "subscription-not-active"},
		{"two tokens of two callers", "/two/x", "", twoTokens(good, other), 403, "gold", "", "principal-ambiguous"},
		{"a trusted token, and one that is not", "/two/x", "", twoTokens(good, foreignToken), 200, "", s.entra.ObjectID(mapped), "policy-token"},
		{"a token that the policy makes", "/made/x", good, http.Header{"Ocp-Apim-Subscription-Key": nil}, 403, "", "", "no-principal"},
		{"a token that travels", "/copy/x", "", withToken(good), 403, "", "", "credential-travels"},
		{"expired", "/jwt/x", "", bearer(s.token(t, mapped, map[string]any{"exp": time.Now().Add(-time.Second).Unix()})), 401, "", "", "token-expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			method := "GET"
			if tt.body != "" {
				method = "POST"
			}
			resp, body := s.do(t, method, tt.path, tt.body, tt.header)
			if resp.StatusCode != tt.status {
				t.Fatalf("%s, want %d: %s\n%s", resp.Status, tt.status, body, s.log)
			}
			id := resp.Header.Get("Cloister-Request-Id")
			rec := wantRecord(t, s.running, func(r map[string]any) bool { return r["request_id"] == id })
			if reasons := fmt.Sprint(rec["reasons"]); reasons != "["+tt.reason+"]" {
				t.Errorf("reasons %s, want %s", reasons, tt.reason)
			}
			if tt.status != 200 {
				return
			}
			if got := fmt.Sprint(field(rec, "subscription")); got != orNil(tt.subscription) {
				t.Errorf("subscription %s, want %s", got, orNil(tt.subscription))
			}
			if got := fmt.Sprint(field(rec, "principal.id")); got != tt.principal {
				t.Errorf("principal %s, want %s", got, tt.principal)
			}
			if strings.Contains(body, "eyJ") {
				t.Errorf("a token went out: %s", body)
			}
		})
	}
	for _, token := range []string{good, other, foreignToken} {
		if strings.Contains(s.records.String()+s.log.String(), strings.Split(token, ".")[1]) {
			t.Error("a record or a log line holds a token")
		}
	}
}

// TestPrincipalsByPolicySurviveReloads: the keys of policies are those of the
// process: a reload fetches nothing, and needs no issuer.
func TestPrincipalsByPolicySurviveReloads(t *testing.T) {
	s := newVouchSite(t)
	good := s.token(t, mapped, nil)
	status := func() int {
		resp, _ := s.do(t, "GET", "/jwt/x", "", bearer(good))
		return resp.StatusCode
	}
	if got := status(); got != 200 {
		t.Fatal(got)
	}
	// The other configuration of the policy may still be on its way.
	fetches := int64(-1)
	for n := s.entra.KeyFetches(); n != fetches; n = s.entra.KeyFetches() {
		fetches = n
		time.Sleep(200 * time.Millisecond)
	}
	s.site.write(t, "apim/policy.xml", policyWith(2))
	if r, err := s.Reload(t.Context()); err != nil || !r.Accepted() {
		t.Fatal(err, r.Problems.Err())
	}
	s.entra.SetOutage(true)
	if got := status(); got != 200 {
		t.Errorf("after a reload without the issuer: %d", got)
	}
	if got := s.entra.KeyFetches(); got != fetches {
		t.Errorf("%d fetches more: the keys of policies do not survive a reload", got-fetches)
	}
}

// TestConfigurationsThatAreNotListed: a document whose OpenID configuration the
// site does not let the gateway fetch is refused with the site.
func TestConfigurationsThatAreNotListed(t *testing.T) {
	site := newSite(t, http.HandlerFunc(echo), map[string]string{
		"apim/apis/openai/policy.xml": onlyInbound(`<validate-jwt header-name="Authorization"><openid-config url="https://login.example/.well-known/openid-configuration" /></validate-jwt>
			<validate-azure-ad-token tenant-id="common" />`),
	})
	site.write(t, "cloister.yaml", site.config(""))
	_, ps, err := Start(t.Context(), Options{Dir: site.dir, Stdout: io.Discard, Stderr: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	problems := ps.Err().Error()
	for _, host := range []string{"login.example", "login.microsoftonline.com"} {
		if !strings.Contains(problems, "destinations.identity does not list port 443 of "+host) {
			t.Errorf("%s is not refused:\n%s", host, problems)
		}
	}
}

// signSecret is a token of a client that the key of the API "own" has signed.
func signSecret(t *testing.T, s *tokenSite, client string) string {
	t.Helper()
	claims, err := s.entra.Claims(client, audience)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	var m jwt.MapClaims
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.Repeat("c3Nz", 11))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := jwt.NewWithClaims(jwt.SigningMethodHS256, m).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
