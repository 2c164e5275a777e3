package mono_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/testenv"
	"github.com/cloister-ai/cloister/test/oracle"
	"github.com/cloister-ai/cloister/test/oracle/mono"
)

func compiler(t *testing.T) *mono.Mono {
	t.Helper()
	mcs, runtime := testenv.Need(t, "mcs"), testenv.Need(t, "mono")
	m, err := mono.New(t.Context(), mcs, runtime, filepath.Join(testenv.Root(t), ".cache", "oracle"))
	if err != nil {
		testenv.Missing(t, "%v", err)
	}
	return m
}

// TestRecordedAnswers asks again for a few answers of every table.
func TestRecordedAnswers(t *testing.T) {
	m := compiler(t)
	tables, err := oracle.LoadTables(oracle.Files())
	if err != nil {
		t.Fatal(err)
	}
	var rows []*oracle.Row
	var programs []mono.Program
	for _, table := range tables {
		all := table.Rows()
		for i := 0; i < len(all); i += max(1, len(all)/5) {
			if all[i].Recorded {
				rows = append(rows, all[i])
				programs = append(programs, mono.Program{Expression: all[i].Program(), Context: all[i].Context})
			}
		}
	}
	results, err := m.Run(t.Context(), programs)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		if results[i].Trouble != "" {
			t.Errorf("%s: %s", r.ID, results[i].Trouble)
		} else if text := oracle.Compare(r.Want, results[i].Answer); text != "" {
			t.Errorf("%s: %s", r.ID, text)
		}
	}
}

// TestMembers: members.txt is what the assemblies here have.
func TestMembers(t *testing.T) {
	got, err := compiler(t).Members(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, err := oracle.Files().Open("members.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	text := make([]byte, len(got)+1)
	n, _ := want.Read(text)
	if string(text[:n]) != string(got) {
		t.Error("members.txt is not what Mono has; run: make oracle-members")
	}
}

// TestTrouble: bad programs leave the others alone.
func TestTrouble(t *testing.T) {
	m := compiler(t)
	m.RowTimeout = 3 * time.Second
	programs := []string{
		`@(1 + 1)`,
		`@{ while (true) { } }`,
		`@(}`,
		`@(Guid.NewGuid())`,
		`@(new string('x', 100000))`,
		`@{ object o = 5; switch (o) { case int n: return n; } return 0; }`, // breaks mcs
		`@{ Func<int, int> f = null; f = n => f(n) + 1; return f(0); }`,
		`@{ System.Environment.FailFast("x"); return 1; }`,
		`@("last")`,
	}
	want := []string{`"value":2`, "hangs", "compile", "second time", "bytes", "CS0589", "limit of the machine", "ends the process", `"value":"last"`}
	var list []mono.Program
	for _, p := range programs {
		list = append(list, mono.Program{Expression: p, Context: json.RawMessage("{}")})
	}
	results, err := m.Run(context.Background(), list)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if text := r.Trouble + " " + r.Answer.String(); !strings.Contains(text, want[i]) {
			t.Errorf("%s: got %s, want %s", programs[i], text, want[i])
		}
	}
	broken, err := m.Run(context.Background(), []mono.Program{{Expression: "@(1)", Context: json.RawMessage(`{"requests":{}}`)}})
	if err != nil || !strings.Contains(broken[0].Trouble, "unknown member requests") {
		t.Errorf("got %+v, %v", broken, err)
	}
}
