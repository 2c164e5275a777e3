package policy

// cachingPolicies are the policies about caches.
func cachingPolicies() []entry {
	return []entry{
		cacheLookupEntry(),
		cacheStoreEntry(),
		cacheLookupValueEntry(),
		cacheStoreValueEntry(),
		cacheRemoveValueEntry(),
		cacheValueEntry(),
		{name: "llm-semantic-cache-lookup", sections: inOnly, scopes: everyScope, does: "completions of like prompts"},
		{name: "llm-semantic-cache-store", sections: outOnly, scopes: everyScope, does: "completions into the semantic cache"},
		{name: "azure-openai-semantic-cache-lookup", sections: inOnly, scopes: everyScope, does: "as llm-semantic-cache-lookup"},
		{name: "azure-openai-semantic-cache-store", sections: outOnly, scopes: everyScope, does: "as llm-semantic-cache-store"},
	}
}
