package policy

import (
	"context"
	"strings"
)

func setBodyEntry() entry {
	return entry{
		name: "set-body", sections: inOutBack, tolerated: 1 << onError, scopes: everyScope,
		does: "the body of the request (inbound, backend) or of the answer, as literal text",
		attributes: []attribute{
			{name: "template", expected: "none", otherwise: "none"},
			{name: "xsi-nil", expected: "blank or null", otherwise: "blank", refused: "it is for Liquid templates, which are not built yet"},
			{name: "parse-date", expected: "true or false", otherwise: "true", refused: "it is for Liquid templates, which are not built yet"},
		},
		text: hasText, compile: compileSetBody,
	}
}

type setBody struct {
	// body is shared by all requests; nobody writes to bodies.
	body   Body
	answer bool
}

func compileSetBody(c *compiler, n *Node) statement {
	s := &setBody{answer: c.answer || c.section == outbound || c.section == onError}
	if v, ok := c.attribute(n, "template"); ok && strings.TrimSpace(v.text) != "none" {
		if strings.EqualFold(strings.TrimSpace(v.text), "liquid") {
			c.add(v.pos, "template-not-built", "literal text", "", "set-body has a Liquid template; they are not built yet")
		} else {
			c.invalid(v, "template", "none", "")
		}
		return s
	}
	if v, ok := c.body(n); ok {
		s.body = Body{Bytes: []byte(v.text), Length: int64(len(v.text))}
	}
	return s
}

// do replaces the body. The caller's body is closed by whoever gave it. A
// coding that the old body had, the new one has not.
func (s *setBody) do(_ context.Context, x *Exchange) (flow, *Error) {
	body := s.body
	if !s.answer {
		x.Request.Body = &body
		delete(x.Request.Header, "Content-Encoding")
		return next, nil
	}
	delete(x.answered(), "Content-Encoding")
	x.Response.dropBody()
	x.Response.Body = &body
	return next, nil
}
