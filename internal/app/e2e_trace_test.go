package app

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestTrace: a request of a subscription that the site names is traced when it
// asks for it; everybody else's header is taken off and means nothing. What the
// caller showed stands in no trace.
func TestTrace(t *testing.T) {
	var seen http.Header
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen = r.Header.Clone() }), map[string]string{
		"keys/other": strings.Repeat("o", 32),
		"apim/apis/openai/policy.xml": `<policies>
  <inbound>
    <base />
    <set-variable name="shown" value="@(context.Subscription.Key + "/" + context.Request.Headers.GetValueOrDefault("Authorization", ""))" />
    <choose>
      <when condition="@(context.Tracing)"><set-header name="X-Traced"><value>yes</value></set-header></when>
      <otherwise><set-header name="X-Traced"><value>no</value></set-header></otherwise>
    </choose>
    <trace source="mine" severity="information"><message>@("path " + context.Request.OriginalUrl.Path)</message></trace>
  </inbound>
  <outbound><base /><set-header name="X-Bad"><value>@(((string)null).Length.ToString())</value></set-header></outbound>
</policies>`,
	})
	s.write(t, "cloister.yaml", with(s.config("policies: {trace: [TEAM]}\n"), [2]string{"subscriptions", "- {name: other, scope: /apis, primaryKey: {file: keys/other}}"}))
	g := s.start(t)
	asked := http.Header{"Ocp-Apim-Trace": {"true"}, "Authorization": {"Bearer a-secret-of-the-caller"}}
	resp, _ := g.do(t, "GET", "/openai/x?q=hidden-query", "", asked)
	id := resp.Header.Get("Ocp-Apim-Trace-Id")
	if id == "" || id != resp.Header.Get("Cloister-Request-Id") || resp.StatusCode != 500 || seen.Get("X-Traced") != "yes" || seen.Get("Ocp-Apim-Trace") != "" {
		t.Fatalf("%v, the backend saw %v", resp.Header, seen)
	}
	traces := g.gateway.Traces()
	eventually(t, "the trace", func() bool { return traces.Get(id, time.Now()) != nil })
	trace := traces.Get(strings.ToUpper(id), time.Now())
	text, err := json.Marshal(trace)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{teamKey, "a-secret-of-the-caller", "hidden-query"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the trace holds %q: %s", secret, text)
		}
	}
	var sources []string
	for _, section := range []string{"inbound", "backend", "outbound"} {
		for _, e := range trace.Entries[section] {
			sources = append(sources, e.Source)
		}
	}
	if got := strings.Join(sources, " "); got != "set-variable choose set-header trace forward-request set-header" {
		t.Errorf("%s", got)
	}
	last := trace.Entries["outbound"][0]
	if last.Data.Error == nil || last.Data.Error.Reason != "ExpressionValueEvaluationFailure" || trace.Status != 500 || trace.Subscription != "team" ||
		!strings.HasPrefix(last.Data.At, "apim/apis/openai/policy.xml:11:") || !strings.HasPrefix(last.Elapsed, "00:00:") {
		t.Errorf("%+v", last)
	}
	if !strings.Contains(string(text), "path /openai/x") {
		t.Error("what the policy trace says is not in it")
	}

	for name, header := range map[string]http.Header{
		"another caller": {"Ocp-Apim-Trace": {"true"}, "Ocp-Apim-Subscription-Key": {strings.Repeat("o", 32)}},
		"another value":  {"Ocp-Apim-Trace": {"yes"}},
		"twice":          {"Ocp-Apim-Trace": {"true", "true"}},
		"not asked":      {},
	} {
		resp, _ := g.do(t, "GET", "/openai/x", "", header)
		if resp.Header.Get("Ocp-Apim-Trace-Id") != "" || seen.Get("X-Traced") != "no" || seen.Get("Ocp-Apim-Trace") != "" {
			t.Errorf("%s: %v, the backend saw %v", name, resp.Header, seen)
		}
	}
	if n := len(traces.List(time.Now())); n != 1 {
		t.Errorf("%d traces", n)
	}
	if traces.Get(id, time.Now().Add(11*time.Minute)) != nil || len(traces.List(time.Now())) != 0 {
		t.Error("the trace is kept for too long")
	}
}

// TestTraceHoldsNoCredential: a secret that a long value ends in, a credential that
// a policy computes for a header, and the id that a backend claims.
func TestTraceHoldsNoCredential(t *testing.T) {
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Ocp-Apim-Trace-Id", "claimed") }), map[string]string{
		"apim/apis/openai/policy.xml": `<policies>
  <inbound>
    <base />
    <set-variable name="cut" value="@("x".PadLeft(4086, 'x') + context.Subscription.Key)" />
    <set-header name="authorization"><value>@("Bearer computed-" + "credential")</value></set-header>
  </inbound>
  <backend><base /></backend>
  <outbound><base /></outbound>
</policies>`,
	})
	s.write(t, "cloister.yaml", s.config("policies: {trace: [TEAM]}\n"))
	g := s.start(t)
	resp, _ := g.do(t, "GET", "/openai/x/"+teamKey, "", nil)
	if got := resp.Header.Values("Ocp-Apim-Trace-Id"); got != nil {
		t.Errorf("a backend names the trace %q", got)
	}
	resp, _ = g.do(t, "GET", "/openai/x/"+teamKey, "", http.Header{"Ocp-Apim-Trace": {"true"}})
	id := resp.Header.Get("Ocp-Apim-Trace-Id")
	eventually(t, "the trace", func() bool { return g.gateway.Traces().Get(id, time.Now()) != nil })
	b, err := json.Marshal(g.gateway.Traces().Get(id, time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), "xxx***") {
		t.Error("the long value is not in the trace")
	}
	for _, secret := range []string{teamKey[:6], "computed-"} {
		if strings.Contains(string(b), secret) {
			t.Errorf("the trace holds %q", secret)
		}
	}
}
