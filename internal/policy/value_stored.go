package policy

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/json"
	"github.com/cloister-ai/cloister/internal/csharp/clr/number"
	"github.com/cloister-ai/cloister/internal/csharp/clr/xml"
)

// Values of .NET as the bytes that a cache keeps: what a request reads is its
// own, whatever others do to theirs. They are null, strings, Boolean, Char, the
// numbers, dates, times and Guid; JToken and what is below it; XElement and
// XDocument; byte[], and arrays and List<T> of the former.

// storedKinds are the types that lie in N and S of a [clr.Value]. Their places
// are in what is kept: new ones go to the end.
func storedKinds() []*clr.Type {
	return []*clr.Type{
		clr.String, clr.Boolean, clr.Char, clr.Byte, clr.SByte, clr.Int16, clr.UInt16, clr.Int32, clr.UInt32, clr.Int64, clr.UInt64,
		clr.Single, clr.Double, clr.DateTime, clr.DateTimeOffset, clr.TimeSpan, clr.Guid,
	}
}

// Marks of values.
const (
	storedNull     = 'n'
	storedPlain    = 's'
	storedDecimal  = 'd'
	storedBytes    = 'b'
	storedArray    = 'a'
	storedList     = 'l'
	storedTree     = 'j'
	storedElement  = 'e'
	storedDocument = 'x'
)

var (
	errNotStored = errors.New("a value of its type cannot be kept")
	errStored    = errors.New("what is kept is no value")
)

// storedValue is the bytes of a value.
func (l *live) storedValue(v clr.Value) (b []byte, err error) {
	l.thread.Start(context.Background(), clr.DefaultLimits())
	defer l.thread.End()
	ok := false
	if err = csharp.Guarded(func() { b, ok = appendStored(&l.thread, nil, v) }); err == nil && !ok {
		err = errNotStored
	}
	return b, err
}

// loadValue is the value of these bytes.
func (l *live) loadValue(b []byte) (v clr.Value, err error) {
	l.thread.Start(context.Background(), clr.DefaultLimits())
	defer l.thread.End()
	if failed := csharp.Guarded(func() { v, _, err = readStored(&l.thread, b) }); failed != nil {
		err = failed
	}
	return v, err
}

func appendStored(t *clr.Thread, b []byte, v clr.Value) ([]byte, bool) {
	switch o := v.O.(type) {
	case json.Token:
		return json.AppendTree(t, append(b, storedTree), o, appendScalar)
	case *xml.Node:
		mark := byte(storedElement)
		switch o.Type() {
		case xml.ElementType:
		case xml.DocumentType:
			mark = storedDocument
		default:
			return b, false
		}
		const disableFormatting = 1
		return appendPart(append(b, mark), xml.Text(t, o, disableFormatting)), true
	case *clr.ArrayObject:
		if o.T == clr.Byte.ArrayOf(1) {
			return appendPart(append(b, storedBytes), string(o.Bytes)), true
		}
		if o.T.Rank != 1 {
			return b, false
		}
		return appendAll(t, append(b, storedArray), o.T.Elem(), o.Elems)
	case *clr.List:
		return appendAll(t, append(b, storedList), o.T.Args[0], o.Elems)
	}
	return appendScalar(b, v)
}

// appendScalar appends what holds nothing else.
func appendScalar(b []byte, v clr.Value) ([]byte, bool) {
	switch o := v.O.(type) {
	case nil:
		return append(b, storedNull), true
	case *number.Decimal:
		return appendPart(append(b, storedDecimal), o.String()), true
	case *clr.ArrayObject:
		if o.T == clr.Byte.ArrayOf(1) { // as a token of bytes has
			return appendPart(append(b, storedBytes), string(o.Bytes)), true
		}
	case *clr.Type:
		if k := slices.Index(storedKinds(), o); k >= 0 {
			b = binary.LittleEndian.AppendUint64(append(b, storedPlain, byte(k)), v.N)
			return appendPart(b, v.S), true
		}
	}
	return b, false
}

// anyElement marks object as the type of elements.
const anyElement = 0xff

func appendAll(t *clr.Thread, b []byte, elem *clr.Type, list []clr.Value) ([]byte, bool) {
	k := slices.Index(storedKinds(), elem)
	if k < 0 && elem != clr.ObjectType {
		return b, false
	}
	b = binary.AppendUvarint(append(b, byte(k)), uint64(len(list)))
	t.Enter()
	defer t.Leave()
	ok := true
	for i := 0; ok && i < len(list); i++ {
		t.Step()
		b, ok = appendStored(t, b, list[i])
	}
	return b, ok
}

func appendPart(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func readStored(t *clr.Thread, b []byte) (clr.Value, []byte, error) {
	if len(b) == 0 {
		return clr.Null, nil, errStored
	}
	switch b[0] {
	case storedTree:
		k, rest, err := json.ReadTree(t, b[1:], func(b []byte) (clr.Value, []byte, error) { return readScalar(t, b) })
		if err != nil {
			return clr.Null, nil, err
		}
		return clr.Obj(k), rest, nil
	case storedElement, storedDocument:
		s, rest, err := readPart(t, b[1:])
		if err != nil {
			return clr.Null, nil, err
		}
		const preserveWhitespace = 1
		if b[0] == storedDocument {
			return clr.Obj(xml.ParseDocument(t, s, preserveWhitespace)), rest, nil
		}
		return clr.Obj(xml.ParseElement(t, s, preserveWhitespace)), rest, nil
	case storedArray, storedList:
		return readAll(t, b)
	}
	return readScalar(t, b)
}

func readScalar(t *clr.Thread, b []byte) (clr.Value, []byte, error) {
	if len(b) == 0 {
		return clr.Null, nil, errStored
	}
	mark := b[0]
	b = b[1:]
	switch mark {
	case storedNull:
		return clr.Null, b, nil
	case storedPlain:
		kinds := storedKinds()
		if len(b) < 9 || int(b[0]) >= len(kinds) {
			return clr.Null, nil, errStored
		}
		s, rest, err := readPart(t, b[9:])
		return clr.Value{N: binary.LittleEndian.Uint64(b[1:]), S: s, O: kinds[b[0]]}, rest, err
	case storedDecimal:
		s, rest, err := readPart(t, b)
		if err != nil {
			return clr.Null, nil, err
		}
		d, err := number.ParseDecimalText(s)
		return d.Value(), rest, err
	case storedBytes:
		s, rest, err := readPart(t, b)
		if err != nil {
			return clr.Null, nil, err
		}
		return t.BytesValue([]byte(s)), rest, nil
	}
	return clr.Null, nil, errStored
}

func readAll(t *clr.Thread, b []byte) (clr.Value, []byte, error) {
	if len(b) < 3 {
		return clr.Null, nil, errStored
	}
	mark, elem, kinds := b[0], clr.ObjectType, storedKinds()
	if b[1] != anyElement {
		if int(b[1]) >= len(kinds) {
			return clr.Null, nil, errStored
		}
		elem = kinds[b[1]]
	}
	n, size := binary.Uvarint(b[2:])
	if size <= 0 || n > uint64(len(b)) {
		return clr.Null, nil, errStored
	}
	b = b[2+size:]
	t.Allocate(int(n) * 40)
	t.Enter()
	defer t.Leave()
	list := make([]clr.Value, 0, n)
	for range n {
		t.Step()
		v, rest, err := readStored(t, b)
		if err != nil {
			return clr.Null, nil, err
		}
		list, b = append(list, v), rest
	}
	if mark == storedList {
		return clr.Obj(t.NewList(elem, list)), b, nil
	}
	return t.ArrayValue(elem, list), b, nil
}

func readPart(t *clr.Thread, b []byte) (string, []byte, error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return "", nil, errStored
	}
	t.Allocate(int(n))
	return string(b[size : size+int(n)]), b[size+int(n):], nil
}
