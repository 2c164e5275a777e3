package gateway

import (
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Call is a request as it was read, once, for everybody: route, authorize and
// forward use this and nothing else.
type Call struct {
	// Method is a token, as sent.
	Method string
	// Host is the name or address that was asked for, in lower case, without
	// port. It is the one that TLS was made for.
	Host string
	// Port as the Host field has it; empty where it has none.
	Port string
	// Path is canonical and escaped: no empty, "." or ".." segments, no escape
	// that need not be one, hexadecimal digits in upper case.
	Path string
	// Segments are those of Path, decoded, without the leading slash; a path
	// that ends in a slash has an empty last one. "/" has none.
	Segments []string
	// RawQuery is as sent, without "?".
	RawQuery string
	// Client is the caller's address: the connection's, or the one that a
	// trusted proxy named in X-Forwarded-For.
	Client netip.Addr
	// Started is when the head had been read.
	Started time.Time
	// WebSocket: the caller asks for an upgrade. The header then has
	// "Connection: Upgrade" and "Upgrade: websocket" in just this form.
	WebSocket bool
}

// read is the step "read" for both protocols. It rewrites r to what it
// read, so that code which looks at r sees the same request. With a refusal
// only the call's Client counts.
func (call *Call) read(f *Front, c *Conn, r *http.Request) *frontError {
	call.Method, call.Client = r.Method, c.Client.Addr()
	proxy := f.proxyFor(c.Peer.Addr())
	if e := call.readClient(r.Header, proxy.ForwardedFor); e != nil {
		return e
	}
	if e := call.readHead(r); e != nil {
		return e
	}
	if e := call.readHost(f, c, r); e != nil {
		return e
	}
	if e := call.readTarget(r); e != nil {
		return e
	}
	if e := call.readFields(r, c.HTTP2(), proxy.ForwardedFor > 0); e != nil {
		return e
	}
	if r.ContentLength > f.limits.MaxBodyBytes {
		return &frontError{413, RefusedBodySize, "The request body is too large."}
	}
	return nil
}

// readHead judges what HTTP/2 lets through. The gate of HTTP/1.1 has seen it
// already; where it costs nothing we look twice.
func (call *Call) readHead(r *http.Request) *frontError {
	fields, size := 0, 0
	if r.ProtoMajor == 2 {
		fields, size = headSize(r)
	}
	switch {
	case len(r.RequestURI) > MaxTargetBytes:
		return &frontError{414, RefusedTargetSize, "The request target is too long."}
	case fields > MaxHeadFields:
		return &frontError{431, RefusedHeadSize, "The request has too many header fields."}
	case size > MaxHeadBytes:
		return &frontError{431, RefusedHeadSize, "The request head is too large."}
	case !isToken(r.Method) || len(r.Method) > 32:
		return &frontError{400, RefusedMethod, "The method is malformed."}
	case isMethodVariant(r.Method):
		// Methods are compared with case (RFC 9110, section 9.1), and some
		// servers do not.
		return &frontError{400, RefusedMethod, "The method is not in its standard spelling."}
	case r.Method == http.MethodConnect || r.Method == http.MethodTrace:
		return &frontError{405, RefusedMethod, "The method is not accepted."}
	case len(r.Trailer) > 0:
		return &frontError{400, RefusedFraming, "Trailers are not accepted."}
	case len(r.Header["Expect"]) > 0 && !strings.EqualFold(r.Header["Expect"][0], "100-continue"):
		return &frontError{417, RefusedExpectation, "The expectation is not understood."}
	}
	return readLength(r)
}

// isMethodVariant reports a standard method in another case.
func isMethodVariant(method string) bool {
	for _, standard := range [...]string{"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE"} {
		if len(method) == len(standard) && method != standard && strings.EqualFold(method, standard) {
			return true
		}
	}
	return false
}

// headSize counts a head as HTTP/1.1 would write it.
func headSize(r *http.Request) (fields, size int) {
	size = len(r.Method) + len(r.RequestURI) + len(r.Host)
	for name, values := range r.Header {
		fields += len(values)
		for _, v := range values {
			size += len(name) + len(v) + len(": \r\n")
		}
	}
	return fields, size
}

// readLength asks of HTTP/2 what the gate asks of HTTP/1.1: net/http takes the
// first of several lengths, and the frames are right in any case, but a backend
// behind HTTP/1.1 should never hear two.
func readLength(r *http.Request) *frontError {
	lengths := r.Header["Content-Length"]
	switch {
	case len(r.Header["Transfer-Encoding"]) > 0:
		return &frontError{400, RefusedFraming, "Transfer-Encoding has no place here."}
	case len(lengths) > 1:
		return &frontError{400, RefusedFraming, "Content-Length is given twice."}
	case len(lengths) == 1:
		if n, ok := parseLength(lengths[0]); !ok || n != r.ContentLength {
			return &frontError{400, RefusedFraming, "Content-Length is not the length of the body."}
		}
	}
	return nil
}

// readHost wants one host, and the one that TLS was made for: behind another
// name may stand another certificate and other client CAs. A connection that
// outlives a change of its name is misdirected too.
func (call *Call) readHost(f *Front, c *Conn, r *http.Request) *frontError {
	for _, other := range r.Header["Host"] { // beside :authority
		if !strings.EqualFold(other, r.Host) {
			return &frontError{400, RefusedHost, "The request names two hosts."}
		}
	}
	host, port, ok := canonicalHost(r.Host)
	if !ok {
		return &frontError{400, RefusedHost, "The host is malformed."}
	}
	now := f.names[c.name.name]
	bare := c.TLS.ServerName == "" && host == c.Local.Addr().String()
	if host != c.name.name && !bare || now == nil || now.clientCAs != c.name.clientCAs && !samePool(now, c.name) {
		return &frontError{421, RefusedMisdirected, "This connection is not for the host that the request names."}
	}
	call.Host, call.Port = host, port
	delete(r.Header, "Host")
	r.Host = host
	if strings.Contains(host, ":") {
		r.Host = "[" + host + "]"
	}
	if port != "" {
		r.Host += ":" + port
	}
	return nil
}

func samePool(a, b *frontName) bool {
	return a.clientCAs != nil && b.clientCAs != nil && a.clientCAs.Equal(b.clientCAs)
}
