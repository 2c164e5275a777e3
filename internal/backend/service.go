package backend

import (
	"context"
	"crypto/x509"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/network/endpoint"
)

// service is one place that requests are sent to: a backend of type Single.
type service struct {
	id string
	// scheme is https, or http for an exact loopback address.
	scheme string
	// authority is the host in its one spelling, with a port where it is not
	// the scheme's.
	authority       string
	base            basePath
	credential      credential
	passCallerToken bool
	// roots verify the server; nil: the system's.
	roots *x509.CertPool
	ways  *ways
	// health is nil for those that are in no pool.
	health  *health
	breaker breaker
}

// endpoint is the private endpoint by which the service is reached; nil: it has
// none.
func (s *service) endpoint(d *egress.Dialer) *endpoint.Endpoint {
	host := s.authority
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		host = host[:i]
	}
	return d.EndpointOf(strings.Trim(host, "[]"))
}

// ways are the connections to a service, or to all that have no settings of
// their own.
type ways struct {
	http1 *http.Transport
	// http2 is used towards hosts that turned out to speak nothing else.
	http2 *http.Transport
	// onlyHTTP2 are those hosts; nil, as it nearly always is: none.
	onlyHTTP2 atomic.Pointer[map[string]bool]
}

func newWays(d *egress.Dialer, o egress.TransportOptions) *ways {
	w := &ways{http1: d.Transport(egress.Model, o)}
	o.HTTP2 = true
	w.http2 = d.Transport(egress.Model, o)
	return w
}

// dials are the functions that open connections.
func (w *ways) dials() []*dialFunc {
	return []*dialFunc{&w.http1.DialContext, &w.http1.DialTLSContext, &w.http2.DialContext, &w.http2.DialTLSContext}
}

func (w *ways) closeIdle() {
	w.http1.CloseIdleConnections()
	w.http2.CloseIdleConnections()
}

func (w *ways) speaksOnlyHTTP2(authority string) bool {
	known := w.onlyHTTP2.Load()
	return known != nil && (*known)[authority]
}

// learn notes that a host speaks HTTP/2 alone. Two at once may lose one note,
// which the next request makes again.
func (w *ways) learn(authority string) {
	next := map[string]bool{authority: true}
	if known := w.onlyHTTP2.Load(); known != nil {
		maps.Copy(next, *known)
	}
	w.onlyHTTP2.Store(&next)
}

// errNoUpgrade is a WebSocket towards a server that speaks HTTP/2 alone.
var errNoUpgrade = errors.New("the server speaks HTTP/2 alone, and WebSockets need HTTP/1.1")

// attach adds the credential of s to a request that is about to leave.
// Whatever chose where it goes, it is compared with where it goes here.
func (s *service) attach(ctx context.Context, out *http.Request, now func() time.Time) (time.Duration, error) {
	if s.credential.none() {
		return 0, nil
	}
	if out.URL.Scheme != s.scheme || out.URL.Host != s.authority || out.Host != "" && out.Host != s.authority {
		return 0, errors.New("the request goes to another host than the credential is for")
	}
	return s.credential.attach(ctx, out, now)
}

// basePath is the path of a backend below its host, without a slash at its
// end, decoded and as it is sent.
type basePath struct{ path, escaped string }

func baseOf(u *url.URL) (basePath, bool) {
	b := basePath{strings.TrimRight(u.Path, "/"), strings.TrimRight(u.EscapedPath(), "/")}
	for segment := range strings.SplitSeq(strings.TrimPrefix(b.path, "/"), "/") {
		if segment == "." || segment == ".." || segment == "" && b.path != "" {
			return basePath{}, false
		}
	}
	return b, true
}

// below reports whether b is p or lies below it.
func (b basePath) below(p basePath) bool {
	rest, ok := strings.CutPrefix(b.escaped, p.escaped)
	return ok && (rest == "" || rest[0] == '/')
}

// join puts the path and query of u below b.
func (b basePath) join(scheme, authority string, u *url.URL) *url.URL {
	out := &url.URL{Scheme: scheme, Host: authority, Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}
	if b.path == "" {
		return out
	}
	if u.RawPath != "" || b.path != b.escaped {
		out.RawPath = b.escaped + withSlash(u.EscapedPath())
	}
	out.Path = b.path + withSlash(u.Path)
	return out
}

func withSlash(p string) string {
	if p == "" || p[0] == '/' {
		return p
	}
	return "/" + p
}
