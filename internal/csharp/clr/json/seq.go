package json

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/collection"
)

// How trees are gone through, by foreach, LINQ and the interfaces of
// System.Collections.Generic.

// All of a value is nothing.
func (*Value) All(*clr.Thread) iter.Seq[clr.Value] { return func(func(clr.Value) bool) {} }

// All of a property is its value.
func (p *Property) All(*clr.Thread) iter.Seq[clr.Value] {
	return func(yield func(clr.Value) bool) {
		if p.value != nil {
			yield(clr.Obj(p.value))
		}
	}
}

// All of an object are its properties, as JTokens; see [Object.Of].
func (o *Object) All(t *clr.Thread) iter.Seq[clr.Value] { return children(t, o, &o.version) }

// All goes through the items.
func (a *Array) All(t *clr.Thread) iter.Seq[clr.Value] { return children(t, a, &a.version) }

// All goes through the arguments.
func (c *Constructor) All(t *clr.Thread) iter.Seq[clr.Value] { return children(t, c, &c.version) }

// children goes through a container; one that changes meanwhile throws.
func children(t *clr.Thread, c Container, version *int) iter.Seq[clr.Value] {
	return func(yield func(clr.Value) bool) {
		began := *version
		for i := 0; ; i++ {
			if *version != began {
				throwChanged(t)
			}
			if i >= c.Len() {
				return
			}
			t.Step()
			if !yield(clr.Obj(c.child(i))) {
				return
			}
		}
	}
}

func throwChanged(t *clr.Thread) {
	t.Throw(clr.InvalidOperationException, "Collection was modified; enumeration operation may not execute.")
}

// pairs is an object as IEnumerable<KeyValuePair<string, JToken>>.
type pairs struct{ o *Object }

// Type is JObject, for messages.
func (p pairs) Type() *clr.Type { return ObjectType }

// All makes a pair of each property.
func (p pairs) All(t *clr.Thread) iter.Seq[clr.Value] {
	return func(yield func(clr.Value) bool) {
		for v := range p.o.All(t) {
			k := v.O.(*Property)
			if !yield(collection.NewPair(t, pairType(), clr.Str(k.Name), valueOf(k.value))) {
				return
			}
		}
	}
}

func pairType() *clr.Type { return clr.KeyValuePairOf.Of(clr.String, TokenType) }

// Of is the object as a sequence of elem: of pairs, which foreach over a JObject
// gives, or of its properties.
func (o *Object) Of(elem *clr.Type) clr.Sequence {
	if elem != nil && elem.Def == clr.KeyValuePairOf {
		return pairs{o}
	}
	return o
}

// enumerable is a JEnumerable<T>: a sequence of tokens with an indexer.
type enumerable struct {
	t *clr.Type
	// of is the sequence; null in default(JEnumerable<T>).
	of clr.Value
}

// Type is JEnumerable<T>.
func (e *enumerable) Type() *clr.Type { return e.t }

// All goes through the tokens.
func (e *enumerable) All(t *clr.Thread) iter.Seq[clr.Value] {
	if e.of.O == nil {
		return func(func(clr.Value) bool) {}
	}
	return t.Seq(e.of, "")
}

// newEnumerable makes a JEnumerable<elem>.
func newEnumerable(t *clr.Thread, elem *clr.Type, of clr.Value) clr.Value {
	t.Allocate(64)
	return clr.Obj(&enumerable{t: EnumerableOf.Of(elem), of: of})
}

// lazy is an IEnumerable<elem> that is made while it is gone through.
func lazy(t *clr.Thread, elem *clr.Type, seq func(t *clr.Thread) iter.Seq[clr.Value]) clr.Value {
	t.Allocate(64)
	return clr.Obj(&clr.Lazy{T: clr.EnumerableOf.Of(elem), Seq: seq})
}

// descendants goes through all that is in c, parents before children.
func descendants(t *clr.Thread, c Container, self bool, yield func(clr.Value) bool) bool {
	if self && !yield(clr.Obj(c)) {
		return false
	}
	t.Enter()
	defer t.Leave()
	for v := range c.All(t) {
		if !yield(v) {
			return false
		}
		if inner, ok := v.O.(Container); ok && !descendants(t, inner, false, yield) {
			return false
		}
	}
	return true
}
