package app

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestRetryOnTheRoad: a request whose body lies in memory is sent again, to
// another backend too, each attempt through the gate; one that is a stream is
// sent once.
func TestRetryOnTheRoad(t *testing.T) {
	var mu sync.Mutex
	var got []string
	var failures atomic.Int32
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		got = append(got, r.Header.Get("X-Attempt")+" "+r.Header.Get("Ocp-Apim-Subscription-Key")+string(body[:min(len(body), 5)]))
		mu.Unlock()
		if failures.Add(-1) >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "done")
	}), map[string]string{"apim/apis/openai/policy.xml": `<policies>
  <backend>
    <retry condition="@(context.Response == null || context.Response.StatusCode == 503)" count="3" interval="0">
      <set-variable name="n" value="@(context.Variables.GetValueOrDefault<int>("n") + 1)" />
      <set-header name="X-Attempt"><value>@(((int)context.Variables["n"]).ToString())</value></set-header>
      <choose>
        <when condition="@(context.Request.Headers.ContainsKey("X-Stream"))"><forward-request /></when>
        <otherwise><forward-request buffer-request-body="true" /></otherwise>
      </choose>
    </retry>
  </backend>
  <on-error><set-header name="X-Error"><value>@(context.LastError.Reason)</value></set-header></on-error>
</policies>`})
	g := s.start(t)
	f := func(n int32, header http.Header, body string, wantStatus int, wantError string, want ...string) {
		t.Helper()
		mu.Lock()
		got = nil
		mu.Unlock()
		failures.Store(n)
		resp, _ := g.do(t, "POST", "/openai/x", body, header)
		mu.Lock()
		defer mu.Unlock()
		if resp.StatusCode != wantStatus || resp.Header.Get("X-Error") != wantError || strings.Join(got, ",") != strings.Join(want, ",") {
			t.Errorf("%d failures: %s %s %q, want %d %s %q", n, resp.Status, resp.Header.Get("X-Error"), got, wantStatus, wantError, want)
		}
	}
	large := strings.Repeat("hello", 1<<18)
	f(0, nil, "hello", 200, "", "1 hello")
	f(2, nil, large, 200, "", "1 hello", "2 hello", "3 hello")
	f(9, nil, "hello", 503, "", "1 hello", "2 hello", "3 hello", "4 hello")
	f(9, http.Header{"X-Stream": {"1"}}, large, 500, "RequestBodySent", "1 hello")
	f(9, http.Header{"X-Stream": {"1"}}, "", 503, "", "1 ", "2 ", "3 ", "4 ")
}

// TestRetryAfterNoConnection: a backend that nobody listens at is an error that
// the condition may look at; the next attempt may go elsewhere.
func TestRetryAfterNoConnection(t *testing.T) {
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "done") }), nil)
	dead, port := server(t, http.NotFoundHandler())
	dead.Close()
	text := strings.Replace(s.config(""), "destinations:\n  model: [", "destinations:\n  model: [{host: 127.0.0.1, port: "+port+"}, ", 1)
	s.write(t, "cloister.yaml", with(text, [2]string{"backends", "  dead: {url: \"https://127.0.0.1:" + port + "\", caFile: tls/backend.pem, credential: {none: true}}"}))
	s.write(t, "apim/apis/openai/policy.xml", `<policies>
  <inbound><set-backend-service backend-id="dead" /></inbound>
  <backend>
    <retry condition="@(context.Response == null && context.LastError.Reason == "BackendConnectionFailure" && context.Request.Headers.ContainsKey("X-Again"))" count="1" interval="0">
      <choose>
        <when condition="@(context.Variables.ContainsKey("tried"))"><set-backend-service backend-id="openai" /></when>
      </choose>
      <set-variable name="tried" value="yes" />
      <forward-request buffer-request-body="true" />
    </retry>
  </backend>
</policies>`)
	g := s.start(t)
	if resp, body := g.do(t, "POST", "/openai/x", "hello", http.Header{"X-Again": {"1"}}); resp.StatusCode != 200 || body != "done" {
		t.Errorf("%s %s", resp.Status, body)
	}
	if resp, body := g.do(t, "POST", "/openai/x", "hello", nil); resp.StatusCode != 500 || !strings.Contains(body, "activityId") {
		t.Errorf("%s %s", resp.Status, body)
	}
}

// TestRetryWithinTheLimit: waits end with the request's time.
func TestRetryWithinTheLimit(t *testing.T) {
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) }), map[string]string{
		"apim/apis/openai/policy.xml": `<policies>
  <backend>
    <retry condition="@(context.Response.StatusCode == 503)" count="50" interval="3600"><forward-request buffer-request-body="true" /></retry>
  </backend>
</policies>`})
	s.write(t, "cloister.yaml", s.config("limits: {requestTimeout: 1s}\n"))
	g := s.start(t)
	for _, h2 := range []bool{false, true} {
		client := s.clientFor(t, g.Process, h2)
		began := time.Now()
		resp, err := g.send(t, client, "GET", "/openai/x", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusGatewayTimeout {
			t.Errorf("%s after %v", resp.Status, time.Since(began))
		}
	}
	for _, r := range g.awaitRecords(t, 2) {
		if reason := field(r, "error.reason"); reason != "RequestTimeout" {
			t.Errorf("the record has the reason %v", reason)
		}
	}
}

// TestCallsCarryNoCredential: what the gateway holds for one host goes to no
// other, whatever ignore-error says; the caller's key does not travel in a copy,
// where it came or in its query.
func TestCallsCarryNoCredential(t *testing.T) {
	var got atomic.Pointer[http.Request]
	s := newSite(t, http.HandlerFunc(echo), nil)
	other, port := server(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got.Store(r) }))
	const key = "the key of the backend, and of nobody else"
	text := strings.Replace(s.config("namedValues: {backend-key: {file: keys/backend}}\n"), "credential: {none: true}", "credential: {apiKey: {key: {file: keys/backend}}}", 1)
	s.write(t, "cloister.yaml", with(text, [2]string{"destinations", "  call: [{host: 127.0.0.1, port: " + port + ", caFile: tls/backend.pem}]"}))
	s.write(t, "keys/backend", key)
	s.write(t, "apim/named values/k/namedValueInformation.json", `{"properties": {"displayName": "backend-key", "secret": true}}`)
	policy := func(inner string) string {
		return `<policies><inbound><base />
  <send-request mode="copy" response-variable-name="a" ignore-error="true">` + inner + `</send-request>
  <return-response><set-status code="204" /></return-response></inbound></policies>`
	}
	s.write(t, "apim/apis/openai/policy.xml", policy(`<set-url>`+other.URL+`</set-url>`))
	g := s.start(t)
	if resp, _ := g.do(t, "GET", "/openai/x", "", http.Header{"Authorization": {"Bearer of the caller"}, "Cookie": {"a=b"}}); resp.StatusCode != 204 {
		t.Error(resp.Status)
	}
	r := got.Swap(nil)
	if r == nil || r.Header.Get("Ocp-Apim-Subscription-Key") != "" || r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
		t.Error(r)
	}
	for name, inner := range map[string]string{
		"a header":  `<set-url>` + other.URL + `</set-url><set-header name="X-Key"><value>{{backend-key}}</value></set-header>`,
		"the query": `<set-url>@("` + other.URL + `/?k=" + Uri.EscapeDataString("{{backend-key}}"))</set-url>`,
	} {
		s.write(t, "apim/apis/openai/policy.xml", policy(inner))
		if r, err := g.Reload(t.Context()); err != nil || !r.Accepted() {
			t.Fatal(r, err)
		}
		if resp, _ := g.do(t, "GET", "/openai/x", "", nil); resp.StatusCode != 403 || got.Load() != nil {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
}
