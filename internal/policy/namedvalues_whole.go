package policy

import (
	"fmt"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/syntax"
	"github.com/cloister-ai/cloister/internal/site"
)

// This file finds named values that change what the text around them means in
// an expression.

// filler stands for a named value where only the text around it counts.
const filler = "1"

// whole reports the first named value that breaks the expression it is put
// into; true: none does. The scanner's own words are kept out of it: they would
// be about the value.
func (e *expander) whole(before string, out *expanded) bool {
	start, ok := expressionStart(out.text)
	if !ok || len(out.uses) == 0 {
		return true
	}
	if _, was := expressionStart(before); !was {
		// The text has become an expression, which one value has to be.
		u := out.uses[0]
		if isBlank(before[:u.from]) && isBlank(before[u.to:]) && isExpression(out.text, start) {
			return true
		}
		e.broken(out, u, "with the named value %q the text begins with an expression and does not end with it")
		return false
	}
	for i, u := range out.uses {
		rest := filled(before, out.uses[i+1:], u.to)
		what := e.breaks(out.text[start:u.at], out.text[u.at:u.end], rest)
		if e.scanned > maxScanned {
			what = "whether the value of %q stays in its place takes too much work to find"
		}
		if what != "" {
			e.broken(out, u, what)
			return false
		}
	}
	return true
}

func (e *expander) broken(out *expanded, u use, what string) {
	e.add(site.Problem{
		Severity: site.Error, Pos: out.origin.At(u.at), Code: "broken-expression", Message: fmt.Sprintf(what, u.name),
		Expected: "a value that stays in its string, or whose quotes and brackets are balanced",
	})
}

// filled is text from an offset on, with fillers in the places of values.
func filled(text string, uses []use, from int) string {
	var b strings.Builder
	for _, u := range uses {
		b.WriteString(text[from:u.from])
		b.WriteString(filler)
		from = u.to
	}
	b.WriteString(text[from:])
	return b.String()
}

// breaks says in which way a value changes the expression before+value+after;
// empty: in none. What tells text from code is an opening bracket: put into a
// string, a character or a comment it changes nothing, and anywhere else it is
// one too many.
func (e *expander) breaks(before, value, after string) string {
	const (
		closes     = "the value of %q ends the string or the comment that it is put into"
		unbalanced = "the value of %q does not stand by itself: its quotes and brackets are not balanced"
	)
	if !e.isWhole(before, filler, after) {
		return "the expression is not whole with the named value %q"
	}
	if !e.isWhole(before, "(", after) {
		if !isExpression("@("+value+")", 0) || e.isWhole(before, value+"(", after) || !e.isWhole(before, value, after) {
			return unbalanced
		}
		return ""
	}
	for i := range len(value) {
		// Only these bytes end a string, open a hole in one, or end a comment.
		// Doubled they mean themselves, where they mean anything.
		c := value[i]
		if strings.IndexByte("\"'{}/\n\r", c) < 0 || i+1 < len(value) && value[i+1] == c && c != '/' {
			continue
		}
		if !e.isWhole(before, value[:i+1]+"(", after) {
			return closes
		}
	}
	if !e.isWhole(before, value, after) || !e.isWhole(before, value+"(", after) {
		return closes
	}
	return ""
}

// isWhole reports whether the three texts are one expression, within what all
// tries in a document may cost.
func (e *expander) isWhole(before, value, after string) bool {
	if e.scanned += len(before) + len(value) + len(after); e.scanned > maxScanned {
		return false
	}
	return isExpression(before+value+after, 0)
}

// expressionStart is where an expression in text begins: "@(" or "@{" after
// white space.
func expressionStart(text string) (int, bool) {
	i := 0
	for i < len(text) && isSpace(text[i]) {
		i++
	}
	return i, opensExpression(text, i)
}

func opensExpression(text string, i int) bool {
	return i+1 < len(text) && text[i] == '@' && (text[i+1] == '(' || text[i+1] == '{')
}

// isExpression reports whether text from start on is one whole expression, and
// white space after it.
func isExpression(text string, start int) bool {
	end, _, err := syntax.ScanExpression(text, start)
	return err == nil && isBlank(text[end:])
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
