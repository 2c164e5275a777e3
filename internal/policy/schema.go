package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

const (
	// maxSchemaSteps is how many schemas one value may be held against at most,
	// those of its parts included; of smaller values it is someSteps, and
	// stepsEach for every part. Schemas that branch and recur would make work that
	// grows with the power of a value's depth.
	maxSchemaSteps, someSteps, stepsEach = 250_000, 10_000, 32
	// maxViolations is how many violations of one value are told.
	maxViolations = 20
	schemaURL     = "https://schema.invalid/schema"
)

// schemaOptions are what a policy says of a schema.
type schemaOptions struct {
	// modern: the schema is of JSON Schema 2020-12, not of OpenAPI's dialect.
	modern bool
	// additional overrides what the schema says of further properties.
	additional override3
	// fold: names of properties have no case.
	fold bool
}

// override3 is true, false, or nothing said.
type override3 uint8

const (
	unsaid override3 = iota
	saidTrue
	saidFalse
)

// schema is a JSON schema, ready for many values at once.
type schema struct {
	opt schemaOptions
	// pool holds *countedSchema: each counts the steps of one use at a time.
	pool sync.Pool
	doc  any
}

// countedSchema is the schema as one goroutine uses it.
type countedSchema struct {
	*jsonschema.Schema
	steps, most int
}

// errTooMuch ends a validation.
var errTooMuch = errors.New("holding the value against the schema takes too much")

// violation is where and how a value is not what its schema says.
type violation struct {
	path []string
	text string
}

// newSchema makes a schema of one that is written in a larger document. lookup
// finds what references of the document stand for; there are no others.
func newSchema(raw any, opt schemaOptions, lookup func(reference string) (any, bool)) (*schema, error) {
	n := &schemaReader{opt: opt, lookup: lookup, names: map[string]string{}, defs: map[string]any{}}
	root, err := n.schema(raw, false, 0)
	if err != nil {
		return nil, err
	}
	n.defs["root"] = root
	s := &schema{opt: opt, doc: map[string]any{"defs": n.defs}}
	first, err := s.compile()
	if err != nil {
		// The last line is the place.
		said := err.Error()
		return nil, fmt.Errorf("it is no JSON schema: %s", strings.TrimLeft(said[strings.LastIndexByte(said, '\n')+1:], "- "))
	}
	s.pool.Put(first)
	return s, nil
}

func (s *schema) compile() (*countedSchema, error) {
	counted := &countedSchema{}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(noLoader{})
	c.AssertFormat()
	c.RegisterFormat(&jsonschema.Format{Name: stepFormat, Validate: func(any) error {
		if counted.steps++; counted.steps > counted.most {
			panic(errTooMuch)
		}
		return nil
	}})
	if err := c.AddResource(schemaURL, s.doc); err != nil {
		return nil, err
	}
	var err error
	if counted.Schema, err = c.Compile(schemaURL + "#/defs/root"); err != nil {
		return nil, err
	}
	return counted, nil
}

// noLoader fetches nothing.
type noLoader struct{}

func (noLoader) Load(string) (any, error) { return nil, errors.New("nothing is fetched for a schema") }

// check holds a value, as decodeJSON gives it, against the schema. An error
// means that nothing can be said.
func (s *schema) check(v any) (found []violation, err error) {
	counted, _ := s.pool.Get().(*countedSchema)
	if counted == nil {
		if counted, err = s.compile(); err != nil {
			return nil, err
		}
	}
	defer func() {
		if r := recover(); r != nil {
			if r != any(errTooMuch) {
				panic(r)
			}
			found, err = nil, errTooMuch
		}
		counted.steps = 0
		s.pool.Put(counted)
	}()
	// A value that is wrong all over makes an error of each of its parts.
	parts := partsOf(v)
	if parts > maxSchemaSteps {
		return nil, errTooMuch
	}
	counted.most = min(maxSchemaSteps, someSteps+stepsEach*parts)
	if s.opt.fold {
		if v, err = folded(v); err != nil {
			return []violation{{text: err.Error()}}, nil
		}
	}
	failed := counted.Validate(v)
	if failed == nil {
		return nil, nil
	}
	var what *jsonschema.ValidationError
	if !errors.As(failed, &what) {
		return nil, failed
	}
	violations(what, &found)
	// Names come in no order of their own.
	slices.SortFunc(found, func(a, b violation) int {
		return cmp.Or(slices.Compare(a.path, b.path), strings.Compare(a.text, b.text))
	})
	return found[:min(len(found), maxViolations)], nil
}

// partsOf is how many values a value holds.
func partsOf(v any) int {
	n := 1
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			n += partsOf(inner)
		}
	case []any:
		for _, inner := range v {
			n += partsOf(inner)
		}
	}
	return n
}

// violations collects the leaves of an error. Those below a choice between
// schemas say little, so the choice stands for them.
func violations(e *jsonschema.ValidationError, out *[]violation) {
	switch e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
		for _, cause := range e.Causes {
			violations(cause, out)
		}
		return
	}
	*out = append(*out, violation{path: e.InstanceLocation, text: violationText(e)})
}

// violationText says what is wrong in the words of API Management, without the
// value: what callers and models say has no place in errors.
func violationText(e *jsonschema.ValidationError) string {
	name := func() string {
		if len(e.InstanceLocation) == 0 {
			return ""
		}
		return e.InstanceLocation[len(e.InstanceLocation)-1]
	}
	further := func(names ...string) string {
		return fmt.Sprintf("Property '%s' has not been defined and the schema does not allow additional properties.", shortList(names))
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		return fmt.Sprintf("Invalid type. Expected %s but got %s.", typeWords(k.Want...), typeWords(k.Got))
	case *kind.Required:
		return fmt.Sprintf("Required properties are missing from object: %s.", shortList(k.Missing))
	case *kind.DependentRequired:
		return fmt.Sprintf("Dependencies for property '%s' failed. Missing required keys: %s.", k.Prop, shortList(k.Missing))
	case *kind.AdditionalProperties:
		return further(k.Properties...)
	case *kind.FalseSchema:
		return further(name())
	case *kind.Enum:
		return "Value is not defined in enum."
	case *kind.Const:
		return "Value does not match const."
	case *kind.Format:
		return fmt.Sprintf("String does not validate against format '%s'.", k.Want)
	case *kind.Pattern:
		return fmt.Sprintf("String does not match regex pattern '%s'.", k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("String is less than minimum length of %d.", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("String exceeds maximum length of %d.", k.Want)
	case *kind.Minimum:
		return fmt.Sprintf("Number is less than minimum value of %s.", k.Want.RatString())
	case *kind.Maximum:
		return fmt.Sprintf("Number exceeds maximum value of %s.", k.Want.RatString())
	case *kind.ExclusiveMinimum:
		return fmt.Sprintf("Number is not above the exclusive minimum value of %s.", k.Want.RatString())
	case *kind.ExclusiveMaximum:
		return fmt.Sprintf("Number is not below the exclusive maximum value of %s.", k.Want.RatString())
	case *kind.MultipleOf:
		return fmt.Sprintf("Number is not a multiple of %s.", k.Want.RatString())
	case *kind.MinItems:
		return fmt.Sprintf("Array item count %d is less than minimum count of %d.", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("Array item count %d exceeds maximum count of %d.", k.Got, k.Want)
	case *kind.MinProperties:
		return fmt.Sprintf("Object property count %d is less than minimum count of %d.", k.Got, k.Want)
	case *kind.MaxProperties:
		return fmt.Sprintf("Object property count %d exceeds maximum count of %d.", k.Got, k.Want)
	case *kind.UniqueItems:
		return "Non-unique array item."
	case *kind.AdditionalItems:
		return "Array has items that have not been defined, and the schema does not allow additional items."
	case *kind.AnyOf:
		return "JSON does not match any schemas from 'anyOf'."
	case *kind.OneOf:
		if len(k.Subschemas) == 0 {
			return "JSON is valid against no schemas from 'oneOf'."
		}
		return "JSON is valid against more than one schema from 'oneOf'."
	case *kind.Not:
		return "JSON is valid against schema from 'not'."
	case *kind.PropertyNames:
		return "The name of a property does not match the schema."
	}
	return "The value does not match the schema."
}

// typeWords are types as Json.NET names them.
func typeWords(names ...string) string {
	words := make([]string, len(names))
	for i, n := range names {
		if n != "" {
			words[i] = strings.ToUpper(n[:1]) + n[1:]
		}
	}
	return strings.Join(words, ", ")
}

// shortList names a few properties, shortened: callers choose names too.
func shortList(names []string) string {
	const most, longest = 5, 64
	names = slices.Sorted(slices.Values(names))
	var out []string
	for i, n := range names {
		if i == most {
			out = append(out, "…")
			break
		}
		if len(n) > longest {
			n = strings.ToValidUTF8(n[:longest], "") + "…"
		}
		out = append(out, n)
	}
	return strings.Join(out, ", ")
}
