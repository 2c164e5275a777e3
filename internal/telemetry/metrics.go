package telemetry

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Other is the label value under which everything beyond a bound is counted.
const Other = "_OTHER"

// Bounds on label values. APIs and operations come from the site, so their
// bound only matters to a process that reloads many different sites; models,
// hosts and causes can be named by others.
const (
	maxRoutes   = 4096
	maxModels   = 256
	maxHosts    = 256
	maxBackends = 512
	maxCauses   = 128
)

// Metrics are the gateway's Prometheus metrics, in a registry of their own.
// Every method may be called on nil, which counts nothing.
type Metrics struct {
	registry *prometheus.Registry

	requests, bytes             *prometheus.CounterVec
	duration, firstByte         *prometheus.HistogramVec
	backendRequests             *prometheus.CounterVec
	backendDuration             *prometheus.HistogramVec
	refusals, earlyRefusals     *prometheus.CounterVec
	egressUses, egressRefusals  *prometheus.CounterVec
	inFlight                    prometheus.Gauge
	connections                 atomic.Pointer[func() int]
	reloads                     *prometheus.CounterVec
	loaded                      prometheus.Gauge
	certificates                *prometheus.GaugeVec
	records, sinkFailures       prometheus.Counter
	waiting                     prometheus.Gauge
	spansLost                   prometheus.Counter
	background                  *prometheus.CounterVec
	tokens                      *prometheus.HistogramVec
	modelDuration, modelToFirst *prometheus.HistogramVec

	routes   *table[routeKey, *routeMetrics]
	backends *table[string, *backendMetrics]
	models   *table[modelKey, *modelMetrics]
	refused  *table[string, prometheus.Counter]
	early    *table[string, prometheus.Counter]
	uses     *table[egressKey, prometheus.Counter]
	denied   *table[egressKey, prometheus.Counter]

	custom custom
}

// durations are the buckets of the GenAI conventions, in seconds, with one
// below for answers that no backend gave and some above for long streams.
func durations() []float64 {
	return []float64{.0025, .01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 300, 900}
}

// NewMetrics returns a fresh set, with the process's own figures in it.
func NewMetrics(b Build) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.register()
	m.registerModels()
	m.registry.MustRegister(&m.custom)
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	info := m.gaugeVec("build_info", "Constant 1, with what was built.", "version", "commit", "goversion", "fips")
	info.WithLabelValues(b.Version, b.Commit, b.GoVersion, strconv.FormatBool(b.FIPS)).Set(1)

	m.routes = newTable(maxRoutes, routeKey{Other, Other}, m.makeRoute)
	m.backends = newTable(maxBackends, Other, m.makeBackend)
	m.models = newTable(maxModels, modelKey{Other, Other}, m.makeModel)
	counter := func(v *prometheus.CounterVec) func(string) prometheus.Counter {
		return func(label string) prometheus.Counter { return v.WithLabelValues(label) }
	}
	m.refused = newTable(maxCauses, Other, counter(m.refusals))
	m.early = newTable(maxCauses, Other, counter(m.earlyRefusals))
	m.uses = newTable(maxHosts, egressKey{class: Other, host: Other}, func(k egressKey) prometheus.Counter {
		return m.egressUses.WithLabelValues(k.class, k.host)
	})
	m.denied = newTable(maxHosts, egressKey{class: Other, host: Other, code: Other}, func(k egressKey) prometheus.Counter {
		return m.egressRefusals.WithLabelValues(k.class, k.host, k.code)
	})
	return m
}

func (m *Metrics) register() {
	m.requests = m.counterVec("requests_total", "Requests that were routed, by class of the answer's status.", "api", "operation", "code")
	m.bytes = m.counterVec("body_bytes_total", "Bytes of bodies, by direction.", "api", "operation", "direction")
	m.duration = m.histogramVec("request_duration_seconds", "From the head of the request to the last byte of the answer.", "api", "operation")
	m.firstByte = m.histogramVec("time_to_first_byte_seconds", "From the head of the request to the first byte of the answer's body.", "api", "operation")
	m.backendRequests = m.counterVec("backend_requests_total", "Requests that reached a backend, by class of its last answer (none: it gave no answer).", "backend", "code")
	m.backendDuration = m.histogramVec("backend_duration_seconds", "From the first byte sent to the backend to the last byte received.", "backend")
	m.refusals = m.counterVec("refusals_total", "Requests that were refused after route, by the deciding reason.", "reason")
	m.earlyRefusals = m.counterVec("early_refusals_total", "Connections and requests that were refused before route, by cause.", "cause")
	m.egressUses = m.counterVec("egress_connections_total", "Connections that the process opened, by class of destination.", "class", "host")
	m.egressRefusals = m.counterVec("egress_refusals_total", "Connections that the egress dialer refused to open.", "class", "host", "code")
	m.inFlight = m.gauge("requests_in_flight", "Requests whose answer has not ended.")
	m.gaugeFunc("connections_open", "Connections of callers that are open.", m.connectionsOpen)
	m.reloads = m.counterVec("reloads_total", "Loads of the site, by result.", "result")
	m.loaded = m.gauge("site_loaded_timestamp_seconds", "When the site that is being served was loaded.")
	m.certificates = m.gaugeVec("certificate_expiry_timestamp_seconds", "When the certificate of a hostname expires.", "hostname")
	m.records = m.counter("records_written_total", "Lines that the sink of access records has taken.")
	m.sinkFailures = m.counter("record_write_failures_total", "Writes that the sink of access records refused; they are tried again.")
	m.waiting = m.gauge("record_bytes_waiting", "Bytes of access records that wait for the sink.")
	m.spansLost = m.counter("spans_lost_total", "Spans that the collector did not take.")
	m.background = m.counterVec("background_messages_total", "Messages that policies sent without waiting for an answer (call, eventhub), by what became of them (sent, failed, dropped).", "kind", "result")
}

// Handler answers with all metrics in the Prometheus text format. At most four
// scrapes run at a time.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: 4,
		Timeout:             10 * time.Second,
	})
}

// Begin and End bracket one request, for the number in flight.
func (m *Metrics) Begin() {
	if m != nil {
		m.inFlight.Inc()
	}
}

// End is the other half of Begin.
func (m *Metrics) End() {
	if m != nil {
		m.inFlight.Dec()
	}
}

// Watch adds a gauge whose value is asked for at every scrape. A name is
// watched once.
func (m *Metrics) Watch(name, help string, value func() float64) {
	if m != nil {
		m.gaugeFunc(name, help, value)
	}
}

// WatchConnections has the number of callers' connections asked for at every
// scrape, from whoever keeps the books on them.
func (m *Metrics) WatchConnections(open func() int) {
	if m != nil {
		m.connections.Store(&open)
	}
}

func (m *Metrics) connectionsOpen() float64 {
	if open := m.connections.Load(); open != nil {
		return float64((*open)())
	}
	return 0
}

// Reloaded counts one load of the site, at the time at.
func (m *Metrics) Reloaded(accepted bool, at time.Time) {
	if m == nil {
		return
	}
	if !accepted {
		m.reloads.WithLabelValues("refused").Inc()
		return
	}
	m.reloads.WithLabelValues("accepted").Inc()
	m.loaded.Set(seconds(at))
}

// SetCertificates says when the certificate of each hostname expires, and
// forgets hostnames that are not in the map.
func (m *Metrics) SetCertificates(expiry map[string]time.Time) {
	if m == nil {
		return
	}
	m.certificates.Reset()
	for name, at := range expiry {
		m.certificates.WithLabelValues(name).Set(seconds(at))
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1e3 }

// Background counts a message that a policy sent without waiting for an answer.
// Kind is call or eventhub; result is sent, failed or dropped.
func (m *Metrics) Background(kind, result string) {
	if m != nil {
		m.background.WithLabelValues(kind, result).Inc()
	}
}

type egressKey struct{ class, host, code string }

// EgressUsed counts a connection that the egress dialer opened.
func (m *Metrics) EgressUsed(class, host string) {
	if m != nil {
		m.uses.get(egressKey{class: class, host: host}).Inc()
	}
}

// EgressRefused counts a connection that the egress dialer refused, by the
// code of its refusal.
func (m *Metrics) EgressRefused(class, host, code string) {
	if m != nil {
		m.denied.get(egressKey{class, host, code}).Inc()
	}
}

func (m *Metrics) refusedEarly(cause string) {
	if m != nil {
		m.early.get(cause).Inc()
	}
}

func (m *Metrics) lineWaits(bytes int) {
	if m != nil {
		m.waiting.Add(float64(bytes))
	}
}

func (m *Metrics) linesLeft(lines, bytes int) {
	if m != nil {
		m.records.Add(float64(lines))
		m.waiting.Sub(float64(bytes))
	}
}

func (m *Metrics) sinkFailed() {
	if m != nil {
		m.sinkFailures.Inc()
	}
}

func (m *Metrics) lostSpans(n int) {
	if m != nil {
		m.spansLost.Add(float64(n))
	}
}
