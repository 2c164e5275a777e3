package csharp

import (
	"strconv"

	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/json"
	"github.com/cloister-ai/cloister/internal/csharp/clr/regex"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// Limit is a bound, in words: of what, and how much is the most.
type Limit struct{ What, Most string }

// CompileLimits are those of [Compile]: what passes one is an error of the
// expression.
func CompileLimits() []Limit {
	return []Limit{
		{"length", strconv.Itoa(MaxSource>>20) + " MiB"},
		{"brackets, strings and holes of strings in each other", strconv.Itoa(syntax.MaxDepth)},
		{"height of an expression, as of a sum of very many terms", strconv.Itoa(syntax.MaxHeight)},
		{"lambdas that are looked at while overloads are chosen", strconv.Itoa(check.MaxTrials)},
		{"types that one type is made of, as a tuple of tuples", strconv.Itoa(clr.MaxTypeParts)},
		{"constant strings that operators give, together", strconv.Itoa(check.MaxConstant>>20) + " MiB"},
		{"range variables of a query", strconv.Itoa(check.MaxRange)},
		{"errors that are told of an expression", strconv.Itoa(check.MaxErrors)},
	}
}

// RunLimits are those of [Expression.Run] with the default limits: what passes
// one ends the run, with an error that no catch sees.
func RunLimits() []Limit {
	l := clr.DefaultLimits()
	return []Limit{
		{"steps: calls, statements that call and rounds of loops are one each; members that go through something take more by its size", strconv.FormatInt(l.Steps, 10)},
		{"memory that is taken, given back or not", strconv.FormatInt(l.Bytes>>20, 10) + " MiB"},
		{"calls in each other", strconv.Itoa(l.Depth)},
		{"time", l.Time.String()},
		{"length of a regular expression, in characters", strconv.Itoa(regex.MaxPattern)},
		{"parentheses or sets of a regular expression in each other", strconv.Itoa(regex.MaxNesting)},
	}
}

// ThrowLimits are those whose passing throws an exception of .NET.
func ThrowLimits() []Limit {
	return []Limit{
		{"time of one search with a regular expression (RegexMatchTimeoutException)", regex.MaxSearch.String()},
		{"objects and arrays of a JSON text in each other (JsonReaderException)", strconv.Itoa(json.MaxDepth)},
	}
}
