package gateway

import (
	"errors"
	"io"
	"net/http"

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
	if !t.pipeline.Preflight(&t.x) {
		return false
	}
	t.decision = decision{allow: true, reasons: []string{"cors-preflight"}}
	return true
}

// readModel scans the body of a request to the model API before policies see
// it: one that leaves a choice to its reader is refused whatever they would
// make of it. Which operation a request names is decided by the path as the
// caller wrote it and by the path as it would leave without policies; the gate
// looks again at what really leaves.
func (t *trip) readModel() *refused {
	op, deployment, ok := openai.Match(t.call.Method, t.call.Path)
	if !ok {
		return nil
	}
	t.model.op, t.model.deployment = op, deployment
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
		return badModelRequest("RequestBodyRefused", "The request body is refused: "+err.Error()+".", err)
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
	body, err := readSized(b.Stream, b.Length)
	if err != nil {
		var be *BodyError
		if !errors.As(err, &be) {
			be = &BodyError{Status: http.StatusBadRequest, Message: "The request body could not be read.", Cause: err}
		}
		return nil, bodyRefused(be)
	}
	t.x.Request.Body = &policy.Body{Bytes: body, Length: int64(len(body))}
	return body, nil
}

// readSized reads to the end. A known length, of which the front has made sure
// that it is in bounds, is taken at its word only up to a mebibyte: memory is
// for bytes that came.
func readSized(r io.Reader, length int64) ([]byte, error) {
	const trusted = 1 << 20
	buf := make([]byte, 0, max(512, min(length, trusted)+1))
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// inbound runs the policies, and with them, through t.forward, the rest of the
// road. Afterwards there is an answer.
func (t *trip) inbound() {
	t.pipeline.Run(t.ctx, &t.x)
	t.failure = t.x.LastError
}

func badModelRequest(reason, message string, cause error) *refused {
	return &refused{
		Source: "request", Reason: reason, Status: http.StatusBadRequest, Frame: true,
		Message: message, PublicMessage: message, Cause: cause,
	}
}

func bodyRefused(e *BodyError) *refused {
	return &refused{
		Source: "request", Reason: "RequestBodyRefused", Status: e.Status, Frame: true,
		Message: e.Message, PublicMessage: e.Message, Cause: e.Cause,
	}
}
