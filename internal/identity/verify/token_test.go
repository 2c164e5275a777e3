package verify

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/identity"
	"github.com/cloister-ai/cloister/internal/site"
)

var day = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func fixedClock() time.Time { return day }

// fixture is a verifier with one ES256 key and a clock that stands.
func fixture(t testing.TB) (*TokenVerifier, *testKey) {
	t.Helper()
	k := newKey(t, "k1", "ES256")
	f := &fakeIssuer{}
	f.publish(k)
	return newVerifier(t, f, testConfig(), Options{Now: fixedClock}), k
}

func TestTokenIsRead(t *testing.T) {
	v, k := fixture(t)
	raw := k.token(t, day, nil, object{"groups": []string{"g1", "g2"}, "idtyp": "app", "xms_cc": []string{"CP1"}, "hasgroups": true})
	got := wantGood(t, v, raw)
	want := &Token{
		Principal: identity.Principal{
			Kind: identity.KindToken, Issuer: testIssuer, Subject: "subject",
			ObjectID: testObject, TenantID: testTenant, ClientID: testClient,
			Roles: []string{"Model.Invoke"}, Groups: []string{"g1", "g2"},
			Expires: day.Add(time.Hour),
		},
		ID: "id-1", Algorithm: "ES256", KeyID: "k1", Audience: []string{testAudience},
		IssuedAt: day, NotBefore: day, AppOnly: true, ClaimsChallenges: true, GroupsOverage: true,
	}
	ignore := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".payload" }, cmp.Ignore())
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Token{}), ignore); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var claims object
	if err := json.Unmarshal(got.Payload(), &claims); err != nil || claims["uti"] != "id-1" {
		t.Errorf("payload: %v %v", claims, err)
	}
	if got.Principal.ID() != testObject {
		t.Errorf("ID = %q", got.Principal.ID())
	}
}

// TestGoodTokens holds what is unusual and still right.
func TestGoodTokens(t *testing.T) {
	v, k := fixture(t)
	for name, c := range map[string]struct{ header, claims object }{
		"v1 client id":                {nil, object{"azp": nil, "appid": testClient, "ver": "1.0"}},
		"a user's token":              {nil, object{"roles": nil, "scp": "chat embed"}},
		"a user's token with roles":   {nil, object{"scp": "chat"}},
		"no role, but idtyp app":      {nil, object{"roles": nil, "idtyp": "app"}},
		"several audiences":           {nil, object{"aud": []string{"other", testAudience}}},
		"expired within the skew":     {nil, object{"exp": day.Add(-59 * time.Second).Unix()}},
		"issued within the skew":      {nil, object{"iat": day.Add(time.Minute).Unix(), "nbf": day.Add(time.Minute).Unix()}},
		"lives a day, backdated":      {nil, object{"iat": day.Add(-5 * time.Minute).Unix(), "exp": day.Add(24 * time.Hour).Unix()}},
		"lives 28 hours, CAE":         {nil, object{"exp": day.Add(28 * time.Hour).Unix(), "xms_cc": []string{"cp1"}}},
		"CAE as a string":             {nil, object{"exp": day.Add(28 * time.Hour).Unix(), "xms_cc": "Cp1"}},
		"no iat":                      {nil, object{"iat": nil}},
		"typ as a media type":         {object{"typ": "application/jwt"}, nil},
		"keys in the header, ignored": {object{"jwk": object{"kty": "RSA"}, "jku": "https://evil.example", "x5u": "x", "x5c": []string{"y"}, "x5t": "z"}, nil},
	} {
		t.Run(name, func(t *testing.T) { wantGood(t, v, k.token(t, day, c.header, c.claims)) })
	}
	if tok := wantGood(t, v, k.token(t, day, nil, object{"scp": "chat  embed"})); tok.AppOnly || !slices.Equal(tok.Principal.Scopes, []string{"chat", "embed"}) {
		t.Errorf("a user's token reads as %+v", tok)
	}
}

// TestRefusedTokens has, per row of docs/tokens.md, what the row is there to
// refuse. Every token is signed by the issuer's key unless it says otherwise.
func TestRefusedTokens(t *testing.T) {
	v, k := fixture(t)
	other := newKey(t, "k1", "ES256")
	good := k.token(t, day, nil, nil)
	parts := strings.Split(good, ".")
	join := func(p ...string) string { return strings.Join(p, ".") }
	sign := func(header, payload string) string { return k.compact(t, []byte(header), []byte(payload)) }
	goodHeader, goodPayload := `{"alg":"ES256","kid":"k1","typ":"JWT"}`, string(encode(t, goodClaims(day)))
	hours := func(h time.Duration) int64 { return day.Add(h * time.Hour).Unix() }
	h := func(change object) string { return k.token(t, day, change, nil) }
	c := func(change object) string { return k.token(t, day, nil, change) }

	for _, test := range []struct {
		name, raw string
		want      Code
	}{
		{"1 too large", good + strings.Repeat("A", MaxTokenSize), TokenTooLarge},
		{"1 empty", "", TokenMalformed},
		{"1 two parts", join(parts[0], parts[1]), TokenMalformed},
		{"1 four parts", good + ".", TokenMalformed},
		{"1 encrypted", good + "..", TokenEncrypted},
		{"1 JSON serialisation", `{"payload":"x","protected":"y","signature":"z"}`, TokenMalformed},

		{"2 padding", join(parts[0], parts[1], parts[2]+"=="), EncodingRefused},
		{"2 line break", join(parts[0], parts[1][:8]+"\n"+parts[1][8:], parts[2]), EncodingRefused},
		{"2 carriage return at the end", good + "\r", EncodingRefused},
		{"2 space", join(parts[0], " "+parts[1], parts[2]), EncodingRefused},
		{"2 standard alphabet", join(parts[0], "+"+parts[1], parts[2]), EncodingRefused},
		{"2 one character left over", join(parts[0], parts[1], parts[2]+"AAA"), EncodingRefused},
		{"2 unused bits set", join(parts[0], parts[1], parts[2][:85]+bump(parts[2][85])), EncodingRefused},

		{"3 header is no JSON", sign("x", goodPayload), JSONRefused},
		{"3 header is an array", sign("[]", goodPayload), JSONRefused},
		{"3 alg twice in the header", sign(`{"alg":"none","alg":"ES256","kid":"k1","typ":"JWT"}`, goodPayload), JSONRefused},
		{"3 the same name by an escape", sign(`{"alg":"ES256","kid":"k1","\u006bid":"k2","typ":"JWT"}`, goodPayload), JSONRefused},
		{"3 header with more behind it", sign(goodHeader+"{}", goodPayload), JSONRefused},
		{"3 alg is no string", sign(`{"alg":256,"kid":"k1","typ":"JWT"}`, goodPayload), JSONRefused},
		{"3 aud twice", sign(goodHeader, strings.Replace(goodPayload, "{", `{"aud":"x",`, 1)), JSONRefused},
		{"3 a name twice further down", sign(goodHeader, strings.Replace(goodPayload, "{", `{"a":{"b":1,"b":2},`, 1)), JSONRefused},
		{"3 invalid UTF-8", sign(goodHeader, strings.Replace(goodPayload, "subject", "sub\xffject", 1)), JSONRefused},
		{"3 lone surrogate", sign(goodHeader, strings.Replace(goodPayload, "subject", `\ud800`, 1)), JSONRefused},
		{"3 claims too deep", sign(goodHeader, `{"a":`+strings.Repeat("[", 200)+strings.Repeat("]", 200)+`}`), JSONRefused},
		{"3 claims are an array", sign(goodHeader, "["+goodPayload+"]"), JSONRefused},
		{"3 claims are empty", sign(goodHeader, ""), JSONRefused},

		{"4 none", join(b64([]byte(`{"alg":"none","kid":"k1","typ":"JWT"}`)), parts[1], ""), AlgorithmRefused},
		{"4 None", h(object{"alg": "None"}), AlgorithmRefused},
		{"4 no alg", h(object{"alg": nil}), AlgorithmRefused},
		{"4 HS256", h(object{"alg": "HS256"}), AlgorithmRefused},
		{"4 es256 in lower case", h(object{"alg": "es256"}), AlgorithmRefused},
		{"4 another kind", h(object{"alg": "RS256"}), AlgorithmOfOtherKey},
		{"4 another curve", h(object{"alg": "ES384"}), AlgorithmOfOtherKey},

		{"5 no kid", h(object{"kid": nil}), KeyIDMissing},
		{"5 unknown kid", h(object{"kid": "k2"}), KeyUnknown},
		{"5 empty kid", h(object{"kid": ""}), KeyUnknown},
		{"5 enormous kid", h(object{"kid": strings.Repeat("k", 300)}), KeyUnknown},
		{"5 another's key, embedded", other.token(t, day, object{"jwk": other.jwk}, nil), SignatureInvalid},

		{"7 no signature", join(parts[0], parts[1], ""), SignatureInvalid},
		{"7 zeros", join(parts[0], parts[1], b64(make([]byte, 64))), SignatureInvalid},
		{"7 short", join(parts[0], parts[1], parts[2][:84]), SignatureInvalid},
		{"7 another token's", join(parts[0], parts[1], strings.Split(c(object{"sub": "x"}), ".")[2]), SignatureInvalid},

		{"8 crit", h(object{"crit": []string{"exp"}}), HeaderCritical},
		{"8 empty crit", h(object{"crit": []string{}}), HeaderCritical},
		{"8 b64", h(object{"b64": false}), HeaderCritical},
		{"8 zip", h(object{"zip": "DEF"}), HeaderCritical},

		{"9 no typ", h(object{"typ": nil}), TypeRefused},
		{"9 at+jwt where JWT is agreed", h(object{"typ": "at+jwt"}), TypeRefused},
		{"9 a logout token", h(object{"typ": "logout+jwt"}), TypeRefused},
		{"9 nonce", c(object{"nonce": "n"}), IDToken},
		{"9 at_hash", c(object{"at_hash": "n"}), IDToken},
		{"9 c_hash", c(object{"c_hash": "n"}), IDToken},
		{"9 neither scope nor role", c(object{"roles": nil}), NoScopeOrRole},
		{"9 empty roles", c(object{"roles": []string{}}), NoScopeOrRole},
		{"9 blank scope", c(object{"roles": nil, "scp": "  "}), NoScopeOrRole},

		{"10 no iss", c(object{"iss": nil}), IssuerMissing},
		{"10 iss is no string", c(object{"iss": []string{testIssuer}}), IssuerMissing},
		{"10 another issuer", c(object{"iss": "https://evil.example"}), IssuerUnknown},
		{"10 a slash more", c(object{"iss": testIssuer + "/"}), IssuerUnknown},
		{"10 another case", c(object{"iss": strings.ToUpper(testIssuer)}), IssuerUnknown},
		{"10 another tenant", c(object{"tid": "99999999-2222-3333-4444-555555555555"}), TenantMismatch},
		{"10 part of the tenant", c(object{"tid": testTenant[:8]}), TenantMismatch},
		{"10 a segment that is no tenant", c(object{"tid": "v1.0"}), TenantMismatch},

		{"11 no aud", c(object{"aud": nil}), AudienceMismatch},
		{"11 another", c(object{"aud": "https://cognitiveservices.azure.com"}), AudienceMismatch},
		{"11 empty", c(object{"aud": ""}), AudienceMismatch},
		{"11 another case", c(object{"aud": "API://CLOISTER"}), AudienceMismatch},
		{"11 a list of others", c(object{"aud": []string{"a", "b"}}), AudienceMismatch},
		{"11 a list with a number", c(object{"aud": []any{testAudience, 1}}), ClaimMalformed},
		{"11 an object", c(object{"aud": object{"x": 1}}), ClaimMalformed},

		{"12 no exp", c(object{"exp": nil}), ExpiryMissing},
		{"12 expired", c(object{"exp": day.Add(-time.Minute).Unix()}), Expired},
		{"12 exp is text", c(object{"exp": "1900000000"}), TimeMalformed},
		{"12 exp has a fraction", c(object{"exp": 1772372400.5}), TimeMalformed},
		{"12 exp has an exponent", sign(goodHeader, setNumber(goodPayload, "exp", "2e9")), TimeMalformed},
		{"12 exp is negative", c(object{"exp": -1}), TimeMalformed},
		{"12 exp beyond all numbers", sign(goodHeader, setNumber(goodPayload, "exp", "99999999999999999999999")), TimeMalformed},
		{"12 not yet valid", c(object{"nbf": day.Add(61 * time.Second).Unix()}), NotYetValid},
		{"12 issued in the future", c(object{"iat": day.Add(61 * time.Second).Unix()}), NotYetValid},
		{"12 nbf is text", c(object{"nbf": "0"}), TimeMalformed},
		{"12 iat is null", sign(goodHeader, setNumber(goodPayload, "iat", "null")), TimeMalformed},
		{"12 lives too long", c(object{"exp": hours(25)}), LifetimeTooLong},
		{"12 lives too long without iat", c(object{"iat": nil, "exp": hours(25)}), LifetimeTooLong},
		{"12 lives too long for CAE", c(object{"exp": hours(29), "xms_cc": []string{"cp1"}}), LifetimeTooLong},
		{"12 another capability", c(object{"exp": hours(25), "xms_cc": []string{"cp2"}}), LifetimeTooLong},

		{"13 no sub", c(object{"sub": nil}), ClaimMissing},
		{"13 no oid", c(object{"oid": nil}), ClaimMissing},
		{"13 no tid", c(object{"tid": nil}), ClaimMissing},
		{"13 no client", c(object{"azp": nil}), ClaimMissing},
		{"13 two clients", c(object{"appid": "another"}), ClientConflict},
		{"13 oid is a number", c(object{"oid": 7}), ClaimMalformed},
		{"13 roles hold an object", c(object{"roles": []any{"a", object{}}}), ClaimMalformed},

		{"14 an application with scopes", c(object{"idtyp": "app", "scp": "chat"}), DelegatedAndApp},
		{"15 bound to a certificate", c(object{"cnf": object{"x5t#S256": "x"}}), SenderConstrained},
	} {
		t.Run(test.name, func(t *testing.T) { wantCode(t, v, test.raw, test.want) })
	}
	if n := v.cache.len(); n != 0 {
		t.Errorf("%d refused tokens are remembered", n)
	}
	wantGood(t, v, good) // The tests above began with a good token.
}

// bump is another character with the same used bits: the last of 64 bytes in
// base64url carries four unused ones.
func bump(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)^1])
}

// setNumber writes a literal that encoding/json would not.
func setNumber(payload, name, literal string) string {
	before, rest, _ := strings.Cut(payload, `"`+name+`":`)
	end := strings.IndexAny(rest, ",}")
	return before + `"` + name + `":` + literal + rest[end:]
}

func TestOtherTokenTypes(t *testing.T) {
	k := newKey(t, "k1", "ES256")
	f := &fakeIssuer{}
	f.publish(k)
	cfg := testConfig()
	at := object{"tid": nil, "oid": nil, "azp": nil, "roles": nil, "client_id": "client", "jti": "j"}
	with := func(change object) object { return merge(at, change) }

	cfg.Issuers[0].TokenType = "at+jwt"
	v := newVerifier(t, f, cfg, Options{Now: fixedClock})
	header := object{"typ": "at+JWT"}
	tok := wantGood(t, v, k.token(t, day, header, at))
	if tok.AppOnly || tok.Principal.ClientID != "client" || tok.ID != "j" || tok.Principal.ID() != "subject" {
		t.Errorf("read as %+v", tok)
	}
	if tok = wantGood(t, v, k.token(t, day, header, with(object{"sub": "client", "scope": "a b"}))); !tok.AppOnly || len(tok.Principal.Scopes) != 2 {
		t.Errorf("read as %+v", tok)
	}
	wantCode(t, v, k.token(t, day, nil, at), TypeRefused)
	for _, name := range []string{"client_id", "jti", "iat", "sub"} {
		without := maps.Clone(at)
		without[name] = nil
		wantCode(t, v, k.token(t, day, header, without), ClaimMissing)
	}

	cfg = testConfig()
	cfg.Issuers[0].TokenType = "JWT"
	v = newVerifier(t, f, cfg, Options{Now: fixedClock})
	wantGood(t, v, k.token(t, day, nil, with(object{"scope": "chat"})))
	wantCode(t, v, k.token(t, day, nil, at), NoScopeOrRole)
	wantCode(t, v, k.token(t, day, nil, with(object{"idtyp": "app"})), NoScopeOrRole)
	wantCode(t, v, k.token(t, day, nil, with(object{"scope": "openid", "client_id": nil, "azp": testAudience})), IDToken)
}

func TestKeysOfSharedSets(t *testing.T) {
	k, foreign := newKey(t, "k1", "RS256"), newKey(t, "k2", "RS256")
	k.jwk["issuer"] = "https://login.example/{tenantid}/v2.0"
	foreign.jwk["issuer"] = "https://login.example/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"
	f := &fakeIssuer{metadata: []byte(`{"issuer":"https://login.example/{tenantid}/v2.0","jwks_uri":"https://login.example/keys"}`)}
	f.publish(k, foreign)
	v := newVerifier(t, f, testConfig(), Options{Now: fixedClock})
	wantGood(t, v, k.token(t, day, nil, nil))
	wantCode(t, v, foreign.token(t, day, nil, nil), IssuerOfOtherKey)
}

func TestIssuersDoNotShareKeys(t *testing.T) {
	a, b := newKey(t, "k1", "ES256"), newKey(t, "k1", "ES256")
	cfg := testConfig()
	v1 := "https://sts.example/" + testTenant + "/"
	cfg.Issuers = append(cfg.Issuers, site.Issuer{
		Issuer: v1, JWKSURI: "https://sts.example/keys", Algorithms: []string{"ES256"}, Audiences: []string{"other"},
	})
	fa, fb := &fakeIssuer{}, &fakeIssuer{}
	fa.publish(a)
	fb.publish(b)
	v, err := NewTokenVerifier(cfg, Options{Now: fixedClock, Client: func(ic *site.Issuer) *http.Client {
		if ic.Issuer == v1 {
			return &http.Client{Transport: fb}
		}
		return &http.Client{Transport: fa}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	wantGood(t, v, a.token(t, day, nil, nil))
	wantGood(t, v, b.token(t, day, nil, object{"iss": v1, "aud": "other", "azp": nil, "appid": "x"}))
	wantCode(t, v, b.token(t, day, nil, nil), SignatureInvalid)
	wantCode(t, v, a.token(t, day, nil, object{"iss": v1, "aud": "other"}), SignatureInvalid)
	wantCode(t, v, b.token(t, day, nil, object{"iss": v1}), AudienceMismatch)
}

func TestAllowListOfTheIssuer(t *testing.T) {
	k := newKey(t, "k1", "RS256")
	f := &fakeIssuer{}
	f.publish(k)
	cfg := testConfig()
	cfg.Issuers[0].Algorithms = nil
	v := newVerifier(t, f, cfg, Options{Now: fixedClock})
	wantGood(t, v, k.token(t, day, nil, nil))
	for _, alg := range Algorithms()[1:] {
		wantCode(t, v, k.token(t, day, object{"alg": alg}, nil), AlgorithmRefused)
	}
}

func TestErrorsGiveNothingAway(t *testing.T) {
	v, k := fixture(t)
	raw := k.token(t, day, nil, object{"aud": "other"})
	_, err := v.Verify(context.Background(), raw)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	if e.Status != 401 || e.Public() != "The access token is not valid." ||
		e.Challenge() != `Bearer error="invalid_token", error_description="The access token is not valid."` {
		t.Errorf("%d %q %q", e.Status, e.Public(), e.Challenge())
	}
	for _, part := range strings.Split(raw, ".") {
		if strings.Contains(err.Error(), part) {
			t.Errorf("the error holds a part of the token: %v", err)
		}
	}
	for _, c := range []struct {
		e         *Error
		status    int
		challenge string
	}{
		{Unmapped(), 403, `error="insufficient_scope"`},
		{refuse(TokenEncrypted, "x"), 400, `error="invalid_request"`},
		{refuse(KeysUnavailable, "x"), 503, ""},
	} {
		if c.e.Status != c.status || !strings.Contains(c.e.Challenge(), c.challenge) || strings.Contains(c.e.Public(), "x,") {
			t.Errorf("%+v: %q %q", c.e, c.e.Challenge(), c.e.Public())
		}
	}
	if got := refuse(KeysUnavailable, "x").Challenge(); got != "" {
		t.Errorf("503 has a challenge: %q", got)
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*site.Tokens)
		want   string
	}{
		"no audience":        {func(c *site.Tokens) { c.Audiences = nil }, "audience-missing"},
		"an empty audience":  {func(c *site.Tokens) { c.Audiences = []string{""} }, "audience-missing"},
		"every tenant":       {func(c *site.Tokens) { c.Issuers[0].Issuer = "https://login.example/{tenantid}/v2.0" }, "issuer-template"},
		"an issuer twice":    {func(c *site.Tokens) { c.Issuers = append(c.Issuers, c.Issuers[0]) }, "issuer-repeated"},
		"none":               {func(c *site.Tokens) { c.Issuers[0].Algorithms = []string{"none"} }, "algorithm-refused"},
		"HS256":              {func(c *site.Tokens) { c.Issuers[0].Algorithms = []string{"RS256", "HS256"} }, "algorithm-refused"},
		"a token type":       {func(c *site.Tokens) { c.Issuers[0].TokenType = "dpop+jwt" }, "token-type"},
		"keys over http":     {func(c *site.Tokens) { c.Issuers[0].JWKSURI = "http://login.example/keys" }, "issuer-url"},
		"metadata over http": {func(c *site.Tokens) { c.Issuers[0].Metadata = "http://login.example/" }, "issuer-url"},
		"a rule for anybody": {func(c *site.Tokens) { c.Callers = []site.TokenCaller{{Subscription: "s"}} }, "caller-unconditional"},
		"a rule for nobody's issuer": {func(c *site.Tokens) {
			c.Callers = []site.TokenCaller{{Subscription: "s", Issuer: "https://x"}}
		}, "caller-issuer"},
		"a rule without subscription": {func(c *site.Tokens) { c.Callers = []site.TokenCaller{{Roles: []string{"r"}}} }, "caller-subscription"},
	} {
		cfg := testConfig()
		c.change(cfg)
		ps := Check(cfg)
		if !slices.ContainsFunc(ps, func(p site.Problem) bool { return p.Code == c.want }) {
			t.Errorf("%s: %v, want %s", name, ps, c.want)
		}
		if v, err := NewTokenVerifier(cfg, Options{}); err == nil {
			v.Close()
			t.Errorf("%s: a verifier was made", name)
		}
	}
	if ps := Check(testConfig()); len(ps) != 0 {
		t.Errorf("a good configuration: %v", ps)
	}
	if _, err := NewTokenVerifier(testConfig(), Options{}); err == nil {
		t.Error("a verifier without a client was made")
	}
}
