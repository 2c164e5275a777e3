package site

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestPaste does what the mends of a site say until it loads: each entry goes
// where the mend puts it, whatever the style of the file.
func TestPaste(t *testing.T) {
	const head = "name: contoso\nlisteners: [{address: 10.1.2.3, port: 443}]\nhostnames: [{name: openai.contoso.internal}]\n"
	const backend = "backends: {b: {url: \"https://b.internal\", credential: {none: true}}}\n"
	apim := map[string]string{
		"apim/policy.xml": "<policies><inbound><set-header name=\"a\"><value>{{signing-key}}</value></set-header></inbound></policies>",
		"apim/named values/k/namedValueInformation.json": `{"properties": {"displayName": "signing-key", "secret": true}}`,
		"apim/backends/c/backendInformation.json":        `{"properties": {"url": "https://[fd00::7]:8443/v1", "proxy": {"url": "https://x"}}}`,
		"apim/backends/p/backendInformation.json":        `{"properties": {"url": "https://p.internal", "proxy": {"url": "https://x"}}}`,
	}
	for name, config := range map[string]string{
		"nothing given":    head + backend,
		"no newline":       strings.TrimSuffix(head+backend, "\n"),
		"other class":      head + backend + "destinations:\n  # calls\n  call:\n  - {host: x.internal}\n",
		"block list":       head + "destinations:\n    model:\n\n    # the first\n    -   host: x.internal\n    identity: []\nnamedValues:\n   # keys\n   other: {env: O}\nacceptedFields:\n- path: a#b\n  reason: r\n" + backend,
		"flow list":        head + "destinations: {identity: [], model: [{host: x.internal}]}\nnamedValues: {other: {env: O}}\nacceptedFields: [{path: \"a#b\", reason: r}]\n" + backend,
		"empty flow":       head + "destinations: {}\nnamedValues: {}\nacceptedFields: []\n" + backend,
		"flow over lines":  head + "destinations: {\n  model: [\n    {host: x.internal}\n  ]\n}\n" + backend,
		"JSON":             `{"name": "contoso", "listeners": [{"address": "10.1.2.3", "port": 443}], "hostnames": [{"name": "a.internal"}], "backends": {"b": {"url": "https://b.internal", "credential": {"none": true}}}}`,
		"Windows":          strings.ReplaceAll("\ufeff"+head+backend+"destinations:\n  model:\n  - {host: x.internal}\n", "\n", "\r\n"),
		"nothing in list":  head + backend + "destinations:\n  model:   # later\n  identity: []\n",
		"nothing in class": head + backend + "destinations:\n",
		"null":             head + backend + "destinations:\n  model: null\n",
		"null in flow":     head + backend + "destinations: {model: ~, identity: []}\n",
		"indented by none": head + "destinations:\n model:\n - {host: x.internal}\n" + backend,
	} {
		t.Run(name, func(t *testing.T) {
			files := maps.Clone(apim)
			files["cloister.yaml"] = config
			if strings.Contains(config, "other:") {
				files["apim/named values/o/namedValueInformation.json"] = `{"properties": {"displayName": "other", "secret": true}}`
			}
			pasted := 0
			for range 10 {
				s, ps := load(t, files)
				if s != nil {
					if pasted != 6 || len(s.Config.AcceptedFields) < 2 {
						t.Errorf("pasted %d entries, not 6:\n%s", pasted, files["cloister.yaml"])
					}
					return
				}
				i := slices.IndexFunc(ps, func(p Problem) bool {
					return p.Severity == Error && (strings.Contains(p.Mend, "add to ") || strings.Contains(p.Mend, "write for "))
				})
				if i < 0 {
					t.Fatalf("no mend to paste:\n%s\n%s", render(ps), files["cloister.yaml"])
				}
				files["cloister.yaml"] = pasteMend(t, files["cloister.yaml"], ps[i].Mend)
				pasted++
			}
			t.Errorf("does not load:\n%s", files["cloister.yaml"])
		})
	}
}

// pasteMend does what a mend says, to the letter.
func pasteMend(t *testing.T, file, mend string) string {
	t.Helper()
	head, entry, ok := strings.Cut(mend, "\n")
	if !ok || !strings.Contains(head, "cloister.yaml") || !strings.HasSuffix(head, ":") {
		t.Fatalf("not a mend to paste: %q", mend)
	}
	head = strings.TrimSuffix(head, ":")
	lines := strings.SplitAfter(file, "\n")
	if _, line, ok := strings.Cut(head, ", above line "); ok {
		n := number(t, line)
		return strings.Join(lines[:n-1], "") + entry + "\n" + strings.Join(lines[n-1:], "")
	}
	if _, line, ok := strings.Cut(head, ", below line "); ok {
		n := number(t, line)
		return strings.Join(lines[:n], "") + entry + "\n" + strings.Join(lines[n:], "")
	}
	if _, place, ok := strings.Cut(head, ", in the place of nothing at "); ok {
		line, column, _ := strings.Cut(place, ":")
		l, c := number(t, line)-1, number(t, column)
		rest := strings.TrimPrefix(strings.TrimPrefix(lines[l][c-1:], "null"), "~")
		lines[l] = lines[l][:c-1] + entry + rest
		return strings.Join(lines, "")
	}
	if _, place, ok := strings.Cut(head, ", behind the "); ok {
		line, column, _ := strings.Cut(place[len("{ at "):], ":")
		l, c := number(t, line)-1, number(t, column)
		if lines[l][c-1] != place[0] {
			t.Fatalf("no %c there: %q", place[0], mend)
		}
		lines[l] = lines[l][:c] + entry + lines[l][c:]
		return strings.Join(lines, "")
	}
	return strings.TrimSuffix(file, "\n") + "\n" + entry + "\n"
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestPasteWithoutConfig: the mend stands even where cloister.yaml cannot be
// read.
func TestPasteWithoutConfig(t *testing.T) {
	_, ps := load(t, map[string]string{"apim/backends/c/backendInformation.json": `{"properties": {"url": "https://c.internal", "proxy": {"url": "https://x"}}}`})
	want := "remove it, or, to do without, add to cloister.yaml:\nacceptedFields:\n" +
		`  - {path: "apim/backends/c/backendInformation.json#properties.proxy", reason: …}`
	if !slices.ContainsFunc(ps, func(p Problem) bool { return p.Mend == want }) {
		t.Error(render(ps))
	}
}
