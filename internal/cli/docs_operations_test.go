package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// TestOperationsPage: every command line in docs/operations.md is one that the
// program understands: lines of code whole, those in the text as far as they go.
func TestOperationsPage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testenv.Root(t), "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	var lines, phrases []string
	fenced := false
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
			continue
		}
		if i := strings.Index(line, "cloister "); fenced && i >= 0 && !strings.Contains(line, "systemctl") {
			lines = append(lines, line[i:])
		}
		for _, m := range regexp.MustCompile("`(cloister [^`]+)`").FindAllStringSubmatch(line, -1) {
			if !fenced {
				phrases = append(phrases, m[1])
			}
		}
	}
	if len(lines) < 10 || len(phrases) < 15 {
		t.Fatalf("the page has %d lines and %d phrases", len(lines), len(phrases))
	}
	for _, l := range lines {
		understood(t, l, true)
	}
	for _, p := range phrases {
		understood(t, p, false)
	}
}

// understood fails unless the program takes the command line; whole: with the
// number of its arguments.
func understood(t *testing.T, line string, whole bool) {
	t.Helper()
	line, _, _ = strings.Cut(line, " #")
	line, _, _ = strings.Cut(line, " >")
	line = regexp.MustCompile(`\$\([^)]*\)`).ReplaceAllString(line, "x")
	args := strings.Fields(line)[1:]
	list, path := commands(), "cloister"
	for {
		c := find(list, args[0])
		if c == nil {
			t.Errorf("%s: %s has no command %q", line, path, args[0])
			return
		}
		list, path, args = c.subcommands, path+" "+c.name, args[1:]
		if list != nil && len(args) > 0 {
			continue
		}
		_, rest, err := c.parse(args)
		if err != nil || len(rest) > c.max || whole && len(rest) < c.min {
			t.Errorf("%s: %d arguments, %v", line, len(rest), err)
		}
		return
	}
}
