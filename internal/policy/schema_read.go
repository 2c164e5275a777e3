package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxSchemaParts and maxSchemaDepth bound one schema, with all that it refers
	// to.
	maxSchemaParts = 20_000
	maxSchemaDepth = 100
	// stepFormat is the format that every schema gets, to count.
	stepFormat = "cloister-step"
)

// schemaReader makes a schema of JSON Schema 2020-12 of one in the dialect of
// its document, with only the words that it knows, and what it refers to beside
// it.
type schemaReader struct {
	opt    schemaOptions
	lookup func(string) (any, bool)
	// names are those that references got in defs.
	names map[string]string
	defs  map[string]any
	parts int
}

// copied are words whose value is no schema.
func copiedWords() []string {
	return []string{
		"const", "multipleOf", "maximum", "minimum", "maxLength", "minLength", "maxItems", "minItems", "uniqueItems",
		"maxProperties", "minProperties", "maxContains", "minContains",
	}
}

// schema reads one. branch: it says something about a value that another schema
// describes, as those of allOf do.
func (n *schemaReader) schema(v any, branch bool, depth int) (any, error) {
	if n.parts++; n.parts > maxSchemaParts || depth > maxSchemaDepth {
		return nil, errors.New("it is too large")
	}
	if b, ok := v.(bool); ok {
		return b, nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("it is no object")
	}
	out := map[string]any{"format": stepFormat}
	for _, refused := range []string{"$dynamicRef", "$recursiveRef", "$anchor", "$dynamicAnchor", "$id"} {
		// That of the document itself names it for others, of which there are none.
		if _, ok := m[refused].(string); ok && (refused != "$id" || depth > 0) {
			return nil, fmt.Errorf("%s is not supported", refused)
		}
	}
	if ref, ok := m["$ref"].(string); ok {
		alone := !n.opt.modern || len(m) == 1
		name, err := n.reference(ref, branch || !alone, depth)
		if err != nil {
			return nil, err
		}
		out["$ref"] = "#/defs/" + name
		if alone {
			return out, nil
		}
	}
	for _, word := range copiedWords() {
		if value, ok := m[word]; ok {
			out[word] = value
		}
	}
	for _, step := range []func(m, out map[string]any) error{n.types, n.bounds, n.strings, n.required} {
		if err := step(m, out); err != nil {
			return nil, err
		}
	}
	if err := n.inner(m, out, depth); err != nil {
		return nil, err
	}
	if err := n.further(m, out, branch, depth); err != nil {
		return nil, err
	}
	return out, nil
}

// reference reads what a reference stands for, once for each way of use.
func (n *schemaReader) reference(ref string, branch bool, depth int) (string, error) {
	key := ref + "|" + strconv.FormatBool(branch)
	if name, ok := n.names[key]; ok {
		return name, nil
	}
	if !strings.HasPrefix(ref, "#") {
		return "", fmt.Errorf("it refers to another document, %s", shortList([]string{ref}))
	}
	target, ok := n.lookup(ref)
	if !ok {
		return "", fmt.Errorf("%s leads nowhere", shortList([]string{ref}))
	}
	name := strconv.Itoa(len(n.names))
	n.names[key] = name
	read, err := n.schema(target, branch, depth+1)
	if err != nil {
		return "", err
	}
	n.defs[name] = read
	return name, nil
}

// types reads type, nullable and enum.
func (n *schemaReader) types(m, out map[string]any) error {
	var types []any
	switch t := m["type"].(type) {
	case string:
		types = []any{t}
	case []any:
		types = t
	}
	nullable := !n.opt.modern && (m["nullable"] == true || m["x-nullable"] == true)
	enum, hasEnum := m["enum"].([]any)
	if nullable && len(types) > 0 && !slices.Contains(types, any("null")) {
		types = append(slices.Clone(types), "null")
	}
	if hasEnum {
		if nullable && !slices.Contains(enum, nil) {
			enum = append(slices.Clone(enum), nil)
		}
		out["enum"] = enum
	}
	if slices.Contains(types, any("file")) {
		return nil
	}
	if len(types) > 0 {
		out["type"] = types
	}
	return nil
}

// bounds reads exclusive bounds, which older drafts have as true or false.
func (n *schemaReader) bounds(m, out map[string]any) error {
	for exclusive, bound := range map[string]string{"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"} {
		switch v := m[exclusive].(type) {
		case bool:
			if limit, ok := m[bound]; v && ok {
				out[exclusive] = limit
				delete(out, bound)
			}
		case json.Number:
			out[exclusive] = v
		}
	}
	return nil
}

// strings reads pattern and format.
func (n *schemaReader) strings(m, out map[string]any) error {
	if p, ok := m["pattern"].(string); ok {
		if err := goodPattern(p); err != nil {
			return err
		}
		out["pattern"] = p
	}
	if f, ok := m["format"].(string); ok && f != "regex" && f != stepFormat {
		// The word itself counts steps.
		out["allOf"] = []any{map[string]any{"format": f}}
	}
	return nil
}

func goodPattern(p string) error {
	if _, err := regexp.Compile(p); err != nil {
		return fmt.Errorf("the pattern %s is not one that runs here: %w", strconv.Quote(p), err)
	}
	return nil
}

func (n *schemaReader) name(s string) string {
	if n.opt.fold {
		return strings.ToLower(s)
	}
	return s
}

func (n *schemaReader) listed(list []any) []any {
	out := make([]any, 0, len(list))
	for _, v := range list {
		if s, ok := v.(string); ok {
			if s = n.name(s); !slices.Contains(out, any(s)) {
				out = append(out, s)
			}
		}
	}
	return out
}

// required reads the names of properties that have to be there.
func (n *schemaReader) required(m, out map[string]any) error {
	if list, ok := m["required"].([]any); ok {
		out["required"] = n.listed(list)
	}
	depend := map[string]any{}
	for _, word := range []string{"dependencies", "dependentRequired"} {
		all, _ := m[word].(map[string]any)
		for name, v := range all {
			if list, ok := v.([]any); ok {
				depend[n.name(name)] = n.listed(list)
			}
		}
	}
	if len(depend) > 0 {
		out["dependentRequired"] = depend
	}
	return nil
}

// inner reads the schemas in a schema.
func (n *schemaReader) inner(m, out map[string]any, depth int) error {
	one := func(word, as string, branch bool) error {
		v, ok := m[word]
		if !ok {
			return nil
		}
		read, err := n.schema(v, branch, depth+1)
		if err != nil {
			return inWord(word, err)
		}
		out[as] = read
		return nil
	}
	for _, word := range []string{"contains", "propertyNames", "unevaluatedItems"} {
		if err := one(word, word, false); err != nil {
			return err
		}
	}
	for _, word := range []string{"not", "if", "then", "else"} {
		if err := one(word, word, true); err != nil {
			return err
		}
	}
	if list, ok := m["items"].([]any); ok {
		read, err := n.list("items", list, false, depth)
		if err != nil {
			return err
		}
		out["prefixItems"] = read
		if err := one("additionalItems", "items", false); err != nil {
			return err
		}
	} else if err := one("items", "items", false); err != nil {
		return err
	}
	if list, ok := m["prefixItems"].([]any); ok {
		read, err := n.list("prefixItems", list, false, depth)
		if err != nil {
			return err
		}
		out["prefixItems"] = read
	}
	for _, word := range []string{"allOf", "anyOf", "oneOf"} {
		list, ok := m[word].([]any)
		if !ok {
			continue
		}
		read, err := n.list(word, list, true, depth)
		if err != nil {
			return err
		}
		before, _ := out[word].([]any)
		if all := append(before, read...); len(all) > 0 {
			out[word] = all
		}
	}
	return n.properties(m, out, depth)
}

func (n *schemaReader) list(word string, list []any, branch bool, depth int) ([]any, error) {
	out := make([]any, 0, len(list))
	for _, v := range list {
		read, err := n.schema(v, branch, depth+1)
		if err != nil {
			return nil, inWord(word, err)
		}
		out = append(out, read)
	}
	return out, nil
}

// properties reads the maps of schemas.
func (n *schemaReader) properties(m, out map[string]any, depth int) error {
	for _, word := range []string{"properties", "patternProperties", "dependentSchemas", "dependencies"} {
		all, ok := m[word].(map[string]any)
		if !ok {
			continue
		}
		as := word
		if word == "dependencies" {
			as = "dependentSchemas"
		}
		read, _ := out[as].(map[string]any)
		if read == nil {
			read = map[string]any{}
		}
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if _, isList := all[name].([]any); isList {
				continue
			}
			inner, err := n.schema(all[name], as == "dependentSchemas", depth+1)
			if err != nil {
				return inWord(word+"/"+name, err)
			}
			key := n.name(name)
			if word == "patternProperties" {
				if err := goodPattern(name); err != nil {
					return err
				}
				if key = name; n.opt.fold {
					key = "(?i)" + name
				}
			}
			if _, twice := read[key]; twice {
				return fmt.Errorf("two properties of it are %q without case", key)
			}
			read[key] = inner
		}
		if len(read) > 0 {
			out[as] = read
		}
	}
	return nil
}

// further reads what a schema says of properties that it does not name, or the
// policy in its place.
func (n *schemaReader) further(m, out map[string]any, branch bool, depth int) error {
	switch n.opt.additional {
	case saidFalse:
		if !branch {
			out["unevaluatedProperties"] = false
		}
		return nil
	case saidTrue:
		return nil
	}
	for _, word := range []string{"additionalProperties", "unevaluatedProperties"} {
		v, ok := m[word]
		if !ok {
			continue
		}
		read, err := n.schema(v, false, depth+1)
		if err != nil {
			return inWord(word, err)
		}
		out[word] = read
	}
	return nil
}

func inWord(word string, err error) error { return fmt.Errorf("%s: %w", word, err) }

// within is what a reference such as #/definitions/address stands for in a
// document.
func within(document any, reference string) (any, bool) {
	pointer, ok := strings.CutPrefix(reference, "#")
	if !ok {
		return nil, false
	}
	if pointer == "" {
		return document, true
	}
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if plain, err := url.PathUnescape(name); err == nil {
			name = plain
		}
		name = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
		switch v := document.(type) {
		case map[string]any:
			if document, ok = v[name]; !ok {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			document = v[i]
		default:
			return nil, false
		}
	}
	return document, true
}
