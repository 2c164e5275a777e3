package gateway

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/cloister-ai/cloister/internal/limit"
)

// BodyError is the error of reading a request body that the front ended.
type BodyError struct {
	// Status of the answer it calls for: 400, 408, 413 or 503.
	Status int
	// Message is for the caller.
	Message string
	// Cause is for the operator.
	Cause error
}

func (e *BodyError) Error() string {
	return fmt.Sprintf("reading the request body: %s: %v", e.Message, e.Cause)
}

func (e *BodyError) Unwrap() error { return e.Cause }

// minBodyRate is what a client has to send, in bytes per second, beyond the
// stall limit that it has in any case. Only time spent waiting for the client
// counts: a slow backend is not its fault.
const minBodyRate = 1 << 10

// frontBody is a request body under the limits.
type frontBody struct {
	in    io.ReadCloser // under MaxBytesReader
	conn  *Conn
	guard stallGuard

	by     time.Time // Limits.RequestReadTimeout
	got    atomic.Int64
	waited time.Duration
	err    error // the reader's alone
	// failure is err for others, once it is a [*BodyError].
	failure atomic.Pointer[BodyError]
	// shed: the read under way was broken off because of overload.
	shed atomic.Bool
	// state is read by the goroutine that answers, while a transport reads.
	state atomic.Uint32
}

// States of a body.
const (
	bodyOpen uint32 = iota
	bodyEnded
	bodyFailed
)

// begin puts the limits on r.Body; false: r has none.
func (b *frontBody) begin(w netWriter, r *http.Request, c *Conn, f *Front) bool {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return false
	}
	b.in = http.MaxBytesReader(w, r.Body, f.limits.MaxBodyBytes)
	b.conn = c
	b.by = time.Now().Add(time.Duration(f.limits.RequestReadTimeout))
	b.guard = stallGuard{timer: c.HTTP2(), limit: c.server.stall(f.bodyStall()), w: w, reads: true}
	if !c.HTTP2() {
		// Before an answer leaves, net/http reads what is left of a body that
		// nobody has asked for: that wait needs an end too.
		b.guard.begin(b.guard.limit)
	}
	r.Body = b
	c.holdBody(b)
	return true
}

// Read implements io.Reader; its errors are io.EOF and [*BodyError].
func (b *frontBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	limit := b.guard.limit
	if b.waited > 0 {
		earned := limit + time.Duration(b.got.Load())*(time.Second/minBodyRate)
		limit = min(limit, max(earned-b.waited, time.Millisecond))
	}
	if b.tooMuchNow() {
		return 0, b.fail(bodyShed())
	}
	began := time.Now()
	// A backend that takes long to take the body is no excuse: at the end of
	// this time the request is to be there.
	limit = min(limit, max(b.by.Sub(began), time.Millisecond))
	b.guard.begin(limit)
	n, err := b.in.Read(p)
	b.waited += time.Since(began)
	b.guard.end()
	b.got.Add(int64(n))
	b.conn.bodyBytes.Add(uint64(n))
	if err != nil {
		b.err = b.sort(err)
	}
	return n, b.err
}

func (b *frontBody) sort(err error) error {
	var refusal *frontError
	var tooLarge *http.MaxBytesError
	if err == io.EOF {
		b.state.Store(bodyEnded)
		return err
	}
	failure := &BodyError{Status: http.StatusBadRequest, Message: "The request body could not be read.", Cause: err}
	switch {
	case errors.As(err, &refusal):
		failure.Status, failure.Message = refusal.status, refusal.detail
	case errors.As(err, &tooLarge):
		failure.Status, failure.Message = http.StatusRequestEntityTooLarge, "The request body is too large."
	case b.shed.Load():
		failure = bodyShed()
	case errors.Is(err, os.ErrDeadlineExceeded):
		failure.Status, failure.Message = http.StatusRequestTimeout, "The request body came too slowly."
	}
	b.fail(failure)
	return failure
}

func (b *frontBody) fail(failure *BodyError) error {
	b.err = failure
	b.failure.Store(failure)
	b.state.Store(bodyFailed)
	return failure
}

// Under overload a body that is still coming is not done yet, so it does not
// count among what goes on to its end; the larger go first. Small ones cost
// more to be sent again than to be read.
const (
	bodyAtShed   = 1 << 20
	bodyAtRefuse = 64 << 10
)

var errBodyShed = errors.New("shed under overload")

func bodyShed() *BodyError {
	return &BodyError{http.StatusServiceUnavailable, "The gateway is overloaded. Try again.", errBodyShed}
}

// shedIfLarge breaks off a read that waits for more of what is too much now.
func (b *frontBody) shedIfLarge() {
	if !b.is(bodyOpen) || !b.tooMuchNow() {
		return
	}
	b.shed.Store(true)
	if !b.guard.abort() {
		b.shed.Store(false) // the next read will see for itself
	}
}

func (b *frontBody) tooMuchNow() bool {
	switch got := b.got.Load(); b.conn.server.guard.Ladder().Level() {
	case limit.Shed:
		return got > bodyAtShed
	case limit.Refuse:
		return got > bodyAtRefuse
	default:
		return false
	}
}

// Close implements io.Closer.
func (b *frontBody) Close() error { return b.in.Close() }

// is reports whether the body is in this state; a body that is not there has
// ended.
func (b *frontBody) is(state uint32) bool {
	if b == nil {
		return state == bodyEnded
	}
	return b.state.Load() == state
}

// finish bounds what net/http reads of a body that the handler left over.
func (b *frontBody) finish() {
	b.conn.dropBody(b)
	limit := time.Duration(0)
	if b.is(bodyOpen) && !b.conn.hijacked.Load() {
		limit = b.guard.limit
	}
	b.guard.last(limit)
}
