package policy

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

const setHeaderName = "set-header"

func setHeaderEntry() entry {
	return entry{
		name: setHeaderName, sections: everySection, scopes: everyScope,
		does: "a header of the request (inbound, backend) or of the answer",
		attributes: []attribute{
			{name: "name", required: true, expected: "a header name"},
			{name: "exists-action", expected: listed(existsActions()), otherwise: "override"},
		},
		children: []child{{name: "value", many: true, expected: "one line of text", text: hasText}},
		compile:  compileSetHeader,
	}
}

// Values of exists-action.
const (
	override   = "override"
	skip       = "skip"
	appendWord = "append"
	remove     = "delete"
)

func existsActions() []string { return []string{override, skip, appendWord, remove} }

type setHeader struct {
	name   string
	action string
	// values are never written to; their capacity is their length.
	values []string
	// separate: values stand on lines of their own.
	separate bool
	// answer: the header is the answer's.
	answer bool
}

func compileSetHeader(c *compiler, n *Node) statement {
	s := &setHeader{answer: c.answer || c.section == outbound || c.section == onError}
	name, ok := c.headerName(n, "name")
	if ok {
		c.checkHeader(n, name, s.answer)
	}
	s.name, s.separate = name, separate(name)
	s.action = c.choice(n, "exists-action", override, existsActions()...)
	for _, k := range n.Elements() {
		if v, ok := c.fieldValue(k); ok {
			s.values = append(s.values, v)
		}
	}
	switch {
	case s.action == remove && len(s.values) > 0:
		c.warn(n.Pos, "value-without-effect", "remove the values", "set-header deletes %q, so its values have no effect", name)
	case s.action != remove && len(n.Elements()) == 0:
		c.add(n.Pos, "missing-element", "<value>", `write exists-action="delete" to remove the header`, "set-header sets %q to nothing", name)
	}
	if !s.separate && len(s.values) > 1 {
		s.values = []string{strings.Join(s.values, ",")}
	}
	s.values = slices.Clip(s.values)
	return s
}

// checkHeader refuses headers that are not for policies.
func (c *compiler) checkHeader(n *Node, name string, answer bool) {
	pos := n.Attribute("name").ValuePos
	switch {
	case slices.Contains(framing(), name):
		c.add(pos, "framing-header", "another header", "", "the header %q belongs to the connection; policies cannot touch it", name)
	case name == "Host" && !answer:
		// Whoever chooses the name chooses, behind a shared front, another
		// service than the one that the site allows.
		c.add(pos, "framing-header", "another header", "choose the backend with set-backend-service",
			"the header \"Host\" always names the backend that the request goes to")
	}
}

// separate reports whether several values of a header stand on lines of their
// own, as API Management writes them, because they may hold commas; those of
// other headers are joined by commas.
func separate(name string) bool {
	switch name {
	case "User-Agent", "Www-Authenticate", "Cookie", "Set-Cookie", "Warning", "Date", "Expires",
		"If-Modified-Since", "If-Unmodified-Since", "Last-Modified", "Retry-After":
		return true
	}
	return false
}

func (s *setHeader) do(_ context.Context, x *Exchange) (flow, *Error) {
	if s.answer {
		s.apply(x.answered())
		return next, nil
	}
	if x.Request.Header == nil {
		x.Request.Header = http.Header{}
	}
	s.apply(x.Request.Header)
	return next, nil
}

func (s *setHeader) apply(h http.Header) {
	switch was, exists := h[s.name]; {
	case s.action == remove:
		delete(h, s.name)
	case !exists || s.action == override:
		h[s.name] = s.values
	case s.action == appendWord && s.separate:
		h[s.name] = slices.Concat(was, s.values)
	case s.action == appendWord:
		h[s.name] = []string{strings.Join(slices.Concat(was, s.values), ",")}
	}
}

// answered is the header of the answer; where there is none yet, of an empty
// one, which holds until a backend answers.
func (x *Exchange) answered() http.Header {
	if x.Response == nil {
		x.answer(&Response{StatusCode: http.StatusOK})
	}
	if x.Response.Header == nil {
		x.Response.Header = http.Header{}
	}
	return x.Response.Header
}
