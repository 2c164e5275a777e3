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
		{name: "redirect-content-urls", sections: inOut, scopes: everyScope, does: "the backend's links in the body"},
		xslTransformEntry(),
		returnResponseEntry(),
		{name: "cross-domain", sections: inOnly, scopes: globalOnly, does: "cross-domain file for Flash"},
		jsonpEntry(),
	}
}
