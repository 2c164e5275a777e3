package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// page is docs/cli.md: what the commands print, in the order of the list.
func page() []byte {
	var b bytes.Buffer
	b.WriteString(`# Commands

This page is made of what the commands print with ` + "`--help`" + ` (` + "`go test ./internal/cli -run TestPage -update`" + `).

`)
	fence := func(title string, write func()) {
		fmt.Fprintf(&b, "## %s\n\n```text\n", title)
		write()
		b.WriteString("```\n\n")
	}
	fence("cloister", func() { writeOverview(&b) })
	var each func(path string, list []*command)
	each = func(path string, list []*command) {
		for _, c := range list {
			name := path + " " + c.name
			fence(name, func() { writeOwnManual(&b, name, c) })
			each(name, c.subcommands)
		}
	}
	each("cloister", commands())
	return append(bytes.TrimRight(b.Bytes(), "\n"), '\n')
}

// TestPage: docs/cli.md says what the commands say.
func TestPage(t *testing.T) {
	path := filepath.Join(testenv.Root(t), "docs", "cli.md")
	want := page()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/cli.md is old; run go test ./internal/cli -run TestPage -update (-commands +page)\n%s", diff)
	}
}
