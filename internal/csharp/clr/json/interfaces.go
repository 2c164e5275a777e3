package json

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/collection"
)

// What the members of IDictionary<TKey, TValue>, IList<T> and ICollection<T> do
// on trees; package collection calls it.
var (
	_ collection.Indexed     = (*Array)(nil)
	_ collection.Container   = (*Array)(nil)
	_ collection.ChangingMap = (*Object)(nil)
	_ collection.Container   = (*Object)(nil)
	_ collection.Keyed       = (*Object)(nil)
	_ collection.Item        = (*Object)(nil)
)

// Get is IDictionary<string, JToken>.TryGetValue.
func (o *Object) Get(_ *clr.Thread, key clr.Value) (clr.Value, bool) {
	if p := o.Property(key.S); p != nil {
		return clr.Obj(p.value), true
	}
	return clr.Null, false
}

// Item is the indexer: null where there is no such property.
func (o *Object) Item(t *clr.Thread, key clr.Value) clr.Value {
	if key.O == nil {
		t.ThrowArgumentNull("propertyName")
	}
	return valueOf(o.find(key.S))
}

// Put is the indexer's setter.
func (o *Object) Put(t *clr.Thread, key, v clr.Value) { putProperty(t, o, key, tokenOf(v)) }

// Insert is IDictionary<string, JToken>.Add.
func (o *Object) Insert(t *clr.Thread, key, v clr.Value) { addProperty(t, o, key, tokenOf(v)) }

// Delete is IDictionary<string, JToken>.Remove.
func (o *Object) Delete(t *clr.Thread, key clr.Value) bool {
	if key.O == nil {
		return false
	}
	p := o.Property(key.S)
	if p == nil {
		return false
	}
	remove(t, o, int(p.index))
	return true
}

// Clear is ICollection<T>.Clear.
func (o *Object) Clear(t *clr.Thread) { clearAll(t, o) }

// Contains is ICollection<JToken>'s, or that of pairs, which are the same where
// the value is the same token.
func (o *Object) Contains(t *clr.Thread, v clr.Value) bool {
	if p, ok := v.O.(*collection.Pair); ok {
		return o.find(p.Key.S) == tokenOf(p.Value) && p.Value.O != nil
	}
	return indexOf(o, tokenOf(v)) >= 0
}

// Add is ICollection<JToken>'s, or that of pairs.
func (o *Object) Add(t *clr.Thread, v clr.Value) {
	if p, ok := v.O.(*collection.Pair); ok {
		addProperty(t, o, p.Key, tokenOf(p.Value))
		return
	}
	add(t, o, o.Len(), v)
}

// Remove is ICollection<JToken>'s, or that of pairs.
func (o *Object) Remove(t *clr.Thread, v clr.Value) bool {
	if p, ok := v.O.(*collection.Pair); ok {
		return o.Contains(t, v) && o.Delete(t, p.Key)
	}
	return removeItem(t, o, tokenOf(v))
}

// Keys are the names of the properties.
func (o *Object) Keys(t *clr.Thread) clr.Value {
	names := make([]clr.Value, 0, len(o.props))
	t.Allocate(len(o.props) * 40)
	for _, p := range o.props {
		names = append(names, clr.Str(p.Name))
	}
	return clr.Obj(t.NewList(clr.String, names))
}

// Values is not there in Newtonsoft either.
func (o *Object) Values(t *clr.Thread) clr.Value {
	t.Throw(clr.NotImplementedException, "The method or operation is not implemented.")
	return clr.Null
}

// Contains is ICollection<JToken>'s.
func (a *Array) Contains(_ *clr.Thread, v clr.Value) bool { return indexOf(a, tokenOf(v)) >= 0 }

// Add is ICollection<JToken>'s.
func (a *Array) Add(t *clr.Thread, v clr.Value) { add(t, a, a.Len(), v) }

// Remove is ICollection<JToken>'s.
func (a *Array) Remove(t *clr.Thread, v clr.Value) bool { return removeItem(t, a, tokenOf(v)) }

// Clear is ICollection<JToken>'s.
func (a *Array) Clear(t *clr.Thread) { clearAll(t, a) }

// IndexOf is IList<JToken>'s: tokens are themselves, equal ones are others.
func (a *Array) IndexOf(_ *clr.Thread, v clr.Value) int { return indexOf(a, tokenOf(v)) }

// SetAt is IList<JToken>'s indexer.
func (a *Array) SetAt(t *clr.Thread, i int, v clr.Value) { set(t, a, i, tokenOf(v)) }

// Insert is IList<JToken>'s.
func (a *Array) Insert(t *clr.Thread, i int, v clr.Value) { insert(t, a, i, tokenOf(v)) }

// RemoveAt is IList<JToken>'s.
func (a *Array) RemoveAt(t *clr.Thread, i int) { remove(t, a, i) }

func removeItem(t *clr.Thread, c Container, k Token) bool {
	if _, ok := c.(*Property); ok {
		throwFixed(t)
	}
	i := indexOf(c, k)
	if i < 0 {
		return false
	}
	remove(t, c, i)
	return true
}

// putProperty is the setter of a JObject's indexer.
func putProperty(t *clr.Thread, o *Object, name clr.Value, k Token) {
	if name.O != nil {
		if p := o.Property(name.S); p != nil {
			set(t, p, 0, k)
			return
		}
	}
	addProperty(t, o, name, k)
}

// addProperty is JObject.Add(name, token).
func addProperty(t *clr.Thread, o *Object, name clr.Value, k Token) {
	if name.O == nil {
		t.ThrowArgumentNull("name")
	}
	insert(t, o, o.Len(), newProperty(t, name.S, k))
}

// newProperty makes a property of a token; a copy where it lies elsewhere.
func newProperty(t *clr.Thread, name string, k Token) *Property {
	t.Allocate(propertySize)
	p := &Property{Name: name}
	insert(t, p, 0, k)
	if p.value == nil { // a comment is no value
		link(t, p, 0, null(t))
	}
	return p
}
