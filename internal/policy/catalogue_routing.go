package policy

// routingPolicies are the policies about where requests go.
func routingPolicies() []entry {
	return []entry{
		forwardRequestEntry(),
		setBackendServiceEntry(),
		{name: "proxy", sections: inOnly, scopes: everyScope, does: "outbound HTTP proxy"},
		{name: "invoke-request", sections: inOnly, scopes: everyScope, does: "a request"},
		{name: "block", sections: inOnly, scopes: everyScope, does: "blocks requests"},
	}
}
