package policy

func setRequestMetricDimensionValueEntry() entry {
	return entry{
		name: "set-request-metric-dimension-value", sections: everySection, scopes: everyScope,
		does: "a dimension of the request's metrics", missing: "has no page in API Management's reference, so that nobody knows what it has to do",
		instead: "count with emit-metric and a dimension",
		tier:    tierC, page: page{
			intro:   "Gives the request's own metrics a dimension. API Management's schemas know this policy; its reference has no page for it.",
			example: `<set-request-metric-dimension-value name="tenant" value="@(context.Subscription.Id)" />`,
		},
		attributes: []attribute{
			{name: "name", expected: "the name of the dimension", expression: true},
			{name: "value", expected: "its value", expression: true},
		},
		text: hasText, expression: true,
	}
}
