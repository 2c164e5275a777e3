package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// writeProblems prints problems for people: place, what is wrong, the line
// with a caret under the place, what would do, what to write.
func writeProblems(w io.Writer, c colours, problems site.Problems) {
	for _, p := range problems {
		colour := c.red
		switch p.Severity {
		case site.Warning:
			colour = c.yellow
		case site.Note:
			colour = c.dim
		}
		if at := p.Pos.String(); at != "" {
			fmt.Fprintf(w, "%s%s:%s ", c.bold, at, c.reset)
		}
		fmt.Fprintf(w, "%s%s:%s %s [%s]\n", colour, p.Severity, c.reset, p.Message, p.Code)
		for line := range strings.Lines(p.Excerpt) {
			fmt.Fprintf(w, "    %s\n", strings.TrimRight(line, "\n"))
		}
		if p.Expected != "" {
			fmt.Fprintf(w, "    expected: %s\n", hanging(p.Expected))
		}
		if p.Mend != "" {
			fmt.Fprintf(w, "    mend:     %s\n", hanging(p.Mend))
		}
	}
}

// summary is "2 errors, 1 warning".
func summary(problems site.Problems) string {
	errors, warnings := 0, 0
	for _, p := range problems {
		switch p.Severity {
		case site.Error:
			errors++
		case site.Warning:
			warnings++
		}
	}
	return count(errors, "error") + ", " + count(warnings, "warning")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// hanging indents the lines after the first, so that what is to be copied into
// a file keeps its shape.
func hanging(s string) string { return strings.ReplaceAll(s, "\n", "\n              ") }
