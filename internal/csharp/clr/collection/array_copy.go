package collection

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// index32 is argument i, an int or a long that is one; param is its name.
func index32(c *clr.Call, i int, param string) int {
	n := c.Args[i].Int()
	if n != int64(int32(n)) {
		c.ThrowRange(param, "Arrays larger than 2GB are not supported.")
	}
	return int(n)
}

// copyStart is Copy(source, destination, length).
func copyStart(c *clr.Call) clr.Value {
	n := index32(c, 2, "length")
	from, to := array(c, 0, "sourceArray"), array(c, 1, "destinationArray")
	copyElements(c.Thread, from, to, arrayCopy{n: n})
	return clr.Null
}

// copyMiddle is Copy(source, index, destination, index, length).
func copyMiddle(c *clr.Call) clr.Value {
	a := arrayCopy{from: index32(c, 1, "sourceIndex"), to: index32(c, 3, "destinationIndex"), n: index32(c, 4, "length")}
	from, to := array(c, 0, "sourceArray"), array(c, 2, "destinationArray")
	copyElements(c.Thread, from, to, a)
	return clr.Null
}

// copyWhole is CopyTo(array, index).
func copyWhole(c *clr.Call) clr.Value {
	from := c.Args[0].O.(*clr.ArrayObject)
	at := index32(c, 2, "index")
	if to, ok := c.Args[1].O.(*clr.ArrayObject); ok && to.T.Rank != 1 {
		c.Throw(clr.ArgumentException, onlySingleReq)
	}
	copyElements(c.Thread, from, array(c, 1, "destinationArray"), arrayCopy{to: at, n: from.Len()})
	return clr.Null
}

// copyElements copies a.n elements, also within one array and between types of
// elements that widen or that are cast one by one.
func copyElements(t *clr.Thread, from, to *clr.ArrayObject, a arrayCopy) {
	a.fromLen, a.toLen = from.Len(), to.Len()
	if a.n >= 0 && from.T.Rank != to.T.Rank {
		t.Throw(clr.RankException, onlySingle)
	}
	checkArrayCopy(t, a)
	source, dest := from.T.Args[0], to.T.Args[0]
	switch {
	case from.Bytes != nil && to.Bytes != nil:
		t.Work(a.n / 64)
		copy(to.Bytes[a.to:a.to+a.n], from.Bytes[a.from:])
	case source == dest || !source.IsValue() && source.AssignableTo(dest):
		t.Work(a.n / 8)
		copy(to.Elems[a.to:a.to+a.n], from.Elems[a.from:])
	default:
		t.Work(a.n)
		for i := range a.n {
			v, ok := stored(from.At(a.from+i), dest)
			switch {
			case ok:
				to.Put(a.to+i, v)
			case v.O == nil:
				t.Throw(clr.InvalidCastException, "Specified cast is not valid.")
			case !castable(source, dest):
				t.Throw(clr.ArrayTypeMismatchException, typeMismatch)
			default:
				t.ThrowCast(v.O.Type(), dest)
			}
		}
	}
}

// castable reports whether a value of static type a could be one of type b.
func castable(a, b *clr.Type) bool {
	switch {
	case a.IsValue():
		return b.AssignableTo(a)
	case a.Kind == clr.Interface, b.Kind == clr.Interface:
		return !a.IsValue() && !b.IsValue()
	}
	return a.AssignableTo(b) || b.AssignableTo(a)
}

// widens says to which types Array.SetValue and Array.Copy change a number.
var widens = map[*clr.Type][]*clr.Type{
	clr.Char:   {clr.UInt16, clr.Int32, clr.UInt32, clr.Int64, clr.UInt64, clr.Single, clr.Double},
	clr.Byte:   {clr.Char, clr.Int16, clr.UInt16, clr.Int32, clr.UInt32, clr.Int64, clr.UInt64, clr.Single, clr.Double},
	clr.SByte:  {clr.Int16, clr.Int32, clr.Int64, clr.Single, clr.Double},
	clr.Int16:  {clr.Int32, clr.Int64, clr.Single, clr.Double},
	clr.UInt16: {clr.Char, clr.Int32, clr.UInt32, clr.Int64, clr.UInt64, clr.Single, clr.Double},
	clr.Int32:  {clr.Int64, clr.Single, clr.Double},
	clr.UInt32: {clr.Int64, clr.UInt64, clr.Single, clr.Double},
	clr.Int64:  {clr.Single, clr.Double},
	clr.UInt64: {clr.Single, clr.Double},
	clr.Single: {clr.Double},
}

// stored is v as an element of type elem, with a number made wider; false: it
// is none.
func stored(v clr.Value, elem *clr.Type) (clr.Value, bool) {
	if v.O == nil {
		return v, !elem.IsValue() || elem.IsNullable()
	}
	of := v.O.Type()
	if of == elem || fits(v, elem) {
		return v, true
	}
	for _, to := range widens[of] {
		if to == elem {
			return clr.ConvertNumber(v, elem), true
		}
	}
	return v, false
}

// setElement is IList's setter of an array.
func setElement(t *clr.Thread, a *clr.ArrayObject, i int, v clr.Value) {
	if uint(i) >= uint(a.Len()) {
		t.Throw(clr.IndexOutOfRangeException, "index")
	}
	setStored(t, a, i, v)
}

// setStored is Array.SetValue of element i, which exists.
func setStored(t *clr.Thread, a *clr.ArrayObject, i int, v clr.Value) {
	elem := a.T.Args[0]
	if v.O == nil {
		a.Put(i, clr.Zero(elem))
		return
	}
	s, ok := stored(v, elem)
	switch {
	case ok:
		a.Put(i, s)
	case widens[v.O.Type()] != nil && (widens[elem] != nil || elem == clr.Double):
		t.ThrowArgument("not a widening conversion", "value")
	default:
		t.ThrowCast(v.O.Type(), elem)
	}
}
