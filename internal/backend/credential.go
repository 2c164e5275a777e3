package backend

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/identity/acquire"
	"github.com/cloister-ai/cloister/internal/secret"
)

// credential is what the gateway shows to one service. The zero value is
// nothing.
type credential struct {
	headers []named
	query   []named
	// token goes into Authorization; nil: none.
	token acquire.Source
}

// named are values of one header or parameter.
type named struct {
	name   string
	values []secret.Value
}

func (c *credential) none() bool { return len(c.headers) == 0 && len(c.query) == 0 && c.token == nil }

// setHeader sets a header and forgets another value of it.
func (c *credential) setHeader(name string, values ...secret.Value) {
	name = http.CanonicalHeaderKey(name)
	for i := range c.headers {
		if c.headers[i].name == name {
			c.headers[i].values = values
			return
		}
	}
	c.headers = append(c.headers, named{name, values})
}

// attach replaces what the request says under the same names.
func (c *credential) attach(ctx context.Context, out *http.Request, now func() time.Time) (took time.Duration, err error) {
	for _, h := range c.headers {
		lines := make([]string, len(h.values))
		for i, v := range h.values {
			lines[i] = v.Reveal()
		}
		out.Header[h.name] = lines
	}
	for _, q := range c.query {
		out.URL.RawQuery = setParameter(out.URL.RawQuery, q)
	}
	if c.token != nil {
		start := now()
		v, _, err := c.token.Token(ctx)
		took = now().Sub(start)
		if err != nil {
			return took, err
		}
		out.Header["Authorization"] = []string{"Bearer " + v.Reveal()}
	}
	return took, nil
}

// setParameter replaces a parameter of a raw query and leaves the others byte
// for byte.
func setParameter(query string, q named) string {
	var parts []string
	for pair := range strings.SplitSeq(query, "&") {
		key, _, _ := strings.Cut(pair, "=")
		if name, err := url.QueryUnescape(key); pair != "" && (err != nil || name != q.name) {
			parts = append(parts, pair)
		}
	}
	for _, v := range q.values {
		parts = append(parts, url.QueryEscape(q.name)+"="+url.QueryEscape(v.Reveal()))
	}
	return strings.Join(parts, "&")
}
