package policy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/site"
)

// MaxCallBody is how large the answer to a call may be, in bytes.
const MaxCallBody = 8 << 20

// CallMaker makes the calls of policies: over HTTPS, to the destinations of class
// "call", without redirects. It is safe for concurrent use.
type CallMaker interface {
	// Call sends a request and reads the whole answer, [MaxCallBody] at most,
	// whatever its status. It ends with ctx.
	Call(ctx context.Context, r *CallRequest) (*CallResponse, error)
	// Later sends a request in the background; nobody reads the answer. False:
	// it has no room for more, and the request is dropped.
	Later(r *CallRequest) bool
}

// Road is the gateway's side of policies that call and wait.
type Road interface {
	// Uncredential takes out of a copy of the request's head what the caller sent
	// as a credential, and gives the query without it.
	Uncredential(h http.Header, query string) string
	// CallTravels reports whether a call would carry a credential of the gateway to
	// a host that it is not for.
	CallTravels(h http.Header, u *url.URL) bool
	// Hold counts bytes that policies keep in memory until the exchange ends; an
	// error: there are too many.
	Hold(n int64) *Error
	// HoldBody counts bytes of a body that policies have made: of the request's,
	// until the answer begins, or of the answer's.
	HoldBody(n int64, request bool) *Error
	// Interrupted is the error of a request whose context ended with that cause
	// while a policy waited.
	Interrupted(cause error) *Error
}

// CallRequest is a request that a policy makes of its own.
type CallRequest struct {
	Method string
	URL    *url.URL
	Header http.Header
	Body   []byte
	// Timeout bounds the call with its answer.
	Timeout time.Duration
	// Certificate is shown to the server; nil: none.
	Certificate *tls.Certificate
}

// CallResponse is the answer to a call.
type CallResponse struct {
	StatusCode int
	// Reason is the reason phrase.
	Reason string
	Header http.Header
	Body   []byte
}

// ErrCallTooLarge is the error of an answer beyond [MaxCallBody].
var ErrCallTooLarge = errors.New("the answer is too large")

// ErrCallTimeout ends a call that takes longer than its policy says.
var ErrCallTimeout = errors.New("no answer in time")

// CallUse is a place where a document calls a URL that it holds.
type CallUse struct {
	URL *url.URL
	Pos site.Pos
	// Secret: it holds the value of a secret named value.
	Secret bool
}

// outgoing is the request that a policy is making; the policies in it shape it.
type outgoing struct {
	method string
	header http.Header
	body   *Body
	// certificate is shown to the server; nil: none.
	certificate *tls.Certificate
}

// requestHeader is the header that policies shape: that of the request that is
// being made, else that of the exchange's.
func (x *Exchange) requestHeader() http.Header {
	h := &x.Request.Header
	if x.making != nil {
		h = &x.making.header
	}
	if *h == nil {
		*h = http.Header{}
	}
	return *h
}

// setMethod sets the method of the request that policies shape.
func (x *Exchange) setMethod(method string) {
	if x.making != nil {
		x.making.method = method
		return
	}
	x.Request.Method = method
}

// parseCallURL parses where a call goes.
func parseCallURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, err
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the scheme is not https")
	case u.Hostname() == "":
		return nil, errors.New("there is no host")
	case u.User != nil:
		return nil, errors.New("there is a user in it")
	}
	u.Fragment, u.RawFragment = "", ""
	if u.Path == "" {
		u.Path = "/"
	}
	return u, nil
}

// namesHost reports whether the header Host, where a policy has set it, names the
// host of the URL. Another one would choose, behind a shared front, another
// service than the one that the site allows.
func (o *outgoing) namesHost(u *url.URL) bool {
	lines, ok := o.header["Host"]
	delete(o.header, "Host")
	plain := func(host string) string {
		return strings.TrimSuffix(strings.ToLower(strings.TrimSpace(host)), ":443")
	}
	return !ok || len(lines) == 1 && plain(lines[0]) == plain(u.Host)
}

// ready is the call as it leaves; an error is that of a credential which has no
// business there.
func (x *Exchange) ready(u *url.URL, made *outgoing, timeout time.Duration) (*CallRequest, *Error) {
	for _, name := range framing() {
		delete(made.header, name)
	}
	r := &CallRequest{Method: made.method, URL: u, Header: made.header, Timeout: timeout, Certificate: made.certificate}
	if made.body != nil {
		r.Body = made.body.Bytes
	}
	if x.Road != nil && x.Road.CallTravels(r.Header, u) {
		e := denied(http.StatusForbidden, "BackendCredentialTravels", "The request would carry a credential of the gateway to another host.", "Forbidden")
		e.Frame = true
		return nil, e
	}
	return r, nil
}

// call makes the call. An error has its reason; ended: the exchange itself is
// over, so that there is nothing to ignore.
func (x *Exchange) call(ctx context.Context, r *CallRequest) (resp *CallResponse, failure *Error, ended bool) {
	if x.Services == nil || x.Services.Calls == nil {
		return nil, callFailed("BackendConnectionFailure", "There is no way to call anybody.", nil), false
	}
	in, cancel := context.WithTimeoutCause(ctx, r.Timeout, ErrCallTimeout)
	defer cancel()
	var err error
	x.apart(func() { resp, err = x.Services.Calls.Call(in, r) })
	switch cause := context.Cause(in); {
	case err == nil:
		x.answers = append(x.answers, heard{resp, strings.HasPrefix(r.URL.Path, "/secrets/")})
		return resp, x.holdBytes(len(resp.Body)), false
	case ctx.Err() != nil:
		return nil, x.interrupted(context.Cause(ctx)), true
	case errors.Is(cause, ErrCallTimeout), errors.Is(err, ErrCallTimeout):
		return nil, callFailed("Timeout", "The service did not answer in time.", err), false
	case errors.Is(err, ErrCallTooLarge):
		return nil, callFailed("BodyTooLarge", fmt.Sprintf("The answer is larger than %d MiB.", MaxCallBody>>20), err), false
	}
	var refused *egress.RefusedError
	if errors.As(err, &refused) {
		return nil, callFailed("BackendConnectionFailure", "The connection is refused: "+refused.Code+".", err), false
	}
	return nil, callFailed("BackendConnectionFailure", "The connection failed.", err), false
}

func callFailed(reason, message string, cause error) *Error {
	return &Error{Reason: reason, Message: message, Status: http.StatusInternalServerError, Cause: cause}
}

// holdBytes counts bytes that stay in memory until the exchange ends.
func (x *Exchange) holdBytes(n int) *Error {
	if x.Road == nil {
		return nil
	}
	return x.Road.Hold(int64(n))
}

// copied is the head of the exchange's request as a call takes it over: without
// what the caller sent as a credential, and without what belongs to a
// connection.
func (x *Exchange) copied() (h http.Header, query string) {
	query = x.Request.Query
	if h = x.Request.Header.Clone(); h == nil {
		h = http.Header{}
	}
	if x.Road != nil {
		query = x.Road.Uncredential(h, query)
	} else {
		for name := range h {
			if x.carriesCredential(name) {
				delete(h, name)
			}
		}
		if x.API != nil && x.API.SubscriptionKeyQuery != "" {
			query = replaceParameter(query, x.API.SubscriptionKeyQuery, "")
		}
	}
	for _, name := range [...]string{"Host", "Cookie", "Accept-Encoding", "Expect"} {
		delete(h, name)
	}
	return h, query
}

// hostOf is what observers see of a URL: paths and queries hold secrets.
func hostOf(u *url.URL) string { return u.Scheme + "://" + u.Host }
