package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// maxExposure is what "systemd-analyze security" may say, in tenths, of ten in
// all; the unit is judged 1.1 by systemd 252.
const maxExposure = 15

// units are copies of deploy/systemd whose program exists here: the test.
func units(t *testing.T) (service, socket string) {
	t.Helper()
	dir := t.TempDir()
	here, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cloister.service", "cloister.socket"} {
		text := strings.ReplaceAll(unit(t, name), "/usr/local/bin/cloister", here)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cloister.service"), filepath.Join(dir, "cloister.socket")
}

func unit(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(testenv.Root(t), "deploy", "systemd", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// analyze runs systemd-analyze, which reads files and starts nothing.
func analyze(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(testenv.Need(t, "systemd-analyze"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("systemd-analyze %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestUnitsVerify(t *testing.T) {
	service, socket := units(t)
	// What it does not know it ignores with a word, and ends with 0.
	if out := analyze(t, "verify", service, socket); out != "" {
		t.Errorf("systemd-analyze verify:\n%s", out)
	}
	// The check itself: a setting that does not exist is found.
	bad := strings.Replace(unit(t, "cloister.service"), "PrivateTmp=yes", "PrivateTemp=yes", 1)
	if err := os.WriteFile(service, []byte(bad), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, _ := exec.Command(testenv.Need(t, "systemd-analyze"), "verify", service).CombinedOutput(); !strings.Contains(string(out), "PrivateTemp") {
		t.Errorf("an unknown setting passes:\n%s", out)
	}
}

func TestUnitExposure(t *testing.T) {
	service, _ := units(t)
	var found []struct {
		Name     string `json:"name"`
		Exposure string `json:"exposure"`
	}
	out := analyze(t, "security", "--offline=true", "--no-pager", "--json=short", service)
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if len(found) < 50 {
		t.Fatalf("only %d things were judged", len(found))
	}
	// Fails, with a list, where the total is above.
	analyze(t, "security", "--offline=true", "--no-pager", fmt.Sprintf("--threshold=%d", maxExposure), service)
}

// TestUnitFitsTheProgram: what the unit says about the program is so.
func TestUnitFitsTheProgram(t *testing.T) {
	text := unit(t, "cloister.service")
	stop, err := time.ParseDuration(setting(t, text, "TimeoutStopSec") + "s")
	if err != nil {
		t.Fatal(err)
	}
	// drainTimeout's default, and what comes behind it: last words, records, spans.
	if stop < 30*time.Second+10*time.Second {
		t.Errorf("TimeoutStopSec is %v", stop)
	}
	for name, want := range map[string]string{
		"Type": "notify", "DynamicUser": "yes", "LimitCORE": "0", "NoNewPrivileges": "yes", "CapabilityBoundingSet": "",
		"ProtectSystem": "strict", "MemoryDenyWriteExecute": "yes", "StateDirectoryMode": "0700", "Restart": "on-failure",
	} {
		if got := setting(t, text, name); got != want {
			t.Errorf("%s=%s, want %q", name, got, want)
		}
	}
	if got := setting(t, unit(t, "cloister.socket"), "FileDescriptorName"); got != "gateway" {
		t.Errorf("the socket's name is %q", got)
	}
}

// setting is the value of the one line "NAME=".
func setting(t *testing.T, text, name string) string {
	t.Helper()
	var values []string
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			values = append(values, strings.TrimSpace(value))
		}
	}
	if len(values) != 1 {
		t.Fatalf("%s= stands %d times", name, len(values))
	}
	return values[0]
}
