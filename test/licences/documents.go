package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// head begins NOTICE. The Apache licence asks to pass NOTICE files on.
const head = `Cloister
Copyright 2025-2026 the authors of Cloister

Licensed under the Apache License, Version 2.0; see LICENSE.

Azure, Azure OpenAI, Azure API Management and Microsoft Entra are trademarks of
Microsoft Corporation. Cloister is not made, endorsed or supported by Microsoft.

The program holds the modules below, each under the licence beside its name.
"go run ./test/licences -texts" prints the texts. This file is written by
"go run ./test/licences -write".

`

// makeNotice is what NOTICE has to be.
func makeNotice(modules []mod) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(head)
	for _, m := range modules {
		if m.Shipped {
			fmt.Fprintf(&b, "  %s: %s\n", m.Path, strings.Join(m.Licences, ", "))
		}
	}
	for _, m := range modules {
		if !m.Shipped {
			continue
		}
		text, err := m.notice()
		if err != nil {
			return nil, err
		}
		if text != "" {
			fmt.Fprintf(&b, "\n---- NOTICE of %s\n\n%s\n", m.Path, text)
		}
	}
	return b.Bytes(), nil
}

// notice is the text of the module's NOTICE file; "" where there is none.
func (m *mod) notice() (string, error) {
	files, err := filepath.Glob(filepath.Join(m.Dir, "NOTICE*"))
	if err != nil || len(files) == 0 {
		return "", err
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return "", fmt.Errorf("%s: %w", m.Path, err)
	}
	return strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")), nil
}

func checkNotice(file string, want []byte) []string {
	got, err := os.ReadFile(file)
	switch {
	case err != nil:
		return []string{err.Error() + "; run: go run ./test/licences -write"}
	case !bytes.Equal(got, want):
		return []string{file + " is not up to date; run: go run ./test/licences -write"}
	}
	return nil
}

// row is a line of the table of dependencies: the module in code style first.
var row = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|(.*)\\|\\s*$")

// columns of the table beside the module: what for, why this one, what we would
// do without it, who keeps it.
const columns = 4

// checkDocument compares the table of dependencies with the direct ones.
func checkDocument(file string, modules []mod) []string {
	text, err := os.ReadFile(file)
	if err != nil {
		return []string{err.Error()}
	}
	var faults []string
	named := map[string]bool{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		named[m[1]] = true
		cells := strings.Split(m[2], "|")
		if len(cells) < columns || strings.TrimSpace(strings.Join(cells[:columns], "")) == "" {
			faults = append(faults, fmt.Sprintf("%s: %s: %d columns are missing or empty", file, m[1], columns))
		}
	}
	for _, m := range modules {
		if m.Direct && !named[m.Path] {
			faults = append(faults, fmt.Sprintf("%s: no line for %s", file, m.Path))
		}
		if m.Direct {
			delete(named, m.Path)
		}
	}
	for path := range named {
		faults = append(faults, fmt.Sprintf("%s: %s is not a direct dependency", file, path))
	}
	return faults
}
