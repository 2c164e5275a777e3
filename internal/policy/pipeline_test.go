package policy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/cloister-ai/cloister/internal/site"
)

// mustCompile compiles the documents of an archive in text.
func mustCompile(t testing.TB, archive string) *Pipeline {
	t.Helper()
	p, problems := readFixture(t, txtar.Parse([]byte(archive))).compile()
	if problems.HasErrors() {
		t.Fatal(problems.Err())
	}
	return p
}

func newExchange(forward func(context.Context, *Exchange, ForwardOptions) error) *Exchange {
	return &Exchange{
		RequestID: "8b523262-e7a2-4b7e-90f9-7259dc6c3450", Forward: forward,
		Request: Request{Method: http.MethodGet, Path: "/", Header: http.Header{}},
	}
}

// fromBackend is a Forward that answers with a body whose end is counted.
func fromBackend(body *closeCounter) func(context.Context, *Exchange, ForwardOptions) error {
	return func(_ context.Context, x *Exchange, _ ForwardOptions) error {
		x.Response = &Response{StatusCode: 200, Header: http.Header{}, FromBackend: true, Body: &Body{Stream: body, Length: -1}}
		return nil
	}
}

// testStatement does what a test says.
type testStatement func(x *Exchange) (flow, *Error)

func (s testStatement) do(_ context.Context, x *Exchange) (flow, *Error) { return s(x) }

func testStep(name string, in section, s testStatement) step {
	return step{statement: s, at: &place{policy: name, scope: api, section: in, path: name + "[1]"}}
}

func body(t testing.TB, x *Exchange) string {
	t.Helper()
	if x.Response == nil {
		t.Fatal("no answer")
	}
	if x.Response.Body == nil {
		return ""
	}
	return string(x.Response.Body.Bytes)
}

func TestDefaultResponse(t *testing.T) {
	x := newExchange(nil)
	for name, test := range map[string]struct {
		e      Error
		status int
		want   string
	}{
		"key missing": {Error{Status: 401, PublicMessage: "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API."}, 401,
			`{ "statusCode": 401, "message": "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API." }`},
		"key invalid": {Error{Status: 401, PublicMessage: "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription."}, 401,
			`{ "statusCode": 401, "message": "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription." }`},
		"not found":  {Error{Status: 404, PublicMessage: "Resource not found"}, 404, `{ "statusCode": 404, "message": "Resource not found" }`},
		"internal":   {Error{Status: 500}, 500, `{ "statusCode": 500, "message": "Internal server error", "activityId": "8b523262-e7a2-4b7e-90f9-7259dc6c3450" }`},
		"no message": {Error{Status: 403}, 403, `{ "statusCode": 403, "message": "Forbidden" }`},
		"no error":   {Error{Status: 200}, 500, `{ "statusCode": 500, "message": "Internal server error", "activityId": "8b523262-e7a2-4b7e-90f9-7259dc6c3450" }`},
		"no status":  {Error{}, 500, `{ "statusCode": 500, "message": "Internal server error", "activityId": "8b523262-e7a2-4b7e-90f9-7259dc6c3450" }`},
		"escapes":    {Error{Status: 400, PublicMessage: "a \"b\" <c> & \\ \n é"}, 400, `{ "statusCode": 400, "message": "a \"b\" <c> & \\ \n é" }`},
	} {
		t.Run(name, func(t *testing.T) {
			got := DefaultResponse(x, &test.e)
			if got.StatusCode != test.status || string(got.Body.Bytes) != test.want || got.Body.Length != int64(len(test.want)) {
				t.Errorf("got %d %s", got.StatusCode, got.Body.Bytes)
			}
			if diff := cmp.Diff(http.Header{"Content-Type": {"application/json"}}, got.Header); diff != "" {
				t.Error(diff)
			}
		})
	}
	// The documented lengths of the two answers about keys.
	for message, want := range map[string]int{
		"Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API.": 152,
		"Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.":          143,
	} {
		if got := DefaultResponse(x, &Error{Status: 401, PublicMessage: message}); got.Body.Length != int64(want) {
			t.Errorf("%d bytes, want %d", got.Body.Length, want)
		}
	}
}

func TestDefaultResponseLeavesErrorAlone(t *testing.T) {
	e := &Error{Status: 401, Header: http.Header{"Www-Authenticate": {"x"}}}
	DefaultResponse(newExchange(nil), e).Header.Set("X", "y")
	if diff := cmp.Diff(http.Header{"Www-Authenticate": {"x"}}, e.Header); diff != "" {
		t.Error(diff)
	}
}

// A statement that fails unexpectedly is an error like any other, in every
// section.
func TestPanic(t *testing.T) {
	for s := inbound; s < sections; s++ {
		t.Run(s.String(), func(t *testing.T) {
			p := mustCompile(t, "")
			p.steps[s] = append(p.steps[s], testStep("odd", s, func(*Exchange) (flow, *Error) { panic("secret text") }))
			if s == onError {
				p.steps[inbound] = []step{testStep("first", inbound, func(*Exchange) (flow, *Error) {
					return stop, denied(418, "Reason", "message", "first")
				})}
			}
			stream := &closeCounter{Reader: strings.NewReader("x")}
			x := newExchange(fromBackend(stream))
			p.Run(t.Context(), x)
			if strings.Contains(body(t, x), "secret") || len(x.Notes) == 0 {
				t.Errorf("%s, notes %q", body(t, x), x.Notes)
			}
			wantSource, wantStatus := "odd", 500
			if s == onError {
				wantSource, wantStatus = "first", 418
			}
			if x.LastError.Source != wantSource || x.Response.StatusCode != wantStatus {
				t.Errorf("error of %s, status %d", x.LastError.Source, x.Response.StatusCode)
			}
			if !strings.Contains(x.LastError.Error(), "secret text") {
				t.Error("the cause is lost")
			}
			if reached := s == outbound || s == backend; reached != (stream.closed > 0) {
				t.Errorf("the backend's body was closed %d times", stream.closed)
			}
		})
	}
}

func TestAbortGoesOn(t *testing.T) {
	p := mustCompile(t, "")
	x := newExchange(func(context.Context, *Exchange, ForwardOptions) error { panic(http.ErrAbortHandler) })
	defer func() {
		if r := recover(); r != http.ErrAbortHandler {
			t.Errorf("got %v", r)
		}
	}()
	p.Run(t.Context(), x)
}

func TestForwardErrors(t *testing.T) {
	for name, err := range map[string]error{
		"foreign": errors.New("no route to 10.0.0.1"),
		"wrapped": errors.Join(errors.New("outer"), &Error{Source: "forward-request", Reason: "Timeout", Status: 500}),
	} {
		t.Run(name, func(t *testing.T) {
			x := newExchange(func(context.Context, *Exchange, ForwardOptions) error { return err })
			mustCompile(t, "").Run(t.Context(), x)
			if x.Response.StatusCode != 500 || strings.Contains(body(t, x), "10.0.0.1") || x.LastError.Source != "forward-request" {
				t.Errorf("%s from %+v", body(t, x), x.LastError)
			}
		})
	}
	t.Run("no answer", func(t *testing.T) {
		x := newExchange(func(context.Context, *Exchange, ForwardOptions) error { return nil })
		mustCompile(t, "").Run(t.Context(), x)
		if x.Response.StatusCode != 500 {
			t.Errorf("got %d", x.Response.StatusCode)
		}
	})
	t.Run("no way", func(t *testing.T) {
		x := newExchange(nil)
		mustCompile(t, "").Run(t.Context(), x)
		if x.Response.StatusCode != 500 {
			t.Errorf("got %d", x.Response.StatusCode)
		}
	})
}

// A refusal of the frame opens no connection.
func TestFailSkipsWhatConnects(t *testing.T) {
	p := &Pipeline{}
	var ran []string
	for _, name := range []string{"set-header", "send-request"} {
		s := testStep(name, onError, func(*Exchange) (flow, *Error) { ran = append(ran, name); return next, nil })
		s.connects = name == "send-request"
		p.steps[onError] = append(p.steps[onError], s)
	}
	x := newExchange(nil)
	p.Fail(t.Context(), x, &Error{Status: 403, Frame: true})
	if !slices.Equal(ran, []string{"set-header"}) || len(x.Notes) != 1 || !strings.Contains(x.Notes[0], "send-request") {
		t.Errorf("ran %q, notes %q", ran, x.Notes)
	}
	ran = nil
	p.steps[inbound] = []step{testStep("check-header", inbound, func(*Exchange) (flow, *Error) { return stop, denied(403, "r", "m", "p") })}
	p.Run(t.Context(), newExchange(nil))
	if !slices.Equal(ran, []string{"set-header", "send-request"}) {
		t.Errorf("for an error of the pipeline ran %q", ran)
	}
}

// However on-error answers a refusal, the status is an error's.
func TestFailStaysAnError(t *testing.T) {
	for code := 100; code <= 699; code++ {
		p := &Pipeline{}
		p.steps[onError] = []step{testStep("odd", onError, func(x *Exchange) (flow, *Error) { x.Response.StatusCode = code; return next, nil })}
		x := newExchange(nil)
		p.Fail(t.Context(), x, &Error{Status: 403})
		want := code
		if code < 400 || code > 599 {
			want = 403
		}
		if x.Response.StatusCode != want || (want != code) != (len(x.Notes) == 1) {
			t.Fatalf("%d became %d, notes %q", code, x.Response.StatusCode, x.Notes)
		}
	}
}

// On-error's own failure ends in the default answer to the first error.
func TestOnErrorFails(t *testing.T) {
	p := &Pipeline{}
	p.steps[onError] = []step{
		testStep("set-header", onError, func(x *Exchange) (flow, *Error) { x.Response.Header.Set("Half", "done"); return next, nil }),
		testStep("odd", onError, func(*Exchange) (flow, *Error) { return stop, &Error{Reason: "Second", Status: 502} }),
	}
	x := newExchange(nil)
	p.Fail(t.Context(), x, &Error{Source: "authorization", Reason: "First", Status: 401, PublicMessage: "no"})
	if x.Response.StatusCode != 401 || x.Response.Header.Get("Half") != "" || x.LastError.Reason != "First" || len(x.Notes) != 1 {
		t.Errorf("%d %v %v %q", x.Response.StatusCode, x.Response.Header, x.LastError, x.Notes)
	}
}

// The values that statements hold are not changed by what happens to a message
// afterwards.
func TestStatementsAreImmutable(t *testing.T) {
	p := mustCompile(t, `-- api.xml --
<policies>
  <inbound><base /><set-header name="Cookie"><value>a</value><value>b</value></set-header><set-body>body</set-body></inbound>
  <on-error><return-response><set-header name="Set-Cookie"><value>a</value></set-header><set-body>error</set-body></return-response></on-error>
</policies>
`)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				x := newExchange(func(_ context.Context, x *Exchange, _ ForwardOptions) error {
					x.Request.Header.Add("Cookie", "c")
					if got := x.Request.Header["Cookie"]; len(got) != 3 {
						t.Errorf("cookies %q", got)
					}
					x.Request.Body.Length = 99
					return &Error{Status: 500}
				})
				p.Run(context.Background(), x)
				x.Response.Header.Add("Set-Cookie", "more")
				if got := body(t, x); got != "error" || x.Response.Body.Length != 5 {
					t.Errorf("body %q of length %d", got, x.Response.Body.Length)
				}
				x.Response.Body.Length = 99
			}
		})
	}
	wg.Wait()
}

func TestTargets(t *testing.T) {
	p := mustCompile(t, `-- global.xml --
<policies><inbound><set-backend-service backend-id="EAST" /></inbound></policies>
-- api.xml --
<policies><inbound><base /></inbound><backend><set-backend-service base-url="https://b.example/x" /><base /></backend></policies>
-- operation.xml --
<policies><outbound><base /></outbound></policies>
-- backends --
east https://east.example
`)
	var got []string
	for _, use := range p.Targets() {
		where := use.ID
		if use.BaseURL != nil {
			where = use.BaseURL.String()
		}
		got = append(got, where+" "+use.Pos.String())
	}
	want := []string{"east global.xml:1:20", "https://b.example/x api.xml:1:47"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestHasCORS(t *testing.T) {
	var none *Pipeline
	with := mustCompile(t, "-- api.xml --\n<policies><inbound><cors><allowed-origins><origin>*</origin></allowed-origins></cors></inbound></policies>\n")
	if none.HasCORS() || mustCompile(t, "").HasCORS() || !with.HasCORS() {
		t.Error("HasCORS")
	}
}

// Documents that many operations share are compiled once; what is wrong with
// them is said each time.
func TestEnvRemembers(t *testing.T) {
	shared := &site.PolicyFile{Path: "api.xml", Source: []byte(`<policies><inbound><nothing /></inbound></policies>`)}
	env := NewEnv(&site.Site{Service: &site.Service{}}, nil)
	for range 2 {
		if _, problems := Compile(Scopes{API: shared}, env); len(problems) != 1 {
			t.Errorf("problems: %v", problems)
		}
	}
	if len(env.compiled.documents) != 1 {
		t.Errorf("%d documents", len(env.compiled.documents))
	}
}

// Fragments that include others twice, level after level, do not take forever.
func TestFragmentBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("-- api.xml --\n<policies><inbound><include-fragment fragment-id=\"f0\" /></inbound></policies>\n")
	for i := range maxFragmentDepth - 1 {
		b.WriteString("-- f" + string(rune('0'+i)) + ".fragment.xml --\n<fragment>")
		b.WriteString(strings.Repeat(`<include-fragment fragment-id="f`+string(rune('1'+i))+`" />`, 20))
		b.WriteString("</fragment>\n")
	}
	_, problems := readFixture(t, txtar.Parse([]byte(b.String()))).compile()
	if !slices.ContainsFunc(problems, func(p site.Problem) bool { return p.Code == "too-many-policies" }) {
		t.Errorf("problems: %v", problems)
	}
}

// A request that no policy touches costs the pipeline no memory.
func TestEmptyPipelineAllocates(t *testing.T) {
	p := mustCompile(t, "-- api.xml --\n<policies><inbound><base /></inbound><backend><base /></backend><outbound><base /></outbound></policies>\n")
	resp := &Response{StatusCode: 200, Header: http.Header{}}
	x := newExchange(func(_ context.Context, x *Exchange, _ ForwardOptions) error { x.Response = resp; return nil })
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { x.Response = nil; p.Run(ctx, x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEmptyPipeline(b *testing.B) {
	p := mustCompile(b, "")
	resp := &Response{StatusCode: 200, Header: http.Header{}}
	x := newExchange(func(_ context.Context, x *Exchange, _ ForwardOptions) error { x.Response = resp; return nil })
	b.ReportAllocs()
	for b.Loop() {
		x.Response = nil
		p.Run(b.Context(), x)
	}
}

func BenchmarkUsualPipeline(b *testing.B) {
	p := mustCompile(b, `-- api.xml --
<policies>
  <inbound><base />
    <ip-filter action="allow"><address-range from="10.0.0.0" to="10.255.255.255" /></ip-filter>
    <set-header name="X-Gateway"><value>cloister</value></set-header>
    <set-query-parameter name="api-version"><value>2024-10-21</value></set-query-parameter>
  </inbound>
  <outbound><base /><set-header name="Server" exists-action="delete" /></outbound>
</policies>
`)
	resp := &Response{StatusCode: 200, Header: http.Header{}}
	a := parseRequest(b, "# client 10.1.2.3\nPOST /chat?api-version=1\n")
	x := a.x
	x.Forward = func(_ context.Context, x *Exchange, _ ForwardOptions) error { x.Response = resp; return nil }
	b.ReportAllocs()
	for b.Loop() {
		x.Response = nil
		p.Run(b.Context(), x)
	}
}

var _ io.ReadCloser = (*closeCounter)(nil)
