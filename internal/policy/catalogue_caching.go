package policy

// cachingPolicies are the policies about caches.
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
