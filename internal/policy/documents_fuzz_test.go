package policy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/request"
	"github.com/cloister-ai/cloister/internal/limit"
	"github.com/cloister-ai/cloister/internal/openai"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/telemetry"
)

// What the caller of a fuzzed request shows, and what the site holds secret.
const (
	fuzzedKey    = "0123456789abcdef0123456789abcdef"
	fuzzedToken  = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJmdXp6In0.c2lnbmF0dXJl"
	fuzzedSecret = "the-secret-of-a-named-value"
)

// FuzzDocuments: documents made of everything that the catalogue has, with values
// that belong there and values that do not, do to any request what every policy
// promises. Nothing panics, there is an answer, what leaves can be read in one way
// only, a refusal of the frame stays one and nothing is sent after it, and nobody
// is told the caller's credentials or a secret but by a document that sets them.
func FuzzDocuments(f *testing.F) {
	for seed := range uint64(100) {
		f.Add(seed, seed%3)
	}
	entries := table()
	names := policyNames(entries)
	names = slices.DeleteFunc(names, func(name string) bool {
		return entries[name].compile == nil || name == "base" || name == "include-fragment"
	})
	f.Fuzz(func(t *testing.T, seed, stream uint64) {
		w := &documentWriter{Rand: rand.New(rand.NewPCG(seed, stream)), entries: entries, names: names, spoken: seed%2 == 0}
		p, text := w.document(t)
		around := newFuzzedSurroundings(w)
		for range 3 {
			r := w.request(around)
			r.run(t, p, text)
		}
	})
}

// documentWriter writes documents by chance.
type documentWriter struct {
	*rand.Rand
	entries map[string]*entry
	names   []string
	// spoken: expressions may read credentials, so that what documents send may
	// hold them.
	spoken bool
}

func (w *documentWriter) one(words ...string) string { return words[w.IntN(len(words))] }

func (w *documentWriter) often() bool { return w.IntN(4) > 0 }

// env is what documents of the fuzzer may refer to.
func (w *documentWriter) env() Env {
	values := &NamedValues{}
	values.Set("plain", secret.New("plain-value"), false)
	values.Set("hidden", secret.New(fuzzedSecret), true)
	s := &site.Site{Service: &site.Service{
		APIs:     []*site.API{{ID: "orders", Name: "Orders", Operations: []*site.Operation{{ID: "get", Name: "Get"}}}},
		Backends: []*site.Backend{{ID: "east", URL: "https://east.example/openai"}, {ID: "vectors", URL: "https://vectors.example/embeddings"}},
		Loggers:  []*site.Logger{{ID: "hub"}},
	}}
	return NewEnv(s, values)
}

func (w *documentWriter) compile(text string) (*Pipeline, bool) {
	p, problems := Compile(Scopes{API: &site.PolicyFile{Path: "api.xml", Source: []byte(text)}}, w.env())
	return p, !problems.HasErrors()
}

// document is one that compiles. Policies that do not, with what chance gave them,
// are left out.
func (w *documentWriter) document(t *testing.T) (*Pipeline, string) {
	var parts [sections]string
	whole := func() string {
		return "<policies><inbound>" + parts[inbound] + "</inbound><backend>" + parts[backend] + "</backend><outbound>" +
			parts[outbound] + "</outbound><on-error>" + parts[onError] + "</on-error></policies>"
	}
	p, ok := w.compile(whole())
	if !ok {
		t.Fatal("an empty document does not compile")
	}
	for s := range section(sections) {
		if s == backend && w.often() {
			parts[s] = "<forward-request />"
		}
		for range w.IntN(5) {
			before, one := parts[s], w.policy(s, 0)
			if _, ok := w.compile("<policies><" + s.String() + ">" + one + "</" + s.String() + "></policies>"); !ok {
				continue
			}
			parts[s] += one
			if better, ok := w.compile(whole()); ok {
				p = better
			} else {
				parts[s] = before
			}
		}
	}
	return p, whole()
}

// policy is a policy that may stand in a section, as likely as not with mistakes.
func (w *documentWriter) policy(s section, depth int) string {
	for range 20 {
		e := w.entries[w.names[w.IntN(len(w.names))]]
		if (e.sections | e.tolerated).has(s) && (depth < 3 || e.text != holdsPolicies && e.name != "choose") {
			return w.element(e.name, e.attributes, e.children, e.text, e.expression, s, depth)
		}
	}
	return ""
}

func (w *documentWriter) element(name string, attributes []attribute, children []child, text textRule, expression bool, s section, depth int) string {
	var b strings.Builder
	b.WriteString("<" + name)
	for _, a := range attributes {
		if a.refused == "" && (a.required || w.IntN(3) == 0) {
			fmt.Fprintf(&b, " %s=\"%s\"", a.name, w.value(name, a.name, a.expected, a.expression))
		}
	}
	b.WriteString(">")
	for _, c := range children {
		count := w.IntN(2)
		if c.required {
			count = 1
		}
		if c.many {
			count += w.IntN(2)
		}
		for range count {
			if e := w.entries[c.name]; c.policy && e != nil {
				b.WriteString(w.element(e.name, e.attributes, e.children, e.text, e.expression, s, depth+1))
				continue
			}
			b.WriteString(w.element(c.name, c.attributes, c.children, c.text, c.expression, s, depth+1))
		}
	}
	switch {
	case text == holdsPolicies:
		for range 1 + w.IntN(3) {
			b.WriteString(w.policy(s, depth+1))
		}
	case text == hasText && (len(children) == 0 || w.IntN(3) == 0):
		b.WriteString(w.value(name, "", "", expression))
	}
	b.WriteString("</" + name + ">")
	return b.String()
}

// value is one for an attribute, or, without an attribute's name, for the text of
// an element.
func (w *documentWriter) value(element, name, expected string, expression bool) string {
	if expression && w.IntN(3) == 0 {
		return w.expression()
	}
	if w.IntN(12) == 0 {
		return w.one("", "0", "-1", "99999999999999999999", "{{plain}}", "{{hidden}}", "\u00e9\u4e2d", strings.Repeat("x", 3000), "a b", "*", "null", "\u2028")
	}
	if words, ok := strings.CutPrefix(expected, "one of "); ok {
		return w.one(strings.Split(words, ", ")...)
	}
	switch {
	case strings.HasPrefix(expected, "true or false"):
		return w.one("true", "false")
	case strings.Contains(expected, "header name") || element == "vary-by-header" || element == "header":
		return w.one("X-Fuzz", "x-other", "Retry-After", "Authorization", "Content-Type", "Cookie")
	case strings.Contains(name, "variable"):
		return w.one("v", "w", "answer")
	case strings.HasPrefix(expected, "seconds"), strings.Contains(expected, "number"), strings.Contains(expected, "how many"):
		return w.one("1", "2", "60", "300", "1000")
	}
	known := map[string][]string{
		"backend-id": {"east"}, "embeddings-backend-id": {"vectors"}, "embeddings-backend-auth": {"system-assigned"},
		"base-url": {"https://east.example", "https://other.example/x/"}, "logger-id": {"hub"}, "score-threshold": {"0.1", "1"},
		"template": {"/a/b?c=d", "/", "/x/{id}", "liquid", "none"}, "duration": {"60"}, "code": {"200", "204", "302", "404", "503"},
		"counter-key": {"k", "l"}, "key": {"k", "l"}, "calls": {"1", "5", "1000"}, "renewal-period": {"300"}, "count": {"1", "2", "3"},
		"interval": {"0", "1"}, "name": {"v", "X-Fuzz", "Orders", "API ID", "Hate"}, "value": {"v", "1"}, "id": {"orders", "get"},
		"timeout": {"1", "20"}, "max-count": {"1", "9"}, "tokens-per-minute": {"1", "1000"}, "condition": {"true", `@(context.Response != null &amp;&amp; context.Response.StatusCode == 500)`},
		"source": {"fuzz"}, "caching-type": {"internal"}, "address": {"192.0.2.7"}, "from": {"192.0.2.1"}, "to": {"192.0.2.9"}, "action": {"allow", "forbid"},
		"downstream-caching-type": {"public", "private", "none"}, "token-quota-period": {"Hourly"}, "threshold": {"4"}, "partition-id": {"3"},
		"failed-check-httpcode": {"401", "403"}, "failed-check-error-message": {"no"}, "reason": {"Fine"}, "window-size": {"200"},
		"allowed-methods": {"GET"},
	}
	texts := map[string][]string{
		"set-url": {"https://service.example/path?q=1", "https://service.example:8443/", "http://service.example"}, "set-method": {"GET", "POST", "HEAD"},
		"value": {"v", "one, two"}, "set-body": {"text", `{"a":1}`, "{{ context.Request.Method }}"}, "address": {"192.0.2.7"}, "origin": {"https://app.example", "*"},
		"method": {"GET", "*"}, "vary-by-query-parameter": {"a;b"}, "message": {"said"}, "header": {"X-Fuzz"},
	}
	in := known
	if name == "" {
		in, name = texts, element
	}
	if words := in[name]; words != nil {
		return w.one(words...)
	}
	return w.one("v", "1", "true")
}

// expression is one that a document may hold. Those that give credentials away do
// so by name; all others must not.
func (w *documentWriter) expression() string {
	if w.spoken && w.IntN(3) == 0 {
		return w.one(
			`@(context.Subscription.Key)`, `@(context.Request.Headers.GetValueOrDefault("Api-Key", ""))`,
			`@(context.Request.Headers.GetValueOrDefault("Authorization", "none"))`, `@(context.Request.OriginalUrl.ToString())`,
			`@(int.Parse(context.Subscription.Key))`, `@("k=" + context.Subscription.Key)`, `@("{{hidden}}")`, `@(int.Parse("{{hidden}}").ToString())`,
			`@(new JObject(new JProperty("key", context.Subscription.Key)))`, `@(Uri.EscapeDataString("x " + context.Subscription.Key))`,
		)
	}
	return w.one(
		`@("v")`, `@(1)`, `@(true)`, `@(null)`, `@("")`, `@("a\r\nX-Evil: 1")`, `@("a\0b")`, `@("\u00e9\ud83d\ude00")`, `@("\ud800")`, `@(-1)`, `@(2147483647)`,
		`@(1.5)`, `@(double.NaN)`, `@("60")`, `@(new string('x', 5000))`, `@(context.Response.StatusCode)`, `@(context.Response != null)`,
		`@(context.Response.Body.As&lt;string&gt;())`, `@(context.Request.Body.As&lt;string&gt;(true))`, `@(context.Request.Body.As&lt;string&gt;())`,
		`@(context.Request.Body.As&lt;JObject&gt;(preserveContent: true).ToString())`, `@(context.LastError.Message)`, `@(context.LastError.Reason)`,
		`@(context.Request.Headers.GetValueOrDefault("X-From", "none"))`, `@(context.Request.IpAddress)`, `@(context.Variables["v"])`, `@((string)context.Variables["v"])`,
		`@(context.Variables.GetValueOrDefault("w", "none"))`, `@(((IResponse)context.Variables["answer"]).Body.As&lt;string&gt;(true))`,
		`@("https://service.example/" + context.Request.Method)`, `@("https://user:pw@service.example/")`, `@("http://[fe80::1%25eth0]/")`, `@("//service.example")`,
		`@("https://service.example\\@other.example/")`, `@("file:///etc/passwd")`, `@("/a/../b")`, `@("/a b?c=d#e")`, `@("/%2e%2e/%5c")`, `@("GET")`, `@("get x")`, `@("CONNECT")`,
		`@("override")`, `@("delete")`, `@("append")`, `@("copy")`, `@("new")`, `@("X-Computed")`, `@("Transfer-Encoding")`, `@("content-length")`, `@("Host")`, `@("X Bad")`, `@("X:Y")`,
		`@("east")`, `@("nowhere")`, `@(new byte[] {255, 0, 10})`, `@(DateTime.UtcNow)`, `@(Guid.NewGuid())`, `@(context.RequestId)`, `@(throw new Exception("no"))`, `@{ throw new Exception("no"); }`,
		`@(context.Api.Id)`, `@(context.Operation.Id + context.Product.Id)`, `@(99999)`, `@(101)`, `@(204)`,
	)
}

// fuzzedSurroundings are the services of fuzzed requests. What is sent to others
// is kept.
type fuzzedSurroundings struct {
	Services
	w *documentWriter

	mu  sync.Mutex // guards the rest
	now time.Time
	// left are texts that left for other hosts, said what observers and logs were
	// told.
	left, said []string
	calls      []*CallRequest
	// fails makes services fail.
	fails bool
}

func newFuzzedSurroundings(w *documentWriter) *fuzzedSurroundings {
	s := &fuzzedSurroundings{w: w, now: begun}
	s.Now = func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.now
	}
	s.Random = zeros{}
	s.Sleep = func(ctx context.Context, d time.Duration) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.now = s.now.Add(d)
		return ctx.Err()
	}
	s.Counters, s.Tokens = limit.NewCounters(s.Now), limit.NewTokens(s.Now)
	s.Caches = NewCaches(3<<20, s.Now)
	s.Embedder = oneVector{}
	s.Calls, s.Events, s.Metrics = s, s, s
	switch w.IntN(8) {
	case 0:
		s.Counters, s.Tokens, s.Caches, s.Embedder, s.Calls, s.Events, s.Metrics = nil, nil, nil, nil, nil, nil, nil
	case 1:
		s.fails = true
		s.Caches.Values, s.Caches.Responses, s.Caches.Completions = brokenCache{}, brokenCache{}, brokenCache{}
	}
	return s
}

func (s *fuzzedSurroundings) keep(into *[]string, texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*into = append(*into, texts...)
}

func (s *fuzzedSurroundings) call(r *CallRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, r)
}

func (s *fuzzedSurroundings) Call(_ context.Context, r *CallRequest) (*CallResponse, error) {
	s.call(r)
	if s.fails {
		return nil, errors.New("no connection")
	}
	return &CallResponse{StatusCode: 200 + len(r.Method)*37%400, Header: http.Header{"Set-Cookie": {"a=b"}, "X-From": {"service"}}, Body: []byte(`{"answer":true}`)}, nil
}

func (s *fuzzedSurroundings) Later(r *CallRequest) bool { s.call(r); return !s.fails }

func (s *fuzzedSurroundings) Log(_ string, m EventMessage) bool {
	s.keep(&s.left, string(m.Body), m.PartitionKey)
	return !s.fails
}

func (s *fuzzedSurroundings) Emit(namespace, name string, _ float64, dimensions []telemetry.Dimension) {
	for _, d := range dimensions {
		s.keep(&s.said, d.Name, d.Value)
	}
	s.keep(&s.said, namespace, name)
}

func (s *fuzzedSurroundings) Begin(Place)       {}
func (s *fuzzedSurroundings) End(Place, *Error) {}
func (s *fuzzedSurroundings) Say(_ Place, name, value string) {
	s.keep(&s.said, name, value)
}

// fuzzedRequest is one request with what becomes of it.
type fuzzedRequest struct {
	s *fuzzedSurroundings
	x *Exchange
	// refusal is given by the gate, or, with before, ahead of all policies.
	refusal *Error
	before  bool
	// refused: it was; sent is how much had been sent to others by then.
	refused bool
	sent    int
	forward []string
}

func (w *documentWriter) request(s *fuzzedSurroundings) *fuzzedRequest {
	s.left, s.said, s.calls = nil, nil, nil
	r := &fuzzedRequest{s: s}
	path := w.one("/", "/chat/completions", "/deployments/gpt/chat/completions", "/a%2Fb")
	query := w.one("", "a=1&b=2", "api-version=1", "A=%0d%0a")
	if query += "&subscription-key=" + fuzzedKey; w.often() {
		query = "subscription-key=" + fuzzedKey
	}
	x := &Exchange{
		RequestID: "8b523262-e7a2-4b7e-90f9-7259dc6c3450", Started: begun, ClientIP: netip.MustParseAddr("192.0.2.7"),
		API:       &site.API{ID: "orders", Name: "Orders", SubscriptionKeyHeader: "Api-Key", SubscriptionKeyQuery: "subscription-key"},
		Operation: &site.Operation{ID: "get", Name: "Get"}, Product: &site.Product{ID: "starter"},
		Subscription: &Subscription{ID: "s", Name: "S", Key: fuzzedKey}, MatchedParameters: map[string]string{"id": "a/../b"},
		OriginalURL: &url.URL{Scheme: "https", Host: "gateway.example", Path: "/orders" + path, RawQuery: query},
		Request: Request{
			Method: w.one("GET", "GET", "POST", "POST", "HEAD", "OPTIONS"), Path: path, Query: query, Backend: Target{BaseURL: &url.URL{Scheme: "https", Host: "backend.example"}},
			Header: http.Header{
				"Api-Key": {fuzzedKey}, "Authorization": {"Bearer " + fuzzedToken}, "Cookie": {"session=1"}, "Content-Type": {"application/json"},
				"X-From": {w.one("a", "b", "\xff", "a, b")}, "Origin": {w.one("https://app.example", "null", "https://evil.example")},
			},
		},
		Services: &s.Services, Observer: s, User: &request.User{},
	}
	if w.IntN(4) == 0 {
		x.Services, x.Observer = &Services{Sleep: s.Sleep}, nil // nothing is there
	}
	if w.often() {
		x.Caller = func() string { return w.one("a", "b") }
	}
	if body := w.one("", `{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}`, `{"stream":true,"messages":[]}`, "text", "\xff\x00"); x.Request.Method != http.MethodGet && body != "" {
		x.Request.Body = &Body{Stream: io.NopCloser(strings.NewReader(body)), Length: int64(len(body))}
	}
	x.Message = func(m Message) { s.keep(&s.said, append(m.Metadata, m.Source, m.Text)...) }
	x.CallBackend = func(_ string, req *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(req.Body)
		s.keep(&s.left, string(body), req.URL.String())
		if s.fails {
			return nil, errors.New("no connection")
		}
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"categoriesAnalysis":[],"blocklistsMatch":[],"userPromptAnalysis":{"attackDetected":false}}`))}, nil
	}
	x.Forward = r.answer
	r.x = x
	if r.before = w.IntN(10) == 0; r.before || w.IntN(4) == 0 {
		r.refusal = &Error{Source: "authorization", Reason: "Refused", Message: "Refused.", Status: 403, Frame: true}
	}
	return r
}

// answer is the gate and the backend.
func (r *fuzzedRequest) answer(_ context.Context, x *Exchange, _ ForwardOptions) error {
	x.dropResponse()
	r.forward = append(r.forward, wrongHead(x.Request.Header)...)
	if q := &x.Request; !strings.HasPrefix(q.Path, "/") || strings.ContainsAny(q.Path+q.Query, " #\r\n\x00\\") || !isToken(q.Method) {
		r.forward = append(r.forward, fmt.Sprintf("%q %q?%q", q.Method, q.Path, q.Query))
	}
	if r.refusal != nil {
		r.refused = true
		r.sent = len(r.s.calls) + len(r.s.left)
		return r.refusal
	}
	w := r.s.w
	switch w.IntN(8) {
	case 0:
		return &Error{Source: forwardRequestName, Reason: "BackendConnectionFailure", Message: "no", Status: 500}
	case 1:
		return errors.New("no")
	}
	h := http.Header{"Content-Type": {w.one("application/json", "text/event-stream", "text/plain")}, "X-From": {"backend"}}
	if w.IntN(4) == 0 {
		h["Set-Cookie"] = []string{"a=b"}
	}
	text := w.one("", "hello", `{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`,
		"data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\ndata: [DONE]\n\n")
	x.Response = &Response{
		StatusCode: []int{200, 200, 200, 204, 301, 304, 404, 429, 500, 503}[w.IntN(10)], Header: h, FromBackend: true,
		Body: &Body{Stream: io.NopCloser(strings.NewReader(text)), Length: -1},
	}
	return nil
}

func (r *fuzzedRequest) run(t *testing.T, p *Pipeline, document string) {
	t.Helper()
	x, s := r.x, r.s
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if r.before {
		r.refused = true
		p.Fail(ctx, x, r.refusal)
	} else {
		p.Run(ctx, x)
	}
	wrong := func(format string, args ...any) {
		t.Errorf("%s\n%s", fmt.Sprintf(format, args...), document)
	}
	if x.Response == nil {
		wrong("no answer")
		return
	}
	if e := x.LastError; e != nil && (e.Reason == "Panic" || e.Source == "" || e.Reason == "") {
		wrong("%v: %v", e, e.Cause)
	}
	if b := x.Response.Body; b != nil && b.Stream != nil {
		_, _ = io.Copy(io.Discard, b.Stream)
		_ = b.Stream.Close()
	}
	x.End(Ended{Status: x.Response.StatusCode, Usage: openai.Usage{Total: 3}, Known: true})
	for _, note := range x.Notes {
		if strings.HasPrefix(note, "panic") {
			wrong("%s: %v", note, x.LastError)
		}
	}
	if code := x.Response.StatusCode; code < 200 || code > 599 && !s.fromService(code) {
		wrong("status %d", code)
	}
	if r.refused && x.Response.StatusCode < 400 {
		wrong("a refusal became %d", x.Response.StatusCode)
	}
	if sent := len(s.calls) + len(s.left); r.refused && sent != r.sent {
		wrong("%d were sent after a refusal", sent-r.sent)
	}
	for _, text := range append(r.forward, wrongHead(x.Response.Header)...) {
		wrong("%s", text)
	}
	if !isFieldValue(x.Response.Reason) {
		wrong("reason %q", x.Response.Reason)
	}
	r.check(wrong)
}

// check looks at what others were sent and told.
func (r *fuzzedRequest) check(wrong func(string, ...any)) {
	s, x := r.s, r.x
	for _, c := range s.calls {
		for _, text := range wrongHead(c.Header) {
			wrong("call: %s", text)
		}
		if c.URL.User != nil || c.URL.Host == "" || c.URL.Scheme != "https" && c.URL.Scheme != "http" || !isToken(c.Method) || refusedMethod(c.Method) {
			wrong("call of %s %s", c.Method, c.URL)
		}
		if req, err := http.NewRequest(c.Method, c.URL.String(), nil); err != nil || req.URL.Host != c.URL.Host {
			wrong("call of %s: %v", c.URL, err)
		}
		text := fmt.Sprint(c.URL, c.Header, string(c.Body))
		s.left = append(s.left, text)
	}
	if !s.w.spoken {
		for _, text := range s.left {
			if holdsFuzzed(text) {
				wrong("left: %.300q", text)
			}
		}
	}
	for _, text := range append(s.said, x.Notes...) {
		if holdsFuzzed(text) {
			wrong("said: %.300q", text)
		}
	}
}

// fromService: a document may give an answer of a service to its caller, whose
// status the gateway looks at when it leaves.
func (s *fuzzedSurroundings) fromService(code int) bool { return len(s.calls) > 0 && code < 1000 }

func holdsFuzzed(text string) bool {
	return slices.ContainsFunc([]string{fuzzedKey, fuzzedToken, fuzzedSecret}, func(c string) bool { return strings.Contains(text, c) })
}

// wrongHead is what is wrong with headers.
func wrongHead(h http.Header) (wrong []string) {
	for name, values := range h {
		if !isToken(name) || name != http.CanonicalHeaderKey(name) {
			wrong = append(wrong, fmt.Sprintf("header name %q", name))
		}
		if slices.Contains(framing(), name) {
			wrong = append(wrong, fmt.Sprintf("header %q", name))
		}
		for _, v := range values {
			if !isFieldValue(v) {
				wrong = append(wrong, fmt.Sprintf("header %s: %q", name, v))
			}
		}
	}
	return wrong
}
