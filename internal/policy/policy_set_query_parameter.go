package policy

import (
	"context"
	"net/url"
	"strings"
)

func setQueryParameterEntry() entry {
	return entry{
		name: "set-query-parameter", sections: inBack, scopes: everyScope,
		does: "a parameter of the request's query",
		attributes: []attribute{
			{name: "name", required: true, expected: "a parameter's name"},
			{name: "exists-action", expected: listed(existsActions()), otherwise: "override"},
		},
		children: []child{{name: "value", many: true, expected: "text", text: hasText}},
		compile:  compileSetQueryParameter,
	}
}

type setQueryParameter struct {
	name   string
	action string
	// pairs are "name=value" in their escaped form, joined by "&".
	pairs string
}

func compileSetQueryParameter(c *compiler, n *Node) statement {
	s := &setQueryParameter{action: c.choice(n, "exists-action", override, existsActions()...)}
	if v, ok := c.attribute(n, "name"); ok {
		if s.name = strings.TrimSpace(v.text); s.name == "" {
			c.invalid(v, "name", "a parameter's name", "")
		}
	}
	var pairs []string
	for _, k := range n.Elements() {
		if v, ok := c.content(k); ok {
			pairs = append(pairs, escapeQuery(s.name)+"="+escapeQuery(v.text))
		}
	}
	switch {
	case s.action == remove && len(pairs) > 0:
		c.warn(n.Pos, "value-without-effect", "remove the values", "set-query-parameter deletes %q, so its values have no effect", s.name)
	case s.action != remove && len(n.Elements()) == 0:
		c.add(n.Pos, "missing-element", "<value>", `write exists-action="delete" to remove the parameter`, "set-query-parameter sets %q to nothing", s.name)
	}
	s.pairs = strings.Join(pairs, "&")
	return s
}

func (s *setQueryParameter) do(_ context.Context, x *Exchange) (flow, *Error) {
	q := &x.Request.Query
	switch {
	case s.action == appendWord, s.action == skip && !hasParameter(*q, s.name):
		*q = joinQuery(*q, s.pairs)
	case s.action == override:
		*q = replaceParameter(*q, s.name, s.pairs)
	case s.action == remove:
		*q = replaceParameter(*q, s.name, "")
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
