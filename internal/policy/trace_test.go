package policy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestRecorderIsBounded: a trace has room for so many entries and bytes, and says
// how many had none.
func TestRecorderIsBounded(t *testing.T) {
	x := newExchange(nil)
	r := NewRecorder(x, time.Now)
	at := Place{Policy: "set-header", Section: "inbound", Path: "set-header[1]"}
	for range maxTraceEntries + 5 {
		r.Begin(at)
		r.Say(at, "value", "x")
		r.End(at, nil)
	}
	trace := r.Finish(200, nil, nil, "")
	if n := len(trace.Entries["inbound"]); n != maxTraceEntries || trace.Dropped != 7 {
		t.Errorf("%d entries, %d dropped", n, trace.Dropped)
	}
	r = NewRecorder(x, time.Now)
	r.Begin(at)
	for range 1000 {
		r.Say(at, "value", strings.Repeat("x", 4<<10))
	}
	r.End(at, &Error{Source: "set-header", Reason: "R", Message: "m"})
	if r.Size() > maxTraceBytes+2048 || r.Finish(500, nil, nil, "").Dropped == 0 {
		t.Errorf("%d bytes", r.Size())
	}
	// Heads and errors of any size.
	x.Request.Header = http.Header{}
	for i := range 10_000 {
		x.Request.Header.Set(fmt.Sprint("X-", i), strings.Repeat("h", 8<<10))
	}
	r = NewRecorder(x, time.Now)
	for range 100 {
		r.Begin(at)
		r.Forwarding("POST", "https://backend.example/?query=hidden", x.Request.Header)
		r.Answered("backend", &Response{StatusCode: 200, Header: x.Request.Header})
		r.End(at, &Error{Source: "set-header", Reason: "R", Message: strings.Repeat("m", 1<<20)})
	}
	b, err := json.Marshal(r.Finish(200, x.Request.Header, nil, ""))
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 2*maxTraceBytes || strings.Contains(string(b), "hidden") || !strings.Contains(string(b), "mmm…") {
		t.Errorf("%d bytes", len(b))
	}
	// What nobody began is nothing.
	r.Say(Place{Policy: "other"}, "a", "b")
	r.End(Place{Policy: "other"}, nil)
	r.Answered("backend", &Response{})
}

// TestTraceHidesObtained: what policies obtain or use as credentials stands in no
// trace and no note, in variables and in texts around it.
func TestTraceHidesObtained(t *testing.T) {
	f := readFixture(t, txtar.Parse([]byte(`-- authorizations --
github/team token-of-the-connection
-- named values --
!user=the-user-name
!password=the-pass-word
-- api.xml --
<policies><inbound>
<authentication-managed-identity resource="https://vault.example" output-token-variable-name="mi" />
<set-variable name="a" value="@("it is " + (string)context.Variables["mi"])" />
<get-authorization-context provider-id="github" authorization-id="team" context-variable-name="auth" identity-type="managed" />
<set-variable name="b" value="@(((Authorization)context.Variables["auth"]).AccessToken)" />
<set-variable name="c" value="@(Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes("token=" + (string)context.Variables["b"])))" />
<authentication-basic username="{{user}}" password="{{password}}" />
<set-variable name="d" value="@(context.Request.Headers.GetValueOrDefault("Authorization", "").AsBasic().Password + context.Request.Headers.GetValueOrDefault("Authorization", ""))" />
<set-variable name="e" value="@("used-only-" + "later-on")" />
<set-query-parameter name="sig"><value>@((string)context.Variables["e"])</value></set-query-parameter>
<set-variable name="f" value="@(context.Request.Headers.GetValueOrDefault("X-Cut", ""))" />
<set-header name="X-Access-Token"><value>@(context.Request.Headers.GetValueOrDefault("X-Cut", "").Substring(4088))</value></set-header>
<set-variable name="g" value="@(((string)null).Length + (string)context.Variables["mi"])" />
</inbound></policies>
`)))
	p, problems := f.compile()
	if problems.HasErrors() {
		t.Fatal(problems.Err())
	}
	var s surroundings
	x := newExchange(nil)
	x.Services = &s.Services
	s.Services.Now = time.Now
	s.identify(t, f)
	x.Request.Header.Set("X-Cut", strings.Repeat("x", 4088)+"divided-by-the-cut")
	r := NewRecorder(x, time.Now)
	x.Observer = r
	p.Run(t.Context(), x)
	x.Note("mi(https://vault.example)")
	b, err := json.Marshal(r.Finish(500, nil, x.LastError, ""))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b) + strings.Join(x.Notes, "")
	for _, credential := range []string{"mi(https", "token-of-the", "dG9rZW4tb2YtdGhl", "the-pass-word", "the-user-name", "dGhlLXVzZXIt", "used-only", "divided", "2RpdmlkZWQ"} {
		if strings.Contains(text, credential) {
			t.Errorf("%q is in it: %s", credential, text)
		}
	}
	if n := strings.Count(text, `"source":"set-variable"`); n != 9 { // the last is the error's source too
		t.Errorf("%d variables: %s", n, text)
	}
	if !strings.Contains(text, "it is ***") || !strings.Contains(text, "x***…") {
		t.Errorf("more is gone: %s", text)
	}
}

func TestSpanText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "00:00:00.0000000", -1: "00:00:00.0000000", 1234567 * time.Nanosecond: "00:00:00.0012345",
		25*time.Hour + 2*time.Minute + 3*time.Second: "25:02:03.0000000",
	} {
		if got := spanText(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

// TestRecorderDepth: those that run at the same time stand beside each other.
func TestRecorderDepth(t *testing.T) {
	r := NewRecorder(newExchange(nil), time.Now)
	place := func(path string) Place {
		return Place{Policy: "p", Scope: "api", Section: "inbound", Path: path}
	}
	for _, path := range []string{"wait[1]", "wait[1]/choose[1]", "wait[1]/choose[1]/when[1]/send-request[1]", "wait[1]/send-request[1]", "wait[1]/send-request[10]"} {
		r.Begin(place(path))
	}
	elsewhere := place("wait[1]/send-request[2]")
	elsewhere.Scope = "global"
	r.Begin(elsewhere)
	var depths []int
	for _, e := range r.Finish(200, nil, nil, "").Entries["inbound"] {
		depths = append(depths, e.Data.Depth)
	}
	if got := fmt.Sprint(depths); !strings.HasSuffix(got, " 0 1 2 1 1 0]") {
		t.Errorf("depths %s", got)
	}
}
