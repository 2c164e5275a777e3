package policy

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func newTestSchema(t testing.TB, text string, opt schemaOptions) *schema {
	t.Helper()
	document, err := decodeJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSchema(document, opt, func(reference string) (any, bool) { return within(document, reference) })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchema(t *testing.T) {
	f := func(opt schemaOptions, text, value string, want ...string) {
		t.Helper()
		s := newTestSchema(t, text, opt)
		v, err := decodeJSON([]byte(value))
		if err != nil {
			t.Fatal(err)
		}
		found, err := s.check(v)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range found {
			got = append(got, strings.Join(w.path, "/")+" "+w.text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s against %s (-want +got)\n%s", value, text, diff)
		}
	}
	old, modern := schemaOptions{}, schemaOptions{modern: true}
	const nothingElse = "Property 'b' has not been defined and the schema does not allow additional properties."

	f(old, `{"type": "string", "nullable": true, "enum": ["a"]}`, `null`)
	f(modern, `{"type": "string", "nullable": true}`, `null`, " Invalid type. Expected String but got Null.")
	f(old, `{"minimum": 1, "exclusiveMinimum": true}`, `1`, " Number is not above the exclusive minimum value of 1.")
	f(modern, `{"exclusiveMaximum": 1}`, `1`, " Number is not below the exclusive maximum value of 1.")
	f(old, `{"items": [{"type": "string"}], "additionalItems": false}`, `["a", "b"]`, "1 Property '1' has not been defined and the schema does not allow additional properties.")
	f(old, `{"$ref": "#/definitions/a", "type": "string", "definitions": {"a": {"type": "integer"}}}`, `1`)
	f(modern, `{"$ref": "#/definitions/a", "maximum": 0, "definitions": {"a": {"type": "integer"}}}`, `1`, " Number exceeds maximum value of 0.")
	f(old, `{"properties": {"a": {"$ref": "#"}}, "additionalProperties": false}`, `{"a": {"a": {"b": 1}}}`, "a/a "+nothingElse)
	f(old, `{"not": {"type": "string"}}`, `"a"`, " JSON is valid against schema from 'not'.")
	f(old, `{"anyOf": [{"type": "string"}, {"type": "null"}]}`, `1`, " JSON does not match any schemas from 'anyOf'.")
	f(old, `{"oneOf": [{"type": "number"}, {"type": "integer"}]}`, `1`, " JSON is valid against more than one schema from 'oneOf'.")
	f(old, `{"patternProperties": {"^x-": {"type": "string"}}}`, `{"x-a": 1}`, "x-a Invalid type. Expected String but got Number.")
	f(old, `{"format": "date-time"}`, `"today"`, " String does not validate against format 'date-time'.")
	f(old, `{"type": "string", "format": "unknown"}`, `"today"`)
	f(old, `{"uniqueItems": true}`, `[1, 1.0]`, " Non-unique array item.")

	// What a policy says of further properties.
	closed, open := schemaOptions{additional: saidFalse}, schemaOptions{additional: saidTrue}
	f(closed, `{"properties": {"a": {}}}`, `{"a": {"c": 1}, "b": 1}`, "a/c Property 'c' has not been defined and the schema does not allow additional properties.", "b "+nothingElse)
	f(closed, `{"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}], "additionalProperties": true}`, `{"a": 1, "b": 1}`)
	f(closed, `{"allOf": [{"$ref": "#/d"}, {"properties": {"a": {"$ref": "#/d"}}}], "d": {"properties": {"c": {}}}}`, `{"a": {"b": 1}, "c": 1}`,
		"a Property 'a' has not been defined and the schema does not allow additional properties.", "a/b "+nothingElse)
	f(open, `{"properties": {"a": {}}, "additionalProperties": false}`, `{"b": 1}`)
	// Names without case.
	fold := schemaOptions{fold: true}
	f(fold, `{"required": ["Id"], "properties": {"ID": {"type": "string"}}, "additionalProperties": false}`, `{"iD": 1}`, "id Invalid type. Expected String but got Number.")
}

// TestSchemaWork: schemas that branch and recur end, whatever the value is.
func TestSchemaWork(t *testing.T) {
	s := newTestSchema(t, `{"oneOf": [{"properties": {"a": {"$ref": "#"}}, "required": ["b"]}, {"properties": {"a": {"$ref": "#"}}, "required": ["b"]}]}`, schemaOptions{})
	deep := strings.Repeat(`{"a": `, 60) + "1" + strings.Repeat("}", 60)
	v, err := decodeJSON([]byte(deep))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.check(v); !errors.Is(err, errTooMuch) {
		t.Errorf("%v", err)
	}
	// The schema is good for others afterwards.
	if found, err := s.check(json.Number("1")); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
}

// TestSchemaTogether: many goroutines hold values against one schema.
func TestSchemaTogether(t *testing.T) {
	s := newTestSchema(t, `{"type": "array", "items": {"type": "integer"}}`, schemaOptions{})
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for range 100 {
				value := []any{json.Number("1"), "a"}[:1+i%2]
				found, err := s.check(value)
				if err != nil || len(found) != i%2 {
					t.Errorf("%v, %v", found, err)
				}
			}
		})
	}
	all.Wait()
}

func TestDecodeJSON(t *testing.T) {
	for _, text := range []string{
		"", "{", `{"a": 1, "a": 1}`, `[1,]`, "1 2", "\"\xff\"", strings.Repeat("[", 70) + strings.Repeat("]", 70),
		"1e1001", "1e-1001", "1e99999999999999999999", strings.Repeat("1", 300), `{"a"}`, "nul",
	} {
		if v, err := decodeJSON([]byte(text)); err == nil {
			t.Errorf("%.40q is %v", text, v)
		}
	}
	for _, text := range []string{"null", "\ufeff{}", ` {"a": [1e10, true, ""]} `} {
		if _, err := decodeJSON([]byte(text)); err != nil {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

// FuzzDecodeJSON: what is read is what encoding/json reads, and no more.
func FuzzDecodeJSON(f *testing.F) {
	for _, text := range []string{`{"a": [1, 2.5e3, "x", null, true]}`, `{"a":1,"a":2}`, "[[[]]]", "1e400", "\xff"} {
		f.Add([]byte(text))
	}
	s := newTestSchema(f, `{"type": "object", "properties": {"a": {"type": "array", "items": {"type": "number", "multipleOf": 0.5}}}}`, schemaOptions{additional: saidFalse})
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := decodeJSON(text)
		if err != nil {
			return
		}
		if !json.Valid([]byte(strings.TrimPrefix(string(text), "\ufeff"))) {
			t.Fatalf("%q is no JSON", text)
		}
		found, err := s.check(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range found {
			placeIn(text, w.path)
		}
	})
}
