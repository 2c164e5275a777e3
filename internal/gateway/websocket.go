package gateway

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/telemetry"
)

// webSocket joins the caller's connection and the backend's, byte by byte in
// both directions, until either ends (RFC 6455). Frames are not read; only
// where one ends, and which closes, is followed, so that a connection that the
// gateway has to cut ends with a close frame in its place.
func (t *trip) webSocket(resp *policy.Response) {
	backend := t.upgraded
	defer backend.Close()
	conn, buffered, err := http.NewResponseController(t.w).Hijack()
	if err != nil { // HTTP/2, where "read" sees no upgrade: cannot be
		t.refuse(&refused{
			Source: "forward-request", Reason: "UpgradeFailed", Status: http.StatusInternalServerError,
			Message: "The connection cannot be upgraded.", PublicMessage: "Internal server error", Cause: err,
		})
		t.writeHead(t.x.Response)
		t.writeBytes(t.x.Response)
		return
	}
	defer conn.Close()
	t.hijacked = true
	t.w.status = http.StatusSwitchingProtocols
	if err := t.writeUpgrade(conn, resp.Header); err != nil {
		t.cut = telemetry.CutClient
		return
	}
	t.firstByte = t.g.opt.Now()
	t.join(conn, buffered.Reader, backend)
}

// admitWebSocket counts a WebSocket that is asked for against its caller's, from
// before the backend hears of it until the request ends.
func (t *trip) admitWebSocket() *refused {
	if !t.call.WebSocket {
		return nil
	}
	name := "client:" + networkOf(t.call.Client)
	if t.who != nil && t.who.subscription != nil {
		name = "subscription:" + t.who.subscription.ID
	}
	if !t.g.webSockets.Begin(name, t.s.limits.MaxWebSocketsPerCaller) {
		return &refused{
			Source: "request", Reason: "WebSocketLimit", Status: http.StatusTooManyRequests, Frame: true,
			Message:       "The caller has as many WebSockets open as it may.",
			PublicMessage: "Too many WebSockets are open. Close one and try again.",
			Header:        http.Header{"Retry-After": {"5"}},
		}
	}
	t.webSocketOf = name
	return nil
}

// networkOf is the one client that an address belongs to: itself, or an IPv6
// /64.
func networkOf(a netip.Addr) string {
	if a = a.Unmap(); a.Is6() {
		return netip.PrefixFrom(a, 64).Masked().String()
	}
	return a.String()
}

// writeUpgrade sends the head of the 101.
func (t *trip) writeUpgrade(conn net.Conn, h http.Header) error {
	h.Set("Connection", "Upgrade")
	h.Set("Upgrade", "websocket")
	h.Set(requestIDHeader, t.x.RequestID)
	t.nameTrace(h)
	h.Set("Strict-Transport-Security", hsts)
	conn.SetDeadline(time.Time{})
	conn.SetWriteDeadline(time.Now().Add(frontStall))
	w := bufio.NewWriterSize(conn, 4<<10)
	w.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	h.Write(w)
	w.WriteString("\r\n")
	return w.Flush()
}

// join copies both ways until one side ends, nothing moves for the idle limit,
// or the request's time is over.
func (t *trip) join(conn net.Conn, fromCaller io.Reader, backend io.ReadWriteCloser) {
	idle := &idleGuard{}
	idle.begin(time.Duration(t.s.limits.StreamIdleTimeout), t.attempt.cancel)
	defer idle.end()
	up := wsCopy{from: telemetry.CutClient, to: telemetry.CutBackend, moved: idle.moved}
	down := wsCopy{from: telemetry.CutBackend, to: telemetry.CutClient, moved: idle.moved}
	done := make(chan string, 2)
	go func() { done <- up.run(backend, fromCaller) }()
	go func() { done <- down.run(&stallWriter{conn: conn}, backend) }()
	finished := 1
	select {
	case t.cut = <-done:
	case <-t.attempt.ctx.Done():
		finished = 0
		t.cut = cutCause(context.Cause(t.attempt.ctx))
	}
	// Stop reading from both, then say goodbye if a frame ends here.
	backend.Close()
	conn.SetReadDeadline(time.Unix(1, 0))
	for ; finished < 2; finished++ {
		<-done
	}
	if up.frames.closed || down.frames.closed {
		t.cut = "" // one has said goodbye, whoever then hung up
	}
	if t.cut != "" && t.cut != telemetry.CutClient && down.frames.boundary() {
		conn.SetWriteDeadline(time.Now().Add(time.Second))
		conn.Write(wsGoingAway)
	}
	t.rec.BytesOut = down.total
	t.wsBytesIn = up.total
}

func cutCause(cause error) string {
	switch {
	case errors.Is(cause, errStreamIdle):
		return telemetry.CutIdle
	case errors.Is(cause, ErrRequestTimeout):
		return telemetry.CutTimeout
	case errors.Is(cause, errRevoked):
		return telemetry.CutRevoked
	case errors.Is(cause, errStale):
		return telemetry.CutStale
	case errors.Is(cause, ErrCut):
		return telemetry.CutDrain
	}
	return telemetry.CutClient
}

// wsCopy is one direction of a WebSocket. It belongs to one goroutine until
// that has ended.
type wsCopy struct {
	// from and to are the words for who ends it: by not sending, or by not
	// taking, any more.
	from, to string
	moved    func()
	frames   wsFrames
	total    int64
}

// run copies until one side ends, and says which.
func (c *wsCopy) run(dst io.Writer, src io.Reader) (who string) {
	buf := copyBuffers.Get().(*[copyBuffer]byte)
	defer copyBuffers.Put(buf)
	for {
		n, err := src.Read(buf[:])
		if n > 0 {
			if _, err := dst.Write(buf[:n]); err != nil {
				if wasCut(err) {
					return telemetry.CutEndpoint
				}
				return c.to
			}
			c.frames.see(buf[:n])
			c.total += int64(n)
			c.moved()
		}
		switch {
		case wasCut(err):
			return telemetry.CutEndpoint
		case err != nil:
			return c.from
		}
	}
}

// stallWriter gives every write as long as a client may stall.
type stallWriter struct{ conn net.Conn }

func (w *stallWriter) Write(p []byte) (int, error) {
	if err := w.conn.SetWriteDeadline(time.Now().Add(frontStall)); err != nil {
		return 0, err
	}
	return w.conn.Write(p)
}

// wsGoingAway is a close frame with status 1001 (RFC 6455, section 7.4.1).
var wsGoingAway = []byte{0x88, 0x02, 0x03, 0xe9}

// wsFrames follows where frames end (RFC 6455, section 5.2).
type wsFrames struct {
	head [14]byte
	have int
	left uint64
	// closed: a close frame has begun.
	closed bool
}

// wsOpClose is the opcode of close frames.
const wsOpClose = 8

func (f *wsFrames) boundary() bool { return f.have == 0 && f.left == 0 }

func (f *wsFrames) see(p []byte) {
	for len(p) > 0 {
		if f.left > 0 {
			n := min(f.left, uint64(len(p)))
			f.left -= n
			p = p[n:]
			continue
		}
		f.head[f.have] = p[0]
		f.have++
		p = p[1:]
		if f.have >= 2 && f.have == f.headLength() {
			f.closed = f.closed || f.head[0]&0x0f == wsOpClose
			f.left = f.payload()
			f.have = 0
		}
	}
}

func (f *wsFrames) headLength() int {
	n := 2
	switch f.head[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if f.head[1]&0x80 != 0 { // a client's frames are masked
		n += 4
	}
	return n
}

func (f *wsFrames) payload() uint64 {
	switch n := f.head[1] & 0x7f; n {
	case 126:
		return uint64(f.head[2])<<8 | uint64(f.head[3])
	case 127:
		var v uint64
		for _, b := range f.head[2:10] {
			v = v<<8 | uint64(b)
		}
		return v
	default:
		return uint64(n)
	}
}
