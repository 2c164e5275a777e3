package policy

func proxyEntry() entry {
	return entry{
		name: "proxy", sections: inOnly, scopes: everyScope, connects: true,
		does:    "outbound HTTP proxy",
		missing: "would leave it to the proxy which address is connected to, and the gateway connects to no address that it has not checked itself",
		instead: "remove it, and open the way to the destination itself: in the network, or with a private endpoint",
		tier:    tierC, page: page{
			intro:   "Sends requests to backends through an HTTP proxy; in `send-request` and `send-one-way-request` that request.",
			example: `<proxy url="http://10.1.2.3:8080" username="gateway" password="@((string)context.Variables["proxy-password"])" />`,
			behaviour: []string{
				"It is checked, and refused when a site is served. Behind a proxy the proxy resolves the name and opens the connection: private addresses alone for backends, exact destinations and the check on the address being connected to would be promises of the proxy, not of the gateway.",
				"API Management speaks plain HTTP to the proxy, so its password would travel in clear; the gateway speaks plain HTTP to loopback addresses only.",
			},
		},
		attributes: []attribute{
			{name: "url", required: true, expected: "http://HOST:PORT of the proxy", expression: true},
			{name: "username", expected: "the name for Basic or NTLM authentication", expression: true},
			{name: "password", expected: "its password", expression: true},
		},
	}
}
