package policy

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/request"
)

func returnResponseEntry() entry {
	return entry{
		name: "return-response", sections: everySection, scopes: everyScope,
		does: "ends the pipeline with an answer of its own",
		tier: tierA, page: page{
			intro: "Ends the pipeline with an answer of its own: 200 and no body, unless its policies say otherwise.",
			example: `
<return-response>
  <set-status code="503" reason="Service Unavailable" />
  <set-header name="Content-Type"><value>application/json</value></set-header>
  <set-body>@(new JObject(new JProperty("error", "maintenance"), new JProperty("request", context.RequestId)).ToString())</set-body>
</return-response>`,
			behaviour: []string{
				"Outbound does not run. A backend's answer that it takes the place of is dropped.",
				"With `response-variable-name` the answer begins as the one in the variable, as send-request leaves it there; the policies in it change that.",
				"Expressions in it see the answer that is being made as `context.Response`.",
			},
			differences: []string{
				"On-error cannot answer a refusal of the frame with a status below 400: the refusal's own is put back.",
				"The headers of a connection, such as Transfer-Encoding, are not taken over from an answer in a variable.",
			},
			errors: []errorLine{
				{"ResponseVariableNotFound", "the variable holds no answer: 500"},
			},
		},
		attributes: []attribute{
			{name: "response-variable-name", expected: "the name of a variable that holds an answer, as send-request makes it"},
		},
		children: []child{
			{name: "set-status", policy: true, anywhere: true, expected: "as the policy set-status"},
			{name: setHeaderName, policy: true, many: true, anywhere: true, expected: "as the policy set-header"},
			{name: "set-body", policy: true, anywhere: true, expected: "as the policy set-body"},
		},
		compile: compileReturnResponse,
	}
}

type returnResponse struct {
	// variable holds the answer that the others shape; empty: an empty one.
	variable string
	shape    []step
}

func compileReturnResponse(c *compiler, n *Node) statement {
	inner := *c
	inner.answer = true
	s := &returnResponse{}
	if v, ok := c.attribute(n, "response-variable-name"); ok {
		if s.variable = strings.TrimSpace(v.text); s.variable == "" {
			c.invalid(v, "response-variable-name", "the name of a variable", "")
		}
	}
	counts := map[string]int{}
	for _, k := range n.Elements() {
		e := c.env.compiled.entries[k.Name]
		if e == nil || e.compile == nil {
			continue // the shape of return-response has it as a problem
		}
		counts[k.Name]++
		c.shape(k, e.attributes, e.children, e.text)
		at := *c.at
		at.policy, at.path, at.pos = k.Name, fmt.Sprintf("%s/%s[%d]", c.at.path, k.Name, counts[k.Name]), k.Pos
		s.shape = append(s.shape, step{statement: e.compile(&inner, k), at: &at})
	}
	return s
}

func (s *returnResponse) do(ctx context.Context, x *Exchange) (flow, *Error) {
	made := &Response{StatusCode: http.StatusOK}
	if s.variable != "" {
		var e *Error
		if made, e = x.responseIn(s.variable); e != nil {
			return stop, e
		}
	}
	x.answer(made)
	_, e := run(ctx, x, s.shape)
	return stop, e
}

// responseIn is a copy of the answer that a variable holds.
func (x *Exchange) responseIn(name string) (*Response, *Error) {
	v, _ := x.Variables.Get(name)
	r, ok := v.O.(*request.Response)
	if !ok {
		return nil, &Error{
			Reason: "ResponseVariableNotFound", Status: http.StatusInternalServerError,
			Message: fmt.Sprintf("The variable %q holds no response.", name),
		}
	}
	out := &Response{StatusCode: r.StatusCode, Header: http.Header{}}
	if r.StatusReason != nil && *r.StatusReason != http.StatusText(r.StatusCode) {
		out.Reason = *r.StatusReason
	}
	if r.Headers != nil {
		r.Headers.Each(func(name string, values []string) bool {
			if name = http.CanonicalHeaderKey(name); !slices.Contains(framing(), name) {
				out.Header[name] = slices.Clone(values)
			}
			return true
		})
	}
	if r.Body != nil {
		content, err := r.Body.Read(true)
		if err != nil {
			return nil, &Error{Reason: "BodyUnreadable", Status: http.StatusInternalServerError, Message: "The body of the response could not be read.", Cause: err}
		}
		out.Body = &Body{Bytes: content, Length: int64(len(content))}
	}
	return out, nil
}
