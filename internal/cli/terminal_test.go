package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/app"
	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/site"
)

// hostile moves the cursor, sets the title, colours, goes back, and turns the
// direction of what follows, in the forms of seven bits, eight bits and Unicode.
const hostile = "a\x1b[2J\x1b]0;t\a\r\b\u009b31m\u202eb\x80"

// TestPrinted: nothing that somebody else wrote reaches a terminal as anything
// but characters.
func TestPrinted(t *testing.T) {
	if got := printed("ü\tok\n" + hostile); got != "ü\tok?a?[2J?]0;t????31m?b?" {
		t.Errorf("%q", got)
	}
	if got := printedLines("a\n  b\x1b\n"); got != "a\n  b?\n" {
		t.Errorf("%q", got)
	}
}

// clean fails where w holds what does not print.
func clean(t *testing.T, what, out string) {
	t.Helper()
	bad := func(r rune) bool { return r == utf8.RuneError || r != '\n' && r != '\t' && !unicode.IsPrint(r) }
	if i := strings.IndexFunc(out, bad); i >= 0 {
		t.Errorf("%s prints %q", what, out[i:])
	}
}

// TestHostileSite: a site that is checked cannot write to the terminal of who
// checks it, and neither can a server that --live looks at.
func TestHostileSite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "site")
	if code, _, errs := run(t, "init", dir); code != 0 {
		t.Fatal(errs)
	}
	config := filepath.Join(dir, "cloister.yaml")
	fresh, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	yaml := `"x\e[2JX\e]0;t\a\x9b31m\u202Ey"`
	for name, edit := range map[string][2]string{
		"field":   {"drainTimeout:", yaml + ": 1\ndrainTimeout:"},
		"value":   {"drainTimeout: 30s", "drainTimeout: " + yaml},
		"host":    {"host: 169.254.169.254", "host: " + yaml},
		"name":    {"name: cloister", "name: " + yaml},
		"backend": {"  azure-openai:\n", "  " + yaml + ":\n"},
	} {
		text := strings.Replace(string(fresh), edit[0], edit[1], 1)
		if text == string(fresh) {
			t.Fatalf("%s: the new site has no %q", name, edit[0])
		}
		write(t, config, []byte(text))
		for _, args := range [][]string{{"check", dir}, {"check", "--verbose", dir}, {"ca", "export", dir}, {"reload", dir}} {
			_, out, errs := run(t, args...)
			clean(t, name+": "+args[0], out+errs)
		}
	}
	write(t, config, fresh)
	xml := "<policies><inbound><base /><set-header name=\"" + hostile + "\" /></inbound></policies>"
	write(t, filepath.Join(dir, "apim/apis/azure-openai/policy.xml"), []byte(xml))
	_, out, errs := run(t, "check", dir)
	clean(t, "policy.xml", out+errs)

	_, out, errs = run(t, "check", dir+hostile)
	clean(t, "an argument", out+errs)
	_, out, errs = run(t, hostile)
	clean(t, "a command", out+errs)
}

func TestHostileServer(t *testing.T) {
	r := &app.Report{
		Site: hostile, Digest: "sha256:0", Problems: site.Problems{{Severity: site.Warning, Message: hostile, Mend: hostile, Expected: hostile, Excerpt: hostile}},
		Reach:   []egress.View{{Class: egress.Model, Host: hostile, Port: 1, Why: hostile}},
		Callers: []app.ReportCallers{{API: hostile, Path: hostile, Subscriptions: []string{hostile}}},
		Live: []*egress.Probe{{
			View: egress.View{Host: hostile}, Error: hostile, Mend: hostile, Answers: []egress.Answer{{Verdict: hostile, Reason: hostile}},
			Certificate: &egress.Certificate{Subject: hostile + "\n  forged (model): ok", Issuer: hostile, NotAfter: time.Unix(0, 0)},
		}},
	}
	var b bytes.Buffer
	if err := writeReport(&b, colours{}, r, true); err != nil {
		t.Fatal(err)
	}
	clean(t, "the report", b.String())
	if strings.Contains(b.String(), "\n  forged") {
		t.Error("a certificate has written a line of the report")
	}
}

func TestMendsCanBePasted(t *testing.T) {
	var out strings.Builder
	writeProblems(&out, colours{}, site.Problems{{
		Severity: site.Error, Pos: site.Pos{File: "cloister.yaml", Line: 9, Column: 5}, Code: "x", Message: "m",
		Mend: "add to destinations.model in cloister.yaml, above line 7:\n  - {host: \"a.example\", port: 443}",
	}})
	if want := "above line 7:\n  - {host: \"a.example\", port: 443}\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("got %q, want it to end in %q", out.String(), want)
	}
}
