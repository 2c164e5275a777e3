package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// isSite says plainly what is no site at all; what is wrong with one is told by
// loading it.
func isSite(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return mended(fmt.Errorf("there is no directory %s", dir), "give the directory of a site, in which cloister.yaml lies; cloister init DIR writes one to begin with")
	case err != nil:
		return err
	case !info.IsDir():
		return mended(fmt.Errorf("%s is not a directory", dir), "give the directory of a site, in which cloister.yaml lies")
	}
	return nil
}

// writeProblems prints problems for people: place, what is wrong, the line
// with a caret under the place, what would do, what to write. Lines of a mend
// after the first are to be copied into a file and stand in its indentation.
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
			fmt.Fprintf(w, "%s%s:%s ", c.bold, printed(at), c.reset)
		}
		fmt.Fprintf(w, "%s%s:%s %s [%s]\n", colour, p.Severity, c.reset, printedLines(p.Message), p.Code)
		for line := range strings.Lines(p.Excerpt) {
			fmt.Fprintf(w, "    %s\n", printed(strings.TrimRight(line, "\n")))
		}
		if p.Expected != "" {
			fmt.Fprintf(w, "    expected: %s\n", hanging(printedLines(p.Expected)))
		}
		if p.Mend != "" {
			fmt.Fprintf(w, "    mend:     %s\n", printedLines(p.Mend))
		}
	}
}

// withoutNotes leaves what somebody has to look at.
func withoutNotes(problems site.Problems) site.Problems {
	out := site.Problems{}
	for _, p := range problems {
		if p.Severity != site.Note {
			out = append(out, p)
		}
	}
	return out
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
	return counted(fmt.Sprint(n), what)
}

// counted is count for a number as text.
func counted(n, what string) string {
	if n == "1" {
		return "1 " + what
	}
	return n + " " + what + "s"
}

// hanging indents the lines after the first.
func hanging(s string) string { return strings.ReplaceAll(s, "\n", "\n              ") }

// refusedSite prints why a site does not load.
func refusedSite(env *Env, problems site.Problems) error {
	writeProblems(env.Stderr, coloursFor(env.Stderr, env), withoutNotes(problems))
	fmt.Fprintf(env.Stderr, "refused: %s\n", summary(problems))
	return errSilent
}
