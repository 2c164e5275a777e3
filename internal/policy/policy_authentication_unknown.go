package policy

// Policies about logging in to backends of which only the names are known.

// noReference says why they do not run.
const noReference = "has no page in the reference that the gateway is built by, so that nobody knows what it has to do"

func authenticationOAuth2Entry() entry {
	return entry{
		name: "authentication-oauth2", sections: inOnly, scopes: everyScope, connects: true,
		does: "OAuth 2 client credentials to the backend", missing: noReference, instead: withLogin,
		tier: tierC, page: page{
			intro:   "Logs in to the backend with OAuth 2 client credentials. API Management's reference lists it; what it takes is not known here, so nothing in it is looked at.",
			example: `<authentication-oauth2 />`,
			behaviour: []string{
				"The same is done by `clientSecret` of a backend's credential in cloister.yaml, or by `send-request` to the token endpoint and `set-header`.",
			},
		},
		text: opaque,
	}
}

func authenticationTokenEntry() entry {
	return entry{
		name: "authentication-token", sections: inOnly, scopes: everyScope, connects: true,
		does: "a token to the backend", missing: noReference, instead: withLogin,
		tier: tierC, page: page{
			intro:   "Sends a token to the backend. API Management's schemas know it, the reference does not; nothing in it is looked at.",
			example: `<authentication-token />`,
		},
		text: opaque,
	}
}

func authenticationTokenStoreEntry() entry {
	return entry{
		name: "authentication-token-store", sections: inOnly, scopes: everyScope, connects: true,
		does: "a token from a store to the backend", missing: noReference, instead: withLogin,
		tier: tierC, page: page{
			intro:   "Sends a token from a token store to the backend. API Management's schemas know it, the reference does not; nothing in it is looked at.",
			example: `<authentication-token-store />`,
		},
		text: opaque,
	}
}
