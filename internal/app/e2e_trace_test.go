package app

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/policy"
)

// traceOf is the trace that an answer names, and its JSON.
func (r *running) traceOf(t *testing.T, resp *http.Response) (trace *policy.Trace, text string) {
	t.Helper()
	id := resp.Header.Get("Ocp-Apim-Trace-Id")
	if id == "" {
		t.Fatalf("the answer %d names no trace", resp.StatusCode)
	}
	eventually(t, "the trace", func() bool { trace = r.gateway.Traces().Get(id, time.Now()); return trace != nil })
	b, err := json.Marshal(trace)
	if err != nil {
		t.Fatal(err)
	}
	return trace, string(b)
}

// traced is a header that asks for a trace, and more.
func traced(more ...string) http.Header {
	h := http.Header{"Ocp-Apim-Trace": {"true"}}
	for i := 0; i+1 < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return h
}

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
	if got := strings.Join(sources, " "); got != "api-inspector api-inspector set-variable choose set-header trace forward-request set-header transfer-response" {
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

// TestTraceHoldsNoCopy: credentials that the caller sent, that a backend or a service
// set, and secret named values, copied by policies into variables, headers that nobody
// knows, messages and errors; as they are and in their usual forms, and before it is
// known that they are one.
func TestTraceHoldsNoCopy(t *testing.T) {
	const (
		cookie, basicPassword, functionsKey = "a-cookie-of-the-caller", "pass-word-of-the-caller", "a-functions-key-of-the-caller"
		backendCookie, serviceCookie        = "a-cookie-of-the-backend", "a-cookie-of-the-service"
		jsonToken, vaultSecret, plainToken  = "a-token-in-json-0123456789", "a-secret-of-a-vault-012345", "a-plain-token-0123456789"
		named                               = "a-secret/named+value"
	)
	s, _ := callsSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "sid="+serviceCookie+"; Path=/")
		switch {
		case strings.HasPrefix(r.URL.Path, "/secrets/"):
			io.WriteString(w, `{"value": "`+vaultSecret+`", "id": "https://vault/secrets/x"}`)
		case r.URL.Path == "/plain":
			io.WriteString(w, plainToken)
		default:
			io.WriteString(w, `{"token_type": "Bearer", "access_token": "`+jsonToken+`"}`)
		}
	}), `<policies>
  <inbound>
    <base />
    <set-variable name="cookie" value="@(context.Request.Headers.GetValueOrDefault("Cookie", "") + "|" + context.Request.Headers.GetValueOrDefault("Cookie", "").Split('=')[1])" />
    <set-variable name="functions" value="@(context.Request.Headers.GetValueOrDefault("X-Functions-Key", ""))" />
    <set-variable name="basic" value="@(context.Request.Headers.GetValueOrDefault("Authorization", "").AsBasic().Password)" />
    <set-variable name="sig" value="@(context.Request.OriginalUrl.Query.GetValueOrDefault("sig", ""))" />
    <set-variable name="b64" value="@(Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes("x" + context.Subscription.Key + "y")))" />
    <set-variable name="url" value="@("q=" + System.Net.WebUtility.UrlEncode(context.Request.Headers.GetValueOrDefault("X-Functions-Key", "")))" />
    <set-header name="X-Copied"><value>@(context.Subscription.Key)</value></set-header>
    <set-variable name="held" value="{{held}}" />
    <set-variable name="longer" value="@("before " + (string)context.Variables["held"] + " after")" />
    <set-variable name="heldB64" value="@(Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes("user:" + (string)context.Variables["held"])))" />
    <send-request mode="new" response-variable-name="json" timeout="10"><set-url>SERVICE/token</set-url><set-method>GET</set-method></send-request>
    <set-variable name="jsonToken" value="@((string)((IResponse)context.Variables["json"]).Body.As<JObject>(preserveContent: true)["access_token"])" />
    <set-variable name="serviceCookie" value="@(((IResponse)context.Variables["json"]).Headers.GetValueOrDefault("Set-Cookie", ""))" />
    <send-request mode="new" response-variable-name="vault" timeout="10"><set-url>SERVICE/secrets/x</set-url><set-method>GET</set-method></send-request>
    <set-variable name="vaultSecret" value="@((string)((IResponse)context.Variables["vault"]).Body.As<JObject>()["value"])" />
    <send-request mode="new" response-variable-name="plain" timeout="10"><set-url>SERVICE/plain</set-url><set-method>GET</set-method></send-request>
    <set-variable name="plainToken" value="@("here it is: " + ((IResponse)context.Variables["plain"]).Body.As<string>())" />
    <set-header name="X-Auth-Token"><value>@(((string)context.Variables["plainToken"]).Substring(12))</value></set-header>
    <trace source="mine" severity="information"><message>@(context.Request.Headers.GetValueOrDefault("Cookie", "") + (string)context.Variables["held"])</message>
      <metadata name="key" value="@(context.Subscription.Key)" /></trace>
    <set-header name="X-Copied" exists-action="delete" />
  </inbound>
  <backend><base /></backend>
  <outbound>
    <base />
    <set-variable name="backendCookie" value="@(context.Response.Headers.GetValueOrDefault("Set-Cookie", ""))" />
    <set-header name="X-Copy"><value>@(context.Response.Headers.GetValueOrDefault("Set-Cookie", "").Split('=')[1].Split(';')[0])</value></set-header>
    <set-header name="X-Bad"><value>@{ throw new Exception("no " + (string)context.Variables["cookie"] + (string)context.Variables["held"]); }</value></set-header>
  </outbound>
  <on-error><base /><set-variable name="last" value="@(context.LastError.Message)" /></on-error>
</policies>`)
	s.backend.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", "session="+backendCookie+"; Secure")
	})
	s.write(t, "apim/namedValues/held/namedValueInformation.json", `{"properties": {"displayName": "held", "secret": true}}`)
	s.write(t, "keys/held", named)
	config := readConfig(t, s)
	s.write(t, "cloister.yaml", config+"\npolicies: {trace: [team]}\nnamedValues: {held: {file: keys/held}}\n")
	g := s.start(t)
	basic := base64.StdEncoding.EncodeToString([]byte("the-user-name:" + basicPassword))
	resp, _ := g.do(t, "GET", "/openai/x?sig=a-signature-of-the-caller", "", traced(
		"Cookie", "session="+cookie, "Authorization", "Basic "+basic, "X-Functions-Key", functionsKey, "Apim-Debug-Authorization", "a-debug-token-of-azure"))
	if resp.StatusCode != 500 {
		t.Fatalf("%d", resp.StatusCode)
	}
	trace, text := g.traceOf(t, resp)
	for _, credential := range []string{
		teamKey, cookie, basic, basicPassword, functionsKey, backendCookie, serviceCookie, jsonToken, vaultSecret, plainToken, named,
		"a-signature-of-the-caller", "the-user-name", "a-debug-token-of-azure",
	} {
		b64 := base64.RawStdEncoding.EncodeToString([]byte(credential))
		for _, form := range []string{credential, url.QueryEscape(credential), b64[:len(b64)-1]} {
			if strings.Contains(text, form) {
				t.Errorf("the trace holds %q of %q: %s", form, credential, around(text, form))
			}
			if log := g.log.String() + g.records.String(); strings.Contains(log, form) {
				t.Errorf("the log holds %q of %q: %s", form, credential, around(log, form))
			}
		}
	}
	if n := strings.Count(text, `"source":"set-variable"`); n != 15 {
		t.Errorf("%d variables were set", n)
	}
	if !strings.Contains(text, "before *** after") || !strings.Contains(text, "here it is: ***") {
		t.Error("more than the secret is gone")
	}
	if len(trace.Entries["on-error"]) == 0 {
		t.Error("on-error is not in it")
	}
}

// around is where something stands in a text.
func around(text, what string) string {
	i := strings.Index(text, what)
	return text[max(0, i-80):min(len(text), i+len(what)+20)]
}

func readConfig(t *testing.T, s *testSite) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, "cloister.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(string(b), "\n")
}

// TestTraceFrame: what was received, what it is for, what was sent, answered and given
// back are entries too, as in API Management's traces; of credentials only the names.
func TestTraceFrame(t *testing.T) {
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-From", "backend")
		w.Header().Set("Set-Cookie", "session=of-the-backend")
		w.Header().Set("Location", "https://blob.example/x?sv=2024&sig=signature-of-the-backend")
		w.WriteHeader(http.StatusTeapot)
	}), map[string]string{
		"apim/apis/openai/policy.xml": `<policies><inbound><base /><rewrite-uri template="/other?hidden-value=2" /></inbound>
  <backend><base /></backend><outbound><base /><set-header name="X-Mine" exists-action="override"><value>yes</value></set-header></outbound></policies>`,
	})
	s.write(t, "cloister.yaml", s.config("policies: {trace: [team]}\n"))
	g := s.start(t)
	resp, _ := g.do(t, "POST", "/openai/x?hidden-query=1", "a body", traced("X-Mine", "of the caller", "X-Api-Key", "credential", "Referer", "https://page.example/?access_token=signature-of-a-page", "X-Long", strings.Repeat("l", 4<<10)))
	trace, text := g.traceOf(t, resp)
	header := func(list []policy.TraceHeader, name string) string {
		for _, h := range list {
			if h.Name == name {
				return h.Value
			}
		}
		return ""
	}
	in := trace.Entries["inbound"]
	if r := in[0].Data.Request; in[0].Source != "api-inspector" || r == nil || r.Method != "POST" || !strings.HasSuffix(r.URL, "/openai/x") ||
		header(r.Headers, "X-Mine") != "of the caller" || header(r.Headers, "X-Api-Key") != "***" || header(r.Headers, "Ocp-Apim-Subscription-Key") != "***" ||
		header(r.Headers, "Host") == "" || len(header(r.Headers, "X-Long")) > 1100 {
		t.Errorf("received: %+v", in[0])
	}
	if c := in[1].Data.Configuration; in[1].Source != "api-inspector" || c == nil || c.API.ID != "openai" || c.API.From != "/openai" || c.Operation.URITemplate != "/*" || c.Product != "-" {
		t.Errorf("configuration: %+v", c)
	}
	f := trace.Entries["backend"][0]
	if r := f.Data.Request; f.Source != "forward-request" || r == nil || r.Method != "POST" || r.URL != s.backend.URL+"/openai/other" ||
		header(r.Headers, "Ocp-Apim-Subscription-Key") != "" {
		t.Errorf("sent: %+v", f)
	}
	if r := f.Data.Response; r == nil || r.Status.Code != 418 || header(r.Headers, "X-From") != "backend" || header(r.Headers, "Set-Cookie") != "***" || f.Data.Backend != "openai" {
		t.Errorf("answered: %+v", f.Data.Response)
	}
	out := trace.Entries["outbound"]
	last := out[len(out)-1]
	if r := last.Data.Response; last.Source != "transfer-response" || last.Data.Message != "Response has been sent to the caller in full" || r == nil ||
		r.Status != (policy.TraceStatus{Code: 418, Reason: "I'm a teapot"}) || header(r.Headers, "X-Mine") != "yes" || header(r.Headers, "Cloister-Request-Id") != trace.ID {
		t.Errorf("given back: %+v", last)
	}
	if strings.Contains(text, "hidden-") || strings.Contains(text, "signature-of") || !strings.Contains(text, "sv=2024") || strings.Contains(text, "a body") {
		t.Errorf("a query or a body is in it: %s", text)
	}
	if in[2].Timestamp.Before(in[0].Timestamp) || last.Elapsed < in[0].Elapsed || !strings.HasPrefix(last.Elapsed, "00:00:0") || out[0].Data.Duration == "" {
		t.Errorf("times: %+v, %+v", in, last)
	}
	// A refusal of the frame says why.
	resp, _ = g.do(t, "POST", "/openai/deployments/a/chat/completions", `{"a":`, traced("Content-Type", "application/json"))
	if trace, text = g.traceOf(t, resp); trace.Status != 400 || !strings.Contains(text, "RequestBodyRefused") {
		t.Errorf("refused: %s", text)
	}
	// A trace id that a backend claims for a WebSocket is none either.
	w := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		accept := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\nOcp-Apim-Trace-Id: claimed\r\n\r\n", base64.StdEncoding.EncodeToString(accept[:]))
		rw.Flush()
		io.Copy(io.Discard, rw)
	}), nil)
	w.write(t, "cloister.yaml", w.config("policies: {trace: [team]}\n"))
	g = w.start(t)
	key := http.Header{"Ocp-Apim-Subscription-Key": {teamKey}}
	for _, asks := range []bool{false, true} {
		if asks {
			key.Set("Ocp-Apim-Trace", "true")
		}
		conn, resp, err := g.dial(t, realtimePath, key)
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if asks {
			want = resp.Header.Get("Cloister-Request-Id")
		}
		if got := resp.Header.Get("Ocp-Apim-Trace-Id"); got != want {
			t.Errorf("asked %v: the trace id %q", asks, got)
		}
		conn.CloseNow()
	}
}

// TestTraceReload: whose requests are traced is what the site in force says.
func TestTraceReload(t *testing.T) {
	s := newSite(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), nil)
	s.write(t, "cloister.yaml", s.config("policies: {trace: [team]}\n"))
	g := s.start(t)
	resp, _ := g.do(t, "GET", "/openai/x", "", traced())
	first, _ := g.traceOf(t, resp)
	for i, more := range []string{"", "policies: {trace: [TEAM]}\n", "policies: {trace: [other]}\n"} {
		s.write(t, "cloister.yaml", s.config(more))
		if _, err := g.operator().Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		resp, _ := g.do(t, "GET", "/openai/x", "", traced())
		if got := resp.Header.Get("Ocp-Apim-Trace-Id") != ""; got != (i == 1) {
			t.Errorf("%q: traced %v", more, got)
		}
	}
	if g.gateway.Traces().Get(first.ID, time.Now()) == nil {
		t.Error("a trace that was allowed is gone")
	}
}

// TestTraceDoor: traces are for auditors, whom the door knows, and for nobody who
// calls.
func TestTraceDoor(t *testing.T) {
	ca := certificate(t, "operators", nil)
	who := map[string]*operatorCA{}
	roles := "  roles:\n"
	for _, role := range []string{"auditor", "operator", "reader", "approver"} {
		who[role] = certificate(t, role, ca)
		roles += fmt.Sprintf("  - {role: %s, certificates: [%s]}\n", role, who[role].fingerprint())
	}
	who["stranger"] = certificate(t, "stranger", ca)
	pemCA, _ := ca.pem(t)
	s := newSite(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), map[string]string{"tls/operators.pem": pemCA})
	s.write(t, "cloister.yaml", strings.Replace(s.config("policies: {trace: [team]}\nadmin:\n  listener: {address: 127.0.0.1, port: 0}\n  hostname: 127.0.0.1\n  clientCA: tls/operators.pem\n"+roles),
		"default: true}]", "default: true}, {name: 127.0.0.1}]", 1))
	g := s.start(t)
	ctx := t.Context()
	if list, err := g.operator().Traces(ctx); err != nil || list == nil || len(list) != 0 {
		t.Errorf("no traces yet: %v %v", list, err)
	}
	resp, _ := g.do(t, "GET", "/openai/one", "", traced())
	trace, _ := g.traceOf(t, resp)
	second, _ := g.do(t, "GET", "/openai/two", "", traced())
	g.traceOf(t, second)
	for name, certificate := range who {
		cert, key := certificate.pem(t)
		s.write(t, "clients/"+name+".pem", cert)
		s.write(t, "clients/"+name+".key", key)
		c, err := OpenRemote(RemoteOptions{
			Server: "https://" + g.Admin().String(), CAFile: filepath.Join(s.dir, "state", "ca", "ca.pem"),
			CertFile: filepath.Join(s.dir, "clients", name+".pem"), KeyFile: filepath.Join(s.dir, "clients", name+".key"),
		})
		if err != nil {
			t.Fatal(err)
		}
		list, listErr := c.Traces(ctx)
		one, oneErr := c.Trace(ctx, trace.ID)
		_, noneErr := c.Trace(ctx, "no-such-request")
		if name != "auditor" {
			for _, err := range []error{listErr, oneErr, noneErr} {
				if e := new(admin.Error); !errors.As(err, &e) || e.Status != http.StatusForbidden {
					t.Errorf("%s: %v", name, err)
				}
			}
			continue
		}
		if listErr != nil || len(list) != 2 || list[0].ID == trace.ID || list[1].ID != trace.ID || list[1].Subscription != "team" || list[1].Status != 200 || !strings.HasSuffix(list[1].URL, "/openai/one") {
			t.Errorf("list: %+v %v", list, listErr)
		}
		if oneErr != nil || one.ID != trace.ID || len(one.Entries["inbound"]) < 2 {
			t.Errorf("one: %+v %v", one, oneErr)
		}
		if e := new(admin.Error); !errors.As(noneErr, &e) || e.Status != http.StatusNotFound || e.Mend == "" {
			t.Errorf("unknown: %v", noneErr)
		}
	}
	for _, path := range []string{"/v1/traces", "/v1/traces/" + trace.ID} {
		if resp, body := g.do(t, "GET", path, "", nil); resp.StatusCode != http.StatusNotFound || strings.Contains(body, "traceEntries") {
			t.Errorf("the gateway's own listener answers %s with %d", path, resp.StatusCode)
		}
	}
	records := g.auditRecords(t)
	for _, action := range []string{"trace.show", "trace.list"} {
		if !slices.ContainsFunc(records, func(r audit.Record) bool { return r.Action == action && r.Actor != "" }) {
			t.Errorf("nothing of %s is on the audit log", action)
		}
	}
}

// TestTraceHoldsNoBody: what traces keep of large bodies is small, and holds none of
// them in memory; and no more are under way than may be.
func TestTraceHoldsNoBody(t *testing.T) {
	wait := make(chan struct{})
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/wait") {
			<-wait
		}
	}), map[string]string{
		"apim/apis/openai/policy.xml": `<policies>
  <inbound><base />
    <set-variable name="head" value="@(context.Request.Body == null ? "" : context.Request.Body.As<string>(preserveContent: true).Substring(0, 40))" />
    <set-variable name="all" value="@(context.Request.Body == null ? "" : context.Request.Body.As<string>(preserveContent: true))" />
    <set-variable name="all" value="" />
  </inbound><backend><base /></backend><outbound><base /></outbound></policies>`,
	})
	s.write(t, "cloister.yaml", s.config("policies: {trace: [team]}\n"))
	g := s.start(t)
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	body := strings.Repeat("b", 1<<20)
	before := heap()
	for range 60 {
		if resp, _ := g.do(t, "POST", "/openai/x", body, traced("Content-Type", "text/plain")); resp.StatusCode != 200 {
			t.Fatal(resp.StatusCode)
		}
	}
	eventually(t, "the traces", func() bool { return len(g.gateway.Traces().List(time.Now())) == 60 })
	if grown := heap() - before; grown > 16<<20 {
		t.Errorf("60 traces of bodies of 1 MiB hold %d bytes", grown)
	}
	// Fifty are under way at a time; whoever comes then is served without one.
	done := make(chan string)
	for range 55 {
		go func() {
			req, _ := http.NewRequestWithContext(t.Context(), "GET", g.url+"/openai/wait", nil)
			req.Header = traced("Ocp-Apim-Subscription-Key", teamKey)
			resp, err := g.client.Do(req)
			if err != nil {
				done <- err.Error()
				return
			}
			resp.Body.Close()
			done <- resp.Header.Get("Ocp-Apim-Trace-Id")
		}()
	}
	eventually(t, "all under way", func() bool { return g.tracing() == 50 })
	resp, _ := g.do(t, "GET", "/openai/x", "", traced())
	if resp.StatusCode != 200 || resp.Header.Get("Ocp-Apim-Trace-Id") != "" {
		t.Errorf("the one too many: %d, traced %v", resp.StatusCode, resp.Header.Get("Ocp-Apim-Trace-Id"))
	}
	close(wait)
	named := 0
	for range 55 {
		if id := <-done; len(id) == 36 {
			named++
		}
	}
	if named != 50 {
		t.Errorf("%d of 55 were traced", named)
	}
	eventually(t, "none under way", func() bool { return g.tracing() == 0 })
	if resp, _ := g.do(t, "GET", "/openai/x", "", traced()); resp.Header.Get("Ocp-Apim-Trace-Id") == "" {
		t.Error("nobody is traced any more")
	}
}

// tracing is how many traces are under way.
func (r *running) tracing() int { return r.gateway.Traces().UnderWay() }
