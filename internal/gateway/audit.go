package gateway

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/identity"
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
// It is appended before the request leaves; see account.
func (t *trip) auditAllow() {
	if t.g.opt.Audit == nil || t.audited {
		return
	}
	t.audited = true
	rec := t.auditRecord()
	rec.Outcome, rec.Reasons = "allow", t.decision.reasons
	t.auditAt = t.g.opt.Audit.Append(&rec)
}

// account stands before the first byte of every answer. What was decided is on
// the log by then; that a request was allowed, and that a known caller was
// refused, is on disk.
func (t *trip) account() *refused {
	log := t.g.opt.Audit
	if log == nil || t.uncounted || t.crossOrigin || t.found.operationRoute == nil {
		return nil
	}
	if t.denied() {
		rec := t.auditRecord()
		rec.Outcome, rec.Status = "deny", t.failure.Status
		rec.Reasons = []string{kebab(t.failure.Reason)}
		if t.who == nil {
			t.g.strangers.refused(&rec)
			return nil
		}
		t.auditAt = log.Append(&rec)
		log.Flush(t.auditAt)
	} else {
		t.auditAllow()
	}
	if err := log.Wait(t.ctx, t.auditAt); err != nil && t.ctx.Err() == nil {
		return auditUnavailable(err)
	}
	return nil
}

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
	rec := t.auditRecord()
	rec.Action, rec.Reasons, rec.Status = "request.cut", []string{t.cut}, t.w.Status()
	t.g.opt.Audit.Append(&rec)
}

func (t *trip) auditRecord() audit.Record {
	rec := audit.Record{
		Time: t.g.opt.Now(), Kind: audit.KindAccess, Action: "request", Actor: "nobody",
		RequestID: t.x.RequestID, Client: t.call.Client, Peer: t.conn.Peer.Addr(),
		Deployment: t.model.deployment, Site: t.s.Site.Digest,
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
	if t.who == nil {
		return rec
	}
	rec.Subscription = t.who.subscription.ID
	switch p := t.who.principal; p.Kind {
	case identity.KindToken:
		rec.Actor = "token:" + p.ID()
	case identity.KindCertificate:
		rec.Actor = "certificate:" + p.CertificateSHA256
	default:
		rec.Actor = "subscription:" + t.who.subscription.ID
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

// strangers keeps who is unknown from filling the audit log: of equal refusals
// in one second the first has a record, and the others have one together.
type strangers struct {
	log AuditLog

	mu     sync.Mutex // guards the rest
	window map[stranger]*audit.Record
	timer  *time.Timer
}

// stranger is what makes refusals equal.
type stranger struct {
	client      netip.Addr
	api, reason string
}

// maxStrangers bounds how many are told apart in one second.
const maxStrangers = 256

func (s *strangers) refused(rec *audit.Record) {
	who := stranger{client: rec.Client, api: rec.API}
	if len(rec.Reasons) > 0 {
		who.reason = rec.Reasons[0]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.window == nil {
		s.window = map[stranger]*audit.Record{}
		s.timer = time.AfterFunc(time.Second, s.flush)
	}
	if again := s.window[who]; again != nil {
		*again, again.Count = *rec, again.Count+1
		return
	}
	if len(s.window) >= maxStrangers {
		who = stranger{reason: who.reason}
		rec.Client, rec.Peer, rec.API, rec.Operation, rec.RequestID = netip.Addr{}, netip.Addr{}, "", "", ""
		if again := s.window[who]; again != nil {
			again.Count++
			return
		}
		s.window[who] = rec
		rec.Count = 1
		return
	}
	s.log.Append(rec)
	s.window[who] = &audit.Record{}
}

// flush writes one record for all that were equal.
func (s *strangers) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rec := range s.window {
		if rec.Count > 0 {
			s.log.Append(rec)
		}
	}
	s.window = nil
}
