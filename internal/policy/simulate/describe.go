package simulate

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/request"
	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/site"
)

// defaultID is the id of a request whose description has none.
const defaultID = "8b523262-e7a2-4b7e-90f9-7259dc6c3450"

// Begun is where the clock stands where a description does not say.
var Begun = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// Description is a request that was read from a context file.
type Description struct{ c *request.Context }

// Describe reads a context, as "cloister policy eval" takes it; an empty one is a
// GET of https://localhost/. The error is a [*FileError] of the file.
func Describe(file, text string) (*Description, error) {
	if strings.TrimSpace(text) == "" {
		text = "{}"
	}
	t := &clr.Thread{Now: func() time.Time { return Begun }, Random: rand.Reader, Zone: time.UTC}
	limits := clr.DefaultLimits()
	limits.Bytes *= 16
	limits.Steps *= 16
	t.Start(context.Background(), limits)
	defer t.End()
	c, err := request.Read(t, text)
	if err != nil {
		e := &FileError{File: file, What: "context", Text: err.Error()}
		var at *request.FileError
		if errors.As(err, &at) {
			e.path = at.Path
			if n, unread := readJSON([]byte(strings.TrimPrefix(text, "\ufeff"))); unread == nil {
				place := find(n, at.Path)
				e.Line, e.Column = place.Line, place.Column
			}
		}
		return nil, e
	}
	return &Description{c}, nil
}

// describe reads a context that stands in a test file.
func describe(n *yaml.Node) (*Description, error) {
	text, err := toJSON(n)
	if err != nil {
		return nil, err
	}
	d, err := Describe("", string(text))
	var e *FileError
	if errors.As(err, &e) {
		place := find(n, e.path)
		e.Line, e.Column = place.Line, place.Column
	}
	return d, err
}

// Now is when the request came; zero: the description does not say.
func (d *Description) Now() time.Time { return d.c.Timestamp }

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// exchange makes the exchange of a description.
func (d *Description) exchange() (*policy.Exchange, error) {
	c, r := d.c, d.c.Request
	x := &policy.Exchange{RequestID: defaultID, Started: c.Timestamp, User: c.User, Deployment: c.Deployment, Certificate: r.Certificate}
	if c.RequestID != [16]byte{} {
		x.RequestID = guid(c.RequestID)
	}
	var err error
	if x.OriginalURL, err = url.Parse(r.OriginalURL.String()); err != nil {
		return nil, &FileError{What: "context", Text: err.Error()}
	}
	u, err := url.Parse(r.URL.String())
	if err != nil {
		return nil, &FileError{What: "context", Text: err.Error()}
	}
	x.ClientIP, _ = netip.ParseAddr(text(r.IPAddress))
	x.Request = policy.Request{
		Method: r.Method, Path: u.EscapedPath(), Query: u.RawQuery, Header: http.Header{},
		Backend: policy.Target{BaseURL: &url.URL{Scheme: u.Scheme, Host: u.Host}},
	}
	if x.Request.Path == "" {
		x.Request.Path = "/"
	}
	r.Headers.Each(func(name string, v []string) bool {
		if name = http.CanonicalHeaderKey(name); name == "Host" {
			x.OriginalURL.Host = v[0]
			return true
		}
		x.Request.Header[name] = slices.Clone(v)
		return true
	})
	if r.Body != nil {
		content, err := r.Body.Read(true)
		if err != nil {
			return nil, &FileError{What: "context", Text: err.Error()}
		}
		x.Request.Body = &policy.Body{Bytes: content, Length: int64(len(content))}
	}
	if len(r.MatchedParameters) > 0 {
		x.MatchedParameters = map[string]string{}
		for _, p := range r.MatchedParameters {
			x.MatchedParameters[p.Name] = p.Value
		}
	}
	c.Variables.Each(func(name string, v clr.Value) bool {
		x.Variables.Set(name, v)
		return true
	})
	d.around(x)
	return x, nil
}

// around is what routing and identification found.
func (d *Description) around(x *policy.Exchange) {
	c := d.c
	x.API = &site.API{
		ID: text(c.API.ID), Name: text(c.API.Name), Path: text(c.API.Path), Version: text(c.API.Version), Revision: text(c.API.Revision),
		IsCurrent: c.API.IsCurrentRevision, Protocols: c.API.Protocols,
		SubscriptionKeyHeader: c.API.Header, SubscriptionKeyQuery: c.API.Query,
	}
	if c.API.ServiceURL != nil {
		x.API.ServiceURL = c.API.ServiceURL.String()
	}
	o := c.Operation
	x.Operation = &site.Operation{ID: text(o.ID), Name: text(o.Name), Method: text(o.Method), URLTemplate: text(o.URLTemplate)}
	if p := c.Product; p != nil {
		x.Product = &site.Product{ID: text(p.ID), Name: text(p.Name), SubscriptionRequired: p.SubscriptionRequired, ApprovalRequired: p.ApprovalRequired, Published: !p.NotPublished}
		for _, g := range p.Groups {
			x.Product.Groups = append(x.Product.Groups, text(g.Name))
		}
	}
	if s := c.Subscription; s != nil {
		x.Subscription = &policy.Subscription{ID: text(s.ID), Name: text(s.Name), Key: text(s.Key), Created: s.CreatedDate}
		x.Caller = func() string { return "subscription " + x.Subscription.ID }
	}
}

// guid prints bytes as RFC 9562 does.
func guid(b [16]byte) string {
	const digits = "0123456789abcdef"
	var out strings.Builder
	for i, c := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out.WriteByte('-')
		}
		out.WriteByte(digits[c>>4])
		out.WriteByte(digits[c&15])
	}
	return out.String()
}
