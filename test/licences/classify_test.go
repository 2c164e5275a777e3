package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/testenv"
)

const mit = `Copyright (c) 2024 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED.
`

const bsd = `Redistribution and use in source and binary forms, with or without
modification, are permitted provided that the following conditions are met:
1. Redistributions of source code must retain the above copyright notice.
THIS SOFTWARE IS PROVIDED BY THE AUTHORS AS IS.
`

const bsdName = `Neither the name of the authors may be used to endorse or promote products
derived from this software without specific prior written permission.
`

func TestClassifyFile(t *testing.T) {
	f := func(name, module, file, text, want, wantErr string) {
		t.Helper()
		ids, err := classifyFile(module, file, text)
		if got := strings.Join(ids, ", "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		switch {
		case err == nil && wantErr != "":
			t.Errorf("%s: accepted", name)
		case err != nil && (wantErr == "" || !strings.Contains(err.Error(), wantErr)):
			t.Errorf("%s: %v, want %q", name, err, wantErr)
		}
	}
	f("MIT", "m", "LICENSE", mit, "MIT", "")
	f("two clauses", "m", "LICENSE", bsd, "BSD-2-Clause", "")
	f("three clauses", "m", "LICENSE", bsd+bsdName, "BSD-3-Clause", "")
	f("four clauses", "m", "LICENSE", bsd+bsdName+"All advertising materials mentioning features or use of this software must say so.", "", "no known licence")
	f("two licences", "m", "LICENSE", mit+bsd, "MIT, BSD-2-Clause", "")
	f("a permission is missing", "m", "LICENSE", strings.Replace(mit, "sublicense, ", "", 1), "", "no known licence")
	f("a clause more", "m", "LICENSE", mit+strings.Repeat("You shall also pay us. ", 80), "MIT", "somebody has to read the rest")
	f("Commons Clause", "m", "LICENSE", mit+`The Software is provided under the "Commons Clause".`, "MIT", "not accepted")
	f("GPL", "m", "COPYING", "GNU GENERAL PUBLIC LICENSE Version 3", "", "not accepted")
	f("empty", "m", "LICENSE", "", "", "no known licence")
	f("a list", "m", "LICENSE-3RD-PARTY.md", mit+strings.Repeat("and another file of somebody ", 100), "MIT", "")
	const sqlite = "Anyone is free to copy, modify, publish, use, compile, sell, or distribute the original SQLite code"
	f("SQLite", "modernc.org/sqlite", "LICENSE-SQLITE.md", sqlite, "public domain", "")
	f("SQLite elsewhere", "example.com/sqlite", "LICENSE-SQLITE.md", sqlite, "", "no known licence")
	f("SQLite changed", "modernc.org/sqlite", "LICENSE-SQLITE.md", "Nobody is free to copy", "", "no known licence")
}

// TestOwnLicence: the classifier knows the long form of the Apache licence,
// and a text that was cut short is none.
func TestOwnLicence(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testenv.Root(t), "LICENSE"))
	if err != nil {
		t.Fatal(err)
	}
	ids, err := classifyFile("m", "LICENSE", string(text))
	if diff := cmp.Diff([]string{"Apache-2.0"}, ids); diff != "" || err != nil {
		t.Errorf("%s %v", diff, err)
	}
	if ids, err := classifyFile("m", "LICENSE", string(text[:len(text)/2])); err == nil {
		t.Errorf("half a licence is %v", ids)
	}
}

func TestCheckDocument(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dependencies.md")
	text := "| module | what for | why this one | without it | kept by |\n|---|---|---|---|---|\n" +
		"| `example.com/known` | parsing | kept | our own | them |\n" +
		"| `example.com/bare` | | | | |\n" +
		"| `example.com/gone` | parsing | kept | our own | them |\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := checkDocument(file, []mod{
		{Path: "example.com/known", Direct: true}, {Path: "example.com/bare", Direct: true},
		{Path: "example.com/new", Direct: true}, {Path: "example.com/indirect"},
	})
	want := []string{
		file + ": example.com/bare: 4 columns are missing or empty",
		file + ": no line for example.com/new",
		file + ": example.com/gone is not a direct dependency",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNotice(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "NOTICE.txt"), []byte("By Somebody\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	notice, err := makeNotice([]mod{
		{Path: "example.com/shipped", Dir: dir, Shipped: true, Licences: []string{"MIT"}},
		{Path: "example.com/tests", Dir: dir},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := head + "  example.com/shipped: MIT\n\n---- NOTICE of example.com/shipped\n\nBy Somebody\n"
	if diff := cmp.Diff(want, string(notice)); diff != "" {
		t.Error(diff)
	}
	file := filepath.Join(dir, "NOTICE")
	if faults := checkNotice(file, notice); len(faults) != 1 {
		t.Errorf("no file: %q", faults)
	}
	if err := os.WriteFile(file, notice[1:], 0o600); err != nil {
		t.Fatal(err)
	}
	if faults := checkNotice(file, notice); len(faults) != 1 {
		t.Errorf("another file: %q", faults)
	}
}
