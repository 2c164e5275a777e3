package site

import (
	"encoding/json"
	"path"
	"strings"
)

// Schema is a schema of the service that belongs to no API, which policies name
// by its id.
type Schema struct {
	Pos Pos
	ID  string
	// Type is json or xml.
	Type string
	// Document is a JSON schema, as [json.Decoder] gives it with numbers as
	// [json.Number]; nil where it cannot be read.
	Document any
}

const (
	schemaFile = "schemaInformation.json"
	schemaDir  = "schemas"
)

// schemas reads apim/schemas. A document that cannot be read has no effect until
// a policy names it.
func (l *apimLoader) schemas(dir string) {
	for _, name := range l.dirs(dir) {
		file := path.Join(dir, name, schemaFile)
		data, ok := l.take(file)
		if !ok {
			continue
		}
		s := &Schema{Pos: Pos{File: file}, ID: name, Type: "json"}
		l.service.Schemas = append(l.service.Schemas, s)
		r := newReport()
		root := parseJSON(r.source(file, data), bounds{bytes: MaxSpecification, values: 500_000, depth: 256}, r)
		p := root.get("properties")
		if t := textOf(p.get("schemaType")); t != "" {
			s.Type = strings.ToLower(t)
		}
		if s.Type != "json" {
			continue
		}
		switch v := p.get("document"); {
		case v == nil:
			s.Document = plainText(textOf(p.get("value")))
		case v.kind == kindText:
			s.Document = plainText(v.text)
		default:
			s.Document = v.plain()
		}
	}
}

// plainText is a JSON document in a text; nil where it is none.
func plainText(text string) (v any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}
