package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// traced runs a gateway's life under strace and returns the system calls that
// it made.
func traced(t *testing.T, strace string) []string {
	t.Helper()
	m := newMachine(t)
	log := filepath.Join(t.TempDir(), "calls")
	p := m.serveUnder(t, []string{strace, "-f", "-qq", "-o", log}, m.sockets(t)...)
	for _, one := range []struct{ method, path, body string }{
		{"GET", "/models", ""}, {"POST", "/chat/completions", `{"model":"gpt-4o","stream":true,"messages":[]}`},
	} {
		if _, err := call(t.Context(), m.client(false, false), one.method, one.path, one.body); err != nil {
			if strings.Contains(p.Output(), "ptrace") {
				testenv.Missing(t, "a machine that lets strace look: %s", p.Output())
			}
			t.Fatalf("%v\n%s", err, p.Output())
		}
	}
	pid := tracee(t, log)
	syscall.Kill(pid, syscall.SIGHUP)
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(p.Output(), "site reloaded"); {
		if time.Now().After(deadline) {
			t.Fatalf("it does not reload:\n%s", p.Output())
		}
		time.Sleep(20 * time.Millisecond)
	}
	syscall.Kill(pid, syscall.SIGTERM)
	if code := p.Wait(t, 60*time.Second); code != 0 {
		t.Errorf("ended with %d:\n%s", code, p.Output())
	}
	return calls(t, log)
}

// tracee is the process that strace started: the first of its log.
func tracee(t *testing.T, log string) int {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.Fields(string(text) + " none")[0])
	if err != nil || pid <= 1 {
		t.Fatalf("no process in strace's log: %.100s", text)
	}
	return pid
}

// calls are the names behind the second execve: the first is the shell's.
func calls(t *testing.T, log string) []string {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	parts := regexp.MustCompile(`(?m)^\d+ +execve\(`).Split(string(text), -1)
	if len(parts) != 3 {
		t.Fatalf("the shell did not start the program:\n%.2000s", text)
	}
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^\d+ +([a-z_0-9]+)\(`).FindAllStringSubmatch(parts[2], -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) < 20 {
		t.Fatalf("only %q", names)
	}
	return names
}

// systemCalls expands a set of systemd's to names.
func systemCalls(t *testing.T, set string) []string {
	t.Helper()
	var out []string
	for line := range strings.Lines(analyze(t, "syscall-filter", set)) {
		name := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(name, "#"), name == "", name == set:
		case strings.HasPrefix(name, "@"):
			out = append(out, systemCalls(t, name)...)
		default:
			out = append(out, name)
		}
	}
	return out
}

// TestUnitSystemCalls: the program starts, serves, reloads and ends with the
// system calls that the unit allows, so that the filter costs nothing.
func TestUnitSystemCalls(t *testing.T) {
	strace := testenv.Need(t, "strace")
	allowed := systemCalls(t, "@system-service")
	denied := append(systemCalls(t, "@privileged"), systemCalls(t, "@resources")...)
	for _, line := range []string{"SystemCallFilter=@system-service\n", "SystemCallFilter=~@privileged @resources\n"} {
		if !strings.Contains(unit(t, "cloister.service"), line) {
			t.Fatalf("the unit has another filter than %s", line)
		}
	}
	for _, name := range traced(t, strace) {
		if os.Geteuid() == 0 && name == "fchown" {
			continue // SQLite's, which it does as root only, and does without
		}
		if !slices.Contains(allowed, name) || slices.Contains(denied, name) {
			t.Errorf("the unit does not allow %s", name)
		}
	}
}
