package policy

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/cloister-ai/cloister/internal/emulator"
	"github.com/cloister-ai/cloister/internal/limit"
	"github.com/cloister-ai/cloister/internal/openai"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/telemetry"
)

// A fixture is a txtar archive. Its documents are global.xml, product.xml,
// api.xml, operation.xml, and fragments as NAME.fragment.xml. "named values"
// has lines NAME=VALUE, with "!" before the name of a secret; "backends" has
// lines ID URL; "template" is the operation's; "openapi.yaml" describes the one of the method
// in "method" (POST without it), and "ID.schema.json" are schemas of the service. Every file whose name begins with "request" is a request, and
// the file of the same name with "result" is what becomes of it; "backend" is
// what the backend answers, "backend of NAME" for one request.
//
// "calls" is what services answer to calls, and "calls of NAME" for one request:
// the answer to each request line "METHOD URL" between lines of "---", which
// "# error TEXT" ends without an answer and "# timeout" by time; what is not
// there cannot be reached. Calls are written down in their order by URL.
//
// "loggers" has the ids of loggers, one a line; with "loggers are full" nothing
// more is taken.
//
// A request is a head and a body as on the wire, after lines of "#" and a
// directive. Several answers of a backend stand between lines of "---": one for
// each attempt, and the last for all that follow. "budget" is how many
// repetitions retry has.
//
// "content safety" has the words that the emulated service knows, one a line:
// "word WORD CATEGORY SEVERITY", "block LIST WORD", "attack WORD"; every backend
// whose id is asked by a policy is that service, but for "down", which cannot be
// reached.
//
// "apis" are those that documents may name: lines ID|DISPLAY NAME|OPERATION …,
// where an operation is ID or ID=DISPLAY NAME. A request comes to the first one,
// and its first operation, unless "# api ID OPERATION" says otherwise, by the
// product "starter". "# subscription ID [CREATED]" says who asks. "# moved IN OUT"
// are the bytes of its bodies; "# open": its answer does not end.
//
// The clock stands at [begun]; waits move it on and are written down. With a
// file "sequence" all requests of the fixture share their surroundings, in their
// order, and "# later 5s" moves the clock on before one.
type fixture struct {
	files map[string]string
	names []string
}

func readFixture(t testing.TB, archive *txtar.Archive) fixture {
	t.Helper()
	f := fixture{files: map[string]string{}}
	for _, file := range archive.Files {
		f.files[file.Name] = string(file.Data)
		f.names = append(f.names, file.Name)
	}
	return f
}

func (f fixture) document(name string) *site.PolicyFile {
	if text, ok := f.files[name]; ok {
		return &site.PolicyFile{Path: name, Source: []byte(fixtureText(text))}
	}
	return nil
}

func (f fixture) compile() (*Pipeline, site.Problems) {
	service := &site.Service{APIs: f.apis()}
	for _, name := range f.names {
		if id, ok := strings.CutSuffix(name, ".fragment.xml"); ok {
			service.Fragments = append(service.Fragments, &site.Fragment{ID: id, Policy: f.document(name)})
		}
	}
	for line := range strings.Lines(f.files["loggers"]) {
		service.Loggers = append(service.Loggers, &site.Logger{ID: strings.TrimSpace(line)})
	}
	for _, name := range f.names {
		if id, ok := strings.CutSuffix(name, ".schema.json"); ok {
			service.Schemas = append(service.Schemas, &site.Schema{ID: id, Type: "json", Document: plainJSON(f.files[name])})
		}
	}
	for line := range strings.Lines(f.files["backends"]) {
		id, u, _ := strings.Cut(strings.TrimSpace(line), " ")
		service.Backends = append(service.Backends, &site.Backend{ID: id, URL: u})
	}
	values := &NamedValues{}
	for line := range strings.Lines(f.files["named values"]) {
		name, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		bare, isSecret := strings.CutPrefix(name, "!")
		values.Set(bare, secret.New(v), isSecret)
	}
	env := NewEnv(&site.Site{Service: service}, values)
	if _, ok := f.files["certificates"]; ok {
		env.Certificates = fixtureCertificates()
	}
	for line := range strings.Lines(f.files["missing"]) {
		name, why, _ := strings.Cut(strings.TrimSpace(line), " ")
		if env.Missing == nil {
			env.Missing = map[string]string{}
		}
		env.Missing[name] = why
	}
	scopes := Scopes{
		Global: f.document("global.xml"), Product: f.document("product.xml"),
		API: f.document("api.xml"), Operation: f.document("operation.xml"),
		URLTemplate: strings.TrimSpace(f.files["template"]),
	}
	if text, ok := f.files["openapi.yaml"]; ok {
		scopes.Specification = &site.Specification{Path: "openapi.yaml", Source: []byte(text)}
		scopes.Described = &site.Operation{Method: cmp.Or(strings.TrimSpace(f.files["method"]), "POST"), URLTemplate: scopes.URLTemplate}
	}
	return Compile(scopes, env)
}

// plainJSON is a JSON document as schemas are; nil for none.
func plainJSON(text string) any {
	v, err := decodeJSON([]byte(text))
	if err != nil {
		return nil
	}
	return v
}

// apis are those of the fixture.
func (f fixture) apis() (apis []*site.API) {
	for line := range strings.Lines(f.files["apis"]) {
		words := strings.Split(strings.TrimSpace(line), "|")
		a := &site.API{ID: words[0], Name: words[1]}
		for _, o := range words[2:] {
			id, name, _ := strings.Cut(o, "=")
			a.Operations = append(a.Operations, &site.Operation{ID: id, Name: name})
		}
		apis = append(apis, a)
	}
	return apis
}

// locate gives a request its API, operation and product.
func (f fixture) locate(a *asked) {
	for i, known := range f.apis() {
		if known.ID != a.api && (i > 0 || a.api != "") {
			continue
		}
		a.x.API, a.x.Product = known, &site.Product{ID: "starter"}
		for k, o := range known.Operations {
			if o.ID == a.operation || k == 0 && a.operation == "" {
				a.x.Operation = o
			}
		}
	}
}

// begun is where the clock of a fixture stands.
var begun = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// surroundings are the services of a fixture's requests.
type surroundings struct {
	Services
	mu  sync.Mutex // guards now and did
	now time.Time
	// did is written down with the result; asked too, in the order of letters and
	// where the request did well: questions are asked at the same time, and the
	// first refusal ends the others.
	did   bytes.Buffer
	asked []string
	// budget is what is left for retry.
	budget int
}

// Emit writes a metric down.
func (s *surroundings) Emit(namespace, name string, value float64, dimensions []telemetry.Dimension) {
	fmt.Fprintf(&s.did, "metric %s/%s %v", namespace, name, value)
	for _, d := range dimensions {
		fmt.Fprintf(&s.did, " %q=%q", d.Name, d.Value)
	}
	fmt.Fprintln(&s.did)
}

func (s *surroundings) Request() {}

func (s *surroundings) Retry() bool {
	s.budget--
	return s.budget >= 0
}

func (f fixture) surroundings() *surroundings {
	s := &surroundings{now: begun}
	s.Now = func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.now
	}
	s.Random = zeros{}
	_, full := f.files["loggers are full"]
	s.Events = loggerStub{s, full}
	s.cached(f)
	s.Counters = limit.NewCounters(s.Now)
	s.Tokens, s.Metrics = limit.NewTokens(s.Now), s
	if text, ok := f.files["budget"]; ok {
		s.budget, _ = strconv.Atoi(strings.TrimSpace(text))
		s.Retries = s
	}
	s.Sleep = func(_ context.Context, d time.Duration) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.now = s.now.Add(d)
		fmt.Fprintf(&s.did, "waited %v\n", d)
		return nil
	}
	return s
}

// contentSafety is the emulated service as a policy asks it.
func (f fixture) contentSafety(around *surroundings) func(string, *http.Request) (*http.Response, error) {
	service := &emulator.ContentSafety{Words: map[string]emulator.Harm{}, Blocklists: map[string][]string{}}
	for line := range strings.Lines(f.files["content safety"]) {
		switch w := strings.Fields(line); w[0] {
		case "word":
			severity, _ := strconv.Atoi(w[3])
			service.Words[w[1]] = emulator.Harm{Category: w[2], Severity: severity}
		case "block":
			service.Blocklists[w[1]] = append(service.Blocklists[w[1]], w[2])
		case "attack":
			service.Attacks = append(service.Attacks, w[1])
		}
	}
	var mu sync.Mutex
	return func(id string, r *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		around.asked = append(around.asked, fmt.Sprintf("asked %s %s %.200s\n", id, r.URL.Path, body))
		if id == "down" {
			return nil, errors.New("connection refused")
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		w := httptest.NewRecorder()
		service.ServeHTTP(w, r)
		return w.Result(), nil
	}
}

// zeros is randomness that nobody need guess.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// asked is one request of a fixture, with what the test does to it.
type asked struct {
	x         *Exchange
	preflight bool
	refusal   *Error
	later     time.Duration
	// api and operation are ids; moved are the bytes of bodies.
	api, operation string
	moved          [2]int64
	open           bool
}

func parseRequest(t testing.TB, text string) asked {
	t.Helper()
	a := asked{x: &Exchange{
		RequestID: "8b523262-e7a2-4b7e-90f9-7259dc6c3450",
		ClientIP:  netip.MustParseAddr("192.0.2.7"),
	}}
	for {
		line, rest, _ := strings.Cut(text, "\n")
		directive, ok := strings.CutPrefix(line, "# ")
		if !ok {
			break
		}
		a.direct(t, directive)
		text = rest
	}
	line, rest, _ := strings.Cut(text, "\n")
	method, target, _ := strings.Cut(line, " ")
	path, query, _ := strings.Cut(target, "?")
	header, body := parseHead(t, rest)
	a.x.OriginalURL = &url.URL{Scheme: "https", Host: "gateway.example", Path: path, RawQuery: query}
	a.x.Request = Request{
		Method: method, Path: path, Query: query, Header: header,
		Backend: Target{BaseURL: &url.URL{Scheme: "https", Host: "backend.example"}},
	}
	if body != "" {
		a.x.Request.Body = &Body{Stream: io.NopCloser(strings.NewReader(body)), Length: int64(len(body))}
	}
	return a
}

func (a *asked) direct(t testing.TB, directive string) {
	t.Helper()
	word, rest, _ := strings.Cut(directive, " ")
	switch word {
	case "client":
		a.x.ClientIP, _ = netip.ParseAddr(rest)
	case "parameter":
		name, v, _ := strings.Cut(rest, "=")
		if a.x.MatchedParameters == nil {
			a.x.MatchedParameters = map[string]string{}
		}
		a.x.MatchedParameters[name] = v
	case "certificate":
		a.x.ClientCertificate = clientCertificate(rest)
	case "template":
		a.x.Operation = &site.Operation{URLTemplate: rest}
	case "caller":
		a.x.Subscription = &Subscription{ID: rest, Name: rest}
		a.x.Caller = func() string { return rest }
	case "nobody":
		a.x.Caller = func() string { return "" }
	case "barred":
		a.x.Permit = func() *Error { return parseError(rest) }
	case "later":
		d, err := time.ParseDuration(rest)
		if err != nil {
			t.Fatal(err)
		}
		a.later = d
	case "api":
		a.api, a.operation, _ = strings.Cut(rest, " ")
	case "subscription":
		id, created, _ := strings.Cut(rest, " ")
		a.x.Subscription = &Subscription{ID: id}
		a.x.Subscription.Created, _ = time.Parse(time.RFC3339, created)
	case "moved":
		if _, err := fmt.Sscan(rest, &a.moved[0], &a.moved[1]); err != nil {
			t.Fatal(err)
		}
	case "open":
		a.open = true
	case "preflight":
		a.preflight = true
	case "refused":
		a.refusal = parseError(rest)
		a.refusal.Frame = true
	default:
		t.Fatalf("no directive %q", directive)
	}
}

// parseError reads "STATUS SOURCE REASON MESSAGE".
func parseError(s string) *Error {
	fields := strings.SplitN(s, " ", 4)
	status, _ := strconv.Atoi(fields[0])
	return &Error{Status: status, Source: fields[1], Reason: fields[2], Message: fields[3], PublicMessage: fields[3]}
}

func parseHead(t testing.TB, text string) (http.Header, string) {
	t.Helper()
	head, body, _ := strings.Cut(text, "\n\n")
	if head == "" || strings.HasPrefix(text, "\n") {
		return http.Header{}, strings.TrimPrefix(text, "\n")
	}
	r := textproto.NewReader(bufio.NewReader(strings.NewReader(strings.TrimSuffix(head, "\n") + "\n\n")))
	h, err := r.ReadMIMEHeader()
	if err != nil {
		t.Fatalf("head %q: %v", head, err)
	}
	return http.Header(h), strings.TrimSuffix(body, "\n")
}

// closeCounter counts how often a body was closed.
type closeCounter struct {
	io.Reader
	closed int
}

func (c *closeCounter) Close() error { c.closed++; return nil }

// backendStub answers as a fixture says and writes down what it was sent.
type backendStub struct {
	t testing.TB
	// answers are those that are left.
	answers []string
	sent    bytes.Buffer
	bodies  []*closeCounter
	// said is the body of the last answer.
	said string
}

// ended is how an exchange ended that had an answer of the backend, or none.
func (b *backendStub) ended(x *Exchange) Ended {
	e := Ended{Status: x.Response.StatusCode}
	if e.Usage, e.Known = openai.ParseUsage([]byte(b.said)); !e.Known {
		var m openai.StreamMeter
		_, _ = m.Write([]byte(b.said))
		e.Usage, e.Known = m.Usage()
	}
	return e
}

func (b *backendStub) forward(_ context.Context, x *Exchange, opt ForwardOptions) error {
	r := &x.Request
	target := r.Backend.ID
	if target == "" && r.Backend.BaseURL != nil {
		target = r.Backend.BaseURL.String()
	}
	if r.Certificate != nil {
		fmt.Fprintf(&b.sent, "as %s\n", r.Certificate.Leaf.Subject)
	}
	fmt.Fprintf(&b.sent, "sent to %s\n%s %s", target, r.Method, r.Path)
	if r.Query != "" {
		fmt.Fprintf(&b.sent, "?%s", r.Query)
	}
	fmt.Fprintln(&b.sent)
	if opt.BufferRequestBody {
		if _, e := x.bytes(r.Body, true); e != nil {
			return e
		}
	}
	if opt != (ForwardOptions{BufferResponse: true}) {
		fmt.Fprintf(&b.sent, "options %+v\n", opt)
	}
	writeMessage(b.t, &b.sent, r.Header, r.Body)
	if x.NeedsUsage {
		fmt.Fprintln(&b.sent, "wants usage")
	}
	answer := b.answers[0]
	if len(b.answers) > 1 {
		b.answers = b.answers[1:]
	}
	x.dropResponse()
	if answer == "" {
		answer = "200 OK\nContent-Type: text/plain\n\nfrom the backend"
	}
	if rest, ok := strings.CutPrefix(answer, "# error "); ok {
		return parseError(strings.TrimSpace(rest))
	}
	if rest, ok := strings.CutPrefix(answer, "# refused "); ok {
		e := parseError(strings.TrimSpace(rest))
		e.Frame = true
		return e
	}
	if strings.HasPrefix(answer, "# panic") {
		panic("the backend stub was told to")
	}
	line, rest, _ := strings.Cut(answer, "\n")
	code, _, _ := strings.Cut(line, " ")
	status, _ := strconv.Atoi(code)
	h, body := parseHead(b.t, rest)
	b.said = body
	counter := &closeCounter{Reader: strings.NewReader(body)}
	b.bodies = append(b.bodies, counter)
	x.Response = &Response{StatusCode: status, Header: h, FromBackend: true, Body: &Body{Stream: counter, Length: -1}}
	return nil
}

func writeMessage(t testing.TB, w *bytes.Buffer, h http.Header, b *Body) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			fmt.Fprintf(w, "%s: %s\n", name, v)
		}
	}
	if b == nil {
		return
	}
	body := b.Bytes
	if b.Stream != nil {
		var err error
		if body, err = io.ReadAll(b.Stream); err != nil {
			t.Fatal(err)
		}
	} else if b.Length != int64(len(body)) {
		t.Errorf("a body of %d bytes has the length %d", len(body), b.Length)
	}
	fmt.Fprintf(w, "\n%s\n", body)
}

// result runs a request and writes down all that comes of it.
func (f fixture) result(t testing.TB, p *Pipeline, name string, around *surroundings) string {
	t.Helper()
	tokens := f.fixtureTokens(t)
	text := f.files[name]
	for short, token := range tokens {
		text = strings.ReplaceAll(text, short+";", token)
	}
	a := parseRequest(t, text)
	around.did.Reset()
	around.identify(t, f)
	around.hear(a.x)
	around.asked = nil
	around.now = around.now.Add(a.later)
	a.x.Started, a.x.Services = around.now, &around.Services
	f.locate(&a)
	a.x.CallBackend = f.contentSafety(around)
	a.x.Message = func(m Message) {
		fmt.Fprintf(&around.did, "message %s/%s %q %q\n", m.Source, m.Severity, m.Text, m.Metadata)
	}
	stub := &backendStub{t: t}
	answers := f.files["backend"]
	if own, ok := f.files["backend of "+strings.TrimPrefix(name, "request ")]; ok {
		answers = own
	}
	stub.answers = strings.Split(answers, "\n---\n")
	answers, ok := f.files["calls of "+strings.TrimPrefix(name, "request ")]
	if !ok {
		answers = f.files["calls"]
	}
	calls := newCallStub(t, answers)
	around.Calls = calls
	x := a.x
	x.Forward = stub.forward
	switch {
	case a.preflight:
		if !p.Preflight(t.Context(), x) {
			return "no cors policy\n"
		}
	case a.refusal != nil:
		p.Fail(t.Context(), x, a.refusal)
	default:
		p.Run(t.Context(), x)
	}
	out := &stub.sent
	out.WriteString(calls.String())
	out.Write(around.did.Bytes())
	if slices.Sort(around.asked); x.LastError == nil {
		out.WriteString(strings.Join(around.asked, ""))
	}
	fmt.Fprintf(out, "answer %d", x.Response.StatusCode)
	if x.Response.Reason != "" {
		fmt.Fprintf(out, " %s", x.Response.Reason)
	}
	fmt.Fprintln(out)
	writeMessage(t, out, x.Response.Header, x.Response.Body)
	if e := x.LastError; e != nil {
		fmt.Fprintf(out, "error %s/%s at %q %q %q id %q: %s\n", e.Source, e.Reason, e.Scope, e.Section, e.Path, e.PolicyID, e.Message)
	}
	for _, note := range x.Notes {
		fmt.Fprintf(out, "note %s\n", note)
	}
	if !a.open {
		around.did.Reset()
		ended := stub.ended(x)
		ended.BytesIn, ended.BytesOut = a.moved[0], a.moved[1]
		x.End(ended)
		out.Write(around.did.Bytes())
	}
	for i, body := range stub.bodies {
		current := x.Response.Body != nil && unrecorded(x.Response.Body.Stream) == io.ReadCloser(body)
		if current == (body.closed > 0) {
			t.Errorf("body %d of a backend is the answer's: %v, and was closed %d times", i, current, body.closed)
		}
	}
	text = out.String()
	for short, token := range tokens {
		text = strings.ReplaceAll(text, token, short+";")
	}
	return text
}
