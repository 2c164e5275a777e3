// Package policies holds a site with tested policies, and the test that its tests
// pass and the site is in order.
package policies

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// TestExample: what the README says works: the tests of the policies pass and run
// every policy, and the site can be loaded.
func TestExample(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "site")
	if err := os.CopyFS(dir, os.DirFS("site")); err != nil {
		t.Fatal(err)
	}
	binary := testenv.Binary(t)
	run := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), binary, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("cloister %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	if out := run("policy", "test", "--coverage"); !strings.Contains(out, "ok 7 tests, 0 failed") {
		t.Errorf("the tests printed:\n%s", out)
	}
	run("ca", "init", ".")
	if out := run("check", "."); strings.Contains(out, "error:") {
		t.Errorf("check printed:\n%s", out)
	}
	run("policy", "check", ".")
}
