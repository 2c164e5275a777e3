package gateway

import (
	"crypto/tls"
	"net/http"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/identity"
	"github.com/cloister-ai/cloister/internal/openai"
	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/telemetry"
)

// record is the end of every road: one access record, metrics, spans. It runs
// when a step panicked, too.
//
// What was refused before anybody was identified, above all what no operation
// answers, is counted: so that a scanner cannot fill the log.
func (t *trip) record() {
	now := t.g.opt.Now()
	t.release()
	t.releaseAnswer()
	t.releaseCalls()
	t.holder.leave()
	if t.cancel != nil {
		defer t.cancel(errFinished)
	}
	if t.tracer != nil {
		t.g.traces.end()
	}
	if t.webSocketOf != "" {
		t.g.webSockets.End(t.webSocketOf)
	}
	if t.uncounted && t.failure != nil {
		t.x.End(policy.Ended{Status: t.w.Status()})
		t.g.opt.Metrics.End()
		if t.g.opt.Recorder != nil {
			t.g.opt.Recorder.RefusedBeforeRoute(t.conn.Peer.Addr(), kebab(t.failure.Reason))
		}
		t.span.End(&telemetry.Record{Status: t.w.Status(), Method: t.call.Method}, "", now)
		return
	}
	t.endAttempt(t.failure)
	t.auditCut()
	rec := &t.rec
	t.describeRequest(now)
	t.x.End(t.ended())
	t.keepTrace()
	rec.Notes = t.x.Notes // policies may have said something at the end
	t.describeCaller()
	t.describeAttempt()
	t.describeDecision()
	t.span.Mark(rec)
	t.g.opt.Metrics.End()
	t.g.opt.Metrics.Observe(rec)
	if t.g.opt.Recorder != nil {
		t.g.opt.Recorder.Write(rec)
	}
	t.span.End(rec, "", now)
}

func (t *trip) describeRequest(now time.Time) {
	rec, x := &t.rec, &t.x
	rec.Time, rec.RequestID = t.call.Started, x.RequestID
	rec.Peer, rec.Client, rec.Host = t.conn.Peer, t.call.Client, t.call.Host
	rec.Protocol = t.r.Proto
	if t.hijacked {
		rec.Protocol = "websocket"
	}
	if t.conn.TLS != nil {
		rec.TLSVersion, rec.TLSCurve = tls.VersionName(t.conn.TLS.Version), t.conn.TLS.CurveID.String()
	}
	if x.API != nil {
		rec.API, rec.Revision = x.API.ID, x.API.Revision
	}
	if x.Operation != nil {
		rec.Operation = x.Operation.ID
	}
	rec.Method, rec.Path = t.call.Method, t.redacted(t.call.Path)
	rec.SetQuery(t.redacted(t.call.RawQuery))
	rec.Status = t.w.Status()
	if rec.Status == 0 && !t.answered && t.cut == "" {
		// A step panicked; the server answers in its place.
		rec.Status, rec.ErrorSource, rec.ErrorReason = http.StatusInternalServerError, "gateway", "Panic"
	}
	if b, ok := t.r.Body.(*frontBody); ok && b != nil {
		rec.BytesIn = b.got.Load()
	}
	rec.BytesIn += t.wsBytesIn
	rec.BytesOut += t.w.Written()
	rec.Streamed = t.hijacked || t.meter.events
	rec.Duration = now.Sub(t.call.Started)
	if !t.firstByte.IsZero() {
		rec.TimeToFirstByte = t.firstByte.Sub(t.call.Started)
	}
	rec.Notes, rec.Cut = x.Notes, t.cut
	t.describeModel()
}

// ended is how the request ended, for policies that count.
func (t *trip) ended() policy.Ended {
	tokens := t.rec.Tokens
	return policy.Ended{
		Left:   (t.cut == telemetry.CutClient || t.rec.Status == statusClientClosed) && t.attempt.used.Address.IsValid(),
		Status: t.rec.Status, Known: tokens.Known, BytesIn: t.rec.BytesIn, BytesOut: t.rec.BytesOut,
		Usage: openai.Usage{Prompt: tokens.Prompt, Completion: tokens.Completion, Total: tokens.Total, Estimated: tokens.Estimated},
	}
}

// redacted takes the caller's credential out of what the record shows of the
// target: some callers write it there by mistake.
func (t *trip) redacted(s string) string {
	for _, credential := range [...]string{t.shown.key, t.shown.token} {
		if credential != "" && strings.Contains(s, credential) {
			s = strings.ReplaceAll(s, credential, secret.Redacted)
		}
	}
	for _, p := range t.vouching.tokens {
		s = strings.ReplaceAll(s, p.token, secret.Redacted)
	}
	return s
}

// maskers is [policy.Exchange.Maskers]: what the caller sent where callers send
// credentials, and the credentials that the gateway holds.
func (t *trip) maskers() []*secret.Masker {
	m := &t.sentMasker
	m.Add(t.shown.key)
	m.Add(t.shown.token)
	for _, p := range t.vouching.tokens {
		m.Add(p.token)
	}
	if !t.sentMasked {
		t.sentMasked = true
		for _, sent := range append(t.sent[:len(t.sent):len(t.sent)], t.sentSecrets) {
			for _, v := range sent {
				m.AddHeader(v)
			}
		}
		for _, line := range t.sentCookies {
			m.AddCookies(line, false)
		}
		keyQuery := ""
		if t.found.operationRoute != nil {
			keyQuery = t.found.api.key.query
		}
		for name, values := range t.query {
			if name == keyQuery || name == "code" || secret.CredentialName(name) {
				for _, v := range values {
					m.Add(v)
				}
			}
		}
	}
	return []*secret.Masker{m, t.s.backends.Masker()}
}

// cause is an error for the log: what policies do with credentials and secrets
// may stand in what expressions say.
func (t *trip) cause(err error) any {
	if err == nil {
		return nil
	}
	return t.x.Masked(err.Error())
}

func (t *trip) describeModel() {
	rec, m := &t.rec, &t.model
	if m.op == nil {
		return
	}
	rec.Deployment = m.deployment
	if m.info != nil {
		rec.Model = m.info.Model
	}
	if rec.Deployment == "" {
		rec.Deployment = rec.Model // the v1 surface calls it model
	}
	switch m.op.Kind {
	case openai.KindChat, openai.KindCompletion, openai.KindEmbedding, openai.KindResponse:
		rec.GenAIOperation = genAIOperation(m.op.Kind)
	}
	rec.Tokens = t.meter.tokens(m, t.cut != "")
}

// genAIOperation is the value of gen_ai.operation.name; the conventions know
// no name of their own for the Responses API, which is a chat to them.
func genAIOperation(k openai.Kind) string {
	if k == openai.KindResponse {
		return string(openai.KindChat)
	}
	return string(k)
}

func (t *trip) describeCaller() {
	rec := &t.rec
	if t.x.Product != nil {
		rec.Product = t.x.Product.ID
	}
	if t.who == nil {
		return
	}
	if t.who.subscription != nil {
		rec.Subscription = t.who.subscription.ID
	}
	p := t.who.principal
	rec.Principal = telemetry.Principal{
		Kind: p.Kind, ID: p.ID(), ClientID: p.ClientID, TenantID: p.TenantID, Issuer: p.Issuer,
		CertificateSHA256: t.shown.certificate,
	}
	if p.Kind == identity.KindSubscription {
		rec.Principal.ID = p.SubscriptionID
	}
}

func (t *trip) describeAttempt() {
	a, rec := &t.attempt, &t.rec
	if a.count == 0 {
		return
	}
	rec.Attempts = a.count
	if rec.Backend = a.used.Backend; rec.Backend == "" { // of a pool: the member
		rec.Backend = a.backend.ID()
	}
	rec.BackendEndpoint = a.used.Endpoint
	rec.BackendAddress, rec.BackendKey = a.used.Address, a.used.CertificateSPKI
	rec.BackendStatus = a.status
	if a.used.Address.IsValid() && a.ended.After(a.began) {
		rec.BackendDuration = a.ended.Sub(a.began)
	}
}

// describeDecision says who decided. A refusal by the frame or by a policy is
// a denial; a backend that fails is not.
func (t *trip) describeDecision() {
	rec, e := &t.rec, t.failure
	rec.Decision, rec.Reasons = telemetry.Deny, t.decision.reasons
	if t.decision.allow {
		rec.Decision = telemetry.Allow
	}
	if e == nil {
		return
	}
	rec.ErrorSource, rec.ErrorReason = e.Source, e.Reason
	if t.denied() {
		rec.Decision, rec.Reasons = telemetry.Deny, denialReasons(e)
	}
	if e.Cause != nil || e.Status >= http.StatusInternalServerError {
		t.g.opt.Log.Warn("request failed", "request_id", t.x.RequestID, "source", e.Source, "reason", e.Reason, "cause", t.cause(e.Cause))
	}
}
