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
		text: hasText, compile: compileSetMethod,
	}
}

type setMethod struct{ method string }

func compileSetMethod(c *compiler, n *Node) statement {
	v, ok := c.content(n)
	switch {
	case !ok:
	case !isToken(v.text):
		c.add(v.pos, "invalid-value", "a method such as GET or POST", "", "%q is not a method", v.written)
	case strings.EqualFold(v.text, http.MethodConnect), strings.EqualFold(v.text, http.MethodTrace):
		c.add(v.pos, "invalid-value", "another method", "", "the method %q is not sent to backends", v.written)
	case v.text != strings.ToUpper(v.text):
		c.add(v.pos, "invalid-value", "a method in capitals", "write "+strings.ToUpper(v.text),
			"methods are compared with case, and %q is none that servers know", v.written)
	}
	return &setMethod{method: v.text}
}

func (s *setMethod) do(_ context.Context, x *Exchange) (flow, *Error) {
	x.Request.Method = s.method
	return next, nil
}
