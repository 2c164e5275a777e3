package verify

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// testRules are rules with the key set of a fake issuer.
func testRules(t *testing.T, f *fakeIssuer) *Rules {
	t.Helper()
	k := NewKeySets(KeySetOptions{Client: func(string) *http.Client { return &http.Client{Transport: f} }})
	t.Cleanup(k.Close)
	set, err := k.Open("https://login.example/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	return &Rules{Sets: []*RemoteSet{set}, Audiences: []string{testAudience}}
}

// TestRules attacks what a policy accepts. What it looks at beside these rows,
// the fixtures of the policies show.
func TestRules(t *testing.T) {
	key, other := newKey(t, "k1", "RS256"), newKey(t, "k2", "RS256")
	f := &fakeIssuer{}
	f.publish(key)
	r, now := testRules(t, f), time.Now()
	parts := strings.Split(key.token(t, now, nil, nil), ".")
	for name, tt := range map[string]struct {
		raw  string
		want Code
	}{
		"good":                                  {key.token(t, now, nil, nil), ""},
		"ID tokens are for the policy to judge": {key.token(t, now, nil, object{"nonce": "n", "roles": nil}), ""},
		"none":                                  {key.token(t, now, object{"alg": "none"}, nil), AlgorithmRefused},
		"none, no signature":                    {b64([]byte(`{"alg":"none","kid":"k1"}`)) + "." + parts[1] + ".", AlgorithmRefused},
		"HS256 by the public key":               {key.token(t, now, object{"alg": "HS256"}, nil), AlgorithmOfOtherKey},
		"another key":                           {other.token(t, now, object{"kid": "k1"}, nil), SignatureInvalid},
		"unknown key":                           {other.token(t, now, nil, nil), KeyUnknown},
		"own key in the header":                 {other.token(t, now, object{"kid": "k1", "jwk": other.jwk}, nil), SignatureInvalid},
		"signature of another":                  {parts[0] + "." + b64([]byte(`{"iss":"`+testIssuer+`"}`)) + "." + parts[2], SignatureInvalid},
		"padding":                               {parts[0] + "=." + parts[1] + "." + parts[2], EncodingRefused},
		"a name twice":                          {key.compact(t, []byte(`{"alg":"RS256","kid":"k1"}`), []byte(`{"aud":"x","aud":"`+testAudience+`"}`)), JSONRefused},
		"crit":                                  {key.token(t, now, object{"crit": []string{"x"}}, nil), HeaderCritical},
		"too large":                             {strings.Repeat("a", MaxTokenSize+1), TokenTooLarge},
		"encrypted":                             {"a.b.c.d.e", TokenEncrypted},
		"another issuer":                        {key.token(t, now, nil, object{"iss": testIssuer + "/"}), IssuerUnknown},
		"no issuer":                             {key.token(t, now, nil, object{"iss": nil}), IssuerUnknown},
		"issuer is a list":                      {key.token(t, now, nil, object{"iss": []string{testIssuer}}), IssuerUnknown},
		"audience in another case":              {key.token(t, now, nil, object{"aud": strings.ToUpper(testAudience)}), AudienceMismatch},
		"expired now":                           {key.token(t, now, nil, object{"exp": now.Unix()}), Expired},
		"time with a fraction":                  {key.token(t, now, nil, object{"exp": 1e9 + 0.5}), TimeMalformed},
		"bound":                                 {key.token(t, now, nil, object{"cnf": object{"jkt": "x"}}), SenderConstrained},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.Verify(t.Context(), tt.raw, now)
			var typed *Error
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.want != "" && (!errors.As(err, &typed) || typed.Code != tt.want):
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// TestRulesForAllTenants: a configuration for all tenants accepts the issuer of
// the token's own tenant alone.
func TestRulesForAllTenants(t *testing.T) {
	key := newKey(t, "k1", "RS256")
	f := &fakeIssuer{metadata: []byte(`{"issuer":"https://login.example/{tenantid}/v2.0","jwks_uri":"https://login.example/keys"}`)}
	f.publish(key)
	r, now := testRules(t, f), time.Now()
	for _, tt := range []struct {
		iss, tid any
		ok       bool
	}{
		{testIssuer, testTenant, true},
		{"https://login.example/other/v2.0", testTenant, false},
		{"https://login.example/{tenantid}/v2.0", "{tenantid}", false},
		{"https://login.example/a/b/v2.0", "a/b", false},
		{testIssuer, nil, false},
	} {
		_, err := r.Verify(t.Context(), key.token(t, now, nil, object{"iss": tt.iss, "tid": tt.tid}), now)
		if (err == nil) != tt.ok {
			t.Errorf("iss %v, tid %v: %v", tt.iss, tt.tid, err)
		}
	}
}

// TestSecretKeys: symmetric keys sign symmetrically, and nothing else.
func TestSecretKeys(t *testing.T) {
	if _, err := SecretKey("", make([]byte, MinSecret-1)); err == nil {
		t.Error("a short key is accepted")
	}
	if _, err := RSAKey("", "AQAB", "AQAB"); err == nil {
		t.Error("a small modulus is accepted")
	}
	key := newKey(t, "k1", "RS256")
	n, e := fmt.Sprint(key.jwk["n"]), fmt.Sprint(key.jwk["e"])
	local, err := RSAKey("k1", n, e)
	if err != nil {
		t.Fatal(err)
	}
	// The public key as a secret: the classic confusion.
	secret, err := SecretKey("", []byte(n))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	raw := key.token(t, now, nil, nil)
	if _, err := (&Rules{Keys: []*LocalKey{local}}).Verify(t.Context(), raw, now); err != nil {
		t.Errorf("by its own key: %v", err)
	}
	var typed *Error
	if _, err := (&Rules{Keys: []*LocalKey{secret}}).Verify(t.Context(), raw, now); !errors.As(err, &typed) || typed.Code != KeyUnknown {
		t.Errorf("a token of an RSA key by a symmetric one: %v", err)
	}
}

// TestKeySetsAreShared: however many policies and requests name a configuration,
// it is fetched once; and those that name others cannot make the gateway fetch
// all the time.
func TestKeySetsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey(t, "k1", "RS256")
		f := &fakeIssuer{wait: time.Second}
		f.publish(key)
		k := NewKeySets(KeySetOptions{Client: func(string) *http.Client { return &http.Client{Transport: f} }, Most: 4})
		defer k.Close()
		now := time.Now()
		raw := key.token(t, now, nil, nil)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				set, err := k.Open("https://login.example/.well-known/openid-configuration")
				if err == nil {
					_, err = (&Rules{Sets: []*RemoteSet{set}}).Verify(t.Context(), raw, time.Now())
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := f.count(); got != 1 {
			t.Errorf("%d fetches, want 1", got)
		}
		opened := 0
		for i := range 100 {
			if _, err := k.Open(fmt.Sprintf("https://login.example/%d/.well-known/openid-configuration", i)); err == nil {
				opened++
			}
		}
		if opened != 3 {
			t.Errorf("%d sets opened beside the first, want 3", opened)
		}
		time.Sleep(2 * keptSet)
		if _, err := k.Open("https://login.example/later/.well-known/openid-configuration"); err != nil {
			t.Errorf("when the others are no longer used: %v", err)
		}
	})
}

// TestKeySetsRefuse: what is no https URL is not opened.
func TestKeySetsRefuse(t *testing.T) {
	k := NewKeySets(KeySetOptions{Client: func(string) *http.Client { return nil }})
	defer k.Close()
	for _, u := range []string{"", "http://login.example/", "https://user@login.example/", "https://", "ftp://x", "https://x/#f", "https://" + strings.Repeat("a", 3000)} {
		if _, err := k.Open(u); err == nil {
			t.Errorf("%.60q is opened", u)
		}
	}
}
