package gateway

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/identity"
	"github.com/cloister-ai/cloister/internal/identity/verify"
)

func TestWithoutParameter(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"subscription-key=secret", ""},
		{"a=1&subscription-key=secret&b=2", "a=1&b=2"},
		{"a=1&subscription%2Dkey=secret", "a=1"},
		{"subscription-key=one&subscription-key=two&a=%20", "a=%20"},
		{"subscription-keys=kept", "subscription-keys=kept"},
		{"subscription-key&a", "a"},
	} {
		if got := withoutParameter(tt.in, "subscription-key"); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
}

// TestCallerKey: no two callers are one to a cache, and nobody is none.
func TestCallerKey(t *testing.T) {
	api := &apiRoutes{}
	key := func(who *caller) string {
		return (&trip{who: who, found: route{operationRoute: &operationRoute{api: api}}}).callerKey()
	}
	if got := key(nil); got != "" {
		t.Errorf("nobody is %q", got)
	}
	sub := func(id string) *verify.KeySubscription { return &verify.KeySubscription{ID: id} }
	token := func(p identity.Principal) *identity.Principal { p.Kind = identity.KindToken; return &p }
	seen := map[string]bool{"": true}
	for i, who := range []*caller{
		{subscription: sub("a"), principal: &identity.Principal{Kind: identity.KindSubscription, SubscriptionID: "a"}},
		{subscription: sub("b"), principal: &identity.Principal{Kind: identity.KindSubscription, SubscriptionID: "b"}},
		{subscription: sub("a"), principal: token(identity.Principal{Issuer: "i", Subject: "s"})},
		{subscription: sub("a"), principal: token(identity.Principal{Issuer: "i", Subject: "t"})},
		{subscription: sub("a"), principal: token(identity.Principal{Issuer: "j", Subject: "s"})},
		{subscription: sub("b"), principal: token(identity.Principal{Issuer: "i", Subject: "s"})},
		{subscription: sub("a"), principal: token(identity.Principal{Issuer: "i", TenantID: "t", ObjectID: "s"})},
		{subscription: sub("a"), principal: token(identity.Principal{Issuer: "i", TenantID: "t", ObjectID: "s", ClientID: "c"})},
		{principal: token(identity.Principal{Issuer: "i", Subject: "s"})},
		{subscription: sub("a"), principal: &identity.Principal{Kind: identity.KindCertificate, CertificateSHA256: "c"}},
		{subscription: sub("a"), principal: &identity.Principal{Kind: identity.KindCertificate, CertificateSHA256: "d"}},
	} {
		k := key(who)
		if seen[k] {
			t.Errorf("caller %d is another's %q", i, k)
		}
		if seen[k] = true; k != key(who) {
			t.Errorf("caller %d is two", i)
		}
	}
	api.rules.anonymous = true
	if got := key(nil); got != "" {
		t.Errorf("who is let in without a name is %q", got)
	}
	of := &caller{subscription: sub("a"), principal: &identity.Principal{Kind: identity.KindSubscription, SubscriptionID: "a"}}
	for _, token := range []string{"t", "u"} {
		tr := &trip{who: of, vouching: vouching{tokens: []presented{{token: token}}}}
		if k := tr.callerKey(); seen[k] {
			t.Errorf("who sends the token %s is another's %q", token, k)
		} else {
			seen[k] = true
		}
	}
}

func TestTakeSubprotocols(t *testing.T) {
	for _, tt := range []struct {
		in   []string
		want http.Header
	}{
		{[]string{"openai-insecure-api-key.secret"}, http.Header{}},
		{[]string{"realtime, openai-insecure-api-key.secret, openai-beta.realtime-v1"}, http.Header{"Sec-Websocket-Protocol": {"realtime, openai-beta.realtime-v1"}}},
		{[]string{"realtime", "openai-insecure-api-key.secret"}, http.Header{"Sec-Websocket-Protocol": {"realtime"}}},
	} {
		h := http.Header{"Sec-Websocket-Protocol": tt.in}
		takeSubprotocols(h, tt.in)
		if d := cmp.Diff(tt.want, h); d != "" {
			t.Errorf("%v (-want +got)\n%s", tt.in, d)
		}
	}
}

// TestTravels: the caller's credential is found wherever it hides in the head.
func TestTravels(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	for name, tt := range map[string]struct {
		path, query string
		header      http.Header
		want        bool
	}{
		"nowhere":        {"/chat", "api-version=1", http.Header{"Accept": {"*/*"}}, false},
		"header":         {"/", "", http.Header{"X-Copy": {key}}, true},
		"inside a value": {"/", "", http.Header{"Cookie": {"a=b; k=" + key + "; c"}}, true},
		"second value":   {"/", "", http.Header{"X-A": {"x", key}}, true},
		"query":          {"/", "a=" + key, nil, true},
		"escaped query":  {"/", "a=%30" + key[1:], nil, true},
		"path":           {"/x/" + key + "/y", "", nil, true},
		"escaped path":   {"/x/%30" + key[1:], "", nil, true},
		"field name":     {"/", "", http.Header{"X-" + key: {"1"}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			tr := &trip{shown: credentials{key: key}}
			tr.x.Request.Path = tt.path
			if got := tr.travels(&departure{header: tt.header, query: tt.query}); got != tt.want {
				t.Errorf("travels: %v", got)
			}
		})
	}
}

func TestKebab(t *testing.T) {
	for in, want := range map[string]string{
		"SubscriptionKeyInvalid": "subscription-key-invalid", "Timeout": "timeout", "FailedToParseCallerIP": "failed-to-parse-caller-ip", "IPFilter": "ip-filter",
		"audience-mismatch": "audience-mismatch", "": "",
	} {
		if got := kebab(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
