package testenv

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Strict reports whether a missing part fails a test instead of skipping it.
func Strict() bool { return os.Getenv("CLOISTER_TEST_STRICT") == "1" }

// Missing ends the test because a part that it needs is not here: skipped, or
// failed under [Strict]. The reason should name the part and how to get it.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if Strict() {
		t.Fatalf("missing part: "+format, args...)
	} else {
		t.Skipf("missing part: "+format, args...)
	}
}

// Need returns the path of a tool: the repository's own tools (.cache/bin)
// come first, then PATH, then the directories of system administration, which
// are not in every user's PATH. Without the tool the test ends by [Missing].
func Need(t testing.TB, tool string) string {
	t.Helper()
	if path, ok := Find(t, tool); ok {
		return path
	}
	Missing(t, "%s is not installed; run: sudo make deps", tool)
	return ""
}

// Find is [Need] for a tool that a test can do without.
func Find(t testing.TB, tool string) (path string, ok bool) {
	t.Helper()
	for _, dir := range []string{filepath.Join(Root(t), ".cache", "bin"), "", "/usr/local/sbin", "/usr/sbin", "/sbin"} {
		name := tool
		if dir != "" {
			name = filepath.Join(dir, tool)
		}
		if path, err := exec.LookPath(name); err == nil {
			return path, true
		}
	}
	return "", false
}

// NeedRoot ends the test by [Missing] unless it runs as root: network
// namespaces need it.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		// Not Missing: "make test" is promised to work as any user, and a user
		// cannot be installed.
		t.Skip("needs root: this test makes network namespaces")
	}
}

// Root returns the root of the repository: the directory with go.mod above
// the test's own.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if isRoot(dir) {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("the test does not run inside the repository")
		}
		dir = up
	}
}

// isRoot tells the repository from the nested modules in it.
func isRoot(dir string) bool {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && bytes.HasPrefix(mod, []byte("module github.com/cloister-ai/cloister\n"))
}
