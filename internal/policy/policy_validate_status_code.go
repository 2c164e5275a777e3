package policy

import (
	"context"
	"strconv"
)

func validateStatusCodeEntry() entry {
	return entry{
		name: "validate-status-code", sections: outErr, scopes: everyScope,
		does: "status codes against the API's schema",
		tier: tierB, page: page{
			intro: "Holds the status of an answer against those of the operation in the API's OpenAPI document, so that errors of a backend do not leak out.",
			example: `
<!-- outbound -->
<validate-status-code unspecified-status-code-action="prevent" errors-variable-name="statusErrors">
  <status-code code="429" action="ignore" />
</validate-status-code>`,
			behaviour: []string{
				"A `status-code` is the action for a status that the description does not have; for one that it has, it means nothing.",
			},
			differences: []string{
				"The ranges (`2XX`) and the default of an OpenAPI document describe every status that they stand for.",
				"Without a description of the operation, no status is described.",
			},
			errors: []errorLine{
				{responseNotAllowed, "502; the caller does not hear what is wrong"},
				{"ExpressionValueEvaluationFailure", "an expression throws, or gives no action or status"},
			},
		},
		attributes: []attribute{
			actionAttribute("unspecified-status-code-action", "for a status that the description does not have"),
			errorsAttribute(),
		},
		children: []child{{name: "status-code", many: true, expected: "one status", attributes: []attribute{
			{name: "code", required: true, expected: "a status from 100 to 599", expression: true},
			actionAttribute("action", "for this status"),
		}}},
		compile: compileValidateStatusCode,
	}
}

type validateStatusCode struct {
	unspecified choiceValue
	variable    string
	codes       []codeAction
}

type codeAction struct {
	code   intValue
	action choiceValue
}

func compileValidateStatusCode(c *compiler, n *Node) statement {
	s := &validateStatusCode{unspecified: c.action(n, "unspecified-status-code-action"), variable: c.errorsVariable(n)}
	for _, k := range n.Elements() {
		s.codes = append(s.codes, codeAction{c.intAttribute(k, "code", 100, 599, 100), c.action(k, "action")})
	}
	return s
}

// prepare needs nothing but the contract itself.
func (s *validateStatusCode) prepare(*contract) []error { return nil }

func (s *validateStatusCode) do(ctx context.Context, x *Exchange) (flow, *Error) {
	v := &validation{x: x, variable: s.variable, answer: true}
	if x.Response == nil || x.contract.answer(x.Response.StatusCode) != nil {
		return next, nil
	}
	action := &s.unspecified
	for i := range s.codes {
		code, e := s.codes[i].code.number(ctx, x)
		if e != nil {
			return stop, e
		}
		if code == x.Response.StatusCode {
			action = &s.codes[i].action
			break
		}
	}
	status := strconv.Itoa(x.Response.StatusCode)
	if _, e := v.found(ctx, action, finding{
		name: status, kind: "StatusCode", rule: "Unspecified", details: "Response status code " + status + " is not allowed.",
	}); e != nil {
		return stop, e
	}
	if e := v.end(); e != nil {
		return stop, e
	}
	return next, nil
}
