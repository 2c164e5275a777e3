package syntax

// isQueryWord reports whether a word is a keyword inside a query expression.
func isQueryWord(s string) bool {
	switch s {
	case "from", "where", "select", "group", "into", "orderby", "join", "let", "in", "on",
		"equals", "by", "ascending", "descending":
		return true
	}
	return false
}
