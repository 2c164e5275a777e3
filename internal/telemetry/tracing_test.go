package telemetry

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// otlpReceiver is a collector: it keeps the spans that it is sent over HTTP.
type otlpReceiver struct {
	*httptest.Server
	mu       sync.Mutex
	spans    []*tracepb.Span
	resource []*commonpb.KeyValue
	heads    []http.Header
	status   int
}

func newReceiver(t *testing.T) *otlpReceiver {
	t.Helper()
	r := &otlpReceiver{status: http.StatusOK}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := r.receive(req); err != nil {
			t.Errorf("receiving spans: %v", err)
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *otlpReceiver) receive(req *http.Request) error {
	if req.Method != http.MethodPost || req.URL.Path != "/v1/traces" {
		return fmt.Errorf("%s %s", req.Method, req.URL.Path)
	}
	body, err := gzip.NewReader(req.Body)
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	var msg collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(raw, &msg); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heads = append(r.heads, req.Header.Clone())
	for _, rs := range msg.ResourceSpans {
		r.resource = rs.Resource.Attributes
		for _, ss := range rs.ScopeSpans {
			r.spans = append(r.spans, ss.Spans...)
		}
	}
	return nil
}

func (r *otlpReceiver) span(t *testing.T, name string) *tracepb.Span {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.spans, func(s *tracepb.Span) bool { return s.Name == name })
	if i < 0 {
		var names []string
		for _, s := range r.spans {
			names = append(names, s.Name)
		}
		t.Fatalf("no span %q among %q", name, names)
	}
	return r.spans[i]
}

// attrs is the attributes as text.
func attrs(kvs []*commonpb.KeyValue) map[string]string {
	out := map[string]string{}
	for _, kv := range kvs {
		switch v := kv.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			out[kv.Key] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			out[kv.Key] = fmt.Sprint(v.IntValue)
		case *commonpb.AnyValue_BoolValue:
			out[kv.Key] = fmt.Sprint(v.BoolValue)
		case *commonpb.AnyValue_DoubleValue:
			out[kv.Key] = fmt.Sprint(v.DoubleValue)
		}
	}
	return out
}

func startTracing(t *testing.T, r *otlpReceiver, change func(*TracingOptions)) *Tracing {
	t.Helper()
	o := TracingOptions{
		Endpoint: r.URL, Client: r.Client(), SampleRatio: 1,
		Site: "contoso", Build: Build{Version: "1.2.3"},
	}
	if change != nil {
		change(&o)
	}
	tr, err := NewTracing(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func shutdown(t *testing.T, tr *Tracing) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := tr.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

const callerTrace = "4bf92f3577b34da6a3ce929d0e0e4736"

func callerHead() http.Header {
	return http.Header{
		"Traceparent": {"00-" + callerTrace + "-00f067aa0ba902b7-01"},
		"Tracestate":  {"vendor=1"},
	}
}

// traceOne sends one request through a tracer and returns the outgoing head.
func traceOne(tr *Tracing, r *Record) http.Header {
	start := time.Now()
	ctx, req := tr.StartRequest(context.Background(), callerHead(), start)
	out := callerHead()
	_, attempt := tr.StartBackend(ctx, out, start.Add(time.Millisecond))
	attempt.End(r, "", start.Add(2*time.Millisecond))
	req.Mark(r)
	req.End(r, "", start.Add(3*time.Millisecond))
	return out
}

func TestSpansOfOneRequest(t *testing.T) {
	// None of these may move, add to or stop what the site asks for.
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://203.0.113.9:1")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-from=environment")
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	t.Setenv("OTEL_SERVICE_NAME", "environment")
	rec := newReceiver(t)
	tr := startTracing(t, rec, nil)
	r := full()
	r.Cut, r.Tokens = "", Tokens{Known: true, Prompt: 7, Completion: 20, Total: 27}
	out := traceOne(tr, r)
	shutdown(t, tr)

	server := rec.span(t, "POST openai/chat-completions")
	client := rec.span(t, "chat gpt-4o-mini")
	if server.Kind != tracepb.Span_SPAN_KIND_SERVER || client.Kind != tracepb.Span_SPAN_KIND_CLIENT {
		t.Errorf("kinds %v, %v", server.Kind, client.Kind)
	}
	if string(client.ParentSpanId) != string(server.SpanId) || string(client.TraceId) != string(server.TraceId) {
		t.Error("the backend's span is not below the request's")
	}
	traceID := fmt.Sprintf("%x", server.TraceId)
	if traceID == callerTrace || len(server.ParentSpanId) != 0 {
		t.Error("a stranger's traceparent became the parent")
	}
	if len(server.Links) != 1 || fmt.Sprintf("%x", server.Links[0].TraceId) != callerTrace {
		t.Errorf("links %v", server.Links)
	}
	if r.TraceID != traceID || r.SpanID != fmt.Sprintf("%x", server.SpanId) {
		t.Errorf("the record says trace %s span %s", r.TraceID, r.SpanID)
	}
	if got, want := out.Get("Traceparent"), "00-"+traceID+"-"+fmt.Sprintf("%x", client.SpanId)+"-01"; got != want {
		t.Errorf("outgoing traceparent %q, want %q", got, want)
	}
	if got := out.Get("Tracestate"); got != "" {
		t.Errorf("the caller's tracestate went on: %q", got)
	}
	wantAttrs(t, attrs(client.Attributes), map[string]string{
		"gen_ai.operation.name": "chat", "gen_ai.provider.name": "azure.ai.openai",
		"gen_ai.request.model": "gpt-4o-mini", "gen_ai.request.stream": "true",
		"gen_ai.usage.input_tokens": "7", "gen_ai.usage.output_tokens": "20",
		"gen_ai.response.time_to_first_chunk": "0.045", "http.response.status_code": "200",
		"network.peer.address": "fd00::1", "network.peer.port": "443", "cloister.backend": "aoai",
		"error.type": "",
	})
	wantAttrs(t, attrs(server.Attributes), map[string]string{
		"http.request.method": "POST", "url.path": "/openai/v1/chat/completions",
		"http.response.status_code": "200", "cloister.decision": "allow",
		"cloister.subscription": "team-a", "url.query": "", "error.type": "",
	})
	wantAttrs(t, attrs(rec.resource), map[string]string{
		"service.name": "cloister", "service.namespace": "contoso", "service.version": "1.2.3",
	})
	if got := rec.heads[0].Get("X-From"); got != "" {
		t.Errorf("a header of the environment was sent: %q", got)
	}
}

func wantAttrs(t *testing.T, got, want map[string]string) {
	t.Helper()
	for k, v := range want {
		if got[k] != v {
			t.Errorf("attribute %s = %q, want %q", k, got[k], v)
		}
	}
}

// TestMessagesOnSpans: a span says that a policy said something, and from where;
// it has no place for what was said.
func TestMessagesOnSpans(t *testing.T) {
	rec := newReceiver(t)
	tr := startTracing(t, rec, nil)
	now := time.Now()
	_, span := tr.StartRequest(context.Background(), callerHead(), now)
	for range 20 {
		span.Message("orders", "error", now)
	}
	r := full()
	r.Cut = ""
	span.End(r, "", now)
	shutdown(t, tr)
	events := rec.span(t, "POST openai/chat-completions").Events
	if len(events) != 16 {
		t.Errorf("%d events", len(events))
	}
	for _, e := range events {
		if got := attrs(e.Attributes); e.Name != "policy message" || len(got) != 2 || got["cloister.source"] != "orders" || got["cloister.severity"] != "error" {
			t.Errorf("%s %v", e.Name, got)
		}
	}
	var off *Span
	off.Message("a", "error", now)
}

func TestAcceptedParent(t *testing.T) {
	rec := newReceiver(t)
	tr := startTracing(t, rec, func(o *TracingOptions) { o.AcceptParent = true })
	r := full()
	r.Cut = ""
	out := traceOne(tr, r)
	shutdown(t, tr)
	if got := fmt.Sprintf("%x", rec.span(t, "POST openai/chat-completions").TraceId); got != callerTrace {
		t.Errorf("trace %s, want the caller's", got)
	}
	if got := out.Get("Tracestate"); got != "vendor=1" {
		t.Errorf("tracestate %q", got)
	}
}

func TestFailedRequestsAreErrors(t *testing.T) {
	rec := newReceiver(t)
	tr := startTracing(t, rec, nil)
	r := full()
	r.Status, r.BackendStatus, r.Cut = 502, 0, ""
	ctx, req := tr.StartRequest(t.Context(), http.Header{}, time.Now())
	_, attempt := tr.StartBackend(ctx, http.Header{}, time.Now())
	attempt.End(r, "refused_by_egress", time.Now())
	req.End(r, "", time.Now())
	denied := full()
	denied.Decision, denied.Status, denied.Cut, denied.Operation = Deny, 401, "", ""
	_, req = tr.StartRequest(t.Context(), http.Header{}, time.Now())
	req.End(denied, "", time.Now())
	shutdown(t, tr)

	client, server := rec.span(t, "chat gpt-4o-mini"), rec.span(t, "POST openai/chat-completions")
	if client.Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR || attrs(client.Attributes)["error.type"] != "refused_by_egress" {
		t.Errorf("backend's span: %v %v", client.Status, attrs(client.Attributes))
	}
	if server.Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR || attrs(server.Attributes)["error.type"] != "502" {
		t.Errorf("request's span: %v %v", server.Status, attrs(server.Attributes))
	}
	refused := rec.span(t, "POST")
	if refused.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR {
		t.Error("a refusal is an error of the caller, not of the gateway")
	}
	wantAttrs(t, attrs(refused.Attributes), map[string]string{"cloister.reason": "subscription-active", "cloister.decision": "deny"})
}

// No setting of a caller raises the gateway's own ratio.
func TestSampling(t *testing.T) {
	rec := newReceiver(t)
	tr := startTracing(t, rec, func(o *TracingOptions) { o.SampleRatio, o.AcceptParent = 0, true })
	r := full()
	r.TraceID, r.SpanID = "", ""
	traceOne(tr, r)
	shutdown(t, tr)
	if len(rec.spans) != 0 || r.TraceID != "" {
		t.Errorf("%d spans at ratio 0, record says %q", len(rec.spans), r.TraceID)
	}
}

func TestCollectorThatRefuses(t *testing.T) {
	rec := newReceiver(t)
	rec.status = http.StatusBadRequest
	m := NewMetrics(Build{})
	tr := startTracing(t, rec, func(o *TracingOptions) { o.Metrics = m })
	traceOne(tr, full())
	shutdown(t, tr)
	wantMetric(t, m, `cloister_spans_lost_total 2`)
}

func TestTracingThatIsOffCostsNothing(t *testing.T) {
	var tr *Tracing
	ctx, head, r := context.Background(), callerHead(), full()
	now := time.Now()
	allocs := testing.AllocsPerRun(100, func() {
		ctx, s := tr.StartRequest(ctx, head, now)
		_, b := tr.StartBackend(ctx, head, now)
		b.End(r, "", now)
		s.Mark(r)
		s.End(r, "", now)
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	if head.Get("Traceparent") != callerHead().Get("Traceparent") {
		t.Error("the head was changed")
	}
	if err := tr.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}
