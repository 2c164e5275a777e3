package policy

// controlPolicies are the policies about which policies run.
func controlPolicies() []entry {
	return []entry{
		chooseEntry(),
		retryEntry(),
		{name: "wait", sections: inOutBack, scopes: everyScope, does: "the policies in it at the same time"},
	}
}
