package gateway

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cloister-ai/cloister/internal/backend"
	"github.com/cloister-ai/cloister/internal/policy"
)

// forwardTimeout is forward-request's documented default: until the head of
// the answer.
const forwardTimeout = 300 * time.Second

// Causes that end an attempt.
var (
	errBackendTimeout error = timeoutError{}
	errStreamIdle           = errors.New("the backend's answer stood still for too long")
	errFinished             = errors.New("the request is over")
)

// timeoutError is a backend that did not answer in time; circuit breakers count
// it.
type timeoutError struct{}

func (timeoutError) Error() string { return "the backend did not answer in time" }

// Timeout is true.
func (timeoutError) Timeout() bool { return true }

// forward is one attempt at a backend: gate, connection, head of the answer.
// Policies call it; there is no other way out. It follows no redirect. What it
// repeats is what net/http repeats on a connection that turned out to be dead:
// requests of which nothing was written, and those that are idempotent or say
// so with Idempotency-Key.
func (t *trip) forward(ctx context.Context, x *policy.Exchange, opt policy.ForwardOptions) error {
	d, e := t.gate()
	if e != nil {
		return e
	}
	if opt.BufferRequestBody && x.Request.Body != nil {
		if _, e := t.readBody(); e != nil {
			return e
		}
	}
	t.dropResponse()
	t.endpoint = d.backend.Endpoints()
	if e := t.auditAllow(); e != nil {
		return e
	}
	t.traceForward(&d)
	t.startAttempt(ctx, &d)
	resp, err := t.roundTrip(&d, opt.Timeout)
	if err != nil {
		t.attempt.ended = t.g.opt.Now()
		var open *backend.OpenError
		if errors.As(err, &open) {
			t.endAttempt(nil)
			x.Response = t.circuitOpen(open)
			return nil
		}
		failure := t.attemptFailed(err)
		t.endAttempt(failure)
		return failure
	}
	t.attempt.status = resp.StatusCode
	if resp.StatusCode == http.StatusSwitchingProtocols && !t.mayUpgrade(&d, resp) {
		resp.Body.Close()
		failure := &refused{
			Source: "forward-request", Reason: "UpgradeUnasked", Status: http.StatusBadGateway, Frame: true,
			Message: "The backend changed to a protocol that nobody asked for.", PublicMessage: "Bad gateway",
		}
		t.endAttempt(failure)
		return failure
	}
	x.Response = t.responseOf(resp)
	t.traceAnswer()
	return nil
}

// circuitOpen is the answer in the place of a backend that is left alone. It is
// an answer and no error, as in API Management: retry looks at its status.
func (t *trip) circuitOpen(open *backend.OpenError) *policy.Response {
	t.x.Note(open.Error())
	seconds := int(math.Ceil(open.Until.Sub(t.g.opt.Now()).Seconds()))
	return policy.DefaultResponse(&t.x, &refused{
		Status: http.StatusServiceUnavailable, PublicMessage: http.StatusText(http.StatusServiceUnavailable),
		Header: http.Header{"Retry-After": {strconv.Itoa(max(1, seconds))}},
	})
}

// mayUpgrade: a WebSocket is made only where the caller asked for one, the
// request that left still did, and the backend agrees. Anything else would be
// a connection behind the gateway's back.
func (t *trip) mayUpgrade(d *departure, resp *http.Response) bool {
	is := func(h http.Header) bool {
		v := h["Upgrade"]
		return len(v) == 1 && strings.EqualFold(v[0], "websocket")
	}
	return t.call.WebSocket && is(d.header) && is(resp.Header)
}

// startAttempt opens the books of one attempt.
func (t *trip) startAttempt(ctx context.Context, d *departure) {
	a := &t.attempt
	*a = attempt{count: a.count + 1, backend: d.backend, began: t.g.opt.Now()}
	ctx, a.cancel = context.WithCancelCause(ctx)
	a.ctx, a.span = t.g.opt.Tracing.StartBackend(ctx, d.header, a.began)
}

// endAttempt closes them; it may be called more than once.
func (t *trip) endAttempt(failure *refused) {
	a := &t.attempt
	if a.cancel == nil {
		return
	}
	if a.ended.IsZero() {
		a.ended = t.g.opt.Now()
	}
	a.cancel(errFinished)
	a.cancel = nil
	if a.span != nil {
		t.describeAttempt()
		word := ""
		if failure != nil {
			word = kebab(failure.Reason)
		}
		a.span.End(&t.rec, word, a.ended)
	}
}

// roundTrip sends the request and waits for the head of the answer.
func (t *trip) roundTrip(d *departure, timeout time.Duration) (*http.Response, error) {
	if timeout <= 0 {
		timeout = forwardTimeout
	}
	cancel := t.attempt.cancel
	timer := time.AfterFunc(timeout, func() { cancel(errBackendTimeout) })
	defer timer.Stop()
	req, err := t.outgoing(d)
	if err != nil {
		return nil, err
	}
	resp, err := d.backend.RoundTripAs(req, &t.attempt.used, t.x.Request.Certificate)
	if err != nil {
		return nil, legible(err)
	}
	return resp, nil
}

// outgoing builds the request whose path is below the backend's own.
func (t *trip) outgoing(d *departure) (*http.Request, error) {
	x := &t.x
	u := &url.URL{RawQuery: d.query}
	if err := setEscapedPath(u, x.Request.Path); err != nil {
		return nil, err
	}
	req := (&http.Request{
		Method: x.Request.Method, URL: u, Header: d.header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(t.attempt.ctx)
	if _, ok := d.header["User-Agent"]; !ok {
		// net/http would write its own name for the caller's.
		d.header["User-Agent"] = []string{""}
	}
	delete(d.header, "Content-Length")
	if t.model.op != nil && t.model.op.HasModelBody {
		// What the model counted stands in the answer: it has to be legible.
		d.header["Accept-Encoding"] = []string{"identity"}
	}
	t.lent = lentBody{}
	switch b := x.Request.Body; {
	case b == nil:
	case b.Stream != nil:
		req.Body, req.ContentLength = b.Stream, b.Length
		t.w.answerEarly()
	case len(b.Bytes) > 0:
		t.lent.bytes = b.Bytes
		t.lent.edit, t.lent.edited = t.usageEdit(b.Bytes)
		req.ContentLength = t.lent.length()
		req.GetBody = t.lent.reader
		req.Body = http.NoBody // RoundTrip takes GetBody first
	}
	return req, nil
}

func setEscapedPath(u *url.URL, escaped string) (err error) {
	if strings.IndexByte(escaped, '%') < 0 {
		u.Path = escaped
		return nil
	}
	u.Path, err = url.PathUnescape(escaped)
	u.RawPath = escaped
	return err
}

// attemptFailed says why an attempt got no answer. The caller learns of its
// own mistakes; of ours it gets the documented 500.
func (t *trip) attemptFailed(err error) *refused {
	if b, ok := t.r.Body.(*frontBody); ok && b != nil {
		if be := b.failure.Load(); be != nil {
			return bodyRefused(be)
		}
	}
	cause := context.Cause(t.attempt.ctx)
	switch {
	case errors.Is(cause, errBackendTimeout):
		return &refused{
			Source: "forward-request", Reason: "Timeout", Status: http.StatusInternalServerError,
			Message: "The backend did not answer in time.", PublicMessage: "Internal server error", Cause: err,
		}
	case cause != nil:
		e := interrupted(cause, err)
		e.Source = cmp.Or(e.Source, "forward-request")
		return e
	}
	return unreachable("The connection to the backend failed.", err)
}

// interrupted is the error of a request that something ended: its caller, the
// limits, or the gateway. The pipeline says who waited for what.
func interrupted(cause, err error) *refused {
	switch {
	case errors.Is(cause, ErrRequestTimeout):
		return &refused{
			Reason: "RequestTimeout", Status: http.StatusGatewayTimeout,
			Message: "The request took longer than it may.", PublicMessage: "The request took longer than it may.", Cause: err,
		}
	case errors.Is(cause, errRevoked):
		return revoked()
	case errors.Is(cause, errStale):
		return stale()
	case errors.Is(cause, ErrCut):
		return &refused{
			Reason: "GatewayStopping", Status: http.StatusServiceUnavailable,
			Message: "The gateway is shutting down.", PublicMessage: "The gateway is shutting down. Try again.", Cause: err,
			Header: http.Header{"Retry-After": {"1"}},
		}
	}
	return &refused{
		Reason: "ClientConnectionFailure", Status: statusClientClosed,
		Message: "The client went away.", PublicMessage: "The client went away.", Cause: err,
	}
}

// statusClientClosed is what records show for a caller that went away before
// there was an answer; nobody receives it.
const statusClientClosed = 499

// responseOf makes the answer out of what the backend said.
func (t *trip) responseOf(resp *http.Response) *policy.Response {
	dropHopByHop(resp)
	out := &policy.Response{
		StatusCode: resp.StatusCode, Header: resp.Header, FromBackend: true,
		Reason: strings.TrimPrefix(strings.TrimPrefix(resp.Status, statusText(resp.StatusCode)), " "),
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		t.upgraded, _ = resp.Body.(io.ReadWriteCloser)
		return out
	}
	body := &backendBody{in: resp.Body, ctx: t.attempt.ctx, cancel: t.attempt.cancel, meter: &t.meter}
	body.idle.begin(time.Duration(t.s.limits.StreamIdleTimeout), body.cancel)
	out.Body = &policy.Body{Stream: body, Length: resp.ContentLength}
	if t.meter.start(t.model.op, resp); t.meter.opaque {
		t.x.Note("the backend compressed its answer: its tokens are not counted")
	}
	if t.lent.edited && t.meter.stream != nil {
		out.Body = &policy.Body{Stream: t.withoutUsage(body), Length: -1}
	}
	return out
}

func statusText(code int) string {
	return string([]byte{byte('0' + code/100%10), byte('0' + code/10%10), byte('0' + code%10)})
}

// dropHopByHop removes what was said to us and not to the caller, from the
// answer (RFC 9110, section 7.6.1).
func dropHopByHop(resp *http.Response) {
	h := resp.Header
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			delete(h, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
	}
	for _, name := range [...]string{"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Te", "Trailer", "Transfer-Encoding", "Upgrade"} {
		delete(h, name)
	}
	resp.Trailer = nil
}

// dropResponse lets go of the answer of an attempt before.
func (t *trip) dropResponse() {
	if r := t.x.Response; r != nil && r.Body != nil && r.Body.Stream != nil {
		r.Body.Stream.Close()
	}
	t.x.Response = nil
	if t.upgraded != nil { // an attempt before has become a WebSocket, and this one takes its place
		t.upgraded.Close()
		t.upgraded = nil
	}
	t.releaseAnswer()
	t.endAttempt(nil)
}

// backendBody is the body of a backend's answer under the idle limit. Its bytes
// are counted as they come from the backend, whatever policies make of them.
type backendBody struct {
	in     io.ReadCloser
	meter  *meter
	idle   idleGuard
	ctx    context.Context
	cancel context.CancelCauseFunc
}

func (b *backendBody) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	b.meter.see(p[:n])
	if errors.Is(err, io.EOF) && b.ctx.Err() != nil {
		// A backend that hears of the cut may end its answer in good order
		// before the connection is gone: it was cut all the same.
		err = context.Cause(b.ctx)
	}
	if err != nil {
		b.idle.end()
	} else {
		b.idle.moved()
	}
	return n, err
}

func (b *backendBody) Close() error {
	b.idle.end()
	b.cancel(errFinished)
	return b.in.Close()
}

// idleGuard cancels when nothing has moved for a while. Movement is noted in
// an atomic; the timer looks at it and sleeps on, so that busy streams do not
// pay for a timer at every read.
type idleGuard struct {
	last  atomic.Int64 // monotonic, since start
	start time.Time
	timer *time.Timer
}

func (g *idleGuard) begin(limit time.Duration, cancel context.CancelCauseFunc) {
	g.start = time.Now()
	// Armed only when g.timer is set, which the function reads.
	g.timer = time.AfterFunc(time.Hour, func() {
		if left := limit - (time.Since(g.start) - time.Duration(g.last.Load())); left > 0 {
			g.timer.Reset(left)
			return
		}
		cancel(errStreamIdle)
	})
	g.timer.Reset(limit)
}

func (g *idleGuard) moved() { g.last.Store(int64(time.Since(g.start))) }

func (g *idleGuard) end() {
	if g.timer != nil {
		g.timer.Stop()
	}
}
