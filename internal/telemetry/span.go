package telemetry

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Span is one span that has begun. A nil *Span is one of tracing that is off:
// its methods do nothing.
type Span struct {
	span    trace.Span
	backend bool
}

// StartRequest begins the span of a request, at the time at. Head is the
// caller's; only traceparent and tracestate are read from it. The span ends
// with [Span.End].
func (t *Tracing) StartRequest(ctx context.Context, head http.Header, at time.Time) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	opts := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(at),
	}
	remote := trace.SpanContextFromContext(
		t.propagator.Extract(context.Background(), propagation.HeaderCarrier(head)))
	switch {
	case !remote.IsValid():
	case t.acceptParent:
		ctx = trace.ContextWithRemoteSpanContext(ctx, remote)
	default:
		opts = append(opts, trace.WithLinks(trace.Link{SpanContext: remote}))
	}
	ctx, span := t.tracer.Start(ctx, "request", opts...)
	return ctx, &Span{span: span}
}

// StartBackend begins the span of one attempt at a backend, below the span in
// ctx, and writes its traceparent into head, the outgoing one. What the caller
// sent there is replaced: a caller's trace goes on only as the parent of ours.
func (t *Tracing) StartBackend(ctx context.Context, head http.Header, at time.Time) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	ctx, span := t.tracer.Start(ctx, "backend",
		trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(at))
	head.Del("Traceparent")
	head.Del("Tracestate")
	t.propagator.Inject(ctx, propagation.HeaderCarrier(head))
	return ctx, &Span{span: span, backend: true}
}

// Mark writes the span's ids into the record.
func (s *Span) Mark(r *Record) {
	if s == nil {
		return
	}
	if sc := s.span.SpanContext(); sc.IsSampled() {
		r.TraceID, r.SpanID = sc.TraceID().String(), sc.SpanID().String()
	}
}

// End describes the span with what the record says by now, and ends it at the
// time at. failure is the error.type of an attempt that got no answer, such as
// "refused_by_egress" or "timeout"; empty where the record's status tells.
func (s *Span) End(r *Record, failure string, at time.Time) {
	if s == nil {
		return
	}
	if s.span.IsRecording() {
		if s.backend {
			s.describeBackend(r, failure)
		} else {
			s.describeRequest(r, failure)
		}
	}
	s.span.End(trace.WithTimestamp(at))
}

// Message notes that a policy said something, at the time at; what it said stands
// in the log.
func (s *Span) Message(source, severity string, at time.Time) {
	if s == nil || !s.span.IsRecording() {
		return
	}
	s.span.AddEvent("policy message", trace.WithTimestamp(at), trace.WithAttributes(
		attribute.String("cloister.source", source), attribute.String("cloister.severity", severity)))
}

// attributes drops what is empty.
type attributes []attribute.KeyValue

func (a *attributes) str(k, v string) {
	if v != "" {
		*a = append(*a, attribute.String(k, v))
	}
}

func (a *attributes) int(k string, v int) {
	if v != 0 {
		*a = append(*a, attribute.Int(k, v))
	}
}

func (s *Span) describeRequest(r *Record, failure string) {
	if r.Operation != "" {
		s.span.SetName(r.Method + " " + r.API + "/" + r.Operation)
	} else {
		s.span.SetName(r.Method)
	}
	var a attributes
	a.str("http.request.method", r.Method)
	a.str("url.scheme", "https")
	a.str("url.path", r.Path)
	a.int("http.response.status_code", r.Status)
	a.str("server.address", r.Host)
	if r.Client.IsValid() {
		a.str("client.address", r.Client.String())
	}
	a.str("cloister.request_id", r.RequestID)
	a.str("cloister.api", r.API)
	a.str("cloister.operation", r.Operation)
	a.str("cloister.subscription", r.Subscription)
	a.str("cloister.decision", string(r.Decision))
	if r.Decision == Deny {
		a.str("cloister.reason", r.decidingReason())
	}
	// A server's span is an error only where the server failed.
	if failure == "" && (r.Status >= 500 || r.Cut != "") {
		failure = r.errorType()
	}
	s.finish(a, failure)
}

func (s *Span) describeBackend(r *Record, failure string) {
	var a attributes
	a.str("cloister.backend", r.Backend)
	a.str("cloister.endpoint", r.BackendEndpoint)
	if r.BackendAddress.IsValid() {
		a.str("network.peer.address", r.BackendAddress.Addr().String())
		a.int("network.peer.port", int(r.BackendAddress.Port()))
	}
	a.int("http.response.status_code", r.BackendStatus)
	a.str("http.request.method", r.Method)
	if r.GenAIOperation != "" {
		s.describeModel(r, &a)
	} else {
		s.span.SetName(r.Method)
	}
	if failure == "" && (r.BackendStatus >= 400 || r.Cut != "") {
		failure = r.errorType()
	}
	s.finish(a, failure)
}

func (s *Span) describeModel(r *Record, a *attributes) {
	name := r.GenAIOperation
	if model := r.model(); model != "" {
		name += " " + model
		a.str("gen_ai.request.model", model)
	}
	s.span.SetName(name)
	a.str("gen_ai.operation.name", r.GenAIOperation)
	a.str("gen_ai.provider.name", Provider)
	if r.Streamed {
		*a = append(*a, attribute.Bool("gen_ai.request.stream", true))
		if r.TimeToFirstByte > 0 {
			*a = append(*a, attribute.Float64("gen_ai.response.time_to_first_chunk", r.TimeToFirstByte.Seconds()))
		}
	}
	if r.Tokens.Known && !r.Tokens.Estimated {
		*a = append(*a, attribute.Int("gen_ai.usage.input_tokens", r.Tokens.Prompt),
			attribute.Int("gen_ai.usage.output_tokens", r.Tokens.Completion))
	}
}

func (s *Span) finish(a attributes, failure string) {
	if failure != "" {
		a.str("error.type", failure)
		s.span.SetStatus(codes.Error, "")
	}
	s.span.SetAttributes(a...)
}
