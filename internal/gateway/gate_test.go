package gateway

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
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
