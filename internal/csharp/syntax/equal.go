package syntax

import "reflect"

var (
	spanType = reflect.TypeFor[Span]()
	posType  = reflect.TypeFor[Pos]()
)

// Equal reports whether two trees are the same but for places. Of a place that
// says whether something is there ([LocalFunc].Where), only that counts.
func Equal(a, b Node) bool { return equal(reflect.ValueOf(a), reflect.ValueOf(b)) }

// equal compares by reflection: there are some ninety kinds of nodes, and none
// should be forgotten here when it gets a new field.
func equal(a, b reflect.Value) bool {
	if a.IsValid() != b.IsValid() {
		return false
	}
	if !a.IsValid() {
		return true
	}
	if a.Type() != b.Type() {
		return false
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return equal(a.Elem(), b.Elem())
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !equal(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Struct:
		return equalFields(a, b)
	}
	return a.Interface() == b.Interface()
}

func equalFields(a, b reflect.Value) bool {
	t := a.Type()
	for i := range t.NumField() {
		switch f := t.Field(i); {
		case f.Type == spanType, f.Name == "OpPos":
		case f.Type == posType:
			if (a.Field(i).Int() == 0) != (b.Field(i).Int() == 0) {
				return false
			}
		default:
			if !equal(a.Field(i), b.Field(i)) {
				return false
			}
		}
	}
	return true
}
