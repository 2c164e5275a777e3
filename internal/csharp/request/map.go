package request

import (
	"iter"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/collection"
)

// Read-only dictionaries of a context: collection.Maps.

var (
	stringArray  = clr.String.ArrayOf(1)
	valuesType   = readOnlyMap.Of(clr.String, stringArray)
	variableType = readOnlyMap.Of(clr.String, clr.ObjectType)
	stringsType  = readOnlyMap.Of(clr.String, clr.String)
	valuesPair   = clr.KeyValuePairOf.Of(clr.String, stringArray)
	variablePair = clr.KeyValuePairOf.Of(clr.String, clr.ObjectType)
	stringsPair  = clr.KeyValuePairOf.Of(clr.String, clr.String)
)

// valuesObject is headers, a query, or the claims of a token.
type valuesObject struct{ of Values }

func (*valuesObject) Type() *clr.Type { return valuesType }

// Len is Count.
func (o *valuesObject) Len() int { return o.of.Len() }

// Get is the values of a name, as a string[].
func (o *valuesObject) Get(t *clr.Thread, key clr.Value) (clr.Value, bool) {
	t.Step()
	values, ok := o.of.Get(key.S)
	if !ok {
		return clr.Null, false
	}
	return stringsValue(t, values), true
}

// All goes through the pairs.
func (o *valuesObject) All(t *clr.Thread) iter.Seq[clr.Value] {
	return func(yield func(clr.Value) bool) {
		o.of.Each(func(name string, values []string) bool {
			t.Step()
			return yield(collection.NewPair(t, valuesPair, clr.Str(name), stringsValue(t, values)))
		})
	}
}

func stringsValue(t *clr.Thread, values []string) clr.Value {
	elems := make([]clr.Value, len(values))
	for i, v := range values {
		elems[i] = clr.Str(v)
	}
	return t.ArrayValue(clr.String, elems)
}

// joined is the values of a name with commas between them.
func joined(t *clr.Thread, values []string) clr.Value { return clr.Str(joinedText(t, values)) }

func joinedText(t *clr.Thread, values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	n := len(values)
	for _, v := range values {
		n += len(v)
	}
	t.Allocate(n)
	return strings.Join(values, ",")
}

// variablesObject is the variables, or the certificates.
type variablesObject struct{ of Variables }

func (*variablesObject) Type() *clr.Type { return variableType }

// Len is Count.
func (o *variablesObject) Len() int { return o.of.Len() }

// Get is a variable.
func (o *variablesObject) Get(t *clr.Thread, key clr.Value) (clr.Value, bool) {
	t.Step()
	return o.of.Get(key.S)
}

// All goes through the pairs.
func (o *variablesObject) All(t *clr.Thread) iter.Seq[clr.Value] {
	return func(yield func(clr.Value) bool) {
		o.of.Each(func(name string, v clr.Value) bool {
			t.Step()
			return yield(collection.NewPair(t, variablePair, clr.Str(name), v))
		})
	}
}

// certificatesObject is the same with another type.
type certificatesObject struct {
	variablesObject
	t *clr.Type
}

func (o *certificatesObject) Type() *clr.Type { return o.t }

// parametersObject is the matched parameters.
type parametersObject struct{ of []Parameter }

func (*parametersObject) Type() *clr.Type { return stringsType }

// Len is Count.
func (o *parametersObject) Len() int { return len(o.of) }

// Get is a parameter.
func (o *parametersObject) Get(t *clr.Thread, key clr.Value) (clr.Value, bool) {
	t.Step()
	for _, p := range o.of {
		if p.Name == key.S {
			return clr.Str(p.Value), true
		}
	}
	return clr.Null, false
}

// All goes through the pairs.
func (o *parametersObject) All(t *clr.Thread) iter.Seq[clr.Value] {
	return func(yield func(clr.Value) bool) {
		for _, p := range o.of {
			t.Step()
			if !yield(collection.NewPair(t, stringsPair, clr.Str(p.Name), clr.Str(p.Value))) {
				return
			}
		}
	}
}

// valueList is [Values] in the order in which names were first added, in any
// case.
type valueList struct {
	names  []string
	values [][]string
	// exact: names are compared as they are written.
	exact bool
}

func (l *valueList) index(name string) int {
	for i, n := range l.names {
		if n == name || !l.exact && strings.EqualFold(n, name) {
			return i
		}
	}
	return -1
}

func (l *valueList) add(name string, values ...string) {
	if i := l.index(name); i >= 0 {
		l.values[i] = append(l.values[i], values...)
		return
	}
	l.names, l.values = append(l.names, name), append(l.values, values)
}

// Get gives the values of a name.
func (l *valueList) Get(name string) ([]string, bool) {
	if i := l.index(name); i >= 0 {
		return l.values[i], true
	}
	return nil, false
}

// Each goes through the names.
func (l *valueList) Each(f func(name string, values []string) bool) {
	for i, name := range l.names {
		if !f(name, l.values[i]) {
			return
		}
	}
}

// Len is the number of names.
func (l *valueList) Len() int { return len(l.names) }
