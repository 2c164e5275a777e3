package policy

import (
	"context"
	"fmt"
	"strings"

	"github.com/cloister-ai/cloister/internal/telemetry"
)

const (
	llmEmitTokenMetricName   = "llm-emit-token-metric"
	azureEmitTokenMetricName = "azure-openai-emit-token-metric"
)

func emitTokenMetricEntry(name string) entry {
	does := "token metrics"
	intro := "Counts the tokens of models in metrics: `Total Tokens`, `Prompt Tokens` and `Completion Tokens`, with dimensions."
	if name == azureEmitTokenMetricName {
		does = "as llm-emit-token-metric"
		intro += " The same as [llm-emit-token-metric](llm-emit-token-metric.md), under its older name."
	}
	return entry{
		name: name, sections: inOnly, scopes: everyScope, does: does,
		tier: tierA, page: page{
			intro: intro,
			example: fmt.Sprintf(`
<%[1]s namespace="openai">
  <dimension name="API ID" />
  <dimension name="Subscription ID" />
  %[2]s
</%[1]s>`, name, clientIPExample),
			behaviour: append([]string{
				"Dimensions are evaluated where the policy stands. The values are added when the answer has ended: what the model reports; for streams that end early or report nothing, what the gateway counts of their text.",
				"For streams of chat completions the gateway asks the model for its usage (`stream_options.include_usage`) and takes the event of usage out again where the caller did not ask; all other bytes stay as they are. A backend that does not know `stream_options` may refuse such a request.",
				"Answers without usage, such as errors, add nothing.",
			}, metricBehaviour()...),
			differences: append([]string{
				"API Management estimates the tokens of streams unless the request asks for usage by itself.",
				"Tokens that are part of others (cached, reasoning) have no metric of their own.",
			}, metricDifferences()...),
			errors: []errorLine{{"ExpressionValueEvaluationFailure", "an expression of a dimension throws"}},
		},
		attributes: []attribute{{name: "namespace", expected: "text", otherwise: defaultNamespace}},
		children:   []child{dimensionChild()},
		compile:    compileEmitTokenMetric,
	}
}

type emitTokenMetric struct {
	namespace  string
	dimensions dimensions
}

func compileEmitTokenMetric(c *compiler, n *Node) statement {
	s := &emitTokenMetric{namespace: defaultNamespace, dimensions: c.dimensions(n)}
	if v, ok := c.attribute(n, "namespace"); ok {
		s.namespace = strings.TrimSpace(v.text)
	}
	return s
}

func (s *emitTokenMetric) do(ctx context.Context, x *Exchange) (flow, *Error) {
	values, e := s.dimensions.values(ctx, x)
	if e != nil {
		return stop, e
	}
	x.NeedsUsage = true
	if x.Observer != nil {
		x.say("dimensions", strings.TrimPrefix(s.dimensions.shown(values), ", "))
	}
	if x.Services != nil && x.Services.Metrics != nil {
		x.whenEnded(func(e Ended) { s.emit(x.Services.Metrics, x.Masked(s.namespace), e, values) })
	}
	return next, nil
}

func (s *emitTokenMetric) emit(sink MetricSink, namespace string, e Ended, values []telemetry.Dimension) {
	if !e.Known {
		return
	}
	sink.Emit(namespace, "Total Tokens", float64(e.Usage.Total), values)
	sink.Emit(namespace, "Prompt Tokens", float64(e.Usage.Prompt), values)
	sink.Emit(namespace, "Completion Tokens", float64(e.Usage.Completion), values)
}
