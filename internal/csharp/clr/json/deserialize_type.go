package json

import (
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/collection"
)

// shape is what JSON has to be for a type, as a JsonContract.
type shape byte

const (
	anyShape shape = iota
	simpleShape
	listShape
	mapShape
	objectShape
)

const generic = "System.Collections.Generic"

// wantedShapes are shapes in messages.
var wantedShapes = map[shape]string{
	simpleShape: "JSON primitive value (e.g. string, number, boolean, null)", listShape: "JSON array (e.g. [1,2,3])",
	mapShape: `JSON object (e.g. {"name":"value"})`, objectShape: `JSON object (e.g. {"name":"value"})`,
}

// shapeOf says what a type wants, with the types of items, or of keys and
// values.
func shapeOf(to *clr.Type) (s shape, args []*clr.Type) {
	if noType(to) {
		return anyShape, nil
	}
	to = plainType(to)
	switch {
	case isBytes(to), changeable(to), to.Kind == clr.Enum, to == clr.Guid, to == clr.TimeSpan, to == clr.DateTimeOffset,
		to == BigIntegerType, isType(to, "System", "Uri"), to == clr.TypeType:
		return simpleShape, nil
	case to.Kind == clr.ArrayKind:
		return listShape, to.Args
	case to.Def != nil && to.Namespace == generic:
		switch to.Name {
		case "Dictionary", "IDictionary", "IReadOnlyDictionary":
			return mapShape, to.Args
		case "KeyValuePair":
			return objectShape, nil
		case "List", "IList", "ICollection", "IEnumerable", "IReadOnlyList", "IReadOnlyCollection", "HashSet", "ISet", "Queue", "Stack":
			return listShape, to.Args
		}
	case to.Namespace == "System.Collections" && (to.Name == "IEnumerable" || to.Name == "ICollection" || to.Name == "IList"):
		return listShape, []*clr.Type{clr.ObjectType}
	case to.Namespace == "System.Collections" && to.Name == "IDictionary":
		return mapShape, []*clr.Type{clr.ObjectType, clr.ObjectType}
	}
	return objectShape, nil
}

// object makes a value from a JSON object.
func (d *deserializer) object(to *clr.Type) clr.Value {
	d.t.Enter()
	defer d.t.Leave()
	d.must()
	if d.isReference() {
		return clr.Null
	}
	switch s, args := shapeOf(to); s {
	case anyShape:
		return d.rest()
	case mapShape:
		return d.dictionary(to, args)
	case objectShape:
		return d.members(to)
	default:
		const fix = "To fix this error either change the JSON to a %w or change the deserialized type so that it is a normal .NET type" +
			" (e.g. not a primitive type like integer, not a collection type like an array or List<T>) that can be deserialized from a" +
			" JSON object. JsonObjectAttribute can also be added to the type to force it to deserialize from a JSON object.\n"
		d.fail(strings.ReplaceAll(`Cannot deserialize the current JSON object (e.g. {"name":"value"}) into type '`+to.FullName()+
			"' because the type requires a %w to deserialize correctly.\n"+fix, "%w", wantedShapes[s]))
	}
	return clr.Null
}

// array makes a value from a JSON array.
func (d *deserializer) array(to *clr.Type) clr.Value {
	d.t.Enter()
	defer d.t.Leave()
	s, args := shapeOf(to)
	if s == anyShape {
		return d.token(nil)
	}
	if s != listShape {
		const fix = "To fix this error either change the JSON to a %w or change the deserialized type to an array or a type that implements" +
			" a collection interface (e.g. ICollection, IList) like List<T> that can be deserialized from a JSON array. JsonArrayAttribute" +
			" can also be added to the type to force it to deserialize from a JSON array.\n"
		d.fail(strings.ReplaceAll("Cannot deserialize the current JSON array (e.g. [1,2,3]) into type '"+to.FullName()+
			"' because the type requires a %w to deserialize correctly.\n"+fix, "%w", wantedShapes[s]))
	}
	if to.Kind == clr.ArrayKind && to.Rank > 1 {
		d.t.Throw(clr.NotSupportedException, "Arrays with several dimensions cannot be deserialized.")
	}
	elem := args[0]
	var elems []clr.Value
	for d.readAs(elem) {
		if s, _ := d.feed.now(); s == endArray {
			return d.list(to, elem, elems)
		} else if s == comment {
			continue
		}
		d.t.Allocate(40)
		elems = append(elems, d.value(elem))
	}
	d.fail("Unexpected end when deserializing array.")
	return clr.Null
}

// list is a collection of the type.
func (d *deserializer) list(to, elem *clr.Type, elems []clr.Value) clr.Value {
	if to.Kind == clr.ArrayKind {
		return d.t.ArrayValue(elem, elems)
	}
	switch to.Name {
	case "HashSet", "ISet":
		set := collection.NewSet(d.t, elem, nil)
		for _, v := range elems {
			set.Add(d.t, v)
		}
		return clr.Obj(set)
	case "Queue", "Stack":
		v, ok := construct(d.t, to, clr.Obj(d.t.NewList(elem, elems)))
		if !ok {
			panic("json: " + to.Name + " has no constructor")
		}
		return v
	}
	return clr.Obj(d.t.NewList(elem, elems))
}

// dictionary reads the members of an object, whose first name is the symbol.
func (d *deserializer) dictionary(to *clr.Type, args []*clr.Type) clr.Value {
	m := collection.NewDictionary(d.t, args[0], args[1], nil)
	for {
		switch s, name := d.feed.now(); s {
		case propertyName:
			key := d.key(name, args[0])
			if !d.readAs(args[1]) {
				d.fail("Unexpected end when deserializing object.")
			}
			m.Put(d.t, key, d.value(args[1]))
		case endObject:
			return clr.Obj(m)
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

// key is a name as a key of the type.
func (d *deserializer) key(name clr.Value, to *clr.Type) clr.Value {
	if to == clr.String || to == clr.ObjectType {
		return name
	}
	v := clr.Null
	if inner := d.attempt(func() { v = d.changed(name, to) }); inner != nil {
		path, line, position := d.feed.where()
		message := "Could not convert string '" + name.S + "' to dictionary key type '" + to.FullName() +
			"'. Create a TypeConverter to convert from the string to the key type object."
		panic(&clr.Thrown{T: clr.JsonSerializationException, Message: placed(message, path, line, position), Inner: inner})
	}
	return v
}

// attempt runs f and returns what it throws: Newtonsoft catches what a
// conversion throws, to say where it was.
func (d *deserializer) attempt(f func()) (thrown *clr.Thrown) {
	depth := d.t.Depth()
	defer func() {
		if d.t.Over() {
			return
		}
		switch p := recover().(type) {
		case nil:
		case *clr.Thrown:
			d.t.SetDepth(depth)
			thrown = p
		default:
			panic(p)
		}
	}()
	f()
	return nil
}

// ensure is v as the type.
func (d *deserializer) ensure(v clr.Value, to *clr.Type) clr.Value {
	if noType(to) || v.Type() == to || v.O == nil && nullable(to) {
		return v
	}
	out := clr.Null
	if inner := d.attempt(func() { out = d.changed(v, to) }); inner != nil {
		path, line, position := d.feed.where()
		message := "Error converting value " + quotedText(d.t, v) + " to type '" + to.FullName() + "'."
		panic(&clr.Thrown{T: clr.JsonSerializationException, Message: placed(message, path, line, position), Inner: inner})
	}
	return out
}

// changed converts v, which is of another type.
func (d *deserializer) changed(v clr.Value, to *clr.Type) clr.Value {
	of := plainType(to)
	if v.O != nil && v.Type().AssignableTo(of) {
		return v
	}
	switch {
	case of.Kind == clr.Enum:
		return d.enum(v, of)
	case of == clr.DateTime && v.Is(clr.String):
		if date, ok := readDate(d.t, v.S); ok {
			return date
		}
	}
	if b, ok := v.O.(*bigInteger); ok && changeable(of) && of != clr.String {
		return fromBig(d.t, b.n, of)
	}
	if changeable(of) {
		return changeType(d.t, v, of)
	}
	if v.O == nil {
		d.t.ThrowArgumentNull("initialValue")
	}
	return d.cast(v, of)
}

// enum is a name or number as an enum.
func (d *deserializer) enum(v clr.Value, to *clr.Type) clr.Value {
	if v.Is(clr.String) {
		e, ok := parseEnum(v.S, to)
		if !ok {
			d.t.ThrowArgument("Requested value '"+v.S+"' was not found.", "")
		}
		return e
	}
	if v.O == nil {
		d.t.ThrowArgumentNull("value")
	}
	if isInteger(v.Type()) {
		return clr.Value{N: v.N, O: to}
	}
	d.t.Throw(clr.InvalidCastException, "Invalid cast from '"+v.Type().FullName()+"' to '"+to.FullName()+"'.")
	return clr.Null
}

// enumNumber is the number of an enum's value, and what it is given otherwise.
func enumNumber(v clr.Value) clr.Value {
	if v.Type().Kind == clr.Enum {
		return clr.Value{N: v.N, O: clr.Int64}
	}
	return v
}

// parseEnum reads names with commas between them, or a number; names in any
// case where none fits exactly.
func parseEnum(text string, to *clr.Type) (clr.Value, bool) {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return clr.Number(to, n), true
	}
	n := int64(0)
	for _, name := range strings.Split(text, ",") {
		i := enumName(strings.TrimSpace(name), to)
		if i < 0 {
			return clr.Null, false
		}
		n |= to.Names[i].Value
	}
	return clr.Number(to, n), true
}

func enumName(name string, to *clr.Type) int {
	for i, e := range to.Names {
		if e.Name == name {
			return i
		}
	}
	for i, e := range to.Names {
		if strings.EqualFold(e.Name, name) {
			return i
		}
	}
	return -1
}

// cast converts to the simple types that Convert knows nothing of.
func (d *deserializer) cast(v clr.Value, to *clr.Type) clr.Value {
	if v.Is(clr.String) {
		switch {
		case to == clr.Guid:
			return call(d.t, "new System.Guid(string)", v)
		case to == clr.TimeSpan:
			return call(d.t, "System.TimeSpan.Parse(string)", v)
		case to == clr.DateTimeOffset:
			return call(d.t, "System.DateTimeOffset.Parse(string)", v)
		case isType(to, "System", "Uri"):
			return makeURI(d.t, to, v)
		case isBytes(to):
			return call(d.t, "System.Convert.FromBase64String(string)", v)
		}
	}
	if to == clr.DateTimeOffset && v.Is(clr.DateTime) {
		return offsetOf(d.t, v)
	}
	if raw, ok := bytesOf(v); ok && to == clr.Guid && raw != nil {
		return call(d.t, "new System.Guid(byte[])", v)
	}
	if to == BigIntegerType {
		return clr.Obj(&bigInteger{toBig(d.t, v)})
	}
	d.t.ThrowArgument("Could not cast or convert from "+v.Type().FullName()+" to "+to.FullName()+".", "")
	return clr.Null
}
