package policy

// limitPolicies are the policies about limits on calls.
func limitPolicies() []entry {
	return []entry{
		rateLimitEntry(), rateLimitByKeyEntry(),
		quotaEntry(), quotaByKeyEntry(),
		limitConcurrencyEntry(),
	}
}
