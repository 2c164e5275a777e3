package json

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// reads are the types that values are read as at once; all others are changed
// after they are read.
var reads = map[*clr.Type]readAs{
	clr.Byte: asInt32, clr.Int16: asInt32, clr.Int32: asInt32, clr.Decimal: asDecimal, clr.Boolean: asBoolean, clr.String: asString,
	clr.DateTime: asDate, clr.DateTimeOffset: asOffset, clr.Single: asDouble, clr.Double: asDouble, clr.Int64: asInt64,
}

// readAs goes to the next value that is no comment, and reads it as what the
// type wants.
func (d *deserializer) readAs(to *clr.Type) bool {
	as := asAny
	if to != nil {
		as = reads[plainType(to)]
		if isBytes(to) {
			as = asBytes
		}
	}
	d.feed.expect(as)
	if !d.content() {
		return false
	}
	s, v := d.feed.now()
	switch as {
	case asAny:
		return true
	case asInt64:
		if s == undefinedSymbol {
			d.failReading("An undefined token is not a valid " + to.FullName() + ".")
		}
		return true
	}
	if s == nullSymbol || s == endArray {
		return true
	}
	d.typed(as, s, v)
	return true
}

// typed makes the symbol one of what is wanted, or throws.
func (d *deserializer) typed(as readAs, s symbol, v clr.Value) {
	if s == stringSymbol && v.S == "" && as != asString && as != asBytes {
		d.feed.set(nullSymbol, clr.Null)
		return
	}
	number := s == integerSymbol || s == floatSymbol
	switch {
	case as == asInt32 && (number || s == stringSymbol):
		d.number(clr.Int32, integerSymbol, s, v)
		return
	case as == asDouble && (number || s == stringSymbol):
		d.number(clr.Double, floatSymbol, s, v)
		return
	case as == asDecimal && (number || s == stringSymbol):
		d.number(clr.Decimal, floatSymbol, s, v)
		return
	case as == asBoolean && (number || s == stringSymbol || s == booleanSymbol):
		d.boolean(s, v)
		return
	case as == asString && s >= integerSymbol && s <= booleanSymbol, as == asString && (s == dateSymbol || s == bytesSymbol):
		if s != stringSymbol {
			d.feed.set(stringSymbol, d.t.New(d.t.Text(v)))
		}
		return
	case (as == asDate || as == asOffset) && (s == dateSymbol || s == stringSymbol):
		d.date(as, s, v)
		return
	case as == asBytes && (s == stringSymbol || s == bytesSymbol || s == startArray):
		d.bytes(s, v)
		return
	}
	d.failReading("Error reading " + wantedNames[as] + ". Unexpected token: " + s.String() + ".")
}

// tryParse is T.TryParse(string, out T).
func (d *deserializer) tryParse(to *clr.Type, text clr.Value) (clr.Value, bool) {
	v := clr.Null
	ref := &clr.Ref{Get: func() clr.Value { return v }, Set: func(set clr.Value) { v = set }}
	keyword := to.String()
	ok := call(d.t, to.FullName()+".TryParse(string, out "+keyword+")", text, clr.Obj(ref))
	return v, ok.Bool()
}

func (d *deserializer) number(to *clr.Type, as, s symbol, v clr.Value) {
	name := map[*clr.Type]string{clr.Int32: "integer", clr.Double: "double", clr.Decimal: "decimal"}[to]
	if s == stringSymbol {
		n, ok := d.tryParse(to, v)
		if !ok {
			d.failReading("Could not convert string to " + name + ": " + v.S + ".")
		}
		d.feed.set(as, n)
		return
	}
	if v.Is(to) {
		return
	}
	var n clr.Value
	inner := d.attempt(func() {
		if b, ok := v.O.(*bigInteger); ok {
			n = fromBig(d.t, b.n, to)
			return
		}
		n = convert(d.t, v, to)
	})
	if inner != nil {
		d.failReading("Could not convert to " + name + ": " + d.t.Text(v) + ".")
	}
	d.feed.set(as, n)
}

func (d *deserializer) boolean(s symbol, v clr.Value) {
	switch b, big := v.O.(*bigInteger); {
	case s == stringSymbol:
		n, ok := d.tryParse(clr.Boolean, v)
		if !ok {
			d.failReading("Could not convert string to boolean: " + v.S + ".")
		}
		d.feed.set(booleanSymbol, n)
	case big:
		d.feed.set(booleanSymbol, clr.Bool(b.n.Sign() != 0))
	case s != booleanSymbol:
		d.feed.set(booleanSymbol, convert(d.t, v, clr.Boolean))
	}
}

func (d *deserializer) date(as readAs, s symbol, v clr.Value) {
	if s == stringSymbol {
		read, parse, name := readDate, "System.DateTime.Parse(string)", "DateTime"
		if as == asOffset {
			read, parse, name = readOffset, "System.DateTimeOffset.Parse(string)", "DateTimeOffset"
		}
		date, ok := read(d.t, v.S)
		if !ok {
			if inner := d.attempt(func() { date = call(d.t, parse, v) }); inner != nil {
				d.failReading("Could not convert string to " + name + ": " + v.S + ".")
			}
		}
		d.feed.set(dateSymbol, date)
		return
	}
	switch {
	case as == asDate && v.Is(clr.DateTimeOffset):
		d.feed.set(dateSymbol, toDate(d.t, v))
	case as == asOffset && v.Is(clr.DateTime):
		d.feed.set(dateSymbol, offsetOf(d.t, v))
	}
}

// bytes reads base 64, a Guid, or an array of numbers.
func (d *deserializer) bytes(s symbol, v clr.Value) {
	switch {
	case s == stringSymbol && len(v.S) == 36 && strings.Count(v.S, "-") == 4:
		if inner := d.attempt(func() {
			guid := call(d.t, "new System.Guid(string)", v)
			d.feed.set(bytesSymbol, call(d.t, "System.Guid.ToByteArray()", guid))
		}); inner == nil {
			return
		}
		fallthrough
	case s == stringSymbol:
		d.feed.set(bytesSymbol, call(d.t, "System.Convert.FromBase64String(string)", v))
	case s == startArray:
		var b []byte
		d.feed.expect(asAny)
		for d.read() {
			s, v := d.feed.now()
			switch s {
			case integerSymbol:
				d.t.Allocate(1)
				b = append(b, byte(convert(d.t, v, clr.Byte).N))
			case comment:
			case endArray:
				d.feed.set(bytesSymbol, d.t.BytesValue(b))
				return
			default:
				d.failReading("Unexpected token when reading bytes: " + s.String() + ".")
			}
		}
		d.failReading("Unexpected end when reading bytes.")
	}
}
