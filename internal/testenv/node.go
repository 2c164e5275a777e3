package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// NodeTests runs test files of test/sdk/node, named by a pattern below it, with
// Node's own test runner; want is how many tests are in them, because a runner
// that finds none is content. Within is a command that runs the one behind it, as
// one that leads into another network does. Without npm's packages the test ends
// by [Missing].
func NodeTests(t testing.TB, pattern string, want int, env []string, within ...string) {
	t.Helper()
	dir := filepath.Join(Root(t), "test", "sdk", "node")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "openai", "package.json")); errors.Is(err, os.ErrNotExist) {
		Missing(t, "the npm packages of test/sdk/node are not installed; run: make deps")
	}
	files, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern)))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests %s in %s: %v", pattern, dir, err)
	}
	argv := slices.Concat(within, []string{nodeBinary(t, dir), "--test", "--test-reporter=spec", "--test-concurrency=1"}, files)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(env, "NO_COLOR=1")
	p := Start(t, cmd)
	if code := p.Wait(t, 3*time.Minute); code != 0 {
		t.Fatalf("node --test ended with %d:\n%s", code, p.Output())
	}
	if !strings.Contains(p.Output(), fmt.Sprintf("pass %d\n", want)) {
		t.Errorf("another number of tests ran than were written:\n%s", p.Output())
	}
}

// nodeBinary is the Node that package-lock.json pins, else the one in PATH:
// Debian's is older than what the SDKs ask for.
func nodeBinary(t testing.TB, dir string) string {
	t.Helper()
	pinned := filepath.Join(dir, "node_modules", ".bin", "node")
	if _, err := os.Stat(pinned); err == nil {
		return pinned
	}
	return Need(t, "node")
}
