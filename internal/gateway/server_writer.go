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
	w     netWriter
	guard stallGuard
	// body is that of the request; nil: it has none.
	body *frontBody
	// early: an answer may leave before the body has come.
	early bool
	h2    bool
	conn  *Conn

	status  int
	written int64
	// closes: whatever is answered, the connection ends after it. An upgrade
	// that was asked for and not made leaves no way to tell what comes next.
	closes bool
}

// netWriter is what net/http's own writers can do, for either protocol.
type netWriter interface {
	http.ResponseWriter
	FlushError() error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

func (rw *RollingWriter) begin(w http.ResponseWriter, c *Conn, stall time.Duration) {
	rw.w, rw.h2, rw.conn = w.(netWriter), c.HTTP2(), c
	rw.guard = stallGuard{timer: rw.h2, limit: stall, w: rw.w}
	if !rw.h2 {
		// The deadline is the connection's and outlives a request.
		rw.guard.until = c.writeUntil
	}
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
	err := rw.w.FlushError()
	rw.guard.end()
	return err
}

// answerEarly lets an answer leave before the request's body has come whole,
// which HTTP/2 does anyway. The connection ends after such an answer.
func (rw *RollingWriter) answerEarly() {
	if rw.h2 || rw.early || rw.body == nil {
		return
	}
	// What cannot be done costs the caller a wait, and nothing else.
	rw.early = http.NewResponseController(rw.w).EnableFullDuplex() == nil
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
	limit := rw.guard.limit
	if !rw.h2 && rw.body.is(bodyOpen) {
		// The answer may leave only after the wait for the rest of the body.
		limit += rw.body.guard.limit
	}
	if until := rw.guard.last(limit); !rw.h2 {
		rw.conn.writeUntil = until
	}
}

// standing sets what no handler decides.
func (rw *RollingWriter) standing() {
	h := rw.w.Header()
	h["Strict-Transport-Security"] = []string{hsts}
	if rw.closes || rw.conn.unwelcome() || !rw.h2 && (rw.body.is(bodyFailed) || rw.early && rw.body.is(bodyOpen)) {
		// On HTTP/2 net/http makes a GOAWAY of it. Said now, it keeps net/http from waiting for the rest of a body
		// that did not come.
		h["Connection"] = []string{"close"}
	}
}
