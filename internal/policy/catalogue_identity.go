package policy

// identityPolicies are the policies about who calls, and as whom the gateway calls.
func identityPolicies() []entry {
	return []entry{
		getAuthorizationContextEntry(),
		validateAzureADTokenEntry(),
		validateJWTEntry(),
		validateClientCertificateEntry(),
		authenticationBasicEntry(),
		authenticationCertificateEntry(),
		authenticationManagedIdentityEntry(),
		authenticationOAuth2Entry(),
		authenticationTokenEntry(),
		authenticationTokenStoreEntry(),
	}
}
