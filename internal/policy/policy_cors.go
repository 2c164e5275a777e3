package policy

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func corsEntry() entry {
	return entry{
		name: "cors", sections: inOnly, scopes: everyScope,
		does: "cross-origin requests of browsers, preflights included",
		tier: tierA, page: page{
			intro: "Lets scripts of web pages call the API.",
			example: `
<cors allow-credentials="true">
  <allowed-origins>
    <origin>https://app.example</origin>
  </allowed-origins>
  <allowed-methods preflight-result-max-age="300">
    <method>GET</method>
    <method>POST</method>
  </allowed-methods>
  <allowed-headers>
    <header>api-key</header>
    <header>content-type</header>
  </allowed-headers>
  <expose-headers>
    <header>x-ratelimit-remaining-tokens</header>
  </expose-headers>
</cors>`,
			behaviour: []string{
				"Preflights of an operation whose effective inbound section holds cors are answered before the caller is identified, because browsers send no credential with them. They never reach a backend. Where origin, method and headers are allowed, the answer says so; otherwise it is 200 and nothing.",
				"Other requests with an allowed origin get the headers on whatever answer the pipeline makes, errors included, in the place of the backend's own.",
				"From another origin, GET and HEAD end with 200 and nothing. With `terminate-unmatched-request=\"false\"` they go on without the headers, and preflights are left to the next cors policy. Other methods always go on.",
				"Expressions are evaluated for preflights too, which run no other policy: they see the preflight as `context.Request`, and neither variables nor a caller. Of origins and headers none are computed.",
			},
			differences: []string{
				"`*` as origin stands alone and cannot go with `allow-credentials=\"true\"`; where an expression says true, credentials are not allowed to everyone.",
				"Origins are compared whole and without case; `null` is never allowed.",
				"A cors policy in another policy, such as choose, takes no part in preflights, because no policy but cors runs for them.",
				"An expression that fails in a preflight is answered with 500, which allows nothing; on-error does not run.",
			},
			errors: []errorLine{{"ExpressionValueEvaluationFailure", "an expression throws, or gives a value of another kind: 500"}},
		},
		attributes: []attribute{
			{name: "allow-credentials", expected: "true or false", otherwise: "false", expression: true},
			{name: "terminate-unmatched-request", expected: "true or false", otherwise: "true", expression: true},
		},
		children: []child{
			{name: "allowed-origins", required: true, expected: "who may call", children: []child{
				{name: "origin", required: true, many: true, expected: "scheme://host[:port], or * alone for everyone", text: hasText},
			}},
			{name: "allowed-methods", expected: "without it: GET and POST", attributes: []attribute{
				{name: "preflight-result-max-age", expected: "seconds", otherwise: "0", expression: true},
			}, children: []child{
				{name: "method", required: true, many: true, expected: "a method, or * for all", text: hasText, expression: true},
			}},
			{name: "allowed-headers", expected: "without it: those that browsers may always send", children: []child{
				{name: "header", many: true, expected: "a header name, or * for all", text: hasText},
			}},
			{name: "expose-headers", expected: "headers of answers that scripts may read", children: []child{
				{name: "header", many: true, expected: "a header name, or * for all", text: hasText},
			}},
		},
		compile: compileCORS,
	}
}

// cors is one cors policy. In lists, "*" stands alone for everything.
type cors struct {
	credentials boolValue
	// terminate: simple requests from elsewhere are answered with 200 and
	// nothing, and preflights are not left to other cors policies.
	terminate boolValue
	// origins and headers are in lower case, methods as they are written.
	origins, methods, headers []string
	// expose is the value of the header; empty: none.
	expose string
	maxAge intValue
	// computed are the methods that are computed.
	computed []textValue
}

// corsAllowed is what a cors policy says of the origin of one request.
type corsAllowed struct {
	*cors
	credentials bool
}

// do notes that the request's origin is allowed; its answer, whoever makes it,
// then says so.
func (s *cors) do(ctx context.Context, x *Exchange) (flow, *Error) {
	origin := x.Request.Header.Get("Origin")
	if origin == "" || x.allowed != nil {
		return next, nil
	}
	if s.allowsOrigin(origin) {
		credentials, e := s.credentials.is(ctx, x)
		if e != nil {
			return stop, e
		}
		x.allowed = &corsAllowed{s, credentials}
		return next, nil
	}
	simple := x.Request.Method == http.MethodGet || x.Request.Method == http.MethodHead
	if !simple {
		return next, nil
	}
	terminate, e := s.terminate.is(ctx, x)
	if e != nil {
		return stop, e
	}
	if terminate {
		x.answer(&Response{StatusCode: http.StatusOK})
		return stop, nil
	}
	return next, nil
}

// Preflight answers a CORS preflight: with what the first cors policy that
// allows origin, method and headers says, else with 200 and nothing. It reports
// false, and does nothing, where the pipeline has no cors policy. An expression
// that fails is an error, [Exchange.LastError], with its default answer: nothing
// is allowed by it.
func (p *Pipeline) Preflight(ctx context.Context, x *Exchange) bool {
	if !p.HasCORS() {
		return false
	}
	x.answer(&Response{StatusCode: http.StatusOK})
	h := x.Request.Header
	origin, method := h.Get("Origin"), h.Get("Access-Control-Request-Method")
	asked := strings.Join(h["Access-Control-Request-Headers"], ",")
	for i, s := range p.cors {
		done, e := s.preflight(ctx, x, origin, method, asked)
		if e != nil {
			e.place(p.corsAt[i])
			x.LastError = e
			x.answer(DefaultResponse(x, e))
			return true
		}
		if done {
			return true
		}
	}
	return true
}

// preflight answers one, or leaves it to other policies.
func (s *cors) preflight(ctx context.Context, x *Exchange, origin, method, asked string) (done bool, e *Error) {
	if !s.allowsOrigin(origin) {
		return s.terminate.is(ctx, x)
	}
	allowed, e := s.allowsMethod(ctx, x, method)
	if e != nil || !allowed || !s.allowsHeaders(asked) {
		return true, e
	}
	credentials, e := s.credentials.is(ctx, x)
	if e != nil {
		return true, e
	}
	age, e := s.maxAge.number(ctx, x)
	if e != nil {
		return true, e
	}
	h := x.Response.Header
	(&corsAllowed{s, credentials}).allow(h, origin)
	h["Access-Control-Allow-Methods"] = []string{method}
	if asked != "" {
		h["Access-Control-Allow-Headers"] = []string{asked}
	}
	h["Access-Control-Max-Age"] = []string{strconv.Itoa(age)}
	return true, nil
}

// allow writes what preflights and other answers have in common, in the place
// of what a backend may have said about it.
func (s *corsAllowed) allow(h http.Header, origin string) {
	if s.everyOrigin() {
		origin = "*"
	} else if !slices.Contains(h["Vary"], "Origin") {
		h["Vary"] = slices.Concat(h["Vary"], []string{"Origin"})
	}
	h["Access-Control-Allow-Origin"] = []string{origin}
	delete(h, "Access-Control-Allow-Credentials")
	if s.credentials && !s.everyOrigin() {
		h["Access-Control-Allow-Credentials"] = []string{"true"}
	}
}

// allowOrigin gives the response what the request's cors policy says.
func (x *Exchange) allowOrigin() {
	if x.allowed == nil {
		return
	}
	if x.Response.Header == nil {
		x.Response.Header = http.Header{}
	}
	h := x.Response.Header
	x.allowed.allow(h, x.Request.Header.Get("Origin"))
	delete(h, "Access-Control-Expose-Headers")
	if x.allowed.expose != "" {
		h["Access-Control-Expose-Headers"] = []string{x.allowed.expose}
	}
}

func (s *cors) everyOrigin() bool { return s.origins[0] == "*" }

func (s *cors) allowsOrigin(origin string) bool {
	return origin != "" && (s.everyOrigin() || slices.Contains(s.origins, strings.ToLower(origin)))
}

func (s *cors) allowsMethod(ctx context.Context, x *Exchange, method string) (bool, *Error) {
	if !isToken(method) {
		return false, nil
	}
	if len(s.methods) > 0 && (s.methods[0] == "*" || slices.Contains(s.methods, method)) {
		return true, nil
	}
	for i := range s.computed {
		one, e := s.computed[i].text(ctx, x)
		if e != nil {
			return false, e
		}
		if one = strings.TrimSpace(one); one == "*" || one == method {
			return true, nil
		}
	}
	return false, nil
}

// allowsHeaders checks the names of Access-Control-Request-Headers. They are
// written back, so they have to be names.
func (s *cors) allowsHeaders(asked string) bool {
	for name := range strings.SplitSeq(asked, ",") {
		name = strings.ToLower(strings.Trim(name, " \t"))
		if name == "" {
			continue
		}
		if !isToken(name) || !safelisted(name) && !slices.Contains(s.headers, "*") && !slices.Contains(s.headers, name) {
			return false
		}
	}
	return true
}

// safelisted are the headers that every page may send (Fetch standard).
func safelisted(name string) bool {
	return name == "accept" || name == "accept-language" || name == "content-language" || name == "content-type"
}

func compileCORS(c *compiler, n *Node) statement {
	s := &cors{
		credentials: c.boolAttribute(n, "allow-credentials", false),
		terminate:   c.boolAttribute(n, "terminate-unmatched-request", true),
		methods:     []string{http.MethodGet, http.MethodPost},
	}
	for _, k := range n.Elements() {
		switch k.Name {
		case "allowed-origins":
			s.origins = c.origins(k, s.credentials.compute == nil && s.credentials.literal)
		case "allowed-methods":
			s.methods, s.computed = c.methods(k)
			s.maxAge = c.intAttribute(k, "preflight-result-max-age", 0, 1<<31-1, 0)
		case "allowed-headers":
			s.headers = c.names(k, "a header name")
			for i := range s.headers {
				s.headers[i] = strings.ToLower(s.headers[i])
			}
		case "expose-headers":
			s.expose = strings.Join(c.names(k, "a header name"), ", ")
		}
	}
	return s
}

// methods takes those that are written, and those that are computed.
func (c *compiler) methods(n *Node) (written []string, computed []textValue) {
	plain := *n
	plain.Children = nil
	for _, k := range n.Elements() {
		if _, is := elementExpression(k); !is {
			plain.Children = append(plain.Children, k)
		} else if v, ok := c.textContent(k); ok {
			computed = append(computed, v)
		}
	}
	return c.names(&plain, "a method"), computed
}

// names takes tokens from the children of n; a "*" is all of them.
func (c *compiler) names(n *Node, expected string) []string {
	var names []string
	for _, k := range n.Elements() {
		v, ok := c.content(k)
		switch {
		case !ok:
		case v.text == "*":
			return []string{"*"}
		case isToken(v.text):
			names = append(names, v.text)
		default:
			c.malformed(v, k.Name, expected+", or *", "")
		}
	}
	return names
}

func (c *compiler) origins(n *Node, credentials bool) []string {
	var origins []string
	elements := n.Elements()
	for _, k := range elements {
		v, ok := c.content(k)
		if !ok {
			continue
		}
		switch {
		case v.text == "*" && len(elements) > 1:
			c.add(v.pos, "invalid-value", `"*" alone, or a list of origins`, "remove it, or the others", "an origin \"*\" stands beside others")
		case v.text == "*" && credentials:
			c.add(v.pos, "invalid-value", "the origins that may send credentials", "list them, or write allow-credentials=\"false\"",
				"every origin would be allowed with the caller's credentials")
		case v.text == "*":
			origins = append(origins, "*")
		default:
			if origin, ok := parseOrigin(v.text); ok {
				origins = append(origins, origin)
			} else {
				c.malformed(v, "origin", "scheme://host[:port], or * alone", "")
			}
		}
	}
	return origins
}

// parseOrigin is an origin as browsers write it: lower case, without the
// scheme's own port. A slash at the end, as in the reference's examples, goes.
func parseOrigin(s string) (string, bool) {
	s = strings.ToLower(strings.TrimSuffix(s, "/"))
	scheme, authority, ok := strings.Cut(s, "://")
	if !ok || !isScheme(scheme) || authority == "" || strings.ContainsAny(authority, "/?#@*, \t") || !isFieldValue(s) {
		return "", false
	}
	switch scheme {
	case "http":
		authority = strings.TrimSuffix(authority, ":80")
	case "https":
		authority = strings.TrimSuffix(authority, ":443")
	}
	return scheme + "://" + authority, true
}

func isScheme(s string) bool {
	for i := range len(s) {
		if c := s[i]; !('a' <= c && c <= 'z' || i > 0 && ('0' <= c && c <= '9' || strings.IndexByte("+-.", c) >= 0)) {
			return false
		}
	}
	return s != ""
}
