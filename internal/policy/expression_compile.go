package policy

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// compileExpression compiles an expression, or says what is wrong with it;
// offsets are bytes of source.
func compileExpression(source string) (*csharp.Expression, []*syntax.Error) {
	return csharp.Compile(source, csharp.Options{Context: csharp.ContextType()})
}

// codeOf is C#'s code of an error, where it has one.
func codeOf(e *syntax.Error) string { return cmp.Or(e.Code, "bad-expression") }

// maxGuessed is how many named values of an expression, whose values are not
// known, are tried with other types than that of [filler].
const maxGuessed = 8

// compile compiles the expression. Where the value of a named value is not
// known, it may be of any type: x becomes the expression with the types for
// which least is wrong, and what is compiled is for checks only.
func (x *Expression) compile() (*csharp.Expression, []*syntax.Error) {
	uses := x.inCode(x.left())
	if len(uses) == 0 {
		return compileExpression(x.Source)
	}
	values := slices.Repeat([]string{filler}, len(uses))
	best := x.fill(uses, values)
	compiled, errs := compileExpression(best.Source)
	for i := range min(len(uses), maxGuessed) {
		for _, guess := range []string{"true", `""`} {
			if len(errs) == 0 {
				break
			}
			before := values[i]
			values[i] = guess
			filled := x.fill(uses, values)
			if other, fewer := compileExpression(filled.Source); len(fewer) < len(errs) {
				best, compiled, errs = filled, other, fewer
			} else {
				values[i] = before
			}
		}
	}
	*x = best
	return compiled, errs
}

// says is an error's text without the values of named values.
func (x *Expression) says(e *syntax.Error) string {
	if name := x.Named(e.Offset, e.End); name != "" {
		return fmt.Sprintf("this is not C# with a value in the place of {{%s}}", name)
	}
	return x.hide(e.Reason)
}
