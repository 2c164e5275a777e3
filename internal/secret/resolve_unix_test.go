//go:build unix

package secret

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

// TestResolveSpecialFiles: what is no file is not waited for, nor read for ever.
func TestResolveSpecialFiles(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, "/dev/zero", "/dev/null"} {
		if _, err := Resolve(&site.SecretRef{File: path}, Env{}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
