package policy

// tokenPolicies are the policies about limits and metrics of model tokens.
func tokenPolicies() []entry {
	return []entry{
		{name: "llm-token-limit", sections: inOnly, scopes: everyScope, does: "tokens per minute and token quota per key", instead: withoutLimit},
		{name: "azure-openai-token-limit", sections: inOnly, scopes: everyScope, does: "as llm-token-limit", instead: withoutLimit},
		{name: "llm-emit-token-metric", sections: inOnly, scopes: everyScope, does: "token metrics"},
		{name: "azure-openai-emit-token-metric", sections: inOnly, scopes: everyScope, does: "as llm-emit-token-metric"},
		{name: "emit-metric", sections: everySection, scopes: everyScope, does: "a metric of one's own"},
		setRequestMetricDimensionValueEntry(),
		{name: "trace", sections: inOutBack, tolerated: 1 << onError, scopes: everyScope, does: "a line in the trace"},
	}
}
