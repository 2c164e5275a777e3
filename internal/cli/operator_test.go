package cli

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/store"
)

// TestDoorFlags: flags that contradict each other are a usage error, before
// anything is asked.
func TestDoorFlags(t *testing.T) {
	for line, want := range map[string]string{
		"":                                  "",
		"--dir x":                           "",
		"--server https://h --token-file t": "",
		"--server https://h --cert c --key-file k":                "",
		"--server https://h --ca a --token-file t":                "",
		"--dir x --server https://h":                              "two ways in",
		"--server h:1 --token-file t":                             "no https:// URL",
		"--server http://h --token-file t":                        "no https:// URL",
		"--server https://h":                                      "needs who asks",
		"--server https://h --cert c":                             "go together",
		"--server https://h --key-file k":                         "go together",
		"--server https://h --cert c --key-file k --token-file t": "show one",
		"--token-file t":                                          "--token-file goes with --server",
		"--ca a":                                                  "--ca goes with --server",
		"--cert c":                                                "--cert goes with --server",
		"--key-file k":                                            "--key-file goes with --server",
	} {
		c := statusCommand()
		opt, _, err := c.parse(strings.Fields(line))
		if err != nil {
			t.Fatal(err)
		}
		err = opt.(*door).check()
		switch {
		case want == "" && err == nil:
		case want == "" || err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, new(*usageError)):
			t.Errorf("%q: %v, want %q", line, err, want)
		}
	}
}

// failing is standard output that takes nothing.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestKeysNotShown: keys that were made and could not be shown are told, even
// where nobody reads the pipe any more.
func TestKeysNotShown(t *testing.T) {
	closed := &fs.PathError{Op: "write", Path: os.Stdout.Name(), Err: syscall.EPIPE}
	if !nobodyReads(closed) || nobodyReads(&fs.PathError{Op: "write", Path: "/x", Err: syscall.EPIPE}) || nobodyReads(syscall.EPIPE) {
		t.Error("what is a closed standard output?")
	}
	for _, asJSON := range []bool{false, true} {
		err := writeKeys(failing{closed}, asJSON, "created", admin.Keys{Name: "a b", PrimaryKey: "k1", SecondaryKey: "k2"})
		var out bytes.Buffer
		if code := complain(&Env{Stderr: &out}, "cloister x", err); code != exitFailed {
			t.Errorf("exit code %d", code)
		}
		want := "cloister x: created a b, and its keys could not be shown: nobody reads standard output\n" +
			"    mend: cloister subscription rotate --key both 'a b'\n"
		if out.String() != want {
			t.Errorf("%q", out.String())
		}
	}
}

// TestOthersWords: what callers, sites and servers are called reaches a
// terminal as characters alone.
func TestOthersWords(t *testing.T) {
	env := func(b *bytes.Buffer) *Env {
		return &Env{Stdout: b, Stderr: b, LookupEnv: func(string) (string, bool) { return "", false }}
	}
	sub := admin.Subscription{Name: hostile, DisplayName: hostile, Scope: hostile, State: hostile, Source: hostile, Created: time.Unix(1, 0)}
	status := &admin.Status{
		Version: hostile, Site: hostile, Digest: hostile, Running: true, NotReady: hostile, Listeners: []string{hostile},
		LastReload: &admin.LastReload{Errors: 2}, Destinations: []admin.Destination{{Class: hostile, Host: hostile, Port: 1, Public: true}},
		Overload: &admin.Overload{Level: hostile, Pressure: map[string]float64{hostile: 1}, Bans: 1},
		State:    admin.StateStatus{Driver: hostile, KeyEncryptionKey: hostile},
		Audit:    admin.AuditStatus{Error: hostile, WitnessError: hostile, PublishError: hostile},
	}
	record := &audit.Record{
		Action: hostile, Phase: hostile, Actor: hostile, Outcome: hostile, Reasons: []string{hostile}, API: hostile, Operation: hostile,
		Client: netip.MustParseAddr("::1"), Subscription: hostile, Deployment: hostile, Target: hostile, Detail: hostile, Count: 2, Status: 401,
	}
	report := &audit.Report{
		Origin: hostile, Size: 1, Problems: []audit.Problem{{Place: hostile, Index: 1, Reason: hostile}}, Notes: []string{hostile},
	}
	info := &store.BackupInfo{Driver: hostile, KEK: hostile, Damaged: []string{hostile}, BackupMeta: store.BackupMeta{
		Version: hostile, Site: hostile, SiteDigest: hostile, AuditCheckpoint: checkpointText(hostile),
	}}
	for what, write := range map[string]func(*bytes.Buffer) error{
		"list":   func(b *bytes.Buffer) error { return writeSubscriptions(env(b), []admin.Subscription{sub}) },
		"show":   func(b *bytes.Buffer) error { return writeSubscription(env(b), sub) },
		"status": func(b *bytes.Buffer) error { return writeStatus(b, colours{}, status) },
		"health": func(b *bytes.Buffer) error { return writeHealth(env(b), false, admin.Health{Reason: hostile}) },
		"keys":   func(b *bytes.Buffer) error { return writeKeys(b, false, "created", admin.Keys{Name: hostile}) },
		"tail":   func(b *bytes.Buffer) error { b.WriteString(recordLine(colours{}, record)); return nil },
		"verify": func(b *bytes.Buffer) error { return writeVerified(env(b), report, &verifyOptions{}, true) },
		"backup": func(b *bytes.Buffer) error { b.WriteString(backupText(info)); return nil },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil && !errors.Is(err, errSilent) {
			t.Errorf("%s: %v", what, err)
		}
		if b.Len() == 0 {
			t.Errorf("%s prints nothing", what)
		}
		clean(t, what, b.String())
	}
}

func checkpointText(origin string) []byte {
	return fmt.Appendf(nil, "%s\n7\n%s\n\n— x y\n", origin, base64.StdEncoding.EncodeToString(make([]byte, 32)))
}

// FuzzCheckpointOf: what is shown as a checkpoint has the form of one.
func FuzzCheckpointOf(f *testing.F) {
	f.Add(checkpointText("log"))
	f.Add([]byte("log\n7\nAAAA\n"))
	f.Add([]byte("\n\n\n\n"))
	f.Fuzz(func(t *testing.T, note []byte) {
		origin, size, root := checkpointOf(note)
		if (origin+size+root == "") != (root == "") {
			t.Fatalf("half of it: %q %q %q", origin, size, root)
		}
		if root != "" && !bytes.HasPrefix(note, []byte(origin+"\n"+size+"\n"+root+"\n")) {
			t.Errorf("%q %q %q are not the lines of %q", origin, size, root, note)
		}
	})
}

// FuzzCheckProof: no file is a proof under a key that has signed nothing.
func FuzzCheckProof(f *testing.F) {
	_, key, err := audit.NewKey("log", bytes.NewReader(make([]byte, 64)))
	if err != nil {
		f.Fatal(err)
	}
	text := "c2sp.org/tlog-proof@v1\nindex 0\n\n" + string(checkpointText("log"))
	f.Add(fmt.Appendf(nil, `{"index":0,"record":{"a":1},"proof":%q}`, text))
	f.Add([]byte(`{"index":1,"record":null,"proof":""}`))
	f.Add([]byte("c2sp.org/tlog-proof@v1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "proof.json")
		write(t, path, text)
		var out bytes.Buffer
		if err := checkProof(&Env{Stdout: &out}, &proveOptions{door: &door{}, check: path, key: key}); err == nil || out.Len() > 0 {
			t.Errorf("%q is taken for a proof: %v, %q", text, err, out.String())
		}
	})
}

// TestUsageLines: a command line that is too long is broken between its parts.
func TestUsageLines(t *testing.T) {
	var b bytes.Buffer
	writeUsage(&b, "cloister subscription create", doorArgs+" [--scope SCOPE] [--display-name TEXT] [--json] NAME")
	want := "  cloister subscription create [--dir DIR | --server URL …] [--scope SCOPE]\n      [--display-name TEXT] [--json] NAME\n"
	if b.String() != want {
		t.Errorf("%q", b.String())
	}
}

// TestStateOf: what a directory leads to.
func TestStateOf(t *testing.T) {
	dir := t.TempDir()
	if code, _, errs := run(t, "init", filepath.Join(dir, "a")); code != 0 {
		t.Fatal(errs)
	}
	// As "up" lays it out.
	if err := os.CopyFS(filepath.Join(dir, "up", "site"), os.DirFS(filepath.Join(dir, "a"))); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "up", "site", "cloister.yaml"), append(readFile(t, filepath.Join(dir, "a", "cloister.yaml")), "\nstate: {directory: ../state}\n"...))
	write(t, filepath.Join(dir, "bare", "state", "lock"), nil)
	write(t, filepath.Join(dir, "bad", "cloister.yaml"), []byte("nmae: x\n"))
	write(t, filepath.Join(dir, "none", "x"), nil)
	var errs bytes.Buffer
	env := &Env{Stderr: &errs, LookupEnv: func(string) (string, bool) { return "", false }}
	for name, want := range map[string]string{
		"a": "a/state", "up": "up/state", "bare": "bare/state", "bad": "failed", "none": "neither a site nor a state directory", "no": "there is no directory",
	} {
		got, err := stateOf(env, filepath.Join(dir, name))
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(filepath.ToSlash(got), want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if !strings.Contains(errs.String(), "nmae") || !strings.Contains(errs.String(), string(site.Error)) {
		t.Errorf("the problems of a bad site are not said:\n%s", errs.String())
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
