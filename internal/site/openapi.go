package site

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// specificationBounds are those of an OpenAPI document.
func specificationBounds() bounds { return bounds{bytes: 16 << 20, values: 4_000_000, depth: 256} }

// maxOperationID is what Azure cuts a generated id to, before the suffix that
// tells two alike apart.
const maxOperationID = 76

// readOpenAPI reads the operations of an OpenAPI 3.0 or 3.1, or Swagger 2.0
// document, in JSON or YAML, as an import into API Management does: paths,
// methods, ids and summaries. Everything else is skipped and may be anything.
// Servers are not the backend: an export names the gateway itself there. It is
// false when the document as a whole cannot be read.
func readOpenAPI(src *source, r *report) ([]*Operation, bool) {
	var root *value
	if path.Ext(src.path) == ".json" {
		root = parseJSON(src, specificationBounds(), r)
	} else {
		root = parseYAML(src, specificationBounds(), r)
	}
	if root == nil || !openAPIVersion(root, src, r) {
		return nil, false
	}
	o := &openAPIReader{r: r, ids: map[string]bool{}, shapes: map[string]*Operation{}}
	for _, member := range []string{"paths", "x-ms-paths"} {
		paths := root.get(member)
		switch {
		case paths == nil || paths.kind == kindNull:
		case paths.kind != kindObject:
			r.Add(paths.pos, "wrong-type", "an object", "", "%q is %s", member, paths.kind)
		default:
			for _, m := range paths.members {
				o.path(m, member == "x-ms-paths")
			}
		}
	}
	o.generateIDs()
	return o.operations, true
}

func openAPIVersion(root *value, src *source, r *report) bool {
	const expected = `openapi: 3.0.x or 3.1.x, or swagger: "2.0"`
	if root.kind != kindObject {
		r.Add(root.pos, "wrong-type", expected, "", "the document holds %s", root.kind)
		return false
	}
	version := root.get("openapi")
	if version == nil {
		version = root.get("swagger")
	}
	if version == nil {
		r.Add(src.file(), "unsupported", expected, "", "this is not an OpenAPI document")
		return false
	}
	for _, prefix := range []string{"3.0", "3.1", "2.0"} {
		if version.text == prefix || strings.HasPrefix(version.text, prefix+".") {
			return true
		}
	}
	r.Add(version.pos, "unsupported", expected, "", "version %q of OpenAPI is not read", version.text)
	return false
}

// openAPIReader collects operations.
type openAPIReader struct {
	r          *report
	operations []*Operation
	// ids are the operation ids in use, in lower case.
	ids map[string]bool
	// shapes finds operations that no request could tell apart.
	shapes map[string]*Operation
}

// openAPIMethods are the members of a path item that are operations.
func openAPIMethods() []string {
	return []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}
}

func (o *openAPIReader) path(m member, extension bool) {
	if strings.HasPrefix(m.name, "x-") && !extension {
		return
	}
	template, ok := o.template(m)
	if !ok {
		return
	}
	item := m.value
	if item.kind != kindObject {
		if item.kind != kindNull {
			o.r.Add(item.pos, "wrong-type", "an object with methods", "", "the path %q is %s", m.name, item.kind)
		}
		return
	}
	if ref := item.get("$ref"); ref != nil {
		o.r.Add(ref.pos, "unsupported", "methods", "write the path item out", "references to path items are not followed")
		return
	}
	for _, op := range item.members {
		if slices.Contains(openAPIMethods(), op.name) {
			o.operation(template, op)
			continue
		}
		if near := nearest(op.name, openAPIMethods()); near != "" && op.value.get("responses") != nil {
			o.r.Warn(op.pos, "unknown-field", fmt.Sprintf("write %q", near), "%q is no method, so it is not an operation", op.name)
		}
	}
}

// template is the URL template of a path: what stands before a query.
func (o *openAPIReader) template(m member) (string, bool) {
	t, query, hasQuery := strings.Cut(m.name, "?")
	if why := badTemplate(t); why != "" {
		o.r.Add(m.pos, "invalid-value", why, "", "%q is not a URL template", m.name)
		return "", false
	}
	if hasQuery {
		o.r.Note(m.pos, "no-effect", "requests are not told apart by their query; %q is not looked at", query)
	}
	return t, true
}

// badTemplate says what is wrong with a URL template; empty: nothing.
func badTemplate(t string) string {
	if !strings.HasPrefix(t, "/") {
		return "a template that begins with /"
	}
	if strings.ContainsAny(t, "#?\\\x00\r\n\t ") {
		return "a template without spaces, query and fragment"
	}
	var params []string
	for rest := t; ; {
		open := strings.IndexAny(rest, "{}")
		if open < 0 {
			break
		}
		end := strings.IndexAny(rest[open+1:], "{}")
		if rest[open] == '}' || end < 0 || rest[open+1+end] != '}' {
			return "braces that open and close"
		}
		name := rest[open+1 : open+1+end]
		if name == "" || strings.Contains(name, "/") || findFold(params, name) != "" {
			return "parameters with names of their own"
		}
		params = append(params, name)
		rest = rest[open+end+2:]
	}
	if i := strings.IndexByte(t, '*'); i >= 0 && i != len(t)-1 && !strings.HasPrefix(t[i-1:], "{*") {
		return "a wildcard * at the end only"
	}
	return ""
}

// templateShape is a template with its parameters' names taken out.
func templateShape(t string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(t, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		_, t, _ = strings.Cut(rest, "}")
		b.WriteString("{}")
	}
}

func (o *openAPIReader) operation(template string, m member) {
	op := &Operation{Pos: m.pos, Method: strings.ToUpper(m.name), URLTemplate: template}
	op.ID = strings.TrimSpace(textOf(m.value.get("operationId")))
	op.Name = textOf(m.value.get("summary"))
	shape := op.Method + " " + templateShape(template)
	if first, ok := o.shapes[shape]; ok {
		o.r.Add(m.pos, "duplicate-name", "each method and path once",
			fmt.Sprintf("remove one; the first stands on line %d", first.Pos.Line),
			"%s %s and %s cannot be told apart by path and method", op.Method, template, first.URLTemplate)
		return
	}
	o.shapes[shape] = op
	if op.ID != "" {
		if o.ids[strings.ToLower(op.ID)] {
			o.r.Add(m.value.get("operationId").pos, "duplicate-name", "each operationId once", "rename one",
				"the operation id %q stands twice", op.ID)
			return
		}
		o.ids[strings.ToLower(op.ID)] = true
	}
	o.operations = append(o.operations, op)
}

// generateIDs names operations without an id as an import into Azure does, and
// those without a summary. Ids that are given come first.
func (o *openAPIReader) generateIDs() {
	for _, op := range o.operations {
		if op.Name == "" {
			op.Name = op.ID
		}
		if op.Name == "" {
			op.Name = op.Method[:1] + strings.ToLower(op.Method[1:]) + " - " + op.URLTemplate
		}
		if op.ID != "" {
			continue
		}
		base := normalOperationID(op.Method + "-" + op.URLTemplate)
		op.ID = base
		for n := 1; o.ids[op.ID]; n++ {
			op.ID = fmt.Sprintf("%s-%d", base, n)
		}
		o.ids[op.ID] = true
	}
}

// normalOperationID is the name that Azure makes of an operation id at import:
// lower case, one dash for each run of other characters, none at the ends, at
// most 76 characters.
func normalOperationID(s string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(s) {
		switch {
		case (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'):
			b.WriteRune(c)
		case !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	id := strings.Trim(b.String(), "-")
	if len(id) > maxOperationID {
		id = id[:maxOperationID]
	}
	return id
}
