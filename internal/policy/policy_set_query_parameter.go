package policy

import (
	"context"
	"net/url"
	"strings"

	"github.com/cloister-ai/cloister/internal/secret"
)

func setQueryParameterEntry() entry {
	return entry{
		name: "set-query-parameter", sections: inBack, scopes: everyScope,
		does: "a parameter of the request's query",
		tier: tierA, page: page{
			intro: "Sets or removes a parameter of the request's query.",
			example: `
<set-query-parameter name="api-version" exists-action="override">
  <value>2024-10-21</value>
</set-query-parameter>
<set-query-parameter name="user" exists-action="append">
  <value>@(context.User?.Id)</value>
</set-query-parameter>`,
			behaviour: []string{
				"`exists-action` is as in [set-header](set-header.md); `append` adds the parameter once more.",
				"Name, action and values may be expressions. What they give is escaped.",
			},
			differences: []string{
				"Names are compared without case and after unescaping, so that what is removed is gone however it was spelled. The other parameters stay byte for byte.",
			},
			errors: []errorLine{
				{"ExpressionValueEvaluationFailure", "an expression throws, or gives an empty name"},
			},
		},
		attributes: []attribute{
			{name: "name", required: true, expected: "a parameter's name", expression: true},
			{name: "exists-action", expected: listed(existsActions()), otherwise: "override", expression: true},
		},
		children: []child{{name: "value", many: true, expected: "text", text: hasText, expression: true}},
		compile:  compileSetQueryParameter,
	}
}

type setQueryParameter struct {
	name   textValue
	action choiceValue
	values []textValue
}

func compileSetQueryParameter(c *compiler, n *Node) statement {
	s := &setQueryParameter{action: c.choiceAttribute(n, "exists-action", override, existsActions()...)}
	var ok bool
	if s.name, ok = c.textAttribute(n, "name"); ok && s.name.compute == nil {
		if s.name.literal = strings.TrimSpace(s.name.literal); s.name.literal == "" {
			v, _ := c.attribute(n, "name")
			c.invalid(v, "name", "a parameter's name", "")
		}
	}
	for _, k := range n.Elements() {
		if v, ok := c.textContent(k); ok {
			s.values = append(s.values, v)
		}
	}
	removes := s.action.compute == nil && s.action.literal == remove
	switch {
	case removes && len(s.values) > 0:
		c.warn(n.Pos, "value-without-effect", "remove the values", "set-query-parameter deletes %q, so its values have no effect", s.name.literal)
	case !removes && s.action.compute == nil && len(n.Elements()) == 0:
		c.add(n.Pos, "missing-element", "<value>", `write exists-action="delete" to remove the parameter`, "set-query-parameter sets %q to nothing", s.name.literal)
	}
	return s
}

func (s *setQueryParameter) do(ctx context.Context, x *Exchange) (flow, *Error) {
	name, e := s.name.text(ctx, x)
	if e != nil {
		return stop, e
	}
	if name = strings.TrimSpace(name); name == "" {
		return stop, s.name.compute.badValue("The name of the parameter is empty.")
	}
	action, e := s.action.word(ctx, x)
	if e != nil {
		return stop, e
	}
	var pairs string
	if action != remove {
		for i := range s.values {
			v, e := s.values[i].text(ctx, x)
			if e != nil {
				return stop, e
			}
			if secret.CredentialName(name) {
				x.own.Add(v)
			}
			pairs = joinQuery(pairs, escapeQuery(name)+"="+escapeQuery(v))
		}
	}
	q := &x.Request.Query
	switch {
	case action == appendWord, action == skip && !hasParameter(*q, name):
		*q = joinQuery(*q, pairs)
	case action == override:
		*q = replaceParameter(*q, name, pairs)
	case action == remove:
		*q = replaceParameter(*q, name, "")
	}
	if x.Observer != nil {
		x.say(action, name)
	}
	return next, nil
}

// escapeQuery escapes a name or value. A blank becomes %20, which everybody
// reads as one, in paths too.
func escapeQuery(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// named reports whether a raw "name=value" has that name. Backends differ in
// whether case counts, so it does not: a parameter that a policy removes is gone
// for all of them.
func named(pair, name string) bool {
	key, _, _ := strings.Cut(pair, "=")
	if decoded, err := url.QueryUnescape(key); err == nil {
		key = decoded
	}
	return strings.EqualFold(key, name)
}

func hasParameter(query, name string) bool {
	for pair := range strings.SplitSeq(query, "&") {
		if pair != "" && named(pair, name) {
			return true
		}
	}
	return false
}

// replaceParameter puts pairs in the place of the first parameter of that name,
// or at the end, and removes the others. Everything else stays byte for byte.
func replaceParameter(query, name, pairs string) string {
	if !hasParameter(query, name) {
		return joinQuery(query, pairs)
	}
	var out string
	for pair := range strings.SplitSeq(query, "&") {
		if pair != "" && named(pair, name) {
			pair, pairs = pairs, ""
		}
		out = joinQuery(out, pair)
	}
	return out
}

func joinQuery(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "&" + b
}
