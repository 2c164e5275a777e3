package clr

import "iter"

// ArrayObject is an array. Bytes has the elements of a byte[], Elems those of
// others, in the order of memory where there are several dimensions.
type ArrayObject struct {
	T     *Type
	Elems []Value
	Bytes []byte
	// Dims are the lengths of the dimensions where there are several.
	Dims []int
}

// Type is the array's.
func (a *ArrayObject) Type() *Type { return a.T }

// Len is the number of elements.
func (a *ArrayObject) Len() int {
	if a.Bytes != nil {
		return len(a.Bytes)
	}
	return len(a.Elems)
}

// At is element i, which exists.
func (a *ArrayObject) At(i int) Value {
	if a.Bytes != nil {
		return Value{N: uint64(a.Bytes[i]), O: Byte}
	}
	return a.Elems[i]
}

// Put sets element i, which exists.
func (a *ArrayObject) Put(i int, v Value) {
	if a.Bytes != nil {
		a.Bytes[i] = byte(v.N)
		return
	}
	a.Elems[i] = v
}

// valueSize is what a Value in an array takes.
const valueSize = 40

// NewArray makes an array of n elements, all zero.
func (t *Thread) NewArray(elem *Type, n int) *ArrayObject {
	if elem == Byte {
		t.Allocate(n)
		return &ArrayObject{T: elem.ArrayOf(1), Bytes: make([]byte, n)}
	}
	t.Allocate(n * valueSize)
	a := &ArrayObject{T: elem.ArrayOf(1), Elems: make([]Value, n)}
	if zero := Zero(elem); zero != Null {
		for i := range a.Elems {
			a.Elems[i] = zero
		}
	}
	return a
}

// ArrayValue makes an array of these elements, which it keeps.
func (t *Thread) ArrayValue(elem *Type, elems []Value) Value {
	t.Allocate(len(elems) * valueSize)
	if elem == Byte {
		b := make([]byte, len(elems))
		for i, v := range elems {
			b[i] = byte(v.N)
		}
		return Obj(&ArrayObject{T: elem.ArrayOf(1), Bytes: b})
	}
	if elems == nil {
		elems = []Value{}
	}
	return Obj(&ArrayObject{T: elem.ArrayOf(1), Elems: elems})
}

// BytesValue makes a byte[] that keeps b.
func (t *Thread) BytesValue(b []byte) Value {
	t.Allocate(len(b))
	if b == nil {
		b = []byte{}
	}
	return Obj(&ArrayObject{T: Byte.ArrayOf(1), Bytes: b})
}

// Zero is default(t).
func Zero(t *Type) Value {
	switch {
	case t.Kind == Enum:
		return Value{O: t}
	case t.Kind == TupleKind:
		elems := make([]Value, len(t.Args))
		for i, a := range t.Args {
			elems[i] = Zero(a)
		}
		return Obj(&Record{T: t, Elems: elems})
	case t.Kind != Struct || t.IsNullable() || t == Void:
		return Null
	}
	if h := t.Hooks(); h != nil && h.Zero != nil {
		return h.Zero(t)
	}
	return Value{O: t}
}

// Record is a value of an anonymous type, or a tuple (which is copied where it
// is assigned).
type Record struct {
	T     *Type
	Elems []Value
}

// Type is the record's.
func (r *Record) Type() *Type { return r.T }

// Closure is a delegate.
type Closure struct {
	T    *Type
	Call func(t *Thread, args []Value) Value
	// List are the delegates that this one calls, where it was put together.
	List []*Closure
}

// Type is the delegate's.
func (f *Closure) Type() *Type { return f.T }

// Invoke calls the delegate in f; null throws as in C#.
func (t *Thread) Invoke(f Value, args ...Value) Value {
	if f.O == nil {
		t.ThrowNull()
	}
	t.Step()
	t.Enter()
	here := t.argsHere(len(args))
	copy(here, args)
	v := f.O.(*Closure).Call(t, here)
	clear(here)
	t.Leave()
	return v
}

// Sequence is what foreach and LINQ go through.
type Sequence interface {
	Object
	// All goes through the elements from the beginning, each time anew. A
	// collection that is changed meanwhile throws as in .NET.
	All(t *Thread) iter.Seq[Value]
}

// Counted is a sequence that knows its length and has an index.
type Counted interface {
	Sequence
	Len() int
	At(i int) Value
}

// All goes through the elements; multi-dimensional ones in the order of
// memory.
func (a *ArrayObject) All(t *Thread) iter.Seq[Value] {
	return func(yield func(Value) bool) {
		for i := range a.Len() {
			t.Step()
			if !yield(a.At(i)) {
				return
			}
		}
	}
}

// Lazy is a sequence that is made while it is gone through, as LINQ's are.
type Lazy struct {
	T   *Type
	Seq func(t *Thread) iter.Seq[Value]
}

// Type is the sequence's: IEnumerable<T>, or what Make said.
func (l *Lazy) Type() *Type { return l.T }

// All goes through the sequence. Sequences that are made of each other are
// nested calls, and bounded as such: a chain of any length would otherwise
// overflow Go's stack, which nothing survives.
func (l *Lazy) All(t *Thread) iter.Seq[Value] { return t.Nested(l.Seq) }

// Nested is a sequence whose making counts as a call.
func (t *Thread) Nested(make func(t *Thread) iter.Seq[Value]) iter.Seq[Value] {
	return func(yield func(Value) bool) {
		t.Enter()
		make(t)(yield)
		t.Leave()
	}
}

// List is List<T>.
type List struct {
	T     *Type
	Elems []Value
	// Version changes with the list, for those who go through it.
	Version int
	Cap     int
}

// Type is the list's.
func (l *List) Type() *Type { return l.T }

// Len is Count.
func (l *List) Len() int { return len(l.Elems) }

// At is element i, which exists.
func (l *List) At(i int) Value { return l.Elems[i] }

// All goes through the list, and throws when it changes meanwhile.
func (l *List) All(t *Thread) iter.Seq[Value] {
	return func(yield func(Value) bool) {
		version := l.Version
		for i := 0; ; i++ {
			if l.Version != version {
				t.Throw(InvalidOperationException, "Collection was modified; enumeration operation may not execute.")
			}
			if i >= len(l.Elems) {
				return
			}
			t.Step()
			if !yield(l.Elems[i]) {
				return
			}
		}
	}
}

// NewList makes a List<elem> that keeps elems.
func (t *Thread) NewList(elem *Type, elems []Value) *List {
	t.Allocate(len(elems)*valueSize + 64)
	return &List{T: ListOf.Of(elem), Elems: elems}
}

// Seq is the sequence in v, which C# lets enumerate: also a string's
// characters. It throws where v is null.
func (t *Thread) Seq(v Value, param string) iter.Seq[Value] {
	switch o := v.O.(type) {
	case nil:
		if param == "" {
			t.ThrowNull()
		}
		t.ThrowArgumentNull(param)
	case Sequence:
		return o.All(t)
	case *Type:
		if o == String {
			return Chars(t, v.S)
		}
	}
	panic("clr: a " + v.Type().FullName() + " is no sequence")
}

// Viewed is a sequence of several types of elements: as a JObject is one of
// tokens, and one of pairs.
type Viewed interface{ Of(elem *Type) Sequence }

// SeqOf is Seq where the type of the elements is known, as that of
// IEnumerable<T> is by its T.
func (t *Thread) SeqOf(v Value, elem *Type, param string) iter.Seq[Value] {
	if o, ok := v.O.(Viewed); ok {
		return o.Of(elem).All(t)
	}
	return t.Seq(v, param)
}
