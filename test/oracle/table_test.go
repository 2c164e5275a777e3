package oracle

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseTable(t *testing.T) {
	table, err := ParseTable("sample", `// A comment.

# System.String.Trim()
# System.String.TrimEnd()
ordinary: @(" a ".Trim())
context: {"variables": {"s": "x"}}
edge: @{
  var s = "}";
  return s;
}
context: none
throws: @(
  1 / 0 // a comment
)
never throws: it trims

# other
context: {
  "elapsed": "00:00:01"
}
refused: @{ int F() => 1; return F(); }
mcs: @{ return 1; }
`)
	if err != nil {
		t.Fatal(err)
	}
	first, second := table.Sections[0], table.Sections[1]
	want := &Section{
		Members: []string{"System.String.Trim()", "System.String.TrimEnd()"}, Line: 3, NeverThrows: "it trims",
		Rows: []*Row{
			{ID: "System.String.Trim()/1", Kind: Ordinary, Line: 5, Expression: `@(" a ".Trim())`},
			{ID: "System.String.Trim()/2", Kind: Edge, Line: 7, Expression: "@{\n  var s = \"}\";\n  return s;\n}", Context: []byte(`{"variables":{"s":"x"}}`)},
			{ID: "System.String.Trim()/3", Kind: Throws, Line: 12, Expression: "@(\n  1 / 0 // a comment\n)"},
		},
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
	if r := second.Rows[0]; r.Program() != "@{ return 1; }" || string(r.Context) != `{"elapsed":"00:00:01"}` {
		t.Errorf("got %+v", r)
	}
}

func TestParseTableErrors(t *testing.T) {
	for in, want := range map[string]string{
		"ordinary: @(1)":                      "before the first heading",
		"# a\nordinary: 1":                    "not an expression",
		"# a\nordinary: @{\nreturn 1;":        `no line "}"`,
		"# a\nusually: @(1)":                  `unknown word "usually"`,
		"# a\nmcs: @(1)":                      "behind a row",
		"# a\ncontext: {\"a\"}":               "context:",
		"# a\nordinary @(1)":                  "neither a heading",
		"# a\n\n\nthrows: @(2\nordinary: @()": "sample.txt:4",
	} {
		if _, err := ParseTable("sample", in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", in, err, want)
		}
	}
}

func TestCoverage(t *testing.T) {
	table, err := ParseTable("sample", "# a\n# b\nordinary: @(1)\n\n# c\nordinary: @(1)\nedge: @(1)\nthrows: @(1)\nnever throws: why\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"sample.txt:1: a: 1 ordinary rows for 2 members",
		`sample.txt:1: a: no edge row and no "no edge: reason"`,
		`sample.txt:1: a: no throws row and no "never throws: reason"`,
		`sample.txt:5: c: a throws row beside "never throws"`,
		"d: no section",
	}
	if diff := cmp.Diff(want, Coverage([]*Table{table}, []string{"a", "b", "d"})); diff != "" {
		t.Error(diff)
	}
}

// FuzzParseTable: whatever is read again as it was written reads the same.
func FuzzParseTable(f *testing.F) {
	f.Add("# a\nordinary: @(1)\nedge: @{\nreturn 1;\n}\nmcs: @(2)\n")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := ParseTable("fuzz", text)
		if err != nil {
			return
		}
		for _, s := range table.Sections {
			for _, r := range s.Rows {
				again, err := ParseTable("fuzz", "# "+s.Members[0]+"\n"+string(r.Kind)+": "+r.Expression+"\n")
				if err != nil || again.Sections[0].Rows[0].Expression != r.Expression {
					t.Fatalf("%q: %v", r.Expression, err)
				}
			}
		}
	})
}
