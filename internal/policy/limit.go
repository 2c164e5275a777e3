package policy

import (
	"strconv"

	"github.com/cloister-ai/cloister/internal/csharp"
)

// Limits are those of documents and their named values, for people. What a
// document says beyond them is a problem of the document.
func Limits() []csharp.Limit {
	bytes := func(n int) string {
		if n >= 1<<20 {
			return strconv.Itoa(n>>20) + " MiB"
		}
		return strconv.Itoa(n>>10) + " KiB"
	}
	return []csharp.Limit{
		{What: "length of a document", Most: bytes(maxSource)},
		{What: "elements in each other", Most: strconv.Itoa(maxNesting)},
		{What: "attributes of an element", Most: strconv.Itoa(maxAttributes)},
		{What: "length of an expression", Most: bytes(maxExpression)},
		{What: "text that is looked through for the ends of a document's expressions", Most: bytes(maxScanned)},
		{What: "text that the named values of a document grow to", Most: bytes(maxExpanded)},
		{What: "fragments that include each other", Most: strconv.Itoa(maxFragmentDepth)},
		{What: "elements of a document with those of its fragments", Most: strconv.Itoa(maxSteps)},
		{What: "policies that one request runs, repetitions counted", Most: "100,000"},
		{What: "errors that are told of a document", Most: strconv.Itoa(maxProblems)},
	}
}
