package collection

import (
	"strconv"
	"sync"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Messages that several members share.
const (
	onlySingle    = "Only single dimension arrays are supported here."
	onlySingleReq = "Only single dimensional arrays are supported for the requested action."
	offsetLength  = "Offset and length were out of bounds for the array or count is greater than the number of elements from index to the end of the source collection."
	nonNegative   = "Non-negative number required."
	badIndex      = "Index was out of range. Must be non-negative and less than the size of the collection."
	badCount      = "Count must be positive and count must refer to a location within the string/array/collection."
)

// What Mono says of a List<T>'s indices: the names of texts that it does not
// have.
const (
	listIndex = "ArgumentOutOfRange_Index"
	listCount = "ArgumentOutOfRange_Count"
)

// throwActual is an ArgumentOutOfRangeException that says what was given.
func throwActual(t *clr.Thread, param, message string, n int) {
	panic(&clr.Thrown{
		T: clr.ArgumentOutOfRangeException, Param: param,
		Message: message + "\nParameter name: " + param + "\nActual value was " + strconv.Itoa(n) + ".",
	})
}

// arrayCopy is what is asked of Array.Copy, without the arrays.
type arrayCopy struct{ from, fromLen, to, toLen, n int }

// checkArrayCopy throws as Array.Copy does where ranges do not fit.
func checkArrayCopy(t *clr.Thread, a arrayCopy) {
	const least = "Value has to be >= 0."
	switch {
	case a.n < 0:
		t.ThrowRange("length", least)
	case a.from < 0:
		t.ThrowRange("sourceIndex", least)
	case a.to < 0:
		t.ThrowRange("destinationIndex", least)
	case a.from > a.fromLen-a.n:
		t.Throw(clr.ArgumentException, "length")
	case a.to > a.toLen-a.n:
		t.ThrowArgument("Destination array was not long enough. Check destIndex and length, and the array's lower bounds", "destinationArray")
	}
}

// storable is v as an element of to. Arrays are covariant in C#, so that a
// string[] may stand where an object[] is written to.
func storable(t *clr.Thread, to *clr.ArrayObject, v clr.Value) clr.Value {
	elem := to.T.Args[0]
	if elem != clr.ObjectType && v.O != nil && v.O.Type() != elem && !fits(v, elem) {
		t.Throw(clr.ArrayTypeMismatchException, typeMismatch)
	}
	return v
}

const typeMismatch = "Attempted to access an element as a type incompatible with the array."

// cloneArray is Array.Clone().
func cloneArray(t *clr.Thread, a *clr.ArrayObject) clr.Value {
	t.Work(a.Len() / 8)
	if a.Bytes != nil {
		t.Allocate(len(a.Bytes))
		return clr.Obj(&clr.ArrayObject{T: a.T, Bytes: append([]byte{}, a.Bytes...), Dims: a.Dims})
	}
	t.Allocate(len(a.Elems) * valueSize)
	return clr.Obj(&clr.ArrayObject{T: a.T, Elems: append([]clr.Value{}, a.Elems...), Dims: a.Dims})
}

// clearArray makes n elements zero, which exist.
func clearArray(t *clr.Thread, a *clr.ArrayObject, from, n int) {
	t.Work(n / 8)
	if a.Bytes != nil {
		clear(a.Bytes[from : from+n])
		return
	}
	fillElems(a.Elems[from:from+n], clr.Zero(a.T.Args[0]))
}

func fillElems(elems []clr.Value, v clr.Value) {
	for i := range elems {
		elems[i] = v
	}
}

// array is argument i; null throws.
func array(c *clr.Call, i int, param string) *clr.ArrayObject {
	c.NotNull(i, param)
	return c.Args[i].O.(*clr.ArrayObject)
}

func arrayMembers() funcs {
	const key = "System.Array"
	self := func(c *clr.Call) *clr.ArrayObject { return c.Args[0].O.(*clr.ArrayObject) }
	yes := func(v bool) clr.Func { return func(c *clr.Call) clr.Value { return clr.Bool(v) } }
	return funcs{
		key + ".Length":         func(c *clr.Call) clr.Value { return clr.Int(int32(self(c).Len())) },
		key + ".LongLength":     func(c *clr.Call) clr.Value { return clr.Long(int64(self(c).Len())) },
		key + ".Rank":           func(c *clr.Call) clr.Value { return clr.Int(int32(self(c).T.Rank)) },
		key + ".IsFixedSize":    yes(true),
		key + ".IsReadOnly":     yes(false),
		key + ".IsSynchronized": yes(false),
		key + ".SyncRoot":       func(c *clr.Call) clr.Value { return c.Args[0] },
		key + ".Initialize()":   func(c *clr.Call) clr.Value { return clr.Null },
		key + ".GetEnumerator()": func(c *clr.Call) clr.Value {
			return NewCursor(c.Thread, plainEnumerator, c.Args[0])
		},
		key + ".Clone()": func(c *clr.Call) clr.Value { return cloneArray(c.Thread, self(c)) },
		key + ".Clear(Array, int, int)": func(c *clr.Call) clr.Value {
			a, from, n := array(c, 0, "array"), c.Int(1), c.Int(2)
			switch {
			case from < 0:
				c.Throw(clr.IndexOutOfRangeException, "index < lower bound")
			case n < 0:
				c.Throw(clr.IndexOutOfRangeException, "length < 0")
			case from > a.Len()-n:
				c.Throw(clr.IndexOutOfRangeException, "index + length > size")
			}
			clearArray(c.Thread, a, from, n)
			return clr.Null
		},
		key + ".Empty<T>()": func(c *clr.Call) clr.Value {
			// .NET has one empty array of each type; who compares them by
			// reference sees it.
			return emptyArray(c.Types[0])
		},
		key + ".Resize<T>(ref T[], int)":                      resizeArray,
		key + ".GetLength(int)":                               func(c *clr.Call) clr.Value { return clr.Int(int32(dimension(c))) },
		key + ".GetLongLength(int)":                           func(c *clr.Call) clr.Value { return clr.Long(int64(dimension(c))) },
		key + ".GetUpperBound(int)":                           func(c *clr.Call) clr.Value { return clr.Int(int32(dimension(c) - 1)) },
		key + ".GetLowerBound(int)":                           func(c *clr.Call) clr.Value { dimension(c); return clr.Int(0) },
		key + ".Copy(Array, Array, int)":                      copyStart,
		key + ".Copy(Array, Array, long)":                     copyStart,
		key + ".Copy(Array, int, Array, int, int)":            copyMiddle,
		key + ".Copy(Array, long, Array, long, long)":         copyMiddle,
		key + ".ConstrainedCopy(Array, int, Array, int, int)": copyMiddle,
		key + ".CopyTo(Array, int)":                           copyWhole,
		key + ".CopyTo(Array, long)":                          copyWhole,
	}
}

func dimension(c *clr.Call) int {
	a, d := c.Args[0].O.(*clr.ArrayObject), c.Int(1)
	if d < 0 || d >= a.T.Rank {
		c.ThrowIndex()
	}
	if a.T.Rank == 1 {
		return a.Len()
	}
	return a.Dims[d]
}

func resizeArray(c *clr.Call) clr.Value {
	ref, n := c.Ref(0), c.Int(1)
	if n < 0 {
		c.ThrowRange("newSize", nonNegative)
	}
	old, _ := ref.Get().O.(*clr.ArrayObject)
	if old != nil && old.Len() == n {
		return clr.Null
	}
	to := c.NewArray(c.Types[0], n)
	if old != nil {
		c.Work(min(n, old.Len()) / 8)
		copy(to.Bytes, old.Bytes)
		copy(to.Elems, old.Elems)
	}
	ref.Set(clr.Obj(to))
	return clr.Null
}

// empties are the empty arrays that Array.Empty<T>() and LINQ give out, by the
// type of their elements: nothing about them can change.
var empties sync.Map

// emptyArray is the one empty array of a type of elements.
func emptyArray(elem *clr.Type) clr.Value {
	if a, ok := empties.Load(elem); ok {
		return clr.Obj(a.(*clr.ArrayObject))
	}
	a := &clr.ArrayObject{T: elem.ArrayOf(1), Elems: []clr.Value{}}
	if elem == clr.Byte {
		a.Bytes, a.Elems = []byte{}, nil
	}
	kept, _ := empties.LoadOrStore(elem, a)
	return clr.Obj(kept.(*clr.ArrayObject))
}
