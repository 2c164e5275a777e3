package site

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a file of the site. File is slash-separated and relative
// to the site's directory. Line and Column count from 1, Column in bytes; a
// zero Line means the file as a whole.
type Pos struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// IsZero reports whether p names no place at all.
func (p Pos) IsZero() bool { return p.File == "" && p.Line == 0 }

func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Severity says what a [Problem] means for the site that holds it.
type Severity string

const (
	// Error: the site is refused.
	Error Severity = "error"
	// Warning: the site is accepted; somebody should look.
	Warning Severity = "warning"
	// Note: shown by "check --verbose" only.
	Note Severity = "note"
)

// Problem is one thing that is wrong with a site.
type Problem struct {
	Severity Severity `json:"severity"`
	Pos
	// Code is stable and kebab-case, for programs: "unknown-field".
	Code string `json:"code"`
	// Message says what is wrong, without a full stop.
	Message string `json:"message"`
	// Expected says what would be accepted here; may be empty.
	Expected string `json:"expected,omitempty"`
	// Mend says what to write or run; may be empty.
	Mend string `json:"mend,omitempty"`
	// Excerpt is the source line and a caret under the place; may be empty.
	Excerpt string `json:"excerpt,omitempty"`
}

// String is the problem on one line, without excerpt.
func (p Problem) String() string {
	var b strings.Builder
	if !p.Pos.IsZero() {
		b.WriteString(p.Pos.String())
		b.WriteString(": ")
	}
	fmt.Fprintf(&b, "%s: %s", p.Severity, p.Message)
	if p.Expected != "" {
		fmt.Fprintf(&b, "; expected %s", p.Expected)
	}
	if p.Mend != "" {
		fmt.Fprintf(&b, "; mend: %s", p.Mend)
	}
	return b.String()
}

// Problems are all that is known to be wrong with a site, in file order once
// [Problems.Sort] has run.
type Problems []Problem

// Add appends an error at pos.
func (ps *Problems) Add(pos Pos, code, expected, mend, format string, args ...any) {
	*ps = append(*ps, Problem{
		Severity: Error, Pos: pos, Code: code,
		Message: fmt.Sprintf(format, args...), Expected: expected, Mend: mend,
	})
}

// Warn appends a warning at pos.
func (ps *Problems) Warn(pos Pos, code, mend, format string, args ...any) {
	*ps = append(*ps, Problem{
		Severity: Warning, Pos: pos, Code: code,
		Message: fmt.Sprintf(format, args...), Mend: mend,
	})
}

// Note appends a note at pos.
func (ps *Problems) Note(pos Pos, code, format string, args ...any) {
	*ps = append(*ps, Problem{
		Severity: Note, Pos: pos, Code: code, Message: fmt.Sprintf(format, args...),
	})
}

// HasErrors reports whether a site with these problems is refused.
func (ps Problems) HasErrors() bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return p.Severity == Error })
}

// Sort orders by file, line, column and code, so that output is repeatable.
func (ps Problems) Sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column), cmp.Compare(a.Code, b.Code))
	})
}

// Err is nil when there are no errors, else an error that names each.
func (ps Problems) Err() error {
	if !ps.HasErrors() {
		return nil
	}
	var lines []string
	for _, p := range ps {
		if p.Severity == Error {
			lines = append(lines, p.String())
		}
	}
	return fmt.Errorf("the site has %d error(s):\n%s", len(lines), strings.Join(lines, "\n"))
}
