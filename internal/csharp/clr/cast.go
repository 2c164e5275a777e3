package clr

// Cast is the cast of an object to a type, (T)v, as generic code does it: of
// references by their type, of values exactly.
func (t *Thread) Cast(v Value, to *Type) Value {
	if v.O == nil {
		if to.IsValue() && !to.IsNullable() {
			t.ThrowNull()
		}
		return v
	}
	from := v.O.Type()
	if to.IsNullable() {
		to = to.Args[0]
	}
	if from == to || from.AssignableTo(to) || to.IsValue() && sameNumbers(from, to) {
		return Value{N: v.N, S: v.S, O: retyped(v.O, from, to)}
	}
	t.ThrowCast(from, to)
	return Null
}

// sameNumbers reports an enum beside the numbers that it is made of.
func sameNumbers(a, b *Type) bool {
	return (a.Kind == Enum || b.Kind == Enum) && numbersOf(a) == numbersOf(b)
}

func numbersOf(t *Type) *Type {
	switch {
	case t.Kind != Enum:
		return t
	case t.Underlying == nil:
		return Int32
	}
	return t.Underlying
}

func retyped(o Object, from, to *Type) Object {
	if from != to && to.IsValue() && (from.Kind == Enum || to.Kind == Enum) {
		return to
	}
	return o
}
