package policy

import (
	"context"
	"net/http"
	"strconv"
)

func setStatusEntry() entry {
	return entry{
		name: "set-status", sections: everySection, scopes: everyScope,
		does: "the status of the answer",
		tier: tierA, page: page{
			intro: "Changes the status of the answer.",
			example: `
<!-- outbound -->
<set-status code="@(context.Response.StatusCode == 404 ? 204 : context.Response.StatusCode)" reason="Done" />`,
			behaviour: []string{
				"In inbound and backend it sets the status of the answer that callers get if no backend answers.",
				"The reason is sent on HTTP/1.1 only; HTTP/2 has none.",
				"Both may be expressions.",
			},
			differences: []string{
				"A status is from 200 to 599: 100 and its like are not answers.",
				"Without `reason` it is the status's own; API Management asks for one.",
			},
			errors: []errorLine{
				{"ExpressionValueEvaluationFailure", "an expression throws, or gives no status or line of text"},
			},
		},
		attributes: []attribute{
			{name: "code", required: true, expected: "a status from 200 to 599", expression: true},
			{name: "reason", expected: "one line of text", otherwise: "the status's own", expression: true},
		},
		compile: compileSetStatus,
	}
}

type setStatus struct {
	code   intValue
	reason textValue
}

func compileSetStatus(c *compiler, n *Node) statement {
	s := &setStatus{code: c.intAttribute(n, "code", 200, 599, http.StatusOK)}
	var ok bool
	if s.reason, ok = c.textAttribute(n, "reason"); ok && !isFieldValue(s.reason.literal) {
		v, _ := c.attribute(n, "reason")
		c.invalid(v, "reason", "one line without control characters", "")
	}
	return s
}

// do sets the status of the answer. Before a backend has answered it is that of
// an empty answer, which holds if no backend does.
func (s *setStatus) do(ctx context.Context, x *Exchange) (flow, *Error) {
	code, e := s.code.number(ctx, x)
	if e != nil {
		return stop, e
	}
	reason, e := s.reason.fieldValue(ctx, x)
	if e != nil {
		return stop, e
	}
	x.answered()
	x.Response.StatusCode, x.Response.Reason = code, reason
	if x.Observer != nil {
		x.say("status", strconv.Itoa(code)+" "+reason)
	}
	return next, nil
}
