package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// contract is what the messages of one operation are held against: what the
// API's OpenAPI document says, with the schemas that policies asked for. Nothing
// is added to it once requests run.
type contract struct {
	// said is nil where no document describes the operation.
	said   *site.Contract
	modern bool
	lookup func(reference string) (any, bool)
	// bodies and values are the schemas by what they describe.
	bodies map[bodyKey]*schema
	values map[*site.Parameter]*schema
	// samples are made of schemas, for mock-response.
	samples map[*site.Content][]byte
}

type bodyKey struct {
	content *site.Content
	opt     schemaOptions
}

// contracted is a statement that needs the contract of its operation. What it
// needs is made when it is compiled; what cannot be made is an error.
type contracted interface{ prepare(c *contract) []error }

// contract makes the one of the pipeline's operation, where a policy asks for it.
func (c *composer) contract(p *Pipeline) {
	for _, steps := range p.steps {
		eachStep(steps, func(s *step) {
			asks, ok := s.statement.(contracted)
			if !ok {
				return
			}
			if p.contract == nil {
				p.contract = c.env.contract(c.specification, c.operation)
				c.withoutContract(p.contract, s.at)
			}
			for _, err := range asks.prepare(p.contract) {
				c.add(site.Problem{
					Severity: site.Error, Pos: s.at.pos, Code: "unusable-schema",
					Message:  fmt.Sprintf("%q cannot be held against %s: %v", s.at.policy, c.described(), err),
					Expected: "schemas that the gateway can read", Mend: "change the schema, or leave the body unchecked with action=\"ignore\"",
				})
			}
		})
	}
}

// described names the operation for messages.
func (c *composer) described() string {
	if c.operation == nil {
		return "the API's description"
	}
	return fmt.Sprintf("the description of %s %s", c.operation.Method, c.operation.URLTemplate)
}

// withoutContract reports that there is nothing to hold messages against.
func (c *composer) withoutContract(made *contract, at *place) {
	switch {
	case made.said != nil || c.operation == nil:
	case c.specification != nil && c.specification.Source == nil:
		c.add(site.Problem{
			Severity: site.Error, Pos: at.pos, Code: "specification-too-large",
			Message:  fmt.Sprintf("%s is larger than messages can be held against", c.specification.Path),
			Expected: fmt.Sprintf("at most %d MiB", site.MaxSpecification>>20),
		})
	default:
		c.add(site.Problem{
			Severity: site.Warning, Pos: at.pos, Code: "not-described",
			Message: fmt.Sprintf("no OpenAPI document describes %s %s, so %q finds nothing to hold messages against",
				c.operation.Method, c.operation.URLTemplate, at.policy),
		})
	}
}

// contract is that of an operation. It is made once, for all of its pipelines.
func (e *Env) contract(specification *site.Specification, op *site.Operation) *contract {
	if made := e.compiled.contracts[op]; op != nil && made != nil {
		return made
	}
	made := &contract{bodies: map[bodyKey]*schema{}, values: map[*site.Parameter]*schema{}, samples: map[*site.Content][]byte{}}
	if all := e.contracts(specification); all != nil && op != nil {
		made.said, made.modern, made.lookup = all.Of(op), all.Modern(), all.Lookup
	}
	if op != nil {
		e.compiled.contracts[op] = made
	}
	return made
}

func (e *Env) contracts(specification *site.Specification) *site.Contracts {
	if specification == nil {
		return nil
	}
	all, ok := e.compiled.specifications[specification]
	if !ok {
		all = specification.Contracts()
		e.compiled.specifications[specification] = all
	}
	return all
}

// requests and answers are the messages that the description has.
func (c *contract) messages(answer bool) []*site.Message {
	var out []*site.Message
	switch {
	case c == nil || c.said == nil:
	case !answer:
		if c.said.Request != nil {
			out = append(out, c.said.Request)
		}
	default:
		for i := range c.said.Responses {
			out = append(out, &c.said.Responses[i])
		}
	}
	return out
}

// answer is the description of answers of a status: that of the status itself,
// of its hundred, or the default; nil: there is none.
func (c *contract) answer(status int) *site.Message {
	code := strconv.Itoa(status)
	for _, want := range []string{code, code[:1] + "XX", "default"} {
		for _, m := range c.messages(true) {
			if m.Status == want {
				return m
			}
		}
	}
	return nil
}

// content is the description of a body of a media type; nil: there is none.
func content(m *site.Message, mediaType string) *site.Content {
	if m == nil {
		return nil
	}
	family, _, _ := strings.Cut(mediaType, "/")
	for _, want := range []string{mediaType, family + "/*", "*/*"} {
		i := slices.IndexFunc(m.Contents, func(c site.Content) bool { return mediaTypeOf(c.Type) == want })
		if i >= 0 {
			return &m.Contents[i]
		}
	}
	return nil
}

// mediaTypeOf is a Content-Type without its parameters, in lower case.
func mediaTypeOf(s string) string {
	s, _, _ = strings.Cut(s, ";")
	return strings.ToLower(strings.TrimSpace(s))
}

// body makes the schema of a body.
func (c *contract) body(of *site.Content, opt schemaOptions) error {
	opt.modern = c.modern
	key := bodyKey{of, opt}
	if of.Schema == nil || c.bodies[key] != nil {
		return nil
	}
	s, err := newSchema(of.Schema, opt, c.lookup)
	if err != nil {
		return fmt.Errorf("the schema of its %s body: %w", of.Type, err)
	}
	c.bodies[key] = s
	return nil
}

// value makes the schema of a parameter or a header.
func (c *contract) value(p *site.Parameter) error {
	if p.Schema == nil || c.values[p] != nil {
		return nil
	}
	s, err := newSchema(p.Schema, schemaOptions{modern: c.modern}, c.lookup)
	if err != nil {
		return fmt.Errorf("the schema of its %s %s: %w", p.In, p.Name, err)
	}
	c.values[p] = s
	return nil
}

// resolved is a schema without references at its top.
func (c *contract) resolved(v any) map[string]any {
	for range maxSchemaDepth {
		m, _ := v.(map[string]any)
		ref, ok := m["$ref"].(string)
		if !ok {
			return m
		}
		v, _ = c.lookup(ref)
	}
	return nil
}
