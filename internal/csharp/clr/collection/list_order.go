package collection

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// listOrderMembers sort lists, reverse them and search in sorted ones.
func listOrderMembers() funcs {
	sort := func(c *clr.Call, from, n int, cmp func(t *clr.Thread, a, b clr.Value) int, bad string) {
		l := list(c)
		l.Version++
		(&sorter{t: c.Thread, keys: l.Elems, cmp: cmp, bad: bad}).sort(from, n)
	}
	reverse := func(c *clr.Call, from, n int) {
		l := list(c)
		c.Work(n)
		for i, j := from, from+n-1; i < j; i, j = i+1, j-1 {
			l.Elems[i], l.Elems[j] = l.Elems[j], l.Elems[i]
		}
		l.Version++
	}
	return funcs{
		listKey + ".Sort()": func(c *clr.Call) clr.Value {
			sort(c, 0, list(c).Len(), order(clr.Null), badComparer(clr.Null, nil))
			return clr.Null
		},
		listKey + ".Sort(IComparer<T>)": func(c *clr.Call) clr.Value {
			sort(c, 0, list(c).Len(), order(c.Args[1]), badComparer(c.Args[1], nil))
			return clr.Null
		},
		listKey + ".Sort(int, int, IComparer<T>)": func(c *clr.Call) clr.Value {
			checkPart(c.Thread, list(c).Len(), c.Int(1), c.Int(2), "count")
			sort(c, c.Int(1), c.Int(2), order(c.Args[3]), badComparer(c.Args[3], nil))
			return clr.Null
		},
		listKey + ".Sort(Comparison<T>)": func(c *clr.Call) clr.Value {
			f := function(c, 1, "comparison")
			sort(c, 0, list(c).Len(), comparison(f), badComparer(f, nil))
			return clr.Null
		},
		listKey + ".Reverse()": func(c *clr.Call) clr.Value {
			reverse(c, 0, list(c).Len())
			return clr.Null
		},
		listKey + ".Reverse(int, int)": func(c *clr.Call) clr.Value {
			checkPart(c.Thread, list(c).Len(), c.Int(1), c.Int(2), "count")
			reverse(c, c.Int(1), c.Int(2))
			return clr.Null
		},
		listKey + ".BinarySearch(T)": func(c *clr.Call) clr.Value {
			return binarySearch(c.Thread, list(c), 0, list(c).Len(), c.Args[1], clr.Null)
		},
		listKey + ".BinarySearch(T, IComparer<T>)": func(c *clr.Call) clr.Value {
			return binarySearch(c.Thread, list(c), 0, list(c).Len(), c.Args[1], c.Args[2])
		},
		listKey + ".BinarySearch(int, int, T, IComparer<T>)": func(c *clr.Call) clr.Value {
			checkPart(c.Thread, list(c).Len(), c.Int(1), c.Int(2), "count")
			return binarySearch(c.Thread, list(c), c.Int(1), c.Int(2), c.Args[3], c.Args[4])
		},
	}
}
