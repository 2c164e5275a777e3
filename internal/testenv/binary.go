package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// Binary builds cmd/cloister and returns the path of the program. All tests
// share one file: the first builds it, for the others "go build" finds that
// nothing is to be done.
func Binary(t testing.TB) string {
	t.Helper()
	root := Root(t)
	dir := filepath.Join(root, ".cache", "test")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	unlock := lock(t, filepath.Join(dir, "build.lock"))
	defer unlock()
	path := filepath.Join(dir, "cloister")
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, "./cmd/cloister")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building cmd/cloister: %v\n%s", err, out)
	}
	return path
}

// lock holds a file lock across processes: "go test ./..." runs packages at
// the same time, and two builds must not write one file.
func lock(t testing.TB, path string) (unlock func()) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		t.Fatalf("locking %s: %v", path, err)
	}
	return func() { f.Close() }
}
