package policy

import (
	"context"
	"net/http"
)

func returnResponseEntry() entry {
	return entry{
		name: "return-response", sections: everySection, scopes: everyScope,
		does: "ends the pipeline with an answer of its own",
		attributes: []attribute{
			{name: "response-variable-name", expected: "the name of a variable", refused: "variables need set-variable or send-request, which are not built yet"},
		},
		children: []child{
			{name: "set-status", policy: true, anywhere: true, expected: "as the policy set-status"},
			{name: setHeaderName, policy: true, many: true, anywhere: true, expected: "as the policy set-header"},
			{name: "set-body", policy: true, anywhere: true, expected: "as the policy set-body"},
		},
		compile: compileReturnResponse,
	}
}

type returnResponse struct{ shape []statement }

func compileReturnResponse(c *compiler, n *Node) statement {
	inner := *c
	inner.answer = true
	s := &returnResponse{}
	for _, k := range n.Elements() {
		e := c.env.compiled.entries[k.Name]
		if e == nil || e.compile == nil {
			continue // the shape of return-response has it as a problem
		}
		c.shape(k, e.attributes, e.children, e.text)
		s.shape = append(s.shape, e.compile(&inner, k))
	}
	return s
}

func (s *returnResponse) do(ctx context.Context, x *Exchange) (flow, *Error) {
	x.answer(&Response{StatusCode: http.StatusOK})
	for _, k := range s.shape {
		if _, e := k.do(ctx, x); e != nil {
			return stop, e
		}
	}
	return stop, nil
}
