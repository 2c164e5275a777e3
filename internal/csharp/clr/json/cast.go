package json

import (
	"encoding/base64"
	"math/big"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/clock"
)

// kinds is a set of JTokenTypes.
type kinds uint32

func (k kinds) has(kind Kind) bool { return k>>kind&1 != 0 }

const (
	textKinds   kinds = 1<<KindString | 1<<KindComment | 1<<KindRaw
	numberKinds       = textKinds | 1<<KindInteger | 1<<KindFloat | 1<<KindBoolean
	charKinds         = textKinds | 1<<KindInteger | 1<<KindFloat
	stringKinds       = numberKinds | 1<<KindDate | 1<<KindBytes | 1<<KindGuid | 1<<KindTimeSpan | 1<<KindURI
	dateKinds         = textKinds | 1<<KindDate
	guidKinds         = textKinds | 1<<KindGuid | 1<<KindBytes
	spanKinds         = textKinds | 1<<KindTimeSpan
	uriKinds          = textKinds | 1<<KindURI
	bytesKinds        = textKinds | 1<<KindBytes | 1<<KindInteger
	noValue     kinds = 1<<KindNull | 1<<KindUndefined
)

// target is a type that tokens are cast to.
type target struct {
	kinds kinds
	// name is the type's in messages.
	name string
	from func(t *clr.Thread, v clr.Value) clr.Value
}

func simpleTarget(typ *clr.Type, from kinds) target {
	return target{from, typ.Name, func(t *clr.Thread, v clr.Value) clr.Value {
		if b, ok := v.O.(*bigInteger); ok {
			if typ == clr.Boolean {
				return convert(t, fromBig(t, b.n, clr.Int32), typ)
			}
			return fromBig(t, b.n, typ)
		}
		return convert(t, v, typ)
	}}
}

// targets are the types that JToken has explicit conversions to, by the name
// that C# has for them.
var targets = map[string]target{
	"bool":           simpleTarget(clr.Boolean, numberKinds),
	"byte":           simpleTarget(clr.Byte, numberKinds),
	"char":           simpleTarget(clr.Char, charKinds),
	"decimal":        simpleTarget(clr.Decimal, numberKinds),
	"double":         simpleTarget(clr.Double, numberKinds),
	"float":          simpleTarget(clr.Single, numberKinds),
	"int":            simpleTarget(clr.Int32, numberKinds),
	"long":           simpleTarget(clr.Int64, numberKinds),
	"sbyte":          simpleTarget(clr.SByte, numberKinds),
	"short":          simpleTarget(clr.Int16, numberKinds),
	"uint":           simpleTarget(clr.UInt32, numberKinds),
	"ulong":          simpleTarget(clr.UInt64, numberKinds),
	"ushort":         simpleTarget(clr.UInt16, numberKinds),
	"string":         {stringKinds, "String", toText},
	"byte[]":         {bytesKinds, "byte array", toBytes},
	"DateTime":       {dateKinds, "DateTime", toDate},
	"DateTimeOffset": {dateKinds, "DateTimeOffset", toOffset},
	"Guid":           {guidKinds, "Guid", toGUID},
	"TimeSpan":       {spanKinds, "TimeSpan", toSpan},
	"Uri":            {uriKinds, "Uri", toURI},
}

// cast is (T)token; nullable: (T?)token, or T is a class whose null is
// converted too.
func cast(t *clr.Thread, v clr.Value, to target, nullable bool) clr.Value {
	if v.O == nil {
		if nullable {
			return clr.Null
		}
		t.ThrowArgumentNull("value")
	}
	k := v.O.(Token)
	if p, ok := k.(*Property); ok {
		k = p.value
	}
	held, ok := k.(*Value)
	if !ok || !to.kinds.has(held.kind) && !(nullable && noValue.has(held.kind)) {
		t.ThrowArgument("Can not convert "+k.Kind().String()+" to "+to.name+".", "")
	}
	if nullable && held.V.O == nil {
		return clr.Null
	}
	return to.from(t, held.V)
}

func toText(t *clr.Thread, v clr.Value) clr.Value {
	if v.O == nil || v.O == clr.Object(clr.String) {
		return v
	}
	if raw, ok := bytesOf(v); ok {
		t.Allocate(len(raw) * 4 / 3)
		return clr.Str(base64.StdEncoding.EncodeToString(raw))
	}
	return t.New(t.Text(v))
}

func toBytes(t *clr.Thread, v clr.Value) clr.Value {
	switch o := v.O.(type) {
	case *bigInteger:
		return t.BytesValue(bigBytes(o.n))
	case *clr.ArrayObject:
		return v
	}
	if v.Is(clr.String) {
		return call(t, "System.Convert.FromBase64String(string)", v)
	}
	kind, _ := kindOf(v)
	t.ThrowArgument("Can not convert "+kind.String()+" to byte array.", "")
	return clr.Null
}

// bigBytes is BigInteger.ToByteArray: two's complement, the lowest byte first.
func bigBytes(n *big.Int) []byte {
	b := n.Bytes()
	if n.Sign() < 0 {
		size := len(b) + 1
		b = new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), uint(size*8)), n).Bytes()
		for len(b) > 1 && b[0] == 0xFF && b[1]&0x80 != 0 {
			b = b[1:]
		}
	} else if len(b) == 0 || b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return b
}

func toDate(t *clr.Thread, v clr.Value) clr.Value {
	if v.Is(clr.DateTimeOffset) {
		return clock.DateTimeOf(clock.ClockTicks(v), clock.Unspecified)
	}
	return convert(t, v, clr.DateTime)
}

func toOffset(t *clr.Thread, v clr.Value) clr.Value {
	switch v.Type() {
	case clr.DateTimeOffset:
		return v
	case clr.String:
		return call(t, "System.DateTimeOffset.Parse(string)", v)
	}
	return offsetOf(t, convert(t, v, clr.DateTime))
}

func toGUID(t *clr.Thread, v clr.Value) clr.Value {
	if _, ok := bytesOf(v); ok {
		return call(t, "new System.Guid(byte[])", v)
	}
	if v.Is(clr.Guid) {
		return v
	}
	return call(t, "new System.Guid(string)", v)
}

func toSpan(t *clr.Thread, v clr.Value) clr.Value {
	if v.Is(clr.TimeSpan) {
		return v
	}
	return call(t, "System.TimeSpan.Parse(string)", v)
}

// toURI is replaced where the type is known: see [casts].
func toURI(_ *clr.Thread, v clr.Value) clr.Value { return v }

// makeURI is a value of the type System.Uri.
func makeURI(t *clr.Thread, typ *clr.Type, v clr.Value) clr.Value {
	if isURI(v) {
		return v
	}
	uri, ok := construct(t, typ, clr.Str(t.Text(v)))
	if !ok {
		panic("json: System.Uri has no constructor")
	}
	return uri
}

// uriText is what was given to make the Uri.
func uriText(t *clr.Thread, v clr.Value) string { return member(t, v, "OriginalString").S }

// valueAs is what Value<T>() makes of a token: itself where it is a T, or its
// value, changed to T.
func valueAs(t *clr.Thread, k Token, to *clr.Type) clr.Value {
	if k == nil {
		return clr.Zero(to)
	}
	if k.Type().AssignableTo(to) && !isType(to, "System", "IComparable") && !isType(to, "System", "IFormattable") {
		return clr.Obj(k)
	}
	held, ok := k.(*Value)
	if !ok {
		t.Throw(clr.InvalidCastException, "Cannot cast "+k.Type().FullName()+" to "+TokenType.FullName()+".")
	}
	v := held.V
	if v.O != nil && v.O.Type().AssignableTo(to) {
		return v
	}
	if to.IsNullable() {
		if v.O == nil {
			return clr.Null
		}
		if to = to.Elem(); v.Is(to) {
			return v
		}
	}
	return changeType(t, v, to)
}

// changeable are the types that IConvertible converts to, and from.
func changeable(typ *clr.Type) bool {
	switch typ {
	case clr.Boolean, clr.Char, clr.SByte, clr.Byte, clr.Int16, clr.UInt16, clr.Int32, clr.UInt32, clr.Int64, clr.UInt64, clr.Single,
		clr.Double, clr.Decimal, clr.DateTime, clr.String:
		return true
	}
	return false
}

// changeType is Convert.ChangeType in the invariant culture.
func changeType(t *clr.Thread, v clr.Value, to *clr.Type) clr.Value {
	typ := v.Type()
	switch {
	case typ == nil:
		if to.IsValue() {
			t.Throw(clr.InvalidCastException, "Null object cannot be converted to a value type.")
		}
		return v
	case !changeable(typ) && typ.Kind != clr.Enum:
		t.Throw(clr.InvalidCastException, "Object must implement IConvertible.")
	case !changeable(to):
		t.Throw(clr.InvalidCastException, "Invalid cast from '"+typ.FullName()+"' to '"+to.FullName()+"'.")
	case to == clr.String:
		return toText(t, v)
	}
	return convert(t, v, to)
}
