package simulate

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/policy"
)

// running is one run.
type running struct {
	ctx      context.Context
	script   *Script
	backends []policy.Backend
	calls    []Made
	sent     []sent
	trace    recorder
}

// sent is a request as it left.
type sent struct {
	method, url string
	header      map[string][]string
	body        string
}

// Result is what a request came to.
type Result struct {
	// Request is the request as it left last, or, where it did not leave, as
	// policies have shaped it.
	Request Request `json:"request"`
	// Forwarded is how often it was sent to a backend.
	Forwarded int      `json:"forwarded"`
	Response  Response `json:"response"`
	// Variables are all variables at the end, in the order in which they were set.
	Variables Variables `json:"variables"`
	// Calls are what policies sent, forwarded requests too, in order.
	Calls []Made `json:"calls"`
	// Error is context.LastError; nil: there was none.
	Error *LastError `json:"error,omitempty"`
	Notes []string   `json:"notes,omitempty"`
	Trace []Entry    `json:"trace"`
}

// Request is a request in the words of a context file.
type Request struct {
	Method  string              `json:"method"`
	URL     string              `json:"url"`
	Headers map[string][]string `json:"headers"`
	// Body is text; bytes that are none are base64 behind "base64:".
	Body string `json:"body"`
}

// Response is an answer in the words of a context file.
type Response struct {
	StatusCode   int                 `json:"statusCode"`
	StatusReason string              `json:"statusReason"`
	Headers      map[string][]string `json:"headers"`
	Body         string              `json:"body"`
}

// LastError is context.LastError.
type LastError struct {
	Source   string `json:"source"`
	Reason   string `json:"reason"`
	Message  string `json:"message"`
	Scope    string `json:"scope,omitempty"`
	Section  string `json:"section,omitempty"`
	Path     string `json:"path,omitempty"`
	PolicyID string `json:"policyId,omitempty"`
}

func (e *LastError) String() string {
	out := e.Source + "/" + e.Reason
	if e.Path != "" {
		out += " at " + e.Path
	}
	return out + ": " + e.Message
}

// Run takes a request through a pipeline. The script is used up by it.
func (w *World) Run(ctx context.Context, p *policy.Pipeline, backends []policy.Backend, d *Description, script *Script) (*Result, error) {
	x, err := d.exchange()
	if err != nil {
		return nil, err
	}
	w.Set(d.Now())
	x.Started = w.clock()
	w.run = &running{ctx: ctx, script: script, backends: backends}
	w.run.trace = recorder{now: w.clock}
	x.Services, x.Observer, x.Forward, x.CallBackend = &w.services, &w.run.trace, w.forward, w.callBackend
	x.BackendURL = w.run.backendURL
	if p.HasCORS() && isPreflight(x) {
		p.Preflight(ctx, x)
	} else {
		p.Run(ctx, x)
	}
	out, err := w.result(x)
	x.End(policy.Ended{Status: x.Response.StatusCode})
	return out, err
}

// isPreflight: as the gateway tells preflights from requests.
func isPreflight(x *policy.Exchange) bool {
	h := x.Request.Header
	return x.Request.Method == http.MethodOptions && len(h["Access-Control-Request-Method"]) == 1 && len(h["Origin"]) == 1
}

func (w *World) result(x *policy.Exchange) (*Result, error) {
	r := &Result{Notes: x.Notes, Forwarded: len(w.run.sent), Trace: w.run.trace.all()}
	if n := len(w.run.sent); n > 0 {
		m := w.run.sent[n-1]
		r.Request = Request{m.method, m.url, m.header, shown([]byte(m.body))}
	} else {
		r.Request = Request{Method: x.Request.Method, URL: w.run.addressOf(&x.Request), Headers: x.Request.Header, Body: bodyOf(x.Request.Body)}
	}
	body := x.Response.Body
	if body != nil && body.Stream != nil {
		content, err := io.ReadAll(body.Stream)
		if err != nil {
			return nil, err
		}
		body = &policy.Body{Bytes: content}
	}
	r.Response = Response{x.Response.StatusCode, x.Response.Reason, x.Response.Header, bodyOf(body)}
	if r.Response.StatusReason == "" {
		r.Response.StatusReason = http.StatusText(r.Response.StatusCode)
	}
	if r.Response.Headers == nil {
		r.Response.Headers = map[string][]string{}
	}
	r.Variables = variablesOf(&x.Variables)
	if r.Calls = w.run.calls; r.Calls == nil {
		r.Calls = []Made{}
	}
	if e := x.LastError; e != nil {
		r.Error = &LastError{e.Source, e.Reason, e.Message, e.Scope, e.Section, e.Path, e.PolicyID}
	}
	return r, nil
}

func (r *running) backendURL(id string) *url.URL {
	for _, b := range r.backends {
		if strings.EqualFold(b.ID, id) {
			return b.BaseURL
		}
	}
	return nil
}

// addressOf is where a request goes, as far as it is known.
func (r *running) addressOf(q *policy.Request) string {
	base := q.Backend.BaseURL
	if q.Backend.ID != "" {
		base = r.backendURL(q.Backend.ID)
	}
	if base == nil {
		base = &url.URL{Scheme: "https", Host: strings.ToLower(q.Backend.ID)}
	}
	out := base.Scheme + "://" + base.Host + strings.TrimSuffix(base.EscapedPath(), "/") + q.Path
	if q.Query != "" {
		out += "?" + q.Query
	}
	return out
}

func bodyOf(b *policy.Body) string {
	if b == nil {
		return ""
	}
	return shown(b.Bytes)
}

// shown is a body as text.
func shown(b []byte) string {
	if !utf8.Valid(b) {
		return "base64:" + base64.StdEncoding.EncodeToString(b)
	}
	return string(b)
}

// Variable is one variable.
type Variable struct {
	Name string
	csharp.Answer
}

// Variables are variables in the order in which they were set.
type Variables []Variable

func variablesOf(v *policy.Variables) (out Variables) {
	out = Variables{}
	t := &clr.Thread{Now: func() time.Time { return Begun }, Random: newRandom("variables"), Zone: time.UTC}
	v.Each(func(name string, value clr.Value) bool {
		t.Start(context.Background(), clr.DefaultLimits())
		defer t.End()
		out = append(out, Variable{name, csharp.AnswerValue(t, value)})
		return true
	})
	return out
}
