package simulate

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// TestDocs: the example of docs/policies/testing.md does what the page says.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(testenv.Root(t), "docs", "policies", "testing.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	block := func(kind string) []byte {
		m := regexp.MustCompile("(?s)\n```"+kind+"\n(.*?)```\n").FindAllSubmatch(page, -1)
		if len(m) != 1 {
			t.Fatalf("the page has %d examples of %s", len(m), kind)
		}
		return m[0][1]
	}
	if err := os.WriteFile(filepath.Join(dir, "policy.xml"), block("xml"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := ReadTests(filepath.Join(dir, "policy.test.yaml"), block("yaml"))
	if err != nil {
		t.Fatal(err)
	}
	tested, err := f.RunTests(t.Context(), dir, false)
	if err != nil || tested.Problems.HasErrors() {
		t.Fatal(err, tested.Problems.Err())
	}
	if len(tested.Results) != 2 {
		t.Errorf("%d tests ran", len(tested.Results))
	}
	for _, r := range tested.Results {
		for _, text := range r.Failures {
			t.Errorf("%s: %s", r.Name, text)
		}
	}
	for _, d := range tested.Coverage.Documents() {
		if len(d.Missed) > 0 || d.OfPolicies != 6 || d.OfBranches != 1 {
			t.Errorf("coverage: %+v", d)
		}
	}
}
