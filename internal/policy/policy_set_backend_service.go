package policy

import (
	"context"
	"errors"
	"net/url"
	"strings"
)

func setBackendServiceEntry() entry {
	const fabric = "Service Fabric is not supported"
	const dapr = "Dapr is not supported"
	return entry{
		name: "set-backend-service", sections: inBack, scopes: everyScope,
		does: "the backend that the request goes to",
		attributes: []attribute{
			{name: "base-url", expected: "an https URL that the site allows"},
			{name: "backend-id", expected: "the id of a backend in apim/backends or cloister.yaml"},
			{name: "sf-resolve-condition", refused: fabric},
			{name: "sf-service-instance-name", refused: fabric},
			{name: "sf-partition-key", refused: fabric},
			{name: "sf-listener-name", refused: fabric},
			{name: "dapr-app-id", refused: dapr},
			{name: "dapr-method", refused: dapr},
			{name: "dapr-namespace", refused: dapr},
		},
		compile: compileSetBackendService,
	}
}

type setBackendService struct{ target Target }

func compileSetBackendService(c *compiler, n *Node) statement {
	base, id := n.Attribute("base-url"), n.Attribute("backend-id")
	switch {
	case base != nil && id != nil:
		c.add(id.Pos, "attributes-exclude", "base-url or backend-id", "remove one", "base-url and backend-id are both given")
	case base != nil:
		return &setBackendService{target: c.baseURL(n)}
	case id != nil:
		return &setBackendService{target: c.backendID(n)}
	default:
		c.add(n.Pos, "missing-attribute", "base-url or backend-id", `add backend-id="…"`, "set-backend-service names no backend")
	}
	return &setBackendService{}
}

func (c *compiler) baseURL(n *Node) Target {
	v, ok := c.attribute(n, "base-url")
	if !ok {
		return Target{}
	}
	u, err := parseBaseURL(strings.TrimSpace(v.text))
	if err != nil {
		// The error may hold parts of the text, and so of a secret.
		c.invalid(v, "base-url", "a URL: https, a host, an optional path, and nothing else", "")
		return Target{}
	}
	return Target{BaseURL: u}
}

func (c *compiler) backendID(n *Node) Target {
	v, ok := c.attribute(n, "backend-id")
	if !ok {
		return Target{}
	}
	if b := c.env.backend(strings.TrimSpace(v.text)); b != nil {
		return Target{ID: b.ID}
	}
	var ids []string
	for _, b := range c.env.Backends {
		ids = append(ids, b.ID)
	}
	c.add(v.pos, "unknown-backend", "the id of a backend in apim/backends or cloister.yaml", nearestName(v.written, ids), "there is no backend %q", v.written)
	return Target{}
}

// parseBaseURL parses where a backend is.
func parseBaseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, err
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "wss" && u.Scheme != "ws":
		return nil, errors.New("the scheme is not https")
	case u.Hostname() == "":
		return nil, errors.New("there is no host")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("there is more than host and path")
	}
	return u, nil
}

func (s *setBackendService) do(_ context.Context, x *Exchange) (flow, *Error) {
	x.Request.Backend = s.target
	return next, nil
}
