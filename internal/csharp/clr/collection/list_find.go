package collection

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// matching goes through what fits.
func matching(t *clr.Thread, o clr.Counted, pred clr.Value) iter.Seq[clr.Value] {
	return func(yield func(clr.Value) bool) {
		for i := 0; i < o.Len(); i++ {
			if v := o.At(i); t.Invoke(pred, v).Bool() && !yield(v) {
				return
			}
		}
	}
}

func listFindMembers() funcs {
	out := findMembers(listKey, "", "")
	for key, f := range (funcs{
		".FindAll(Predicate<T>)": func(c *clr.Call) clr.Value {
			elems := collect(c.Thread, matching(c.Thread, list(c), function(c, 1, "match")), 0)
			return clr.Obj(&clr.List{T: list(c).T, Elems: elems, Cap: cap(elems)})
		},
		".ForEach(Action<T>)": func(c *clr.Call) clr.Value {
			l, f := list(c), function(c, 1, "action")
			for version, i := l.Version, 0; i < l.Len(); i++ {
				if c.Invoke(f, l.Elems[i]); l.Version != version {
					throwChanged(c.Thread)
				}
			}
			return clr.Null
		},
		".ConvertAll<TOutput>(Converter<T, TOutput>)": func(c *clr.Call) clr.Value {
			l, f := list(c), function(c, 1, "converter")
			elems := collect(c.Thread, calledFor(c.Thread, f, l), l.Len())
			return clr.Obj(&clr.List{T: c.Result, Elems: elems, Cap: len(elems)})
		},
		".RemoveAll(Predicate<T>)":  removeAll,
		".IndexOf(T)":               listIndexOf,
		".IndexOf(T, int)":          listIndexOf,
		".IndexOf(T, int, int)":     listIndexOf,
		".LastIndexOf(T)":           listLastIndexOf,
		".LastIndexOf(T, int)":      listLastIndexOf,
		".LastIndexOf(T, int, int)": listLastIndexOf,
	}) {
		out[listKey+key] = f
	}
	return out
}

// removeAll takes out what fits. A predicate that throws leaves the list with
// what was moved together until then, as .NET's does.
func removeAll(c *clr.Call) clr.Value {
	l, f := list(c), function(c, 1, "match")
	kept := 0
	for i := 0; i < len(l.Elems); i++ {
		v := l.Elems[i]
		if c.Invoke(f, v).Bool() {
			continue
		}
		if i < len(l.Elems) {
			l.Elems[kept] = v
		}
		kept++
	}
	gone := len(l.Elems) - kept
	if gone <= 0 {
		return clr.Int(0)
	}
	l.Cap = max(l.Cap, len(l.Elems))
	clear(l.Elems[kept:])
	l.Elems = l.Elems[:kept]
	l.Version++
	return clr.Int(int32(gone))
}

func listIndexOf(c *clr.Call) clr.Value {
	l, from := list(c), 0
	if len(c.Args) > 2 {
		from = c.Int(2)
	}
	if from > l.Len() {
		c.ThrowRange("index", badIndex)
	}
	n := l.Len() - from
	if len(c.Args) > 3 {
		n = c.Int(3)
		if n < 0 || from > l.Len()-n {
			c.ThrowRange("count", listCount)
		}
	}
	if from < 0 { // found by Array.IndexOf
		c.ThrowRange("startIndex", badIndex)
	}
	return clr.Int(int32(indexIn(c.Thread, l, c.Args[1], from, n)))
}

func listLastIndexOf(c *clr.Call) clr.Value {
	l := list(c)
	from, n := l.Len()-1, l.Len()
	if len(c.Args) > 2 {
		if from = c.Int(2); len(c.Args) == 3 && from >= l.Len() {
			c.ThrowRange("index", badIndex)
		}
		n = from + 1
	}
	if len(c.Args) > 3 {
		n = c.Int(3)
	}
	if len(c.Args) > 2 && l.Len() != 0 && from < 0 {
		c.ThrowRange("index", nonNegative)
	}
	if len(c.Args) > 2 && l.Len() != 0 && n < 0 {
		c.ThrowRange("count", nonNegative)
	}
	if l.Len() == 0 {
		return clr.Int(-1)
	}
	if from >= l.Len() {
		c.ThrowRange("index", "Larger than collection size.")
	}
	if n > from+1 {
		c.ThrowRange("count", "Larger than collection size.")
	}
	return clr.Int(int32(lastIndexIn(c.Thread, l, c.Args[1], from, n)))
}
