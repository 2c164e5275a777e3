package policy

// routingPolicies are the policies about where requests go.
func routingPolicies() []entry {
	return []entry{
		forwardRequestEntry(),
		setBackendServiceEntry(),
		{name: "proxy", sections: inOnly, scopes: everyScope, does: "outbound HTTP proxy"},
		invokeRequestEntry(),
		blockEntry(),
	}
}
