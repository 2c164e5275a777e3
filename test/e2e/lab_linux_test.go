package e2e

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// ordinaryUser is nobody in particular; a test that does not run as root is one
// itself.
const ordinaryUser = 1001

type attempts struct {
	Attempts []struct {
		What, From, To, Protocol, Expected, Seen, Rule string
		Port                                           int
		OK                                             bool
	} `json:"attempts"`
}

// labMachine is a directory of an ordinary user with the program and a site.
type labMachine struct {
	program, site string
}

func newLabMachine(t *testing.T) *labMachine {
	t.Helper()
	dir := t.TempDir()
	for at := dir; at != os.TempDir() && at != "/"; at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	m := &labMachine{program: filepath.Join(dir, "cloister"), site: filepath.Join(dir, "site")}
	text, err := os.ReadFile(testenv.Binary(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.program, text, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(m.program, "init", m.site).CombinedOutput(); err != nil {
		t.Fatalf("cloister init: %v\n%s", err, out)
	}
	if os.Geteuid() == 0 {
		if err := filepath.WalkDir(m.site, func(path string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Chown(path, ordinaryUser, ordinaryUser))
		}); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// verify runs "lab verify" as an ordinary user.
func (m *labMachine) verify(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(m.program, append(append([]string{"lab", "verify"}, args...), m.site)...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/"}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: ordinaryUser, Gid: ordinaryUser}}
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if strings.Contains(errs.String(), "does not let the lab make namespaces") {
		testenv.Missing(t, "%s", &errs)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func (m *labMachine) change(t *testing.T, file, old, text string) {
	t.Helper()
	path := filepath.Join(m.site, file)
	was, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(was), old, text, 1)
	if changed == string(was) {
		t.Fatalf("%s has no %s", file, old)
	}
	if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestLabVerify: a site from init is as its reachability says, tried by somebody
// without rights; a rule that lets through more, and a line that no rule keeps,
// are found, and the exit code says so.
func TestLabVerify(t *testing.T) {
	m := newLabMachine(t)
	out, errs, code := m.verify(t, "--json")
	var a attempts
	if err := json.Unmarshal([]byte(out), &a); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v\n%.2000s\n%s", code, err, out, errs)
	}
	kinds := map[string]int{}
	for _, x := range a.Attempts {
		kinds[x.What]++
		if !x.OK || x.Expected == "" || x.Seen == "" {
			t.Errorf("%+v", x)
		}
	}
	for kind, least := range map[string]int{"connect": 20, "spoof": 1, "name": 4, "tls": 2, "answer": 1, "rules": 500} {
		if kinds[kind] < least {
			t.Errorf("%d attempts of the kind %s, want %d or more", kinds[kind], kind, least)
		}
	}

	t.Run("a wider rule", func(t *testing.T) {
		m := newLabMachine(t)
		m.change(t, "network/rules.yaml", `destinationPortRange: "443"`, `destinationPortRange: "443-444"`)
		report := filepath.Join(t.TempDir(), "report.xml")
		if err := os.Chmod(filepath.Dir(report), 0o777); err != nil {
			t.Fatal(err)
		}
		out, errs, code := m.verify(t, "--junit", report)
		if code != 1 || !strings.Contains(out, "WRONG") || !strings.Contains(out, "app/AllowGatewayOut") {
			t.Errorf("exit code %d\n%s\n%s", code, out, errs)
		}
		text, err := os.ReadFile(report)
		if err != nil {
			t.Fatal(err)
		}
		var suite struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Cases    []struct {
				Failure *struct{} `xml:"failure"`
			} `xml:"testcase"`
		}
		if err := xml.Unmarshal(text, &suite); err != nil || suite.Tests < 500 || suite.Failures == 0 || len(suite.Cases) != suite.Tests {
			t.Errorf("%v, %d tests, %d failures", err, suite.Tests, suite.Failures)
		}
	})
	t.Run("a line that no rule keeps", func(t *testing.T) {
		m := newLabMachine(t)
		m.change(t, "network/reachability.yaml", "ports: [443]", "ports: [443, 8443]")
		if out, errs, code := m.verify(t); code != 1 || !strings.Contains(out, "denied, expected allowed") {
			t.Errorf("exit code %d\n%s\n%s", code, out, errs)
		}
	})
	t.Run("nothing is said of what must be reachable", func(t *testing.T) {
		m := newLabMachine(t)
		if err := os.Remove(filepath.Join(m.site, "network", "reachability.yaml")); err != nil {
			t.Fatal(err)
		}
		if _, errs, code := m.verify(t); code != 1 || !strings.Contains(errs, "reachability.yaml is missing") {
			t.Errorf("exit code %d\n%s", code, errs)
		}
	})
}
