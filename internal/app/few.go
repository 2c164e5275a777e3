package app

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/cloister-ai/cloister/internal/limit"
)

// Bounds on the listeners that are not for callers: probes and scrapers keep a
// connection or two each, operators one.
const (
	fewConnections = 128
	fewPerClient   = 16
)

// fewListener takes few connections, and few of one address, so that whoever
// reaches the probes or the operator's door takes no descriptors from callers
// and no place from others.
type fewListener struct {
	net.Listener
	open atomic.Int64
	caps limit.Caps
}

// few bounds a listener.
func few(ln net.Listener) net.Listener { return &fewListener{Listener: ln} }

// Accept returns the next connection that is within the bounds; others are
// closed.
func (l *fewListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		client := clientOf(conn)
		if l.open.Add(1) > fewConnections {
			l.open.Add(-1)
			conn.Close()
			continue
		}
		if l.caps.Begin(client, fewPerClient, 0) != limit.Pass {
			l.open.Add(-1)
			conn.Close()
			continue
		}
		return &fewConn{Conn: conn, listener: l, client: client}, nil
	}
}

func clientOf(conn net.Conn) netip.Addr {
	ap, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// fewConn gives its place back when it is closed.
type fewConn struct {
	net.Conn
	listener *fewListener
	client   netip.Addr
	once     sync.Once
}

// Close closes the connection.
func (c *fewConn) Close() error {
	c.once.Do(func() {
		c.listener.open.Add(-1)
		c.listener.caps.End(c.client)
	})
	return c.Conn.Close()
}
