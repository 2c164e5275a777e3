package policy

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/secret"
)

// Trace is what became of one request and what policies did with it, in the form of
// API Management's traces. Secrets are masked in it; prompts and completions may
// stand in it.
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
	// Dropped is how many entries, or parts of them, there was no room for.
	Dropped int `json:"dropped,omitempty"`
}

// TraceEntry is one policy, or one step of the gateway.
type TraceEntry struct {
	// Source is the policy's name; of the gateway's steps api-inspector or
	// transfer-response.
	Source    string    `json:"source"`
	Timestamp time.Time `json:"timestamp"`
	// Elapsed is how long after the request was received it began, as .NET writes
	// a TimeSpan.
	Elapsed string    `json:"elapsed"`
	Data    TraceData `json:"data"`
}

// TraceData is what is known of an entry.
type TraceData struct {
	// Message is what a step of the gateway tells of itself.
	Message string `json:"message,omitempty"`
	// Duration is how long a policy took, those in it included.
	Duration string `json:"duration,omitempty"`
	Scope    string `json:"scope,omitempty"`
	Path     string `json:"path,omitempty"`
	// At is FILE:LINE:COLUMN.
	At string `json:"at,omitempty"`
	// Depth is in how many other policies it ran.
	Depth    int         `json:"depth,omitempty"`
	Messages []TraceSaid `json:"messages,omitempty"`
	Error    *TraceError `json:"error,omitempty"`
	// Request is what the caller sent, or what was sent to the backend, and Response
	// what the backend answered, or what the caller got.
	Request       *TraceRequest       `json:"request,omitempty"`
	Response      *TraceResponse      `json:"response,omitempty"`
	Configuration *TraceConfiguration `json:"configuration,omitempty"`
	// Backend is who answered, of a pool the member.
	Backend string `json:"backend,omitempty"`
}

// TraceSaid is what a policy tells of its work.
type TraceSaid struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// TraceError is how a policy failed, or why the caller was refused.
type TraceError struct {
	Source  string `json:"source"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// TraceRequest is the head of a request. Its URL has no query.
type TraceRequest struct {
	Method  string        `json:"method"`
	URL     string        `json:"url"`
	Headers []TraceHeader `json:"headers"`
}

// TraceResponse is the head of an answer.
type TraceResponse struct {
	Status  TraceStatus   `json:"status"`
	Headers []TraceHeader `json:"headers"`
}

// TraceStatus is that of an answer.
type TraceStatus struct {
	Code   int    `json:"code"`
	Reason string `json:"reason"`
}

// TraceHeader is one line of a head.
type TraceHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// TraceConfiguration is what the request was found to be for.
type TraceConfiguration struct {
	API       TraceAPI       `json:"api"`
	Operation TraceOperation `json:"operation"`
	// Product is "-" where there is none.
	Product string `json:"product"`
}

// TraceAPI is an API of the site.
type TraceAPI struct {
	ID string `json:"id"`
	// From is the path that callers use.
	From     string `json:"from"`
	Version  string `json:"version,omitempty"`
	Revision string `json:"revision"`
}

// TraceOperation is an operation of it.
type TraceOperation struct {
	ID          string `json:"id"`
	Method      string `json:"method"`
	URITemplate string `json:"uriTemplate"`
}

// Bounds of one trace. What an entry or a line takes beside its texts is counted
// too.
const (
	maxTraceEntries  = 1000
	maxTraceBytes    = 512 << 10
	maxTraceHeaders  = 100
	longestTraceLine = 1 << 10
	traceEntryBytes  = 400
	traceLineBytes   = 64
)

// Recorder is an [Observer] that makes a [Trace]. It belongs to one exchange.
type Recorder struct {
	// trace stands by itself: who keeps it keeps nothing of the exchange.
	trace *Trace
	now   func() time.Time
	x     *Exchange
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

// NewRecorder begins the trace of an exchange whose caller is known: with the request
// as it came, and what it is for.
func NewRecorder(x *Exchange, now func() time.Time) *Recorder {
	r := &Recorder{now: now, x: x, trace: &Trace{
		ID: x.RequestID, Started: x.Started, Method: strings.Clone(x.Request.Method), Entries: map[string][]TraceEntry{},
	}}
	host := ""
	if x.OriginalURL != nil {
		u := *x.OriginalURL
		u.RawQuery, host = "", u.Host
		r.trace.URL = r.line(u.String(), longestShown)
	}
	if x.Subscription != nil {
		r.trace.Subscription = strings.Clone(x.Subscription.ID)
	}
	if data := r.step(inbound.String(), traceInspector); data != nil {
		data.Request = r.request(r.trace.Method, r.trace.URL, host, x.Request.Header)
	}
	if data := r.step(inbound.String(), traceInspector); data != nil {
		c := &TraceConfiguration{Product: "-"}
		if x.API != nil {
			c.API = TraceAPI{x.API.ID, "/" + strings.Trim(x.API.Path, "/"), x.API.Version, x.API.Revision}
		}
		if x.Operation != nil {
			c.Operation = TraceOperation{x.Operation.ID, x.Operation.Method, x.Operation.URLTemplate}
		}
		if x.Product != nil {
			c.Product = x.Product.ID
		}
		data.Configuration = c
	}
	return r
}

// Sources of the gateway's own entries, in API Management's words.
const (
	traceInspector = "api-inspector"
	traceTransfer  = "transfer-response"
)

// step is a new entry of the gateway's own; nil: there is no room for it.
func (r *Recorder) step(section, source string) *TraceData {
	list := r.trace.Entries[section]
	if !r.room(traceEntryBytes) {
		return nil
	}
	now := r.now()
	r.trace.Entries[section] = append(list, TraceEntry{Source: source, Timestamp: now.UTC(), Elapsed: spanText(now.Sub(r.trace.Started))})
	return &r.trace.Entries[section][len(list)].Data
}

// line is a text as a trace keeps it, which holds no body in memory.
func (r *Recorder) line(text string, n int) string { return strings.Clone(r.x.maskedStart(text, n)) }

func (r *Recorder) request(method, url, host string, h http.Header) *TraceRequest {
	out := &TraceRequest{Method: method, URL: url, Headers: []TraceHeader{}}
	if host != "" {
		out.Headers = append(out.Headers, TraceHeader{"Host", r.line(host, longestTraceLine)})
	}
	out.Headers = r.headers(out.Headers, h)
	return out
}

// headers are the lines of a head, as far as there is room. Of credentials only their
// names stand there.
func (r *Recorder) headers(out []TraceHeader, h http.Header) []TraceHeader {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			if r.x.secretHeader(name) {
				value = masked
			} else if strings.Contains(value, "?") { // Location, Referer
				r.x.own.AddURL(value)
			}
			line := TraceHeader{r.line(name, longestTraceLine), r.line(value, longestTraceLine)}
			if len(out) == maxTraceHeaders {
				r.trace.Dropped++
				return out
			}
			if !r.room(len(line.Name) + len(line.Value) + traceLineBytes) {
				return out
			}
			out = append(out, line)
		}
	}
	return out
}

// Forwarding notes what is sent to a backend by the policy that runs.
func (r *Recorder) Forwarding(method, url string, h http.Header) {
	if entry := r.innermost(); entry != nil {
		u, _, _ := strings.Cut(url, "?")
		u = r.line(u, longestShown)
		if r.room(len(u) + traceLineBytes) {
			entry.Data.Request = r.request(strings.Clone(method), u, "", h)
		}
	}
}

// Answered notes what the backend answered.
func (r *Recorder) Answered(backend string, resp *Response) {
	if entry := r.innermost(); entry != nil && r.room(traceLineBytes) {
		entry.Data.Backend, entry.Data.Response = backend, r.response(resp.StatusCode, resp.Reason, resp.Header)
	}
}

func (r *Recorder) response(code int, reason string, h http.Header) *TraceResponse {
	return &TraceResponse{
		Status:  TraceStatus{code, r.line(cmp.Or(reason, http.StatusText(code)), longestTraceLine)},
		Headers: r.headers([]TraceHeader{}, h),
	}
}

// innermost is the entry of the policy that runs; nil: it has none.
func (r *Recorder) innermost() *TraceEntry {
	if len(r.open) == 0 {
		return nil
	}
	o := r.open[len(r.open)-1]
	if o.at < 0 {
		return nil
	}
	return &r.trace.Entries[o.section][o.at]
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
	} else if r.room(len(at.Policy) + len(at.Path) + len(at.Pos.File) + traceEntryBytes) {
		o.at = len(list)
		r.trace.Entries[at.Section] = append(list, TraceEntry{
			Source: at.Policy, Timestamp: now.UTC(), Elapsed: spanText(now.Sub(r.trace.Started)),
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
	data := &r.trace.Entries[o.section][o.at].Data
	data.Duration = spanText(r.now().Sub(o.began))
	data.Error = r.failure(e)
}

// failure is an error as a trace keeps it.
func (r *Recorder) failure(e *Error) *TraceError {
	if e == nil {
		return nil
	}
	out := &TraceError{e.Source, e.Reason, r.line(e.Message, longestShown)}
	if !r.room(len(out.Message) + len(out.Reason) + traceLineBytes) {
		return nil
	}
	return out
}

// Say adds to the entry of the policy at a place.
func (r *Recorder) Say(at Place, name, value string) {
	i := r.find(at)
	if i < 0 || r.open[i].at < 0 || !r.room(len(name)+len(value)+traceLineBytes) {
		return
	}
	data := &r.trace.Entries[r.open[i].section][r.open[i].at].Data
	data.Messages = append(data.Messages, TraceSaid{name, value})
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

// Finish is the trace of an exchange that has ended: with what the caller got, or why
// it did not; cut says who ended the answer early. Credentials that were known only
// later are masked in what was noted before.
func (r *Recorder) Finish(status int, h http.Header, failure *Error, cut string) *Trace {
	if data := r.step(outbound.String(), traceTransfer); data != nil {
		data.Message = "Response has been sent to the caller in full"
		if cut != "" {
			data.Message = "The response has not been sent in full: " + cut
		}
		data.Response, data.Error = r.response(status, "", h), r.failure(failure)
	}
	r.trace.Status = status
	r.trace.Elapsed = spanText(r.now().Sub(r.trace.Started))
	r.again(&r.trace.URL)
	for _, list := range r.trace.Entries {
		for i := range list {
			r.maskData(&list[i].Data)
		}
	}
	return r.trace
}

func (r *Recorder) maskData(d *TraceData) {
	for i := range d.Messages {
		r.again(&d.Messages[i].Name)
		r.again(&d.Messages[i].Value)
	}
	if d.Error != nil {
		r.again(&d.Error.Message)
	}
	if d.Request != nil {
		r.again(&d.Request.URL)
		r.maskHeaders(d.Request.Headers)
	}
	if d.Response != nil {
		r.again(&d.Response.Status.Reason)
		r.maskHeaders(d.Response.Headers)
	}
}

func (r *Recorder) maskHeaders(list []TraceHeader) {
	for i := range list {
		r.again(&list[i].Name)
		r.again(&list[i].Value)
	}
}

// again masks a text by what is known now.
func (r *Recorder) again(text *string) {
	if start, cut := strings.CutSuffix(*text, cutSign); cut {
		*text = secret.MaskStart(start, r.x.maskers()...) + cutSign
		return
	}
	*text = r.x.Masked(*text)
}

// Size is about how many bytes the trace takes.
func (r *Recorder) Size() int { return r.bytes + 1024 }

// spanText is a TimeSpan of .NET: hh:mm:ss.fffffff.
func spanText(d time.Duration) string {
	d = max(0, d)
	return fmt.Sprintf("%02d:%02d:%02d.%07d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60, (d%time.Second)/100)
}
