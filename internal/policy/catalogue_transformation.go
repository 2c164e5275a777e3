package policy

// transformationPolicies are the policies about changes of messages.
func transformationPolicies() []entry {
	return []entry{
		setMethodEntry(),
		setStatusEntry(),
		setVariableEntry(),
		setBodyEntry(),
		setHeaderEntry(),
		setQueryParameterEntry(),
		rewriteURIEntry(),
		jsonToXMLEntry(),
		xmlToJSONEntry(),
		findAndReplaceEntry(),
		redirectContentURLsEntry(),
		xslTransformEntry(),
		returnResponseEntry(),
		crossDomainEntry(),
		jsonpEntry(),
	}
}
