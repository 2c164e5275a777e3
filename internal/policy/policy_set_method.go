package policy

import (
	"context"
	"net/http"
	"strings"
)

func setMethodEntry() entry {
	return entry{
		name: "set-method", sections: inErr, scopes: everyScope,
		does: "the method of the request to the backend",
		tier: tierA, page: page{
			intro:   "Changes the method of the request to the backend.",
			example: `<set-method>@(context.Request.Body == null ? "GET" : "POST")</set-method>`,
			behaviour: []string{
				"Methods have case: GET, not get.",
			},
			differences: []string{
				"CONNECT and TRACE are refused.",
			},
			errors: []errorLine{
				{"ExpressionValueEvaluationFailure", "the expression throws, or gives no method that can be sent"},
			},
		},
		text: hasText, expression: true, compile: compileSetMethod,
	}
}

type setMethod struct{ method textValue }

func compileSetMethod(c *compiler, n *Node) statement {
	t, ok := c.textContent(n)
	if !ok || t.compute != nil {
		return &setMethod{t}
	}
	v, _ := c.content(n)
	switch refused := refusedMethod(v.text); {
	case refused:
		c.strict(v.pos, "invalid-value", "another method", "", "the method %q is not sent to backends", v.written)
	case !isToken(v.text):
		c.strict(v.pos, "invalid-value", "a method such as GET or POST", "", "%q is not a method", v.written)
	case v.text != strings.ToUpper(v.text):
		c.strict(v.pos, "invalid-value", "a method in capitals", "write "+strings.ToUpper(v.text),
			"methods are compared with case, and %q is none that servers know", v.written)
	}
	return &setMethod{t}
}

// refusedMethod: methods that open something else than a request.
func refusedMethod(s string) bool {
	return strings.EqualFold(s, http.MethodConnect) || strings.EqualFold(s, http.MethodTrace)
}

// method is the method for one exchange.
func (t *textValue) method(ctx context.Context, x *Exchange) (string, *Error) {
	if t.compute == nil {
		return t.literal, nil
	}
	s, e := t.text(ctx, x)
	if e != nil {
		return "", e
	}
	if s = strings.TrimSpace(s); !isToken(s) || refusedMethod(s) {
		return "", t.compute.badValue("The value is no method that can be sent.")
	}
	return s, nil
}

func (s *setMethod) do(ctx context.Context, x *Exchange) (flow, *Error) {
	method, e := s.method.method(ctx, x)
	if e != nil {
		return stop, e
	}
	x.setMethod(method)
	x.say("method", method)
	return next, nil
}
