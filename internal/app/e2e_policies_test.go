package app

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// TestExpressionsOnTheRoad: expressions see the request as it came, and what
// they make of it leaves; an answer's body that a policy reads is metered and
// passed on whole.
func TestExpressionsOnTheRoad(t *testing.T) {
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"path":%q,"body":%q,"branch":%q}`, r.URL.RequestURI(), body, r.Header.Get("X-Branch"))
	}), map[string]string{"apim/apis/openai/policy.xml": `<policies>
  <inbound>
    <base />
    <set-variable name="team" value="@(context.Subscription.Name + "/" + context.Api.Id + "/" + context.Operation.Method)" />
    <choose>
      <when condition="@(context.Request.Body != null && context.Request.Body.As<string>(true).Contains("big"))">
        <set-header name="X-Branch"><value>@("big " + (string)context.Variables["team"])</value></set-header>
        <set-query-parameter name="from"><value>@(context.Request.IpAddress)</value></set-query-parameter>
      </when>
      <when condition="@(context.Request.Url.Path.EndsWith("/throw"))">
        <set-header name="X-Never"><value>@(context.Request.Body.As<string>())</value></set-header>
      </when>
    </choose>
  </inbound>
  <outbound>
    <base />
    <set-header name="X-Length"><value>@(context.Response.Body.As<string>(true).Length.ToString())</value></set-header>
  </outbound>
  <on-error>
    <set-header name="X-Error"><value>@(context.LastError.Source + " " + context.LastError.Path + " " + context.LastError.Reason)</value></set-header>
  </on-error>
</policies>`})
	g := s.start(t)
	resp, body := g.do(t, "POST", "/openai/x?a=1", "a big one", nil)
	want := `{"path":"/openai/x?a=1&from=127.0.0.1","body":"a big one","branch":"big team/openai/POST"}`
	if resp.StatusCode != 200 || body != want || resp.Header.Get("X-Length") != fmt.Sprint(len(want)) {
		t.Errorf("%s %s %v", resp.Status, body, resp.Header)
	}
	resp, body = g.do(t, "GET", "/openai/throw", "", nil)
	if resp.StatusCode != 500 || resp.Header.Get("X-Error") != "set-header choose[1]/when[2]/set-header[1] ExpressionValueEvaluationFailure" ||
		!strings.HasPrefix(body, `{ "statusCode": 500, "message": "Internal server error", "activityId": "`) {
		t.Errorf("%s %s %v", resp.Status, body, resp.Header)
	}
}

// TestContextOfTheGateway: what expressions see of the gateway and of the model
// that a request names, on both surfaces.
func TestContextOfTheGateway(t *testing.T) {
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Header.Get("X-Seen")) }),
		map[string]string{"apim/apis/openai/policy.xml": `<policies><inbound>
  <set-header name="X-Seen"><value>@(context.Deployment.ServiceName + " " + (context.Request.Foundry == null ? "none" : context.Request.Foundry.Deployment) + " "
    + context.Request.Headers["Host"][0].Split(':')[0] + " " + context.Request.OriginalUrl.Path + " " + context.Request.Url.Host + " " + (context.User == null))</value></set-header>
</inbound></policies>`})
	g := s.start(t)
	for path, want := range map[string]string{
		"/openai/x": "test none localhost /openai/x 127.0.0.1 True",
		"/openai/deployments/gpt-4o/chat/completions?api-version=1": "test gpt-4o localhost /openai/deployments/gpt-4o/chat/completions 127.0.0.1 True",
		"/openai/v1/chat/completions":                               "test o3 localhost /openai/v1/chat/completions 127.0.0.1 True",
	} {
		body := `{"messages":[]}`
		if strings.Contains(path, "v1") {
			body = `{"model":"o3","messages":[]}`
		}
		if resp, got := g.do(t, "POST", path, body, nil); got != want {
			t.Errorf("%s: %s %q, want %q", path, resp.Status, got, want)
		}
	}
}

// TestBodiesThatPoliciesRead: what is larger than policies may read is refused,
// for requests and answers.
func TestBodiesThatPoliciesRead(t *testing.T) {
	chunk := strings.Repeat("x", 1<<20)
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 33 {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	}), map[string]string{"apim/apis/openai/policy.xml": `<policies>
  <outbound><set-header name="X-Length"><value>@(context.Response.Body.As<string>(true).Length.ToString())</value></set-header></outbound>
</policies>`})
	g := s.start(t)
	resp, body := g.do(t, "GET", "/openai/x", "", nil)
	if resp.StatusCode != 500 || !strings.Contains(body, "Internal server error") {
		t.Errorf("%s %.200s", resp.Status, body)
	}
	if reason := field(g.awaitRecords(t, 1)[0], "error.reason"); reason != "BodyTooLarge" {
		t.Errorf("the record has the reason %v", reason)
	}
}

// TestPoolWithoutRoom: a 429 of a provisioned deployment moves that request on;
// an open circuit is an answer that policies see.
func TestPoolWithoutRoom(t *testing.T) {
	var ptuStatus, otherStatus atomic.Int32
	ptuStatus.Store(429)
	otherStatus.Store(200)
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("retry-after-ms", "60000")
		w.WriteHeader(int(ptuStatus.Load()))
		io.WriteString(w, "ptu")
	}), nil)
	other, port := server(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(int(otherStatus.Load()))
		io.WriteString(w, "other "+string(body))
	}))
	for name, text := range map[string]string{
		"cloister.yaml": with(s.config(""), [2]string{"backends", "  other: {caFile: tls/backend.pem, credential: {none: true}}\n  ptu: {caFile: tls/backend.pem, credential: {none: true}}"}),
		"apim/backends/ptu/backendInformation.json": `{"properties":{"url":"` + s.backend.URL + `/openai"}}`,
		"apim/backends/other/backendInformation.json": `{"properties":{"url":"` + other.URL + `/openai","circuitBreaker":{"rules":[{"name":"r","tripDuration":"PT1M",
			"failureCondition":{"count":1,"interval":"PT1M","statusCodeRanges":[{"min":500,"max":599}]}}]}}}`,
		"apim/backends/pool/backendInformation.json": `{"properties":{"type":"Pool","pool":{"services":[
			{"id":"/backends/ptu","priority":1},{"id":"/backends/other","priority":2}]}}}`,
		"apim/apis/openai/policy.xml": `<policies>
  <inbound>
    <choose>
      <when condition="@(context.Request.Headers.ContainsKey("X-Alone"))"><set-backend-service backend-id="other" /></when>
      <otherwise><set-backend-service backend-id="@("po" + "ol")" /></otherwise>
    </choose>
  </inbound>
  <backend><forward-request buffer-request-body="true" /></backend>
  <outbound><set-header name="X-Saw"><value>@(context.Response.StatusCode.ToString())</value></set-header></outbound>
</policies>`,
	} {
		text = strings.Replace(text, "destinations:\n  model: [", "destinations:\n  model: [{host: 127.0.0.1, port: "+port+"}, ", 1)
		s.write(t, name, text)
	}
	g := s.start(t)
	for range 2 {
		if resp, body := g.do(t, "POST", "/openai/x", "hello", nil); resp.StatusCode != 200 || body != "other hello" {
			t.Errorf("%s %s", resp.Status, body)
		}
	}
	otherStatus.Store(500)
	if resp, _ := g.do(t, "POST", "/openai/x", "hello", http.Header{"X-Alone": {"1"}}); resp.StatusCode != 500 {
		t.Errorf("%s", resp.Status)
	}
	resp, body := g.do(t, "POST", "/openai/x", "hello", http.Header{"X-Alone": {"1"}})
	if resp.StatusCode != 503 || body != `{ "statusCode": 503, "message": "Service Unavailable" }` || resp.Header.Get("X-Saw") != "503" || resp.Header.Get("Retry-After") != "60" {
		t.Errorf("%s %s %v", resp.Status, body, resp.Header)
	}
}
