package policy

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

func rewriteURIEntry() entry {
	return entry{
		name: "rewrite-uri", sections: inOnly, scopes: everyScope,
		does: "path and query of the request to the backend",
		tier: tierA, page: page{
			intro: "Gives the request another path and query.",
			example: `
<rewrite-uri template="/deployments/{deployment-id}/chat/completions?api-version=2024-10-21" />
<rewrite-uri template="@("/tenants/" + context.Subscription.Id)" copy-unmatched-params="false" />`,
			behaviour: []string{
				"`{name}` is a parameter of the operation's URL template. Its value is escaped: a slash in it becomes %2F. In `{*name}` slashes stay.",
				"Query parameters of the request are added, unless the operation's template or this one names them, or `copy-unmatched-params` is false.",
				"The template may be an expression; parameters in its value are put in afterwards.",
			},
			differences: []string{
				"Dot segments, empty segments, backslashes and NUL are refused: in a written template when it is loaded, in a computed one and out of parameters with an error.",
			},
			errors: []errorLine{
				{"TemplateParameterNotFound", "the operation has no such parameter: 500"},
				{"PathRefused", "a parameter would make another path of it: 400"},
				{"ExpressionValueEvaluationFailure", "an expression throws, or gives no template"},
			},
		},
		attributes: []attribute{
			{name: "template", required: true, expected: "a path with an optional query; {name} is a parameter of the operation's template", expression: true},
			{name: "copy-unmatched-params", expected: "true or false", otherwise: "true", expression: true},
		},
		compile: compileRewriteURI,
	}
}

type rewriteURI struct {
	rewriteTemplate
	// compute gives the template; nil: it is written.
	compute *expression
	copy    boolValue
}

// rewriteTemplate is a template taken apart.
type rewriteTemplate struct {
	path, query []part
	// names are the template's own query parameters; the caller's of the same
	// name are not added.
	names []string
}

// part is literal text, or the value of a parameter.
type part struct {
	literal string
	// parameter is the name, without "*"; empty: the part is literal.
	parameter string
	// wildcard: slashes in the value stay.
	wildcard bool
}

func compileRewriteURI(c *compiler, n *Node) statement {
	s := &rewriteURI{copy: c.boolAttribute(n, "copy-unmatched-params", true)}
	t, ok := c.textAttribute(n, "template")
	if s.compute = t.compute; !ok || t.compute != nil {
		return s
	}
	v, _ := c.attribute(n, "template")
	var reason string
	if s.rewriteTemplate, reason = parseRewrite(t.literal); reason != "" {
		c.add(v.pos, "invalid-value", "a path with an optional query, and {name} for parameters", "", "the template %q %s", v.written, reason)
	}
	return s
}

// parseRewrite takes a template apart. reason is why it cannot.
func parseRewrite(text string) (t rewriteTemplate, reason string) {
	path, query, _ := strings.Cut(strings.TrimSpace(text), "?")
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if t.path, reason = parseTemplate(path, escapePath); reason == "" {
		t.query, reason = parseTemplate(query, escapeRawQuery)
	}
	if reason == "" {
		reason = refusedPath(literalPath(t.path))
	}
	for pair := range strings.SplitSeq(query, "&") {
		if name, _, _ := strings.Cut(pair, "="); name != "" {
			t.names = append(t.names, name)
		}
	}
	return t, reason
}

// parseTemplate splits a template at its parameters. reason is why it cannot.
func parseTemplate(s string, escape func(string) string) (parts []part, reason string) {
	for s != "" {
		open := strings.IndexAny(s, "{}")
		if open < 0 {
			open = len(s)
		}
		if open > 0 {
			parts = append(parts, part{literal: escape(s[:open])})
		}
		if open == len(s) {
			break
		}
		name, rest, closed := strings.Cut(s[open+1:], "}")
		if s[open] == '}' || !closed || strings.Contains(name, "{") {
			return nil, "has a brace without its other"
		}
		p := part{parameter: strings.TrimPrefix(name, "*")}
		p.wildcard = p.parameter != name
		if p.parameter == "" {
			return nil, "has a parameter without a name"
		}
		parts, s = append(parts, p), rest
	}
	return parts, ""
}

// escapePath and escapeRawQuery escape what may not stand there as it is, and
// leave escapes alone.
func escapePath(s string) string     { return escapeRaw(s, "/:@!$&'()*+,;=-._~%") }
func escapeRawQuery(s string) string { return escapeRaw(s, "/:@!$&'()*+,;=-._~%?") }

func escapeRaw(s, free string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(free, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// literalPath is the path with a letter in the place of each parameter.
func literalPath(parts []part) string {
	var b strings.Builder
	for _, p := range parts {
		if p.parameter != "" {
			b.WriteByte('x')
		}
		b.WriteString(p.literal)
	}
	return b.String()
}

// refusedPath says why an escaped path may not be sent: backends would read
// another path than the one that the gate looks at. Empty: it may.
func refusedPath(escaped string) string {
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return "has a broken escape"
	}
	if strings.ContainsAny(path, "\x00\\") {
		return "has a backslash or a NUL"
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		switch {
		case s == "." || s == "..":
			return `has a segment "." or ".."`
		case s == "" && i > 0 && i < len(segments)-1:
			return "has an empty segment"
		}
	}
	return ""
}

func (s *rewriteURI) do(ctx context.Context, x *Exchange) (flow, *Error) {
	t, e := s.template(ctx, x)
	if e != nil {
		return stop, e
	}
	path, e := fill(t.path, x, func(v string, wildcard bool) string {
		if !wildcard {
			return url.PathEscape(v)
		}
		return escapeRaw(v, "/:@!$&'()*+,;=-._~")
	})
	if e != nil {
		return stop, e
	}
	query, e := fill(t.query, x, func(v string, _ bool) string { return escapeQuery(v) })
	if e != nil {
		return stop, e
	}
	if reason := refusedPath(path); reason != "" {
		return stop, denied(http.StatusBadRequest, "PathRefused", "The rewritten path "+reason+".", "The path of the request is refused.")
	}
	unmatched, e := s.copy.is(ctx, x)
	if e != nil {
		return stop, e
	}
	if unmatched {
		query = joinQuery(query, t.unmatched(x))
	}
	x.Request.Path, x.Request.Query = path, query
	x.say("path", path)
	return next, nil
}

// template is the one for an exchange.
func (s *rewriteURI) template(ctx context.Context, x *Exchange) (*rewriteTemplate, *Error) {
	if s.compute == nil {
		return &s.rewriteTemplate, nil
	}
	v, e := s.compute.eval(ctx, x)
	if e != nil {
		return nil, e
	}
	text, e := s.compute.text(x, v)
	if e != nil {
		return nil, e
	}
	t, reason := parseRewrite(text)
	if reason != "" {
		return nil, s.compute.badValue("The template %s.", reason)
	}
	return &t, nil
}

// fill puts the values of the operation's parameters in.
func fill(parts []part, x *Exchange, escape func(v string, wildcard bool) string) (string, *Error) {
	var b strings.Builder
	for _, p := range parts {
		if p.parameter == "" {
			b.WriteString(p.literal)
			continue
		}
		v, ok := x.MatchedParameters[p.parameter]
		if !ok {
			return "", &Error{
				Reason: "TemplateParameterNotFound", Status: http.StatusInternalServerError,
				Message: fmt.Sprintf("The operation's URL template has no parameter {%s}.", p.parameter),
			}
		}
		b.WriteString(escape(v, p.wildcard))
	}
	return b.String(), nil
}

// unmatched are the request's query parameters that neither the operation's
// template nor this one names, byte for byte.
func (s *rewriteTemplate) unmatched(x *Exchange) string {
	matched := s.names
	if x.Operation != nil {
		if _, query, ok := strings.Cut(x.Operation.URLTemplate, "?"); ok {
			matched = slices.Clone(matched)
			for pair := range strings.SplitSeq(query, "&") {
				name, _, _ := strings.Cut(pair, "=")
				matched = append(matched, name)
			}
		}
	}
	if len(matched) == 0 {
		return x.Request.Query
	}
	var out string
	for pair := range strings.SplitSeq(x.Request.Query, "&") {
		if !slices.ContainsFunc(matched, func(name string) bool { return named(pair, name) }) {
			out = joinQuery(out, pair)
		}
	}
	return out
}
