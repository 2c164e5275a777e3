package policy

func invokeRequestEntry() entry {
	return entry{
		name: "invoke-request", sections: everySection, scopes: everyScope, connects: true,
		does: "a request", missing: "has no page in API Management's reference, so that nobody knows what it has to do",
		instead: "use send-request, and return-response with its response-variable-name",
		tier:    tierC, page: page{
			intro:   "Sends a request and keeps the answer in a variable, or ends the section with it. Microsoft's policy toolkit knows it, the reference does not.",
			example: `<invoke-request method="GET" url="https://api.example/status" response-variable-name="status"><header name="Accept" value="application/json" /></invoke-request>`,
		},
		attributes: []attribute{
			{name: "method", expected: "a method", expression: true},
			{name: "url", expected: "a URL", expression: true},
			{name: "backend-id", expected: "the id of a backend", expression: true},
			{name: "response-variable-name", expected: "the name of a variable for the answer"},
		},
		children: []child{
			{name: "header", many: true, expected: "a header", attributes: []attribute{
				{name: "name", required: true, expected: "its name", expression: true},
				{name: "value", expected: "its value", expression: true},
			}},
			{name: "body", expected: "the body", text: hasText, expression: true},
		},
	}
}
