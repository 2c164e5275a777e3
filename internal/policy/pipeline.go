package policy

import (
	"context"
	"net/http"

	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// Pipeline is what requests of one operation run through. It is immutable.
type Pipeline struct {
	steps [sections][]step
	// cors are the cors policies of inbound, in order, and corsAt their places.
	cors    []*cors
	corsAt  []*place
	targets []TargetUse
	calls   []CallUse
	loggers []LoggerUse
	// behind is what of outbound stands behind the policy that keeps answers, for
	// answers that come out of a cache.
	behind [stores][]step
	// secrets are the secret named values of the site.
	secrets *secret.Masker
	// contract is what policies hold messages against; nil: none asks for it.
	contract *contract
}

// TargetUse is a place where a document names a backend.
type TargetUse struct {
	Target
	Pos site.Pos
}

// step is a statement with its place.
type step struct {
	statement
	at *place
	// connects: it opens connections, which a refusal of the frame does not
	// allow.
	connects bool
}

// place is where a statement stands, in the words of context.LastError.
type place struct {
	policy  string
	scope   scope
	section section
	path    string
	id      string
	pos     site.Pos
}

// statement is one compiled policy. It is immutable.
type statement interface {
	// do acts on the exchange. An error has at least a reason and a message;
	// the pipeline adds the source, where there is none, and the place.
	do(ctx context.Context, x *Exchange) (flow, *Error)
}

// flow says how a pipeline goes on.
type flow uint8

const (
	// next: with the next statement.
	next flow = iota
	// stop: the exchange's response is the answer; no section follows.
	stop
	// found: the exchange's response comes out of a cache. Outbound goes on behind
	// the policy that would have kept it, as [Exchange.kept] says.
	found
)

// HasCORS reports whether the pipeline answers CORS preflights.
func (p *Pipeline) HasCORS() bool { return p != nil && len(p.cors) > 0 }

// Targets are the backends that set-backend-service names, each with its place.
func (p *Pipeline) Targets() []TargetUse { return p.targets }

// Calls are the URLs that policies call and documents hold.
func (p *Pipeline) Calls() []CallUse { return p.calls }

// Loggers are the loggers that log-to-eventhub names, each with its place.
func (p *Pipeline) Loggers() []LoggerUse { return p.loggers }

// Run takes a request through inbound, backend and outbound, and an error
// through on-error. Afterwards x.Response is the answer, never nil, and
// x.LastError is the error, if there was one. A panic of a statement is an
// error like any other; only [http.ErrAbortHandler] goes on.
func (p *Pipeline) Run(ctx context.Context, x *Exchange) {
	x.secrets = p.secrets
	x.contract = p.contract
	if e := p.forth(ctx, x); e != nil {
		p.back(ctx, x, e, e.Frame)
	}
	x.answeredNow(ctx)
}

// Fail runs on-error for a refusal of the frame and makes x.Response its
// answer. On-error may shape head and body; the status stays an error's, and
// statements that connect are skipped, each with a note.
func (p *Pipeline) Fail(ctx context.Context, x *Exchange, e *Error) {
	x.secrets = p.secrets
	x.contract = p.contract
	p.back(ctx, x, e, true)
}

// forth runs the sections before on-error.
func (p *Pipeline) forth(ctx context.Context, x *Exchange) (e *Error) {
	defer recoverStep(x, &e)
	cached := false
	for s := inbound; s < onError; s++ {
		if s == outbound {
			if x.Response == nil {
				x.answer(&Response{StatusCode: http.StatusOK})
			}
			if e := x.lookedAt(ctx); e != nil {
				return e
			}
		}
		steps := p.steps[s]
		if s == outbound && cached {
			steps = p.behind[x.kept]
		}
		f, e := run(ctx, x, steps)
		if e != nil {
			return e
		}
		if f == stop {
			break
		}
		if cached = f == found; cached {
			s = backend // outbound is next
		}
	}
	if x.Response == nil {
		x.answer(&Response{StatusCode: http.StatusOK})
	}
	return nil
}

// mostRun is how many policies one request runs: retry in retry in retry would run
// for as long as the request's time lasts.
const mostRun = 100_000

// run runs statements in order. Where the request was refused, those that
// connect are skipped.
func run(ctx context.Context, x *Exchange, steps []step) (flow, *Error) {
	for i := range steps {
		s := &steps[i]
		if x.ran++; x.ran > mostRun {
			return stop, &Error{
				Reason: "TooManyPolicies", Status: http.StatusInternalServerError,
				Message: "The request runs more policies than one may: retry stands in retry.",
			}
		}
		if x.turn != nil && ctx.Err() != nil {
			return stop, x.interrupted(context.Cause(ctx))
		}
		if x.limited && s.connects {
			x.Note("skipped " + s.at.String() + ": it connects, and the request was refused")
			continue
		}
		x.at = s.at
		if x.Observer != nil {
			x.Observer.Begin(s.at.public())
		}
		f, e := s.do(ctx, x)
		if e != nil {
			e.place(s.at)
		}
		if x.Observer != nil {
			x.at = s.at
			x.Observer.End(s.at.public(), e)
		}
		switch {
		case e != nil:
			return stop, e
		case f != next:
			return f, nil
		}
	}
	return next, nil
}

// answer makes resp the exchange's response, lets go of the one before, and
// gives it what cors has promised.
func (x *Exchange) answer(resp *Response) {
	x.dropResponse()
	if resp.Header == nil {
		resp.Header = http.Header{}
	}
	x.Response = resp
	x.allowOrigin()
	x.keepPromises()
}

// dropResponse lets go of the response, if there is one.
func (x *Exchange) dropResponse() {
	if x.Response != nil {
		x.Response.dropBody()
		x.Response = nil
	}
}

// dropBody lets go of the body.
func (r *Response) dropBody() {
	if r.Body != nil && r.Body.Stream != nil && !r.shared {
		r.Body.Stream.Close()
	}
	r.Body = nil
}

// String is "set-header at apim/policy.xml:7:5", and "forward-request" for one
// that no document holds.
func (p *place) String() string {
	if p.pos.IsZero() {
		return p.policy
	}
	return p.policy + " at " + p.pos.String()
}
