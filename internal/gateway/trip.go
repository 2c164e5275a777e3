package gateway

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/backend"
	"github.com/cloister-ai/cloister/internal/openai"
	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/telemetry"
)

// refused is a refusal on its way to on-error and the caller.
type refused = policy.Error

// trip is one request on the road: what each step learned, for the next. It
// belongs to the request's goroutine.
type trip struct {
	g    *Gateway
	s    *Snapshot
	w    *RollingWriter
	r    *http.Request
	conn *Conn
	call *Call
	ctx  context.Context
	// cancel ends what policies and backends do for the request; nil before they
	// begin.
	cancel context.CancelCauseFunc

	// query is the parsed query, nil where there is none.
	query url.Values
	// found is the route; its operationRoute is nil where no API answers.
	found route
	// crossOrigin: the request is a CORS preflight that policies answer.
	crossOrigin bool
	pipeline    *policy.Pipeline
	shown       credentials
	// sent are the headers in which callers send credentials, as they came;
	// see credentialHeader.
	sent [len(callerHeaders) + 1][]string
	// sentCookies and sentSecrets are what else the caller sent that traces and logs
	// do not show: lines of Cookie, and headers whose name says so. sentMasker knows
	// them all, once sentMasked.
	sentCookies, sentSecrets []string
	sentMasker               secret.Masker
	sentMasked               bool
	who                      *caller
	// subscription is the caller's, as policies see it.
	subscription policy.Subscription
	decision     decision
	// tracer makes the trace of the request; nil: it has none.
	tracer   *policy.Recorder
	vouching vouching
	// holder ends the request when its caller's right ends.
	holder holder
	// audited: the request is on the audit log as allowed; auditAt is where
	// its last decision stands there.
	audited bool
	auditAt audit.Position
	// endpoint names the private endpoints that may lead to the backend of the
	// last attempt, for the audit log; empty: there is none.
	endpoint string
	model    modelRequest
	x        policy.Exchange
	original url.URL

	// lent is the body of the last attempt, where it lies in memory; held is
	// how many bytes of bodies the gateway's budget counts for this request,
	// heldAnswer how many for its answer, heldCalls for those of policies' calls.
	lent                        lentBody
	held, heldAnswer, heldCalls int64
	// attempt is the last attempt at a backend.
	attempt attempt
	span    *telemetry.Span
	rec     telemetry.Record
	// failure is the error that the answer is about, nil for none.
	failure   *policy.Error
	meter     meter
	firstByte time.Time
	// messages is how many trace policies have said.
	messages int
	// upgraded is the backend's side of a WebSocket, nil for none.
	upgraded io.ReadWriteCloser
	// cut says who ended the answer early, for the record.
	cut string
	// uncounted: refused before anybody was identified, so that there is no
	// record, only a count.
	uncounted bool
	// answered: the road came to its end, as it does not where a step panics.
	answered bool
	// webSocketOf is whom the request's WebSocket counts for; empty: nobody.
	webSocketOf string
	// hijacked: the connection became a WebSocket.
	hijacked  bool
	wsBytesIn int64
}

// modelRequest is what the request asks of the model API, as it stands now.
type modelRequest struct {
	// op is nil for requests that are not the model API's.
	op         *openai.Operation
	deployment string
	// info is what the body says, nil until it was scanned; scanned is that
	// body.
	info    *openai.RequestInfo
	scanned []byte
}

// attempt is one attempt at a backend.
type attempt struct {
	count   int
	backend *backend.Backend
	used    backend.Used
	status  int
	began   time.Time
	ended   time.Time
	span    *telemetry.Span
	ctx     context.Context
	// cancel ends it; nil before the first, and once it has ended.
	cancel context.CancelCauseFunc
}

func (g *Gateway) begin(w http.ResponseWriter, r *http.Request, c *Conn, call *Call) *trip {
	g.opt.Metrics.Begin()
	t := &trip{g: g, s: g.Snapshot(), w: w.(*RollingWriter), r: r, conn: c, call: call}
	t.ctx, t.span = g.opt.Tracing.StartRequest(r.Context(), r.Header, call.Started)
	if call.RawQuery != "" {
		// "read" has refused what would not parse; what does parse counts.
		t.query, _ = url.ParseQuery(call.RawQuery)
	}
	t.x.RequestID = g.requestID()
	t.x.Started = call.Started
	t.x.ClientIP = call.Client
	return t
}
