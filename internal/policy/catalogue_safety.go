package policy

// safetyPolicies are the policies about content safety.
func safetyPolicies() []entry {
	return []entry{
		llmContentSafetyEntry(),
	}
}
