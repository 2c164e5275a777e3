package policy

// safetyPolicies are the policies about content safety.
func safetyPolicies() []entry {
	return []entry{
		{name: "llm-content-safety", sections: inOut, scopes: notOperation, does: "prompts and completions through Azure AI Content Safety", instead: withoutCheck},
	}
}
