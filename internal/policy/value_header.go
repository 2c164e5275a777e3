package policy

import (
	"context"
	"net/http"
	"strings"
)

// isToken reports whether s is a token (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return s != ""
}

// isFieldValue reports whether s may stand as the value of a header: no control
// character but the tab (RFC 9110, section 5.5).
func isFieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// framing are the headers that belong to a connection or say where a message
// ends. They are the gateway's; API Management does not let policies touch the
// ones it lists either.
func framing() []string {
	return []string{
		"Connection", "Content-Length", "Http2-Settings", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
		"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	}
}

// headerName takes the name of a header in its canonical form.
func (c *compiler) headerName(n *Node, name string) (string, bool) {
	v, ok := c.attribute(n, name)
	if !ok {
		return "", false
	}
	text := strings.TrimSpace(v.text)
	if !isToken(text) {
		c.malformed(v, name, "a header name: letters, digits and -", "")
		return "", false
	}
	return http.CanonicalHeaderKey(text), true
}

// fieldValue takes the text of an element as the value of a header.
func (c *compiler) fieldValue(n *Node) (string, bool) {
	v, ok := c.content(n)
	if ok && !isFieldValue(v.text) {
		c.invalid(v, n.Name, "one line without control characters", "")
		return "", false
	}
	return v.text, ok
}

// headerNameValue takes the name of a header in its canonical form, or an
// expression of one.
func (c *compiler) headerNameValue(n *Node, name string) (textValue, bool) {
	t, ok := c.textAttribute(n, name)
	if !ok || t.compute != nil {
		return t, ok
	}
	t.literal, ok = c.headerName(n, name)
	return t, ok
}

// headerName is the name for one exchange. answer: it is for a header of the
// answer.
func (t *textValue) headerName(ctx context.Context, x *Exchange, answer bool) (string, *Error) {
	if t.compute == nil {
		return t.literal, nil
	}
	s, e := t.text(ctx, x)
	if e != nil {
		return "", e
	}
	name := strings.TrimSpace(s)
	if !isToken(name) {
		return "", t.compute.badValue("The value of %q is no header name.", t.compute.name)
	}
	if name = http.CanonicalHeaderKey(name); refusedHeader(name, answer || x.making != nil) {
		return "", t.compute.badValue("The header %q is not for policies.", name)
	}
	return name, nil
}

// fieldContent takes the text of an element as the value of a header, or an
// expression of one.
func (c *compiler) fieldContent(n *Node) (textValue, bool) {
	t, ok := c.textContent(n)
	if !ok || t.compute != nil {
		return t, ok
	}
	t.literal, ok = c.fieldValue(n)
	return t, ok
}

// fieldValue is the value of a header for one exchange.
func (t *textValue) fieldValue(ctx context.Context, x *Exchange) (string, *Error) {
	if t.compute == nil {
		return t.literal, nil
	}
	s, e := t.text(ctx, x)
	if e != nil {
		return "", e
	}
	if s = strings.Trim(s, " \t\r\n"); !isFieldValue(s) {
		return "", t.compute.badValue("The value has a line break or another control character, which headers cannot hold.")
	}
	return s, nil
}
