package gateway

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// wireConn is an HTTP/1.1 connection as net/http gets it: the TLS connection
// behind a [wireGate]. Because the gate holds a head back until it is whole,
// it also keeps the clock that net/http would start at a head's first byte.
type wireConn struct {
	tls  *tls.Conn
	conn *Conn
	gate wireGate
	// headTimeout bounds a head from its first byte.
	headTimeout time.Duration
	// ticking says that headBy is set; only the reader looks at it.
	ticking bool
	// refusal and refusedHead are the gate's, for other goroutines: net/http
	// reads ahead while a handler runs.
	refusal     atomic.Pointer[frontError]
	refusedHead atomic.Uint64
	closeOnce   sync.Once

	mu sync.Mutex // guards the rest
	// deadline is net/http's; headBy is ours while a head is being read.
	deadline, headBy time.Time
}

var _ net.Conn = (*wireConn)(nil)

// newWireConn starts with the clock of the first head, which ran since accept.
func newWireConn(c *Conn, t *tls.Conn, headTimeout time.Duration, headBy time.Time, pools *wirePools) *wireConn {
	return &wireConn{
		tls: t, conn: c, headTimeout: headTimeout,
		ticking: true, headBy: headBy,
		gate: wireGate{pools: pools},
	}
}

// Read implements net.Conn. Only bytes that were found good come out of it.
func (w *wireConn) Read(p []byte) (int, error) {
	if w.conn.expired.Load() {
		return 0, io.EOF
	}
	n, err := w.gate.read(p, (*wireSource)(w))
	if w.gate.refusal != nil {
		w.refusal.Store(w.gate.refusal)
		w.refusedHead.Store(w.gate.refusedHead)
	}
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) && w.gate.partial() && w.late() {
		w.conn.server.refuseConn(w.conn, RefusedSlow, "request head")
	}
	return n, err
}

// wireSource is what the gate reads from: TLS, and the clock is set before.
type wireSource wireConn

func (s *wireSource) Read(p []byte) (int, error) {
	w := (*wireConn)(s)
	inHead := w.gate.partial()
	if inHead != w.ticking && (inHead || w.gate.heads > 0) {
		w.tick(inHead)
	}
	return w.tls.Read(p)
}

func (w *wireConn) tick(on bool) {
	w.ticking = on
	w.mu.Lock()
	defer w.mu.Unlock()
	w.headBy = time.Time{}
	if on {
		w.headBy = time.Now().Add(w.headTimeout)
	}
	w.apply()
}

// late reports whether it was our clock that ran out.
func (w *wireConn) late() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.headBy.IsZero() && w.headBy.Before(w.deadline) && !time.Now().Before(w.headBy)
}

// apply sets the deadline in force. Where net/http has set none, a handler is
// at work and the read only watches for the client to go away; a head that
// trickles in meanwhile must not end it.
func (w *wireConn) apply() error {
	t := w.deadline
	if !t.IsZero() {
		t = earlier(t, w.headBy)
	}
	return w.tls.SetReadDeadline(t)
}

func (w *wireConn) SetReadDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deadline = t
	return w.apply()
}

func (w *wireConn) SetDeadline(t time.Time) error {
	if err := w.SetReadDeadline(t); err != nil {
		return err
	}
	return w.tls.SetWriteDeadline(t)
}

func (w *wireConn) Write(p []byte) (int, error)        { return w.tls.Write(p) }
func (w *wireConn) SetWriteDeadline(t time.Time) error { return w.tls.SetWriteDeadline(t) }
func (w *wireConn) LocalAddr() net.Addr                { return w.tls.LocalAddr() }
func (w *wireConn) RemoteAddr() net.Addr               { return w.tls.RemoteAddr() }

// CloseWrite lets net/http end an answer before it closes.
func (w *wireConn) CloseWrite() error { return w.tls.CloseWrite() }

// ConnectionState is where net/http finds Request.TLS for a connection that is
// no *tls.Conn.
func (w *wireConn) ConnectionState() tls.ConnectionState { return *w.conn.TLS }

// lingerTime and lingerBytes bound how long a refused client may go on sending
// before the connection is closed under it.
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 256 << 10
)

// refused is the refusal that request number has to be answered with; nil:
// the request is a good one.
func (w *wireConn) refused(number uint64) *frontError {
	if w.refusedHead.Load() != number {
		return nil
	}
	return w.refusal.Load()
}

// Close closes. After a refusal the client may still be sending, and closing
// at once would throw the answer away with a reset: it gets a moment to read.
func (w *wireConn) Close() error {
	w.closeOnce.Do(func() {
		if w.refusal.Load() == nil || w.conn.server.closing() {
			return
		}
		w.tls.SetWriteDeadline(time.Now().Add(lingerTime))
		w.tls.CloseWrite()
		w.conn.raw.Conn.SetReadDeadline(time.Now().Add(lingerTime))
		io.CopyN(io.Discard, w.conn.raw.Conn, lingerBytes)
	})
	return w.tls.Close()
}
