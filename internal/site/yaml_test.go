package site

import (
	"strings"
	"testing"
)

// TestSyntaxPlaces puts a mistake into a file and looks for the line that is
// named: the one marked, in its comment, with "here".
func TestSyntaxPlaces(t *testing.T) {
	for name, text := range map[string]string{
		"indented too far":      "name: contoso\n  listeners: [] # here\n",
		"indented too little":   "destinations:\n    model:\n        - {host: a}\n   identity: [] # here\nname: x\n",
		"dash missing":          "listeners:\n- address: private\n  port: 443\nport: 8443\nhostnames:\n- name: a\n- name: b\n name: c # here\n",
		"dash among names":      "name: a\nlisteners:\n  address: b\n  - c # here\n",
		"bracket open":          "name: a\nlisteners: [1, 2\nhostnames: [] # here\n",
		"brace open":            "name: a\nlisteners:\n- {address: a, port: 1\nhostnames: [] # here\n",
		"colon missing":         "name: a\nlisteners # here\nhostnames: []\n",
		"two colons":            "name: a\n\nlisteners: b: c # here\nhostnames: []\n",
		"tab":                   "name: a\nlisteners:\n\t- a # here\n",
		"stray bracket":         "name: a\nlisteners: ] # here\nhostnames: []\n",
		"text behind quotes":    "name: a\nlisteners:\n  - \"a\" b # here\nhostnames: []\n",
		"text behind a list":    "name: a\nlisteners: [] b # here\nhostnames: []\n",
		"in the first line":     "name: [a # here\n",
		"in the second, nested": "name:\n  a: b\n c: d # here\n",
		"comma missing":         "name: a\nlisteners: [\n  {a: b}, # one\n  {c: d}\n  {e: f}, # here\n]\n",
		"comma for colon":       "name: a\nlisteners: {\n  a: b,\n  c: d: e, # here\n  e: f,\n}\n",
		"unclosed quote":        "name: a\nlisteners: \"a # here\nhostnames: []\n",
		"deep":                  strings.Repeat("# a comment\n", 50) + "limits:\n  maxBodyBytes: 1\n  other:\n    a: 1\n   b: 2 # here\nnames: {}\n",
	} {
		t.Run(name, func(t *testing.T) {
			want := 1 + strings.Count(text[:strings.Index(text, "here")], "\n")
			r := newReport()
			parseYAML(r.source("cloister.yaml", []byte(text)), configBounds(), r)
			ps := r.finish()
			if len(ps) != 1 || ps[0].Line != want {
				t.Fatalf("want line %d:\n%s%s", want, text, render(ps))
			}
			if !strings.Contains(ps[0].Excerpt, "here") {
				t.Errorf("the line is not shown: %q", ps[0].Excerpt)
			}
		})
	}
}

// TestSyntaxShowsNoSecret: a line that does not parse is shown only where it
// can hold none.
func TestSyntaxShowsNoSecret(t *testing.T) {
	for _, text := range []string{
		"name: a\n  primaryKey: hunter2\n",
		"primaryKey:\n  hunter2\n   x: y\n",
		"name: a\n  other: hunter2hunter2hunter2\n",
		"apiKey: [\n  hunter2\nname: x\n",
		"name: a\n  b: {password: hunter2}\n",
	} {
		r := newReport()
		parseYAML(r.source("cloister.yaml", []byte(text)), configBounds(), r)
		ps := r.finish()
		if len(ps) != 1 || strings.Contains(ps[0].Excerpt, "hunter2") || strings.Contains(ps[0].String(), "hunter2") {
			t.Errorf("%q:\n%s", text, render(ps))
		}
	}
}
