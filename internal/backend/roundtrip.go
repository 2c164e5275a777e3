package backend

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/site"
)

// RoundTrip sends a request below the backend's own path and returns the head
// of the answer, whatever its status: redirects are not followed. Of req.URL
// path and query count. RoundTrip takes req over: its header is changed and
// its body closed. What was used is written to used, which may be nil, as far
// as it came.
//
// An answer 101 has a body that is an io.ReadWriteCloser.
func (b *Backend) RoundTrip(req *http.Request, used *Used) (*http.Response, error) {
	return b.roundTrip(req, used, nil)
}

func (b *Backend) roundTrip(req *http.Request, used *Used, certificate *tls.Certificate) (*http.Response, error) {
	if used == nil {
		used = &Used{}
	}
	if b.set.retries != nil {
		b.set.retries.Request()
	}
	var resp *http.Response
	var err error
	a := attempt{set: b.set, req: req, used: used, certificate: certificate}
	if b.one != nil {
		if until, open := b.one.breaker.open(b.set.now); open {
			err = &OpenError{Backend: b.id, Until: until}
		} else {
			resp, err = a.try(b.one, b.base, req.Header)
		}
	} else {
		resp, err = a.tryMembers(b)
	}
	if req.Body != nil && (a.copied || err != nil && !a.got) {
		_ = req.Body.Close()
	}
	return resp, err
}

// attempt is one request on its way to one service, or to one after the other
// as long as no connection is made.
type attempt struct {
	set  *Set
	req  *http.Request
	used *Used
	// certificate is shown to servers that ask for one; nil: none is.
	certificate *tls.Certificate
	body        *lentBody
	// copied: what is sent is a copy of the body.
	copied bool
	// end ends a request that is about to be repeated; nil: it is not repeated.
	end context.CancelCauseFunc
	// http2: the connection is one that other requests use too.
	http2 bool
	// got: there was a connection. From then on nothing is tried again here.
	got bool
	// to is the service that is tried, seen its health when that began.
	to   *service
	seen *aside
}

// tryMembers goes through a pool until there is a connection, and, where a
// member answers that it has no room, until another one answers.
func (a *attempt) tryMembers(b *Backend) (*http.Response, error) {
	session := b.session(a.req.Header)
	w := walk{pool: b.pool, now: a.set.now, first: session}
	defer w.release()
	var first, last *ConnectError
	for m := w.next(); m != nil; {
		if first != nil && a.set.retries != nil && !a.set.retries.Retry() {
			refused := *first
			refused.BudgetUsedUp = true
			return nil, &refused
		}
		// Each member may have a credential of its own.
		resp, err := a.try(m.service, m.base, maps.Clone(a.req.Header))
		if err == nil {
			if other := a.moveOn(&w, m, resp); other != nil {
				m = other
				continue
			}
			b.remember(resp, m, session)
			return resp, nil
		}
		failed, ok := err.(*ConnectError)
		if !ok || a.req.Context().Err() != nil {
			return resp, err
		}
		if last = failed; first == nil {
			first = failed
		}
		m = w.next()
	}
	if last == nil {
		return nil, b.allOpen()
	}
	return nil, last
}

// moveOn is the member that the request goes on to, where m has answered that it
// has no room, as provisioned deployments do: 429 with retry-after-ms. Nil: the
// answer stands.
func (a *attempt) moveOn(w *walk, m *member, resp *http.Response) *member {
	if resp.StatusCode != http.StatusTooManyRequests {
		return nil
	}
	span, ok := retryAfterMs(resp.Header)
	if !ok {
		return nil
	}
	put(&m.breaker.busy, a.set.now().Add(span))
	if a.req.GetBody == nil && a.req.Body != nil && a.req.Body != http.NoBody {
		return nil // the body is gone
	}
	w.leave()
	other := w.other()
	if other == nil || a.set.retries != nil && !a.set.retries.Retry() {
		return nil
	}
	_ = resp.Body.Close()
	a.got = false
	return other
}

// allOpen is the error of a pool without a member that may be asked.
func (b *Backend) allOpen() error {
	var until time.Time
	for _, l := range b.pool.levels {
		for _, m := range l.services {
			if at, open := m.breaker.open(b.set.now); open && (until.IsZero() || at.Before(until)) {
				until = at
			}
		}
	}
	if until.IsZero() {
		return &ConnectError{Backend: b.id, Err: errors.New("the pool has no members")}
	}
	return &OpenError{Backend: b.id, Until: until}
}

func (a *attempt) try(to *service, base basePath, h http.Header) (*http.Response, error) {
	*a.used = Used{Backend: to.id, Host: to.authority}
	if e := to.endpoint(a.set.dialer); e != nil {
		a.used.Endpoint = e.Name
	}
	if a.to, a.seen = to, nil; to.health != nil {
		a.seen = to.health.state.Load()
	}
	if a.set.minted.inHeader(h, to.authority) || a.set.minted.inURL(a.req.URL, to.authority) {
		return nil, &TravelError{Backend: to.id, Host: to.authority}
	}
	ctx := a.repeatable(a.req.Context())
	out := a.req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: a.gotConn}))
	out.URL = base.join(to.scheme, to.authority, a.req.URL)
	out.Host, out.Header, out.RequestURI = "", h, ""
	if out.Header == nil {
		out.Header = http.Header{}
	}
	took, err := to.attach(ctx, out, a.set.now)
	a.used.Acquire = took
	if err != nil {
		return nil, &CredentialError{Backend: to.id, Host: to.authority, Err: err}
	}
	resp, err := a.send(out, to)
	a.judge(ctx, to, resp, err)
	if err != nil && a.end != nil && errors.Is(context.Cause(ctx), errRepeats) {
		return nil, errRepeats
	}
	switch {
	case err == nil || a.got:
		return resp, err
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, &ConnectError{Backend: to.id, Host: to.authority, Err: err}
}

// judge tells the circuit breaker how an attempt ended. A caller that went away
// says nothing about the backend.
func (a *attempt) judge(ctx context.Context, to *service, resp *http.Response, err error) {
	tripped := false
	switch {
	case to.breaker.rule == nil:
	case err == nil:
		tripped = to.breaker.answered(resp.StatusCode, resp.Header, a.set.now())
	case ctx.Err() == nil:
		tripped = to.breaker.failedWith(site.ConnectionFailure, a.set.now())
	default:
		var timeout interface{ Timeout() bool }
		if errors.As(context.Cause(ctx), &timeout) && timeout.Timeout() {
			tripped = to.breaker.failedWith(site.TimeoutFailure, a.set.now())
		}
	}
	if tripped {
		until, _ := to.breaker.open(a.set.now)
		a.set.log.Warn("circuit opened", slog.String("backend", to.id), slog.String("host", to.authority),
			slog.String("rule", to.breaker.rule.Name), slog.Time("until", until))
	}
}

// send offers HTTP/1.1 first, because towards few hosts it costs less (see
// egress.Transport) and because an upgrade needs it. A server that wants
// HTTP/2 says so in the handshake, before a byte of the request.
func (a *attempt) send(out *http.Request, to *service) (*http.Response, error) {
	ways := a.set.waysOf(to, a.certificate)
	if !ways.speaksOnlyHTTP2(to.authority) {
		a.lend(out)
		resp, err := ways.http1.RoundTrip(out)
		if err == nil || a.got || !egress.IsNoHTTP1(err) {
			return resp, err
		}
		ways.learn(to.authority)
	}
	if out.Header.Get("Upgrade") != "" {
		return nil, errNoUpgrade
	}
	a.lend(out)
	a.http2 = true
	return ways.http2.RoundTrip(out)
}

// errRepeats ends a request that net/http would send once more.
var errRepeats = errors.New("the connection broke before an answer, and the retry budget is used up")

// repeatable makes a context by which a request can be ended that net/http
// itself repeats when its connection breaks: one that is idempotent, or says so
// (RFC 9110, section 9.2.2; net/http.Transport). Others are repeated only where
// nothing of them was sent.
func (a *attempt) repeatable(ctx context.Context) context.Context {
	if a.set.retries == nil {
		return ctx
	}
	switch a.req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
	default:
		if len(a.req.Header["Idempotency-Key"])+len(a.req.Header["X-Idempotency-Key"]) == 0 {
			return ctx
		}
	}
	ctx, a.end = context.WithCancelCause(ctx)
	return ctx
}

func (a *attempt) gotConn(info httptrace.GotConnInfo) {
	if a.got && a.end != nil && !a.set.retries.Retry() {
		a.end(errRepeats)
		if !a.http2 {
			// net/http writes while it hears of the end; nobody else uses the
			// connection.
			_ = info.Conn.Close()
		}
	}
	peer := egress.PeerOf(info.Conn)
	a.used.Address, a.used.CertificateSPKI = peer.Addr, peer.SPKI
	if peer.Endpoint != "" {
		a.used.Endpoint = peer.Endpoint
	}
	a.got = true
	if a.seen != nil {
		a.set.back(a.to, a.seen)
	}
	if a.body != nil {
		a.body.keep()
	}
}

// lend gives out the body, to be taken back if there is no connection. One
// that lies in memory is made anew each time: net/http knows such readers, and
// sends head and body in one write.
func (a *attempt) lend(out *http.Request) {
	if a.req.GetBody != nil {
		if body, err := a.req.GetBody(); err == nil {
			out.Body, out.GetBody, a.copied = body, a.req.GetBody, true
			return
		}
	}
	if a.req.Body != nil && a.req.Body != http.NoBody {
		a.body = &lentBody{in: a.req.Body}
		out.Body = a.body
	}
}

// lentBody is a body that is closed only once there is a connection for it:
// net/http closes the body of a request that it could not connect for, and a
// pool then wants it for the next member.
type lentBody struct {
	in io.ReadCloser

	mu           sync.Mutex
	kept, closed bool
}

func (l *lentBody) Read(p []byte) (int, error) { return l.in.Read(p) }

// keep hands the body over for good.
func (l *lentBody) keep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = true
	if l.closed {
		_ = l.in.Close()
	}
}

func (l *lentBody) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if !l.kept {
		return nil
	}
	return l.in.Close()
}
