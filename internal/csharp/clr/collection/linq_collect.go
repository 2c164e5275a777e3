package collection

import "github.com/cloister-ai/cloister/internal/csharp/clr"

func collectMembers() funcs {
	return funcs{
		enumerable + ".ToArray<TSource>(IEnumerable<TSource>)": func(c *clr.Call) clr.Value {
			s := src(c)
			if a, ok := s.(*clr.ArrayObject); ok && a.T.Rank == 1 && a.T.Args[0] == c.Types[0] && a.Len() > 0 {
				return cloneArray(c.Thread, a)
			}
			elems := toSlice(c.Thread, s)
			if len(elems) == 0 {
				return emptyArray(c.Types[0])
			}
			return newArray(c.Types[0], elems)
		},
		enumerable + ".ToList<TSource>(IEnumerable<TSource>)": func(c *clr.Call) clr.Value {
			elems := toSlice(c.Thread, src(c))
			c.Allocate(64)
			return clr.Obj(&clr.List{T: clr.ListOf.Of(c.Types[0]), Elems: elems, Cap: cap(elems)})
		},
	}
}

// newArray is an array of elements that are paid for.
func newArray(elem *clr.Type, elems []clr.Value) clr.Value {
	if elem != clr.Byte {
		return clr.Obj(&clr.ArrayObject{T: elem.ArrayOf(1), Elems: elems})
	}
	b := make([]byte, len(elems))
	for i, v := range elems {
		b[i] = byte(v.N)
	}
	return clr.Obj(&clr.ArrayObject{T: elem.ArrayOf(1), Bytes: b})
}
