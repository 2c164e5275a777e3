package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/secret"
)

func TestParseListen(t *testing.T) {
	for raw, want := range map[string]string{
		"127.0.0.1:8443":        "127.0.0.1:8443",
		"127.0.0.1:0":           "127.0.0.1:0",
		"[::1]:8443":            "[::1]:8443",
		"10.1.2.3:8443":         "10.1.2.3:8443",
		"192.168.1.5:443":       "192.168.1.5:443",
		"100.64.0.1:443":        "100.64.0.1:443",
		"[fd00::1]:443":         "[fd00::1]:443",
		"[::ffff:10.0.0.1]:443": "10.0.0.1:443",
		// Refused, and not as a slip of the pen.
		"0.0.0.0:8443":         "refused",
		"[::]:8443":            "refused",
		"[::ffff:8.8.8.8]:443": "refused",
		"8.8.8.8:443":          "refused",
		"[2001:db8::1]:443":    "refused",
		"169.254.169.254:80":   "refused",
		"224.0.0.1:80":         "refused",
		// Not understood.
		"":                    "usage",
		"8443":                "usage",
		":8443":               "usage",
		"127.0.0.1":           "usage",
		"127.0.0.1:":          "usage",
		"127.0.0.1:99999":     "usage",
		"::1:8443":            "usage",
		"localhost:8443":      "usage",
		"[fe80::1%eth0]:8443": "usage",
	} {
		at, err := parseListen(raw)
		got := at.String()
		var m *mendedError
		switch {
		case errors.As(err, new(*usageError)):
			got = "usage"
		case errors.As(err, &m) && strings.Contains(m.mend, "127.0.0.1"):
			got = "refused"
		case err != nil:
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %s, want %s", raw, got, want)
		}
	}
}

// TestEnvironment: what is written is read by us and by a shell alike.
func TestEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "it's a $HOME", "cloister.env")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	e := upEnvironment{
		url: "https://[::1]:8443", ca: filepath.Dir(file) + "/ca.pem", authority: "https://127.0.0.1:1/x",
		apiKey: secret.New("k`e\"y'$(1)"), clientSecret: secret.New("a b\\c"),
	}
	if err := e.write(file); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	got := readExports(file)
	for name, want := range map[string]string{
		"CLOISTER_URL": e.url, "CLOISTER_CA": e.ca, "CLOISTER_API_KEY": e.apiKey.Reveal(),
		"AZURE_CLIENT_SECRET": e.clientSecret.Reveal(), "CLOISTER_DEPLOYMENT": devDeployment,
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
		out, err := exec.Command("sh", "-c", `. "$1" && printf %s "$(eval echo \$$2 | cat)"; eval 'printf "\n%s" "$'$2'"'`, "sh", file, name).CombinedOutput()
		if _, value, _ := strings.Cut(string(out), "\n"); err != nil || value != want {
			t.Errorf("%s in a shell: %q %v, want %q", name, value, err, want)
		}
	}
	if len(readExports(file+".gone")) != 0 {
		t.Error("a file that is not there exports something")
	}
}

func FuzzShellQuote(f *testing.F) {
	for _, s := range []string{"", "plain", "it's", "''", "'", `"`, "a b", "$HOME", "`id`", "\\", "ü", "a\tb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q := shellQuote(s)
		if got := shellUnquote(q); got != s && strings.IndexAny(s, `"'`) != 0 {
			t.Errorf("%q: quoted %s, read %q", s, q, got)
		}
		// Nothing in it may mean something to a shell: outside single quotes
		// stand plain characters and escaped quotes alone.
		inside := false
		for i := 0; i < len(q); i++ {
			switch c := q[i]; {
			case c == '\'':
				inside = !inside
			case inside:
			case c == '\\' && i+1 < len(q) && q[i+1] == '\'':
				i++
			case strings.IndexByte(" \t\n\"$`\\!*?[]{}()<>|&;#~=^", c) >= 0:
				t.Fatalf("%q: %s has %q outside quotes", s, q, c)
			}
		}
		if inside {
			t.Fatalf("%q: %s is not closed", s, q)
		}
	})
}
