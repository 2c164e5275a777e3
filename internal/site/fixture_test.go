package site

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the results in testdata, and the generated parts of docs, anew")

// fixture is one site of a file in testdata and what is expected of it.
type fixture struct {
	name  string
	files map[string]string
	// want is the index of the expectation in the archive.
	want int
}

// fixtures reads the sites of an archive. Its files are named SITE/FILE; those
// of the site "base" stand in every other site that has none of that name, and
// SITE/want is the expectation.
func fixtures(t *testing.T, file string) (*txtar.Archive, []fixture) {
	t.Helper()
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	base := map[string]string{}
	var all []fixture
	for i, f := range ar.Files {
		name, rest, ok := strings.Cut(f.Name, "/")
		if !ok {
			t.Fatalf("%s: the file %q belongs to no site", file, f.Name)
		}
		if name == "base" {
			base[rest] = string(f.Data)
			continue
		}
		if len(all) == 0 || all[len(all)-1].name != name {
			all = append(all, fixture{name: name, files: map[string]string{}, want: -1})
		}
		last := &all[len(all)-1]
		if rest == "want" {
			last.want = i
		} else {
			last.files[rest] = string(f.Data)
		}
	}
	for _, f := range all {
		if f.want < 0 {
			t.Fatalf("%s: the site %q expects nothing", file, f.name)
		}
		for name, data := range base {
			if _, ok := f.files[name]; !ok {
				f.files[name] = data
			}
		}
	}
	return ar, all
}

// eachFixture loads every site of every archive in testdata/dir and compares
// what f makes of it with the expectation.
func eachFixture(t *testing.T, dir string, f func(t *testing.T, files map[string]string) string) {
	t.Helper()
	archives, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives in testdata/%s: %v", dir, err)
	}
	for _, file := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, all := fixtures(t, file)
			for _, fx := range all {
				t.Run(fx.name, func(t *testing.T) {
					got := f(t, fx.files)
					if *update {
						ar.Files[fx.want].Data = []byte(got)
						return
					}
					if diff := cmp.Diff(string(ar.Files[fx.want].Data), got); diff != "" {
						t.Errorf("(-want +got)\n%s", diff)
					}
				})
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func mapFS(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, data := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return fsys
}

// load is LoadFS with what holds for every site: it is refused exactly when
// there is an error, and every problem can be acted on.
func load(t testing.TB, files map[string]string) (*Site, Problems) {
	t.Helper()
	s, ps := LoadFS(mapFS(files), "/site")
	if (s == nil) != ps.HasErrors() {
		t.Fatalf("site %v with problems:\n%s", s, render(ps))
	}
	for _, p := range ps {
		checkProblem(t, files, p)
	}
	return s, ps
}

func checkProblem(t testing.TB, files map[string]string, p Problem) {
	t.Helper()
	if p.Code == "" || p.Message == "" || strings.HasSuffix(p.Message, ".") {
		t.Errorf("problem without code or message, or with a full stop: %s", p)
	}
	if p.Severity == Error && p.Expected == "" && p.Mend == "" {
		t.Errorf("neither expectation nor mend: %s", p)
	}
	if strings.Contains(p.String(), "%!") {
		t.Errorf("broken format: %s", p)
	}
	if src, ok := files[p.File]; ok && !insideFile(src, p.Pos) {
		t.Errorf("the place lies outside the file: %s", p)
	}
}

// insideFile reports whether pos names a place of src, its end included.
func insideFile(src string, pos Pos) bool {
	if pos.Line == 0 {
		return pos.Column == 0
	}
	lines := strings.SplitAfter(src, "\n")
	return pos.Line <= len(lines) && pos.Column >= 1 && pos.Column <= len(lines[pos.Line-1])+1
}

// render is problems as a document: place, severity, code and message, then
// what is shown, expected and to be done.
func render(ps Problems) string {
	var b strings.Builder
	for _, p := range ps {
		if p.Severity == Note {
			continue
		}
		fmt.Fprintf(&b, "%s: %s: %s [%s]\n", p.Pos, p.Severity, p.Message, p.Code)
		for line := range strings.Lines(p.Excerpt) {
			fmt.Fprintf(&b, "  | %s\n", strings.TrimRight(line, "\n"))
		}
		if p.Expected != "" {
			fmt.Fprintf(&b, "  expected %s\n", p.Expected)
		}
		for line := range strings.Lines(p.Mend) {
			fmt.Fprintf(&b, "  mend: %s\n", strings.TrimRight(line, "\n"))
		}
	}
	if b.Len() == 0 {
		return "accepted\n"
	}
	return b.String()
}
