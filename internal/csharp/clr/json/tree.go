package json

import (
	"slices"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// The changes of a tree. A token has one parent: what already has one is copied
// where it is added anew, as Newtonsoft does.

// list are the tokens of an array or constructor; nil for others.
func list(c Container) (kids *[]Token, version *int) {
	switch c := c.(type) {
	case *Array:
		return &c.kids, &c.version
	case *Constructor:
		return &c.kids, &c.version
	}
	return nil, nil
}

func hasValues(k Token) bool {
	c, ok := k.(Container)
	return ok && c.Len() > 0
}

// owned is item, or null's token, or a copy where item lies in a tree that must
// keep it.
func owned(t *clr.Thread, c Container, item Token) Token {
	if item == nil {
		return null(t)
	}
	if item.at().parent != nil || item == Token(c) || hasValues(item) && rootOf(t, c) == item {
		return clone(t, item)
	}
	return item
}

// fits throws where c cannot hold item; existing is what item replaces.
func fits(t *clr.Thread, c Container, item Token, existing *Property) {
	o, object := c.(*Object)
	p, property := item.(*Property)
	if property != object {
		t.ThrowArgument("Can not add "+item.Type().FullName()+" to "+c.Type().FullName()+".", "")
	}
	if !object || existing != nil && existing.Name == p.Name {
		return
	}
	if o.Property(p.Name) != nil {
		t.ThrowArgument("Can not add property "+p.Name+" to "+c.Type().FullName()+". Property with the same name already exists on object.", "")
	}
}

// insert puts item at i and says whether it did.
func insert(t *clr.Thread, c Container, i int, item Token) bool {
	comment := item != nil && item.Kind() == KindComment
	if p, ok := c.(*Property); ok {
		if comment {
			return false
		}
		if p.value != nil {
			t.Throw(clr.JsonException, PropertyType.FullName()+" cannot have multiple values.")
		}
		i = 0
	}
	if _, ok := c.(*Object); ok && comment {
		return false
	}
	if i > c.Len() {
		t.ThrowRange("index", "Index must be within the bounds of the List.")
	}
	item = owned(t, c, item)
	fits(t, c, item, nil)
	if i < 0 {
		// Newtonsoft asks a list for the neighbour of the place, which throws.
		throwIndex(t)
	}
	link(t, c, i, item)
	return true
}

// link makes item the token at i of c; it is checked.
func link(t *clr.Thread, c Container, i int, item Token) {
	n := item.at()
	n.parent, n.index = c, int32(i)
	switch c := c.(type) {
	case *Property:
		c.value = item
	case *Object:
		p := item.(*Property)
		c.version++
		if i == len(c.props) {
			c.props = append(c.props, p)
		} else {
			c.props = slices.Insert(c.props, i, p)
			renumber(t, c, i+1)
		}
		if c.byName != nil {
			c.byName[p.Name] = p
		}
	default:
		kids, version := list(c)
		*version++
		if i == len(*kids) {
			*kids = append(*kids, item)
		} else {
			*kids = slices.Insert(*kids, i, item)
			renumber(t, c, i+1)
		}
	}
}

func renumber(t *clr.Thread, c Container, from int) {
	t.Work((c.Len() - from) / 8)
	for i := from; i < c.Len(); i++ {
		c.child(i).at().index = int32(i)
	}
}

func throwIndex(t *clr.Thread) {
	t.ThrowRange("index", "Index was out of range. Must be non-negative and less than the size of the collection.")
}

// checkIndex throws as Newtonsoft does where there is no token at i.
func checkIndex(t *clr.Thread, c Container, i int) {
	if i < 0 {
		t.ThrowRange("index", "Index is less than 0.")
	}
	if i >= c.Len() {
		t.ThrowRange("index", "Index is equal to or greater than Count.")
	}
}

// remove takes the token at i out.
func remove(t *clr.Thread, c Container, i int) {
	if _, ok := c.(*Property); ok {
		throwFixed(t)
	}
	checkIndex(t, c, i)
	unlink(c.child(i))
	if o, ok := c.(*Object); ok {
		o.version++
		if o.byName != nil {
			delete(o.byName, o.props[i].Name)
		}
		o.props = slices.Delete(o.props, i, i+1)
	} else {
		kids, version := list(c)
		*version++
		*kids = slices.Delete(*kids, i, i+1)
	}
	renumber(t, c, i)
}

func throwFixed(t *clr.Thread) {
	t.Throw(clr.JsonException, "Cannot add or remove items from "+PropertyType.FullName()+".")
}

func unlink(k Token) { k.at().parent, k.at().index = nil, 0 }

// set puts item in the place of the token at i.
func set(t *clr.Thread, c Container, i int, item Token) {
	if _, ok := c.(*Property); ok && i != 0 {
		t.Throw(clr.ArgumentOutOfRangeException, "Specified argument was out of the range of valid values.")
	}
	checkIndex(t, c, i)
	existing := c.child(i)
	if unchanged(t, existing, item) {
		return
	}
	item = owned(t, c, item)
	was, _ := existing.(*Property)
	fits(t, c, item, was)
	replace(c, i, item)
}

// replace puts item in the place of the token at i; it is checked.
func replace(c Container, i int, item Token) {
	existing := c.child(i)
	unlink(existing)
	n := item.at()
	n.parent, n.index = c, int32(i)
	switch c := c.(type) {
	case *Property:
		c.value = item
	case *Object:
		p := item.(*Property)
		c.version++
		if c.byName != nil {
			delete(c.byName, c.props[i].Name)
			c.byName[p.Name] = p
		}
		c.props[i] = p
	default:
		kids, version := list(c)
		*version++
		(*kids)[i] = item
	}
}

// unchanged reports that item would change nothing: equal values stay.
func unchanged(t *clr.Thread, existing, item Token) bool {
	v, ok := existing.(*Value)
	if !ok {
		return false
	}
	if item == nil {
		return v.kind == KindNull
	}
	with, ok := item.(*Value)
	return ok && sameValues(t, v, with)
}

// clear takes every token out.
func clearAll(t *clr.Thread, c Container) {
	if _, ok := c.(*Property); ok {
		throwFixed(t)
	}
	t.Work(c.Len())
	for i := range c.Len() {
		unlink(c.child(i))
	}
	if o, ok := c.(*Object); ok {
		o.props, o.byName = nil, nil
		o.version++
		return
	}
	kids, version := list(c)
	*kids = nil
	*version++
}

// indexOf is where k is in c, or -1.
func indexOf(c Container, k Token) int {
	if k == nil || k.at().parent != c {
		return -1
	}
	return int(k.at().index)
}

// add puts content at i: each of a sequence's elements, or one token.
func add(t *clr.Thread, c Container, i int, content clr.Value) {
	if !isMulti(content) {
		insert(t, c, i, fromContent(t, content))
		return
	}
	t.Enter()
	for e := range content.O.(clr.Sequence).All(t) {
		add(t, c, i, e)
		i++
	}
	t.Leave()
}

// isMulti reports that content stands for its elements.
func isMulti(content clr.Value) bool {
	switch o := content.O.(type) {
	case Token:
		return false
	case *clr.ArrayObject:
		return o.Bytes == nil
	case clr.Sequence:
		return true
	}
	return false
}

// fromContent is the token of a value: null and simple values become JValues.
func fromContent(t *clr.Thread, content clr.Value) Token {
	if k, ok := content.O.(Token); ok {
		return k
	}
	return newValue(t, content)
}

// clone copies a token and all in it.
func clone(t *clr.Thread, k Token) Token {
	switch k := k.(type) {
	case *Value:
		t.Allocate(valueSize)
		return &Value{kind: k.kind, raw: k.raw, V: k.V, node: notesOf(t, k)}
	case *Property:
		t.Allocate(propertySize)
		p := &Property{Name: k.Name, node: notesOf(t, k)}
		if k.value != nil {
			link(t, p, 0, cloneInner(t, k.value))
		}
		return p
	case *Object:
		t.Allocate(containerSize)
		o := &Object{props: make([]*Property, 0, len(k.props)), node: notesOf(t, k)}
		for _, p := range k.props {
			link(t, o, len(o.props), cloneInner(t, p))
		}
		return o
	case *Array:
		t.Allocate(containerSize)
		a := &Array{kids: make([]Token, 0, len(k.kids)), node: notesOf(t, k)}
		for _, e := range k.kids {
			link(t, a, len(a.kids), cloneInner(t, e))
		}
		return a
	case *Constructor:
		t.Allocate(containerSize)
		c := &Constructor{Name: k.Name, node: notesOf(t, k)}
		for _, e := range k.kids {
			link(t, c, len(c.kids), cloneInner(t, e))
		}
		return c
	}
	return nil
}

func cloneInner(t *clr.Thread, k Token) Token {
	t.Step()
	if c, ok := k.(Container); !ok || c.Kind() == KindProperty {
		return clone(t, k)
	}
	t.Enter()
	defer t.Leave()
	return clone(t, k)
}

// notesOf are the annotations of k, which a copy keeps, with its place in the
// text, which is one of them.
func notesOf(t *clr.Thread, k Token) node {
	n := k.at()
	t.Allocate(len(n.notes) * 40)
	return node{line: n.line, position: n.position, notes: slices.Clone(n.notes)}
}
