package site

import (
	"bytes"
	"encoding/json"
	"strings"
)

// schemaID is where editors find the schema of cloister.yaml.
const schemaID = "https://raw.githubusercontent.com/cloister-ai/cloister/main/docs/cloister.schema.json"

// ConfigSchema returns the JSON Schema (draft 2020-12) of cloister.yaml, with
// descriptions and defaults for editors. It comes from the table that the
// decoder uses, so the two know the same fields. The schema holds what can be
// said of one field; rules across fields are the loader's.
func ConfigSchema() []byte {
	root := schemaOf(object("", "The configuration of a Cloister site.", configFields()...))
	schema := schemaObject{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"$id", schemaID},
		{"title", "cloister.yaml"},
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(append(schema, root...)); err != nil {
		// Strings, numbers and lists always encode.
		panic("site: encoding the schema: " + err.Error())
	}
	return b.Bytes()
}

// schemaObject is a JSON object that keeps its order.
type schemaObject []schemaMember

type schemaMember struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
func (o schemaObject) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		var v bytes.Buffer
		enc := json.NewEncoder(&v)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(m.value); err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(v.Bytes())
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func schemaOf(f field) schemaObject {
	var s schemaObject
	add := func(name string, value any) { s = append(s, schemaMember{name, value}) }
	if f.doc != "" {
		add("description", f.doc)
	}
	switch f.typ {
	case typeObject:
		s = append(s, schemaOfObject(f)...)
	case typeMap:
		add("type", "object")
		add("additionalProperties", schemaOf(*f.elem))
	case typeList:
		add("type", "array")
		add("items", schemaOf(*f.elem))
		if f.min > 0 {
			add("minItems", f.min)
		}
	case typeInteger, typeNumber:
		add("type", map[fieldType]string{typeInteger: "integer", typeNumber: "number"}[f.typ])
		add("minimum", f.min)
		if f.max > 0 {
			add("maximum", f.max)
		}
	case typeBoolean:
		add("type", "boolean")
	case typeDuration:
		add("type", "string")
		add("pattern", `^\+?([0-9]*\.?[0-9]*(ns|us|µs|μs|ms|s|m|h))+$`)
	case typePrefix:
		add("type", "string")
		add("pattern", `^[0-9a-fA-F:.]+/[0-9]{1,3}$`)
	case typeAddress:
		add("type", "string")
		add("pattern", `^[0-9a-fA-F:.]+$`)
	default:
		add("type", "string")
		if !f.mayBeEmpty && len(f.enum) == 0 {
			add("minLength", 1)
		}
	}
	if len(f.enum) > 0 {
		add("enum", f.enum)
	}
	if f.def != "" {
		add("default", defaultValue(f))
	}
	return s
}

func schemaOfObject(f field) schemaObject {
	properties := schemaObject{}
	var required []string
	for _, sub := range f.fields {
		properties = append(properties, schemaMember{sub.name, schemaOf(sub)})
		if sub.required {
			required = append(required, sub.name)
		}
	}
	s := schemaObject{
		{"type", "object"},
		{"properties", properties},
		{"additionalProperties", false},
	}
	if len(required) > 0 {
		s = append(s, schemaMember{"required", required})
	}
	if f.one {
		s = append(s, schemaMember{"minProperties", 1}, schemaMember{"maxProperties", 1})
	}
	return s
}

// defaultValue is the default of f as JSON.
func defaultValue(f field) any {
	switch f.typ {
	case typeInteger, typeNumber:
		return json.Number(f.def)
	case typeBoolean:
		return f.def == "true"
	case typeList:
		return strings.Split(strings.Trim(f.def, "[]"), ", ")
	default:
		return f.def
	}
}
