package policy

type semanticLookup struct{ statement }
type semanticStore struct{ statement }
type completionLookup struct{}
