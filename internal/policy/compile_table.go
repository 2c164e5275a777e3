package policy

import (
	"maps"
	"slices"
)

// entry is what is known of a policy.
type entry struct {
	name     string
	sections sectionSet
	// tolerated are sections that the reference does not name and public
	// documents use; a warning there.
	tolerated sectionSet
	scopes    scopeSet
	// does is the line of docs/policies.md.
	does string

	// compile is nil where the policy does not run, and missing then says why
	// if it is more than time.
	compile func(*compiler, *Node) statement
	missing string
	// instead says what to do where the policy does not run; empty: remove it.
	instead string

	attributes []attribute
	children   []child
	text       textRule
	// expression: the policy's text may be an expression.
	expression bool
	// connects: the policy opens connections.
	connects bool

	// tier says how much of the policy is built: A is complete, B after A, C is
	// read and checked but does not run.
	tier tier
	// page is what the manual says of the policy beside its tables.
	page page
}

// tier is A, B or C; empty: nothing is built.
type tier string

const (
	tierA tier = "A"
	tierB tier = "B"
	tierC tier = "C"
)

// page is the prose of a policy's page in docs/policies, in Markdown. A page
// without an intro is written by hand around its tables.
type page struct {
	intro string
	// example is one or more policies as they stand in a section, inbound unless
	// a comment before them says another one: <!-- outbound -->.
	example string
	// behaviour and differences from Azure are sentences, one point each.
	behaviour, differences []string
	errors                 []errorLine
}

// errorLine is an error that a policy gives: its reason in context.LastError,
// and when.
type errorLine struct{ reason, when string }

// attribute is what is known of an attribute.
type attribute struct {
	name     string
	required bool
	// expected says what the value is; otherwise is the default, for people.
	expected, otherwise string
	// refused says why the attribute cannot be used; empty: it can.
	refused string
	// expression: an expression may stand there.
	expression bool
}

// child is what is known of an element in a policy.
type child struct {
	name string
	// required: at least one; many: more than one.
	required, many bool
	// anywhere: the order is free.
	anywhere bool
	// policy: the element is a policy, checked as one.
	policy     bool
	expected   string
	attributes []attribute
	children   []child
	text       textRule
	// expression: its text may be an expression.
	expression bool
}

// textRule says what an element holds beside elements of its own.
type textRule uint8

const (
	noText textRule = iota
	hasText
	// holdsPolicies: policies, which are compiled as such.
	holdsPolicies
)

// why ends the sentence "the policy … ".
func (e *entry) why() string {
	if e.missing != "" {
		return e.missing
	}
	return "is not built yet"
}

// mend says what to do about a policy that does not run.
func (e *entry) mend() string {
	if e.instead != "" {
		return e.instead + "; docs/policies.md lists the policies that run"
	}
	return "remove it; docs/policies.md lists the policies that run"
}

// table is the catalogue by name.
func table() map[string]*entry {
	list := catalogue()
	m := make(map[string]*entry, len(list))
	for i := range list {
		m[list[i].name] = &list[i]
	}
	return m
}

func policyNames(entries map[string]*entry) []string {
	return slices.Sorted(maps.Keys(entries))
}

// Sections and scopes as the table below has them.
const (
	inOnly       = sectionSet(1 << inbound)
	inOut        = sectionSet(1<<inbound | 1<<outbound)
	outOnly      = sectionSet(1 << outbound)
	inBack       = sectionSet(1<<inbound | 1<<backend)
	backOnly     = sectionSet(1 << backend)
	inErr        = sectionSet(1<<inbound | 1<<onError)
	outErr       = sectionSet(1<<outbound | 1<<onError)
	inOutErr     = sectionSet(1<<inbound | 1<<outbound | 1<<onError)
	inOutBack    = sectionSet(1<<inbound | 1<<outbound | 1<<backend)
	belowGlobal  = everyScope &^ (1 << global)
	notOperation = everyScope &^ (1 << operation)
	productOnly  = scopeSet(1 << product)
	globalOnly   = scopeSet(1 << global)
)

// Reasons for which a policy does not run that are more than time.
const (
	needsResolver = "belongs to GraphQL resolvers, which are not built"
	needsDapr     = "needs a Dapr sidecar, which is not built"
)

// What to do without policies that protect: "remove it" alone would take a lock
// off without a word.
const (
	withoutLimit = "remove it only if calls may go without this limit: nothing else sets it"
	withoutToken = "remove it, and ask for tokens in cloister.yaml: the issuer in tokens, and callers: [token] or [subscription+token] for the API"
	withoutCheck = "remove it only if requests may go without this check: nothing else makes it"
	withLogin    = "remove it, and give the backend its credential in cloister.yaml, under backends"
	withCert     = "remove it, and ask for certificates in cloister.yaml: clientCA of the hostname, and callers: [certificate] for the API"
)

// catalogue holds every policy of API Management's reference, in its order, and
// those that only its schemas know, with the sections and scopes in which they
// may stand.
func catalogue() []entry {
	return slices.Concat(
		[]entry{baseEntry(), includeFragmentEntry()},
		accessPolicies(),
		validationPolicies(),
		routingPolicies(),
		cachingPolicies(),
		transformationPolicies(),
		integrationPolicies(),
		controlPolicies(),
	)
}

func baseEntry() entry {
	return entry{
		name: "base", sections: everySection, scopes: belowGlobal,
		does:    "the policies of the scope above",
		compile: func(*compiler, *Node) statement { return nil },
	}
}

func accessPolicies() []entry {
	return []entry{
		{name: "rate-limit", sections: inOnly, scopes: belowGlobal, does: "call rate per subscription", instead: withoutLimit},
		{name: "rate-limit-by-key", sections: inOnly, scopes: everyScope, does: "call rate per key", instead: withoutLimit},
		{name: "quota", sections: inOnly, scopes: productOnly, does: "call or bandwidth quota per subscription", instead: withoutLimit},
		{name: "quota-by-key", sections: inOnly, scopes: everyScope, does: "call or bandwidth quota per key", instead: withoutLimit},
		{name: "limit-concurrency", sections: everySection, scopes: everyScope, does: "parallel executions of the policies in it", instead: withoutLimit},
		{name: "llm-token-limit", sections: inOnly, scopes: everyScope, does: "tokens per minute and token quota per key", instead: withoutLimit},
		{name: "azure-openai-token-limit", sections: inOnly, scopes: everyScope, does: "as llm-token-limit", instead: withoutLimit},
		checkHeaderEntry(),
		{name: "get-authorization-context", sections: inOnly, scopes: everyScope, does: "token from the credential manager"},
		ipFilterEntry(),
		{name: "validate-azure-ad-token", sections: inOnly, scopes: everyScope, does: "an Entra ID token", instead: withoutToken},
		{name: "validate-jwt", sections: inOnly, scopes: everyScope, does: "a JSON web token", instead: withoutToken},
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

func validationPolicies() []entry {
	return []entry{
		{name: "llm-content-safety", sections: inOut, scopes: notOperation, does: "prompts and completions through Azure AI Content Safety", instead: withoutCheck},
		{name: "validate-content", sections: inOutErr, scopes: everyScope, does: "body size and schema", instead: withoutCheck},
		{name: "validate-graphql-request", sections: inOnly, scopes: notOperation, does: "GraphQL requests", instead: withoutCheck},
		{name: "validate-odata-request", sections: inOnly, scopes: notOperation, does: "OData requests", instead: withoutCheck},
		{name: "validate-parameters", sections: inOnly, scopes: everyScope, does: "parameters against the API's schema", instead: withoutCheck},
		{name: "validate-headers", sections: outErr, scopes: everyScope, does: "response headers against the API's schema", instead: withoutCheck},
		{name: "validate-status-code", sections: outErr, scopes: everyScope, does: "status codes against the API's schema", instead: withoutCheck},
	}
}

func routingPolicies() []entry {
	return []entry{
		forwardRequestEntry(),
		setBackendServiceEntry(),
		{name: "proxy", sections: inOnly, scopes: everyScope, does: "outbound HTTP proxy"},
		{name: "invoke-request", sections: inOnly, scopes: everyScope, does: "a request"},
		{name: "block", sections: inOnly, scopes: everyScope, does: "blocks requests"},
	}
}

func cachingPolicies() []entry {
	return []entry{
		{name: "cache-lookup", sections: inOnly, scopes: everyScope, does: "answers from the response cache"},
		{name: "cache-store", sections: outOnly, scopes: everyScope, does: "answers into the response cache"},
		{name: "cache-lookup-value", sections: everySection, scopes: everyScope, does: "a cached value into a variable"},
		{name: "cache-store-value", sections: everySection, scopes: everyScope, does: "a value into the cache"},
		{name: "cache-remove-value", sections: everySection, scopes: everyScope, does: "a value out of the cache"},
		{name: "cache-value", sections: everySection, scopes: everyScope, does: "a cached value, or a new one"},
		{name: "llm-semantic-cache-lookup", sections: inOnly, scopes: everyScope, does: "completions of like prompts"},
		{name: "llm-semantic-cache-store", sections: outOnly, scopes: everyScope, does: "completions into the semantic cache"},
		{name: "azure-openai-semantic-cache-lookup", sections: inOnly, scopes: everyScope, does: "as llm-semantic-cache-lookup"},
		{name: "azure-openai-semantic-cache-store", sections: outOnly, scopes: everyScope, does: "as llm-semantic-cache-store"},
	}
}

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
		{name: "xsl-transform", sections: inOut, scopes: everyScope, does: "XSLT on the body"},
		returnResponseEntry(),
		{name: "mock-response", sections: inOutErr, scopes: everyScope, does: "the operation's example as answer"},
		{name: "cross-domain", sections: inOnly, scopes: globalOnly, does: "cross-domain file for Flash"},
		corsEntry(),
		{name: "jsonp", sections: outOnly, scopes: everyScope, does: "JSONP around the answer"},
	}
}

func integrationPolicies() []entry {
	return []entry{
		{name: "send-request", sections: everySection, scopes: everyScope, connects: true, does: "a call whose answer goes into a variable"},
		{name: "send-one-way-request", sections: everySection, scopes: everyScope, connects: true, does: "a call whose answer nobody waits for"},
		{name: "log-to-eventhub", sections: everySection, scopes: everyScope, connects: true, does: "a message to Event Hubs"},
		{name: "send-service-bus-message", sections: inOutErr, scopes: everyScope, connects: true, does: "a message to Service Bus"},
		{name: "publish-to-dapr", sections: inOnly, scopes: everyScope, connects: true, does: "a message to a Dapr topic", missing: needsDapr},
		{name: "invoke-dapr-binding", sections: inOutErr, scopes: everyScope, connects: true, does: "a Dapr output binding", missing: needsDapr},
		{name: "trace", sections: inOutBack, tolerated: 1 << onError, scopes: everyScope, does: "a line in the trace"},
		{name: "emit-metric", sections: everySection, scopes: everyScope, does: "a metric of one's own"},
		{name: "llm-emit-token-metric", sections: inOnly, scopes: everyScope, does: "token metrics"},
		{name: "azure-openai-emit-token-metric", sections: inOnly, scopes: everyScope, does: "as llm-emit-token-metric"},
		{name: "set-request-metric-dimension-value", sections: everySection, scopes: everyScope, does: "a dimension of the request's metrics"},
		{name: "sql-data-source", scopes: everyScope, does: "SQL in a GraphQL resolver", missing: needsResolver},
		{name: "cosmosdb-data-source", scopes: everyScope, does: "Cosmos DB in a GraphQL resolver", missing: needsResolver},
		{name: "http-data-source", scopes: everyScope, does: "HTTP in a GraphQL resolver", missing: needsResolver},
		{name: "graphql-data-source", scopes: everyScope, does: "GraphQL in a GraphQL resolver", missing: needsResolver},
		{name: "publish-event", scopes: everyScope, does: "an event to GraphQL subscriptions", missing: needsResolver},
	}
}

func controlPolicies() []entry {
	return []entry{
		chooseEntry(),
		{name: "retry", sections: everySection, scopes: everyScope, does: "the policies in it again"},
		{name: "wait", sections: inOutBack, scopes: everyScope, does: "the policies in it at the same time"},
	}
}
