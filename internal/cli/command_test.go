package cli

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/testenv"
)

func TestParse(t *testing.T) {
	c := &command{name: "c", flags: func(fs *flag.FlagSet) any {
		fs.String("out", "", "write to `FILE`")
		return fs.Bool("json", false, "as JSON")
	}}
	for in, want := range map[string]string{
		"a b":               "a b",
		"--json a":          "a",
		"a --json b":        "a b",
		"a --out x b":       "a b",
		"-- --json":         "--json",
		"a -- --json --out": "a --json --out",
		"-":                 "-",
		"":                  "",
		"--jsn":             "there is no flag --jsn; did you mean --json?",
		"--zzzzzzzz":        "there is no flag --zzzzzzzz",
		"a --out":           "a value is missing: --out FILE",
		"--json=3":          `--json takes no value, or true or false, not "3"`,
	} {
		_, rest, err := c.parse(strings.Fields(in))
		got := strings.Join(rest, " ")
		if err != nil {
			got = err.Error()
			if !errors.As(err, new(*usageError)) {
				t.Errorf("%q: %T is no error of usage", in, err)
			}
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if _, _, err := c.parse([]string{"x", "--help"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help: %v", err)
	}
}

func TestComplain(t *testing.T) {
	f := func(err error, code int, want string) {
		t.Helper()
		var b bytes.Buffer
		got := complain(&Env{Stderr: &b}, "cloister x", err)
		if got != code || b.String() != want {
			t.Errorf("%v: exit %d\n%s", err, got, cmp.Diff(want, b.String()))
		}
	}
	f(nil, 0, "")
	f(errSilent, 1, "")
	f(&usageError{"what?"}, 2, "cloister x: what?\nRun \"cloister x --help\" for its manual.\n")
	f(errors.New("broken"), 1, "cloister x: broken\n")
	f(mended(errors.New("broken"), "glue %s", "it"), 1, "cloister x: broken\n    mend: glue it\n")
	f(errors.New("broken; mend: glue it"), 1, "cloister x: broken\n    mend: glue it\n")
	f(errors.New("a; mend: b\nc; mend: d"), 1, "cloister x: a\n    mend: b\nc\n    mend: d\n")
	f(errors.New("a: b; mend: inner; mend: outer"), 1, "cloister x: a: b\n    mend: inner\n")
	f(mended(errors.New("a; mend: inner"), "mine"), 1, "cloister x: a\n    mend: mine\n")
}

// TestManuals: every manual has all its parts and fits a terminal.
func TestManuals(t *testing.T) {
	var each func(path string, list []*command)
	each = func(path string, list []*command) {
		for _, c := range list {
			name := path + " " + c.name
			var b bytes.Buffer
			writeManual(&b, name, c)
			for line := range strings.Lines(b.String()) {
				if len(line) > width+10 || strings.TrimRight(line, " \n")+"\n" != line {
					t.Errorf("%s: %q is too long or ends in blanks", name, line)
				}
			}
			for _, part := range []string{"Usage:\n", "Exit codes:\n"} {
				if !strings.Contains(b.String(), part) {
					t.Errorf("%s: no %q", name, part)
				}
			}
			if c.subcommands == nil && len(c.examples) == 0 {
				t.Errorf("%s: no example", name)
			}
			for _, e := range c.examples {
				if !strings.Contains(e.name, name) && !strings.Contains(e.name, "cloister.env") {
					t.Errorf("%s: the example %q is another command's", name, e.name)
				}
			}
			if strings.HasSuffix(c.short, ".") || c.short == "" {
				t.Errorf("%s: short text %q", name, c.short)
			}
			each(name, c.subcommands)
		}
	}
	each("cloister", commands())
}

func TestTable(t *testing.T) {
	rows := [][]cell{
		{{text: "a"}, {text: "long"}, {"RED", "<r>"}, {text: "end"}},
		{{text: "ümlaut"}, {text: "b"}, {text: "private"}, {text: ""}},
	}
	var plain, coloured bytes.Buffer
	writeTable(&plain, colours{}, [][]cell{rows[1]})
	writeTable(&coloured, colours{reset: "</r>"}, rows)
	want := "  a       long  <r>RED</r>      end\n  ümlaut  b     private\n"
	if coloured.String() != want {
		t.Error(cmp.Diff(want, coloured.String()))
	}
	if want := "  ümlaut  b  private\n"; plain.String() != want {
		t.Error(cmp.Diff(want, plain.String()))
	}
}

// TestColours: on a terminal alone.
func TestColours(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	none := func(string) (string, bool) { return "", false }
	for _, w := range []io.Writer{f, &bytes.Buffer{}} {
		if c := coloursFor(w, &Env{LookupEnv: none}); c != (colours{}) {
			t.Errorf("%T gets colours", w)
		}
	}
	tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		testenv.Missing(t, "a pseudo terminal (/dev/ptmx): %v", err)
	}
	defer tty.Close()
	for env, want := range map[string]bool{"": true, "NO_COLOR=1": false, "NO_COLOR=": true, "TERM=dumb": false, "TERM=xterm": true} {
		name, value, _ := strings.Cut(env, "=")
		lookup := func(n string) (string, bool) { return value, n == name }
		if got := coloursFor(tty, &Env{LookupEnv: lookup}) != (colours{}); got != want {
			t.Errorf("with %q: colours %v", env, got)
		}
	}
}

func TestWrap(t *testing.T) {
	if diff := cmp.Diff([]string{"one two", "three", "a-very-long-word", "x"}, wrap("one  two three a-very-long-word x", 8)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{""}, wrap("", 8)); diff != "" {
		t.Error(diff)
	}
}
