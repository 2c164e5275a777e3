package testenv

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Bounds on a private "cloister up". They are generous: a test machine may be
// busy, and a bound that fires for that reason proves nothing.
const (
	startTimeout = 60 * time.Second
	stopTimeout  = 40 * time.Second
)

// UpProcess is a running "cloister up".
type UpProcess struct {
	*Process
	// Dir is its --dir.
	Dir string
	// Env is what Dir/cloister.env exports.
	Env map[string]string
}

// Up starts "cloister up" in a directory of its own on a free port, waits for
// its environment file and stops it with SIGINT when the test ends, where the
// exit code has to be 0.
func Up(t testing.TB) *UpProcess {
	t.Helper()
	return UpIn(t, t.TempDir())
}

// UpIn is [Up] in a given directory, for tests that start it twice.
func UpIn(t testing.TB, dir string) *UpProcess {
	t.Helper()
	env := filepath.Join(dir, "cloister.env")
	// The file of an earlier start would look like readiness.
	if err := os.Remove(env); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	cmd := exec.Command(Binary(t), "up", "--dir", dir, "--listen", "127.0.0.1:0")
	u := &UpProcess{Process: Start(t, cmd), Dir: dir}
	t.Cleanup(func() { u.Stop(t) })
	u.Env = u.await(t, env)
	return u
}

// Stop sends SIGINT and requires a clean end. It may be called twice.
func (u *UpProcess) Stop(t testing.TB) {
	t.Helper()
	if u.exited() {
		return
	}
	u.Signal(t, os.Interrupt)
	if code := u.Wait(t, stopTimeout); code != 0 {
		t.Errorf("cloister up ended with %d after SIGINT; it printed:\n%s", code, u.Output())
	}
}

// await waits for the environment file: it is written when everything answers.
func (u *UpProcess) await(t testing.TB, path string) map[string]string {
	t.Helper()
	deadline := time.After(startTimeout)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-u.Done():
			t.Fatalf("cloister up ended before it was ready; it printed:\n%s", u.Output())
		case <-deadline:
			t.Fatalf("no %s after %v; cloister up printed:\n%s", path, startTimeout, u.Output())
		case <-tick.C:
		}
		if _, err := os.Stat(path); err == nil {
			return ReadEnvFile(t, path)
		}
	}
}

// ReadEnvFile reads a file of shell export lines, as "cloister up" writes it.
func ReadEnvFile(t testing.TB, path string) map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	env := map[string]string{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		name, value, err := parseExport(sc.Text())
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if name != "" {
			env[name] = value
		}
	}
	return env
}

// parseExport reads one line: blank, a comment, or "export NAME=VALUE" with a
// value that is bare or in single or double quotes. The shell could read more;
// a file for people and programs should not need it.
func parseExport(line string) (name, value string, err error) {
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, "#") {
		return "", "", nil
	}
	rest, ok := strings.CutPrefix(line, "export ")
	name, value, eq := strings.Cut(rest, "=")
	if !ok || !eq {
		return "", "", fmt.Errorf("not an export line: %q", line)
	}
	switch {
	case len(value) >= 2 && value[0] == '\'' && value[len(value)-1] == '\'':
		value = strings.ReplaceAll(value[1:len(value)-1], `'\''`, `'`)
	case len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"':
		value = value[1 : len(value)-1]
		if strings.ContainsAny(value, "\"$`\\") {
			return "", "", fmt.Errorf("a value that only a shell can read: %q", line)
		}
	case strings.ContainsAny(value, " \t'\"$`\\"):
		return "", "", fmt.Errorf("a value that only a shell can read: %q", line)
	}
	return name, value, nil
}

// Environ is the environment of the test with the exports added, for
// [exec.Cmd.Env].
func (u *UpProcess) Environ() []string {
	env := os.Environ()
	for name, value := range u.Env {
		env = append(env, name+"="+value)
	}
	return env
}
