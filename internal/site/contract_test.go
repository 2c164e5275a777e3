package site

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestContracts(t *testing.T) {
	f := func(path, text, method, template, want string) {
		t.Helper()
		c := (&Specification{Path: path, Source: []byte(text)}).Contracts()
		if c == nil {
			t.Fatal("there are no contracts")
		}
		got, err := json.Marshal(c.Of(&Operation{Method: method, URLTemplate: template}))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	const modern = `
openapi: 3.1.0
paths:
  /a/{id}:
    parameters: [{name: id, in: path, schema: {type: integer}}, {name: X, in: header, required: true}]
    get:
      parameters: [{$ref: '#/components/parameters/x'}, {name: c, in: cookie}, {name: q, in: query, explode: false, style: pipeDelimited}]
      responses:
        '200': {$ref: '#/components/responses/ok'}
        default: {description: other}
        x-note: {}
    post:
      requestBody: {required: true, content: {Application/JSON: {schema: {$ref: '#/components/schemas/A'}, example: {a: 0x10}}}}
components:
  parameters: {x: {name: x, in: header, content: {text/plain: {schema: {type: string}}}}}
  responses: {ok: {description: ok, headers: {R: {required: true, schema: {type: number}}}, content: {text/plain: {examples: {z: {value: 1.5}, a: {value: two}}}}}}
  schemas: {A: {type: object}}
`
	f("a.yaml", modern, "GET", "/a/{id}", `{"Parameters":[{"In":"header","Name":"x","Required":false,"Schema":{"type":"string"},"Separator":","},`+
		`{"In":"query","Name":"q","Required":false,"Schema":null,"Separator":"|"},{"In":"path","Name":"id","Required":true,"Schema":{"type":"integer"},"Separator":","}],`+
		`"Request":null,"Responses":[{"Status":"200","Required":false,"Headers":[{"In":"header","Name":"R","Required":true,"Schema":{"type":"number"},"Separator":","}],`+
		`"Contents":[{"Type":"text/plain","Schema":null,"Name":"","Examples":[1.5,"two"]}]},{"Status":"default","Required":false,"Headers":null,"Contents":null}]}`)
	f("a.yaml", modern, "POST", "/a/{id}", `{"Parameters":[{"In":"path","Name":"id","Required":true,"Schema":{"type":"integer"},"Separator":","},`+
		`{"In":"header","Name":"X","Required":true,"Schema":null,"Separator":","}],"Request":{"Status":"","Required":true,"Headers":null,`+
		`"Contents":[{"Type":"application/json","Schema":{"$ref":"#/components/schemas/A"},"Name":"A","Examples":[{"a":16}]}]},"Responses":null}`)
	f("a.yaml", modern, "PUT", "/a/{id}", "null")
	f("a.json", `{"swagger": "2.0", "consumes": ["application/json", "text/json"], "paths": {"/a?x=1": {"post": {
		"produces": ["application/xml"],
		"parameters": [{"in": "body", "name": "b", "required": true, "schema": {"type": "array"}}, {"in": "query", "name": "q", "type": "array", "collectionFormat": "multi"}],
		"responses": {"200": {"schema": {"type": "string"}, "examples": {"application/json": {"a": 1}}}}}}}}`, "POST", "/a",
		`{"Parameters":[{"In":"query","Name":"q","Required":false,"Schema":{"type":"array"},"Separator":""}],"Request":{"Status":"","Required":true,"Headers":null,`+
			`"Contents":[{"Type":"application/json","Schema":{"type":"array"},"Name":"","Examples":null},{"Type":"text/json","Schema":{"type":"array"},"Name":"","Examples":null}]},`+
			`"Responses":[{"Status":"200","Required":false,"Headers":null,"Contents":[{"Type":"application/xml","Schema":{"type":"string"},"Name":"","Examples":null},`+
			`{"Type":"application/json","Schema":{"type":"string"},"Name":"","Examples":[{"a":1}]}]}]}`)

	for _, s := range []*Specification{nil, {Path: "a.json"}, {Path: "a.json", Source: []byte("{")}, {Path: "a.json", Source: []byte("{}")}} {
		if s.Contracts() != nil {
			t.Errorf("%v has contracts", s)
		}
	}
	c := (&Specification{Path: "a.yaml", Source: []byte(modern)}).Contracts()
	for reference, want := range map[string]bool{
		"#/components/schemas/A": true, "#": true, "#/paths/~1a~1%7Bid%7D/get/parameters/1": true, "#/paths/~1a~1{id}/get/parameters/9": false, "#/x/y": false, "a.yaml": false,
	} {
		if _, ok := c.Lookup(reference); ok != want {
			t.Errorf("%s: %v", reference, ok)
		}
	}
}

func TestSchemas(t *testing.T) {
	s, ps := load(t, map[string]string{
		"cloister.yaml":                         minimal,
		"apim/schemas/a/schemaInformation.json": `{"properties": {"schemaType": "json", "document": {"type": "object"}}}`,
		"apim/schemas/b/schemaInformation.json": `{"properties": {"value": "{\"maximum\": 1.0}"}}`,
		"apim/schemas/c/schemaInformation.json": `{"properties": {"schemaType": "xml", "value": "<xs:schema />"}}`,
		"apim/schemas/d/schemaInformation.json": `{"properties": {"value": "no JSON"}}`,
		"apim/schemas/e/schemaInformation.json": `{`,
		"apim/schemas/f/somethingElse.json":     `{`,
	})
	if s == nil {
		t.Fatal(render(ps))
	}
	var got []string
	for _, k := range s.Service.Schemas {
		text, err := json.Marshal(k.Document)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, k.ID+" "+k.Type+" "+string(text))
	}
	want := []string{`a json {"type":"object"}`, `b json {"maximum":1.0}`, "c xml null", "d json null", "e json null"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
