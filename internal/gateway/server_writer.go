package gateway

import (
	"net/http"
	"time"
)

// hsts is on every answer. No includeSubDomains: the names below the gateway's
// belong to others as often as not.
const hsts = "max-age=31536000"

// RollingWriter is the writer of an answer. Every write has as long as the
// client may stall, however long the stream goes on: http.Server.WriteTimeout
// would end a long stream, and without any a client that reads nothing holds
// its connection for ever. It belongs to the handler's goroutine.
type RollingWriter struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	guard stallGuard
	// body is that of the request; nil: it has none.
	body *frontBody
	h2   bool

	status  int
	written int64
	// closes: whatever is answered, the connection ends after it. An upgrade
	// that was asked for and not made leaves no way to tell what comes next.
	closes bool
}

func newRollingWriter(w http.ResponseWriter, c *Conn, stall time.Duration) *RollingWriter {
	rw := &RollingWriter{w: w, rc: http.NewResponseController(w), h2: c.HTTP2()}
	rw.guard = stallGuard{timer: rw.h2, limit: stall, set: rw.rc.SetWriteDeadline}
	return rw
}

// Header implements http.ResponseWriter.
func (rw *RollingWriter) Header() http.Header { return rw.w.Header() }

// WriteHeader implements http.ResponseWriter. Informational statuses pass and
// are not remembered.
func (rw *RollingWriter) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		if rw.status != 0 {
			return
		}
		rw.status = status
		rw.standing()
	}
	rw.guard.begin(rw.guard.limit)
	rw.w.WriteHeader(status)
	rw.guard.end()
}

// Write implements http.ResponseWriter. It fails when the client takes no byte
// for the stall limit.
func (rw *RollingWriter) Write(p []byte) (int, error) {
	if rw.status == 0 {
		rw.WriteHeader(http.StatusOK)
	}
	rw.guard.begin(rw.guard.limit)
	n, err := rw.w.Write(p)
	rw.guard.end()
	rw.written += int64(n)
	return n, err
}

// FlushError sends what is buffered; http.ResponseController finds it.
func (rw *RollingWriter) FlushError() error {
	if rw.status == 0 {
		rw.WriteHeader(http.StatusOK)
	}
	rw.guard.begin(rw.guard.limit)
	err := rw.rc.Flush()
	rw.guard.end()
	return err
}

// Flush implements http.Flusher.
func (rw *RollingWriter) Flush() { rw.FlushError() }

// Unwrap leads http.ResponseController to Hijack and the deadlines.
func (rw *RollingWriter) Unwrap() http.ResponseWriter { return rw.w }

// Status is the status of the answer; 0: none was written yet.
func (rw *RollingWriter) Status() int { return rw.status }

// Written is the number of body bytes written.
func (rw *RollingWriter) Written() int64 { return rw.written }

// finish bounds what net/http still has to write once the handler is gone.
func (rw *RollingWriter) finish() {
	if rw.status == 0 {
		rw.standing() // net/http answers 200 for a handler that said nothing
	}
	if !rw.h2 && rw.body.is(bodyOpen) {
		// The answer may leave only after the wait for the rest of the body.
		rw.guard.set(time.Now().Add(2 * rw.guard.limit))
		return
	}
	rw.guard.last()
}

// standing sets what no handler decides.
func (rw *RollingWriter) standing() {
	h := rw.w.Header()
	h["Strict-Transport-Security"] = []string{hsts}
	if rw.closes || !rw.h2 && rw.body.is(bodyFailed) {
		// Said now, it keeps net/http from waiting for the rest of a body
		// that did not come.
		h["Connection"] = []string{"close"}
	}
}

// stallGuard bounds single operations on one side of a request.
//
// On HTTP/1.1 it moves a socket deadline, at most about once a second, because
// each move costs; in between the limit is that much shorter. A deadline that
// passes while nothing is read or written does no harm there. On HTTP/2 it
// does: net/http resets the stream at the deadline whether or not anything
// waits. So there a timer runs only while an operation does.
type stallGuard struct {
	timer bool
	limit time.Duration
	set   func(time.Time) error

	until   time.Time
	running *time.Timer
}

func (g *stallGuard) begin(limit time.Duration) {
	if g.timer {
		if g.running == nil {
			g.running = time.AfterFunc(limit, func() { g.set(time.Unix(1, 0)) })
		} else {
			g.running.Reset(limit)
		}
		return
	}
	now := time.Now()
	slack := min(time.Second, limit/4)
	if left := g.until.Sub(now); left < limit-slack || left > limit {
		g.until = now.Add(limit)
		g.set(g.until)
	}
}

func (g *stallGuard) end() {
	if g.running != nil {
		g.running.Stop()
	}
}

// last sets a deadline for what happens after the handler has returned.
func (g *stallGuard) last() {
	if !g.timer {
		g.begin(g.limit)
		return
	}
	g.end()
	g.set(time.Now().Add(g.limit))
}
