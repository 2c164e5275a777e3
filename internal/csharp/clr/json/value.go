package json

import (
	"math"
	"math/big"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/clock"
)

// isType reports a type of another family by its name.
func isType(t *clr.Type, namespace, name string) bool {
	return t != nil && t.Name == name && t.Namespace == namespace
}

func isURI(v clr.Value) bool { return isType(v.Type(), "System", "Uri") }

// bytesOf are those of a byte[].
func bytesOf(v clr.Value) ([]byte, bool) {
	if a, ok := v.O.(*clr.ArrayObject); ok && a.Bytes != nil {
		return a.Bytes, true
	}
	return nil, false
}

// isInteger reports the integer types, without char and enums.
func isInteger(t *clr.Type) bool {
	switch t {
	case clr.Int32, clr.Int64, clr.Int16, clr.SByte, clr.Byte, clr.UInt16, clr.UInt32, clr.UInt64:
		return true
	}
	return false
}

// newValue is new JValue(object).
func newValue(t *clr.Thread, v clr.Value) *Value {
	kind, ok := kindOf(v)
	if !ok {
		t.ThrowArgument("Could not determine JSON object type for type "+v.Type().FullName()+".", "")
	}
	return value(t, kind, v)
}

// kindOf is the JTokenType of a value; false: a JValue cannot hold it.
func kindOf(v clr.Value) (Kind, bool) {
	typ := v.Type()
	switch {
	case typ == nil:
		return KindNull, true
	case typ == clr.String:
		return KindString, true
	case isInteger(typ), typ.Kind == clr.Enum, typ == BigIntegerType:
		return KindInteger, true
	}
	switch typ {
	case clr.Double, clr.Single, clr.Decimal:
		return KindFloat, true
	case clr.DateTime, clr.DateTimeOffset:
		return KindDate, true
	case clr.Boolean:
		return KindBoolean, true
	case clr.Guid:
		return KindGuid, true
	case clr.TimeSpan:
		return KindTimeSpan, true
	}
	if _, ok := bytesOf(v); ok {
		return KindBytes, true
	}
	if isURI(v) {
		return KindURI, true
	}
	return 0, false
}

// setValue is JValue.Value = v: the kind changes only with the type.
func setValue(t *clr.Thread, k *Value, v clr.Value) {
	if k.V.Type() != v.Type() {
		kind, ok := kindOf(v)
		if !ok {
			t.ThrowArgument("Could not determine JSON object type for type "+v.Type().FullName()+".", "")
		}
		if kind == KindString && (k.kind == KindComment || k.kind == KindRaw) {
			kind = k.kind
		}
		k.kind = kind
	}
	k.V = v
}

// sameValues is JValue.Equals.
func sameValues(t *clr.Thread, a, b *Value) bool {
	return a == b || a.kind == b.kind && compareAs(t, a.kind, a.V, b.V) == 0
}

// compareValues is JValue.CompareTo(JValue).
func compareValues(t *clr.Thread, a, b *Value) int {
	kind := a.kind
	if kind == KindString && kind != b.kind {
		kind = b.kind
	}
	return compareAs(t, kind, a.V, b.V)
}

// compareAs compares two values as the first's JTokenType wants it.
func compareAs(t *clr.Thread, kind Kind, a, b clr.Value) int {
	switch {
	case a.O == nil && b.O == nil:
		return 0
	case b.O == nil:
		return 1
	case a.O == nil:
		return -1
	}
	switch kind {
	case KindInteger, KindFloat:
		return compareNumbers(t, kind, a, b)
	case KindComment, KindString, KindRaw:
		x, y := t.Text(a), t.Text(b)
		t.Work(min(len(x), len(y)) / 16)
		return compareOrdinal(x, y)
	case KindBoolean:
		return int(convert(t, a, clr.Boolean).N) - int(convert(t, b, clr.Boolean).N)
	case KindDate:
		return compareDates(t, a, b)
	case KindBytes:
		x, _ := bytesOf(a)
		y, ok := bytesOf(b)
		if !ok {
			t.ThrowArgument("Object must be of type byte[].", "")
		}
		return compareBytes(x, y)
	case KindGuid:
		return compareSame(t, clr.Guid, "Guid", a, b)
	case KindTimeSpan:
		return compareSame(t, clr.TimeSpan, "TimeSpan", a, b)
	case KindURI:
		if !isURI(b) {
			t.ThrowArgument("Object must be of type Uri.", "")
		}
		return t.Compare(clr.Str(t.Text(a)), clr.Str(t.Text(b)))
	}
	t.ThrowRange("valueType", "Unexpected value type: "+kind.String()+"\nActual value was "+kind.String()+".")
	return 0
}

func compareSame(t *clr.Thread, typ *clr.Type, name string, a, b clr.Value) int {
	if b.Type() != typ {
		t.ThrowArgument("Object must be of type "+name+".", "")
	}
	return t.Compare(a, b)
}

// compareOrdinal compares UTF-16 code units, of which only those beyond the
// basic plane are ordered otherwise than bytes.
func compareOrdinal(x, y string) int {
	for i := 0; i < len(x) && i < len(y); i++ {
		if x[i] != y[i] {
			if p, q := x[i], y[i]; p >= 0xEE && q >= 0xEE && (p >= 0xF0) != (q >= 0xF0) {
				return int(q) - int(p)
			}
			return int(x[i]) - int(y[i])
		}
	}
	return len(x) - len(y)
}

// compareBytes compares lengths first, as Newtonsoft does.
func compareBytes(x, y []byte) int {
	if len(x) != len(y) {
		return len(x) - len(y)
	}
	for i := range x {
		if x[i] != y[i] {
			return int(x[i]) - int(y[i])
		}
	}
	return 0
}

func compareDates(t *clr.Thread, a, b clr.Value) int {
	if a.Type() == clr.DateTimeOffset {
		if b.Type() != clr.DateTimeOffset {
			b = offsetOf(t, convert(t, b, clr.DateTime))
		}
		return t.Compare(a, b)
	}
	if b.Type() == clr.DateTimeOffset {
		b = clock.DateTimeOf(clock.ClockTicks(b), clock.Unspecified)
	}
	return t.Compare(convert(t, a, clr.DateTime), convert(t, b, clr.DateTime))
}

// compareNumbers compares by the widest of the two types.
func compareNumbers(t *clr.Thread, kind Kind, a, b clr.Value) int {
	ta, tb := a.Type(), b.Type()
	if ta == tb && ta == clr.Int64 {
		switch x, y := a.Int(), b.Int(); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	if x, ok := a.O.(*bigInteger); ok {
		return compareBig(t, x.n, b)
	}
	if y, ok := b.O.(*bigInteger); ok {
		return -compareBig(t, y.n, a)
	}
	switch {
	case ta == clr.UInt64 || tb == clr.UInt64 || ta == clr.Decimal || tb == clr.Decimal:
		return t.Compare(convert(t, a, clr.Decimal), convert(t, b, clr.Decimal))
	case kind == KindFloat || clr.IsFloat(ta) || clr.IsFloat(tb):
		return compareFloats(convert(t, a, clr.Double).Float(), convert(t, b, clr.Double).Float())
	}
	return t.Compare(convert(t, a, clr.Int64), convert(t, b, clr.Int64))
}

// compareBig compares a BigInteger; what a fraction adds counts.
func compareBig(t *clr.Thread, n *big.Int, v clr.Value) int {
	c := n.Cmp(toBig(t, v))
	if c == 0 && (clr.IsFloat(v.Type())) {
		if f := math.Abs(v.Float() - math.Trunc(v.Float())); f > 0 {
			return -1
		}
	}
	return c
}

// compareFloats takes numbers for equal that differ by rounding.
func compareFloats(a, b float64) int {
	if a == b {
		return 0
	}
	const epsilon = 1.0 / (1 << 52)
	tolerance := (math.Abs(a) + math.Abs(b) + 10) * epsilon
	switch difference := a - b; {
	case -tolerance < difference && difference < tolerance:
		return 0
	case a < b, a != a && b == b:
		return -1
	case a != a: // both are NaN
		return 0
	}
	return 1
}

// deepEquals is JToken.DeepEquals; members of objects may stand in any order.
func deepEquals(t *clr.Thread, a, b Token) bool {
	if a == nil || b == nil || a == b {
		return a == b
	}
	t.Step()
	switch a := a.(type) {
	case *Value:
		b, ok := b.(*Value)
		return ok && sameValues(t, a, b)
	case *Property:
		b, ok := b.(*Property)
		return ok && a.Name == b.Name && deepEquals(t, a.value, b.value)
	case *Object:
		b, ok := b.(*Object)
		return ok && equalObjects(t, a, b)
	case *Array:
		b, ok := b.(*Array)
		return ok && equalLists(t, a.kids, b.kids)
	case *Constructor:
		b, ok := b.(*Constructor)
		return ok && a.Name == b.Name && equalLists(t, a.kids, b.kids)
	}
	return false
}

func equalObjects(t *clr.Thread, a, b *Object) bool {
	if len(a.props) != len(b.props) {
		return false
	}
	t.Enter()
	defer t.Leave()
	for _, p := range a.props {
		q := b.Property(p.Name)
		if q == nil || !deepEquals(t, p.value, q.value) {
			return false
		}
	}
	return true
}

func equalLists(t *clr.Thread, a, b []Token) bool {
	if len(a) != len(b) {
		return false
	}
	t.Enter()
	defer t.Leave()
	for i := range a {
		if !deepEquals(t, a[i], b[i]) {
			return false
		}
	}
	return true
}
