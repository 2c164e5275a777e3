package policy

import (
	"context"
	"net/http"
	"strings"
)

func setBodyEntry() entry {
	return entry{
		name: "set-body", sections: inOutBack, tolerated: 1 << onError, scopes: everyScope,
		does: "the body of the request (inbound, backend) or of the answer",
		tier: tierA, page: page{
			intro: "Replaces the body: of the request in inbound and backend, of the answer in outbound and on-error. The new body\n" +
				"is written text, the value of an expression, or a Liquid template.",
			example: `
<!-- outbound -->
<set-body>{ "status": "sorry" }</set-body>
<set-body>@{
  var body = context.Response.Body.As<JObject>();
  body["gateway"] = "cloister";
  return body.ToString();
}</set-body>
<set-body template="liquid">{
  "orders": [
    {% JSONArrayFor order in body.envelope.body.GetOrdersResponse.Orders -%}
    { "id": {{ order.Id }}, "placed": "{{ order.Date | Date: "yyyy-MM-dd" }}" }
    {% endJSONArrayFor -%}
  ],
  "operation": "{{ context.Operation.Id }}"
}</set-body>`,
			behaviour: liquidBehaviour([]string{
				"Written text is sent as it is written, white space included; XML and JSON need no escapes.",
				"The value of an expression is sent as its text in UTF-8, a `byte[]` as it is, null as nothing.",
				"`Content-Encoding` is removed, `Content-Length` set. `Content-Type` stays: set it with set-header.",
				digestsBehaviour,
				"The reference does not name on-error; it works there, with a warning.",
			}),
			differences: liquidDifferences(),
			errors: []errorLine{
				{"ExpressionValueEvaluationFailure", "the expression throws, or the template: a number divided by zero, a wrong regular expression, a limit"},
				{"BodyMalformed", "a template reads a body that is not the JSON or XML that its Content-Type says"},
			},
		},
		attributes: []attribute{
			{name: "template", expected: "none or liquid", otherwise: "none"},
			{name: "xsi-nil", expected: "blank or null", otherwise: "blank"},
			{name: "parse-date", expected: "true or false", otherwise: "true"},
		},
		text: hasText, expression: true, compile: compileSetBody,
	}
}

type setBody struct {
	// body is shared by all requests; nobody writes to bodies.
	body Body
	// compute gives the body, or liquid does; nil: it is written.
	compute *expression
	liquid  *liquidBody
	answer  bool
}

func compileSetBody(c *compiler, n *Node) statement {
	s := &setBody{answer: c.onAnswer()}
	nilWord := c.choice(n, "xsi-nil", "blank", "blank", "null")
	dates := c.boolean(n, "parse-date", true)
	switch c.choice(n, "template", "none", "none", templateLiquid) {
	case templateLiquid:
		s.liquid = c.liquid(n, nilWord == "null", dates)
		return s
	default:
		for _, name := range []string{"xsi-nil", "parse-date"} {
			if a := n.Attribute(name); a != nil {
				c.warn(a.Pos, "attribute-without-effect", `write template="liquid", or remove it`, "%q of %q is about templates", name, n.Name)
			}
		}
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

// templateLiquid is the kind of template that there is.
const templateLiquid = "liquid"

// isTemplate reports a set-body whose content is a template.
func isTemplate(n *Node) bool {
	a := n.Attribute("template")
	return n.Name == bodyElement && a != nil && strings.EqualFold(strings.TrimSpace(a.Value), templateLiquid)
}

// do replaces the body. The caller's body is closed by whoever gave it. A
// coding that the old body had, the new one has not.
func (s *setBody) do(ctx context.Context, x *Exchange) (flow, *Error) {
	body := s.body
	var content []byte
	var e *Error
	switch {
	case s.liquid != nil:
		content, e = s.liquid.content(ctx, x)
	case s.compute != nil:
		v, failed := s.compute.eval(ctx, x)
		if failed != nil {
			return stop, failed
		}
		content, e = s.compute.content(x, v)
	default:
		x.setBody(&body, s.answer)
		return next, nil
	}
	if e != nil {
		return stop, e
	}
	return next, x.putBody(content, s.answer)
}

// putBody is setBody for a body that a policy has made, and that lies in memory
// like one that came.
func (x *Exchange) putBody(content []byte, answer bool) *Error {
	if e := x.holdBody(len(content), answer); e != nil {
		return e
	}
	x.setBody(&Body{Bytes: content, Length: int64(len(content))}, answer)
	return nil
}

// holdBody counts the bytes of a body that a policy makes, n in all. The request
// has one at a time, which the next one takes the place of, as in a retry; so has
// each answer.
func (x *Exchange) holdBody(n int, answer bool) *Error {
	if x.Road == nil {
		return nil
	}
	if !answer && x.making != nil {
		return x.Road.Hold(int64(n))
	}
	held := &x.madeBody
	if answer {
		if held = &x.madeAnswer; x.madeFor != x.Response {
			x.madeFor, *held = x.Response, 0
		}
	}
	if n <= *held {
		return nil
	}
	if e := x.Road.HoldBody(int64(n-*held), !answer); e != nil {
		return e
	}
	*held = n
	return nil
}

// setBody puts a body in the place of the request's or the answer's.
func (x *Exchange) setBody(body *Body, answer bool) {
	switch {
	case answer:
	case x.making != nil:
		x.making.body = body
		dropBodyFields(x.making.header)
		return
	default:
		x.Request.Body = body
		dropBodyFields(x.Request.Header)
		return
	}
	dropBodyFields(x.answered())
	x.Response.dropBody()
	x.Response.Body = body
}

// partsDifference is what the pages of policies that change bodies say of parts.
const partsDifference = "An answer of status 206 is a part of a body, in which a text may be cut in two, and is an error: take `Range` " +
	"out of the request with set-header."

// digestsBehaviour is what the pages of policies that change bodies say of
// [dropBodyFields].
const digestsBehaviour = "`Content-MD5`, `Digest`, `Content-Digest` and `Repr-Digest` of a body that was changed are removed. `ETag` " +
	"stays: set-header removes it."

// dropBodyFields removes what a head says of the bytes of a body that has been
// replaced: its coding and its digests. A policy behind may write them anew.
func dropBodyFields(h http.Header) {
	for _, name := range [...]string{"Content-Encoding", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest"} {
		delete(h, name)
	}
}
