package telemetry

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// tableUnder are the rows of the first table of docs/telemetry.md under a
// heading, without its head; code marks are gone from the first cell.
func tableUnder(t *testing.T, heading string) [][]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/telemetry.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("docs/telemetry.md has no heading %q", heading)
	}
	_, rest, _ = strings.Cut(rest, "\n|---")
	_, rest, _ = strings.Cut(rest, "\n")
	var rows [][]string
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		var row []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|\n"), "|") {
			row = append(row, strings.TrimSpace(cell))
		}
		row[0] = strings.Trim(row[0], "`")
		rows = append(rows, row)
	}
	return rows
}

func column(rows [][]string, i int) []string {
	var out []string
	for _, r := range rows {
		out = append(out, r[i])
	}
	return out
}

// TestDocs holds docs/telemetry.md against what leaves the process: nothing is
// missing from the page, and nothing on it is made up.
func TestDocs(t *testing.T) {
	t.Run("record", func(t *testing.T) {
		r := full()
		r.Path = strings.Repeat("x", maxPath+1)
		want := members(t, r.appendLine(nil, "contoso"))
		if diff := cmp.Diff(want, column(tableUnder(t, "## Access records"), 0)); diff != "" {
			t.Errorf("members of a record, in the order of the line (-line +page)\n%s", diff)
		}
	})
	t.Run("metrics", func(t *testing.T) {
		got := tableUnder(t, "## Metrics")
		want := registered(t)
		for _, row := range got { // Gather sorts labels, a page need not
			list := strings.Split(row[2], ", ")
			slices.Sort(list)
			row[2] = strings.Join(list, ", ")
		}
		slices.SortFunc(got, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("metrics (-registered +page)\n%s", diff)
		}
	})
	t.Run("spans", func(t *testing.T) {
		want := spanAttributes(t)
		got := map[string]string{}
		for _, row := range tableUnder(t, "## Traces") {
			got[row[0]] = row[1]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("attributes of spans (-sent +page)\n%s", diff)
		}
	})
}

// members are the names in a line, in its order, those of objects behind a
// dot.
func members(t *testing.T, line []byte) []string {
	t.Helper()
	var out []string
	prefix, isKey, lists := "", true, 0
	dec := json.NewDecoder(bytes.NewReader(line))
	depth := 0
	for {
		tok, err := dec.Token()
		if err != nil {
			return out
		}
		switch tok := tok.(type) {
		case json.Delim:
			switch tok {
			case '{':
				depth++
				if depth == 2 {
					prefix = out[len(out)-1] + "."
					out = out[:len(out)-1]
				}
			case '}':
				depth--
				prefix = ""
			case '[':
				lists++
				continue
			case ']':
				lists--
			}
			isKey = true
		default:
			if lists > 0 {
				continue
			}
			if isKey {
				out = append(out, prefix+tok.(string))
			}
			isKey = !isKey
		}
	}
}

// registered are the rows that the page should have: name, type, labels, help.
// Every metric is touched first, so that it is shown with its labels.
func registered(t *testing.T) [][]string {
	t.Helper()
	m := NewMetrics(Build{Version: "1"})
	for _, decision := range []Decision{Allow, Deny} {
		r := full()
		r.Decision, r.Cut, r.Tokens = decision, "", Tokens{Known: true, Prompt: 1, Completion: 1, Total: 2}
		m.Observe(r)
	}
	m.refusedEarly("framing")
	m.EgressUsed("model", "h")
	m.Background("call", "sent")
	m.EgressRefused("model", "h", "not-listed")
	m.Reloaded(true, full().Time)
	m.certificates.WithLabelValues("h").Set(1)
	gathered, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for _, f := range gathered {
		if name := f.GetName(); strings.HasPrefix(name, "cloister_") || strings.HasPrefix(name, "gen_ai_") {
			var labels []string
			for _, l := range f.GetMetric()[0].GetLabel() {
				labels = append(labels, "`"+l.GetName()+"`")
			}
			rows = append(rows, []string{name, strings.ToLower(f.GetType().String()), strings.Join(labels, ", "), f.GetHelp()})
		}
	}
	shown := column(rows, 0)
	for _, name := range described(m) {
		if !slices.Contains(shown, name) {
			t.Errorf("this test does not touch %s", name)
		}
	}
	return rows
}

// described are the names of all metrics of ours, touched or not.
func described(m *Metrics) []string {
	descs := make(chan *prometheus.Desc, 1024)
	m.registry.Describe(descs)
	close(descs)
	var out []string
	for d := range descs {
		_, name, _ := strings.Cut(d.String(), `fqName: "`)
		name, _, _ = strings.Cut(name, `"`)
		if strings.HasPrefix(name, "cloister_") || strings.HasPrefix(name, "gen_ai_") {
			out = append(out, name)
		}
	}
	return out
}

// spanAttributes are the attributes that leave, with the spans that have them.
func spanAttributes(t *testing.T) map[string]string {
	t.Helper()
	rec := newReceiver(t)
	tr := startTracing(t, rec, nil)
	r := full()
	r.Decision, r.Tokens = Deny, Tokens{Known: true, Prompt: 7, Completion: 20, Total: 27}
	traceOne(tr, r)
	shutdown(t, tr)
	out := map[string]string{}
	for key := range attrs(rec.span(t, "POST openai/chat-completions").Attributes) {
		out[key] = "server"
	}
	for key := range attrs(rec.span(t, "chat gpt-4o-mini").Attributes) {
		switch out[key] {
		case "server":
			out[key] = "both"
		default:
			out[key] = "client"
		}
	}
	return out
}
