package site

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
)

// seeds are the sites of all fixtures.
func seeds(f *testing.F) [][]txtar.File {
	f.Helper()
	archives, err := filepath.Glob(filepath.Join("testdata", "*", "*.txtar"))
	if err != nil || len(archives) == 0 {
		f.Fatalf("no archives: %v", err)
	}
	var all [][]txtar.File
	for _, file := range archives {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var site []txtar.File
		last := ""
		for _, e := range ar.Files {
			name, rest, _ := strings.Cut(e.Name, "/")
			if name != last && site != nil {
				all, site = append(all, site), nil
			}
			last = name
			site = append(site, txtar.File{Name: rest, Data: e.Data})
		}
		all = append(all, site)
	}
	return all
}

// FuzzConfig: whatever cloister.yaml holds, problems stand inside it. What is
// accepted means the same when its values are written in another form, and the
// published schema accepts it.
func FuzzConfig(f *testing.F) {
	for _, site := range seeds(f) {
		for _, file := range site {
			if file.Name == "cloister.yaml" {
				f.Add(file.Data)
			}
		}
	}
	files := complete(f)
	f.Add([]byte(files["cloister.yaml"]))
	f.Add([]byte("? {a: [}\n"))
	f.Add([]byte("\ufeffname: \"\\x7f\\U0001F600\"\r\nlisteners: &a [*a]\u2028hostnames: !!set {}"))
	schema := compileSchema(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		files := maps.Clone(files)
		files["cloister.yaml"] = string(data)
		s, _ := load(t, files)
		if s == nil {
			return
		}
		checkPlaces(t, files, reflect.ValueOf(s.Config).Elem())
		root := parseYAML(newSource("cloister.yaml", data), configBounds(), newReport())
		var b strings.Builder
		writeFlow(&b, root)
		files["cloister.yaml"] = b.String()
		again, ps := load(t, files)
		if again == nil {
			t.Fatalf("accepted, and refused when written as\n%s\n%s", b.String(), render(ps))
		}
		if diff := cmp.Diff(s.Config, again.Config, cmpopts.IgnoreTypes(Pos{}), cmp.Comparer(func(a, b fmt.Stringer) bool { return a.String() == b.String() })); diff != "" {
			t.Errorf("means another thing when written as\n%s\n%s", b.String(), diff)
		}
		if err := schema.Validate(plain(t, root)); err != nil {
			t.Errorf("the loader accepts what the schema refuses: %v", err)
		}
	})
}

// checkPlaces holds every Pos of a structure to the files.
func checkPlaces(t *testing.T, files map[string]string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			checkPlaces(t, files, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			checkPlaces(t, files, v.Index(i))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			checkPlaces(t, files, v.MapIndex(k))
		}
	case reflect.Struct:
		if pos, ok := v.Interface().(Pos); ok {
			if src, known := files[pos.File]; pos.File != "" && (!known || !insideFile(src, pos)) {
				t.Errorf("%s is no place of the site", pos)
			}
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				checkPlaces(t, files, v.Field(i))
			}
		}
	}
}

// writeFlow writes a value in YAML's flow style.
func writeFlow(b *strings.Builder, v *value) {
	switch v.kind {
	case kindText:
		writeQuoted(b, v.text)
	case kindList:
		b.WriteByte('[')
		for _, e := range v.list {
			writeFlow(b, e)
			b.WriteString(", ")
		}
		b.WriteByte(']')
	case kindObject:
		b.WriteByte('{')
		for _, m := range v.members {
			writeQuoted(b, m.name)
			b.WriteString(": ")
			writeFlow(b, m.value)
			b.WriteString(",\n")
		}
		b.WriteByte('}')
	case kindNull:
		b.WriteString("null")
	default:
		b.WriteString(v.text)
	}
}

func writeQuoted(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == ' ' || (unicode.IsPrint(r) && r < 0xFFFF):
			b.WriteRune(r)
		default:
			fmt.Fprintf(b, "\\U%08X", r)
		}
	}
	b.WriteByte('"')
}

// plain is a value as a JSON validator takes it.
func plain(t *testing.T, v *value) any {
	t.Helper()
	switch v.kind {
	case kindText:
		return v.text
	case kindBoolean:
		return v.text == "true"
	case kindNumber:
		x, err := strconv.ParseFloat(v.text, 64)
		if err != nil {
			t.Fatal(err)
		}
		return x
	case kindList:
		out := []any{}
		for _, e := range v.list {
			out = append(out, plain(t, e))
		}
		return out
	case kindObject:
		out := map[string]any{}
		for _, m := range v.members {
			out[m.name] = plain(t, m.value)
		}
		return out
	}
	return nil
}

// FuzzOpenAPI: operations are such that a request can be matched against them,
// and no two are alike. JSON means the same when it is read as the YAML that it
// is.
func FuzzOpenAPI(f *testing.F) {
	for _, site := range seeds(f) {
		for _, file := range site {
			if base := filepath.Base(file.Name); strings.HasPrefix(base, "specification.") {
				f.Add(file.Data, strings.HasSuffix(base, ".json"))
			}
		}
	}
	f.Add([]byte(`{"openapi": "3.0.0", "paths": {"/{a}/{*}": {"get": {"operationId": "\ud83d"}, "put": null}, "/{b}/{*}": {"get": 1}}}`), true)
	f.Add([]byte("swagger: 2.0\npaths: {/a-b: {get: {}}, /a_b: {get: {}}, /a.b: {get: {operationId: get-a-b-1}}}"), false)
	f.Fuzz(func(t *testing.T, data []byte, isJSON bool) {
		name := map[bool]string{true: "specification.json", false: "specification.yaml"}[isJSON]
		ops, ok := openAPI(t, name, data)
		if !isJSON || !ok {
			return
		}
		same, ok := openAPI(t, "specification.yaml", data)
		if !ok {
			return // what YAML does not take from JSON: some escapes, tabs
		}
		if diff := cmp.Diff(ops, same, cmpopts.IgnoreTypes(Pos{})); diff != "" {
			t.Errorf("JSON and YAML differ:\n%s", diff)
		}
	})
}

// openAPI reads a specification and checks what holds for all; ok is false
// when something was refused.
func openAPI(t *testing.T, name string, data []byte) (ops []*Operation, ok bool) {
	t.Helper()
	files := map[string]string{name: string(data)}
	r := newReport()
	ops, read := readOpenAPI(r.source(name, data), r)
	for _, p := range r.finish() {
		checkProblem(t, files, p)
	}
	if !read && !r.HasErrors() {
		t.Error("not read, and no error says why")
	}
	shapes, ids := map[string]bool{}, map[string]bool{}
	for _, o := range ops {
		checkOperation(t, o)
		if !insideFile(string(data), o.Pos) || o.Pos.Line == 0 {
			t.Errorf("%s lies outside the file", o.Pos)
		}
		shape, id := o.Method+" "+templateShape(o.URLTemplate), strings.ToLower(o.ID)
		if shapes[shape] || ids[id] {
			t.Errorf("two operations %q %s", o.ID, shape)
		}
		shapes[shape], ids[id] = true, true
	}
	return ops, read && !r.HasErrors()
}

func checkOperation(t *testing.T, o *Operation) {
	t.Helper()
	if o.Method == "" || o.Method != strings.ToUpper(o.Method) || !validMethod(o.Method) {
		t.Errorf("method %q", o.Method)
	}
	if o.ID == "" || o.Name == "" {
		t.Errorf("%s %s has id %q and name %q", o.Method, o.URLTemplate, o.ID, o.Name)
	}
	if !strings.HasPrefix(o.URLTemplate, "/") || strings.ContainsAny(o.URLTemplate, "?#\\ ") {
		t.Errorf("template %q", o.URLTemplate)
	}
	depth, params := 0, map[string]bool{}
	for part := range strings.SplitSeq(o.URLTemplate, "{") {
		if depth++; depth == 1 {
			if strings.Contains(part, "}") {
				t.Errorf("template %q", o.URLTemplate)
			}
			continue
		}
		param, rest, closed := strings.Cut(part, "}")
		if !closed || strings.Contains(rest, "}") || param == "" || params[strings.ToLower(param)] {
			t.Errorf("template %q", o.URLTemplate)
		}
		params[strings.ToLower(param)] = true
	}
}

// FuzzSite takes whole sites: every problem can be acted on and stands inside
// its file, and reading again says the same.
func FuzzSite(f *testing.F) {
	for _, site := range seeds(f) {
		f.Add(txtar.Format(&txtar.Archive{Files: site}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if slices.Contains(strings.Split(string(data), "\n"), "-- --") {
			return // the archive's reader takes it for a marker and panics
		}
		files := map[string]string{}
		for _, e := range txtar.Parse(data).Files {
			files[e.Name] = string(e.Data)
		}
		if !possible(files) {
			return
		}
		s, ps := load(t, files)
		again, psAgain := load(t, files)
		if diff := cmp.Diff(ps, psAgain); diff != "" {
			t.Errorf("another reading has other problems:\n%s", diff)
		}
		if s == nil {
			return
		}
		if s.Digest != again.Digest {
			t.Error("another reading has another digest")
		}
		checkPlaces(t, files, reflect.ValueOf(s.Config).Elem())
		for _, a := range s.Service.APIs {
			for _, o := range a.Operations {
				checkOperation(t, o)
			}
		}
		if s.Config.PublicNetworkAccess != "Enabled" {
			for _, l := range s.Config.Listeners {
				if l.Address == "0.0.0.0" || l.Address == "::" {
					t.Errorf("a listener on %s is accepted", l.Address)
				}
			}
		}
	})
}

// possible reports whether a file system can hold these files: no file is also
// a folder.
func possible(files map[string]string) bool {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for dir := filepath.Dir(name); dir != "." && dir != "/"; dir = filepath.Dir(dir) {
			if _, ok := files[dir]; ok {
				return false
			}
		}
		if name == "" || name == "." || strings.HasPrefix(name, "/") || filepath.Clean(name) != name || strings.HasPrefix(name, "..") {
			return false
		}
	}
	return true
}
