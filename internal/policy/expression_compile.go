package policy

import (
	"fmt"
	"slices"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// compileExpression says what is wrong with an expression; offsets are bytes of
// source.
func compileExpression(source string) []*syntax.Error {
	_, errs := csharp.Compile(source, csharp.Options{Context: csharp.ContextType()})
	return errs
}

// maxGuessed is how many named values of an expression, whose values are not
// known, are tried with other types than that of [filler].
const maxGuessed = 8

// compile compiles the expression. Where the value of a named value is not
// known, it may be of any type: x becomes the expression with the types for
// which least is wrong.
func (x *Expression) compile() []*syntax.Error {
	uses := x.inCode(x.left())
	if len(uses) == 0 {
		return compileExpression(x.Source)
	}
	values := slices.Repeat([]string{filler}, len(uses))
	best := x.fill(uses, values)
	errs := compileExpression(best.Source)
	for i := range min(len(uses), maxGuessed) {
		for _, guess := range []string{"true", `""`} {
			if len(errs) == 0 {
				break
			}
			before := values[i]
			values[i] = guess
			filled := x.fill(uses, values)
			if fewer := compileExpression(filled.Source); len(fewer) < len(errs) {
				best, errs = filled, fewer
			} else {
				values[i] = before
			}
		}
	}
	*x = best
	return errs
}

// says is an error's text without the values of named values.
func (x *Expression) says(e *syntax.Error) string {
	if name := x.Named(e.Offset, e.End); name != "" {
		return fmt.Sprintf("this is not C# with a value in the place of {{%s}}", name)
	}
	return x.hide(e.Reason)
}
