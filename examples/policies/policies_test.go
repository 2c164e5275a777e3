// Package policies holds a site with tested policies, and the test that its tests
// pass and the site is in order.
package policies

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
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
	out := run("policy", "test", "--coverage")
	if !strings.Contains(out, "ok 13 tests, 0 failed") {
		t.Errorf("the tests printed:\n%s", out)
	}
	documents, policies, of := 0, 0, 0
	for _, m := range regexp.MustCompile(`(?m)^coverage of .*: (\d+) of (\d+) policies, (\d+) of (\d+) branches$`).FindAllStringSubmatch(out, -1) {
		documents++
		for i, sum := range []*int{&policies, &of, &policies, &of} {
			n, err := strconv.Atoi(m[i+1])
			if err != nil {
				t.Fatal(err)
			}
			*sum += n
		}
	}
	if documents < 5 || policies < of {
		t.Errorf("of the policies and branches of %d documents %d of %d ran, want all:\n%s", documents, policies, of, out)
	}
	run("ca", "init", ".")
	if out := run("check", "."); strings.Contains(out, "error:") {
		t.Errorf("check printed:\n%s", out)
	}
	run("policy", "check", ".")
}
