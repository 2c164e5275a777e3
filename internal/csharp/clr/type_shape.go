package clr

import (
	"strings"
	"sync"
)

// shapes are the tuples and anonymous types that expressions have used.
var shapes struct {
	sync.Mutex
	made map[string]*Type
}

// TupleOf is the tuple of these elements; names may be nil, or hold empty
// ones.
func TupleOf(elems []*Type, names []string) *Type {
	return shape(TupleKind, "ValueTuple", names, elems)
}

// AnonymousOf is the anonymous type with these members.
func AnonymousOf(names []string, types []*Type) *Type {
	return shape(AnonymousKind, "<>f__AnonymousType", names, types)
}

func shape(kind Kind, name string, names []string, types []*Type) *Type {
	var key strings.Builder
	key.WriteByte('0' + byte(kind))
	for i, t := range types {
		if i < len(names) {
			key.WriteString(names[i])
		}
		key.WriteByte(0)
		writeID(&key, t)
	}
	shapes.Lock()
	defer shapes.Unlock()
	if t := shapes.made[key.String()]; t != nil {
		return t
	}
	t := newType("System", name, kind)
	t.Args, t.Fields, t.Sealed, t.Hidden = append([]*Type(nil), types...), append([]string(nil), names...), true, kind == AnonymousKind
	t.countParts()
	t.base = ObjectType
	if kind == TupleKind {
		t.base = ValueType
	}
	if shapes.made == nil {
		shapes.made = map[string]*Type{}
	}
	// Documents are loaded again and again; shapes are few, and kept.
	shapes.made[key.String()] = t
	return t
}

func writeID(b *strings.Builder, t *Type) {
	for n := t.id; ; n >>= 6 {
		b.WriteByte(byte(' ' + n&63))
		if n < 64 {
			break
		}
	}
	b.WriteByte(0)
}
