package gateway

import (
	"crypto/rand"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/limit"
	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/telemetry"
)

// Options are what a [Gateway] is made of. What is nil is not used.
type Options struct {
	Recorder *telemetry.Recorder
	Metrics  *telemetry.Metrics
	Tracing  *telemetry.Tracing
	// Audit gets access decisions; while it cannot be written, nobody gets
	// in. Nil: there is no log.
	Audit AuditLog
	// Stale reports that the shared state has been silent for too long, so
	// that nobody gets in. Nil: state is not shared.
	Stale func() bool
	// Services are what policies use; nil: nothing.
	Services *policy.Services
	// Log is for the operator: what no caller is told.
	Log *slog.Logger
	// Now is the wall clock; nil: time.Now.
	Now func() time.Time
	// Rand makes request ids; nil: crypto/rand.
	Rand io.Reader
	// HeldBytes bounds the request bodies that lie in memory, of all requests
	// together; 0: 1 GiB.
	HeldBytes int64
}

// Gateway takes requests from route to record. Its methods may be called from
// any goroutine.
type Gateway struct {
	opt     Options
	current atomic.Pointer[Snapshot]
	// held counts the bytes of request bodies that lie in memory.
	held atomic.Int64
	live live
	// traces are those that callers asked for.
	traces Traces
	// webSockets counts the open WebSockets of each caller.
	webSockets *limit.Counter
	// strangers bounds what unknown callers leave in the audit log.
	strangers *audit.Strangers
}

// New makes a gateway that serves first.
func New(first *Snapshot, opt Options) *Gateway {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Rand == nil {
		opt.Rand = rand.Reader
	}
	if opt.HeldBytes == 0 {
		opt.HeldBytes = 1 << 30
	}
	g := &Gateway{opt: opt, strangers: audit.NewStrangers(opt.Audit), webSockets: limit.NewCounter()}
	g.current.Store(first)
	return g
}

// Snapshot is the one in force.
func (g *Gateway) Snapshot() *Snapshot { return g.current.Load() }

// Swap puts another snapshot in force for requests that begin from now on, and
// returns the one before, which goes on serving those that have begun.
func (g *Gateway) Swap(next *Snapshot) *Snapshot { return g.current.Swap(next) }

// Serve is the road of one request, a [Handler].
func (g *Gateway) Serve(w http.ResponseWriter, r *http.Request, c *Conn, call *Call) {
	t := g.begin(w, r, c, call)
	defer t.record()
	t.answer(t.travel())
	t.answered = true
}

// travel goes down the road until there is an answer in the exchange. The
// error is a refusal of the frame that on-error has not seen yet.
func (t *trip) travel() *refused {
	if r := t.g.opt.Recorder; r != nil && r.Full() {
		t.uncounted = true
		return &refused{
			Source: "record", Reason: "RecordsFull", Status: http.StatusServiceUnavailable, Frame: true,
			Message: "Records cannot be written.", PublicMessage: "The gateway cannot record requests now. Try again.",
			Header: http.Header{"Retry-After": {"5"}},
		}
	}
	if e := t.route(); e != nil {
		return e
	}
	if t.preflight() {
		return nil
	}
	if e := t.verifiable(); e != nil {
		return e
	}
	if e := t.identify(); e != nil {
		return e
	}
	if e := t.authorize(); e != nil {
		return e
	}
	t.askTrace()
	if e := t.enter(); e != nil {
		return e
	}
	if e := t.admitWebSocket(); e != nil {
		return e
	}
	if e := t.readModel(); e != nil {
		return e
	}
	t.inbound()
	return nil
}

// verifiable: nobody gets in whose right cannot be verified, or whose request
// cannot be put on record.
func (t *trip) verifiable() *refused {
	if t.g.opt.Stale != nil && t.g.opt.Stale() {
		return stale()
	}
	if t.g.opt.Audit != nil {
		if err := t.g.opt.Audit.Err(); err != nil {
			return auditUnavailable(err)
		}
	}
	return nil
}

// Close writes what has been held back for the audit log.
func (g *Gateway) Close() {
	if g.opt.Audit != nil {
		g.strangers.Flush()
	}
}

// requestID is a random UUID (RFC 9562, version 4) in lower case.
func (g *Gateway) requestID() string {
	var b [16]byte
	if _, err := io.ReadFull(g.opt.Rand, b[:]); err != nil {
		// crypto/rand never fails; an injected source that does leaves zeros,
		// and two requests with one id are better than none answered.
		g.opt.Log.Error("no randomness for a request id", "error", err)
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var s [36]byte
	hex.Encode(s[0:8], b[0:4])
	hex.Encode(s[9:13], b[4:6])
	hex.Encode(s[14:18], b[6:8])
	hex.Encode(s[19:23], b[8:10])
	hex.Encode(s[24:36], b[10:16])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}
