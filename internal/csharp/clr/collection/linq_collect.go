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
			c.Allocate(64)
			s := src(c)
			var elems []clr.Value
			q, own := s.(*query)
			if own && q.list != nil {
				elems = q.list(c.Thread)
			} else {
				elems = toSlice(c.Thread, s)
			}
			_, sorted := s.(*ordered)
			if own && !q.kind.grows || sorted {
				elems = elems[:len(elems):len(elems)]
			}
			return clr.Obj(&clr.List{T: c.Result, Elems: elems, Cap: cap(elems)})
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
