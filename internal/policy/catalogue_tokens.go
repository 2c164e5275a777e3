package policy

// tokenPolicies are the policies about limits and metrics of model tokens.
func tokenPolicies() []entry {
	return []entry{
		tokenLimitEntry(llmTokenLimitName),
		tokenLimitEntry(azureTokenLimitName),
		emitTokenMetricEntry(llmEmitTokenMetricName),
		emitTokenMetricEntry(azureEmitTokenMetricName),
		emitMetricEntry(),
		setRequestMetricDimensionValueEntry(),
		traceEntry(),
	}
}
