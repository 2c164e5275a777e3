package emulator

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
)

// schema is the part of JSON Schema that structured outputs allow.
type schema struct {
	Type       any               `json:"type"`
	Enum       []json.RawMessage `json:"enum"`
	Const      json.RawMessage   `json:"const"`
	Properties properties        `json:"properties"`
	Items      *schema           `json:"items"`
	AnyOf      []*schema         `json:"anyOf"`
	Ref        string            `json:"$ref"`
	Minimum    *float64          `json:"minimum"`
	MinItems   int               `json:"minItems"`
	Format     string            `json:"format"`

	Defs        map[string]*schema `json:"$defs"`
	Definitions map[string]*schema `json:"definitions"`
}

// properties keep the schema's order, in which a model writes them.
type properties struct {
	names []string
	of    map[string]*schema
}

func (p *properties) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, &p.of); err != nil {
		return err
	}
	dec := json.NewDecoder(strings.NewReader(string(b)))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		if s, ok := name.(string); ok && !slices.Contains(p.names, s) {
			p.names = append(p.names, s)
		}
		var skipped json.RawMessage
		if err := dec.Decode(&skipped); err != nil {
			return err
		}
	}
	return nil
}

// Bounds of an instance: schemas may refer to themselves.
const (
	maxInstanceDepth = 16
	maxInstanceItems = 8
	maxInstanceBytes = 64 << 10
)

// instance returns JSON that fits a schema, with all properties. Where the
// schema is not understood it is an object.
func instance(raw json.RawMessage, random *rand.Rand) string {
	var s schema
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil {
		return "{}"
	}
	if s.Type == nil && s.AnyOf == nil && s.Ref == "" && s.Enum == nil && s.Const == nil && len(s.Properties.names) == 0 {
		return `{"answer":"` + word(random) + `"}`
	}
	b := &instanceBuilder{root: &s, random: random}
	b.write(&s, 0)
	return b.out.String()
}

type instanceBuilder struct {
	root   *schema
	random *rand.Rand
	out    strings.Builder
}

func (b *instanceBuilder) write(s *schema, depth int) {
	s = b.resolve(s)
	if s == nil || depth > maxInstanceDepth || b.out.Len() > maxInstanceBytes {
		b.out.WriteString("null")
		return
	}
	switch {
	case len(s.Const) > 0:
		b.out.Write(s.Const)
		return
	case len(s.Enum) > 0:
		b.out.Write(s.Enum[b.random.IntN(len(s.Enum))])
		return
	case len(s.AnyOf) > 0:
		b.write(b.shortest(s.AnyOf, depth), depth+1)
		return
	}
	switch s.kind() {
	case "object":
		b.object(s, depth)
	case "array":
		b.array(s, depth)
	case "integer", "number":
		n := json.Number("1")
		if s.Minimum != nil && *s.Minimum > 1 {
			n = json.Number(raw(*s.Minimum))
		}
		b.out.WriteString(string(n))
	case "boolean":
		b.out.WriteString("true")
	case "null":
		b.out.WriteString("null")
	default:
		b.out.Write(raw(b.text(s.Format)))
	}
}

func (b *instanceBuilder) object(s *schema, depth int) {
	b.out.WriteByte('{')
	for i, name := range s.Properties.names {
		if i > 0 {
			b.out.WriteByte(',')
		}
		b.out.Write(raw(name))
		b.out.WriteByte(':')
		b.write(s.Properties.of[name], depth+1)
	}
	b.out.WriteByte('}')
}

func (b *instanceBuilder) array(s *schema, depth int) {
	b.out.WriteByte('[')
	// Deep down arrays end what refers to itself.
	n := min(max(1, s.MinItems), maxInstanceItems)
	if s.Items == nil || depth > 3 {
		n = min(s.MinItems, maxInstanceItems)
	}
	for i := range n {
		if i > 0 {
			b.out.WriteByte(',')
		}
		b.write(s.Items, depth+1)
	}
	b.out.WriteByte(']')
}

// text is a string of a format.
func (b *instanceBuilder) text(format string) string {
	switch format {
	case "date-time":
		return "2024-01-01T00:00:00Z"
	case "date":
		return "2024-01-01"
	case "time":
		return "00:00:00Z"
	case "duration":
		return "PT1S"
	case "email":
		return "name@example.com"
	case "hostname":
		return "example.com"
	case "ipv4":
		return "192.0.2.1"
	case "ipv6":
		return "2001:db8::1"
	case "uuid":
		return "00000000-0000-4000-8000-000000000000"
	}
	return word(b.random)
}

// resolve follows references within the document.
func (b *instanceBuilder) resolve(s *schema) *schema {
	for range maxInstanceDepth {
		if s == nil || s.Ref == "" {
			return s
		}
		if name, ok := strings.CutPrefix(s.Ref, "#/$defs/"); ok {
			s = b.root.Defs[name]
		} else if name, ok := strings.CutPrefix(s.Ref, "#/definitions/"); ok {
			s = b.root.Definitions[name]
		} else if s.Ref == "#" {
			s = b.root
		} else {
			return nil
		}
	}
	return nil
}

// shortest is the first alternative, or null where that is one and the depth
// is great enough for a schema that refers to itself.
func (b *instanceBuilder) shortest(of []*schema, depth int) *schema {
	if depth > 3 {
		for _, s := range of {
			if s != nil && s.kind() == "null" {
				return s
			}
		}
	}
	return of[0]
}

// kind is the schema's type; of several the first.
func (s *schema) kind() string {
	switch t := s.Type.(type) {
	case string:
		return t
	case []any:
		if len(t) > 0 {
			if name, ok := t[0].(string); ok {
				return name
			}
		}
	}
	if len(s.Properties.names) > 0 {
		return "object"
	}
	return ""
}

// word is one of the vocabulary.
func word(random *rand.Rand) string {
	list := strings.Fields(words)
	return list[random.IntN(len(list))]
}
