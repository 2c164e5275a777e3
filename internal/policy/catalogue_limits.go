package policy

// limitPolicies are the policies about limits on calls.
func limitPolicies() []entry {
	return []entry{
		{name: "rate-limit", sections: inOnly, scopes: belowGlobal, does: "call rate per subscription", instead: withoutLimit},
		{name: "rate-limit-by-key", sections: inOnly, scopes: everyScope, does: "call rate per key", instead: withoutLimit},
		{name: "quota", sections: inOnly, scopes: productOnly, does: "call or bandwidth quota per subscription", instead: withoutLimit},
		{name: "quota-by-key", sections: inOnly, scopes: everyScope, does: "call or bandwidth quota per key", instead: withoutLimit},
		{name: "limit-concurrency", sections: everySection, scopes: everyScope, does: "parallel executions of the policies in it", instead: withoutLimit},
	}
}
