package policy

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// How named values get into a policy.
//
// Compile calls, for each document (fragments too) and before it looks at the
// meaning of anything:
//
//	values, problems := NewNamedValues(service.NamedValues, resolve)
//	doc, problems := Read(file.Path, file.Source)
//	doc, problems = doc.Expand(values)
//
// After Expand, Value and Text are what the policy acts on and may hold
// secrets. A message about them shows Attribute.Written or Node.Written, and
// the place Attribute.Origin.At(offset) or Node.Origin.At(offset), where offset
// counts bytes of Value or Text: a named value is then shown as "{{name}}" at
// the place where it was written.

// NamedValues are the texts for {{name}}. Names are compared without case. The
// zero NamedValues and nil hold none.
type NamedValues struct {
	byName map[string]namedValue
	names  []string
	any    bool

	// masker knows those that are secret, once masking is done.
	masking sync.Once
	masker  *secret.Masker
}

type namedValue struct {
	value  secret.Value
	secret bool
	// unread: the value is not known.
	unread bool
}

// NewNamedValues takes the named values of a service. Those whose value rests
// elsewhere are read with resolve, once each; what fails is a problem at the
// named value, and using the name is none.
func NewNamedValues(list []*site.NamedValue, resolve func(*site.SecretRef) (secret.Value, error)) (*NamedValues, site.Problems) {
	var problems site.Problems
	v := &NamedValues{}
	for _, n := range list {
		value := secret.New(n.Value)
		if n.Ref != nil {
			var err error
			if value, err = resolve(n.Ref); err != nil {
				problems.Add(n.Pos, "no-value", "", "", "the named value %q: %v", n.Name, err)
			}
		}
		v.Set(n.Name, value, n.Secret || n.Ref != nil)
	}
	return v, problems
}

// Set adds a named value, or replaces the one of that name. A value that is
// not secret may be shown.
func (v *NamedValues) Set(name string, value secret.Value, isSecret bool) {
	v.set(name, namedValue{value: value, secret: isSecret})
}

// Declare adds a named value whose value is not known. Expand leaves {{name}}
// where it stands.
func (v *NamedValues) Declare(name string) { v.set(name, namedValue{secret: true, unread: true}) }

// TakeAny makes every name a declared one.
func (v *NamedValues) TakeAny() { v.any = true }

func (v *NamedValues) takesAny() bool { return v != nil && v.any }

func (v *NamedValues) set(name string, n namedValue) {
	key := strings.ToLower(name)
	if _, ok := v.byName[key]; !ok {
		v.names = append(v.names, name)
	}
	if v.byName == nil {
		v.byName = map[string]namedValue{}
	}
	v.byName[key] = n
}

func (v *NamedValues) lookup(name string) (namedValue, bool) {
	if v == nil {
		return namedValue{}, false
	}
	n, ok := v.byName[strings.ToLower(name)]
	return n, ok
}

// Known reports whether there is a named value of that name.
func (v *NamedValues) Known(name string) bool {
	_, ok := v.lookup(name)
	return ok
}

func (v *NamedValues) known() []string {
	if v == nil {
		return nil
	}
	return slices.Clone(v.names)
}

// Fill puts named values into a text that stands outside of policies, such as a
// credential of a logger. The error names those that have no value.
func (v *NamedValues) Fill(text string) (secret.Value, error) {
	var b strings.Builder
	for from := 0; ; {
		start, end, name := findName(text, from)
		b.WriteString(text[from:start])
		if name == "" {
			return secret.New(b.String()), nil
		}
		n, ok := v.lookup(name)
		if !ok || n.unread || n.value.Reveal() == "" {
			return secret.Value{}, fmt.Errorf("the named value %q has no value", name)
		}
		b.WriteString(n.value.Reveal())
		from = end
	}
}
