package collection

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// createMembers are Array.CreateInstance, for types that are values.
func createMembers() funcs {
	const key = "System.Array.CreateInstance"
	return funcs{
		key + "(Type, int)":           create,
		key + "(Type, int, int)":      create,
		key + "(Type, int, int, int)": create,
		key + "(Type, int[])":         create,
		key + "(Type, long[])":        create,
		key + "(Type, int[], int[])": func(c *clr.Call) clr.Value {
			lengths, bounds := array(c, 1, "lengths"), array(c, 2, "lowerBounds")
			if lengths.Len() != bounds.Len() {
				c.Throw(clr.ArgumentException, "Arrays must be of same size.")
			}
			for v := range bounds.All(c.Thread) {
				if v.Int() != 0 {
					c.Throw(clr.NotSupportedException, "Only arrays that begin at 0 are supported.")
				}
			}
			return create(&clr.Call{Thread: c.Thread, Args: c.Args[:2]})
		},
	}
}

// maxRank is how many dimensions an array may have.
const maxRank = 32

func create(c *clr.Call) clr.Value {
	elem := c.NotNull(0, "elementType").(*clr.TypeObject).Of()
	lengths := c.Args[1:]
	if list, ok := lengths[0].O.(*clr.ArrayObject); ok {
		lengths = list.Elems
	} else if lengths[0].O == nil {
		c.ThrowArgumentNull("lengths")
	}
	if len(lengths) > maxRank || len(lengths) == 0 {
		c.Throw(clr.ArgumentException, notExpected)
	}
	dims, total := make([]int, len(lengths)), 1
	for i, v := range lengths {
		n := v.Int()
		if n < 0 {
			c.ThrowRange("length", nonNegative)
		}
		if n > 1<<31-1 || int64(total)*n > 1<<31-1 {
			c.Throw(clr.OutOfMemoryException, "Array dimensions exceeded supported range.")
		}
		dims[i] = int(n)
		total *= int(n)
	}
	a := c.NewArray(elem, total)
	if len(dims) > 1 {
		a.T, a.Dims = elem.ArrayOf(len(dims)), dims
	}
	return clr.Obj(a)
}
