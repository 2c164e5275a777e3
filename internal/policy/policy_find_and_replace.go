package policy

import (
	"bytes"
	"context"
	"strconv"
)

func findAndReplaceEntry() entry {
	return entry{
		name: "find-and-replace", sections: everySection, scopes: everyScope,
		does: "text in the body",
		tier: tierA, page: page{
			intro: "Replaces a text by another one, wherever it stands in the body: of the request in inbound and backend, of the answer in\n" +
				"outbound and on-error.",
			example: `
<!-- outbound -->
<find-and-replace from="notebook" to="laptop" />
<find-and-replace from="href=&quot;/" to="@("href=\"/" + context.Api.Path + "/")" />`,
			behaviour: []string{
				"The text is compared as it is, case and white space included; what was put in is not looked at again.",
				"An empty `to` takes the text out.",
				"The body is read whole, up to 32 MiB, a stream of events too: it leaves when it has ended. The new body may not be larger.",
				"Content-Type does not count: bytes are compared, `from` and `to` are UTF-8.",
				digestsBehaviour,
				"The answer to a HEAD has no length: nobody knows that of the changed body.",
			},
			differences: []string{
				partsDifference,
				"A body in gzip is unpacked, and leaves unpacked; one in another coding is an error. API Management looks for the text in the " +
					"packed bytes.",
			},
			errors: []errorLine{
				{"ExpressionValueEvaluationFailure", "the expression of `from` gives an empty text"},
				{"BodyMalformed", "the body is in a coding that is not known, or a part of one"},
				{"BodyTooLarge", "the body is too large, before or after"},
			},
		},
		attributes: []attribute{
			{name: "from", required: true, expected: "the text to find", expression: true},
			{name: "to", required: true, expected: "the text in its place; empty to remove it", expression: true},
		},
		compile: compileFindAndReplace,
	}
}

type findAndReplace struct {
	from, to textValue
	answer   bool
}

func compileFindAndReplace(c *compiler, n *Node) statement {
	s := &findAndReplace{answer: c.onAnswer()}
	var ok bool
	if s.from, ok = c.textAttribute(n, "from"); ok && s.from.compute == nil && s.from.literal == "" {
		v, _ := c.attribute(n, "from")
		c.invalid(v, "from", "the text to find", "")
	}
	s.to, _ = c.textAttribute(n, "to")
	return s
}

func (s *findAndReplace) do(ctx context.Context, x *Exchange) (flow, *Error) {
	from, e := s.from.text(ctx, x)
	if e != nil {
		return stop, e
	}
	if from == "" {
		return stop, s.from.compute.badValue("The text to find is empty.")
	}
	to, e := s.to.text(ctx, x)
	if e != nil {
		return stop, e
	}
	b := x.changeBody(s.answer)
	if b == nil {
		return next, nil
	}
	content, e := b.read()
	if e != nil {
		return stop, e
	}
	n := bytes.Count(content, []byte(from))
	if x.Observer != nil {
		x.say("replaced", strconv.Itoa(n))
	}
	if n == 0 {
		return next, nil
	}
	if len(content)+n*(len(to)-len(from)) > MaxBuffered {
		return stop, BodyError(!s.answer, true, MaxBuffered, errTooLong)
	}
	if e := b.put(bytes.ReplaceAll(content, []byte(from), []byte(to))); e != nil {
		return stop, e
	}
	return next, nil
}
