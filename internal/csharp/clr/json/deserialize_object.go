package json

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/collection"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// members makes an object of a type from the members of a JSON object, whose
// first name is the symbol.
func (d *deserializer) members(to *clr.Type) clr.Value {
	of := plainType(to)
	switch {
	case of.Kind == clr.AnonymousKind:
		return clr.Obj(&clr.Record{T: of, Elems: d.parts(of.Fields, of.Args)})
	case of.Kind == clr.TupleKind && len(of.Args) <= len(tupleNames):
		return clr.Obj(&clr.Record{T: of, Elems: d.parts(tupleNames[:len(of.Args)], of.Args)})
	case of.Def == clr.KeyValuePairOf:
		parts := d.parts([]string{"Key", "Value"}, of.Args)
		return collection.NewPair(d.t, of, parts[0], parts[1])
	case of.Namespace == "System" && of.Name == "Tuple" && len(of.Args) > 0 && len(of.Args) <= len(tupleNames):
		parts := d.parts(tupleNames[:len(of.Args)], of.Args)
		for _, m := range of.Members(".ctor") {
			if m.Code != nil && m.Do != nil {
				return m.Do(&clr.Call{Thread: d.t, Args: parts, In: of, Result: of})
			}
		}
	}
	v, ok := clr.Null, false
	if !of.Abstract && of.Kind != clr.Interface {
		v, ok = construct(d.t, of)
	}
	if !ok && (of.Abstract || of.Kind == clr.Interface) {
		d.fail("Could not create an instance of type " + of.FullName() + ". Type is an interface or abstract class and cannot be instantiated.")
	}
	if !ok {
		d.fail("Unable to find a constructor to use for type " + of.FullName() + ". A class should either have a default constructor," +
			" one constructor with arguments or a constructor marked with the JsonConstructor attribute.")
	}
	d.fill(v, of)
	return v
}

// place of a name among names: exact, or else in any case; -1: none.
func nameIn(names []string, name string) int {
	for i, n := range names {
		if n == name {
			return i
		}
	}
	for i, n := range names {
		if strings.EqualFold(n, name) {
			return i
		}
	}
	return -1
}

// each calls f for the members of an object, whose first name is the symbol; f
// reads the value.
func (d *deserializer) each(f func(name string)) {
	for {
		switch s, name := d.feed.now(); s {
		case propertyName:
			f(name.S)
		case endObject:
			return
		case comment:
		default:
			d.fail("Unexpected token when deserializing object: " + s.String())
		}
		d.feed.expect(asAny)
		if !d.read() {
			d.fail("Unexpected end when deserializing object.")
		}
	}
}

// parts are the values of members with these names and types.
func (d *deserializer) parts(names []string, types []*clr.Type) []clr.Value {
	out := make([]clr.Value, len(names))
	for i, t := range types {
		out[i] = clr.Zero(t)
	}
	d.each(func(name string) {
		i := nameIn(names, name)
		if i < 0 {
			d.skip()
			return
		}
		d.setting(name, types[i])
		out[i] = d.value(types[i])
	})
	return out
}

// setting goes to the value of a member.
func (d *deserializer) setting(name string, to *clr.Type) {
	if !d.readAs(to) {
		d.fail("Unexpected end when setting " + name + "'s value.")
	}
}

// fill sets the properties of an object.
func (d *deserializer) fill(v clr.Value, of *clr.Type) {
	d.each(func(name string) {
		m := property(of, name)
		if m == nil {
			d.skip()
			return
		}
		d.setting(m.Name, m.Result)
		m.Put(&clr.Call{Thread: d.t, Args: []clr.Value{v, d.value(m.Result)}, In: of, Result: m.Result})
	})
}

// property is one of the type that can be set.
func property(of *clr.Type, name string) *clr.Member {
	for t := of; t != nil; t = t.Base() {
		for _, m := range t.AllMembers() {
			if m.Kind == syntax.PropertyMember && !m.Static && m.Set && len(m.Params) == 0 && m.Code != nil && m.Put != nil &&
				strings.EqualFold(m.Name, name) {
				return m
			}
		}
	}
	return nil
}
