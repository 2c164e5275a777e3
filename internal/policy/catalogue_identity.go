package policy

// identityPolicies are the policies about who calls, and as whom the gateway calls.
func identityPolicies() []entry {
	return []entry{
		{name: "get-authorization-context", sections: inOnly, scopes: everyScope, does: "token from the credential manager"},
		validateAzureADTokenEntry(),
		validateJWTEntry(),
		{name: "validate-client-certificate", sections: inOnly, scopes: everyScope, does: "the client certificate", instead: withCert},
		{name: "authentication-basic", sections: inOnly, scopes: everyScope, does: "Basic authentication to the backend"},
		{name: "authentication-certificate", sections: inOnly, scopes: everyScope, does: "client certificate to the backend"},
		{
			name: "authentication-managed-identity", sections: inOnly, scopes: everyScope, does: "managed identity's token to the backend",
			missing: "is not built yet; a backend's credential in cloister.yaml does the same",
			instead: withLogin,
		},
		{name: "authentication-oauth2", sections: inOnly, scopes: everyScope, does: "OAuth 2 client credentials to the backend", instead: withLogin},
		{name: "authentication-token", sections: inOnly, scopes: everyScope, does: "a token to the backend"},
		{name: "authentication-token-store", sections: inOnly, scopes: everyScope, does: "a token from a store to the backend"},
	}
}
