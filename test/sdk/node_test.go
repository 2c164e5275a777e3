package sdk

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// TestNode runs node/*.test.mjs with Node's own test runner.
func TestNode(t *testing.T) {
	dir := filepath.Join(testenv.Root(t), "test", "sdk", "node")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "openai", "package.json")); errors.Is(err, os.ErrNotExist) {
		testenv.Missing(t, "the npm packages of test/sdk/node are not installed; run: make deps")
	}
	node := nodeBinary(t, dir)
	up := testenv.Up(t)
	files, err := filepath.Glob(filepath.Join(dir, "*.test.mjs"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %s: %v", dir, err)
	}
	cmd := exec.Command(node, append([]string{"--test", "--test-reporter=spec", "--test-concurrency=1"}, files...)...)
	cmd.Dir = dir
	// The CA is all that a Node application is told besides the address.
	cmd.Env = append(up.Environ(), "NODE_EXTRA_CA_CERTS="+up.Env["CLOISTER_CA"], "NO_COLOR=1")
	p := testenv.Start(t, cmd)
	if code := p.Wait(t, 3*time.Minute); code != 0 {
		t.Fatalf("node --test ended with %d:\n%s", code, p.Output())
	}
	// A runner that finds no test is content.
	if !strings.Contains(p.Output(), "pass 18\n") {
		t.Errorf("another number of tests ran than were written:\n%s", p.Output())
	}
}

// nodeBinary is the Node that package-lock.json pins, else the one in PATH:
// Debian's is older than what the SDKs ask for.
func nodeBinary(t *testing.T, dir string) string {
	t.Helper()
	pinned := filepath.Join(dir, "node_modules", ".bin", "node")
	if _, err := os.Stat(pinned); err == nil {
		return pinned
	}
	return testenv.Need(t, "node")
}
