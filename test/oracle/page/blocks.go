package page

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/test/oracle"
)

// Blocks are the parts of the page that are made of tables, by their names in
// the page's marks.
func Blocks() (map[string]string, error) {
	differ, err := oracle.LoadDifferences(oracle.Files())
	if err != nil {
		return nil, err
	}
	rows, err := oracle.Load()
	if rows == nil { // what is wrong in a table is for the tests of oracle
		return nil, err
	}
	members, err := oracle.Members(oracle.Files())
	if err != nil {
		return nil, err
	}
	l := newLibrary(csharp.Library(), members)
	return map[string]string{
		"usings":      usings(),
		"absent":      absent(csharp.Absences()),
		"context":     l.context(),
		"types":       l.namespaces(),
		"run":         limits(csharp.RunLimits()),
		"throw":       limits(csharp.ThrowLimits()),
		"compile":     limits(csharp.CompileLimits()),
		"document":    limits(policy.Limits()),
		"language":    deviations(csharp.LanguageDeviations()),
		"library":     deviations(csharp.LibraryDeviations()),
		"of context":  deviations(csharp.ContextDeviations()),
		"of runs":     deviations(csharp.RunDeviations()),
		"differences": differences(differ, rows),
	}, nil
}

// code is text as Markdown shows it unchanged, in a table too.
func code(s string) string {
	quote := "`"
	for strings.Contains(s, quote) {
		quote += "`"
	}
	s = strings.ReplaceAll(s, "|", `\|`)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return quote + s + quote
}

func usings() string {
	var names []string
	for _, name := range check.Usings() {
		names = append(names, code(name))
	}
	return "\n" + strings.Join(names, ", ") + "\n\n"
}

func absent(list []csharp.Absent) string {
	var b strings.Builder
	b.WriteString("\n| what | for example | error |\n|---|---|---|\n")
	for _, a := range list {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", a.What, code(oneLine(a.Shows)), a.Code)
	}
	return b.String() + "\n"
}

func limits(list []csharp.Limit) string {
	var b strings.Builder
	b.WriteString("\n| limit | at most |\n|---|---|\n")
	for _, l := range list {
		fmt.Fprintf(&b, "| %s | %s |\n", l.What, l.Most)
	}
	return b.String() + "\n"
}

func deviations(list []csharp.Deviation) string {
	var b strings.Builder
	b.WriteString("\n")
	for _, d := range list {
		fmt.Fprintf(&b, "- **%s.** %s Here: %s Why: %s\n", d.Name, d.There, lower(d.Here), lower(d.Why))
		if d.Shows != "" {
			fmt.Fprintf(&b, "  <br>%s gives %s\n", code(d.Shows), code(d.Gives))
		}
	}
	return b.String() + "\n"
}

// lower is a sentence behind a colon; names and code stay as they are.
func lower(s string) string {
	word, _, _ := strings.Cut(s, " ")
	if word == "A" || len(word) > 1 && word[0] >= 'A' && word[0] <= 'Z' && strings.ToLower(word[1:]) == word[1:] && !slices.Contains(properNames, strings.TrimSuffix(word, "'s")) {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

var properNames = []string{"Azure", "Go", "Windows"}

// differences lists the rows whose answers are not Mono's, by heading and
// evidence.
func differences(d *oracle.Differences, rows []*oracle.Row) string {
	byID := map[string]*oracle.Row{}
	for _, r := range rows {
		byID[r.ID] = r
	}
	type group struct{ heading, evidence string }
	lines := map[group][]string{}
	var groups []group
	for _, e := range d.Entries() {
		g := group{e.Heading, e.Evidence}
		if lines[g] == nil {
			groups = append(groups, g)
		}
		asked, mono := e.Row, ""
		if r := byID[e.Row]; r != nil {
			asked, mono = short(oneLine(r.Expression)), short(said(r.Want))
		}
		lines[g] = append(lines[g], fmt.Sprintf("| %s | %s | %s |\n", code(asked), code(mono), code(short(said(e.Ours)))))
	}
	var b strings.Builder
	heading := ""
	for _, g := range groups {
		if g.heading != heading {
			heading = g.heading
			fmt.Fprintf(&b, "\n### %s%s\n", strings.ToUpper(heading[:1]), heading[1:])
		}
		fmt.Fprintf(&b, "\n%s:\n\n| expression | Mono | here |\n|---|---|---|\n%s", linked(g.evidence), strings.Join(lines[g], ""))
	}
	return b.String() + "\n"
}

// said is an answer in short: of a refusal the code, and the type of a value
// where the value does not show it.
func said(a oracle.Answer) string {
	switch {
	case a.Refused():
		return a.Error.Code
	case a.Error != nil:
		return oneLine(a.Error.Type + ": " + a.Error.Message)
	case a.Type == "":
		return "null"
	case a.Type == "System.String", a.Type == "System.Boolean", a.Type == "System.Int32":
		return string(a.Value)
	}
	return a.Type + " " + string(a.Value)
}

// short cuts what holds keys and certificates; the rows have all of it.
func short(s string) string {
	const most = 200
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}

// oneLine is an expression as a table shows it.
func oneLine(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, " ⏎ ")
}

// linked is evidence with its addresses as links.
func linked(s string) string {
	words := strings.Split(s, " ")
	for i, w := range words {
		if at := strings.Index(w, "https://"); at == 0 {
			address := strings.TrimRight(w, ":;,")
			words[i] = "<" + address + ">" + w[len(address):]
		}
	}
	return strings.Join(words, " ")
}
