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
		semanticLookupEntry("llm"),
		semanticStoreEntry("llm"),
		semanticLookupEntry("azure-openai"),
		semanticStoreEntry("azure-openai"),
	}
}
