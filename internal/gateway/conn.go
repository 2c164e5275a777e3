package gateway

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloister-ai/cloister/internal/policy"
)

// Conn is one connection of a caller, from accept to its end. Its exported
// fields are set before the first request and never change.
type Conn struct {
	// ID counts the connections of the process, from 1.
	ID uint64
	// Peer is the address of the TCP connection. Client equals it unless a
	// trusted proxy named another in a PROXY header. Local is ours.
	Peer, Client, Local netip.AddrPort
	// Accepted is when the TCP connection was accepted.
	Accepted time.Time
	// TLS is the state after the handshake.
	TLS *tls.ConnectionState
	// ServerName is the configured name that the connection is for: chosen by
	// SNI, or the name of clients that send none.
	ServerName string

	// shown is the client certificate for policies; see Conn.certificate.
	shown  atomic.Pointer[policy.ClientCertificate]
	server *Server
	opened time.Time // Accepted by the system's clock
	name   *frontName
	// helloSeen: a ClientHello came, whatever it asked for.
	helloSeen bool
	raw       *frontConn
	wire      *wireConn // nil on HTTP/2

	// calls counts requests, answered for the front's own refusals included;
	// bodyBytes is what handlers have read of bodies.
	calls, bodyBytes atomic.Uint64
	hijacked         atomic.Bool
	// vouched: see Vouch.
	vouched atomic.Bool
	// idleSince is when the last request ended, in nanoseconds since opened;
	// 0: there is one, or has never been.
	idleSince atomic.Int64
	// writeUntil is the write deadline of an HTTP/1.1 connection; only the
	// request at work looks at it.
	writeUntil time.Time
	// end ends the context that all requests of the connection hang on.
	end context.CancelCauseFunc
	// timer is Limits.RequestTimeout of an HTTP/1.1 connection, which has one
	// request at a time; expired: it has run out, and nothing follows.
	timer   *time.Timer
	expired atomic.Bool

	resets resetCounter

	bodiesMu sync.Mutex // guards bodies
	// bodies are those of requests at work.
	bodies []*frontBody
}

// HTTP2 reports whether the connection speaks HTTP/2.
func (c *Conn) HTTP2() bool { return c.wire == nil }

// Vouch says that a caller was let in on this connection. Under overload such
// connections come before those of strangers. Every request may say it again.
func (c *Conn) Vouch() {
	if !c.vouched.Load() {
		c.vouched.Store(true)
	}
}

// setEnd takes over the end of the connection's context; net/http makes it
// after the connection could already have been closed.
func (c *Conn) setEnd(end context.CancelCauseFunc) {
	c.raw.mu.Lock()
	c.end = end
	closed := c.raw.closed
	c.raw.mu.Unlock()
	if closed {
		end(nil)
	}
}

func (c *Conn) holdBody(b *frontBody) {
	c.bodiesMu.Lock()
	defer c.bodiesMu.Unlock()
	c.bodies = append(c.bodies, b)
}

func (c *Conn) dropBody(b *frontBody) {
	c.bodiesMu.Lock()
	defer c.bodiesMu.Unlock()
	if i := slices.Index(c.bodies, b); i >= 0 {
		c.bodies = slices.Delete(c.bodies, i, i+1)
	}
}

// shedBodies breaks off those that are too much now.
func (c *Conn) shedBodies() {
	c.bodiesMu.Lock()
	defer c.bodiesMu.Unlock()
	for _, b := range c.bodies {
		b.shedIfLarge()
	}
}

// limitRequest starts the clock of the request that begins, on HTTP/1.1. The
// connection's context ends when it runs out, and so does the connection,
// after the answer: that spares every request a context of its own.
func (c *Conn) limitRequest(d time.Duration) (stop func() bool) {
	if c.timer == nil {
		c.timer = time.AfterFunc(d, func() {
			c.expired.Store(true)
			c.end(ErrRequestTimeout)
		})
	} else {
		c.timer.Reset(d)
	}
	return c.timer.Stop
}

// resetCounter finds clients that open streams only to cancel them
// (CVE-2023-44487). It counts in windows: a client that lives long and gives
// up on every second completion is no attack.
type resetCounter struct {
	mu               sync.Mutex // guards the rest
	window           time.Time
	total, premature int
}

const (
	resetWindow = 10 * time.Second
	// A stream counts as premature when it is cancelled younger than this.
	resetAge = 2 * time.Second
	// More premature streams than this in one window, and at least half of
	// all: the connection ends.
	resetLimit = 50
)

// done notes a finished stream and reports whether the limit is passed.
func (r *resetCounter) done(now time.Time, premature bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.window) >= resetWindow {
		r.window, r.total, r.premature = now, 0, 0
	}
	r.total++
	if premature {
		r.premature++
	}
	return r.premature >= resetLimit && r.premature*2 >= r.total
}

// frontConn is the TCP connection below TLS: it counts bytes, bounds what a
// client may send besides requests, and lets go of the handshake slot.
type frontConn struct {
	net.Conn
	conn          *Conn
	read, written atomic.Uint64
	h2            atomic.Bool // HTTP/2 was agreed on
	// onWrite runs once, at the first write: in a handshake the work of the
	// processor is done by then, and waiting for the client begins.
	onWrite   atomic.Pointer[func()]
	closeOnce sync.Once
	closeErr  error

	mu sync.Mutex // guards the rest, and conn.end
	// by is when the first request has to be under way; zero: it is.
	by       time.Time
	deadline time.Time
	closed   bool
	// place is for whom the guard counts the connection; invalid: nobody.
	place netip.Addr
}

// Allowance of a HTTP/2 connection: bytes that may come without a request, a
// body or an answer to show for them. PING, SETTINGS and empty DATA floods
// live off their absence, and net/http has no such bound.
const (
	overheadBase       = 1<<20 + 512<<10 // connection window and more
	overheadPerRequest = 96 << 10        // head, and a stream window that nobody reads
	overheadPerSecond  = 2 << 10
)

func (f *frontConn) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	total := f.read.Add(uint64(n))
	if total > overheadBase && f.overhead(total) {
		f.conn.server.refuseConn(f.conn, RefusedOverhead, "more protocol than requests")
		f.Close()
		return 0, net.ErrClosed
	}
	return n, err
}

func (f *frontConn) overhead(read uint64) bool {
	c := f.conn
	if c.TLS == nil || !c.HTTP2() {
		return false
	}
	// Answers are acknowledged by WINDOW_UPDATE frames, by some clients for
	// every frame; half of what was written covers those, and a PING costs
	// twice what its echo earns.
	body := c.bodyBytes.Load()
	credit := overheadBase + c.calls.Load()*overheadPerRequest + body + body/4 + f.written.Load()/2 +
		uint64(time.Since(c.opened).Seconds())*overheadPerSecond
	return read > credit
}

func (f *frontConn) Write(p []byte) (int, error) {
	n, err := f.Conn.Write(p)
	f.written.Add(uint64(n))
	f.wrote()
	return n, err
}

func (f *frontConn) wrote() {
	if f.onWrite.Load() == nil {
		return
	}
	if release := f.onWrite.Swap(nil); release != nil {
		(*release)()
	}
}

// SetReadDeadline keeps to the earlier of t and the time by which the first
// request is due: net/http starts its clock anew after the handshake.
func (f *frontConn) SetReadDeadline(t time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deadline = t
	return f.Conn.SetReadDeadline(earlier(t, f.by))
}

func (f *frontConn) SetDeadline(t time.Time) error {
	if err := f.SetReadDeadline(t); err != nil {
		return err
	}
	return f.Conn.SetWriteDeadline(t)
}

// due sets the time by which the first request has to be under way.
func (f *frontConn) due(by time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.by.IsZero() && by.IsZero() {
		return
	}
	f.by = by
	f.Conn.SetReadDeadline(earlier(f.deadline, by))
}

// holdPlace notes for whom the guard counts the connection.
func (f *frontConn) holdPlace(client netip.Addr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed { // meanwhile, by Server.Close
		f.conn.server.guard.Closed(client)
		return
	}
	f.place = client
}

// leavePlace gives it back, once.
func (f *frontConn) leavePlace() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.place.IsValid() {
		f.conn.server.guard.Closed(f.place)
		f.place = netip.Addr{}
	}
}

// earlier treats the zero time as never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Close closes and takes the connection off the server's books, once.
func (f *frontConn) Close() error {
	f.closeOnce.Do(func() {
		f.wrote() // an unfinished handshake gives its slot back
		f.closeErr = f.Conn.Close()
		f.mu.Lock()
		f.closed = true
		end := f.conn.end
		f.mu.Unlock()
		f.leavePlace()
		if end != nil {
			end(nil)
		}
		f.conn.server.forget(f.conn)
		f.conn.server.ended(f.conn)
	})
	return f.closeErr
}
