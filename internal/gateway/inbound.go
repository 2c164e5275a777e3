package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/cloister-ai/cloister/internal/openai"
	"github.com/cloister-ai/cloister/internal/policy"
)

// preflight answers a CORS preflight from the operation's policies. It goes
// before identify, because browsers send no credential with it, and it can
// never reach a backend.
func (t *trip) preflight() bool {
	if !t.crossOrigin {
		return false
	}
	t.pipeline.Preflight(t.ctx, &t.x)
	t.decision = decision{allow: true, reasons: []string{"cors-preflight"}}
	return true
}

// readModel scans the body of a request to the model API before policies see
// it: one that leaves a choice to its reader is refused whatever they would
// make of it. Which operation a request names is decided by the path as the
// caller wrote it and by the path as it would leave without policies; the gate
// looks again at what really leaves.
func (t *trip) readModel() *refused {
	return t.scanFor(t.call.Method, t.call.Path)
}

// scanFor scans the request if its method and path are the model API's.
func (t *trip) scanFor(method, path string) *refused {
	op, deployment, ok := openai.Match(method, path)
	if strings.Contains(path, "%2F") {
		// Servers that decode before they route read another path. Where that
		// one is the model API's too, the two have to mean one thing.
		other, otherDeployment, otherOK := openai.Match(method, strings.ReplaceAll(path, "%2F", "/"))
		if otherOK && (!ok || other != op || otherDeployment != deployment) {
			return badModelRequest("PathAmbiguous", "The path can be read as two operations. Choose a deployment name without a slash.", nil)
		}
	}
	if !ok {
		return nil
	}
	t.model.op = op
	if deployment != "" || t.model.deployment == "" {
		t.model.deployment = deployment
	}
	return t.scan()
}

// scan reads what the request asks of the model, unless that is known.
func (t *trip) scan() *refused {
	m := &t.model
	switch {
	case m.op.Upgrade:
		model, err := openai.QueryModel(t.x.Request.Query)
		if err != nil {
			return badModelRequest("ModelAmbiguous", "The query names the model in more than one way.", err)
		}
		m.deployment = model
		return nil
	case !m.op.HasModelBody || t.x.Request.Body == nil:
		return nil
	}
	body, e := t.readBody()
	if e != nil {
		return e
	}
	if m.info != nil && sameBytes(body, m.scanned) {
		return nil
	}
	info, err := openai.ScanRequest(body)
	if err != nil {
		var scan *openai.ScanError
		if errors.As(err, &scan) && scan.Reason == openai.ReasonTooLarge {
			return bodyRefused(&BodyError{Status: http.StatusRequestEntityTooLarge, Message: "The request body is too large.", Cause: err})
		}
		return badModelRequest("RequestBodyRefused", "The request body"+strings.TrimPrefix(err.Error(), "the request body")+".", err)
	}
	m.info, m.scanned = info, body
	return nil
}

func sameBytes(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// readBody brings the request's body into memory; it is bounded by the front.
func (t *trip) readBody() ([]byte, *refused) {
	b := t.x.Request.Body
	if b.Stream == nil {
		return b.Bytes, nil
	}
	body, e, err := t.readSized(b.Stream, b.Length, &t.held, 0)
	if e != nil {
		return nil, e
	}
	if err != nil {
		var be *BodyError
		if !errors.As(err, &be) {
			be = &BodyError{Status: http.StatusBadRequest, Message: "The request body could not be read.", Cause: err}
		}
		return nil, bodyRefused(be)
	}
	*b = policy.Body{Bytes: body, Length: int64(len(body))}
	return body, nil
}

// buffer brings a body into memory for a policy that reads it.
func (t *trip) buffer(b *policy.Body, request bool) *refused {
	if request {
		_, e := t.readBody()
		return e
	}
	in := b.Stream
	defer in.Close()
	body, e, err := t.readSized(in, b.Length, &t.heldAnswer, policy.MaxBuffered)
	switch {
	case e != nil:
		return e
	case errors.Is(err, errTooLarge):
		return policy.BodyError(false, true, policy.MaxBuffered, err)
	case err != nil:
		return t.attemptFailed(err)
	}
	*b = policy.Body{Bytes: body, Length: int64(len(body))}
	return nil
}

// errTooLarge: a body is larger than a policy may read.
var errTooLarge = errors.New("the body is too large")

// backendURL is where a backend is, for expressions.
func (t *trip) backendURL(id string) *url.URL {
	b, err := t.s.backends.Lookup(id, nil)
	if err != nil {
		return nil
	}
	return b.URL()
}

// callBackend asks a backend for a policy. What the request holds the policy has
// made, so there is no credential of the caller's in it.
func (t *trip) callBackend(id string, req *http.Request) (*http.Response, error) {
	b, err := t.s.backends.Lookup(id, nil)
	if err != nil {
		return nil, err
	}
	resp, err := b.RoundTrip(req, nil)
	if err != nil {
		return nil, legible(err)
	}
	return resp, nil
}

// readSized reads to the end, most bytes at most where that is not 0. A known
// length, of which the front has made sure that it is in bounds, is taken at its
// word only up to 64 KiB: memory, and the budget for it, are for bytes that came.
func (t *trip) readSized(r io.Reader, length int64, held *int64, most int) ([]byte, *refused, error) {
	const trusted = 64 << 10
	buf := make([]byte, 0, max(512, min(length, trusted)+1))
	if e := t.hold(int64(cap(buf)), held); e != nil {
		return nil, e, nil
	}
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if most > 0 && len(buf) > most {
			return nil, nil, errTooLarge
		}
		if errors.Is(err, io.EOF) {
			return buf, nil, nil
		}
		if err != nil {
			return nil, nil, err
		}
		if len(buf) == cap(buf) {
			was := cap(buf)
			buf = append(buf, 0)[:len(buf)]
			if e := t.hold(int64(cap(buf)-was), held); e != nil {
				return nil, e, nil
			}
		}
	}
}

// inbound runs the policies, and with them, through t.forward, the rest of the
// road. Afterwards there is an answer.
func (t *trip) inbound() {
	if t.x.Model = t.model.deployment; t.x.Model == "" && t.model.info != nil {
		t.x.Model = t.model.info.Model
	}
	t.ctx, t.cancel = context.WithCancelCause(t.ctx)
	t.holder.endBy(t.cancel)
	t.pipeline.Run(t.ctx, &t.x)
	t.failure = t.x.LastError
	t.release()
}

// hold takes n bytes of the budget for bodies that lie in memory, and notes them
// in held, which is the trip's for its request or for its answer.
func (t *trip) hold(n int64, held *int64) *refused {
	most := t.g.opt.HeldBytes
	if *held+n > smallBody {
		most -= most / 8 // what large bodies leave to small ones
	}
	if t.g.held.Add(n) > most {
		t.g.held.Add(-n)
		return &refused{
			Source: "request", Reason: "BodiesInMemory", Status: http.StatusServiceUnavailable, Frame: true,
			Message: "The gateway holds as many request bodies as it may.", PublicMessage: "The gateway is busy. Try again.",
			Header: http.Header{"Retry-After": {"1"}},
		}
	}
	*held += n
	return nil
}

// release lets go of the request's body: the answer has begun, and nobody will
// send it again.
func (t *trip) release() {
	t.x.Request.Body, t.model.scanned, t.lent.bytes = nil, nil, nil
	t.g.held.Add(-t.held)
	t.held = 0
}

// releaseAnswer lets go of an answer that a policy has read.
func (t *trip) releaseAnswer() {
	t.g.held.Add(-t.heldAnswer)
	t.heldAnswer = 0
}

// releaseCalls lets go of the answers that policies had from calls of their own.
func (t *trip) releaseCalls() {
	t.g.held.Add(-t.heldCalls)
	t.heldCalls = 0
}

func badModelRequest(reason, message string, cause error) *refused {
	return &refused{
		Source: "request", Reason: reason, Status: http.StatusBadRequest, Frame: true,
		Message: message, PublicMessage: message, Cause: cause,
	}
}

func bodyRefused(e *BodyError) *refused {
	out := &refused{
		Source: "request", Reason: "RequestBodyRefused", Status: e.Status, Frame: true,
		Message: e.Message, PublicMessage: e.Message, Cause: e.Cause,
	}
	if e.Status == http.StatusServiceUnavailable {
		out.Header = http.Header{"Retry-After": {"1"}}
	}
	return out
}
