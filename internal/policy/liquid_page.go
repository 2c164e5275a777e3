package policy

// liquidBehaviour is what the page of set-body says of templates.
func liquidBehaviour(before []string) []string {
	return append(before,
		"A template sees `body`, the body of the message that the section is about, read as its Content-Type says: JSON "+
			"(`application/json`, `text/json`, `+json`) or XML (`application/xml`, `text/xml`, `+xml`); of other types, and without a body, "+
			"nothing. It is read only where the template names it. In return-response it is empty, within send-request it is that of the "+
			"message around.",
		"Of JSON, members have case. Of XML, elements are members by their names without prefix, in any case where none fits exactly; one "+
			"with text alone is that text, several of one name are a list, attributes come after elements. `xsi-nil` says what an element "+
			"with xsi:nil=\"true\" is; with `parse-date` texts of JSON that are moments are dates.",
		"`context` has Request (Method, OriginalMethod, Url, OriginalUrl, IpAddress, MatchedParameters, HasBody, Headers), Response "+
			"(StatusCode, StatusReason, Method, Headers), Variables, Api, Operation, Product, Subscription, User, Deployment, LastError, "+
			"RequestId and Timestamp. Several values of one header are joined by commas.",
		"Tags: assign, capture, if, unless, case, for, break, continue, cycle, tablerow, ifchanged, increment, decrement, raw, comment, "+
			"and JSONArrayFor, which puts commas between its rounds and takes `where: 'Name'` for the elements of XML with that name.",
		"Filters are written as in C#: Abs, Append, AtLeast, AtMost, Capitalize, Ceil, Compact, Currency, Date, Default, DividedBy, "+
			"Downcase, Escape, First, Floor, H, Join, Last, Lstrip, Map, Minus, Modulo, NewlineToBr, Plus, Prepend, Remove, RemoveFirst, "+
			"Replace, ReplaceFirst, Round, Rstrip, Size, Slice, Sort, Split, Strip, StripHtml, StripNewlines, Times, Truncate, "+
			"TruncateWords, Uniq, Upcase, UrlDecode, UrlEncode. Date takes a .NET format, Replace a .NET regular expression.",
		"`{{name}}` of a named value is replaced before the template is read; every other `{{…}}` is the template's. A name that is "+
			"neither a named value nor one of the template is an error, and so is a member that context does not have: they would write nothing.",
		"A template has the budget of an expression (steps, memory, time); blocks stand at most 80 deep in each other.",
	)
}

// liquidDifferences is what the page of set-body says of templates that differ.
func liquidDifferences() []string {
	return []string{
		"Templates are read by the gateway's own engine, in the dialect of DotLiquid 2.0 with C#'s names of filters; what Liquid has learned " +
			"since (`where`, `sort_natural` and more) is not there. `include`, `extends`, `block`, `render` and `param` are errors: a document " +
			"is one template.",
		"A filter that is not known, words behind a value and names without a value are errors when the document is loaded; API " +
			"Management drops them without a word.",
		"What fails while a template is filled is the error ExpressionValueEvaluationFailure; DotLiquid writes \"Liquid error\" into the text.",
		"A text that stands where a number has to be is read as one (but Plus joins texts, and Times repeats them). Currency writes as in " +
			"the United States and knows no other language.",
		"context.Request.ClientCertificates is not there.",
	}
}
