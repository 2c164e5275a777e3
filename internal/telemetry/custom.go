package telemetry

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Dimension is a name and a value that belong to a value of a custom metric.
type Dimension struct{ Name, Value string }

// Bounds of the metrics that policy documents make.
const (
	// maxCustomMetrics is how many names there may be, maxCustomSeries how many
	// series of each, maxCustomTotal of all.
	maxCustomMetrics = 200
	maxCustomSeries  = 2000
	maxCustomTotal   = 20_000
	// maxCustomDimensions is how many dimensions one may have, maxCustomText how
	// long a name or a value of one, in bytes.
	maxCustomDimensions = 10
	maxCustomText       = 128
)

// custom are the metrics that policy documents make (emit-metric,
// llm-emit-token-metric). Names and dimensions are not known before they come, so
// the collector describes nothing.
//
// A metric is "cloister_custom_" and its name in the letters that Prometheus
// allows; its namespace is a label, and so is each dimension. It has a sum and a
// count.
type custom struct {
	mu      sync.Mutex // guards the rest
	metrics map[string]*customMetric
	series  int
}

type customMetric struct {
	name   string
	series map[string]*customSeries
}

type customSeries struct {
	labels []Dimension
	sum    float64
	count  uint64
}

// Emit adds a value to a custom metric. What is no number is left out. Beyond the
// bounds values are added under the label value "_OTHER", and under the metric
// cloister_custom_other where there are too many names.
func (m *Metrics) Emit(namespace, name string, value float64, dimensions []Dimension) {
	if m == nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return
	}
	labels := customLabels(namespace, dimensions)
	c := &m.custom
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.find(customName(name), labels)
	s.sum += value
	s.count++
}

// find returns the series of labels, or the one that stands for all others.
func (c *custom) find(name string, labels []Dimension) *customSeries {
	if c.metrics == nil {
		c.metrics = map[string]*customMetric{}
	}
	m := c.metrics[name]
	if m == nil && len(c.metrics) >= maxCustomMetrics {
		name = "cloister_custom_other"
		m = c.metrics[name]
	}
	if m == nil {
		m = &customMetric{name: name, series: map[string]*customSeries{}}
		c.metrics[name] = m
	}
	key := labelKey(labels)
	if s := m.series[key]; s != nil {
		return s
	}
	if len(m.series) >= maxCustomSeries || c.series >= maxCustomTotal {
		labels = []Dimension{{"namespace", Other}}
		key = labelKey(labels)
		if s := m.series[key]; s != nil {
			return s
		}
	}
	s := &customSeries{labels: labels}
	m.series[key] = s
	c.series++
	return s
}

// Describe describes nothing: names are not known beforehand.
func (c *custom) Describe(chan<- *prometheus.Desc) {}

// Collect sends all series.
func (c *custom) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.metrics {
		for _, s := range m.series {
			labels := prometheus.Labels{}
			for _, l := range s.labels {
				labels[l.Name] = l.Value
			}
			ch <- prometheus.MustNewConstSummary(
				prometheus.NewDesc(m.name, "Values that policy documents emit.", nil, labels), s.count, s.sum, nil)
		}
	}
}

// customLabels are the labels of a value, sorted by name.
func customLabels(namespace string, dimensions []Dimension) []Dimension {
	out := make([]Dimension, 0, len(dimensions)+1)
	out = append(out, Dimension{"namespace", customText(namespace)})
	for _, d := range dimensions[:min(len(dimensions), maxCustomDimensions)] {
		name := customWord(d.Name)
		if name == "" || name[0] <= '9' {
			name = "_" + name
		}
		if strings.HasPrefix(name, "__") { // Prometheus' own
			name = "x" + name
		}
		for base, n := name, 2; slices.ContainsFunc(out, func(o Dimension) bool { return o.Name == name }); n++ {
			name = base + "_" + strconv.Itoa(n)
		}
		out = append(out, Dimension{name, customText(d.Value)})
	}
	slices.SortFunc(out, func(a, b Dimension) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func labelKey(labels []Dimension) string {
	var b strings.Builder
	for _, l := range labels {
		b.WriteString(l.Name + "=" + strconv.Quote(l.Value) + ",")
	}
	return b.String()
}

func customName(name string) string { return "cloister_custom_" + customWord(name) }

// customWord makes "API ID" to "api_id".
func customWord(s string) string {
	s = strings.ToLower(customText(s))
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, s)
}

// customText is at most maxCustomText bytes of valid UTF-8.
func customText(s string) string {
	if len(s) > maxCustomText {
		s = s[:maxCustomText]
	}
	return strings.ToValidUTF8(s, "")
}
