package gateway

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloister-ai/cloister/internal/limit"
)

// Handler takes a request from `route` on. w is a [*RollingWriter]. r is the
// canonical request: its URL, Host and Header are what call says, r.Body obeys
// the limits (its errors are [*BodyError]), and r.Context ends with the
// request, at Limits.RequestTimeout, and with cause [ErrCut] when the server
// cuts what has not drained.
type Handler func(w http.ResponseWriter, r *http.Request, c *Conn, call *Call)

// ServerOptions are what a [Server] is made of.
type ServerOptions struct {
	// Front is asked per connection and per request for the front in force.
	Front func() *Front
	// Handler takes the requests that were read.
	Handler Handler
	// Refused hears of every refusal before `route`, on the connection's
	// goroutine: it must be quick and safe to call at once. Nil: nobody.
	Refused func(Refusal)
	// BaseContext is what every request's context hangs on. When it ends the
	// server cuts as [Server.Close] does, but for closing the connections:
	// contexts end with a cause that is [ErrCut] and the base's own, so
	// streams end with an error event. Nil: only Close cuts.
	BaseContext context.Context
	// Log gets what net/http has to say, at debug. Nil: nothing is logged.
	Log *slog.Logger
	// Now is the wall clock for times that are shown or counted; deadlines of
	// sockets use the system's. Nil: time.Now.
	Now func() time.Time
	// Guard holds the overload ladder, counts per client and bans. The server
	// samples it. Nil: one that measures nothing but connections.
	Guard *limit.Guard
	// FileLimit stands in for RLIMIT_NOFILE. 0: ask the system.
	FileLimit uint64
}

// ErrCut is the cause of request contexts that [Server.Close] ends, or the end
// of [ServerOptions.BaseContext].
var ErrCut = errors.New("the gateway is shutting down")

// ErrRequestTimeout is the cause of request contexts that ran into
// Limits.RequestTimeout.
var ErrRequestTimeout = errors.New("the request took longer than it may")

// Server is accept, TLS and read: it owns listeners and connections. Its life
// is serve → drain (Shutdown) → cut (Close).
type Server struct {
	opt        ServerOptions
	log        *slog.Logger
	guard      *limit.Guard
	tlsConfig  *tls.Config
	tlsNoName  *tls.Config
	handshakes *limit.Turns
	files      uint64
	buffers    wirePools

	// life ends with Close or BaseContext; every request context hangs on it.
	life context.Context
	end  context.CancelCauseFunc
	// leaveBase takes the server off BaseContext.
	leaveBase func() bool
	// opens ends a while after Shutdown begins, see letIn, or with Close:
	// handshakes do not outlive it.
	opens    context.Context
	endOpens context.CancelFunc
	// drain is closed when Shutdown or Close begins.
	drain     chan struct{}
	drainOnce sync.Once

	watchOnce sync.Once

	ids      atomic.Uint64
	inFlight atomic.Int64
	// opening are the goroutines between accept and net/http, serving those
	// of the generations, and the one that keeps the overload ladder.
	opening, serving sync.WaitGroup

	mu        sync.Mutex // guards the rest
	listeners map[net.Listener]struct{}
	conns     map[*Conn]struct{}
	// sealed: no connection goes on to net/http any more.
	sealed      bool
	generations []*generation
}

// NewServer makes a server that does not listen yet.
func NewServer(opt ServerOptions) *Server {
	s := &Server{
		opt:        opt,
		log:        cmp.Or(opt.Log, slog.New(slog.DiscardHandler)),
		guard:      opt.Guard,
		tlsConfig:  frontBaseConfig(),
		tlsNoName:  frontNoNameConfig(),
		handshakes: limit.NewTurns(handshakeSlots()),
		files:      cmp.Or(opt.FileLimit, limit.FileLimit()),
		drain:      make(chan struct{}),
		listeners:  map[net.Listener]struct{}{},
		conns:      map[*Conn]struct{}{},
	}
	if s.guard == nil {
		s.guard = limit.NewGuard(limit.GuardOptions{Now: opt.Now})
	}
	s.tlsConfig.GetConfigForClient = s.configFor
	s.hangOn(opt.BaseContext)
	return s
}

// hangOn makes life out of base. Life does not simply descend from it: then
// the cause of its end would be the base's, and handlers ask for ErrCut.
func (s *Server) hangOn(base context.Context) {
	if base == nil {
		base = context.Background()
	}
	s.life, s.end = context.WithCancelCause(context.WithoutCancel(base))
	s.opens, s.endOpens = context.WithCancel(s.life)
	s.leaveBase = context.AfterFunc(base, func() {
		s.stopAccepting()
		s.end(fmt.Errorf("%w: %w", ErrCut, context.Cause(base)))
	})
}

func (s *Server) front() *Front { return s.opt.Front() }

func (s *Server) now() time.Time {
	if s.opt.Now != nil {
		return s.opt.Now()
	}
	return time.Now()
}

// Addrs are the addresses listened on.
func (s *Server) Addrs() []netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	var addrs []netip.AddrPort
	for ln := range s.listeners {
		addrs = append(addrs, addrPortOf(ln.Addr()))
	}
	slices.SortFunc(addrs, netip.AddrPort.Compare)
	return addrs
}

// InFlight is the number of requests being handled, hijacked ones included
// for as long as their handler runs.
func (s *Server) InFlight() int { return int(s.inFlight.Load()) }

// Connections is the number of open connections.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Draining is closed when the server stops accepting. Handlers of hijacked
// connections, which nobody else can tell, say goodbye when it is.
func (s *Server) Draining() <-chan struct{} { return s.drain }

func (s *Server) draining() bool {
	select {
	case <-s.drain:
		return true
	default:
		return false
	}
}

func (s *Server) closing() bool { return s.life.Err() != nil }

func (s *Server) addListener(ln net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining() {
		return false
	}
	s.listeners[ln] = struct{}{}
	s.watchOnce.Do(func() { s.serving.Go(s.watch) })
	return true
}

func (s *Server) removeListener(ln net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, ln)
}

// remember puts a connection on the books, unless they are full or closed.
func (s *Server) remember(c *Conn) bool {
	limit := connectionCap(s.front().limits.MaxConnections, s.files)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sealed || len(s.conns) >= limit {
		return false
	}
	c.ID = s.ids.Add(1)
	s.conns[c] = struct{}{}
	s.opening.Add(1)
	return true
}

func (s *Server) forget(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// Guard is the one in force, for those who show its state.
func (s *Server) Guard() *limit.Guard { return s.guard }

// refused tells whoever counts, and holds it against the client.
func (s *Server) refused(c *Conn, client netip.Addr, e *frontError) {
	s.blame(c, client, e.cause)
	if s.opt.Refused == nil {
		return
	}
	s.opt.Refused(Refusal{
		Cause: e.cause, Detail: e.detail, Status: e.status,
		Peer: c.Peer.Addr(), Client: client,
	})
}

// refuseConn is refused for a connection that ends without an answer.
func (s *Server) refuseConn(c *Conn, cause RefusalCause, detail string) {
	s.refused(c, c.Client.Addr(), &frontError{cause: cause, detail: detail})
}

// Shutdown drains: it stops accepting, tells clients (GOAWAY, Connection:
// close) and waits for open requests and hijacked connections until ctx ends,
// whose error it then returns. Connections that were accepted before have a
// moment for their first request: nobody told their clients. [Server.Close]
// cuts what is left.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopAccepting()
	s.letIn(ctx)
	var wg sync.WaitGroup
	for _, g := range s.allGenerations() {
		wg.Go(func() { g.server.Shutdown(ctx) })
	}
	wg.Wait()
	return s.awaitQuiet(ctx)
}

func (s *Server) stopAccepting() {
	s.drainOnce.Do(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		close(s.drain)
		for ln := range s.listeners {
			ln.Close()
		}
	})
}

// letInTime is how long connections that were accepted before a drain have for
// their first request: several round trips of a distant client.
const letInTime = 2 * time.Second

// letIn waits until every connection that was accepted has made a request, or
// time is up. Where a service manager keeps the socket they are all that the
// next process does not get, and net/http's Shutdown would close them without
// an answer.
func (s *Server) letIn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, letInTime)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s.comingIn() && ctx.Err() == nil {
		<-tick.C
	}
	s.seal()
}

func (s *Server) comingIn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.listeners) > 0 {
		return true // Serve still looks at what it accepted last
	}
	for c := range s.conns {
		if c.calls.Load() == 0 {
			return true
		}
	}
	return false
}

func (s *Server) seal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealed = true
	s.endOpens()
}

func (s *Server) allGenerations() []*generation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.generations)
}

// awaitQuiet waits until no connection is open and no request is handled.
// Polling is enough: it happens once in the life of a process.
func (s *Server) awaitQuiet(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for s.Connections() > 0 || s.InFlight() > 0 {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}

// cutGrace is how long handlers have, once cut, to write a last event.
const cutGrace = time.Second

// Close cuts: request contexts end with cause [ErrCut], handlers get a second
// for their last words, then every connection is closed. It returns when the
// server's goroutines have ended; a handler that does not heed its context is
// not waited for.
func (s *Server) Close() error {
	s.leaveBase()
	s.stopAccepting()
	s.seal()
	s.end(ErrCut)
	ctx, cancel := context.WithTimeout(context.Background(), cutGrace)
	defer cancel()
	for s.InFlight() > 0 && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	for _, g := range s.allGenerations() {
		g.server.Close()
	}
	for _, c := range s.allConns() {
		c.raw.Close()
	}
	s.opening.Wait()
	s.serving.Wait()
	return nil
}

func (s *Server) allConns() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	conns := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	return conns
}
