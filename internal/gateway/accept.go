package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"time"
)

// Serve accepts connections on ln until the server is shut down; then it
// returns nil. It closes ln. Several listeners may be served at once.
func (s *Server) Serve(ln net.Listener) error {
	defer ln.Close()
	if !s.addListener(ln) {
		return nil
	}
	defer s.removeListener(ln)
	for pause := time.Duration(0); ; {
		conn, err := ln.Accept()
		if err == nil {
			pause = 0
			s.accepted(conn)
			continue
		}
		if s.draining() {
			return nil
		}
		if !passes(err) {
			return fmt.Errorf("accepting on %s: %w", ln.Addr(), err)
		}
		// Out of file descriptors, or a client that was gone before we looked:
		// neither is a reason to stop.
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.log.Warn("accept failed", "listener", ln.Addr().String(), "error", err, "pause", pause)
		select {
		case <-time.After(pause):
		case <-s.drain:
			return nil
		}
	}
}

func passes(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM) ||
		errors.Is(err, syscall.ECONNABORTED) || errors.Is(err, syscall.EINTR)
}

// accepted looks at the peer before a byte is read, and starts the connection
// on its own goroutine.
func (s *Server) accepted(conn net.Conn) {
	c := s.newConn(conn)
	if refusal := s.admit(c); refusal != nil {
		s.refused(c, c.Peer.Addr(), refusal)
		reset(conn)
		return
	}
	if !s.remember(c) { // over the cap, or shutting down
		c.raw.leavePlace()
		if !s.draining() {
			s.refused(c, c.Peer.Addr(), &frontError{cause: RefusedConnections, detail: "too many connections"})
		}
		reset(conn)
		return
	}
	go func() {
		defer s.opening.Done()
		boundSendBuffer(conn)
		s.open(c)
	}()
}

// sendBuffer is what the kernel may hold for a client that reads slowly. Left
// alone it takes megabytes for each before a write waits, and that memory
// counts as ours; what a model says in a second fits many times over.
const sendBuffer = 256 << 10

func boundSendBuffer(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetWriteBuffer(sendBuffer) // best effort: without it there is more memory in use, no harm
	}
}

// reset closes without the wait that an orderly close leaves behind.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

func (s *Server) newConn(conn net.Conn) *Conn {
	c := &Conn{
		Peer:     addrPortOf(conn.RemoteAddr()),
		Local:    addrPortOf(conn.LocalAddr()),
		Accepted: s.now(),
		server:   s,
		opened:   time.Now(),
	}
	c.Client = c.Peer
	c.raw = &frontConn{Conn: conn, conn: c}
	return c
}

func addrPortOf(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
}

func (s *Server) admit(c *Conn) *frontError {
	f := s.front()
	if f.admits != nil && !f.admits(c.Local, c.Peer) {
		return &frontError{cause: RefusedByRule, detail: "a security rule denies it"}
	}
	return s.guardConn(c, f, c.Peer.Addr(), true)
}

// open reads the PROXY header where there is one, makes TLS, and hands the
// connection to net/http. One time bounds it all, up to the end of the first
// request head.
func (s *Server) open(c *Conn) {
	f := s.front()
	by := c.opened.Add(time.Duration(f.limits.HeaderTimeout))
	ctx, cancel := context.WithDeadline(s.opens, by)
	defer cancel()
	c.raw.due(by)
	t, refusal := s.openTLS(ctx, c, f)
	if refusal != nil {
		// Who connects and goes, as a probe of the port does, asked nothing.
		if !s.draining() && (c.raw.read.Load() > 0 || refusal.cause == RefusedSlow) {
			s.refused(c, c.Client.Addr(), refusal)
		}
		c.raw.Close()
		return
	}
	conn := net.Conn(t)
	if t.ConnectionState().NegotiatedProtocol == "h2" {
		c.raw.h2.Store(true)
	} else {
		c.raw.due(time.Time{})
		c.wire = newWireConn(c, t, time.Duration(f.limits.HeaderTimeout), by, &s.buffers)
		conn = c.wire
	}
	if !s.generation(f).offer(conn) {
		c.raw.Close()
	}
}

func (s *Server) openTLS(ctx context.Context, c *Conn, f *Front) (*tls.Conn, *frontError) {
	if f.proxyFor(c.Peer.Addr()).ProxyProtocol != "" {
		h, err := readProxyHeader(c.raw)
		if err != nil {
			s.log.Debug("proxy header refused", "peer", c.Peer.String(), "error", err)
			return nil, &frontError{cause: RefusedProxyHeader, detail: "a trusted proxy without a good PROXY header"}
		}
		if !h.Local {
			c.Client = h.Source
			if refusal := s.guardConn(c, f, h.Source.Addr(), false); refusal != nil {
				return nil, refusal
			}
		}
	}
	return s.handshake(ctx, c)
}

// connectionCap is the smaller of the site's and 45 % of the file descriptors
// that the process may have: as many go to backends, and some are for the
// probes and the operator.
func connectionCap(configured int, files uint64) int {
	if files == 0 {
		return configured
	}
	return max(1, min(configured, int(min(files, 1<<30)*45/100)))
}

// handshakeSlots is how many handshakes may compute at once.
func handshakeSlots() int { return 2 * runtime.GOMAXPROCS(0) }
