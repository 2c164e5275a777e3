package json

import (
	"encoding/binary"
	"errors"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Trees as bytes, for who keeps them longer than a run: what [Text] loses (a
// string that looks like a date, the digits of a number) stays as it is.
// Annotations and places in texts stay behind.

// errTree is what [ReadTree] fails with.
var errTree = errors.New("json: the bytes are no tree")

// Marks of tokens.
const (
	markValue       = 'v'
	markRaw         = 'r'
	markProperty    = 'p'
	markObject      = 'o'
	markArray       = 'a'
	markConstructor = 'c'
)

// AppendTree appends a tree. What values hold is appended by scalar, which says
// whether it can be.
func AppendTree(t *clr.Thread, b []byte, k Token, scalar func(b []byte, v clr.Value) ([]byte, bool)) ([]byte, bool) {
	t.Step()
	t.Enter()
	defer t.Leave()
	ok := true
	switch k := k.(type) {
	case *Value:
		mark := byte(markValue)
		if k.raw {
			mark = markRaw
		}
		return scalar(append(b, mark, byte(k.kind)), k.V)
	case *Property:
		b = appendText(append(b, markProperty), k.Name)
		return AppendTree(t, b, k.value, scalar)
	case *Object:
		b = binary.AppendUvarint(append(b, markObject), uint64(len(k.props)))
	case *Array:
		b = binary.AppendUvarint(append(b, markArray), uint64(len(k.kids)))
	case *Constructor:
		if b, ok = scalar(append(b, markConstructor), k.Name); !ok {
			return b, false
		}
		b = binary.AppendUvarint(b, uint64(len(k.kids)))
	}
	c := k.(Container)
	for i := 0; ok && i < c.Len(); i++ {
		b, ok = AppendTree(t, b, c.child(i), scalar)
	}
	return b, ok
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// ReadTree reads what [AppendTree] wrote, and gives what follows it. Scalar reads
// what a value holds.
func ReadTree(t *clr.Thread, b []byte, scalar func(b []byte) (clr.Value, []byte, error)) (Token, []byte, error) {
	t.Step()
	t.Enter()
	defer t.Leave()
	if len(b) == 0 {
		return nil, nil, errTree
	}
	mark := b[0]
	b = b[1:]
	var c Container
	switch mark {
	case markValue, markRaw:
		if len(b) == 0 {
			return nil, nil, errTree
		}
		v, rest, err := scalar(b[1:])
		if err != nil {
			return nil, nil, err
		}
		k := value(t, Kind(b[0]), v)
		k.raw = mark == markRaw
		return k, rest, nil
	case markProperty:
		name, rest, err := readText(t, b)
		if err != nil {
			return nil, nil, err
		}
		t.Allocate(propertySize)
		return readInto(t, &Property{Name: name}, 1, rest, scalar)
	case markObject:
		c = &Object{}
	case markArray:
		c = &Array{}
	case markConstructor:
		name, rest, err := scalar(b)
		if err != nil {
			return nil, nil, err
		}
		c, b = &Constructor{Name: name}, rest
	default:
		return nil, nil, errTree
	}
	t.Allocate(containerSize)
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)) {
		return nil, nil, errTree
	}
	return readInto(t, c, int(n), b[size:], scalar)
}

func readInto(t *clr.Thread, c Container, n int, b []byte, scalar func(b []byte) (clr.Value, []byte, error)) (Token, []byte, error) {
	_, object := c.(*Object)
	for i := range n {
		k, rest, err := ReadTree(t, b, scalar)
		if err != nil {
			return nil, nil, err
		}
		if _, property := k.(*Property); property != object {
			return nil, nil, errTree
		}
		link(t, c, i, k)
		b = rest
	}
	return c, b, nil
}

func readText(t *clr.Thread, b []byte) (string, []byte, error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return "", nil, errTree
	}
	t.Allocate(int(n))
	return string(b[size : size+int(n)]), b[size+int(n):], nil
}
