package policy

import (
	"context"
	"strings"
)

func setBodyEntry() entry {
	return entry{
		name: "set-body", sections: inOutBack, tolerated: 1 << onError, scopes: everyScope,
		does: "the body of the request (inbound, backend) or of the answer",
		tier: tierA, page: page{
			intro: "Replaces the body: of the request in inbound and backend, of the answer in outbound and on-error.",
			example: `
<!-- outbound -->
<set-body>{ "status": "sorry" }</set-body>
<set-body>@{
  var body = context.Response.Body.As<JObject>();
  body["gateway"] = "cloister";
  return body.ToString();
}</set-body>`,
			behaviour: []string{
				"Written text is sent as it is written, white space included; XML and JSON need no escapes.",
				"The value of an expression is sent as its text in UTF-8, a `byte[]` as it is, null as nothing.",
				"`Content-Encoding` is removed, `Content-Length` set. `Content-Type` stays: set it with set-header.",
				"The reference does not name on-error; it works there, with a warning.",
			},
			errors: []errorLine{
				{"ExpressionValueEvaluationFailure", "the expression throws"},
			},
		},
		attributes: []attribute{
			{name: "template", expected: "none", otherwise: "none"},
			{name: "xsi-nil", expected: "blank or null", otherwise: "blank", refused: "it is for Liquid templates, which are not built yet"},
			{name: "parse-date", expected: "true or false", otherwise: "true", refused: "it is for Liquid templates, which are not built yet"},
		},
		text: hasText, expression: true, compile: compileSetBody,
	}
}

type setBody struct {
	// body is shared by all requests; nobody writes to bodies.
	body Body
	// compute gives the body; nil: it is written.
	compute *expression
	answer  bool
}

func compileSetBody(c *compiler, n *Node) statement {
	s := &setBody{answer: c.onAnswer()}
	if v, ok := c.attribute(n, "template"); ok && strings.TrimSpace(v.text) != "none" {
		if strings.EqualFold(strings.TrimSpace(v.text), "liquid") {
			c.add(v.pos, "template-not-built", "literal text", "", "set-body has a Liquid template; they are not built yet")
		} else {
			c.invalid(v, "template", "none", "")
		}
		return s
	}
	if x, is := elementExpression(n); is {
		s.compute = c.expression(&x)
		return s
	}
	if v, ok := c.body(n); ok {
		s.body = Body{Bytes: []byte(v.text), Length: int64(len(v.text))}
	}
	return s
}

// do replaces the body. The caller's body is closed by whoever gave it. A
// coding that the old body had, the new one has not.
func (s *setBody) do(ctx context.Context, x *Exchange) (flow, *Error) {
	body := s.body
	if s.compute != nil {
		v, e := s.compute.eval(ctx, x)
		if e != nil {
			return stop, e
		}
		content, e := s.compute.content(x, v)
		if e != nil {
			return stop, e
		}
		body = Body{Bytes: content, Length: int64(len(content))}
	}
	x.setBody(&body, s.answer)
	return next, nil
}

// setBody puts a body in the place of the request's or the answer's.
func (x *Exchange) setBody(body *Body, answer bool) {
	switch {
	case answer:
	case x.making != nil:
		x.making.body = body
		delete(x.making.header, "Content-Encoding")
		return
	default:
		x.Request.Body = body
		delete(x.Request.Header, "Content-Encoding")
		return
	}
	delete(x.answered(), "Content-Encoding")
	x.Response.dropBody()
	x.Response.Body = body
}
