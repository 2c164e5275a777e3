package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// stranger is a user of this machine who has nothing to do with the gateway.
const stranger = 65533

// TestStranger: another user of the same machine can neither read the state nor
// operate the gateway, while it runs and while it does not, and leaves no way
// around the door by the files.
func TestStranger(t *testing.T) {
	testenv.NeedRoot(t)
	s := serveInit(t)
	program := readable(t, testenv.Binary(t))
	// What a careless owner opens: the way to the site and the site itself, and
	// nothing of the state.
	for dir := s.dir; dir != "/"; dir = filepath.Dir(dir) {
		if strings.HasPrefix(dir, os.TempDir()+"/") {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	as := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stranger, Gid: stranger}}
		out, err := cmd.CombinedOutput()
		if err == nil {
			t.Errorf("a stranger succeeds with %q:\n%s", args, out)
		}
		return string(out)
	}
	try := func(when string) {
		for _, args := range [][]string{
			{"status", "--dir", s.dir}, {"reload", s.dir}, {"health", "--dir", s.dir},
			{"subscription", "create", "--dir", s.dir, "mine"}, {"subscription", "list", "--dir", s.dir},
			{"audit", "tail", "--dir", s.dir}, {"audit", "verify", s.dir}, {"audit", "export", s.dir},
			{"backup", "--dir", s.dir, filepath.Join(os.TempDir(), "stolen")}, {"key", "rotate", "--dir", s.dir},
			{"serve", "--detached", s.dir},
		} {
			if out := as(append([]string{program}, args...)...); strings.Contains(out, "mine") && strings.Contains(out, "primaryKey") {
				t.Errorf("%s, %q: %s", when, args, out)
			}
		}
		state := filepath.Join(s.dir, "state")
		for _, name := range []string{"state.db", "keyring", "audit.key", "lock", "audit/checkpoint", "ca/ca.key", "admin.sock"} {
			as("/bin/cat", filepath.Join(state, name))
			as("/bin/sh", "-c", fmt.Sprintf("echo x >> %s", filepath.Join(state, name)))
		}
		as("/bin/ls", state)
		as("/bin/mv", state, state+".mine")
	}
	try("running")
	s.stop(t)
	try("stopped")
	if err := filepath.WalkDir(filepath.Join(s.dir, "state"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 && !strings.HasSuffix(path, "ca.pem") {
			t.Errorf("%s has mode %04o", path, info.Mode().Perm())
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(testenv.Binary(t), "audit", "verify", s.dir).CombinedOutput(); err != nil {
		t.Errorf("the log after all that: %v\n%s", err, out)
	}
}

// readable is a copy of the program that everybody may run.
func readable(t *testing.T, program string) string {
	t.Helper()
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "stranger")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "cloister")
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestNoCoreDumps: the running program leaves no core, whatever kills it.
func TestNoCoreDumps(t *testing.T) {
	s := serveInit(t)
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", s.process.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(limits)) {
		if strings.HasPrefix(line, "Max core file size") {
			if fields := strings.Fields(line); fields[4] != "0" || fields[5] != "0" {
				t.Error(line)
			}
			return
		}
	}
	t.Error("the kernel says nothing of core files")
}
