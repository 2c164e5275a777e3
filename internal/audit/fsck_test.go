package audit_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/testenv"
)

// fsck runs the independent verifier. On damage it tries again for ever, so it
// gets little time; it says on stderr what it found.
func fsck(t *testing.T, dir string, patience time.Duration) (ok bool, said string) {
	t.Helper()
	tool := testenv.Need(t, "fsck")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, _ := exec.CommandContext(ctx, tool, "-ui=false", "-logtostderr", "-v=1",
		"-storage_url", "file://"+dir+"/", "-public_key", filepath.Join(dir, "audit.pub")).CombinedOutput()
	return strings.Contains(string(out), "Successfully fsck'd log"), string(out)
}

// sized makes a closed log of a size and returns its directory and key.
func sized(t *testing.T, size int) (dir, verifier string) {
	t.Helper()
	signer, verifier := newKey(t)
	dir = filepath.Join(t.TempDir(), "audit")
	l := open(t, dir, audit.Options{Key: signer})
	// In pieces, so that batches and publications end in all kinds of places.
	for n := 0; n < size; {
		m := min(size, n+1+n/3)
		fill(t, l, n, m)
		n = m
	}
	closeLog(t, l)
	return dir, verifier
}

// TestIndependentVerifier: another program, by other people, accepts what we
// write, at sizes around those of tiles and of tiles of tiles.
func TestIndependentVerifier(t *testing.T) {
	for _, size := range []int{0, 1, 2, 255, 256, 257, 511, 70_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			dir, verifier := sized(t, size)
			report := verify(t, dir, verifier, nil)
			if !report.OK() || report.Size != uint64(size) || report.Published != uint64(size) || len(report.Notes) > 0 {
				t.Errorf("our verifier: %+v", report)
			}
			ok, said := fsck(t, dir, 20*time.Second)
			if !ok || !strings.Contains(said, fmt.Sprintf("log with size %d ", size)) {
				t.Errorf("fsck does not accept the log:\n%s", said)
			}
		})
	}
}

// TestIndependentVerifierFinds: it finds what a published log can show by
// itself.
func TestIndependentVerifierFinds(t *testing.T) {
	signer, _ := newKey(t)
	template := filepath.Join(t.TempDir(), "audit")
	l := open(t, template, audit.Options{Key: signer})
	fill(t, l, 0, 600)
	closeLog(t, l)
	for _, m := range manipulations() {
		if !m.fsck {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			dir := copyLog(t, template)
			m.do(t, dir, signer)
			if ok, said := fsck(t, dir, 1500*time.Millisecond); ok {
				t.Errorf("fsck accepts the log:\n%s", said)
			}
		})
	}
}

func verify(t testing.TB, dir, verifier string, witness []byte) *audit.Report {
	t.Helper()
	report, err := audit.Verify(dir, verifier, audit.VerifyOptions{Witness: witness})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func read(t testing.TB, path ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t testing.TB, data []byte, path ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(path...), data, 0o600); err != nil {
		t.Fatal(err)
	}
}
