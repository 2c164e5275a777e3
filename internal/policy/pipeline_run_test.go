package policy

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/cloister-ai/cloister/internal/site"
)

var update = flag.Bool("update", false, "write the results of testdata/run and testdata/compile, and the tables of docs, anew")

// TestRun: what requests of testdata/run come to, heads and bodies byte for
// byte. Each runs twice, because a pipeline that remembers is wrong.
func TestRun(t *testing.T) {
	eachFixture(t, "testdata/run/*.txtar", func(t *testing.T, archive *txtar.Archive) {
		f := readFixture(t, archive)
		p, problems := f.compile()
		if problems.HasErrors() {
			t.Fatal(problems.Err())
		}
		_, sequence := f.files["sequence"]
		shared := f.surroundings()
		for _, name := range f.names {
			if !strings.HasPrefix(name, "request") {
				continue
			}
			around := shared
			if !sequence {
				around = f.surroundings()
			}
			got := f.result(t, p, name, around)
			if !sequence {
				if again := f.result(t, p, name, f.surroundings()); again != got {
					t.Errorf("%s: the second time (-first +second)\n%s", name, cmp.Diff(got, again))
				}
			}
			setFile(archive, "result"+strings.TrimPrefix(name, "request"), name, got)
		}
	})
}

// TestCompile: what is wrong with the documents of testdata/compile.
func TestCompile(t *testing.T) {
	eachFixture(t, "testdata/compile/*.txtar", func(t *testing.T, archive *txtar.Archive) {
		f := readFixture(t, archive)
		p, problems := f.compile()
		if problems.HasErrors() != (p == nil) {
			t.Errorf("errors: %v, pipeline: %v", problems.HasErrors(), p)
		}
		setFile(archive, "problems", "", describe(problems))
		for line := range strings.Lines(f.files["named values"]) {
			if name, v, _ := strings.Cut(strings.TrimSpace(line), "="); strings.HasPrefix(name, "!") && strings.Contains(describe(problems), v) {
				t.Errorf("a problem shows the secret %q", v)
			}
		}
	})
}

func describe(problems site.Problems) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.Code + "\n" + p.String() + "\n")
		if p.Excerpt != "" {
			b.WriteString(strings.TrimSuffix(p.Excerpt, "\n") + "\n")
		}
	}
	return b.String()
}

// eachFixture runs f on copies of fixtures; f writes results into them.
func eachFixture(t *testing.T, pattern string, f func(t *testing.T, archive *txtar.Archive)) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := string(txtar.Format(archive))
			f(t, archive)
			got := txtar.Format(archive)
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// setFile sets a file of an archive; a new one goes behind the file "after", or
// to the end.
func setFile(archive *txtar.Archive, name, after, content string) {
	file := txtar.File{Name: name, Data: []byte(content)}
	if i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == name }); i >= 0 {
		archive.Files[i] = file
		return
	}
	at := len(archive.Files)
	if i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == after }); i >= 0 {
		at = i + 1
	}
	archive.Files = slices.Insert(archive.Files, at, file)
}
