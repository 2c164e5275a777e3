package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// form is a licence by its essential sentences, as [normal] writes them.
type form struct {
	id string
	// first counts how often the licence stands in a text.
	first string
	// rest have to stand there as well.
	rest []string
	// without must not: they make it another licence.
	without []string
	// words is about how long the licence is.
	words int
}

const (
	bsdGrant   = "redistribution and use in source and binary forms with or without modification are permitted provided that the following conditions are met"
	bsdNames   = "endorse or promote products derived from this software without specific prior written permission"
	bsdAdverts = "all advertising materials mentioning features or use of this software"
)

// forms are the licences that we accept.
func forms() []form {
	return []form{
		{id: "MIT", words: 180,
			first: "permission is hereby granted free of charge to any person obtaining a copy of this software and associated documentation files",
			rest: []string{
				"without restriction including without limitation the rights to use copy modify merge publish distribute sublicense and or sell copies",
				"copyright notice and this permission notice shall be included in all copies or substantial portions of the software",
				"the software is provided as is without warranty of any kind",
			}},
		{id: "BSD-3-Clause", words: 230, first: bsdGrant, rest: []string{bsdNames}, without: []string{bsdAdverts}},
		{id: "BSD-2-Clause", words: 200, first: bsdGrant, rest: []string{"this software is provided by"}, without: []string{bsdNames, bsdAdverts}},
		{id: "Apache-2.0", words: 1650,
			first: "apache license version 2 0 january 2004",
			rest: []string{
				"terms and conditions for use reproduction and distribution",
				"grant of patent license",
				"limitation of liability",
				// The last sentence of the last section: nothing is cut off.
				"by reason of your accepting any such warranty or additional liability",
			}},
		{id: "Apache-2.0", words: 100,
			first: "licensed under the apache license version 2 0 the license you may not use this file except in compliance with the license",
			rest:  []string{"unless required by applicable law or agreed to in writing software distributed under the license is distributed on an as is basis"}},
		{id: "ISC", words: 130,
			first: "this software for any purpose with or without fee is hereby granted provided that the above copyright notice and this permission notice appear in all copies",
			rest:  []string{"permission to use copy modify and", "the software is provided as is and the author disclaims all warranties"}},
		{id: "MPL-2.0", words: 2650,
			first: "mozilla public license version 2 0",
			rest:  []string{"covered software", "secondary license", "this source code form is subject to the terms of the mozilla public license v 2 0"}},
	}
}

// denied are words of terms that we do not accept, also where an accepted
// licence stands beside them.
func denied() []string {
	return []string{
		"gnu general public license", "gnu lesser general public", "gnu library general public", "affero general public",
		"server side public license", "business source license", "elastic license", "commons clause", "polyform",
		"shall be used for good not evil", "noncommercial", "non commercial use only", "no commercial use",
		"eclipse public license", "common development and distribution license", "european union public licence",
	}
}

// exception is a file that is no licence in the list and accepted all the same.
type exception struct {
	module, file, id, reason string
	// sentence has to stand in the file, so that the exception ends when the
	// text becomes another.
	sentence string
}

func exceptions() []exception {
	return []exception{
		{"modernc.org/sqlite", "LICENSE-SQLITE", "public domain", "SQLite itself, dedicated to the public by its authors",
			"anyone is free to copy modify publish use compile sell or distribute the original sqlite code"},
		{"modernc.org/memory", "LICENSE-LOGO", "", "the source of a picture in the repository, which no program holds",
			"commons wikimedia org"},
	}
}

// slack is how many words may stand beside the known ones: names, years, which
// file is under which licence.
const slack = 160

// classifyFile names the licences of one file of a module.
func classifyFile(module, file, text string) ([]string, error) {
	words := normal(text)
	for _, e := range exceptions() {
		if strings.HasPrefix(file, e.file) && module == e.module && strings.Contains(words, e.sentence) {
			if e.id == "" {
				return nil, nil
			}
			return []string{e.id}, nil
		}
	}
	ids, known := match(words)
	for _, d := range denied() {
		// Lists of third parties and the MPL name other licences to say what
		// is not theirs.
		if strings.Contains(words, d) && !slices.Contains(ids, "MPL-2.0") {
			return ids, fmt.Errorf("terms that are not accepted: %q", d)
		}
	}
	n := strings.Count(words, " ") + 1
	switch {
	case len(ids) == 0:
		return nil, errors.New("no known licence in it")
	case isList(file):
		return ids, nil
	case n > known+slack:
		return ids, fmt.Errorf("%d words, but %v needs about %d: somebody has to read the rest", n, ids, known)
	}
	return ids, nil
}

// isList reports whether a file lists the texts of third parties, with words
// of its own between them.
func isList(file string) bool {
	name := strings.ToUpper(file)
	return strings.Contains(name, "3RD-PARTY") || strings.Contains(name, "THIRD-PARTY")
}

// match finds the accepted licences in a text, and how many words they take.
func match(words string) (ids []string, known int) {
	has := func(s string) bool { return strings.Contains(words, s) }
	for _, f := range forms() {
		n := strings.Count(words, f.first)
		if n == 0 || !all(f.rest, has) || slices.ContainsFunc(f.without, has) {
			continue
		}
		known += n * f.words
		if !slices.Contains(ids, f.id) {
			ids = append(ids, f.id)
		}
	}
	return ids, known
}

func all(list []string, f func(string) bool) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !f(s) })
}

// normal writes a text as lower-case words with one space between them, so
// that wrapping, quotes and list marks do not matter.
func normal(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}), " ")
}
