package site

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// TestFieldTable holds the table of fields against the structures that they
// are decoded into: each has what the other has, by name and by type.
func TestFieldTable(t *testing.T) {
	checkFields(t, object("", "", configFields()...), reflect.TypeFor[Config](), "")
}

func checkFields(t *testing.T, f field, typ reflect.Type, path string) {
	t.Helper()
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if path != "" && f.doc == "" && f.name != "" {
		t.Errorf("%s has no description", path)
	}
	switch f.typ {
	case typeObject:
		checkObject(t, f, typ, path)
		return
	case typeList:
		checkFields(t, *f.elem, typ.Elem(), path+"[]")
		return
	case typeMap:
		checkFields(t, *f.elem, typ.Elem(), path+".*")
		return
	}
	want := map[fieldType][]reflect.Kind{
		typeText: {reflect.String}, typeInteger: {reflect.Int, reflect.Int64}, typeNumber: {reflect.Float64}, typeBoolean: {reflect.Bool},
		typeDuration: {reflect.Int64}, typePrefix: {reflect.Struct}, typeAddress: {reflect.Struct},
	}[f.typ]
	for _, k := range want {
		if typ.Kind() == k {
			return
		}
	}
	t.Errorf("%s is %s in the structure and %s in the table", path, typ, f.describe())
}

func checkObject(t *testing.T, f field, typ reflect.Type, path string) {
	t.Helper()
	inTable := map[string]bool{}
	for _, sub := range f.fields {
		inTable[sub.name] = true
		found := false
		for i := range typ.NumField() {
			if typ.Field(i).Tag.Get("yaml") == sub.name {
				found = true
				checkFields(t, sub, typ.Field(i).Type, join(path, sub.name))
			}
		}
		if !found {
			t.Errorf("%s has no field %q", typ, sub.name)
		}
	}
	for i := range typ.NumField() {
		tag := typ.Field(i).Tag.Get("yaml")
		if path == "destinations.model[]" && tag == "public" {
			continue // the one class that has no such field
		}
		if strings.HasPrefix(path, "destinations.") && tag == "caFile" && path != "destinations.call[]" {
			continue // the one class that has such a field
		}
		if tag != "-" && !inTable[tag] {
			t.Errorf("the table has no field %q of %s", tag, typ)
		}
	}
}

// TestDefaultsOfTable: every default is one that the field accepts.
func TestDefaultsOfTable(t *testing.T) {
	var visit func(f field, path string)
	visit = func(f field, path string) {
		if f.def != "" {
			if f.required {
				t.Errorf("%s is required and has a default", path)
			}
			r := newReport()
			src := newSource("", []byte(f.def))
			v := parseYAML(src, configBounds(), r)
			d := &decoder{config: &decodedConfig{Config: &Config{}, src: src, places: map[string]Pos{}}, r: r}
			d.value(v, f, reflect.New(scalarType(f)).Elem(), "")
			if r.HasErrors() {
				t.Errorf("%s: the default %q is refused:\n%s", path, f.def, render(r.Problems))
			}
		}
		for _, sub := range f.fields {
			visit(sub, join(path, sub.name))
		}
		if f.elem != nil {
			visit(*f.elem, path+"[]")
		}
	}
	visit(object("", "", configFields()...), "")
}

func scalarType(f field) reflect.Type {
	switch f.typ {
	case typeInteger, typeDuration:
		return reflect.TypeFor[int64]()
	case typeNumber:
		return reflect.TypeFor[*float64]()
	case typeBoolean:
		return reflect.TypeFor[bool]()
	case typeList:
		return reflect.TypeFor[[]string]()
	default:
		return reflect.TypeFor[string]()
	}
}

func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(ConfigSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(schemaID, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(schemaID)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// validate checks a text of YAML, as an editor does.
func validate(t testing.TB, schema *jsonschema.Schema, text string) error {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	j, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(instance)
}

// generalPlace is a place with [] for any element and * for any member of a
// map.
func generalPlace(place string) string {
	parts := strings.Split(place, ".")
	for i, p := range parts {
		if open := strings.IndexByte(p, '['); open >= 0 {
			parts[i] = p[:open] + "[]"
		}
		if i > 0 {
			switch strings.Join(parts[:i], ".") {
			case "callers.apis", "namedValues", "certificates", "backends":
				parts[i] = "*" + parts[i][len(strings.TrimSuffix(parts[i], "[]")):]
			}
		}
	}
	return strings.Join(parts, ".")
}

// TestSchemaAgrees: what the schema refuses, the loader refuses, and the
// schema refuses whatever is wrong with one field alone.
func TestSchemaAgrees(t *testing.T) {
	schema := compileSchema(t)
	for _, c := range []struct{ name, config string }{
		{"unknown field", minimal + "nmae: x\n"},
		{"unknown member", strings.Replace(minimal, "port: 443", "port: 443, adress: x", 1)},
		{"missing name", strings.Replace(minimal, "name: contoso\n", "", 1)},
		{"missing hostnames", strings.Replace(minimal, "hostnames: [{name: openai.contoso.internal}]\n", "", 1)},
		{"no listener", strings.Replace(minimal, "[{address: 10.1.2.3, port: 443}]", "[]", 1)},
		{"number as text", strings.Replace(minimal, "contoso", "7", 1)},
		{"text as number", strings.Replace(minimal, "443", `"443"`, 1)},
		{"port", strings.Replace(minimal, "443", "70000", 1)},
		{"enum", minimal + "publicNetworkAccess: enabled\n"},
		{"caller kind", minimal + "callers: {default: [tokens]}\n"},
		{"duration without unit", minimal + "drainTimeout: 30\n"},
		{"duration", minimal + "drainTimeout: soon\n"},
		{"prefix", minimal + "privatePrefixes: [{prefix: 10.0.0.0}]\n"},
		{"address", minimal + "destinations: {call: [{host: a, addresses: [z]}]}\n"},
		{"two credentials", minimal + "backends: {b: {url: \"https://b\", credential: {none: true, managedIdentity: {}}}}\n"},
		{"no credential", minimal + "backends: {b: {url: \"https://b\", credential: {}}}\n"},
		{"secret in clear", minimal + "subscriptions: [{name: a, scope: /apis, primaryKey: x}]\n"},
		{"two places of a secret", minimal + "subscriptions: [{name: a, scope: /apis, primaryKey: {env: A, file: b}}]\n"},
		{"public model", minimal + "destinations: {model: [{host: a, public: true}]}\n"},
		{"empty text", minimal + "state: {directory: \"\"}\n"},
		{"empty list", minimal + "tokens: {callers: [{subscription: a, roles: []}]}\n"},
		{"null", minimal + "tokens:\n"},
		{"ratio", minimal + "telemetry: {otlp: {sampleRatio: 1.5}}\n"},
		{"algorithm", minimal + "tokens: {issuers: [{issuer: \"https://a\", algorithms: [none]}]}\n"},
	} {
		if err := validate(t, schema, c.config); err == nil {
			t.Errorf("%s: the schema accepts\n%s", c.name, c.config)
		}
		if s, _ := load(t, map[string]string{"cloister.yaml": c.config}); s != nil {
			t.Errorf("%s: the loader accepts\n%s", c.name, c.config)
		}
	}
	for _, dir := range []string{"problems", "sites"} {
		archives, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range archives {
			_, all := fixtures(t, file)
			for _, fx := range all {
				s, _ := load(t, fx.files)
				if s == nil {
					continue
				}
				if err := validate(t, schema, fx.files["cloister.yaml"]+fx.files["cloister.yml"]); err != nil {
					t.Errorf("%s %s is accepted by the loader and refused by the schema: %v", file, fx.name, err)
				}
			}
		}
	}
}

// TestSchemaDescribes: every field of the schema has a description, and every
// default stands in it.
func TestSchemaDescribes(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(ConfigSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	var visit func(node map[string]any, path string)
	visit = func(node map[string]any, path string) {
		properties, _ := node["properties"].(map[string]any)
		for name, p := range properties {
			sub := p.(map[string]any)
			if d, _ := sub["description"].(string); d == "" {
				t.Errorf("%s has no description", join(path, name))
			}
			visit(sub, join(path, name))
		}
		for _, key := range []string{"items", "additionalProperties"} {
			if sub, ok := node[key].(map[string]any); ok {
				visit(sub, path+"[]")
			}
		}
	}
	visit(schema, "")
}

// TestSchemaIsCommitted compares docs/cloister.schema.json, which editors read.
func TestSchemaIsCommitted(t *testing.T) {
	generated(t, "cloister.schema.json", func([]byte) []byte { return ConfigSchema() })
}

// generated compares a file of docs/ with what f makes of it, or writes that.
func generated(t *testing.T, name string, f func(old []byte) []byte) {
	t.Helper()
	file := filepath.Join(testenv.Root(t), "docs", name)
	old, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	want := f(old)
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(old)); diff != "" {
		t.Errorf("docs/%s is out of date; run: go test ./internal/site -update\n%s", name, diff)
	}
}
