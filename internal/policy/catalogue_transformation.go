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
		{name: "json-to-xml", sections: inOutErr, scopes: everyScope, does: "a JSON body as XML"},
		{name: "xml-to-json", sections: inOutErr, scopes: everyScope, does: "an XML body as JSON"},
		{name: "find-and-replace", sections: everySection, scopes: everyScope, does: "text in the body"},
		{name: "redirect-content-urls", sections: inOut, scopes: everyScope, does: "the backend's links in the body"},
		xslTransformEntry(),
		returnResponseEntry(),
		{name: "cross-domain", sections: inOnly, scopes: globalOnly, does: "cross-domain file for Flash"},
		{name: "jsonp", sections: outOnly, scopes: everyScope, does: "JSONP around the answer"},
	}
}
