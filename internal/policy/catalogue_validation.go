package policy

// validationPolicies are the policies about what requests and answers may hold.
func validationPolicies() []entry {
	return []entry{
		checkHeaderEntry(),
		ipFilterEntry(),
		{name: "validate-content", sections: inOutErr, scopes: everyScope, does: "body size and schema", instead: withoutCheck},
		validateGraphQLRequestEntry(),
		validateODataRequestEntry(),
		{name: "validate-parameters", sections: inOnly, scopes: everyScope, does: "parameters against the API's schema", instead: withoutCheck},
		{name: "validate-headers", sections: outErr, scopes: everyScope, does: "response headers against the API's schema", instead: withoutCheck},
		{name: "validate-status-code", sections: outErr, scopes: everyScope, does: "status codes against the API's schema", instead: withoutCheck},
		corsEntry(),
		{name: "mock-response", sections: inOutErr, scopes: everyScope, does: "the operation's example as answer"},
	}
}
