package collection

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// comparerMembers are the interfaces of comparers, whatever object has them.
func comparerMembers() funcs {
	compare := func(c *clr.Call) clr.Value {
		return clr.Int(int32(c.Args[0].O.(Comparer).Compare(c.Thread, c.Args[1], c.Args[2])))
	}
	equals := func(c *clr.Call) clr.Value {
		return clr.Bool(c.Args[0].O.(EqualityComparer).Equal(c.Thread, c.Args[1], c.Args[2]))
	}
	hash := func(c *clr.Call) clr.Value {
		h := c.Args[0].O.(EqualityComparer)
		if _, own := h.(*defaultEquality); own && c.Args[1].O == nil {
			return clr.Int(0)
		}
		return clr.Int(int32(h.Hash(c.Thread, c.Args[1])))
	}
	return funcs{
		generic + ".IComparer<T>.Compare(T, T)":                       compare,
		generic + ".IEqualityComparer<T>.Equals(T, T)":                equals,
		generic + ".IEqualityComparer<T>.GetHashCode(T)":              hash,
		"System.Collections.IComparer.Compare(object, object)":        compare,
		"System.Collections.IEqualityComparer.Equals(object, object)": equals,
		"System.Collections.IEqualityComparer.GetHashCode(object)":    hash,
	}
}
