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
		tier: tierA, page: page{
			intro: "Says where the request goes instead of the API's service URL.",
			example: `
<set-backend-service backend-id="openai-east" />
<set-backend-service base-url="@("https://" + context.Request.Headers.GetValueOrDefault("X-Region", "east") + ".openai.azure.com/openai")" />`,
			behaviour: []string{
				"Exactly one of the two. The request's path is appended to the URL.",
				"Ids are compared without case.",
				"Either may be an expression. It is the gate that looks at what comes of it, before each connection.",
			},
			differences: []string{
				"A URL has to be one that the site's destinations allow. `check` says so of a written one; a computed one is refused when the request would leave.",
				"The URL is scheme, host and path: with a query, a fragment or a user it is refused.",
			},
			errors: []errorLine{
				{"ExpressionValueEvaluationFailure", "an expression throws, gives no URL, or names no backend"},
			},
		},
		attributes: []attribute{
			{name: "base-url", expected: "an https URL that the site allows", expression: true},
			{name: "backend-id", expected: "the id of a backend in apim/backends or cloister.yaml", expression: true},
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

type setBackendService struct {
	target Target
	// base and id are what is computed; at most one of them is.
	base, id textValue
	env      *Env
}

// known reports whether the backend is known before requests come.
func (s *setBackendService) known() bool { return s.base.compute == nil && s.id.compute == nil }

func compileSetBackendService(c *compiler, n *Node) statement {
	base, id := n.Attribute("base-url"), n.Attribute("backend-id")
	s := &setBackendService{env: c.env}
	switch {
	case base != nil && id != nil:
		c.add(id.Pos, "attributes-exclude", "base-url or backend-id", "remove one", "base-url and backend-id are both given")
	case base != nil:
		t, ok := c.textAttribute(n, "base-url")
		if s.base = t; ok && t.compute == nil {
			s.target = c.baseURL(n)
		}
	case id != nil:
		t, ok := c.textAttribute(n, "backend-id")
		if s.id = t; ok && t.compute == nil {
			s.target = c.backendID(n)
		}
	default:
		c.add(n.Pos, "missing-attribute", "base-url or backend-id", `add backend-id="…"`, "set-backend-service names no backend")
	}
	return s
}

func (c *compiler) baseURL(n *Node) Target {
	v, ok := c.attribute(n, "base-url")
	if !ok {
		return Target{}
	}
	u, err := parseBaseURL(strings.TrimSpace(v.text))
	if err != nil {
		// The error may hold parts of the text, and so of a secret.
		c.malformed(v, "base-url", "a URL: https, a host, an optional path, and nothing else", "")
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
		return b.target()
	}
	c.unknownBackend(v)
	return Target{}
}

func (c *compiler) unknownBackend(v value) {
	var ids []string
	for _, b := range c.env.Backends {
		ids = append(ids, b.ID)
	}
	c.add(v.pos, "unknown-backend", "the id of a backend in apim/backends or cloister.yaml", nearestName(v.written, ids), "there is no backend %q", v.written)
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

func (s *setBackendService) do(ctx context.Context, x *Exchange) (flow, *Error) {
	target, e := s.choose(ctx, x)
	if e != nil {
		return stop, e
	}
	x.Request.Backend = target
	if x.Observer != nil {
		x.say("backend", target.String())
	}
	return next, nil
}

func (s *setBackendService) choose(ctx context.Context, x *Exchange) (Target, *Error) {
	switch {
	case s.base.compute != nil:
		text, e := s.base.text(ctx, x)
		if e != nil {
			return Target{}, e
		}
		u, err := parseBaseURL(strings.TrimSpace(text))
		if err != nil {
			return Target{}, s.base.compute.badValue("The base URL is no URL of scheme, host and path.")
		}
		return Target{BaseURL: u}, nil
	case s.id.compute != nil:
		text, e := s.id.text(ctx, x)
		if e != nil {
			return Target{}, e
		}
		b := s.env.backend(strings.TrimSpace(text))
		if b == nil {
			return Target{}, s.id.compute.badValue("There is no backend %q.", text)
		}
		return b.target(), nil
	}
	return s.target, nil
}

// String is the backend's id, or its URL.
func (t Target) String() string {
	if t.ID != "" || t.BaseURL == nil {
		return t.ID
	}
	return t.BaseURL.String()
}
