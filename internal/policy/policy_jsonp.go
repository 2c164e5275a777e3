package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

func jsonpEntry() entry {
	return entry{
		name: "jsonp", sections: outOnly, scopes: everyScope,
		does: "JSONP around the answer",
		tier: tierA, page: page{
			intro: "Wraps an answer in JSON into a call of a function, `callback(…);`, where the caller names one in the query. For pages\n" +
				"that cannot use cors.",
			example: `
<!-- outbound -->
<jsonp callback-parameter-name="cb" />`,
			behaviour: []string{
				"Without the parameter, or with an empty one, and for an answer that is not JSON by its Content-Type, nothing happens.",
				"A name is a JavaScript identifier, or several with points between them, of at most 100 letters of ASCII, digits, `_` and `$`. " +
					"Anything else, and two of them, is an error: the answer would be the caller's own script.",
				"The answer gets Content-Type application/javascript and X-Content-Type-Options nosniff. Its text has to be JSON; U+2028 and " +
					"U+2029, which end a line of script, are escaped.",
				"The answer to a HEAD gets these headers, and no length.",
				digestsBehaviour,
				"Whoever may call the API may have it called by pages of others, with the caller's cookies. Prefer cors.",
			},
			differences: []string{
				partsDifference,
				"The length of names is bounded, names are ASCII, and X-Content-Type-Options is set.",
				"API Management takes one jsonp in a section; here a second one finds no JSON any more, with a warning when it is loaded.",
			},
			errors: []errorLine{
				{"CallbackParameterInvalid", "the parameter is no name of a function"},
				{"BodyMalformed", "the answer is not the JSON that its Content-Type says, or a part of it"},
			},
		},
		attributes: []attribute{
			{name: "callback-parameter-name", required: true, expected: "the name of a parameter of the query", expression: true},
		},
		compile: compileJSONP,
	}
}

type jsonp struct{ parameter textValue }

func compileJSONP(c *compiler, n *Node) statement {
	s := &jsonp{}
	var ok bool
	if s.parameter, ok = c.textAttribute(n, "callback-parameter-name"); ok && s.parameter.compute == nil {
		if s.parameter.literal = strings.TrimSpace(s.parameter.literal); s.parameter.literal == "" {
			v, _ := c.attribute(n, "callback-parameter-name")
			c.invalid(v, "callback-parameter-name", "the name of a parameter of the query", "")
		}
	}
	c.onceInSection(n)
	return s
}

// onceInSection warns of a policy that API Management takes once in a section.
func (c *compiler) onceInSection(n *Node) {
	key := c.section.String() + " " + n.Name
	if first, ok := c.work.once[key]; ok {
		c.warn(n.Pos, "second-policy", "remove one", "API Management takes one %s in a section; the first stands at %s", n.Name, first)
		return
	}
	if c.work.once == nil {
		c.work.once = map[string]site.Pos{}
	}
	c.work.once[key] = n.Pos
}

func (s *jsonp) do(ctx context.Context, x *Exchange) (flow, *Error) {
	name, e := s.parameter.text(ctx, x)
	if e != nil {
		return stop, e
	}
	if name = strings.TrimSpace(name); name == "" {
		return stop, s.parameter.compute.badValue("The name of the parameter is empty.")
	}
	if x.OriginalURL == nil {
		return next, nil
	}
	calls, _ := queryValues(x.OriginalURL.RawQuery).Get(name)
	if len(calls) == 0 || len(calls) == 1 && calls[0] == "" {
		return next, nil
	}
	if len(calls) > 1 || !isCallback(calls[0]) {
		message := fmt.Sprintf("Value of callback parameter %s is not a valid JavaScript identifier.", name)
		return stop, denied(http.StatusBadRequest, "CallbackParameterInvalid", message, message)
	}
	b := x.changeBody(true)
	if b == nil || contentKind(b.header.Get("Content-Type")) != kindJSON {
		return next, nil
	}
	content, e := b.read()
	if e != nil {
		return stop, e
	}
	if content = bytes.TrimPrefix(content, []byte("\ufeff")); len(content) > 0 && !json.Valid(content) {
		return stop, b.malformed(kindJSON.String(), nil)
	}
	content = bytes.ReplaceAll(content, []byte("\u2028"), []byte(`\u2028`))
	content = bytes.ReplaceAll(content, []byte("\u2029"), []byte(`\u2029`))
	out := make([]byte, 0, len(calls[0])+len(content)+3)
	out = append(append(append(append(out, calls[0]...), '('), content...), ");"...)
	if e := b.put(out); e != nil {
		return stop, e
	}
	h := x.answered()
	h["Content-Type"] = []string{"application/javascript"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	if x.Observer != nil {
		x.say("callback", calls[0])
	}
	return next, nil
}

// longestCallback is how long the name of a function may be. Long ones could
// make the answer look like a file of another type.
const longestCallback = 100

// isCallback reports identifiers with points between them.
func isCallback(s string) bool {
	if len(s) > longestCallback {
		return false
	}
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || '0' <= part[0] && part[0] <= '9' {
			return false
		}
		for i := range len(part) {
			switch c := part[i]; {
			case c == '_', c == '$', '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			default:
				return false
			}
		}
	}
	return true
}
