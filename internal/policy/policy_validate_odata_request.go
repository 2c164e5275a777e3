package policy

func validateODataRequestEntry() entry {
	return entry{
		name: "validate-odata-request", sections: inOnly, scopes: notOperation,
		does:    "OData requests",
		missing: "needs the OData model of the API, and OData APIs are not read", instead: withoutCheck,
		tier: tierC, page: page{
			intro:   "Checks that URL, headers and parameters of a request to an OData API are as the OData specification has them.",
			example: `<validate-odata-request default-odata-version="4.01" max-size="102400" error-variable-name="errors" />`,
			behaviour: []string{
				"What of a request can be checked by an OpenAPI document, validate-parameters and validate-content check.",
			},
		},
		attributes: []attribute{
			{name: "error-variable-name", expected: "the name of a variable"},
			{name: "default-odata-version", expected: "the version of requests without OData-Version", otherwise: "4.0", expression: true},
			{name: "min-odata-version", expected: "the lowest OData-Version that is accepted", expression: true},
			{name: "max-odata-version", expected: "the highest OData-Version that is accepted", expression: true},
			{name: "max-size", expected: "bytes of the body", kind: valueKind{low: 0, high: 1<<31 - 1}, expression: true},
		},
	}
}
