package policy

import (
	"cmp"
	"crypto/rand"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/clock"
	"github.com/cloister-ai/cloister/internal/csharp/request"
	"github.com/cloister-ai/cloister/internal/site"
)

// live is what the expressions of one exchange run with: a thread, and
// "context" as it stands now. It is made when the first expression runs.
type live struct {
	x       *Exchange
	thread  clr.Thread
	context request.Context
	request request.Request
	body    messageBody
	url     located
	// response is that of answer.
	response *request.Response
	answer   *Response
	// subscription is what context.Subscription was made for.
	subscription *Subscription
	// failure is the error of reading a body, which an expression only sees as
	// an exception.
	failure *Error
}

// located is where the request goes, as [live.url] was made for.
type located struct {
	path, query string
	target      Target
}

// expressions gives the exchange's own live, with "context" brought up to date.
func (x *Exchange) expressions() *live {
	l := x.live
	if l == nil {
		l = newLive(x)
		x.live = l
	}
	l.refresh()
	return l
}

func newLive(x *Exchange) *live {
	l := &live{x: x}
	l.thread = clr.Thread{Host: &l.context, Now: x.now, Random: x.random(), Zone: time.UTC}
	l.body = messageBody{l: l, of: &x.Request.Body}
	l.request = request.Request{
		OriginalURL:       originalURL(x),
		Headers:           headerValues{&x.Request.Header, x.host()},
		MatchedParameters: parameters(x),
		Certificate:       x.Certificate,
	}
	if x.ClientCertificate != nil && x.Certificate.IsNull() {
		l.request.Certificate = x.ClientCertificate.object()
	}
	if x.ClientIP.IsValid() {
		address := x.ClientIP.String()
		l.request.IPAddress = &address
	}
	l.context = request.Context{
		Request:    &l.request,
		Variables:  &x.Variables,
		API:        apiOf(x.API),
		Operation:  operationOf(x.Operation),
		Product:    productOf(x.Product),
		Deployment: &request.Deployment{},
		Timestamp:  x.Started,
		Elapsed:    func() time.Duration { return x.now().Sub(x.Started) },
		Trace:      func(message string) { x.say("context.Trace", message) },
		Tracing:    x.Observer != nil,
	}
	if x.Deployment != nil {
		own := *x.Deployment // it remembers what was made of it
		l.context.Deployment = &own
	}
	if u := x.User; u != nil {
		l.context.User = u
	}
	if id, err := clock.ParseGuid(x.RequestID); err == nil {
		l.context.RequestID = id
	}
	return l
}

// refresh brings what policies have changed into "context".
func (l *live) refresh() {
	x := l.x
	l.failure = nil
	l.request.Method = x.Request.Method
	if l.request.Foundry == nil && x.Model != "" {
		l.request.Foundry = &request.Foundry{Deployment: &x.Model}
	}
	l.request.Body = nil
	if x.Request.Body != nil {
		l.request.Body = &l.body
	}
	if now := (located{x.Request.Path, x.Request.Query, x.Request.Backend}); l.request.URL == nil || now != l.url {
		l.url = now
		l.request.URL = request.URLFrom(func() string { return x.requestURL(now) })
		l.context.Backend = backendOf(now.target)
	}
	if x.Response != l.answer || l.response == nil {
		l.answer, l.response = x.Response, nil
		if x.Response != nil {
			l.response = l.responseOf(x.Response)
		}
	}
	l.context.Response = l.response
	if r := l.response; r != nil {
		r.StatusCode = l.answer.StatusCode
		reason := cmp.Or(l.answer.Reason, http.StatusText(l.answer.StatusCode))
		if r.StatusReason == nil || *r.StatusReason != reason {
			r.StatusReason = &reason
		}
	}
	if s := x.Subscription; s != l.subscription {
		// A policy that names the caller may name its subscription.
		l.subscription = s
		l.context.Subscription = &request.Subscription{ID: &s.ID, Name: &s.Name, CreatedDate: s.Created}
		if s.Key != "" {
			l.context.Subscription.Key = &s.Key
		}
	}
	l.context.LastError = nil
	if e := x.LastError; e != nil {
		l.context.LastError = &request.LastError{
			Source: &e.Source, Reason: &e.Reason, Message: &e.Message,
			Scope: &e.Scope, Section: &e.Section, Path: &e.Path, PolicyID: &e.PolicyID,
		}
	}
}

// responseOf is an answer as expressions see it.
func (l *live) responseOf(r *Response) *request.Response {
	return &request.Response{Headers: headerValues{&r.Header, ""}, Body: &messageBody{l: l, of: &r.Body}}
}

func (x *Exchange) now() time.Time {
	if x.Services != nil && x.Services.Now != nil {
		return x.Services.Now().UTC()
	}
	return time.Now().UTC()
}

func (x *Exchange) random() io.Reader {
	if x.Services != nil && x.Services.Random != nil {
		return x.Services.Random
	}
	return rand.Reader
}

// host is the name by which the caller came, which net/http keeps apart from
// the other headers.
func (x *Exchange) host() string {
	if x.OriginalURL == nil {
		return ""
	}
	return x.OriginalURL.Host
}

func originalURL(x *Exchange) *request.URL {
	u := x.OriginalURL
	if u == nil {
		u = &url.URL{Scheme: "https", Host: "localhost", Path: "/"}
	}
	return request.URLFrom(func() string {
		out := *u
		if out.Scheme == "" {
			out.Scheme = "https"
		}
		if out.Host == "" {
			out.Host = "localhost"
		}
		return out.String()
	})
}

// requestURL is where the request goes: the backend's own address with the
// request's path below it.
func (x *Exchange) requestURL(now located) string {
	base := now.target.BaseURL
	if base == nil && x.BackendURL != nil && now.target.ID != "" {
		base = x.BackendURL(now.target.ID)
	}
	var b strings.Builder
	switch {
	case base != nil:
		b.WriteString(base.Scheme + "://" + base.Host)
		b.WriteString(strings.TrimSuffix(base.EscapedPath(), "/"))
	case x.host() != "":
		b.WriteString("https://" + x.host())
	default:
		b.WriteString("https://localhost")
	}
	if !strings.HasPrefix(now.path, "/") {
		b.WriteByte('/')
	}
	b.WriteString(now.path)
	if now.query != "" {
		b.WriteString("?" + now.query)
	}
	return b.String()
}

func backendOf(t Target) *request.Backend {
	if t.ID == "" {
		return nil
	}
	kind := "Single"
	if t.Pool {
		kind = "Pool"
	}
	return &request.Backend{ID: &t.ID, Kind: &kind}
}

func apiOf(a *site.API) *request.API {
	if a == nil {
		return nil
	}
	out := &request.API{
		ID: &a.ID, Name: &a.Name, Path: &a.Path, Version: &a.Version, Revision: &a.Revision, IsCurrentRevision: a.IsCurrent,
		Protocols: a.Protocols, Header: a.SubscriptionKeyHeader, Query: a.SubscriptionKeyQuery,
	}
	if a.ServiceURL != "" {
		out.ServiceURL = request.URLFrom(func() string { return a.ServiceURL })
	}
	return out
}

func operationOf(o *site.Operation) *request.Operation {
	if o == nil {
		return nil
	}
	return &request.Operation{ID: &o.ID, Name: &o.Name, Method: &o.Method, URLTemplate: &o.URLTemplate}
}

func productOf(p *site.Product) *request.Product {
	if p == nil {
		return nil
	}
	out := &request.Product{
		ID: &p.ID, Name: &p.Name, ApprovalRequired: p.ApprovalRequired, SubscriptionRequired: p.SubscriptionRequired,
		NotPublished: !p.Published,
	}
	for i := range p.Groups {
		out.Groups = append(out.Groups, request.Group{ID: &p.Groups[i], Name: &p.Groups[i]})
	}
	return out
}

// parameters are those of the operation's template, in the order of names.
func parameters(x *Exchange) []request.Parameter {
	var out []request.Parameter
	for _, name := range slices.Sorted(maps.Keys(x.MatchedParameters)) {
		out = append(out, request.Parameter{Name: name, Value: x.MatchedParameters[name]})
	}
	return out
}

// headerValues are headers as they stand when somebody looks. Names come in
// their order: net/http does not keep the one in which they came.
type headerValues struct {
	of *http.Header
	// host is the value of Host; empty: none.
	host string
}

// Get gives the values of a header.
func (h headerValues) Get(name string) ([]string, bool) {
	canonical := http.CanonicalHeaderKey(name)
	v, ok := (*h.of)[canonical]
	if !ok && h.host != "" && canonical == "Host" {
		return []string{h.host}, true
	}
	return v, ok
}

// Each goes through the headers.
func (h headerValues) Each(f func(name string, values []string) bool) {
	names := slices.Collect(maps.Keys(*h.of))
	if _, ok := (*h.of)["Host"]; !ok && h.host != "" {
		names = append(names, "Host")
	}
	slices.Sort(names)
	for _, name := range names {
		if values, ok := h.Get(name); ok && !f(name, values) {
			return
		}
	}
}

// Len is the number of names.
func (h headerValues) Len() int {
	n := len(*h.of)
	if _, ok := (*h.of)["Host"]; !ok && h.host != "" {
		n++
	}
	return n
}

// messageBody is the body of a message, read when an expression asks for it.
type messageBody struct {
	l  *live
	of **Body
}

// Read gives the content. Without preserve the message has none afterwards.
func (m *messageBody) Read(preserve bool) ([]byte, error) {
	content, e := m.l.x.bytes(*m.of, m.of == &m.l.x.Request.Body)
	if e != nil {
		m.l.failure = e
		return nil, e
	}
	if !preserve {
		*m.of = &Body{}
	}
	return content, nil
}
