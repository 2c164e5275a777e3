package gateway

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// BodyError is the error of reading a request body that the front ended.
type BodyError struct {
	// Status of the answer it calls for: 400, 408 or 413.
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

	got    int64
	waited time.Duration
	ended  bool
	err    error
}

// newFrontBody puts the limits on r.Body, unless r has none.
func newFrontBody(w http.ResponseWriter, r *http.Request, c *Conn, f *Front) *frontBody {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	rc := http.NewResponseController(w)
	b := &frontBody{
		in:    http.MaxBytesReader(w, r.Body, f.limits.MaxBodyBytes),
		conn:  c,
		guard: stallGuard{timer: c.HTTP2(), limit: f.stall(), set: rc.SetReadDeadline},
	}
	r.Body = b
	return b
}

// Read implements io.Reader; its errors are io.EOF and [*BodyError].
func (b *frontBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	limit := b.guard.limit
	if b.waited > 0 {
		earned := limit + time.Duration(b.got)*(time.Second/minBodyRate)
		limit = min(limit, max(earned-b.waited, time.Millisecond))
	}
	b.guard.begin(limit)
	began := time.Now()
	n, err := b.in.Read(p)
	b.waited += time.Since(began)
	b.guard.end()
	b.got += int64(n)
	b.conn.bodyBytes.Add(uint64(n))
	if err != nil {
		b.err = b.sort(err)
	}
	return n, b.err
}

func (b *frontBody) sort(err error) error {
	var refusal *frontError
	var tooLarge *http.MaxBytesError
	switch {
	case err == io.EOF:
		b.ended = true
		return err
	case errors.As(err, &refusal):
		return &BodyError{Status: refusal.status, Message: refusal.detail, Cause: err}
	case errors.As(err, &tooLarge):
		return &BodyError{Status: http.StatusRequestEntityTooLarge, Message: "The request body is too large.", Cause: err}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &BodyError{Status: http.StatusRequestTimeout, Message: "The request body came too slowly.", Cause: err}
	}
	return &BodyError{Status: http.StatusBadRequest, Message: "The request body could not be read.", Cause: err}
}

// Close implements io.Closer.
func (b *frontBody) Close() error { return b.in.Close() }

// finish bounds what net/http reads of a body that the handler left over.
func (b *frontBody) finish() {
	if b == nil || b.ended || b.conn.hijacked.Load() {
		return
	}
	b.guard.last()
}
