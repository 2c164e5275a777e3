package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/site"
)

// AuditLog is where the door leaves its records.
type AuditLog interface {
	Append(*audit.Record) audit.Position
	Flush(audit.Position)
	Wait(context.Context, audit.Position) error
}

// Actions is what the gateway does when it is asked to. One that is nil cannot
// be done here: it needs a running gateway, or one that does not run.
type Actions struct {
	Reload func(context.Context) (Reloaded, error)
	Status func(context.Context) (Status, error)
	Health func(context.Context) Health
	// Traces are those that the gateway keeps, the latest first, and Trace one of
	// them by the id of its request, nil for none.
	Traces func() []*policy.Trace
	Trace  func(id string) *policy.Trace
	// Backup writes the durable state.
	Backup func(context.Context, io.Writer) error
	// RotateState makes a new data key and wraps the keys anew.
	RotateState func(context.Context) (KeysRotated, error)
	// AuditDir is the directory of the audit log.
	AuditDir string
	// AuditVerifier is the log's verifier key.
	AuditVerifier string
	// Digest is the keyed digest of an identifier in the log.
	Digest func(kind, value string) string
	// Subscriptions is the store.
	Subscriptions Subscriptions
	// Declared are the subscriptions that the site in force declares.
	Declared func() []Declared
	// Scope reports a scope that the site in force has not; nil: it has it.
	Scope func(scope string) error
	// KeyDigest is what is kept of a key.
	KeyDigest func(key string) []byte
	// Connections are the private endpoints of the site in force with the states
	// of their connections; Decide changes one.
	Connections func(context.Context) ([]Connection, error)
	Decide      func(context.Context, Decision) (before, after Connection, err error)
	// SiteDigest is the digest of the site in force.
	SiteDigest func() string
}

// Door authorises, acts and audits. Its life is that of the state directory's
// owner. It is an [http.Handler] for requests whose context says who asks, see
// [WithActor].
type Door struct {
	Actions
	log   *slog.Logger
	audit AuditLog
	now   func() time.Time
	rand  io.Reader
	mux   *http.ServeMux
	reads reads
	// strangers bounds what those without a role leave in the log.
	strangers *audit.Strangers
}

// Options are what a door is made of.
type Options struct {
	Actions Actions
	// Audit is required: nothing is done without a record.
	Audit AuditLog
	Log   *slog.Logger
	// Now is the wall clock.
	Now func() time.Time
	// Rand makes keys.
	Rand io.Reader
}

// NewDoor makes a door.
func NewDoor(opt Options) *Door {
	d := &Door{Actions: opt.Actions, log: opt.Log, audit: opt.Audit, now: opt.Now, rand: opt.Rand, mux: http.NewServeMux(), strangers: audit.NewStrangers(opt.Audit)}
	for _, op := range operations() {
		d.mux.Handle(op.method+" "+op.pattern, d.handler(op))
	}
	return d
}

// Flush puts on record what was held back of refused strangers.
func (d *Door) Flush() { d.strangers.Flush() }

// call is one operation under way.
type call struct {
	actor   Actor
	request *http.Request
	// in is what prepare has read.
	in any
	// target, before and after are for the record.
	target        string
	before, after any
}

// decode reads the body as JSON into v; unknown members are refused.
func (c *call) decode(v any) error {
	const most = 64 << 10
	if media, _, err := mime.ParseMediaType(c.request.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return &Error{Status: http.StatusUnsupportedMediaType, Message: "the request is not JSON", Mend: "Content-Type: application/json"}
	}
	b, err := io.ReadAll(io.LimitReader(c.request.Body, most+1))
	if err != nil {
		return &Error{Status: http.StatusBadRequest, Message: "the request broke off", Err: err}
	}
	if len(b) > most {
		return &Error{Status: http.StatusRequestEntityTooLarge, Message: "the request is too large"}
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return &Error{Status: http.StatusBadRequest, Message: "the request is not understood: " + err.Error(), Err: err}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return &Error{Status: http.StatusBadRequest, Message: "there is more than one value in the request"}
	}
	return nil
}

// ServeHTTP carries out one call of the actor in its context.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	actor, ok := r.Context().Value(actorKey{}).(Actor)
	if !ok || actor.Err != nil || len(actor.Roles) == 0 {
		d.turnAway(w, r, actor, "")
		return
	}
	d.mux.ServeHTTP(w, r)
}

// turnAway refuses an actor and leaves a record of it.
func (d *Door) turnAway(w http.ResponseWriter, r *http.Request, actor Actor, action string) {
	if actor.Name == "" {
		actor.Name = "nobody"
	}
	rec := d.record(actor, firstOf(action, r.Method+" "+r.URL.Path))
	rec.Outcome = "deny"
	rec.Reasons = []string{"role-missing"}
	if actor.Err != nil {
		rec.Detail = actor.Err.Error()
	}
	known := actor.Err == nil && len(actor.Roles) > 0
	if !known {
		// Who may do nothing is nobody in particular, and may come often.
		rec.Action = "call"
	}
	if known {
		if err := d.durable(r.Context(), rec); err != nil {
			d.log.Error("a refusal has no record", "error", err)
		}
	}
	if known || d.strangers.Refused(rec) {
		d.log.Warn("admin call refused", "action", rec.Action, "actor", actor.Name, "error", actor.Err)
	}
	message := "you may not do this"
	if len(actor.Roles) == 0 {
		message = "you may not operate this gateway"
	}
	reply(w, http.StatusForbidden, failure{Error: message, Mend: actor.Mend})
}

// handler is the one way to act: authorise, record, act, record, answer.
func (d *Door) handler(op operation) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		actor, _ := r.Context().Value(actorKey{}).(Actor)
		if !slices.Contains(actor.Roles, op.role) && (op.or == "" || !slices.Contains(actor.Roles, op.or)) {
			actor.Mend = "it needs the role " + op.roles() + ", which admin.roles of cloister.yaml gives"
			d.turnAway(w, r, actor, op.action)
			return
		}
		c := &call{actor: actor, request: r, target: r.PathValue("name")}
		// A call that has begun is carried out, whoever hangs up.
		ctx := context.WithoutCancel(r.Context())
		if op.prepare != nil {
			if err := op.prepare(c); err != nil {
				d.outcome(ctx, op, c, err)
				d.answer(w, op, c, nil, err)
				return
			}
		}
		if op.changes {
			rec := d.record(actor, op.action)
			rec.Phase, rec.Target = "begin", op.target(c)
			if err := d.durable(ctx, rec); err != nil {
				d.answer(w, op, c, nil, err)
				return
			}
		}
		result, err := op.run(ctx, d, c)
		if s, ok := result.(stream); ok && err == nil {
			d.stream(ctx, w, op, c, s)
			return
		}
		if recErr := d.outcome(ctx, op, c, err); recErr != nil && err == nil && !op.always {
			err = recErr
		}
		d.answer(w, op, c, result, err)
	})
}

// record begins a record of an actor's act.
func (d *Door) record(a Actor, action string) *audit.Record {
	rec := &audit.Record{Time: d.now(), Kind: "admin", Action: action, Actor: a.Name, Client: a.Client}
	if d.SiteDigest != nil {
		rec.Site = d.SiteDigest()
	}
	return rec
}

// target is what an act is done to, as records name it.
func (op operation) target(c *call) string {
	if c.target == "" {
		return ""
	}
	kind, _, _ := strings.Cut(op.action, ".")
	return kind + ":" + c.target
}

// durable writes a record and waits until it is on disk.
func (d *Door) durable(ctx context.Context, rec *audit.Record) error {
	p := d.audit.Append(rec)
	d.audit.Flush(p)
	if err := d.audit.Wait(ctx, p); err != nil {
		return &Error{
			Status: http.StatusServiceUnavailable, Err: err,
			Message: "the audit log cannot be written, and nothing is done without a record: " + err.Error(),
		}
	}
	return nil
}

// outcome leaves the record of how a call ended. That of an act is durable
// before the answer.
func (d *Door) outcome(ctx context.Context, op operation, c *call, err error) error {
	rec := d.record(c.actor, op.action)
	rec.Target, rec.Outcome = op.target(c), "done"
	rec.Before, rec.After = marshal(c.before), marshal(c.after)
	if err != nil {
		// The target stands in a member of its own, where it may be hidden.
		rec.Outcome, rec.Detail = "failed", c.withoutTarget(err)
	}
	if !op.changes {
		if d.reads.first(rec) {
			d.audit.Append(rec)
		}
		return nil
	}
	rec.Phase = rec.Outcome
	if err := d.durable(ctx, rec); err != nil {
		d.log.Error("an act has no record of its end", "action", op.action, "actor", c.actor.Name, "target", c.target, "error", err)
		var e *Error
		if errors.As(err, &e) {
			e.Message = "it is done, and the record of its end cannot be written: " + e.Message
		}
		return err
	}
	return nil
}

// withoutTarget is an error's message without its target's name.
func (c *call) withoutTarget(err error) string {
	text := err.Error()
	var e *Error
	if errors.As(err, &e) {
		text = e.Message
	}
	if c.target == "" {
		return text
	}
	return strings.ReplaceAll(text, strconv.Quote(c.target), "of that name")
}

func marshal(v any) json.RawMessage {
	if v == nil {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage(fmt.Sprintf("%q", err.Error()))
	}
	return b
}

// answer sends a result, or why there is none.
func (d *Door) answer(w http.ResponseWriter, op operation, c *call, result any, err error) {
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			e = &Error{Status: http.StatusInternalServerError, Message: err.Error(), Err: err}
		}
		d.log.Error("admin call failed", "action", op.action, "actor", c.actor.Name, "target", c.target, "error", err)
		reply(w, e.Status, failure{Error: e.Message, Mend: e.Mend})
		return
	}
	d.log.Info("admin call", "action", op.action, "actor", c.actor.Name, "target", c.target)
	reply(w, http.StatusOK, result)
}

// stream sends bytes. One that fails on the way is broken off, so that nobody
// takes it for whole.
func (d *Door) stream(ctx context.Context, w http.ResponseWriter, op operation, c *call, s stream) {
	w.Header().Set("Content-Type", "application/octet-stream")
	out := &patientWriter{to: w, control: http.NewResponseController(w)}
	err := s(ctx, out)
	if err != nil && !out.begun {
		w.Header().Del("Content-Type")
		d.outcome(ctx, op, c, err)
		d.answer(w, op, c, nil, err)
		return
	}
	if recErr := d.outcome(ctx, op, c, err); err == nil {
		err = recErr
	}
	if err != nil {
		d.log.Error("admin call failed", "action", op.action, "actor", c.actor.Name, "error", err)
		panic(http.ErrAbortHandler)
	}
	d.log.Info("admin call", "action", op.action, "actor", c.actor.Name)
}

// streamStall is how long a client may take for one piece of a stream.
const streamStall = 30 * time.Second

// patientWriter gives every write a time of its own.
type patientWriter struct {
	to      io.Writer
	control *http.ResponseController
	begun   bool
}

func (w *patientWriter) Write(p []byte) (int, error) {
	// In this process there is no connection, and nothing to time.
	if err := w.control.SetWriteDeadline(time.Now().Add(streamStall)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	w.begun = true
	return w.to.Write(p)
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// The caller went away: nobody is left to tell.
	_ = json.NewEncoder(w).Encode(v)
}

func firstOf(s, or string) string {
	if s != "" {
		return s
	}
	return or
}

// actorKey leads from a request to who asks. A context value is the one way
// that net/http offers.
type actorKey struct{}

// WithActor says who asks.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// Actor is who asks.
type Actor struct {
	// Name stands in the audit log: "os:UID:NAME", "token:ISSUER:ID",
	// "certificate:SHA256".
	Name string
	// Roles are site's; empty: nobody who may do anything.
	Roles []string
	// Client is the address it asks from; zero: this machine.
	Client netip.Addr
	// Err is why it is not known; nil: it is.
	Err error
	// Mend says what to do; may be empty.
	Mend string
}

// AllRoles are the roles of who owns the gateway.
func AllRoles() []string {
	return []string{site.RoleReader, site.RoleOperator, site.RoleApprover, site.RoleAuditor}
}
