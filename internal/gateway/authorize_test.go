package gateway

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/identity/verify"
	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/site"
)

var digestKey = []byte(strings.Repeat("d", 32))

func keyOf(id string) string { return strings.Repeat(id[:1], 32) }

// snapshotOf is a snapshot with three subscriptions, whose keys are keyOf, and
// the API "openai" in the product "gold".
func snapshotOf(t *testing.T, callers ...string) (*Snapshot, route) {
	t.Helper()
	sub := func(id, scope, state string) verify.KeySubscription {
		d := verify.Digest(digestKey, keyOf(id))
		return verify.KeySubscription{ID: id, Name: id, Scope: scope, State: state, PrimaryDigest: d[:]}
	}
	a := api("openai", "openai", operation("any", "GET", "/*"))
	a.SubscriptionRequired = false
	cfg := &site.Config{}
	if callers != nil {
		cfg.Callers.Default = callers
	}
	bound := sub("bound", "/apis", "active")
	bound.Binding = &site.Binding{Certificates: []string{strings.Repeat("f", 64)}}
	snap, problems := Compile(&site.Site{Config: cfg, Service: &site.Service{
		APIs: []*site.API{a}, Products: []*site.Product{{ID: "Gold", APIs: []string{"OpenAI"}, SubscriptionRequired: true, Published: true}},
	}}, CompileOptions{
		Policies: policy.Env{},
		Directory: directoryOf(t,
			sub("all", "/apis", "active"), sub("product", "/products/gold", "active"), sub("own", "/apis/OPENAI", "active"),
			sub("foreign", "/apis/other", "active"), sub("suspended", "/apis", "suspended"), bound,
		),
	})
	if problems.HasErrors() {
		t.Fatal(problems.Err())
	}
	rt, ok := snap.router.find("GET", "/openai/x", nil, nil)
	if !ok {
		t.Fatal("no route")
	}
	return snap, rt
}

func directoryOf(t *testing.T, subs ...verify.KeySubscription) *verify.Directory {
	t.Helper()
	d, err := verify.NewDirectory(digestKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range subs {
		if err := d.Put(s); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func TestIdentifyByKey(t *testing.T) {
	for _, tt := range []struct {
		callers     []string
		key, cert   string
		status      int // 0: allowed
		reason, who string
	}{
		{[]string{"subscription"}, "all", "", 0, "subscription-key", "all"},
		{[]string{"subscription"}, "product", "", 0, "subscription-key", "product"},
		{[]string{"subscription"}, "own", "", 0, "subscription-key", "own"},
		{[]string{"subscription"}, "foreign", "", 401, "subscription-key-invalid", ""},
		{[]string{"subscription"}, "suspended", "", 401, "subscription-key-invalid", ""},
		{[]string{"subscription"}, "unknown", "", 401, "subscription-key-invalid", ""},
		{[]string{"subscription"}, "", "", 401, "subscription-key-not-found", ""},
		{[]string{"subscription"}, "bound", "", 403, "subscription-bound", ""},
		{[]string{"subscription"}, "bound", strings.Repeat("f", 64), 0, "subscription-key", "bound"},
		{[]string{"subscription"}, "bound", strings.Repeat("e", 64), 403, "subscription-bound", ""},
		{[]string{"certificate"}, "", strings.Repeat("f", 64), 0, "client-certificate", "bound"},
		{[]string{"certificate"}, "", strings.Repeat("e", 64), 403, "certificate-required", ""},
		{[]string{"certificate"}, "all", "", 403, "certificate-required", ""},
		{[]string{"token"}, "all", "", 401, "token-not-present", ""},
		{[]string{"subscription+token"}, "all", "", 401, "token-not-present", ""},
		{[]string{"subscription+token"}, "", "", 401, "subscription-key-not-found", ""},
		{[]string{"anonymous"}, "", "", 0, "anonymous", ""},
		{[]string{"anonymous"}, "unknown", "", 0, "anonymous", ""},
		{[]string{"anonymous"}, "all", "", 0, "anonymous", "all"},
		{[]string{"policy"}, "", "", 0, "policy-decides", ""},
		{[]string{"policy"}, "unknown", "", 401, "subscription-key-invalid", ""},
		{[]string{}, "all", "", 403, "nobody-may-call", ""},
		{nil, "all", "", 403, "nobody-may-call", ""},
	} {
		name := strings.Join(tt.callers, ",") + " " + tt.key + " " + tt.cert
		t.Run(name, func(t *testing.T) {
			snap, rt := snapshotOf(t, tt.callers...)
			c := credentials{certificate: tt.cert}
			if tt.key != "" {
				c.key = keyOf(tt.key)
			}
			if tt.key == "unknown" {
				c.key = "nobody's"
			}
			who, e := snap.identify(t.Context(), rt, "localhost", c)
			var d decision
			if e == nil {
				d, e = snap.authorize(rt, "localhost", who, c)
			} else {
				d = decision{reasons: []string{kebab(e.Reason)}}
			}
			status := 0
			if e != nil {
				status = e.Status
			}
			if status != tt.status || d.reasons[0] != tt.reason || d.allow != (tt.status == 0) {
				t.Errorf("status %d, reasons %v, allow %v", status, d.reasons, d.allow)
			}
			if id := subscriptionOf(who); tt.status == 0 && id != tt.who {
				t.Errorf("subscription %q, want %q", id, tt.who)
			}
		})
	}
}

func subscriptionOf(who *caller) string {
	if who == nil {
		return ""
	}
	return who.subscription.ID
}

func TestReadCredentials(t *testing.T) {
	names := keyNames{header: "Api-Key", shown: "api-key", query: "key"}
	both := &callerRules{both: true}
	for name, tt := range map[string]struct {
		header http.Header
		query  string
		rules  *callerRules
		bearer bool
		want   credentials
		status int
	}{
		"nothing":              {rules: both},
		"header":               {header: http.Header{"Api-Key": {"k"}}, rules: both, want: credentials{key: "k"}},
		"query":                {query: "key=k", rules: both, want: credentials{key: "k"}},
		"subprotocol":          {header: http.Header{"Sec-Websocket-Protocol": {"realtime, openai-insecure-api-key.k"}}, rules: both, want: credentials{key: "k"}},
		"token":                {header: http.Header{"Authorization": {"Bearer a.b.c"}}, rules: both, want: credentials{token: "a.b.c"}},
		"token and key":        {header: http.Header{"Authorization": {"Bearer a.b.c"}, "Api-Key": {"k"}}, rules: both, want: credentials{key: "k", token: "a.b.c"}},
		"bearer key":           {header: http.Header{"Authorization": {"Bearer k"}}, rules: both, bearer: true, want: credentials{key: "k"}},
		"token is never a key": {header: http.Header{"Authorization": {"Bearer a.b.c"}}, rules: &callerRules{subscription: true}, bearer: true, want: credentials{token: "a.b.c"}},
		"bearer key elsewhere": {header: http.Header{"Authorization": {"Bearer k"}}, rules: both, status: 401},
		"not looked at":        {header: http.Header{"Authorization": {"Basic k"}}, rules: &callerRules{subscription: true}},
		"basic":                {header: http.Header{"Authorization": {"Basic k"}}, rules: both, status: 400},
		"twice":                {header: http.Header{"Authorization": {"Bearer a.b.c", "Bearer a.b.c"}}, rules: both, status: 400},
		"two headers":          {header: http.Header{"Api-Key": {"k", "k"}}, rules: both, status: 400},
		"header and query":     {header: http.Header{"Api-Key": {"k"}}, query: "key=k", rules: both, status: 400},
		"header and bearer":    {header: http.Header{"Api-Key": {"k"}, "Authorization": {"Bearer k"}}, rules: both, bearer: true, status: 400},
		"two queries":          {query: "key=k&key=k", rules: both, status: 400},
	} {
		t.Run(name, func(t *testing.T) {
			q, _ := url.ParseQuery(tt.query)
			got, e := readCredentials(&http.Request{Header: tt.header}, q, names, tt.rules, tt.bearer)
			status := 0
			if e != nil {
				status = e.Status
			}
			if status != tt.status || e == nil && got != tt.want {
				t.Errorf("%+v, status %d, want %+v, %d", got, status, tt.want, tt.status)
			}
		})
	}
}

func TestFingerprintWithoutTLS(t *testing.T) {
	if got := fingerprint(nil, time.Time{}); got != "" {
		t.Errorf("%q", got)
	}
}
