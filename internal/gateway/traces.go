package gateway

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloister-ai/cloister/internal/policy"
)

// traceHeader is how a caller asks for a trace, traceIDHeader how the answer names
// it.
const (
	traceHeader   = "Ocp-Apim-Trace"
	traceIDHeader = "Ocp-Apim-Trace-Id"
)

// Bounds of the traces that are kept.
const (
	maxTraces     = 200
	maxTraceBytes = 8 << 20
	keptTrace     = 10 * time.Minute
)

// Traces are the latest traces, in memory. The zero value is ready.
type Traces struct {
	mu    sync.Mutex // guards the others
	list  []keptOne
	bytes int
}

type keptOne struct {
	trace *policy.Trace
	size  int
	until time.Time
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

// askTrace begins a trace, where the caller asks for one and the site lets it. The
// header is for the gateway: backends do not get it.
func (t *trip) askTrace() {
	asked := t.r.Header[traceHeader]
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
	t.tracer = policy.NewRecorder(&t.x, t.g.opt.Now)
	t.x.Observer = t.tracer
}

// keepTrace keeps the trace of a request that has ended.
func (t *trip) keepTrace(status int) {
	if t.tracer != nil {
		t.g.traces.add(t.tracer.Finish(status), t.tracer.Size(), t.g.opt.Now())
	}
}
