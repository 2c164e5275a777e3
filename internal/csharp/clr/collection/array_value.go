package collection

import "github.com/cloister-ai/cloister/internal/csharp/clr"

const notExpected = "Value does not fall within the expected range."

// arrayValueMembers are GetValue and SetValue, for arrays whose type is not
// known.
func arrayValueMembers() funcs {
	const get, set = "System.Array.GetValue", "System.Array.SetValue"
	out := funcs{}
	for _, n := range []string{"int", "long"} {
		out[get+"("+n+")"] = getValue
		out[get+"("+n+", "+n+")"] = getPlaced
		out[get+"("+n+", "+n+", "+n+")"] = getPlaced
		out[get+"("+n+"[])"] = getPlaced
		out[set+"(object, "+n+")"] = setValue
		out[set+"(object, "+n+", "+n+")"] = setPlaced
		out[set+"(object, "+n+", "+n+", "+n+")"] = setPlaced
		out[set+"(object, "+n+"[])"] = setPlaced
	}
	return out
}

// placed is the array of one dimension and the index in argument i; outside is
// what is said of an index beyond.
func placed(c *clr.Call, i int, outside string) (*clr.ArrayObject, int) {
	a := c.Args[0].O.(*clr.ArrayObject)
	at := index32(c, i, "index")
	if a.T.Rank != 1 {
		c.Throw(clr.ArgumentException, onlySingleReq)
	}
	if at < 0 || at >= a.Len() {
		c.Throw(clr.IndexOutOfRangeException, outside)
	}
	return a, at
}

func getValue(c *clr.Call) clr.Value {
	a, i := placed(c, 1, "Index has to be between upper and lower bound of the array.")
	return a.At(i)
}

func setValue(c *clr.Call) clr.Value {
	a, i := placed(c, 2, "Index has to be >= lower bound and <= upper bound of the array.")
	setStored(c.Thread, a, i, c.Args[1])
	return clr.Null
}

// getPlaced is GetValue with several indices, or an array of them.
func getPlaced(c *clr.Call) clr.Value {
	a := c.Args[0].O.(*clr.ArrayObject)
	return a.At(place(c, a, 1, "indices", ""))
}

func setPlaced(c *clr.Call) clr.Value {
	a := c.Args[0].O.(*clr.ArrayObject)
	setStored(c.Thread, a, place(c, a, 2, "idxs", "idxs"), c.Args[1])
	return clr.Null
}

// place is where the element lies that the arguments from number from on say.
func place(c *clr.Call, a *clr.ArrayObject, from int, null, wrong string) int {
	at := c.Args[from:]
	if list, ok := at[0].O.(*clr.ArrayObject); ok {
		at = list.Elems
	} else if at[0].O == nil {
		c.ThrowArgumentNull(null)
	}
	if len(at) != a.T.Rank {
		c.ThrowArgument(notExpected, wrong)
	}
	dims := a.Dims
	if a.T.Rank == 1 {
		dims = []int{a.Len()}
	}
	i := 0
	for d, v := range at {
		n := v.Int()
		if n < 0 || n >= int64(dims[d]) {
			c.ThrowIndex()
		}
		i = i*dims[d] + int(n)
	}
	return i
}
