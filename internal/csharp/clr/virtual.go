package clr

import (
	"hash/maphash"
	"reflect"
	"strings"
)

// Text is v.ToString(), and "" for null, as where C# joins strings.
func (t *Thread) Text(v Value) string {
	if v.O == nil {
		return ""
	}
	typ := v.O.Type()
	if typ == String {
		return v.S
	}
	if typ.Kind == Enum {
		return EnumText(typ, v.Int())
	}
	if h := typ.Hooks(); h != nil && h.Text != nil {
		return h.Text(t, v)
	}
	switch o := v.O.(type) {
	case *Record:
		return t.recordText(o)
	case *TypeObject:
		return o.Of().FullName()
	}
	return typ.FullName()
}

// Format is v formatted as {0:format} does: types without formats ignore it.
func (t *Thread) Format(v Value, format string) string {
	if v.O == nil {
		return ""
	}
	typ := v.O.Type()
	if h := typ.Hooks(); h != nil && h.Format != nil {
		return h.Format(t, v, format)
	}
	if typ.Kind == Enum && format != "" {
		return t.enumFormat(typ, v.Int(), format)
	}
	return t.Text(v)
}

// Equal is object.Equals(a, b).
func (t *Thread) Equal(a, b Value) bool {
	if a.O == nil || b.O == nil {
		return a.O == nil && b.O == nil
	}
	ta, tb := a.O.Type(), b.O.Type()
	if ta == String || tb == String {
		if ta != tb || len(a.S) != len(b.S) {
			return false
		}
		t.Through(a.S)
		return a.S == b.S
	}
	if h := ta.Hooks(); h != nil && h.Equal != nil {
		return h.Equal(t, a, b)
	}
	if ra, ok := a.O.(*Record); ok {
		rb, ok := b.O.(*Record)
		if !ok || len(ra.Elems) != len(rb.Elems) || ta.Kind != tb.Kind || ta.Kind == AnonymousKind && ta != tb {
			return false
		}
		return t.recordEqual(ra, rb)
	}
	if _, direct := a.O.(*Type); direct {
		return ta == tb && a.N == b.N && a.S == b.S
	}
	return a.O == b.O
}

// Same is object.ReferenceEquals(a, b), where both are references.
func Same(a, b Value) bool {
	if a.O == nil || b.O == nil {
		return a.O == b.O
	}
	if a.O == Object(String) || b.O == Object(String) {
		// Strings with the same text are told apart by nobody who compares them
		// as strings; as objects the compiler warns.
		return a.O == b.O && a.S == b.S
	}
	if _, direct := a.O.(*Type); direct {
		return false // two boxes
	}
	return a.O == b.O
}

// recordEqual compares records, which may hold records, of as many elements.
func (t *Thread) recordEqual(a, b *Record) bool {
	t.Step()
	t.Enter()
	defer t.Leave()
	for i := range a.Elems {
		if !t.Equal(a.Elems[i], b.Elems[i]) {
			return false
		}
	}
	return true
}

var hashSeed = maphash.MakeSeed()

// Hash agrees with Equal. It is not .NET's number, which differs from process
// to process there too.
func (t *Thread) Hash(v Value) uint64 {
	if v.O == nil {
		return 0
	}
	typ := v.O.Type()
	if typ == String {
		t.Through(v.S)
		return maphash.String(hashSeed, v.S)
	}
	if h := typ.Hooks(); h != nil && h.Hash != nil {
		return h.Hash(t, v)
	}
	if r, ok := v.O.(*Record); ok {
		t.Step()
		t.Enter()
		defer t.Leave()
		n := uint64(len(r.Elems))
		for _, e := range r.Elems {
			n = n*0x9E3779B97F4A7C15 + t.Hash(e)
		}
		return n
	}
	if _, direct := v.O.(*Type); direct {
		return (v.N^v.N>>29)*0x9E3779B97F4A7C15 + maphash.String(hashSeed, v.S)
	}
	return uint64(reflect.ValueOf(v.O).Pointer()) >> 3
}

// Compare is Comparer<T>.Default.Compare(a, b); it throws where the types have
// no order.
func (t *Thread) Compare(a, b Value) int {
	switch {
	case a.O == nil && b.O == nil:
		return 0
	case a.O == nil:
		return -1
	case b.O == nil:
		return 1
	}
	typ := a.O.Type()
	if typ.Kind == Enum && b.O.Type() == typ {
		return cmpInt(a.Int(), b.Int())
	}
	h := typ.Hooks()
	if h == nil || h.Compare == nil {
		t.Throw(ArgumentException, "At least one object must implement IComparable.")
	}
	if b.O.Type() != typ {
		t.ThrowArgument("Object must be of type "+typ.Name+".", "")
	}
	return h.Compare(t, a, b)
}

func cmpInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (t *Thread) recordText(r *Record) string {
	t.Step()
	t.Enter()
	defer t.Leave()
	tuple := r.T.Kind == TupleKind
	if len(r.Elems) == 0 && !tuple {
		return "{ }"
	}
	start, end := "{ ", " }"
	if tuple {
		start, end = "(", ")"
	}
	texts := make([]string, 0, 2+4*len(r.Elems))
	texts = append(texts, start)
	for i, e := range r.Elems {
		if i > 0 {
			texts = append(texts, ", ")
		}
		if !tuple {
			texts = append(texts, r.T.Fields[i], " = ")
		}
		texts = append(texts, t.Text(e))
	}
	texts = append(texts, end)
	size := 0
	for _, s := range texts {
		size += len(s)
	}
	t.Allocate(size)
	return strings.Join(texts, "")
}
