package site

import (
	"fmt"
	"regexp"
	"strings"
)

// effect says what a field of an Azure document does here.
type effect int

const (
	// actedOn: the gateway does what the field says.
	actedOn effect = iota
	// noEffect: known, kept in Azure for other products or read-only.
	noEffect
	// protective: meant to protect, and not built. An error until accepted.
	protective
)

func (e effect) String() string {
	return [...]string{"acted on", "without effect", "meant to protect, not built"}[e]
}

// azureField is one field of an Azure document.
type azureField struct {
	name   string
	effect effect
	doc    string
	// kind of the value where it is acted on; null in its place is as if the
	// field were not given.
	kind kind
	// fields are the members of an object that is looked into.
	fields []azureField
	// elem is the element of a list that is looked into.
	elem []azureField
}

// document is one type of document of the artifacts folder.
type document struct {
	// file is the name as APIOps writes it; after a comma, names that it wrote
	// in older versions, or those of documents with the same fields.
	file   string
	title  string
	fields []azureField
}

// files are the names of the document, the one in use first.
func (d document) files() []string { return strings.Split(d.file, ", ") }

// envelope is what ARM puts around properties.
func envelope(properties ...azureField) []azureField {
	return append([]azureField{
		{name: "properties", kind: kindObject, doc: "The resource.", fields: properties},
	}, inert("Part of ARM's envelope.", "id", "name", "type", "etag", "location", "tags", "systemData", "apiVersion")...)
}

// inert are fields without effect for one reason.
func inert(doc string, names ...string) []azureField {
	fields := make([]azureField, len(names))
	for i, n := range names {
		fields[i] = azureField{name: n, effect: noEffect, doc: doc}
	}
	return fields
}

func protect(doc string, names ...string) []azureField {
	fields := inert(doc, names...)
	for i := range fields {
		fields[i].effect = protective
	}
	return fields
}

func act(k kind, name, doc string) azureField { return azureField{name: name, kind: k, doc: doc} }

func concat(groups ...[]azureField) []azureField {
	var all []azureField
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// fieldChecker holds one document against its table.
type fieldChecker struct {
	src *source
	r   *report
	// accepted are the acceptedFields of the site; used marks those that met
	// a field.
	accepted map[string]AcceptedField
	used     map[string]bool
	config   *decodedConfig
}

// fields checks the fields of one document.
func (l *apimLoader) fields(src *source) *fieldChecker {
	return &fieldChecker{src: src, r: l.r, accepted: l.accepted, used: l.used, config: l.config}
}

func (f *fieldChecker) check(v *value, fields []azureField, path string) {
	if v.kind != kindObject {
		f.r.Add(v.pos, "wrong-type", "an object", "", "the document holds %s", v.kind)
		return
	}
	for _, m := range v.members {
		p := join(path, m.name)
		known, ok := findField(fields, m.name)
		if !ok {
			f.unknown(m, fields)
			continue
		}
		switch {
		case known.effect == protective && !m.value.empty():
			f.protects(m, p, known.doc)
		case known.effect == noEffect && !m.value.empty():
			f.r.Note(m.pos, "no-effect", "%s has no effect here: %s", p, strings.TrimSuffix(known.doc, "."))
		case known.effect == actedOn:
			f.acted(m, known, p)
		}
	}
}

func findField(fields []azureField, name string) (azureField, bool) {
	for _, f := range fields {
		if f.name == name {
			return f, true
		}
	}
	return azureField{}, false
}

func (f *fieldChecker) unknown(m member, fields []azureField) {
	if looksSecret(m.name) {
		m.value.walk(func(v *value) { f.src.hide(v.pos) })
	}
	known := make([]string, len(fields))
	for i, k := range fields {
		known[i] = k.name
	}
	f.r.Add(m.pos, "unknown-field", oneOf(known), didYouMean(m.name, known), "Azure knows no field %q here", m.name)
}

// protects reports a field that is meant to protect, unless it is accepted.
func (f *fieldChecker) protects(m member, path, doc string) {
	f.protectsAt(m.pos, path, doc)
}

func (f *fieldChecker) protectsAt(pos Pos, path, doc string) {
	id := f.src.path + "#" + path
	if a, ok := f.accepted[id]; ok {
		f.used[id] = true
		f.r.Note(pos, "accepted-field", "%s is not built, and accepted: %s", path, a.Reason)
		return
	}
	f.r.Add(pos, "protective-field", "",
		"remove it, or, to do without, "+f.config.paste([]string{"acceptedFields"}, "", fmt.Sprintf("{path: %q, reason: …}", id)),
		"%s is meant to protect and is not built: %s", path, strings.TrimSuffix(doc, "."))
}

func (f *fieldChecker) acted(m member, known azureField, path string) {
	v := m.value
	if v.kind == kindNull {
		return
	}
	if v.kind != known.kind {
		f.r.Add(v.pos, "wrong-type", known.kind.String(), "", "%q is %s", m.name, v.kind)
		return
	}
	if known.fields != nil {
		f.check(v, known.fields, path)
	}
	if known.elem != nil {
		for i, e := range v.list {
			f.check(e, known.elem, fmt.Sprintf("%s[%d]", path, i))
		}
	}
}

// unresolved reports template expressions and placeholders in any value: what
// they stand for is known to another tool only.
func unresolved(v *value, r *report) {
	v.walk(func(v *value) {
		if v.kind == kindText {
			unresolvedText(v.text, v.pos, r)
		}
	})
}

// templateExpression is an expression of an ARM template: [name(…)…].
var templateExpression = regexp.MustCompile(`^\[\s*[A-Za-z][A-Za-z0-9_.]*\s*\(.*\][\s]*$`)

func unresolvedText(s string, pos Pos, r *report) {
	switch {
	case templateExpression.MatchString(s):
		r.Add(pos, "template-expression", "a value", "export the service with its values, not as a template",
			"this is a template expression that nothing has resolved")
	case strings.Contains(s, "{#[") && strings.Contains(s, "]#}"):
		r.Add(pos, "template-expression", "a value", "run the step of the pipeline that replaces placeholders first",
			"this holds a placeholder that nothing has replaced")
	}
}

// The accessors read a member of properties by its table's type: a value of
// another type was reported, and counts as not given.

func textOf(v *value) string {
	if v == nil || v.kind != kindText {
		return ""
	}
	return v.text
}

func boolOf(v *value, def bool) bool {
	if v == nil || v.kind != kindBoolean {
		return def
	}
	return v.text == "true"
}

func textsOf(v *value) []string {
	if v == nil || v.kind != kindList {
		return nil
	}
	var out []string
	for _, e := range v.list {
		if e.kind == kindText {
			out = append(out, e.text)
		}
	}
	return out
}

// posOf is the place of v, or or where v is not given.
func posOf(v *value, or Pos) Pos {
	if v == nil {
		return or
	}
	return v.pos
}

// lastSegment is the resource name of an ARM id.
func lastSegment(id string) string {
	id = strings.TrimRight(id, "/")
	return id[strings.LastIndexByte(id, '/')+1:]
}
