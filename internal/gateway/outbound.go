package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/openai"
	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/telemetry"
)

// requestIDHeader is on every answer, so that a caller can name the record.
const requestIDHeader = "Cloister-Request-Id"

// answer sends what is in the exchange, or, for a refusal, what on-error makes
// of it.
func (t *trip) answer(e *refused) {
	if e != nil {
		t.refuse(e)
	}
	if e := t.account(); e != nil {
		t.withdraw(e)
	}
	resp := t.x.Response
	if t.upgraded != nil && resp.FromBackend && resp.StatusCode == http.StatusSwitchingProtocols {
		t.webSocket(resp)
		return
	}
	if t.upgraded != nil { // a policy has put another answer in its place
		t.upgraded.Close()
	}
	if resp.StatusCode == http.StatusSwitchingProtocols || resp.StatusCode < 200 || resp.StatusCode > 599 {
		t.refuse(&refused{
			Source: "outbound", Reason: "StatusRefused", Status: http.StatusBadGateway,
			Message: "The answer has a status that cannot be sent.", PublicMessage: "Bad gateway",
		})
		resp = t.x.Response
	}
	t.writeHead(resp)
	if resp.Body == nil {
		return
	}
	if resp.Body.Stream == nil {
		t.writeBytes(resp)
		return
	}
	defer resp.Body.Stream.Close()
	if bodiless(t.call.Method, resp.StatusCode) {
		return
	}
	t.copyStream(resp.Body)
}

// withdraw puts a refusal in the place of an answer that must not leave.
func (t *trip) withdraw(e *refused) {
	if t.upgraded != nil {
		t.upgraded.Close()
		t.upgraded = nil
	}
	t.refuse(e)
}

// bodiless: answers that have no body whatever their head says (RFC 9110,
// section 6.4.1).
func bodiless(method string, status int) bool {
	return method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified
}

// writeHead sets status and head; net/http sends them with the first bytes.
func (t *trip) writeHead(resp *policy.Response) {
	h := t.w.Header()
	for name, values := range resp.Header {
		h[name] = values
	}
	delete(h, "Content-Length")
	h[requestIDHeader] = []string{t.x.RequestID}
	t.nameTrace(h)
	switch b := resp.Body; {
	case resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusNotModified:
	case b == nil:
		h["Content-Length"] = []string{"0"}
	case t.call.Method == http.MethodHead && resp.FromBackend && b.Stream == nil && len(b.Bytes) == 0:
		// A policy has read what a HEAD has not; how long it would be is not known.
	case b.Stream == nil:
		h["Content-Length"] = []string{strconv.Itoa(len(b.Bytes))}
	case b.Length >= 0:
		h["Content-Length"] = []string{strconv.FormatInt(b.Length, 10)}
	}
	t.w.WriteHeader(resp.StatusCode)
}

// nameTrace names the request's trace; a backend's names none here.
func (t *trip) nameTrace(h http.Header) {
	delete(h, traceIDHeader)
	if t.tracer != nil {
		h[traceIDHeader] = []string{t.x.RequestID}
	}
}

func (t *trip) writeBytes(resp *policy.Response) {
	if len(resp.Body.Bytes) == 0 || bodiless(t.call.Method, resp.StatusCode) {
		return
	}
	t.firstByte = t.g.opt.Now()
	if _, err := t.w.Write(resp.Body.Bytes); err != nil {
		t.cut = telemetry.CutClient
	}
}

// copyBuffer is what one answer has under way: large enough for any event a
// model sends, and for few calls on large answers.
const copyBuffer = 32 << 10

var copyBuffers = sync.Pool{New: func() any { return new([copyBuffer]byte) }}

// copyStream passes the answer on as it comes. What comes without a length may
// be waited for piece by piece, so each piece leaves at once.
func (t *trip) copyStream(b *policy.Body) {
	buf := copyBuffers.Get().(*[copyBuffer]byte)
	defer copyBuffers.Put(buf)
	flush := b.Length < 0 || t.meter.events
	if flush {
		// The head too: a caller waits for it to know that the model is at work.
		if err := t.w.FlushError(); err != nil {
			t.clientGone()
		}
	}
	for {
		n, err := b.Stream.Read(buf[:])
		if n > 0 {
			if t.firstByte.IsZero() {
				t.firstByte = t.g.opt.Now()
			}
			if _, werr := t.w.Write(buf[:n]); werr != nil {
				t.clientGone()
			}
			if flush {
				if werr := t.w.FlushError(); werr != nil {
					t.clientGone()
				}
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			t.broken(err)
			return
		}
	}
}

// wasCut reports whether egress has cut the connection that err is about.
func wasCut(err error) bool {
	var refusal *egress.RefusedError
	return errors.As(err, &refusal) && refusal.Cut
}

// clientGone ends a request whose caller takes no more.
func (t *trip) clientGone() {
	t.cut = telemetry.CutClient
	panic(http.ErrAbortHandler)
}

// broken ends an answer that stops short. A stream of events ends with one
// that says so; any other answer ends without its end, so that nobody takes it
// for whole.
func (t *trip) broken(err error) {
	code, message := "backend_error", "The backend ended the stream before its end."
	ctx := t.ctx
	if t.attempt.ctx != nil {
		ctx = t.attempt.ctx
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errStreamIdle):
		t.cut, code, message = telemetry.CutIdle, "stream_idle", "The backend sent nothing for too long."
	case errors.Is(cause, ErrRequestTimeout):
		t.cut, code, message = telemetry.CutTimeout, "request_timeout", "The request took longer than it may."
	case errors.Is(cause, errRevoked):
		t.cut, code, message = telemetry.CutRevoked, "subscription_revoked", "The subscription or its key has ended."
	case errors.Is(cause, errStale):
		t.cut, code, message = telemetry.CutStale, "state_stale", "The gateway cannot verify callers any more. Try again."
	case errors.Is(cause, ErrCut):
		t.cut, code, message = telemetry.CutDrain, "gateway_stopping", "The gateway is shutting down. Try again."
	case cause != nil:
		t.clientGone()
	case wasCut(err):
		t.cut, code, message = telemetry.CutEndpoint, "endpoint_not_approved", "The private endpoint's connection to the backend was ended."
	default:
		t.cut = telemetry.CutBackend
	}
	t.g.opt.Log.Warn("answer cut", "request_id", t.x.RequestID, "cut", t.cut, "error", legible(err))
	if !t.meter.events || t.w.Header().Get("Content-Encoding") != "" {
		panic(http.ErrAbortHandler)
	}
	var last []byte
	if t.meter.stream != nil && !t.meter.stream.Boundary() {
		last = append(last, '\n', '\n')
	}
	_, err = t.w.Write(append(last, openai.StreamError(code, message)...))
	if err == nil {
		err = t.w.FlushError()
	}
	if err != nil {
		panic(http.ErrAbortHandler) // without its last event it would look whole
	}
}
