package policy

// validationPolicies are the policies about what requests and answers may hold.
func validationPolicies() []entry {
	return []entry{
		checkHeaderEntry(),
		ipFilterEntry(),
		validateContentEntry(),
		validateGraphQLRequestEntry(),
		validateODataRequestEntry(),
		validateParametersEntry(),
		validateHeadersEntry(),
		validateStatusCodeEntry(),
		corsEntry(),
		mockResponseEntry(),
	}
}
