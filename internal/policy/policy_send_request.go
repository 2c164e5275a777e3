package policy

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/request"
)

const (
	sendRequestName = "send-request"
	// callTimeout is the documented default, in seconds.
	callTimeout = 60
)

func sendRequestEntry() entry {
	return entry{
		name: sendRequestName, sections: everySection, scopes: everyScope, connects: true,
		does: "a call whose answer goes into a variable",
		tier: tierA, page: page{
			intro: "Sends a request of its own and puts the answer, an `IResponse`, into a variable.",
			example: `
<send-request mode="new" response-variable-name="token" timeout="20" ignore-error="true">
  <set-url>https://login.contoso.example/introspect</set-url>
  <set-method>POST</set-method>
  <set-header name="Content-Type" exists-action="override">
    <value>application/x-www-form-urlencoded</value>
  </set-header>
  <set-body>@("token=" + Uri.EscapeDataString(context.Request.Headers.GetValueOrDefault("X-Token", "")))</set-body>
</send-request>
<choose>
  <when condition="@(context.Variables["token"] == null || !(bool)((IResponse)context.Variables["token"]).Body.As<JObject>()["active"])">
    <return-response>
      <set-status code="401" reason="Unauthorized" />
    </return-response>
  </when>
</choose>`,
			behaviour: append(callBehaviour(),
				"Head and body of the answer are read at once, within the timeout; an answer may have 8 MiB. Every status is an answer: 404 and 500 are no errors. Redirects are answers too.",
				"An error of the call (no connection, no answer in time, an answer that is too large, no token or certificate to log in with) goes to on-error. With `ignore-error=\"true\"` the variable is null then, the record has a note, and the pipeline goes on. Errors of expressions, and a request that has ended itself, are not ignored.",
				"The body of the answer can be read once, unless it is read with `As<T>(preserveContent: true)`.",
			),
			differences: callDifferences(),
			errors: append(callErrors(),
				errorLine{"BodyTooLarge", "the answer has more than 8 MiB"},
			),
		},
		attributes: []attribute{
			{name: "mode", expected: listed(callModes()), otherwise: modeNew, expression: true},
			{name: "response-variable-name", required: true, expected: "the name of a variable", expression: true},
			{name: "timeout", expected: "seconds, from 1 to 3600", otherwise: "60", expression: true},
			{name: "ignore-error", expected: "true or false", otherwise: "false"},
		},
		children: callChildren(),
		compile:  compileSendRequest,
	}
}

// callBehaviour is what holds for every call.
func callBehaviour() []string {
	return []string{
		"The destination has to be in `destinations.call` of cloister.yaml, by exact host and port: a URL that is written and not listed is an error when the site is loaded, a computed one fails with `BackendConnectionFailure`. Plain HTTP goes to loopback addresses only. `caFile` of the destination names the CAs of a private service.",
		"`mode=\"new\"` begins with an empty request, by GET unless `set-method` says otherwise. `mode=\"copy\"` begins with method, headers and body of the current request, and with its URL where `set-url` is left out; in outbound there is no body.",
		"A copy has none of the credentials that the caller sent, no cookie, and no header of the connection. A document that means to pass one on sets it, as it may pass on anything that it reads.",
		"`authentication-managed-identity` and `authentication-certificate` log in to the service; they are as outside of it. A connection with a certificate is used for one call.",
		"The policies in it shape this request, whatever section they stand in; their expressions see `context.Request` as it is for the backend.",
		"A credential that the gateway holds for a host is never sent to another one: such a request is refused with 403 (`BackendCredentialTravels`), whatever `ignore-error` says.",
	}
}

func callDifferences() []string {
	return []string{
		"API Management calls any address that its network reaches.",
		"`mode=\"copy\"` of API Management copies the caller's credentials.",
		"`proxy` in it is refused, see its page. Headers of the connection cannot be set. `Host` may be set to the host of the URL, and to no other: such a request fails with `BackendConnectionFailure`.",
		"`set-method` may be an expression, and may be left out in mode new.",
	}
}

func callErrors() []errorLine {
	return []errorLine{
		{"BackendConnectionFailure", "the URL cannot be called, the destination is not listed, or the connection failed: 500"},
		{"Timeout", "no whole answer in time: 500"},
		{"BackendCredentialFailure", "there is no token or certificate to log in with: 500"},
		{"BackendCredentialTravels", "the request carries a credential for another host: 403"},
		{"ExpressionValueEvaluationFailure", "an expression throws, or gives no value that can be used"},
	}
}

const (
	modeNew  = "new"
	modeCopy = "copy"
)

func callModes() []string { return []string{modeNew, modeCopy} }

// callChildren are the elements of the policies that call, in their documented
// order.
func callChildren() []child {
	return []child{
		{name: "set-url", expected: "a URL: https, a host, a path", text: hasText, expression: true},
		{name: "set-method", policy: true, expected: "as the policy set-method"},
		{name: setHeaderName, policy: true, many: true, expected: "as the policy set-header"},
		{name: "set-body", policy: true, expected: "as the policy set-body"},
		{name: "authentication-certificate", policy: true, expected: "as the policy authentication-certificate"},
		{name: "authentication-managed-identity", policy: true, expected: "as the policy authentication-managed-identity"},
		{name: "proxy", policy: true, expected: "as the policy proxy"},
	}
}

// callMessage is the request of a policy that calls.
type callMessage struct {
	mode choiceValue
	// url is where it goes; not given: where the exchange's request goes. fixed is
	// it where it is written.
	url     textValue
	fixed   *url.URL
	timeout intValue
	shape   []step
	section section
}

// compileCall compiles what the policies that call share.
func (c *compiler) compileCall(n *Node) callMessage {
	m := callMessage{
		mode:    c.choiceAttribute(n, "mode", modeNew, callModes()...),
		timeout: c.intAttribute(n, "timeout", 1, 3600, callTimeout),
		section: c.section,
	}
	inner := *c
	inner.call, inner.answer = true, false
	counts := map[string]int{}
	for _, k := range n.Elements() {
		if k.Name == "set-url" {
			m.url, m.fixed = c.callURL(k)
			continue
		}
		if !isCallChild(k.Name) {
			continue // the shape of the policy has it as a problem
		}
		counts[k.Name]++
		if s := inner.part(k, fmt.Sprintf("%s/%s[%d]", c.at.path, k.Name, counts[k.Name])); s.statement != nil {
			m.shape = append(m.shape, s)
		}
	}
	if m.mode.compute == nil && m.mode.literal == modeNew {
		if !m.url.given {
			c.add(n.Pos, "missing-element", "<set-url>", `add <set-url>https://…</set-url>, or mode="copy"`, "%s says of no URL where it goes", n.Name)
		}
		if counts["set-method"] == 0 {
			c.warn(n.Pos, "method-left-out", "add <set-method>GET</set-method>", "API Management's reference requires set-method in mode new; the request is a GET")
		}
	}
	return m
}

func isCallChild(name string) bool {
	for _, k := range callChildren() {
		if k.name == name {
			return true
		}
	}
	return false
}

// part compiles a policy that stands in another one as an element of it, where
// sections do not count.
func (c *compiler) part(n *Node, path string) step {
	e := c.entry(n)
	if e == nil {
		return step{}
	}
	at := *c.at
	at.policy, at.path, at.pos = n.Name, path, n.Pos
	whole := c.shape(n, e.attributes, e.children, e.text)
	if e.compile == nil {
		c.look(n, e)
		c.refuse(n, e)
		return step{}
	}
	inner := *c
	inner.at = &at
	s := e.compile(&inner, n)
	if why := c.env.Missing[n.Name]; why != "" {
		c.strict(n.Pos, "policy-not-available", "", e.mend(), "the policy %q %s", n.Name, why)
	}
	if !whole {
		return step{}
	}
	return step{statement: s, at: &at}
}

// callURL takes the text of set-url.
func (c *compiler) callURL(n *Node) (textValue, *url.URL) {
	t, ok := c.textContent(n)
	if !ok || t.compute != nil {
		return t, nil
	}
	u, err := parseCallURL(t.literal)
	if err != nil {
		v, _ := c.content(n)
		// The error may hold parts of the text, and so of a secret.
		c.malformed(v, "set-url", "a URL: https, a host, a path", "")
		return t, nil
	}
	return t, u
}

// calls is where it goes, where that is written.
func (m *callMessage) calls() (CallUse, bool) {
	return CallUse{URL: m.fixed, Pos: m.url.pos, Secret: m.url.secret}, m.fixed != nil
}

// make builds the request. An error that is the call's own, which ignore-error
// is about, comes as failure.
func (m *callMessage) make(ctx context.Context, x *Exchange) (r *CallRequest, failure, e *Error) {
	mode, e := m.mode.word(ctx, x)
	if e != nil {
		return nil, nil, e
	}
	seconds, e := m.timeout.number(ctx, x)
	if e != nil {
		return nil, nil, e
	}
	made := &outgoing{method: http.MethodGet, header: http.Header{}}
	own := ""
	if mode == modeCopy {
		if own, e = m.copy(x, made); e != nil {
			return nil, nil, e
		}
	}
	u, e := m.where(ctx, x, own)
	if e != nil {
		return nil, nil, e
	}
	before, at := x.making, x.at
	x.making = made
	_, e = run(ctx, x, m.shape)
	x.making, x.at = before, at
	switch {
	case e != nil && !e.Frame && e.Reason == "BackendCredentialFailure":
		return nil, e, nil // the call cannot log in
	case e != nil:
		return nil, nil, e
	case u == nil:
		return nil, callFailed("BackendConnectionFailure", "The URL is none that can be called.", nil), nil
	}
	if !made.namesHost(u) {
		return nil, callFailed("BackendConnectionFailure", "The header Host names another host than the URL.", nil), nil
	}
	r, e = x.ready(u, made, time.Duration(seconds)*time.Second)
	return r, nil, e
}

// copy begins with the exchange's request, and gives its URL.
func (m *callMessage) copy(x *Exchange, made *outgoing) (own string, e *Error) {
	made.method = x.Request.Method
	h, query := x.copied()
	made.header, own = h, x.requestURL(located{x.Request.Path, query, x.Request.Backend})
	body := x.Request.Body
	if m.section == outbound || body == nil || body.Stream != nil && body.Sent {
		return own, nil
	}
	content, e := x.bytes(body, true)
	made.body = &Body{Bytes: content, Length: int64(len(content))}
	return own, e
}

// where is the URL; nil: it is none that can be called. own is that of a copy.
func (m *callMessage) where(ctx context.Context, x *Exchange, own string) (*url.URL, *Error) {
	if m.fixed != nil {
		return m.fixed, nil
	}
	text := own
	if m.url.given {
		var e *Error
		if text, e = m.url.text(ctx, x); e != nil {
			return nil, e
		}
	}
	u, err := parseCallURL(strings.TrimSpace(text))
	if err != nil {
		return nil, nil
	}
	return u, nil
}

type sendRequest struct {
	callMessage
	variable textValue
	ignore   bool
}

func compileSendRequest(c *compiler, n *Node) statement {
	s := &sendRequest{callMessage: c.compileCall(n), ignore: c.boolean(n, "ignore-error", false)}
	var ok bool
	if s.variable, ok = c.textAttribute(n, "response-variable-name"); ok && s.variable.compute == nil {
		if s.variable.literal = strings.TrimSpace(s.variable.literal); s.variable.literal == "" {
			v, _ := c.attribute(n, "response-variable-name")
			c.invalid(v, "response-variable-name", "the name of a variable", "")
		}
	}
	return s
}

func (s *sendRequest) do(ctx context.Context, x *Exchange) (flow, *Error) {
	name, e := s.variable.text(ctx, x)
	if e != nil {
		return stop, e
	}
	r, failure, e := s.make(ctx, x)
	if e != nil {
		return stop, e
	}
	var resp *CallResponse
	if failure == nil {
		var ended bool
		if resp, failure, ended = x.call(ctx, r); ended {
			return stop, failure
		}
	}
	if failure != nil {
		text := failure.Reason + ": " + failure.Message
		if r != nil {
			text = r.Method + " " + hostOf(r.URL) + ": " + text
		}
		x.Note(x.at.String() + ": " + text)
		if !s.ignore {
			return stop, failure
		}
		x.Variables.Set(name, clr.Null)
		return next, nil
	}
	if x.Observer != nil {
		x.say("call", fmt.Sprintf("%s %s → %d", r.Method, hostOf(r.URL), resp.StatusCode))
	}
	x.Variables.Set(name, clr.Obj(responseValue(resp)))
	return next, nil
}

// responseValue is an answer as expressions see it.
func responseValue(r *CallResponse) *request.Response {
	reason := r.Reason
	if reason == "" {
		reason = http.StatusText(r.StatusCode)
	}
	header := r.Header
	if header == nil {
		header = http.Header{}
	}
	return &request.Response{
		StatusCode: r.StatusCode, StatusReason: &reason,
		Headers: headerValues{&header, ""}, Body: request.Text(string(r.Body)),
	}
}
