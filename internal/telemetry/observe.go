package telemetry

import "github.com/prometheus/client_golang/prometheus"

type routeKey struct{ api, operation string }

// routeMetrics are the counters of one operation.
type routeMetrics struct {
	byClass             [6]prometheus.Counter
	duration, firstByte prometheus.Observer
	in, out             prometheus.Counter
}

func (m *Metrics) makeRoute(k routeKey) *routeMetrics {
	r := &routeMetrics{
		duration:  m.duration.WithLabelValues(k.api, k.operation),
		firstByte: m.firstByte.WithLabelValues(k.api, k.operation),
		in:        m.bytes.WithLabelValues(k.api, k.operation, "in"),
		out:       m.bytes.WithLabelValues(k.api, k.operation, "out"),
	}
	for i := range r.byClass {
		r.byClass[i] = m.requests.WithLabelValues(k.api, k.operation, classes[i])
	}
	return r
}

// classes are the labels of statusClass. "none" is a request that ended
// without an answer.
var classes = [6]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

func statusClass(status int) int {
	if status < 100 || status > 599 {
		return 0
	}
	return status / 100
}

type backendMetrics struct {
	byClass  [6]prometheus.Counter
	duration prometheus.Observer
}

func (m *Metrics) makeBackend(id string) *backendMetrics {
	b := &backendMetrics{duration: m.backendDuration.WithLabelValues(id)}
	for i := range b.byClass {
		b.byClass[i] = m.backendRequests.WithLabelValues(id, classes[i])
	}
	return b
}

// Observe counts one finished request. It takes from the record what the
// metrics need, so that record and metrics cannot tell two stories.
func (m *Metrics) Observe(r *Record) {
	if m == nil {
		return
	}
	route := m.routes.get(routeKey{r.API, r.Operation})
	route.byClass[statusClass(r.Status)].Inc()
	route.duration.Observe(r.Duration.Seconds())
	if r.TimeToFirstByte > 0 {
		route.firstByte.Observe(r.TimeToFirstByte.Seconds())
	}
	route.in.Add(float64(r.BytesIn))
	route.out.Add(float64(r.BytesOut))
	if r.Decision == Deny {
		m.refused.get(r.decidingReason()).Inc()
	}
	if r.Backend != "" && r.BackendAddress.IsValid() {
		b := m.backends.get(r.Backend)
		b.byClass[statusClass(r.BackendStatus)].Inc()
		b.duration.Observe(r.BackendDuration.Seconds())
	}
	if r.GenAIOperation != "" && r.BackendStatus != 0 {
		m.observeModel(r)
	}
}

func (r *Record) decidingReason() string {
	switch {
	case len(r.Reasons) > 0:
		return r.Reasons[0]
	case r.ErrorReason != "":
		return r.ErrorReason
	}
	return Other
}
