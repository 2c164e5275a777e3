package site

import (
	"encoding/json"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

const (
	// MaxSpecification is how large an OpenAPI document may be that messages are
	// checked against, in bytes; API Management has the same limit.
	MaxSpecification = 4 << 20
	// maxReferences is how many references may follow each other.
	maxReferences = 16
)

// Specification is the OpenAPI document of an API. Loading takes the operations
// from it; what it says of their messages is read when somebody asks for it.
type Specification struct {
	// Path is relative to the site's directory.
	Path string
	// Source is nil where the document is larger than [MaxSpecification].
	Source []byte
}

// Contracts are what an OpenAPI document says of the messages of its operations.
type Contracts struct {
	root *value
	// swagger: version 2.0. modern: 3.1, whose schemas are JSON Schema 2020-12.
	swagger, modern bool
}

// Modern reports a document whose schemas are JSON Schema 2020-12; those of
// others are OpenAPI's own dialect of an earlier draft.
func (c *Contracts) Modern() bool { return c.modern }

// Contracts reads the document; nil where it cannot be read, or is too large.
func (s *Specification) Contracts() *Contracts {
	if s == nil || s.Source == nil {
		return nil
	}
	// What is wrong with it was reported when the site was loaded.
	r := newReport()
	src := r.source(s.Path, s.Source)
	var root *value
	if path.Ext(s.Path) == ".json" {
		root = parseJSON(src, specificationBounds(), r)
	} else {
		root = parseYAML(src, specificationBounds(), r)
	}
	if root == nil || !openAPIVersion(root, src, r) {
		return nil
	}
	return &Contracts{root: root, swagger: root.get("swagger") != nil, modern: strings.HasPrefix(textOf(root.get("openapi")), "3.1")}
}

// Contract is what is said of the messages of one operation. Schemas and
// examples are as [json.Decoder] gives them, numbers as [json.Number].
type Contract struct {
	Parameters []Parameter
	// Request is nil where the operation takes no body.
	Request   *Message
	Responses []Message
}

// Parameter is a parameter of a request, or a header of an answer.
type Parameter struct {
	// In is path, query or header.
	In, Name string
	Required bool
	// Schema is nil where nothing is said.
	Schema any
	// Separator stands between the items of a list; empty: the parameter comes
	// once for each.
	Separator string
}

// Message is a body with its headers.
type Message struct {
	// Status is that of an answer: 200, 2XX or default.
	Status   string
	Required bool
	Headers  []Parameter
	Contents []Content
}

// Content is a body of one type.
type Content struct {
	// Type is a media type, which may have * in it.
	Type string
	// Schema is nil where there is none, and Name is that of the definition that
	// it refers to.
	Schema any
	Name   string
	// Examples are in the order of the document.
	Examples []any
}

// Lookup is what a reference of the document itself, such as
// #/components/schemas/Pet, stands for.
func (c *Contracts) Lookup(reference string) (any, bool) {
	v := c.find(reference)
	if v == nil {
		return nil, false
	}
	return v.plain(), true
}

func (c *Contracts) find(reference string) *value {
	pointer, ok := strings.CutPrefix(reference, "#")
	if !ok {
		return nil
	}
	v := c.root
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if pointer == "" {
			break
		}
		name = strings.ReplaceAll(strings.ReplaceAll(unescaped(name), "~1", "/"), "~0", "~")
		if v != nil && v.kind == kindList {
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(v.list) {
				return nil
			}
			v = v.list[i]
			continue
		}
		v = v.get(name)
	}
	return v
}

// resolve follows references; nil where one leads nowhere.
func (c *Contracts) resolve(v *value) *value {
	for range maxReferences {
		ref := v.get("$ref")
		if ref == nil {
			return v
		}
		v = c.find(textOf(ref))
	}
	return nil
}

// Of is the contract of an operation; nil where the document does not have it.
func (c *Contracts) Of(op *Operation) *Contract {
	for _, member := range []string{"paths", "x-ms-paths"} {
		paths := c.root.get(member)
		if paths == nil {
			continue
		}
		for _, m := range paths.members {
			template, _, _ := strings.Cut(m.name, "?")
			if template != op.URLTemplate {
				continue
			}
			if v := m.value.get(strings.ToLower(op.Method)); v != nil {
				return c.contract(m.value, v)
			}
		}
	}
	return nil
}

func (c *Contracts) contract(item, op *value) *Contract {
	out := &Contract{}
	for _, list := range []*value{op.get("parameters"), item.get("parameters")} {
		if list == nil {
			continue
		}
		for _, v := range list.list {
			if v = c.resolve(v); v != nil {
				c.parameter(out, op, v)
			}
		}
	}
	if body := c.resolve(op.get("requestBody")); body != nil && body.kind == kindObject {
		out.Request = &Message{Required: boolOf(body.get("required"), false), Contents: c.contents(body.get("content"))}
	}
	if responses := op.get("responses"); responses != nil {
		for _, m := range responses.members {
			if strings.HasPrefix(m.name, "x-") {
				continue
			}
			if v := c.resolve(m.value); v != nil {
				out.Responses = append(out.Responses, c.response(op, m.name, v))
			}
		}
	}
	return out
}

// parameter adds one of the operation, or of its path where the operation does
// not have it.
func (c *Contracts) parameter(out *Contract, op, v *value) {
	in, name := textOf(v.get("in")), textOf(v.get("name"))
	switch in {
	case "body":
		if out.Request == nil {
			out.Request = &Message{Required: boolOf(v.get("required"), false), Contents: c.typed(c.types(op, "consumes"), v.get("schema"), nil)}
		}
		return
	case "formData":
		if out.Request == nil {
			out.Request = &Message{Contents: c.typed(c.types(op, "consumes"), nil, nil)}
		}
		return
	case "path", "query", "header":
	default:
		return
	}
	same := func(p Parameter) bool { return p.In == in && strings.EqualFold(p.Name, name) }
	if name == "" || slices.ContainsFunc(out.Parameters, same) {
		return
	}
	out.Parameters = append(out.Parameters, c.described(v, in, name))
}

// described is a parameter, or a header.
func (c *Contracts) described(v *value, in, name string) Parameter {
	p := Parameter{In: in, Name: name, Required: boolOf(v.get("required"), false) || in == "path", Separator: ","}
	schema := v.get("schema")
	if content := v.get("content"); schema == nil && content != nil && len(content.members) > 0 {
		schema = content.members[0].value.get("schema")
	}
	if c.swagger {
		schema = v
		switch textOf(v.get("collectionFormat")) {
		case "ssv":
			p.Separator = " "
		case "pipes":
			p.Separator = "|"
		case "tsv":
			p.Separator = "\t"
		case "multi":
			p.Separator = ""
		}
	} else {
		style := textOf(v.get("style"))
		switch {
		case style == "spaceDelimited":
			p.Separator = " "
		case style == "pipeDelimited":
			p.Separator = "|"
		case in == "query" && boolOf(v.get("explode"), true):
			p.Separator = ""
		}
	}
	if schema == nil {
		return p
	}
	p.Schema = schema.plain()
	if m, ok := p.Schema.(map[string]any); ok && c.swagger {
		// What describes the parameter stands beside what describes its value.
		for _, other := range []string{"in", "name", "required", "collectionFormat"} {
			delete(m, other)
		}
	}
	return p
}

func (c *Contracts) response(op *value, status string, v *value) Message {
	m := Message{Status: strings.ToUpper(status)}
	if strings.EqualFold(status, "default") {
		m.Status = "default"
	}
	if headers := v.get("headers"); headers != nil {
		for _, h := range headers.members {
			if described := c.resolve(h.value); described != nil {
				m.Headers = append(m.Headers, c.described(described, "header", h.name))
			}
		}
	}
	if !c.swagger {
		m.Contents = c.contents(v.get("content"))
		return m
	}
	examples := v.get("examples")
	types := c.types(op, "produces")
	if examples != nil {
		for _, e := range examples.members {
			if !slices.ContainsFunc(types, func(t string) bool { return strings.EqualFold(t, e.name) }) {
				types = append(types, e.name)
			}
		}
	}
	if v.get("schema") != nil || examples != nil {
		m.Contents = c.typed(types, v.get("schema"), examples)
	}
	return m
}

// types are the media types of Swagger 2.0; application/json without any.
func (c *Contracts) types(op *value, member string) []string {
	types := textsOf(op.get(member))
	if len(types) == 0 {
		types = textsOf(c.root.get(member))
	}
	if len(types) == 0 {
		types = []string{"application/json"}
	}
	return types
}

func (c *Contracts) typed(types []string, schema, examples *value) []Content {
	var out []Content
	for _, t := range types {
		content := c.content(t, schema)
		if example := examples.get(t); example != nil {
			content.Examples = append(content.Examples, example.plain())
		}
		out = append(out, content)
	}
	return out
}

func (c *Contracts) contents(v *value) []Content {
	if v == nil {
		return nil
	}
	var out []Content
	for _, m := range v.members {
		content := c.content(m.name, m.value.get("schema"))
		if example := m.value.get("example"); example != nil {
			content.Examples = append(content.Examples, example.plain())
		}
		if examples := m.value.get("examples"); examples != nil {
			for _, e := range examples.members {
				if e := c.resolve(e.value).get("value"); e != nil {
					content.Examples = append(content.Examples, e.plain())
				}
			}
		}
		out = append(out, content)
	}
	return out
}

func (c *Contracts) content(mediaType string, schema *value) Content {
	out := Content{Type: strings.ToLower(strings.TrimSpace(mediaType))}
	if schema != nil {
		out.Schema = schema.plain()
		out.Name = lastSegment(textOf(schema.get("$ref")))
	}
	return out
}

// plain is a value as [json.Decoder] gives it.
func (v *value) plain() any {
	switch v.kind {
	case kindNull:
		return nil
	case kindBoolean:
		return v.text == "true"
	case kindNumber:
		return plainNumber(v.text)
	case kindText:
		return v.text
	case kindList:
		out := make([]any, len(v.list))
		for i, e := range v.list {
			out[i] = e.plain()
		}
		return out
	default:
		out := make(map[string]any, len(v.members))
		for _, m := range v.members {
			out[m.name] = m.value.plain()
		}
		return out
	}
}

// plainNumber is a number of JSON or YAML as JSON has it; text where it has none.
func plainNumber(s string) any {
	if json.Valid([]byte(s)) {
		return json.Number(s)
	}
	if i, err := strconv.ParseInt(s, 0, 64); err == nil {
		return json.Number(strconv.FormatInt(i, 10))
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		if text := strconv.FormatFloat(f, 'g', -1, 64); json.Valid([]byte(text)) {
			return json.Number(text)
		}
	}
	return s
}

// unescaped is a part of a reference without percent escapes.
func unescaped(s string) string {
	if out, err := url.PathUnescape(s); err == nil {
		return out
	}
	return s
}
