package policy

import (
	"context"
	"maps"
	"net/http"
	"slices"
)

func validateHeadersEntry() entry {
	return entry{
		name: "validate-headers", sections: outErr, scopes: everyScope,
		does: "response headers against the API's schema",
		tier: tierA, page: page{
			intro: "Holds the headers of an answer against those of the operation in the API's OpenAPI document, for the answer's status.",
			example: `
<!-- outbound -->
<validate-headers specified-header-action="prevent" unspecified-header-action="ignore" errors-variable-name="headerErrors">
  <header name="X-Powered-By" action="prevent" />
</validate-headers>`,
			behaviour: []string{
				"A `header` goes before the actions of the policy, for headers of the description and for others.",
				"Every header that the description does not have is unspecified, Content-Type and Date included.",
				"A header that is required and missing does not conform to its definition.",
				"What is prevented ends the request at its first header.",
			},
			differences: []string{
				"An answer whose status is not described is held against the description's default, or its hundred (`2XX`); without either all of its headers are unspecified.",
				"Messages name headers, never their values.",
				"Schemas and their limits are as in [validate-content](validate-content.md).",
			},
			errors: []errorLine{
				{responseNotAllowed, "502; the caller does not hear what is wrong"},
				{"ExpressionValueEvaluationFailure", "an expression throws, or gives no action"},
			},
		},
		attributes: []attribute{
			actionAttribute("specified-header-action", "for headers of the description"),
			actionAttribute("unspecified-header-action", "for others"),
			errorsAttribute(),
		},
		children: []child{{name: "header", many: true, expected: "one header", attributes: []attribute{
			{name: "name", required: true, expected: "its name", expression: true},
			actionAttribute("action", "for this header"),
		}}},
		compile: compileValidateHeaders,
	}
}

type validateHeaders struct {
	specified, unspecified choiceValue
	variable               string
	named                  []namedAction
}

func compileValidateHeaders(c *compiler, n *Node) statement {
	return &validateHeaders{
		specified:   c.action(n, "specified-header-action"),
		unspecified: c.action(n, "unspecified-header-action"),
		variable:    c.errorsVariable(n),
		named:       c.namedActions(n),
	}
}

func (s *validateHeaders) prepare(c *contract) []error {
	var errs []error
	for _, m := range c.messages(true) {
		for i := range m.Headers {
			if err := c.value(&m.Headers[i]); err != nil {
				errs = append(errs, err)
			}
		}
	}
	return errs
}

func (s *validateHeaders) do(ctx context.Context, x *Exchange) (flow, *Error) {
	v := &validation{x: x, variable: s.variable, answer: true}
	if e := s.hold(ctx, v); e != nil {
		return stop, e
	}
	if e := v.end(); e != nil {
		return stop, e
	}
	return next, nil
}

func (s *validateHeaders) hold(ctx context.Context, v *validation) *Error {
	const kind = "ResponseHeader"
	x := v.x
	if x.Response == nil {
		return nil
	}
	if x.contract == nil || x.contract.said == nil {
		_, e := v.found(ctx, &s.specified, noSchema())
		return e
	}
	known := map[string]bool{}
	if said := x.contract.answer(x.Response.StatusCode); said != nil {
		for i := range said.Headers {
			h := &said.Headers[i]
			known[http.CanonicalHeaderKey(h.Name)] = true
			action, e := actionFor(ctx, x, s.named, h.Name, &s.specified)
			if e != nil {
				return e
			}
			list := x.contract.holdValue(h, kind, "Response", x.Response.Header[http.CanonicalHeaderKey(h.Name)])
			if done, e := v.found(ctx, action, list...); done || e != nil {
				return e
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(x.Response.Header)) {
		if known[http.CanonicalHeaderKey(name)] {
			continue
		}
		action, e := actionFor(ctx, x, s.named, name, &s.unspecified)
		if e != nil {
			return e
		}
		text := "Unspecified header " + name + " is not allowed."
		if done, e := v.found(ctx, action, finding{name: name, kind: kind, rule: "Unspecified", details: text}); done || e != nil {
			return e
		}
	}
	return nil
}
