package policy

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

const setHeaderName = "set-header"

func setHeaderEntry() entry {
	return entry{
		name: setHeaderName, sections: everySection, scopes: everyScope,
		does: "a header of the request (inbound, backend) or of the answer",
		tier: tierA, page: page{
			intro: "Sets or removes a header: of the request in inbound and backend, of the answer in outbound and on-error.",
			example: `
<set-header name="X-Gateway" exists-action="override">
  <value>cloister</value>
</set-header>
<set-header name="X-Tenant" exists-action="skip">
  <value>@(context.Subscription.Name)</value>
</set-header>
<set-header name="X-Debug" exists-action="delete" />`,
			behaviour: []string{
				"`override` replaces a header that exists, `skip` lets it stay, `append` gives it the values too, `delete` removes it. One that does not exist is added by the first three.",
				"Several values are joined by commas. On lines of their own stand those of User-Agent, WWW-Authenticate, Cookie, Set-Cookie, Warning, Date, Expires, If-Modified-Since, If-Unmodified-Since, Last-Modified and Retry-After.",
				"Name, action and values may be expressions. White space around a computed value goes; null is an empty value.",
			},
			differences: []string{
				"Refused are Connection, Content-Length, Keep-Alive, Transfer-Encoding and the other headers of a connection, because they are the gateway's; and Host of a request, which always names the backend.",
				"Values are one line without control characters.",
			},
			errors: []errorLine{
				{"ExpressionValueEvaluationFailure", "an expression throws, or gives what no header can be or hold"},
			},
		},
		attributes: []attribute{
			{name: "name", required: true, expected: "a header name", expression: true},
			{name: "exists-action", expected: listed(existsActions()), otherwise: "override", expression: true},
		},
		children: []child{{name: "value", many: true, expected: "one line of text", text: hasText, expression: true}},
		compile:  compileSetHeader,
	}
}

// Values of exists-action.
const (
	override   = "override"
	skip       = "skip"
	appendWord = "append"
	remove     = "delete"
)

func existsActions() []string { return []string{override, skip, appendWord, remove} }

type setHeader struct {
	name   textValue
	action choiceValue
	values []textValue
	// written are the values where all are written, ready for the header; they
	// are never written to, and their capacity is their length.
	written []string
	fixed   bool
	// answer: the header is the answer's.
	answer bool
}

func compileSetHeader(c *compiler, n *Node) statement {
	s := &setHeader{answer: c.onAnswer(), fixed: true}
	var ok bool
	if s.name, ok = c.headerNameValue(n, "name"); ok && s.name.compute == nil {
		c.checkHeader(n, s.name.literal, s.answer)
	}
	s.action = c.choiceAttribute(n, "exists-action", override, existsActions()...)
	for _, k := range n.Elements() {
		if v, ok := c.fieldContent(k); ok {
			if v.compute != nil && (s.name.compute != nil || credentialHeader(s.name.literal)) {
				v.compute.secret = true // the statement says what may be shown
			}
			s.values = append(s.values, v)
			s.fixed = s.fixed && v.compute == nil
		}
	}
	removes := s.action.compute == nil && s.action.literal == remove
	switch {
	case removes && len(s.values) > 0:
		c.warn(n.Pos, "value-without-effect", "remove the values", "set-header deletes %q, so its values have no effect", s.name.literal)
	case !removes && s.action.compute == nil && len(n.Elements()) == 0:
		c.add(n.Pos, "missing-element", "<value>", `write exists-action="delete" to remove the header`, "set-header sets %q to nothing", s.name.literal)
	}
	if s.fixed && s.name.compute == nil {
		for _, v := range s.values {
			s.written = append(s.written, v.literal)
		}
		s.written = fieldLines(s.name.literal, s.written)
	} else {
		s.fixed = false
	}
	return s
}

// fieldLines are the values as they stand in the header of that name.
func fieldLines(name string, values []string) []string {
	if !separate(name) && len(values) > 1 {
		values = []string{strings.Join(values, ",")}
	}
	return slices.Clip(values)
}

// checkHeader refuses headers that are not for policies.
func (c *compiler) checkHeader(n *Node, name string, answer bool) {
	pos := n.Attribute("name").ValuePos
	switch {
	case slices.Contains(framing(), name):
		c.strict(pos, "framing-header", "another header", "", "the header %q belongs to the connection; policies cannot touch it", name)
	case refusedHeader(name, answer || c.call):
		c.strict(pos, "framing-header", "another header", "choose the backend with set-backend-service",
			"the header \"Host\" always names the backend that the request goes to")
	}
}

// refusedHeader reports whether policies cannot set a header. Whoever chooses the
// Host chooses, behind a shared front, another service than the one that the
// site allows.
func refusedHeader(name string, answer bool) bool {
	return slices.Contains(framing(), name) || name == "Host" && !answer
}

// separate reports whether several values of a header stand on lines of their
// own, as API Management writes them, because they may hold commas; those of
// other headers are joined by commas.
func separate(name string) bool {
	switch name {
	case "User-Agent", "Www-Authenticate", "Cookie", "Set-Cookie", "Warning", "Date", "Expires",
		"If-Modified-Since", "If-Unmodified-Since", "Last-Modified", "Retry-After":
		return true
	}
	return false
}

func (s *setHeader) do(ctx context.Context, x *Exchange) (flow, *Error) {
	name, e := s.name.headerName(ctx, x, s.answer)
	if e != nil {
		return stop, e
	}
	action, e := s.action.word(ctx, x)
	if e != nil {
		return stop, e
	}
	values := s.written
	if !s.fixed && action != remove {
		values = make([]string, 0, len(s.values))
		for i := range s.values {
			v, e := s.values[i].fieldValue(ctx, x)
			if e != nil {
				return stop, e
			}
			values = append(values, v)
		}
		values = fieldLines(name, values)
	}
	if action != remove && x.secretHeader(name) {
		x.hideHeader(name, values)
	}
	if x.Observer != nil {
		x.say(name, s.shown(x, name, action, values))
	}
	if s.answer {
		setField(x.answered(), name, action, values)
		return next, nil
	}
	setField(x.requestHeader(), name, action, values)
	return next, nil
}

// shown is what observers see.
func (s *setHeader) shown(x *Exchange, name, action string, values []string) string {
	if action == remove {
		return "(deleted)"
	}
	if x.secretHeader(name) || slices.ContainsFunc(s.values, func(v textValue) bool { return v.secret }) {
		return masked
	}
	return strings.Join(values, ", ")
}

func setField(h http.Header, name, action string, values []string) {
	switch was, exists := h[name]; {
	case action == remove:
		delete(h, name)
	case !exists || action == override:
		h[name] = values
	case action == appendWord && separate(name):
		h[name] = slices.Concat(was, values)
	case action == appendWord:
		h[name] = []string{strings.Join(slices.Concat(was, values), ",")}
	}
}

// answered is the header of the answer; where there is none yet, of an empty
// one, which holds until a backend answers.
func (x *Exchange) answered() http.Header {
	if x.Response == nil {
		x.answer(&Response{StatusCode: http.StatusOK})
	}
	if x.Response.Header == nil {
		x.Response.Header = http.Header{}
	}
	return x.Response.Header
}
