package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// TracingOptions configures [NewTracing].
type TracingOptions struct {
	// Endpoint is the http or https URL of an OTLP/HTTP collector; unless
	// it has a path of its own, /v1/traces is added.
	Endpoint string
	// Client carries the spans: the egress dialer's, class "telemetry".
	Client *http.Client
	// SampleRatio is the share of requests that are traced, in [0,1].
	SampleRatio float64
	// AcceptParent makes a caller's traceparent the parent of the request's
	// span. The zero value only links to it: ids of strangers should not
	// decide which trace a span belongs to.
	AcceptParent bool
	// Site and Build describe the gateway to the collector.
	Site  string
	Build Build
	// Log is told, once per outage, that the collector takes no spans.
	Log *slog.Logger
	// Metrics counts lost spans; may be nil.
	Metrics *Metrics
}

// Bounds of what waits for a collector.
const (
	spanQueue     = 4096
	spanBatch     = 512
	batchAfter    = 2 * time.Second
	exportTimeout = 10 * time.Second
)

// Tracing sends spans of requests to a collector. A nil *Tracing is tracing
// that is off: every method may be called on it, does nothing and allocates
// nothing.
type Tracing struct {
	provider     *sdk.TracerProvider
	tracer       trace.Tracer
	propagator   propagation.TraceContext
	acceptParent bool
}

// NewTracing starts a tracer. It does not connect: a collector that is down
// costs spans, not the start. The caller ends it with Shutdown.
//
// Everything is set here on purpose: no OTEL_* variable of the environment
// moves the endpoint, adds a header or changes the sampling of a site.
func NewTracing(ctx context.Context, o TracingOptions) (*Tracing, error) {
	if o.Client == nil {
		return nil, errors.New("starting tracing: no client for the collector")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	exporter, err := otlptracehttp.New(ctx,
		otlptracehttp.WithEndpointURL(tracesURL(o.Endpoint)),
		otlptracehttp.WithHTTPClient(o.Client),
		otlptracehttp.WithHeaders(map[string]string{}),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
		otlptracehttp.WithTimeout(exportTimeout),
		otlptracehttp.WithMaxResponseSize(1<<20),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
			Enabled: true, InitialInterval: time.Second,
			MaxInterval: 5 * time.Second, MaxElapsedTime: 30 * time.Second,
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("starting tracing: %w", err)
	}
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(&watch{Exporter: exporter, log: o.Log, metrics: o.Metrics},
			sdk.WithMaxQueueSize(spanQueue), sdk.WithMaxExportBatchSize(spanBatch),
			sdk.WithBatchTimeout(batchAfter), sdk.WithExportTimeout(exportTimeout)),
		sdk.WithSampler(sampler(o.SampleRatio)),
		sdk.WithRawSpanLimits(spanLimits()),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "cloister"),
			attribute.String("service.namespace", o.Site),
			attribute.String("service.version", o.Build.Version),
		)),
	)
	return &Tracing{
		provider: provider, tracer: provider.Tracer("github.com/cloister-ai/cloister"),
		acceptParent: o.AcceptParent,
	}, nil
}

func tracesURL(endpoint string) string {
	scheme, rest, _ := strings.Cut(endpoint, "://")
	host, path, _ := strings.Cut(rest, "/")
	if path == "" {
		path = "v1/traces"
	}
	return scheme + "://" + host + "/" + path
}

// sampler keeps the gateway's own ratio, whatever flag a remote parent
// carries: a caller may opt out of a trace, never into one.
func sampler(ratio float64) sdk.Sampler {
	own := sdk.TraceIDRatioBased(ratio)
	return sdk.ParentBased(own, sdk.WithRemoteParentSampled(own),
		sdk.WithRemoteParentNotSampled(sdk.NeverSample()))
}

func spanLimits() sdk.SpanLimits {
	return sdk.SpanLimits{
		AttributeValueLengthLimit: maxText, AttributeCountLimit: 64,
		EventCountLimit: 16, LinkCountLimit: 4,
		AttributePerEventCountLimit: 8, AttributePerLinkCountLimit: 8,
	}
}

// Shutdown sends the spans that wait and ends the tracer.
func (t *Tracing) Shutdown(ctx context.Context) error {
	if t == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("ending tracing: %w", err)
	}
	return nil
}

// watch keeps failures of the exporter from the SDK, whose only place for them
// is a handler that is global to the process.
type watch struct {
	*otlptrace.Exporter
	log     *slog.Logger
	metrics *Metrics
	failing atomic.Bool
}

// ExportSpans never fails: it counts and tells instead.
func (w *watch) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := w.Exporter.ExportSpans(ctx, spans)
	if err == nil {
		if w.failing.Swap(false) {
			w.log.Info("the collector takes spans again")
		}
		return nil
	}
	w.metrics.lostSpans(len(spans))
	if !w.failing.Swap(true) {
		w.log.Warn("the collector takes no spans", "error", err)
	}
	return nil
}
