package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRoot(t *testing.T) {
	if _, err := os.Stat(filepath.Join(Root(t), "internal", "testenv", "need.go")); err != nil {
		t.Fatal(err)
	}
}

func TestFind(t *testing.T) {
	if path, ok := Find(t, "go"); !ok || !filepath.IsAbs(path) {
		t.Errorf("go: %q, %v", path, ok)
	}
	if path, ok := Find(t, "no-such-tool-as-this"); ok {
		t.Errorf("found %q", path)
	}
}

// recorder is a test that notes how it would have ended.
type recorder struct {
	testing.TB
	skipped, failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Skipf(string, ...any)  { r.skipped = true }
func (r *recorder) Fatalf(string, ...any) { r.failed = true }

func TestMissing(t *testing.T) {
	for _, strict := range []bool{false, true} {
		value := ""
		if strict {
			value = "1"
		}
		t.Setenv("CLOISTER_TEST_STRICT", value)
		r := &recorder{TB: t}
		Missing(r, "nothing")
		if r.failed != strict || r.skipped == strict {
			t.Errorf("strict %v: skipped %v, failed %v", strict, r.skipped, r.failed)
		}
	}
}

func TestReadEnvFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cloister.env")
	text := "# comment\n\nexport A=bare\nexport B='it'\\''s quoted'\nexport C=\"two words\"\nexport D=\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"A": "bare", "B": "it's quoted", "C": "two words", "D": ""}
	if diff := cmp.Diff(want, ReadEnvFile(t, path)); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"A=1", "export A", "export A=$(id)", "export A=\"$B\"", "export A=a b"} {
		if _, _, err := parseExport(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestProcess(t *testing.T) {
	p := Start(t, exec.Command("sh", "-c", "trap 'exit 7' INT; echo ready; while :; do sleep 0.05; done"))
	for p.Output() != "ready\n" {
		time.Sleep(5 * time.Millisecond)
	}
	p.Signal(t, os.Interrupt)
	if code := p.Wait(t, 10*time.Second); code != 7 {
		t.Errorf("exit code %d, want 7", code)
	}
}
