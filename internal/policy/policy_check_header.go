package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/secret"
)

func checkHeaderEntry() entry {
	return entry{
		name: "check-header", sections: inOnly, scopes: everyScope,
		does: "a header that the request must have, and its values",
		attributes: []attribute{
			{name: "name", required: true, expected: "a header name"},
			{name: "failed-check-httpcode", required: true, expected: "a status from 400 to 599"},
			{name: "failed-check-error-message", required: true, expected: "text for the caller"},
			{name: "ignore-case", required: true, expected: "true or false"},
		},
		children: []child{{name: "value", many: true, expected: "one value that is allowed", text: hasText}},
		compile:  compileCheckHeader,
	}
}

type checkHeader struct {
	name       string
	status     int
	message    string
	ignoreCase bool
	// values are those that are allowed; empty: any.
	values []string
}

func compileCheckHeader(c *compiler, n *Node) statement {
	s := &checkHeader{
		status:     c.integer(n, "failed-check-httpcode", 400, 599, 500),
		ignoreCase: c.boolean(n, "ignore-case", false),
	}
	s.name, _ = c.headerName(n, "name")
	if v, ok := c.attribute(n, "failed-check-error-message"); ok {
		s.message = v.text
	}
	for _, k := range n.Elements() {
		if v, ok := c.fieldValue(k); ok {
			s.values = append(s.values, v)
		}
	}
	return s
}

func (s *checkHeader) do(_ context.Context, x *Exchange) (flow, *Error) {
	lines, exists := x.Request.Header[s.name]
	if s.name == "Host" && x.OriginalURL != nil {
		// The server takes it out of the headers.
		lines, exists = []string{x.OriginalURL.Host}, true
	}
	if !exists {
		return stop, denied(s.status, "HeaderNotFound",
			fmt.Sprintf("Header %s was not found in the request. Access denied.", s.name), s.message)
	}
	// All lines count as one value: a second one would go on to the backend
	// unchecked.
	value := strings.Join(lines, ",")
	if len(s.values) > 0 && !slices.ContainsFunc(s.values, func(want string) bool {
		return want == value || s.ignoreCase && strings.EqualFold(want, value)
	}) {
		if x.carriesCredential(s.name) {
			value = secret.Redacted
		}
		return stop, denied(s.status, "HeaderValueNotAllowed",
			fmt.Sprintf("Header %s value of %s is not allowed. Access denied.", s.name, value), s.message)
	}
	return next, nil
}

// carriesCredential reports whether callers send credentials in a header: its
// value has no place in an error, which ends in logs.
func (x *Exchange) carriesCredential(name string) bool {
	switch name {
	case "Authorization", "Cookie", "Api-Key", "Ocp-Apim-Subscription-Key":
		return true
	}
	return x.API != nil && strings.EqualFold(name, x.API.SubscriptionKeyHeader)
}
