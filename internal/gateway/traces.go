package gateway

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloister-ai/cloister/internal/policy"
)

// traceHeader is how a caller asks for a trace, traceIDHeader how the answer names
// it. debugHeader is how callers of API Management ask today: its token is for
// Azure's gateway, means nothing here and goes no further.
const (
	traceHeader   = "Ocp-Apim-Trace"
	traceIDHeader = "Ocp-Apim-Trace-Id"
	debugHeader   = "Apim-Debug-Authorization"
)

// Bounds of the traces that are kept, and of those under way.
const (
	maxTracing    = 50
	maxTraces     = 200
	maxTraceBytes = 8 << 20
	keptTrace     = 10 * time.Minute
)

// Traces are the latest traces, in memory. The zero value is ready.
type Traces struct {
	mu    sync.Mutex // guards the others
	list  []keptOne
	bytes int
	// under is how many are under way.
	under int
}

// begin reports whether one more request may be traced now; then end has to follow.
func (k *Traces) begin() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.under >= maxTracing {
		return false
	}
	k.under++
	return true
}

func (k *Traces) end() {
	k.mu.Lock()
	k.under--
	k.mu.Unlock()
}

type keptOne struct {
	trace *policy.Trace
	size  int
	until time.Time
}

// UnderWay is how many requests are being traced.
func (k *Traces) UnderWay() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.under
}

// add keeps a trace; the oldest make room for it.
func (k *Traces) add(t *policy.Trace, size int, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list, k.bytes = append(k.list, keptOne{t, size, now.Add(keptTrace)}), k.bytes+size
	k.drop(now)
}

// drop lets go of what is old or too much.
func (k *Traces) drop(now time.Time) {
	for len(k.list) > 0 && (len(k.list) > maxTraces || k.bytes > maxTraceBytes || now.After(k.list[0].until)) {
		k.bytes -= k.list[0].size
		k.list[0] = keptOne{}
		k.list = k.list[1:]
	}
}

// Get is the trace of a request, nil where there is none.
func (k *Traces) Get(id string, now time.Time) *policy.Trace {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop(now)
	for _, t := range k.list {
		if strings.EqualFold(t.trace.ID, id) {
			return t.trace
		}
	}
	return nil
}

// List are all traces, the latest first.
func (k *Traces) List(now time.Time) []*policy.Trace {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop(now)
	out := make([]*policy.Trace, 0, len(k.list))
	for _, t := range k.list {
		out = append(out, t.trace)
	}
	slices.Reverse(out)
	return out
}

// Traces are those of the latest requests that asked for one.
func (g *Gateway) Traces() *Traces { return &g.traces }

// askTrace begins a trace, where the caller asks for one and the site lets it, and not
// too many are under way. The header is for the gateway: backends do not get it.
func (t *trip) askTrace() {
	asked := t.r.Header[traceHeader]
	delete(t.r.Header, debugHeader)
	if asked == nil {
		return
	}
	delete(t.r.Header, traceHeader)
	if len(asked) != 1 || !strings.EqualFold(strings.TrimSpace(asked[0]), "true") || t.x.Subscription == nil {
		return
	}
	if !slices.ContainsFunc(t.s.Site.Config.Policies.Trace, func(name string) bool { return strings.EqualFold(name, t.x.Subscription.ID) }) {
		return
	}
	if !t.g.traces.begin() {
		t.x.Note("not traced: as many requests are traced as can be at a time")
		return
	}
	t.tracer = policy.NewRecorder(&t.x, t.g.opt.Now)
	t.x.Observer = t.tracer
}

// traceForward notes in the trace what is sent to a backend; of a pool, whose members
// have addresses of their own, only its id is known yet.
func (t *trip) traceForward(d *departure) {
	if t.tracer == nil {
		return
	}
	to := d.backend.ID()
	if u := d.backend.URL(); u != nil {
		to = u.Scheme + "://" + u.Host + d.backend.BasePaths()[0]
	}
	t.tracer.Forwarding(t.x.Request.Method, to+t.x.Request.Path, d.header)
}

// traceAnswer notes what the backend has answered.
func (t *trip) traceAnswer() {
	if t.tracer != nil {
		t.tracer.Answered(cmp.Or(t.attempt.used.Backend, t.attempt.backend.ID()), t.x.Response)
	}
}

// keepTrace keeps the trace of a request that has ended.
func (t *trip) keepTrace() {
	if t.tracer == nil {
		return
	}
	trace := t.tracer.Finish(t.rec.Status, t.w.Header(), t.failure, t.cut)
	t.g.traces.add(trace, t.tracer.Size(), t.g.opt.Now())
}
