package policy

import (
	"context"
	"net/http"
)

func setStatusEntry() entry {
	return entry{
		name: "set-status", sections: everySection, scopes: everyScope,
		does: "the status of the answer",
		attributes: []attribute{
			{name: "code", required: true, expected: "a status from 200 to 599"},
			{name: "reason", expected: "one line of text", otherwise: "the status's own"},
		},
		compile: compileSetStatus,
	}
}

type setStatus struct {
	code   int
	reason string
}

func compileSetStatus(c *compiler, n *Node) statement {
	s := &setStatus{code: c.integer(n, "code", 200, 599, http.StatusOK)}
	if v, ok := c.attribute(n, "reason"); ok {
		if s.reason = v.text; !isFieldValue(v.text) {
			c.invalid(v, "reason", "one line without control characters", "")
		}
	}
	return s
}

// do sets the status of the answer. Before a backend has answered it is that of
// an empty answer, which holds if no backend does.
func (s *setStatus) do(_ context.Context, x *Exchange) (flow, *Error) {
	x.answered()
	x.Response.StatusCode, x.Response.Reason = s.code, s.reason
	return next, nil
}
