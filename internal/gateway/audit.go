package gateway

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/identity"
	"github.com/cloister-ai/cloister/internal/network/egress"
)

// AuditLog is where access decisions leave their records.
type AuditLog interface {
	// Append takes a record into memory and never waits.
	Append(*audit.Record) audit.Position
	// Flush has the record at p written without waiting for others.
	Flush(p audit.Position)
	// Wait returns when the record at p is durable, or cannot be.
	Wait(ctx context.Context, p audit.Position) error
	// Err is why records cannot be written now; nil: they can.
	Err() error
}

// auditAllow leaves the record of a request that goes on to a backend, once.
// It is appended before the request leaves; see account. One for which the log
// has no room does not leave.
func (t *trip) auditAllow() *refused {
	if t.g.opt.Audit == nil || t.audited {
		return nil
	}
	rec := t.auditRecord(t.who)
	rec.Outcome, rec.Reasons = "allow", t.decision.reasons
	if t.auditAt = t.g.opt.Audit.Append(&rec); t.auditAt == 0 {
		return auditUnavailable(errNoRoom)
	}
	t.audited = true
	return nil
}

// errNoRoom: too many records wait for the disk.
var errNoRoom = errors.New("the log has no room for the record")

// account stands before the first byte of every answer. What was decided is on
// the log by then; that a request was allowed, and that a known caller was
// refused, is on disk.
func (t *trip) account() *refused {
	log := t.g.opt.Audit
	if log == nil || t.uncounted || t.crossOrigin || t.found.operationRoute == nil {
		return nil
	}
	if t.denied() {
		who := t.who
		if who == nil {
			who = t.s.recognise(t.ctx, t.shown)
		}
		rec := t.auditRecord(who)
		rec.Outcome, rec.Status = "deny", t.failure.Status
		rec.Reasons = denialReasons(t.failure)
		if who == nil {
			t.g.strangers.Refused(&rec)
			return nil
		}
		t.auditAt = log.Append(&rec)
	} else if e := t.auditAllow(); e != nil {
		return e
	}
	// Whoever waits has its answer already: others need not be waited for.
	log.Flush(t.auditAt)
	err := log.Wait(t.ctx, t.auditAt)
	if err != nil && t.ctx.Err() != nil {
		// The request's time is over, or the gateway ends: what it is answered
		// still needs its record.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), lastWait)
		defer cancel()
		err = log.Wait(ctx, t.auditAt)
	}
	if err != nil {
		return auditUnavailable(err)
	}
	return nil
}

// lastWait is how long an answer waits for its record once the request is over.
const lastWait = time.Second

// denied: the answer is a refusal by the frame or a policy, not a failure of a
// backend.
func (t *trip) denied() bool {
	e := t.failure
	return e != nil && (e.Frame || t.attempt.count == 0 && e.Status < http.StatusInternalServerError)
}

// auditCut notes that an answer was cut: who reads the log would take it for
// whole.
func (t *trip) auditCut() {
	if t.g.opt.Audit == nil || t.cut == "" || !t.audited {
		return
	}
	rec := t.auditRecord(t.who)
	rec.Action, rec.Reasons, rec.Status = "request.cut", []string{t.cut}, t.w.Status()
	t.g.opt.Audit.Append(&rec)
}

// denialReasons are why a request was refused: the reason that policies and the
// caller see, and behind it, of a connection that egress refused, its code.
func denialReasons(e *refused) []string {
	reasons := []string{kebab(e.Reason)}
	var refusal *egress.RefusedError
	if errors.As(e.Cause, &refusal) {
		reasons = append(reasons, refusal.Code)
	}
	return reasons
}

// recognise is whom credentials belong to that do not let anybody in: a key of
// a suspended subscription, one that is shown where it does not count, a token
// that acts for nobody. It is for the record alone; nil: nobody is known.
func (s *Snapshot) recognise(ctx context.Context, c credentials) *caller {
	if sub, which, _ := s.directory.Lookup(c.key); sub != nil {
		return &caller{subscription: sub, key: which, principal: sub.Principal()}
	}
	if c.token != "" {
		if token, err := s.verifyToken(ctx, c.token); err == nil {
			return &caller{principal: &token.Principal}
		}
	}
	if sub := s.directory.ByCertificate(c.certificate); sub != nil {
		return &caller{subscription: sub, principal: &identity.Principal{Kind: identity.KindCertificate, CertificateSHA256: c.certificate}}
	}
	return nil
}

func (t *trip) auditRecord(who *caller) audit.Record {
	rec := audit.Record{
		Time: t.g.opt.Now(), Kind: audit.KindAccess, Action: "request", Actor: "nobody",
		RequestID: t.x.RequestID, Client: t.call.Client, Peer: t.conn.Peer.Addr(),
		Deployment: t.model.deployment, Endpoint: t.endpoint, Site: t.s.Site.Digest,
	}
	if t.model.info != nil {
		rec.Model = t.model.info.Model
	}
	if t.x.API != nil {
		rec.API = t.x.API.ID
	}
	if t.x.Operation != nil {
		rec.Operation = t.x.Operation.ID
	}
	if who == nil {
		return rec
	}
	if who.subscription != nil {
		rec.Subscription = who.subscription.ID
	}
	switch p := who.principal; p.Kind {
	case identity.KindToken:
		rec.Actor = "token:" + p.ID() + " of " + p.Issuer
	case identity.KindCertificate:
		rec.Actor = "certificate:" + p.CertificateSHA256
	default:
		rec.Actor = "subscription:" + rec.Subscription
	}
	return rec
}

// auditUnavailable is the answer while nothing can be put on record.
func auditUnavailable(cause error) *refused {
	return &refused{
		Source: "audit", Reason: "AuditUnavailable", Status: http.StatusServiceUnavailable, Frame: true,
		Message: "The audit log cannot be written.", PublicMessage: "The gateway cannot record requests now. Try again.",
		Header: http.Header{"Retry-After": {"5"}}, Cause: cause,
	}
}
