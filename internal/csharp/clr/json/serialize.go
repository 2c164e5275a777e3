package json

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/collection"
	"github.com/cloister-ai/cloister/internal/csharp/clr/number"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// sink takes what a value is serialized to: a text, or a tree.
type sink interface {
	begin(in container)
	end(in container)
	name(s string)
	// simple takes null, and values that JSON has a form for.
	simple(v clr.Value)
	token(k Token)
}

// serializer goes through a value as JsonSerializer does.
type serializer struct {
	t   *clr.Thread
	out sink
	// open are the objects that are being written, and at where in them.
	open []clr.Object
	at   []place
}

// fromObject is JToken.FromObject.
func fromObject(t *clr.Thread, v clr.Value) Token {
	tree := &treeSink{t: t}
	s := serializer{t: t, out: tree}
	s.value(v)
	return tree.top
}

// serialized is JsonConvert.SerializeObject.
func serialized(t *clr.Thread, v clr.Value, indented bool) clr.Value {
	text := &textSink{w: writer{t: t, indented: indented, b: make([]byte, 0, 256)}}
	s := serializer{t: t, out: text}
	s.value(v)
	text.w.charge()
	return clr.Str(string(text.w.b))
}

// value writes a value by its own type.
func (s *serializer) value(v clr.Value) {
	s.t.Step()
	switch o := v.O.(type) {
	case nil:
		s.out.simple(v)
	case Token:
		s.out.token(o)
	case *clr.Type, *bigInteger, *number.Decimal:
		s.simple(v)
	case *clr.TypeObject:
		s.out.simple(s.t.New(o.Of().FullName()))
	case *clr.ArrayObject:
		s.array(o)
	case *collection.Pair:
		s.members(o, []string{"Key", "Value"}, []clr.Value{o.Key, o.Value})
	case *clr.Record:
		s.record(o)
	case *clr.Thrown:
		s.exception(o)
	case collection.Map:
		s.dictionary(o)
	case clr.Sequence:
		s.list(o)
	default:
		if isXML(v) {
			s.xml(v)
			return
		}
		if isURI(v) {
			s.out.simple(v)
			return
		}
		s.object(v)
	}
}

// simple writes a value that lies in the Value itself.
func (s *serializer) simple(v clr.Value) {
	typ := v.Type()
	switch {
	case typ == clr.Char:
		s.out.simple(s.t.New(s.t.Text(v)))
	case typ.Kind == clr.Enum:
		under := typ.Underlying
		if under == nil {
			under = clr.Int32
		}
		s.out.simple(clr.Value{N: v.N, O: under})
	default:
		if _, ok := kindOf(v); !ok {
			s.object(v)
			return
		}
		s.out.simple(v)
	}
}

// enter begins an object or array; it is written by the caller.
func (s *serializer) enter(o clr.Object, in container) {
	s.t.Enter()
	s.t.Allocate(96)
	s.open = append(s.open, o)
	s.at = append(s.at, place{in: in, index: -1})
	s.out.begin(in)
}

func (s *serializer) leave(in container) {
	s.out.end(in)
	s.open = s.open[:len(s.open)-1]
	s.at = s.at[:len(s.at)-1]
	s.t.Leave()
}

// member writes a member's name and value; property: the name is that of a
// property of a type, which the message of a loop mentions.
func (s *serializer) member(name string, v clr.Value, property bool) {
	if property {
		s.loop(v, " for property '"+name+"'")
	} else {
		s.loop(v, "")
	}
	s.at[len(s.at)-1].name = name
	s.out.name(name)
	s.value(v)
}

// item writes an item of an array.
func (s *serializer) item(v clr.Value) {
	s.loop(v, "")
	s.at[len(s.at)-1].index++
	s.value(v)
}

// loop throws where v is being written already.
func (s *serializer) loop(v clr.Value, member string) {
	switch v.O.(type) {
	case nil, *clr.Type, Token, *bigInteger, *number.Decimal:
		return
	}
	for _, o := range s.open {
		if o == v.O {
			message := "Self referencing loop detected" + member + " with type '" + v.Type().FullName() + "'."
			s.t.Throw(clr.JsonSerializationException, placed(message, pathText(s.at[:max(0, len(s.at)-1)]), -1, 0))
		}
	}
}

// members writes an object with these members.
func (s *serializer) members(o clr.Object, names []string, values []clr.Value) {
	s.enter(o, objectContainer)
	for i, name := range names {
		s.member(name, values[i], true)
	}
	s.leave(objectContainer)
}

// tupleNames are how .NET calls the elements of a tuple: the names that C# has
// for them are lost.
var tupleNames = []string{"Item1", "Item2", "Item3", "Item4", "Item5", "Item6", "Item7"}

func (s *serializer) record(r *clr.Record) {
	if r.T.Kind == clr.AnonymousKind {
		s.members(r, r.T.Fields, r.Elems)
		return
	}
	if len(r.Elems) <= len(tupleNames) {
		s.members(r, tupleNames[:len(r.Elems)], r.Elems)
		return
	}
	// What is beyond seven lies in a tuple of its own.
	n := len(tupleNames)
	s.t.Allocate(len(r.Elems) * 40)
	rest := clr.Obj(&clr.Record{T: clr.TupleOf(r.T.Args[n:], nil), Elems: r.Elems[n:]})
	s.members(r, append(append([]string{}, tupleNames...), "Rest"), append(append([]clr.Value{}, r.Elems[:n]...), rest))
}

func (s *serializer) dictionary(m collection.Map) {
	s.enter(m, objectContainer)
	for v := range m.All(s.t) {
		p := v.O.(*collection.Pair)
		s.member(s.keyText(p.Key), p.Value, false)
	}
	s.leave(objectContainer)
}

// keyText is a key as a name.
func (s *serializer) keyText(v clr.Value) string {
	switch v.Type() {
	case clr.DateTime, clr.DateTimeOffset:
		w := writer{t: s.t}
		w.simple(v)
		w.charge()
		return string(w.b[1 : len(w.b)-1])
	}
	return s.t.Text(v)
}

func (s *serializer) list(o clr.Sequence) {
	s.enter(o, arrayContainer)
	for v := range o.All(s.t) {
		s.item(v)
	}
	s.leave(arrayContainer)
}

func (s *serializer) array(a *clr.ArrayObject) {
	switch {
	case a.Bytes != nil:
		s.out.simple(clr.Obj(a))
	case len(a.Dims) > 1:
		s.enter(a, arrayContainer)
		s.dimension(a, a.Dims, 0)
		s.leave(arrayContainer)
	default:
		s.list(a)
	}
}

// dimension writes the items of one dimension, which has begun, from place i.
func (s *serializer) dimension(a *clr.ArrayObject, dims []int, i int) {
	if len(dims) == 1 {
		for j := range dims[0] {
			s.item(a.At(i + j))
		}
		return
	}
	size := 1
	for _, n := range dims[1:] {
		size *= n
	}
	for j := range dims[0] {
		s.t.Step()
		s.out.begin(arrayContainer)
		s.dimension(a, dims[1:], i+j*size)
		s.out.end(arrayContainer)
	}
}

// object writes the public properties of any other object.
func (s *serializer) object(v clr.Value) {
	s.enter(v.O, objectContainer)
	for typ := v.Type(); typ != nil && typ != clr.ObjectType; typ = typ.Base() {
		for _, m := range typ.AllMembers() {
			if m.Kind == syntax.PropertyMember && !m.Static && m.Get && len(m.Params) == 0 && m.Code != nil && m.Do != nil {
				s.member(m.Name, m.Do(&clr.Call{Thread: s.t, Args: []clr.Value{v}, In: typ, Result: m.Result}), true)
			}
		}
	}
	s.leave(objectContainer)
}

// hresults are the numbers of exceptions; all others have that of
// System.Exception.
var hresults = map[*clr.Type]int32{
	clr.SystemException: -2146233087, clr.ArgumentException: -2147024809, clr.ArgumentNullException: -2147467261,
	clr.ArgumentOutOfRangeException: -2146233086, clr.ArithmeticException: -2147024362, clr.DivideByZeroException: -2147352558,
	clr.OverflowException: -2146233066, clr.FormatException: -2146233033, clr.UriFormatException: -2146233033,
	clr.IndexOutOfRangeException: -2146233080, clr.InvalidCastException: -2147467262, clr.InvalidOperationException: -2146233079,
	clr.ObjectDisposedException: -2146232798, clr.NotImplementedException: -2147467263, clr.NotSupportedException: -2146233067,
	clr.NullReferenceException: -2147467261, clr.RankException: -2146233065, clr.ArrayTypeMismatchException: -2146233085,
	clr.TimeoutException: -2146233083, clr.OutOfMemoryException: -2147024882, clr.KeyNotFoundException: -2146232969,
}

// exception writes what an exception tells of itself for serialization. Where
// it was thrown is not told.
func (s *serializer) exception(e *clr.Thrown) {
	code := e.HResult
	if code == 0 {
		code = -2146233088
		if n, ok := hresults[e.T]; ok {
			code = n
		}
	}
	text := func(text string) clr.Value {
		if text == "" {
			return clr.Null
		}
		return clr.Str(text)
	}
	message, inner, data := clr.Str(rawMessage(e)), clr.Null, clr.Null
	if e.Bare {
		message = clr.Null
	}
	if e.Inner != nil {
		inner = clr.Obj(e.Inner)
	}
	if e.Data != nil {
		data = clr.Obj(e.Data)
	}
	s.enter(e, objectContainer)
	s.member("ClassName", clr.Str(e.T.FullName()), false)
	s.member("Message", message, false)
	s.member("Data", data, false)
	s.member("InnerException", inner, false)
	s.member("HelpURL", text(e.HelpLink), false)
	s.member("StackTraceString", clr.Null, false)
	s.member("RemoteStackTraceString", clr.Null, false)
	s.member("RemoteStackIndex", clr.Int(0), false)
	s.member("ExceptionMethod", clr.Null, false)
	s.member("HResult", clr.Int(code), false)
	s.member("Source", text(e.Source), false)
	if e.T.AssignableTo(clr.ArgumentException) {
		s.member("ParamName", text(e.Param), false)
	}
	s.leave(objectContainer)
}

// rawMessage is the message without the parameter's name.
func rawMessage(e *clr.Thrown) string {
	if tail := "\nParameter name: " + e.Param; e.Param != "" && len(e.Message) > len(tail) && e.Message[len(e.Message)-len(tail):] == tail {
		return e.Message[:len(e.Message)-len(tail)]
	}
	return e.Message
}
