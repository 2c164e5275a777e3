package telemetry

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// Provider is the value of gen_ai.provider.name: every backend speaks the
// Azure OpenAI API, whoever runs it.
const Provider = "azure.ai.openai"

// registerModels registers the metrics that the OpenTelemetry semantic
// conventions for generative AI name, under the names that the OpenTelemetry
// to Prometheus translation gives them.
func (m *Metrics) registerModels() {
	m.tokens = m.convention("gen_ai_client_token_usage",
		"Number of input and output tokens used.",
		[]float64{1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864},
		"gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_token_type")
	m.modelDuration = m.convention("gen_ai_server_request_duration_seconds",
		"Duration of model requests, to the last byte of the answer.",
		[]float64{.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92},
		"gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "error_type")
	m.modelToFirst = m.convention("gen_ai_server_time_to_first_token_seconds",
		"Time to the first byte of successful streamed answers.",
		[]float64{.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10},
		"gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")
}

type modelKey struct{ operation, model string }

type modelMetrics struct {
	key           modelKey
	input, output prometheus.Observer
	duration      prometheus.Observer
	toFirst       prometheus.Observer
}

func (m *Metrics) makeModel(k modelKey) *modelMetrics {
	return &modelMetrics{
		key:      k,
		input:    m.tokens.WithLabelValues(k.operation, Provider, k.model, "input"),
		output:   m.tokens.WithLabelValues(k.operation, Provider, k.model, "output"),
		duration: m.modelDuration.WithLabelValues(k.operation, Provider, k.model, ""),
		toFirst:  m.modelToFirst.WithLabelValues(k.operation, Provider, k.model),
	}
}

// observeModel counts one call of a model that a backend answered.
func (m *Metrics) observeModel(r *Record) {
	mm := m.modelOf(r)
	if failure := r.errorType(); failure != "" {
		m.modelDuration.WithLabelValues(mm.key.operation, Provider, mm.key.model, failure).Observe(r.Duration.Seconds())
		return
	}
	mm.duration.Observe(r.Duration.Seconds())
	if r.Streamed && r.TimeToFirstByte > 0 {
		mm.toFirst.Observe(r.TimeToFirstByte.Seconds())
	}
	if !r.Tokens.Known || r.Tokens.Estimated {
		// The convention wants no usage rather than a guess.
		return
	}
	mm.input.Observe(float64(r.Tokens.Prompt))
	if r.Tokens.Completion > 0 {
		mm.output.Observe(float64(r.Tokens.Completion))
	}
}

// modelOf makes a label of a model's name only after a backend has answered
// for it: until then it is a word of the caller.
func (m *Metrics) modelOf(r *Record) *modelMetrics {
	key := modelKey{r.GenAIOperation, r.model()}
	if mm, ok := m.models.known(key); ok {
		return mm
	}
	if r.BackendStatus >= http.StatusBadRequest {
		key.model = Other
	}
	return m.models.get(key)
}

// errorType is error.type of the conventions: how the request ended early, or
// the status of a failed answer; empty: it went well.
func (r *Record) errorType() string {
	switch {
	case r.Cut != "":
		return "cut_" + r.Cut
	case r.Status == http.StatusTooManyRequests:
		return "429" // the common one costs no allocation
	case r.Status >= http.StatusBadRequest:
		return strconv.Itoa(r.Status)
	}
	return ""
}
