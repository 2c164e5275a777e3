package cli

import (
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// colours are the escape sequences in use, empty where there are none.
type colours struct{ red, yellow, green, bold, dim, reset string }

// printed is s for a person's eyes: characters that do not print, and could
// move the cursor, colour what follows or hide it, are shown as "?", as
// [site.Excerpt] shows them. Names in a site and certificates of servers are
// somebody else's words.
func printed(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r != unicode.ReplacementChar && unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// printedLines is printed for texts of several lines.
func printedLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = printed(l)
	}
	return strings.Join(lines, "\n")
}

// coloursFor are colours for a terminal that has not declined them
// (https://no-color.org).
func coloursFor(w io.Writer, env *Env) colours {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return colours{}
	}
	if v, set := env.LookupEnv("NO_COLOR"); set && v != "" {
		return colours{}
	}
	if v, _ := env.LookupEnv("TERM"); v == "dumb" {
		return colours{}
	}
	return colours{red: "\x1b[31m", yellow: "\x1b[33m", green: "\x1b[32m", bold: "\x1b[1m", dim: "\x1b[2m", reset: "\x1b[0m"}
}
