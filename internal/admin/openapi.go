package admin

import (
	"context"
	"net/netip"
	"reflect"
	"regexp"
	"strings"
	"time"
)

func openAPI(context.Context, *Door, *call) (any, error) { return OpenAPI(), nil }

// OpenAPI is the description of the door (OpenAPI 3.1), written from the same
// table that routes its calls.
func OpenAPI() map[string]any {
	schemas := map[string]any{"Failure": schemaOf(reflect.TypeFor[failure](), nil)}
	paths := map[string]any{}
	for _, op := range operations() {
		path, _ := paths[op.pattern].(map[string]any)
		if path == nil {
			path = map[string]any{}
			paths[op.pattern] = path
		}
		path[strings.ToLower(op.method)] = op.describe(schemas)
	}
	return map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{
			"title": "Cloister, the operator's door", "version": "1",
			"description": "On the Unix socket of the state directory for the gateway's own user and root, and over TLS for those to whom admin.roles of cloister.yaml gives a role.",
		},
		"paths": paths,
		"components": map[string]any{
			"schemas": schemas,
			"securitySchemes": map[string]any{
				"token":       map[string]any{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
				"certificate": map[string]any{"type": "mutualTLS"},
			},
		},
		"security": []any{map[string]any{"token": []any{}}, map[string]any{"certificate": []any{}}},
	}
}

// describe is the operation object; schemas of what it names are added.
func (op operation) describe(schemas map[string]any) map[string]any {
	content := "application/json"
	var answer any = map[string]any{"type": "string", "format": "binary"}
	if _, bytes := op.answer.(stream); bytes {
		content = "application/octet-stream"
	} else {
		answer = schemaOf(reflect.TypeOf(op.answer), schemas)
	}
	fails := map[string]any{
		"description": "It was not done.",
		"content":     map[string]any{"application/json": map[string]any{"schema": map[string]any{"$ref": "#/components/schemas/Failure"}}},
	}
	out := map[string]any{
		"operationId": strings.ReplaceAll(op.action, ".", "-"),
		"summary":     op.short,
		"description": "Role: " + op.roles() + ".",
		"responses": map[string]any{
			"200":     map[string]any{"description": "Done.", "content": map[string]any{content: map[string]any{"schema": answer}}},
			"default": fails,
		},
	}
	var params []any
	for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(op.pattern, -1) {
		params = append(params, map[string]any{"name": m[1], "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
	}
	for _, p := range op.params {
		params = append(params, map[string]any{"name": p.name, "in": "query", "description": p.doc, "schema": map[string]any{"type": "integer"}})
	}
	if params != nil {
		out["parameters"] = params
	}
	if op.body != nil {
		out["requestBody"] = map[string]any{
			"required": true,
			"content":  map[string]any{"application/json": map[string]any{"schema": schemaOf(reflect.TypeOf(op.body), schemas)}},
		}
	}
	return out
}

// schemaOf is the JSON Schema of a Go type. Named structs become entries of
// schemas, where it is not nil, and a reference to them.
func schemaOf(t reflect.Type, schemas map[string]any) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[netip.Addr]():
		return map[string]any{"type": "string"}
	case t.Kind() == reflect.Pointer:
		return schemaOf(t.Elem(), schemas)
	case t.Kind() == reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem(), schemas)}
	case t.Kind() == reflect.Map:
		m := map[string]any{"type": "object"}
		if t.Elem().Kind() != reflect.Interface {
			m["additionalProperties"] = schemaOf(t.Elem(), schemas)
		}
		return m
	case t.Kind() == reflect.Struct:
		return structSchema(t, schemas)
	case t.Kind() == reflect.String:
		return map[string]any{"type": "string"}
	case t.Kind() == reflect.Bool:
		return map[string]any{"type": "boolean"}
	case t.Kind() == reflect.Interface:
		return map[string]any{}
	case t.Kind() == reflect.Float64:
		return map[string]any{"type": "number"}
	}
	return map[string]any{"type": "integer"}
}

func structSchema(t reflect.Type, schemas map[string]any) map[string]any {
	if schemas != nil && t.Name() != "" {
		ref := map[string]any{"$ref": "#/components/schemas/" + t.Name()}
		if _, done := schemas[t.Name()]; !done {
			schemas[t.Name()] = true // it may hold itself
			schemas[t.Name()] = members(t, schemas)
		}
		return ref
	}
	return members(t, schemas)
}

func members(t reflect.Type, schemas map[string]any) map[string]any {
	properties, required := map[string]any{}, []any{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		if name == "-" || !f.IsExported() {
			continue
		}
		properties[name] = schemaOf(f.Type, schemas)
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	out := map[string]any{"type": "object", "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}
