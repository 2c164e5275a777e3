package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

// generation is one http.Server. Its timeouts cannot change once it serves, so
// a reload that changes them begins another, and connections stay with theirs.
type generation struct {
	header, idle site.Duration
	server       *http.Server
	handoff      *handoff
}

// generation returns the one for a front's timeouts, starting it if it is new.
func (s *Server) generation(f *Front) *generation {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.generations {
		if g.header == f.limits.HeaderTimeout && g.idle == f.limits.IdleTimeout {
			return g
		}
	}
	g := &generation{
		header: f.limits.HeaderTimeout, idle: f.limits.IdleTimeout,
		handoff: &handoff{conns: make(chan net.Conn), done: make(chan struct{})},
	}
	g.server = s.httpServer(f)
	s.generations = append(s.generations, g)
	if s.sealed {
		close(g.handoff.done)
		return g
	}
	s.serving.Go(func() { g.server.Serve(g.handoff) })
	return g
}

// offer hands a connection to net/http; false: it takes none any more.
func (g *generation) offer(conn net.Conn) bool {
	select {
	case g.handoff.conns <- conn:
		return true
	case <-g.handoff.done:
		return false
	}
}

// HTTP/2 bounds. Windows are small because a body is read as fast as a backend
// takes it; a hundred streams may hold one connection window, no more.
const (
	h2Streams      = 100
	h2FrameSize    = 16 << 10
	h2StreamWindow = 64 << 10
	h2ConnWindow   = 1 << 20
	// frontHeaderBytes is net/http's own bound on heads, above ours: so that
	// the answer, and the count, are the front's.
	frontHeaderBytes = MaxHeadBytes + 8<<10
)

func (s *Server) httpServer(f *Front) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	return &http.Server{
		Handler:           http.HandlerFunc(s.serveHTTP),
		Protocols:         protocols,
		ReadHeaderTimeout: time.Duration(f.limits.HeaderTimeout),
		IdleTimeout:       time.Duration(f.limits.IdleTimeout),
		// No ReadTimeout and no WriteTimeout: they would end uploads and
		// streams. Both ways are watched byte by byte, see stallGuard.
		MaxHeaderBytes:               frontHeaderBytes,
		DisableGeneralOptionsHandler: true,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          h2Streams,
			MaxReadFrameSize:              h2FrameSize,
			MaxReceiveBufferPerStream:     h2StreamWindow,
			MaxReceiveBufferPerConnection: h2ConnWindow,
			SendPingTimeout:               15 * time.Second,
			PingTimeout:                   5 * time.Second,
			WriteByteTimeout:              f.stall(),
		},
		BaseContext: func(net.Listener) context.Context { return s.life },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			conn := connOf(c)
			ctx, end := context.WithCancelCause(context.WithValue(ctx, frontConnKey{}, conn))
			conn.setEnd(end)
			return ctx
		},
		ConnState: s.connState,
		ErrorLog:  slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// frontConnKey leads from a request to its connection. A context value is the
// one way that net/http offers.
type frontConnKey struct{}

func connOf(c net.Conn) *Conn {
	switch c := c.(type) {
	case *wireConn:
		return c.conn
	case *tls.Conn:
		return c.NetConn().(*frontConn).conn
	}
	return nil
}

func (s *Server) connState(nc net.Conn, state http.ConnState) {
	c := connOf(nc)
	switch {
	case state == http.StateActive:
		c.nowIdle(false)
		if c.HTTP2() {
			c.raw.due(time.Time{}) // the preface came; HTTP/2 has its own clocks
		}
	case state == http.StateIdle:
		c.nowIdle(true)
	case state == http.StateHijacked:
		c.hijacked.Store(true)
		c.wire.gate.passthrough()
	}
}

// handoff is the listener through which opened connections reach net/http.
type handoff struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (h *handoff) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

func (h *handoff) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

func (h *handoff) Addr() net.Addr { return &net.TCPAddr{} }

// frontExchange is what the front keeps of one request, made in one piece.
type frontExchange struct {
	call   Call
	writer RollingWriter
	body   frontBody
}

// serveHTTP is where requests of both protocols come out of net/http.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	c, _ := r.Context().Value(frontConnKey{}).(*Conn)
	// Without a connection nobody gets further, which cannot be; nor with one
	// that ran out of time just as this request was read.
	if c == nil || c.expired.Load() {
		panic(http.ErrAbortHandler)
	}
	s.inFlight.Add(1)
	defer s.inFlight.Add(-1)
	started := s.now()
	number := c.calls.Add(1)
	f := s.front()
	x := new(frontExchange)
	rw := &x.writer
	rw.begin(w, c, s.stall(f.stall()))
	defer s.finish(rw, r, c, started)

	if !c.HTTP2() {
		if refusal := c.wire.refused(number); refusal != nil {
			s.answerRefusal(rw, c, c.Client.Addr(), refusal)
			return
		}
	}
	call := &x.call
	if refusal := call.read(f, c, r); refusal != nil {
		s.answerRefusal(rw, c, call.Client, refusal)
		return
	}
	if f.isPublic(c.Local.Addr(), call.Client) {
		s.answerRefusal(rw, c, call.Client, &frontError{http.StatusForbidden, RefusedPublic, "public network access is disabled"})
		return
	}
	if refusal := s.beginRequest(rw, c, f, call.Client); refusal != nil {
		s.answerRefusal(rw, c, call.Client, refusal)
		return
	}
	defer s.guard.End(call.Client)
	call.Started = started
	rw.closes = call.WebSocket
	if x.body.begin(rw.w, r, c, f) {
		rw.body = &x.body
		defer x.body.finish()
	}
	limit := time.Duration(f.limits.RequestTimeout)
	if c.HTTP2() {
		ctx, cancel := context.WithTimeoutCause(r.Context(), limit, ErrRequestTimeout)
		defer cancel()
		r = r.WithContext(ctx)
	} else {
		defer c.limitRequest(limit)()
	}
	s.opt.Handler(rw, r, c, call)
}

func (s *Server) answerRefusal(rw *RollingWriter, c *Conn, client netip.Addr, e *frontError) {
	s.refused(c, client, e)
	writeRefusal(rw, e, c.HTTP2())
}

// finish runs after every request: a panic becomes an answer or an end, the
// last bytes get their deadline, and rapid resets are counted.
func (s *Server) finish(rw *RollingWriter, r *http.Request, c *Conn, started time.Time) {
	if v := recover(); v != nil {
		if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(v)
		}
		s.log.Error("request handler panicked", "connection", c.ID, "panic", v, "stack", string(debug.Stack()))
		if rw.Status() != 0 {
			panic(http.ErrAbortHandler) // an answer that stops short must not look whole
		}
		writeRefusal(rw, &frontError{status: 500, detail: "Internal server error"}, c.HTTP2())
	}
	if c.hijacked.Load() {
		return
	}
	rw.finish()
	if !c.HTTP2() {
		return
	}
	now := s.now()
	premature := r.Context().Err() != nil && now.Sub(started) < resetAge && !s.closing()
	if c.resets.done(now, premature) {
		s.refuseConn(c, RefusedResets, "streams opened to be cancelled")
		c.raw.Close()
	}
}
