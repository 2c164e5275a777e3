package simulate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCoverage: a place counts for its own document, whichever test file ran it,
// and never for one that stands at the same path of another scope.
func TestCoverage(t *testing.T) {
	dir := t.TempDir()
	choose := func(header string) string {
		return `<policies><inbound><base />` + "\n" + `<choose><when condition="@(context.Request.Headers.ContainsKey("` + header + `"))">` + "\n" +
			`<set-header name="X-Took"><value>x</value></set-header></when></choose></inbound><backend><base /></backend><outbound /><on-error /></policies>`
	}
	for name, text := range map[string]string{
		"global.xml": strings.ReplaceAll(strings.ReplaceAll(choose("A"), "<base />", ""), "<backend>", "<backend><forward-request />"),
		"api.xml":    choose("B"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var all Coverage
	covered := func(file string) []Covered {
		t.Helper()
		f, err := ReadTests(filepath.Join(dir, "f.test.yaml"), []byte(file))
		if err != nil {
			t.Fatal(err)
		}
		out, err := f.RunTests(t.Context(), dir, false)
		if err != nil || out.Problems.HasErrors() {
			t.Fatal(err, out.Problems.Err())
		}
		all.Merge(out.Coverage)
		var list []Covered
		for _, d := range all.Documents() {
			d.Document = filepath.Base(d.Document)
			for i := range d.Missed {
				d.Missed[i].At = filepath.Base(d.Missed[i].At)
			}
			list = append(list, *d)
		}
		return list
	}
	missed := func(file string) []Missed {
		return []Missed{{file + ":2:9", "branch choose[1]/when[1]"}, {file + ":3:1", "set-header"}}
	}
	for _, tt := range []struct {
		file string
		want []Covered
	}{
		{`{global: global.xml, tests: [{expect: {status: 200}}]}`, []Covered{{"global.xml", 2, 3, 0, 1, missed("global.xml")}}},
		{`{global: global.xml, api: api.xml, tests: [{context: {request: {headers: {B: [b]}}}, expect: {status: 200}}]}`, []Covered{
			{"api.xml", 2, 2, 1, 1, []Missed{}}, {"global.xml", 2, 3, 0, 1, missed("global.xml")},
		}},
		{`{global: global.xml, tests: [{context: {request: {headers: {A: [a]}}}, expect: {status: 200}}]}`, []Covered{
			{"api.xml", 2, 2, 1, 1, []Missed{}}, {"global.xml", 3, 3, 1, 1, []Missed{}},
		}},
	} {
		if diff := cmp.Diff(tt.want, covered(tt.file)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.file, diff)
		}
	}
}
