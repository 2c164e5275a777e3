package dns

import (
	"net"
	"net/netip"
	"sync"

	mdns "github.com/miekg/dns"
)

// admitted asks the network's rules about who sends.
func (s *Server) admitted(network string, local, peer net.Addr) bool {
	if s.opt.Admits == nil {
		return true
	}
	l, lerr := netip.ParseAddrPort(local.String())
	p, perr := netip.ParseAddrPort(peer.String())
	return lerr == nil && perr == nil && s.opt.Admits(network, plain(l), plain(p))
}

func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// gatedPackets lets through what may be answered, before it is looked into: what
// the rules deny, or comes too often, gets nothing, broken as it may be.
type gatedPackets struct {
	net.PacketConn
	s *Server
}

func (g gatedPackets) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := g.PacketConn.ReadFrom(b)
		if err != nil {
			return n, from, err
		}
		if !g.s.admitted("udp", g.LocalAddr(), from) {
			g.s.dropped.Add(1)
			continue
		}
		switch g.s.limit(from) {
		case ratePass:
			return n, from, nil
		case rateSlip:
			g.slip(b[:n], from)
		}
		g.s.limited.Add(1)
	}
}

// slip answers a question with "by TCP": who is real comes again.
func (g gatedPackets) slip(b []byte, to net.Addr) {
	q := new(mdns.Msg)
	if q.Unpack(b) != nil || q.Response || q.Opcode != mdns.OpcodeQuery || len(q.Question) != 1 {
		return
	}
	m := new(mdns.Msg).SetReply(q)
	m.Truncated = true
	handler{g.s, true}.fit(m, q)
	if out, err := m.Pack(); err == nil {
		g.s.answered.Add(1)
		g.WriteTo(out, to) // who is gone is gone
	}
}

func (s *Server) limit(from net.Addr) rate {
	p, err := netip.ParseAddrPort(from.String())
	switch {
	case err != nil:
		return rateDrop
	case p.Addr().Unmap().IsLoopback():
		return ratePass
	}
	return s.rates.take(p.Addr().Unmap().WithZone(""), s.opt.Now())
}

// gatedStreams accepts connections that the rules let in, and a few from one
// address.
type gatedStreams struct {
	net.Listener
	s *Server

	mu   sync.Mutex
	open map[netip.Addr]int // guarded by mu
}

func (g *gatedStreams) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := g.take(conn); c != nil {
			return c, nil
		}
		g.s.dropped.Add(1)
		conn.Close()
	}
}

// take is the connection where it may stay; nil: it may not.
func (g *gatedStreams) take(conn net.Conn) net.Conn {
	p, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil || !g.s.admitted("tcp", conn.LocalAddr(), conn.RemoteAddr()) {
		return nil
	}
	a := plain(p).Addr()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open[a] >= maxStreamsEach {
		return nil
	}
	g.open[a]++
	return &gatedConn{Conn: conn, release: sync.OnceFunc(func() { g.leave(a) })}
}

func (g *gatedStreams) leave(a netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open[a]--; g.open[a] <= 0 {
		delete(g.open, a)
	}
}

type gatedConn struct {
	net.Conn
	release func()
}

func (c *gatedConn) Close() error {
	c.release()
	return c.Conn.Close()
}
