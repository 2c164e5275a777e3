package app

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestNobodyGetsThrough: policies shape refusals and identify nobody by
// themselves: without a Principal no request reaches a backend (promise 2).
func TestNobodyGetsThrough(t *testing.T) {
	var heard atomic.Int64
	const welcome = `<return-response><set-status code="200" reason="OK" /><set-body>welcome</set-body></return-response>`
	s := newSite(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }), map[string]string{
		"apim/apis/policy/apiInformation.json":          api("policy", `,"subscriptionRequired":false`),
		"apim/apis/policy/specification.yaml":           wildcardSpecification,
		"apim/apis/policy/policy.xml":                   onlyInbound(`<set-backend-service backend-id="openai" />`),
		"apim/apis/policy/operations/delete/policy.xml": `<policies><inbound>` + welcome + `</inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>`,
		"apim/apis/openai/policy.xml": `<policies><inbound><base /></inbound><backend><base /></backend><outbound><base /></outbound>
<on-error>` + welcome + `</on-error></policies>`,
	})
	s.write(t, "cloister.yaml", s.config("callers: {apis: {policy: [policy]}}\n"))
	g := s.start(t)
	for _, tt := range []struct {
		name, method, path string
		header             http.Header
		status             int
		body               string
	}{
		{"no policy has named the caller", "GET", "/policy/x", anonymous, 403, ""},
		{"a policy answers by itself", "DELETE", "/policy/x", anonymous, 200, "welcome"},
		{"a wrong key names nobody", "GET", "/policy/x", http.Header{"Ocp-Apim-Subscription-Key": {"wrong"}}, 401, ""},
		{"on-error welcomes", "GET", "/openai/x", anonymous, 401, "welcome"},
		{"on-error welcomes a wrong key", "GET", "/openai/x", http.Header{"Ocp-Apim-Subscription-Key": {"wrong"}}, 401, "welcome"},
		{"on-error welcomes two models", "POST", "/openai/v1/chat/completions", nil, 200, ""}, // no body: nothing to refuse
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := heard.Load()
			resp, body := g.do(t, tt.method, tt.path, "", tt.header)
			if resp.StatusCode != tt.status || tt.body != "" && body != tt.body {
				t.Errorf("%s %s, want %d %s", resp.Status, body, tt.status, tt.body)
			}
			if tt.header != nil && heard.Load() != before {
				t.Error("the backend was reached")
			}
		})
	}
}

// TestCredentialsHidden: the caller's key does not go out in other clothes
// (promise 3).
func TestCredentialsHidden(t *testing.T) {
	var seen atomic.Pointer[string]
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b strings.Builder
		r.Write(&b)
		text := b.String()
		seen.Store(&text)
	}), map[string]string{"keys/team": "aBcdefabcdefabcdefabcdefabcdefAB\n"})
	const key = "aBcdefabcdefabcdefabcdefabcdefAB"
	g := s.start(t)
	escaped := ""
	for i := range len(key) {
		escaped += fmt.Sprintf("%%%02x", key[i])
	}
	for _, tt := range []struct {
		name, path string
		header     http.Header
	}{
		{"in the path", "/openai/" + key, nil},
		{"escaped in the path", "/openai/" + escaped, nil},
		{"escaped in the query", "/openai/x?a=" + escaped, nil},
		{"as a parameter's name", "/openai/x?" + key + "=1", nil},
		{"escaped as a name", "/openai/x?" + escaped, nil},
		{"in the middle", "/openai/x?a=1" + key + "2", nil},
		{"as a field's name", "/openai/x", http.Header{key: {"1"}}},
		{"in another field", "/openai/x", http.Header{"Cookie": {"session=" + key}}},
		{"in a second credential", "/openai/x", http.Header{"Api-Key": {key}, "Authorization": {"Bearer " + key}}},
		{"in the user agent", "/openai/x", http.Header{"User-Agent": {"sdk/" + key}}},
		{"in a subprotocol without an upgrade", "/openai/x", http.Header{"Sec-Websocket-Protocol": {"a, " + key}}},
		{"in the query, by the name of another case", "/openai/x?Subscription-Key=" + key, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			empty := ""
			seen.Store(&empty)
			header := http.Header{"Ocp-Apim-Subscription-Key": {key}}
			for name, v := range tt.header {
				header[name] = v
			}
			resp, err := g.send(t, g.client, "GET", tt.path, nil, header)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			got := *seen.Load()
			decoded, _ := url.QueryUnescape(got)
			if strings.Contains(strings.ToLower(got), strings.ToLower(key)) || strings.Contains(decoded, key) {
				t.Errorf("%s, and the backend was sent\n%s", resp.Status, got)
			}
		})
	}
}

// TestVersionsSentTwice: which version counts is not a guess (promise 4).
func TestVersionsSentTwice(t *testing.T) {
	set := func(scheme string) string {
		return `{"properties":{"displayName":"v","versioningScheme":"` + scheme + `","versionQueryName":"version","versionHeaderName":"X-Version"}}`
	}
	versioned := func(path, version, set string) string {
		return api(path, `,"subscriptionRequired":true,"apiVersion":"`+version+`","apiVersionSetId":"/apiVersionSets/`+set+`"`)
	}
	files := map[string]string{
		"apim/version sets/byquery/versionSetInformation.json":  set("Query"),
		"apim/version sets/byheader/versionSetInformation.json": set("Header"),
	}
	for _, a := range []string{"query", "header"} {
		for _, v := range []string{"1", "2"} {
			dir := "apim/apis/" + a + v
			files[dir+"/apiInformation.json"] = versioned(a, v, "by"+a)
			files[dir+"/specification.yaml"] = wildcardSpecification
			files[dir+"/policy.xml"] = onlyInbound(`<set-backend-service backend-id="openai" /><set-header name="X-Chosen" exists-action="override"><value>` + v + `</value></set-header>`)
		}
	}
	g := newSite(t, http.HandlerFunc(echo), files).start(t)
	for _, tt := range []struct {
		path    string
		header  http.Header
		status  int
		version string
	}{
		{"/query/x?version=1", nil, 200, "1"},
		{"/query/x?version=2", nil, 200, "2"},
		{"/query/x?version=1&version=2", nil, 404, ""},
		{"/query/x?version=1&%76ersion=2", nil, 404, ""},
		{"/query/x", nil, 404, ""},
		{"/header/x", http.Header{"X-Version": {"2"}}, 200, "2"},
		{"/header/x", http.Header{"X-Version": {"1", "2"}}, 404, ""},
	} {
		resp, body := g.do(t, "GET", tt.path, "", tt.header)
		if resp.StatusCode != tt.status {
			t.Errorf("%s %v: %s, want %d", tt.path, tt.header, resp.Status, tt.status)
			continue
		}
		if tt.status == 200 && decodeEcho(t, body).Header.Get("X-Chosen") != tt.version {
			t.Errorf("%s %v: another version answered: %s", tt.path, tt.header, body)
		}
	}
}

// TestSlowReader: a caller that does not read holds back the backend, and not
// in the gateway's memory (promises 7 and 12).
func TestSlowReader(t *testing.T) {
	var written atomic.Int64
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		event := "data: " + strings.Repeat("x", 32<<10) + "\n\n"
		for {
			n, err := io.WriteString(w, event)
			if err != nil {
				return
			}
			written.Add(int64(n))
		}
	}), nil)
	g := s.start(t)
	both(t, s, g, func(t *testing.T, client *http.Client) {
		written.Store(0)
		resp, err := g.send(t, client, "GET", "/openai/x", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		last := int64(-1)
		eventually(t, "the backend stands still", func() bool {
			time.Sleep(200 * time.Millisecond)
			now := written.Load()
			still := now == last
			last = now
			return still && now > 0
		})
		// Socket buffers of four ends, and a few of ours.
		if last > 32<<20 {
			t.Errorf("%d MiB are under way to a caller that does not read", last>>20)
		}
	})
}

// TestKeyTakenAway: a key that a reload takes away opens nothing from then on,
// on open connections too.
func TestKeyTakenAway(t *testing.T) {
	s := newSite(t, http.HandlerFunc(echo), nil)
	g := s.start(t)
	h2 := s.clientFor(t, g.Process, true)
	status := func(client *http.Client) int {
		resp, err := g.send(t, client, "GET", "/openai/x", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body)
		return resp.StatusCode
	}
	if a, b := status(g.client), status(h2); a != 200 || b != 200 {
		t.Fatal(a, b)
	}
	s.write(t, "keys/team", strings.Repeat("n", 32)+"\n")
	if r, err := g.Reload(t.Context()); err != nil || !r.Accepted() {
		t.Fatal(err, r.Problems.Err())
	}
	if a, b := status(g.client), status(h2); a != 401 || b != 401 {
		t.Errorf("the key that was taken away: %d, %d", a, b)
	}
}
