package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/policy/simulate"
	"github.com/cloister-ai/cloister/internal/testenv"
)

// TestPolicyTestManual: the example of the manual does what it says, with the
// document of docs/policies/testing.md.
func TestPolicyTestManual(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(testenv.Root(t), "docs", "policies", "testing.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, document, _ := strings.Cut(string(page), "\n```xml\n")
	document, _, _ = strings.Cut(document, "```\n")
	_, example, _ := strings.Cut(policyTestCommand().long, "\n\n")
	example, _, _ = strings.Cut(example, "\n\n")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "policy.xml"), []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := simulate.ReadTests(filepath.Join(dir, "policy.test.yaml"), []byte("  lenientNames: true\n"+example))
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
}
