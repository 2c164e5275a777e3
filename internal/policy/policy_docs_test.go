package policy

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/site"
)

const (
	docs     = "../../docs/policies"
	begin    = "<!-- written by: go test ./internal/policy -run TestDocs -update -->\n"
	end      = "<!-- end -->\n"
	xmlBegin = "```xml\n"
)

// TestDocs: the tables of the manual are those of the code, every policy that
// runs has a page, and the examples compile.
func TestDocs(t *testing.T) {
	t.Run("index", func(t *testing.T) { checkPage(t, docs+".md", indexTables()) })
	pages := map[string]bool{"expressions.md": true, "differences.md": true, "testing.md": true, "refusals.md": true}
	list := catalogue()
	for i := range list {
		e := &list[i]
		if !e.described() {
			continue
		}
		pages[e.name+".md"] = true
		t.Run(e.name, func(t *testing.T) {
			path := filepath.Join(docs, e.name+".md")
			if e.page.intro == "" || e.tier == "" {
				t.Fatal("the descriptor has no page, or no tier")
			}
			checkWhole(t, path, wholePage(e))
			checkExamples(t, path, e.tier == tierC)
		})
	}
	t.Run("differences", func(t *testing.T) { checkWhole(t, filepath.Join(docs, "differences.md"), differencesPage(list)) })
	found, err := filepath.Glob(docs + "/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range found {
		if name := filepath.Base(page); !pages[name] {
			t.Errorf("%s is about no policy that is built", page)
		}
	}
	checkExamples(t, docs+".md", false)
}

// described: the policy has a page, because it runs or is looked at.
func (e *entry) described() bool { return e.compile != nil || e.tier == tierC }

// differencesPage holds what every descriptor says of it.
func differencesPage(list []entry) string {
	var b strings.Builder
	b.WriteString("# Differences from API Management\n\n" +
		"Everything known to differ, policy by policy. What expressions do differently stands in\n" +
		"[expressions](expressions.md), how documents are read in [the format](../policy-format.md).\n" + begin)
	var unbuilt []string
	for i := range list {
		e := &list[i]
		switch lines := e.differences(); {
		case e.compile == nil:
			name := "`" + e.name + "`"
			if e.described() {
				name = fmt.Sprintf("[`%s`](%s.md)", e.name, e.name)
			}
			unbuilt = append(unbuilt, fmt.Sprintf("%s: %s.", name, strings.TrimPrefix(e.why(), "is ")))
		case len(lines) > 0:
			fmt.Fprintf(&b, "\n## [%s](%s.md)\n\n- %s\n", e.name, e.name, strings.Join(lines, "\n- "))
		}
	}
	if len(unbuilt) > 0 {
		fmt.Fprintf(&b, "\n## Policies that do not run\n\n`serve` refuses documents with them, by name.\n\n- %s\n", strings.Join(unbuilt, "\n- "))
	}
	return b.String() + end
}

// differences are those of the descriptor, with the attributes that are refused.
func (e *entry) differences() []string {
	lines := slices.Clone(e.page.differences)
	why := map[string][]string{}
	var reasons []string
	for _, a := range e.attributes {
		if a.refused != "" {
			if why[a.refused] == nil {
				reasons = append(reasons, a.refused)
			}
			why[a.refused] = append(why[a.refused], "`"+a.name+"`")
		}
	}
	for _, reason := range reasons {
		lines = append(lines, fmt.Sprintf("Refused: %s: %s.", strings.Join(why[reason], ", "), reason))
	}
	return lines
}

// wholePage is the page of a policy whose prose stands in the code.
func wholePage(e *entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n%s%s\n```\n", e.name, e.page.intro, xmlBegin, strings.Trim(e.page.example, "\n"))
	b.WriteString(begin)
	b.WriteString(policyTables(e))
	list := func(title string, lines []string) {
		if len(lines) == 0 {
			return
		}
		fmt.Fprintf(&b, "## %s\n\n", title)
		for _, line := range lines {
			fmt.Fprintf(&b, "- %s\n", line)
		}
		b.WriteString("\n")
	}
	list("Behaviour", e.page.behaviour)
	list("Differences from Azure", e.differences())
	if e.tier == tierC {
		fmt.Fprintf(&b, "## What to do instead\n\nThe policy %s. `serve` refuses documents with it; `cloister policy check` looks at its\n"+
			"attributes, elements and expressions.\n\n- To run the document here: %s.\n\n", e.why(), or(e.instead, "remove it"))
	}
	if len(e.page.errors) > 0 {
		b.WriteString("## Errors\n\n| error | when |\n|---|---|\n")
		for _, line := range e.page.errors {
			fmt.Fprintf(&b, "| %s / %s | %s |\n", e.name, line.reason, line.when)
		}
		b.WriteString("\n")
	}
	b.WriteString(end)
	return b.String()
}

// checkWhole compares a page.
func checkWhole(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Errorf("%s is not fresh; run go test ./internal/policy -run TestDocs -update (-want +got)\n%s", path, diff)
	}
}

// checkPage compares the generated part of a page.
func checkPage(t *testing.T, path, want string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(raw), begin)
	got, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for its table", path)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s is not fresh; run go test ./internal/policy -run TestDocs -update (-want +got)\n%s", path, diff)
	}
}

func indexTables() string {
	var b strings.Builder
	b.WriteString("\n| policy | sections | scopes | what it is about | |\n|---|---|---|---|---|\n")
	list := catalogue()
	for i := range list {
		e := &list[i]
		name, state := "`"+e.name+"`", "refused: "+strings.TrimPrefix(e.why(), "is ")
		if e.described() {
			name = fmt.Sprintf("[`%s`](policies/%s.md)", e.name, e.name)
		}
		if e.compile != nil {
			state = "runs, tier " + string(e.tier)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", name, or(e.sections.String(), resolver), placeWords(e.scopes), e.does, state)
	}
	return b.String() + "\n"
}

func placeWords(s scopeSet) string {
	if s == everyScope {
		return "all"
	}
	return s.String()
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func policyTables(e *entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nSections: %s. Scopes: %s.", or(e.sections.String(), resolver), e.scopes)
	if e.tier != "" {
		fmt.Fprintf(&b, " Tier: %s.", e.tier)
	}
	b.WriteByte('\n')
	if e.expression {
		b.WriteString("The text may be an expression.\n")
	}
	writeAttributes(&b, "", e.attributes)
	writeChildren(&b, "", e.children)
	return b.String() + "\n"
}

func writeAttributes(b *strings.Builder, of string, attributes []attribute) {
	if len(attributes) == 0 {
		return
	}
	fmt.Fprintf(b, "\n| attribute%s | needed | value | default |\n|---|---|---|---|\n", of)
	for _, a := range attributes {
		needed, v := "no", a.expected
		if a.required {
			needed = "yes"
		}
		if a.expression {
			v += " (or an expression)"
		}
		if a.refused != "" {
			needed, v = "refused", a.refused
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", a.name, needed, v, or(a.otherwise, "-"))
	}
}

func writeChildren(b *strings.Builder, of string, children []child) {
	if len(children) == 0 {
		return
	}
	fmt.Fprintf(b, "\n| element%s | how often | content |\n|---|---|---|\n", of)
	for _, k := range children {
		often := "0..1"
		switch {
		case k.required && k.many:
			often = "1.."
		case k.required:
			often = "1"
		case k.many:
			often = "0.."
		}
		content := k.expected
		if k.expression {
			content += " (or an expression)"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", k.name, often, content)
	}
	for _, k := range children {
		writeAttributes(b, " of `"+k.name+"`", k.attributes)
		writeChildren(b, " of `"+k.name+"`", k.children)
	}
}

// checkExamples compiles the XML of a page: whole documents, fragments, or
// policies of a section that the comment before them names, inbound without.
// Those of a policy that is only looked at may hold nothing else that is wrong.
func checkExamples(t *testing.T, path string, looked bool) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	examples := strings.Split(string(raw), xmlBegin)[1:]
	if len(examples) == 0 {
		t.Errorf("%s has no example", path)
	}
	values := &NamedValues{}
	env := Env{
		NamedValues: values, Loggers: []string{"audit-hub"}, Backends: []Backend{{ID: "openai-east"}, {ID: "embeddings"}},
		Fragments: []*site.Fragment{{ID: "common-headers", Policy: &site.PolicyFile{Path: "fragment", Source: []byte("<fragment />")}}},
	}
	for i, example := range examples {
		example, _, _ = strings.Cut(example, "```")
		if looked {
			checkLooked(t, example)
			continue
		}
		example = inSection(example)
		scopes := Scopes{API: &site.PolicyFile{Path: fmt.Sprintf("%s (example %d)", path, i+1), Source: []byte(example)}}
		if strings.Contains(example, "<!-- product -->") {
			scopes.Product, scopes.API = scopes.API, nil
		}
		if strings.Contains(example, "the global document") {
			scopes.Global, scopes.API = scopes.API, nil
		}
		if _, problems := Compile(scopes, env); len(problems) > 0 {
			t.Errorf("%v", problems)
		}
	}
}

// inSection puts policies into the section that the comment before them names.
func inSection(example string) string {
	if strings.HasPrefix(example, "<policies>") || strings.HasPrefix(example, "<!-- resolver -->") {
		return example
	}
	where := "inbound"
	if m := regexp.MustCompile(`^<!-- (inbound|backend|outbound|on-error) -->`).FindStringSubmatch(example); m != nil {
		where = m[1]
	}
	return "<policies><" + where + ">" + example + "</" + where + "></policies>"
}

// checkLooked: nothing is wrong with an example but that it does not run.
func checkLooked(t *testing.T, example string) {
	t.Helper()
	got := CheckDocument(&site.PolicyFile{Path: "example", Source: []byte(inSection(example))}, Defined{Any: true, NamedValues: &NamedValues{}})
	for _, p := range got.Problems {
		if p.Code != "policy-not-built" && p.Code != "no-root" {
			t.Errorf("%v", p)
		}
	}
}
