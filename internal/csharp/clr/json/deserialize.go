package json

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// deserializer makes values of a type out of JSON, as JsonSerializer does. Its
// methods throw.
type deserializer struct {
	t    *clr.Thread
	feed feed
}

// deserialized is JsonConvert.DeserializeObject; to is nil, or what is made.
func deserialized(t *clr.Thread, text string, to *clr.Type) clr.Value {
	d := deserializer{t, newReader(t, text)}
	if !d.readAs(to) {
		if to != nil && !nullable(to) {
			d.fail("No JSON content found and type '" + to.FullName() + "' is not nullable.")
		}
		return clr.Null
	}
	v := d.value(to)
	d.feed.expect(asAny)
	for d.read() {
		if s, _ := d.feed.now(); s != comment {
			d.fail("Additional text found in JSON string after finishing deserializing object.")
		}
	}
	return v
}

// toObject is JToken.ToObject: simple types are casts.
func toObject(t *clr.Thread, k Token, to *clr.Type) clr.Value {
	of := plainType(to)
	if of.Kind == clr.Enum {
		if v, ok := k.(*Value); ok && v.V.O != nil {
			switch v.kind {
			case KindString:
				return stringEnum(t, t.Text(v.V), of)
			case KindInteger:
				return clr.Value{N: convert(t, enumNumber(v.V), clr.Int64).N, O: of}
			}
		}
	}
	if name := castNames[of]; name != "" {
		return cast(t, clr.Obj(k), targets[name], of != to || isClass(name))
	}
	if isType(of, "System", "Uri") {
		v := cast(t, clr.Obj(k), targets["Uri"], true)
		if v.O == nil {
			return v
		}
		return makeURI(t, of, v)
	}
	d := deserializer{t, &treeFeed{t: t, root: k}}
	if !d.readAs(to) {
		if !nullable(to) {
			d.fail("No JSON content found and type '" + to.FullName() + "' is not nullable.")
		}
		return clr.Null
	}
	return d.value(to)
}

// castNames are the types whose values JToken casts to.
var castNames = map[*clr.Type]string{
	clr.Boolean: "bool", clr.Byte: "byte", clr.Char: "char", clr.Decimal: "decimal", clr.Double: "double", clr.Single: "float",
	clr.Int32: "int", clr.Int64: "long", clr.SByte: "sbyte", clr.Int16: "short", clr.UInt32: "uint", clr.UInt64: "ulong",
	clr.UInt16: "ushort", clr.String: "string", clr.DateTime: "DateTime", clr.DateTimeOffset: "DateTimeOffset", clr.Guid: "Guid",
	clr.TimeSpan: "TimeSpan",
}

// stringEnum is a name as an enum, with JToken's message.
func stringEnum(t *clr.Thread, text string, to *clr.Type) clr.Value {
	v, ok := parseEnum(text, to)
	if !ok {
		t.ThrowArgument("Could not convert '"+text+"' to "+to.Name+".", "")
	}
	return v
}

// plainType is T of T?.
func plainType(to *clr.Type) *clr.Type {
	if to.IsNullable() {
		return to.Elem()
	}
	return to
}

// nullable reports that null is a value of the type.
func nullable(to *clr.Type) bool { return !to.IsValue() || to.IsNullable() }

// fail throws a JsonSerializationException at the place.
func (d *deserializer) fail(message string) {
	path, line, position := d.feed.where()
	d.t.Throw(clr.JsonSerializationException, placed(message, path, line, position))
}

// failReading throws a JsonReaderException at the place.
func (d *deserializer) failReading(message string) {
	path, line, position := d.feed.where()
	d.t.Throw(clr.JsonReaderException, placed(message, path, line, position))
}

// read goes to the next symbol; what the text breaks is thrown.
func (d *deserializer) read() bool {
	if d.feed.read() {
		return true
	}
	if err := d.feed.err(); err != nil {
		panic(err)
	}
	return false
}

// must goes to the next symbol, which exists.
func (d *deserializer) must() symbol {
	d.feed.expect(asAny)
	if !d.read() {
		d.fail("Unexpected end when reading JSON.")
	}
	s, _ := d.feed.now()
	return s
}

// content goes to the next symbol that is no comment.
func (d *deserializer) content() bool {
	for d.read() {
		if s, _ := d.feed.now(); s != comment {
			return true
		}
	}
	return false
}

// skip goes to the end of the value that begins with the symbol.
func (d *deserializer) skip() {
	d.feed.expect(asAny)
	s, _ := d.feed.now()
	if s == propertyName {
		s = d.must()
	}
	for depth := 0; ; s = d.must() {
		switch s {
		case startObject, startArray, startConstructor:
			depth++
		case endObject, endArray, endConstructor:
			depth--
		}
		if depth <= 0 {
			return
		}
	}
}

// value makes a value of the type from what begins with the symbol; to is nil
// or object for what JSON says by itself.
func (d *deserializer) value(to *clr.Type) clr.Value {
	if to != nil && to.AssignableTo(TokenType) {
		return d.token(to)
	}
	for {
		switch s, v := d.feed.now(); s {
		case startObject:
			return d.object(to)
		case startArray:
			return d.array(to)
		case integerSymbol, floatSymbol, booleanSymbol, dateSymbol, bytesSymbol, startConstructor:
			return d.ensure(v, to)
		case stringSymbol:
			if to != nil && isBytes(to) {
				return call(d.t, "System.Convert.FromBase64String(string)", v)
			}
			if v.S == "" && v.O != nil && to != nil && to != clr.String && to != clr.ObjectType && nullable(to) {
				return clr.Null
			}
			return d.ensure(v, to)
		case nullSymbol, undefinedSymbol:
			return d.ensure(clr.Null, to)
		case comment:
		case rawSymbol:
			return clr.Obj(value(d.t, KindRaw, v))
		default:
			d.fail("Unexpected token while deserializing object: " + s.String())
		}
		if !d.read() {
			d.fail("Unexpected end when deserializing object.")
		}
	}
}

func isBytes(to *clr.Type) bool {
	return to.Kind == clr.ArrayKind && to.Elem() == clr.Byte && to.Rank == 1
}

// noType reports that JSON says by itself what comes out.
func noType(to *clr.Type) bool { return to == nil || to == clr.ObjectType }

// token makes a token; only JToken and JValue take null as one.
func (d *deserializer) token(to *clr.Type) clr.Value {
	if s, _ := d.feed.now(); s == nullSymbol && to != nil && to != ValueType && to != TokenType {
		return clr.Null
	}
	k := d.tree()
	if to == RawType {
		v := value(d.t, KindRaw, clr.Str(Text(d.t, k, false)))
		v.raw = true
		return clr.Obj(v)
	}
	if to != nil && !k.Type().AssignableTo(to) {
		d.fail("Deserialized JSON type '" + k.Type().FullName() + "' is not compatible with expected type '" + to.FullName() + "'.")
	}
	return clr.Obj(k)
}

// tree is the token that begins with the symbol, without notes.
func (d *deserializer) tree() Token {
	d.feed.expect(asAny)
	if f, ok := d.feed.(*treeFeed); ok && !f.closing && f.at != nil {
		k := bare(d.t, f.at)
		if c, ok := f.at.(Container); ok && c.Kind() != KindProperty {
			f.closing, f.symbol = true, endings[c.Kind()]
		}
		return k
	}
	out := &treeSink{t: d.t}
	for {
		d.copy(out)
		if out.in == nil && out.top != nil {
			return out.top
		}
		if !d.read() {
			d.t.Throw(clr.JsonWriterException, placed("Unexpected end when reading token.", out.path(), -1, 0))
		}
	}
}

// copy gives the symbol to a tree.
func (d *deserializer) copy(out *treeSink) {
	switch s, v := d.feed.now(); s {
	case startObject:
		out.begin(objectContainer)
	case startArray:
		out.begin(arrayContainer)
	case startConstructor:
		out.constructor(v)
	case endObject, endArray, endConstructor:
		out.end(noContainer)
	case propertyName:
		out.name(v.S)
	case comment:
		out.comment(v)
	case nullSymbol:
		out.put(null(d.t))
	case undefinedSymbol:
		out.put(value(d.t, KindUndefined, clr.Null))
	case rawSymbol:
		out.put(value(d.t, KindRaw, v))
	default:
		out.simple(v)
	}
}

// rest is the object whose first name is the symbol.
func (d *deserializer) rest() clr.Value {
	out := &treeSink{t: d.t}
	out.begin(objectContainer)
	d.feed.expect(asAny)
	for {
		d.copy(out)
		if out.in == nil {
			return clr.Obj(out.top)
		}
		if !d.read() {
			d.fail("Unexpected end when deserializing object.")
		}
	}
}

// isReference reads members of the serializer that stand first in an object:
// $id and $type are dropped; a $ref alone names an object that there never is.
func (d *deserializer) isReference() bool {
	s, name := d.feed.now()
	for s == propertyName {
		switch name.S {
		case "$ref":
			s := d.must()
			if s != stringSymbol && s != nullSymbol {
				d.fail("JSON reference $ref property must have a string or null value.")
			}
			if next := d.must(); s == stringSymbol {
				if next == propertyName {
					d.fail("Additional content found in JSON reference object. A JSON reference object should only have a $ref property.")
				}
				return true
			}
		case "$type":
			d.must()
			if _, v := d.feed.now(); v.O == nil {
				d.t.ThrowNull()
			}
			d.must()
		case "$id":
			d.must()
			d.must()
		default:
			return false
		}
		s, name = d.feed.now()
	}
	return false
}
