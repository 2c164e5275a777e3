package policy

// controlPolicies are the policies about which policies run.
func controlPolicies() []entry {
	return []entry{
		chooseEntry(),
		retryEntry(),
		waitEntry(),
	}
}
