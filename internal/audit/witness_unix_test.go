//go:build !windows

package audit_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cloister-ai/cloister/internal/audit"
)

// TestFileWitnessIsGuarded: whoever can write beside the witness can neither
// make the gateway wait for a pipe, nor fill its memory, nor lead it elsewhere.
func TestFileWitnessIsGuarded(t *testing.T) {
	dir := t.TempDir()
	elsewhere := filepath.Join(dir, "elsewhere")
	write(t, []byte("secret"), elsewhere)
	for name, make := range map[string]func(path string) error{
		"a pipe":    func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a link":    func(path string) error { return os.Symlink(elsewhere, path) },
		"a device":  func(path string) error { return os.Symlink("/dev/zero", path) },
		"endless":   func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("x", 64<<10+1)), 0o600) },
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		path := filepath.Join(dir, name)
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		w := audit.FileWitness(path)
		if got, err := w.Get(t.Context()); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}
