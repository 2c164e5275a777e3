package site

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// everyDocument are the documents of apim/ and the resources of network/.
func everyDocument() []document {
	all := documents()
	for _, t := range networkTypes() {
		all = append(all, document{"x.json", t.title, armEnvelope(t.fields)})
	}
	return all
}

// TestFields gives every field of every Azure document, and each of its four
// kinds gets its answer: nothing, a note, an error that can be accepted, and for
// a slip in its name an error with the name that was meant.
func TestFields(t *testing.T) {
	for _, d := range everyDocument() {
		t.Run(d.title, func(t *testing.T) {
			file := "apim/x/y/" + d.files()[0]
			walkAzure(d.fields, nil, func(path []string, f azureField) {
				name := strings.ReplaceAll(strings.Join(path, "."), "[]", "[0]")
				check := func(text string, accepted map[string]AcceptedField) (string, map[string]bool) {
					r, used := newReport(), map[string]bool{}
					src := r.source(file, []byte(text))
					(&fieldChecker{src: src, r: r, accepted: accepted, used: used}).check(parseJSON(src, informationBounds(), r), d.fields, "")
					return outcome(r.finish()), used
				}
				text := nested(path, sample(f))
				want := map[effect]string{actedOn: "", noEffect: "note no-effect", protective: "error protective-field"}[f.effect]
				if got, _ := check(text, nil); got != want {
					t.Errorf("%s: %q, want %q: %s", name, got, want, text)
				}
				for _, nothing := range []string{"null", "[]", "{}", "[null]"} {
					if got, _ := check(nested(path, nothing), nil); f.effect != actedOn && got != "" {
						t.Errorf("%s: %q for a field that says nothing", name, got)
					}
				}
				if f.effect == protective {
					id := file + "#" + name
					got, used := check(text, map[string]AcceptedField{id: {Path: id, Reason: "r"}})
					if got != "note accepted-field" || !used[id] {
						t.Errorf("%s: accepted, and %q", name, got)
					}
				}
				if f.effect == actedOn && f.kind != kindNumber {
					if got, _ := check(nested(path, "7"), nil); got != "error wrong-type" {
						t.Errorf("%s: %q for a number", name, got)
					}
				}
			})
		})
	}
}

// walkAzure calls f for every field with its path; [] follows the name of a
// list that is looked into.
func walkAzure(fields []azureField, path []string, f func(path []string, field azureField)) {
	for _, field := range fields {
		p := append(slices.Clone(path), field.name)
		f(p, field)
		walkAzure(field.fields, p, f)
		if field.elem != nil {
			p[len(p)-1] += "[]"
			walkAzure(field.elem, p, f)
		}
	}
}

// nested is a JSON document with one value at a path.
func nested(path []string, value string) string {
	for _, name := range slices.Backward(path) {
		plain, isList := strings.CutSuffix(name, "[]")
		if isList {
			value = "[" + value + "]"
		}
		value = fmt.Sprintf("{%q: %s}", plain, value)
	}
	return value
}

// sample is a value of the type of f.
func sample(f azureField) string {
	if f.effect != actedOn {
		return `"x"`
	}
	switch f.kind {
	case kindBoolean:
		return "true"
	case kindNumber:
		return "1"
	case kindList:
		return "[]"
	case kindObject:
		return "{}"
	}
	return `"x"`
}

// outcome is severity and code of every problem.
func outcome(ps Problems) string {
	var out []string
	for _, p := range ps {
		out = append(out, fmt.Sprintf("%s %s", p.Severity, p.Code))
	}
	return strings.Join(out, ", ")
}

// TestFieldSlips misspells every field; a slip never has an effect in silence.
func TestFieldSlips(t *testing.T) {
	for _, d := range everyDocument() {
		walkAzure(d.fields, nil, func(path []string, f azureField) {
			if len(f.name) < 4 || f.name[0] == f.name[1] {
				return
			}
			slip := slices.Clone(path)
			slip[len(slip)-1] = f.name[1:2] + f.name[:1] + f.name[2:]
			r := newReport()
			src := r.source("d.json", []byte(nested(slip, `"x"`)))
			(&fieldChecker{src: src, r: r}).check(parseJSON(src, informationBounds(), r), d.fields, "")
			ps := r.finish()
			if len(ps) != 1 || ps[0].Code != "unknown-field" || ps[0].Mend != fmt.Sprintf("write %q", f.name) || ps[0].Column < 2 {
				t.Errorf("%s: %s", strings.Join(slip, "."), render(ps))
			}
		})
	}
}

// TestNotesOfValues: what nothing uses, and what is left out knowingly, is told
// to those who ask.
func TestNotesOfValues(t *testing.T) {
	s, ps := load(t, map[string]string{
		"cloister.yaml": minimal + "acceptedFields: [{path: \"apim/apis/s/apiInformation.json#properties.type\", reason: served elsewhere}]\n",
		"apim/named values/n/namedValueInformation.json": `{"properties": {"displayName": "n", "secret": true}}`,
		"apim/schemas/s.json":                            `{}`,
		"apim/apis/s/apiInformation.json":                `{"properties": {"path": "s", "type": "soap"}}`,
		"apim/apis/s/specification.wsdl":                 `<x/>`,
		"apim/apis/q/apiInformation.json":                `{"properties": {"path": "q"}}`,
		"apim/apis/q/specification.json":                 `{"openapi": "3.0.0", "paths": {"/x?api-version={v}": {"get": {}}}}`,
	})
	if s == nil {
		t.Fatal(render(ps))
	}
	var got []string
	for _, p := range ps {
		got = append(got, fmt.Sprintf("%s %s %s", p.Severity, p.Code, p.File))
	}
	want := []string{
		"note no-effect apim/apis/q/specification.json",
		"note accepted-field apim/apis/s/apiInformation.json",
		"note no-value apim/named values/n/namedValueInformation.json",
		"note no-effect apim/schemas/s.json",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	if len(s.Service.APIs) != 1 || s.Service.APIs[0].ID != "q" {
		t.Errorf("the API that is left out is there: %v", s.Service.APIs)
	}
}
