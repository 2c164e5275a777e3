package policy

// routingPolicies are the policies about where requests go.
func routingPolicies() []entry {
	return []entry{
		forwardRequestEntry(),
		setBackendServiceEntry(),
		proxyEntry(),
		invokeRequestEntry(),
		blockEntry(),
	}
}
