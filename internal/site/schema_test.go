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

// everything uses every field of cloister.yaml; examples/ and docs show others.
const everything = `
name: contoso
publicNetworkAccess: Disabled
listeners: [{address: private, port: 443}]
hostnames: [{name: openai.contoso.internal, default: true, certificate: tls/a.pem, key: tls/a.key, clientCA: tls/a.pem}]
health: {address: ""}
callers: {default: [subscription], apis: {chat: [token, subscription+token, certificate, policy, anonymous]}}
tokens:
  audiences: [gateway]
  issuers: [{issuer: "https://idp.internal", metadata: "https://idp.internal/m", jwksUri: "https://idp.internal/k", algorithms: [ES256, RS256], caFile: tls/a.pem, audiences: [other], tokenType: at+jwt}]
  callers: [{subscription: a, issuer: "https://idp.internal", clientApplicationIds: [c], principals: [p], groups: [g], roles: [r], scopes: [s]}]
subscriptions:
  - {name: a, scope: /apis, state: active, primaryKey: {env: A}, secondaryKey: {file: keys/a}, boundTo: {principals: [p], certificates: ["` + "00000000000000000000000000000000000000000000000000000000000000aa" + `"]}}
namedValues: {secret: {credential: c}}
trustedProxies: [{prefix: 10.0.0.0/24, proxyProtocol: v2}, {prefix: "fd00::/64", forwardedFor: 2}]
privatePrefixes: [{prefix: 10.0.0.0/8}, {prefix: 198.18.0.0/15, reason: lab}]
destinations:
  model: [{host: b.internal, port: 443, addresses: [10.0.0.4, 10.0.0.5]}]
  call: [{host: c.example.com, public: true}]
  identity: [{host: idp.internal}, {host: login.microsoftonline.com, public: true}, {host: 169.254.169.254, port: 80}]
  secret: [{host: vault.internal}]
  telemetry: [{host: otlp.internal, port: 4318}]
  name: [{host: 10.0.0.53}]
backends:
  a: {url: "https://b.internal", credential: {none: true}, caFile: tls/a.pem, passCallerToken: true, maxConnections: 8}
  b: {url: "https://b.internal", credential: {managedIdentity: {clientId: c, resource: r}}}
  c: {url: "https://b.internal", credential: {apiKey: {header: api-key, key: {env: K}}}}
  d: {url: "https://b.internal", credential: {clientSecret: {authority: "https://login.microsoftonline.com", tenantId: t, clientId: c, secret: {env: S}, scope: s, caFile: tls/a.pem}}}
names: {servers: ["10.0.0.53:53", system]}
state: {directory: /var/lib/cloister}
telemetry: {accessLog: stderr, otlp: {endpoint: "https://otlp.internal:4318", caFile: tls/a.pem, sampleRatio: 0.25}}
drainTimeout: 1m30s
limits: {maxBodyBytes: 1048576, headerTimeout: 5s, idleTimeout: 1m, streamIdleTimeout: 5m, requestTimeout: 1h, maxConnections: 10}
acceptedFields: [{path: "apim/apis/chat/apiInformation.json#properties.isOnline", reason: known}]
`

// everythingFiles are the files that it names.
func everythingFiles() map[string]string {
	return map[string]string{
		"cloister.yaml":                      everything,
		"tls/a.pem":                          certificate,
		"tls/a.key":                          "",
		"apim/apis/chat/apiInformation.json": `{"properties": {"path": "chat", "isOnline": false}}`,
		"apim/apis/chat/specification.json":  `{"openapi": "3.0.0", "paths": {"/": {"get": {}}}}`,
		"apim/named values/secret/namedValueInformation.json": `{"properties": {"displayName": "secret", "secret": true}}`,
	}
}

// TestEverything: the sample has every field of the table, and both the loader
// and the schema accept it.
func TestEverything(t *testing.T) {
	r := newReport()
	c := decodeConfig(newSource("cloister.yaml", []byte(everything)), r)
	if c == nil || r.HasErrors() {
		t.Fatal(render(r.Problems))
	}
	given := map[string]bool{}
	for place := range c.places {
		given[anyClass(generalPlace(place))] = true
	}
	var visit func(f field, path string)
	visit = func(f field, path string) {
		if path != "" && !given[anyClass(path)] {
			t.Errorf("the sample does not use %s", path)
		}
		if f.secret {
			return // three ways that exclude each other
		}
		for _, sub := range f.fields {
			visit(sub, join(path, sub.name))
		}
		switch f.typ {
		case typeList:
			visit(*f.elem, path+"[]")
		case typeMap:
			visit(*f.elem, path+".*")
		}
	}
	visit(object("", "", configFields()...), "")
	if s, ps := load(t, everythingFiles()); s == nil {
		t.Error(render(ps))
	}
	if err := validate(t, compileSchema(t), everything); err != nil {
		t.Error(err)
	}
}

// anyClass makes the classes of destinations one: their fields are the same.
func anyClass(path string) string {
	if class, rest, ok := strings.Cut(path, "[]"); ok && strings.HasPrefix(class, "destinations.") {
		return "destinations.*[]" + rest
	}
	return path
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
			case "callers.apis", "namedValues", "backends":
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
