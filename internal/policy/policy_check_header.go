package policy

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/cloister-ai/cloister/internal/secret"
)

func checkHeaderEntry() entry {
	return entry{
		name: "check-header", sections: inOnly, scopes: everyScope,
		does: "a header that the request must have, and its values",
		tier: tierA, page: page{
			intro: "Refuses requests that lack a header, or whose header has another value.",
			example: `
<check-header name="X-Tenant" failed-check-httpcode="403" failed-check-error-message="Not your tenant" ignore-case="true">
  <value>contoso</value>
  <value>@(context.Subscription.Name)</value>
</check-header>`,
			behaviour: []string{
				"Without `value` any value will do.",
				"The answer has the status and the message that the policy gives.",
				"`ignore-case` is about values. Names of headers have no case.",
				"All attributes and values may be expressions. Those of the status and the message run when a request is refused, those of values until one fits.",
			},
			differences: []string{
				"A header that comes several times counts as one value, joined by commas: a second line cannot slip by.",
				"In errors, the value of a header in which callers send credentials reads REDACTED.",
				"The status is one from 400 to 599.",
			},
			errors: []errorLine{
				{"HeaderNotFound", "the header is missing"},
				{"HeaderValueNotAllowed", "it has another value"},
				{"ExpressionValueEvaluationFailure", "an expression throws, or gives no header name, status or line of text"},
			},
		},
		attributes: []attribute{
			{name: "name", required: true, expected: "a header name", expression: true},
			{name: "failed-check-httpcode", required: true, expected: "a status from 400 to 599", expression: true},
			{name: "failed-check-error-message", required: true, expected: "text for the caller", expression: true},
			{name: "ignore-case", required: true, expected: "true or false", expression: true},
		},
		children: []child{{name: "value", many: true, expected: "one value that is allowed", text: hasText, expression: true}},
		compile:  compileCheckHeader,
	}
}

type checkHeader struct {
	name       textValue
	status     intValue
	message    textValue
	ignoreCase boolValue
	// values are those that are allowed; empty: any.
	values []textValue
}

func compileCheckHeader(c *compiler, n *Node) statement {
	s := &checkHeader{
		status:     c.intAttribute(n, "failed-check-httpcode", 400, 599, 500),
		ignoreCase: c.boolAttribute(n, "ignore-case", false),
	}
	s.name, _ = c.headerNameValue(n, "name")
	s.message, _ = c.textAttribute(n, "failed-check-error-message")
	for _, k := range n.Elements() {
		if v, ok := c.fieldContent(k); ok {
			s.values = append(s.values, v)
		}
	}
	return s
}

func (s *checkHeader) do(ctx context.Context, x *Exchange) (flow, *Error) {
	name, e := s.name.headerName(ctx, x, true)
	if e != nil {
		return stop, e
	}
	lines, exists := x.Request.Header[name]
	if name == "Host" && x.OriginalURL != nil {
		// The server takes it out of the headers.
		lines, exists = []string{x.OriginalURL.Host}, true
	}
	if !exists {
		return stop, s.answer(ctx, x, denied(0, "HeaderNotFound", fmt.Sprintf("Header %s was not found in the request. Access denied.", name), ""))
	}
	// All lines count as one value: a second one would go on to the backend
	// unchecked.
	value := strings.Join(lines, ",")
	ok, e := s.allows(ctx, x, value)
	if e != nil {
		return stop, e
	}
	if !ok {
		if x.secretHeader(name) {
			value = secret.Redacted
		}
		return stop, s.answer(ctx, x, denied(0, "HeaderValueNotAllowed", fmt.Sprintf("Header %s value of %s is not allowed. Access denied.", name, value), ""))
	}
	return next, nil
}

// allows reports whether a value is one of those that are allowed.
func (s *checkHeader) allows(ctx context.Context, x *Exchange, value string) (bool, *Error) {
	if len(s.values) == 0 {
		return true, nil
	}
	ignoreCase, e := s.ignoreCase.is(ctx, x)
	if e != nil {
		return false, e
	}
	for i := range s.values {
		want, e := s.values[i].fieldValue(ctx, x)
		if e != nil {
			return false, e
		}
		if want == value || ignoreCase && strings.EqualFold(want, value) {
			return true, nil
		}
	}
	return false, nil
}

// answer gives a refusal the status and the message of the policy.
func (s *checkHeader) answer(ctx context.Context, x *Exchange, refusal *Error) (e *Error) {
	if refusal.Status, e = s.status.number(ctx, x); e != nil {
		return e
	}
	if refusal.PublicMessage, e = s.message.text(ctx, x); e != nil {
		return e
	}
	return refusal
}

// carriesCredential reports whether callers send credentials in a header: its
// value has no place in an error, which ends in logs.
func (x *Exchange) carriesCredential(name string) bool {
	return credentialHeader(name) || x.API != nil && strings.EqualFold(name, x.API.SubscriptionKeyHeader)
}

// credentialHeader is true for headers that carry credentials in every API.
func credentialHeader(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Authorization", "Cookie", "Api-Key", "Ocp-Apim-Subscription-Key":
		return true
	}
	return false
}
