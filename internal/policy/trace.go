package policy

import (
	"fmt"
	"time"
)

// Trace is what policies did with one request, in the form of API Management's
// traces. Secrets are masked in it; prompts and completions may stand in it.
type Trace struct {
	// ID is the request's id.
	ID      string    `json:"traceId"`
	Started time.Time `json:"started"`
	Method  string    `json:"method"`
	// URL is what the caller asked for, without its query.
	URL          string `json:"url"`
	Subscription string `json:"subscription,omitempty"`
	Status       int    `json:"statusCode"`
	Elapsed      string `json:"elapsed"`
	// Entries are by section: inbound, backend, outbound, on-error.
	Entries map[string][]TraceEntry `json:"traceEntries"`
	// Dropped is how many entries there was no room for.
	Dropped int `json:"dropped,omitempty"`
}

// TraceEntry is one policy.
type TraceEntry struct {
	// Source is the policy's name.
	Source    string    `json:"source"`
	Timestamp time.Time `json:"timestamp"`
	// Elapsed is how long the policy took, as .NET writes a TimeSpan.
	Elapsed string    `json:"elapsed"`
	Data    TraceData `json:"data"`
}

// TraceData is what is known of a policy that ran.
type TraceData struct {
	Scope string `json:"scope,omitempty"`
	Path  string `json:"path,omitempty"`
	// At is FILE:LINE:COLUMN.
	At string `json:"at,omitempty"`
	// Depth is in how many other policies it ran.
	Depth    int         `json:"depth,omitempty"`
	Messages []TraceSaid `json:"messages,omitempty"`
	Error    *TraceError `json:"error,omitempty"`
}

// TraceSaid is what a policy tells of its work.
type TraceSaid struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// TraceError is how a policy failed.
type TraceError struct {
	Source  string `json:"source"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// Bounds of one trace.
const (
	maxTraceEntries = 1000
	maxTraceBytes   = 256 << 10
)

// Recorder is an [Observer] that makes a [Trace]. It belongs to one exchange.
type Recorder struct {
	trace Trace
	now   func() time.Time
	mask  func(string) string
	bytes int
	open  []openEntry
}

// openEntry is a policy under way; at is -1 where there was no room for it.
type openEntry struct {
	place   Place
	section string
	at      int
	began   time.Time
}

// NewRecorder begins the trace of an exchange whose caller is known.
func NewRecorder(x *Exchange, now func() time.Time) *Recorder {
	r := &Recorder{now: now, mask: x.Masked, trace: Trace{ID: x.RequestID, Started: x.Started, Method: x.Request.Method, Entries: map[string][]TraceEntry{}}}
	if x.OriginalURL != nil {
		u := *x.OriginalURL
		u.RawQuery = ""
		r.trace.URL = x.Masked(u.String())
	}
	if x.Subscription != nil {
		r.trace.Subscription = x.Subscription.ID
	}
	return r
}

// room takes n bytes of what a trace may hold.
func (r *Recorder) room(n int) bool {
	if r.bytes+n > maxTraceBytes {
		r.trace.Dropped++
		return false
	}
	r.bytes += n
	return true
}

// Begin begins an entry.
func (r *Recorder) Begin(at Place) {
	now := r.now()
	o := openEntry{place: at, section: at.Section, at: -1, began: now}
	list := r.trace.Entries[at.Section]
	if len(list) >= maxTraceEntries {
		r.trace.Dropped++
	} else if r.room(len(at.Policy) + len(at.Path) + len(at.Pos.File) + 64) {
		o.at = len(list)
		r.trace.Entries[at.Section] = append(list, TraceEntry{
			Source: at.Policy, Timestamp: now.UTC(),
			Data: TraceData{Scope: at.Scope, Path: at.Path, At: at.Pos.String(), Depth: r.depth(at)},
		})
	}
	r.open = append(r.open, o)
}

// depth is in how many others a policy runs; those beside it in wait are none.
func (r *Recorder) depth(at Place) (n int) {
	for i := range r.open {
		if at.In(r.open[i].place) {
			n++
		}
	}
	return n
}

// End ends the entry of the policy at a place.
func (r *Recorder) End(at Place, e *Error) {
	i := r.find(at)
	if i < 0 {
		return
	}
	o := r.open[i]
	r.open = append(r.open[:i], r.open[i+1:]...)
	if o.at < 0 {
		return
	}
	entry := &r.trace.Entries[o.section][o.at]
	entry.Elapsed = spanText(r.now().Sub(o.began))
	if e != nil && r.room(len(e.Message)+len(e.Reason)) {
		entry.Data.Error = &TraceError{e.Source, e.Reason, r.mask(e.Message)}
	}
}

// Say adds to the entry of the policy at a place.
func (r *Recorder) Say(at Place, name, value string) {
	i := r.find(at)
	if i < 0 || r.open[i].at < 0 || !r.room(len(name)+len(value)) {
		return
	}
	entry := &r.trace.Entries[r.open[i].section][r.open[i].at]
	entry.Data.Messages = append(entry.Data.Messages, TraceSaid{name, value})
}

// find is the innermost policy under way at a place; -1: there is none.
func (r *Recorder) find(at Place) int {
	for i := len(r.open) - 1; i >= 0; i-- {
		if r.open[i].place == at {
			return i
		}
	}
	return -1
}

// Finish is the trace of an exchange that has ended.
func (r *Recorder) Finish(status int) *Trace {
	r.trace.Status = status
	r.trace.Elapsed = spanText(r.now().Sub(r.trace.Started))
	return &r.trace
}

// Size is about how many bytes the trace takes.
func (r *Recorder) Size() int { return r.bytes + 1024 }

// spanText is a TimeSpan of .NET: hh:mm:ss.fffffff.
func spanText(d time.Duration) string {
	d = max(0, d)
	return fmt.Sprintf("%02d:%02d:%02d.%07d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60, (d%time.Second)/100)
}
