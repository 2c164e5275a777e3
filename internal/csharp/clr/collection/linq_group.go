package collection

import (
	"iter"
	"slices"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

func groupMembers() funcs {
	const (
		source   = "(IEnumerable<TSource>, Func<TSource, TKey>"
		element  = ", Func<TSource, TElement>"
		compared = ", IEqualityComparer<TKey>"
		group    = enumerable + ".GroupBy"
		look     = enumerable + ".ToLookup"
		dict     = enumerable + ".ToDictionary"
	)
	out := funcs{}
	for _, end := range []string{")", compared + ")"} {
		cmp := end != ")"
		add := func(key string, f func(c *clr.Call, g *grouped) clr.Value, element, result bool) {
			out[key+end] = func(c *clr.Call) clr.Value { return f(c, newGrouped(c, element, result, cmp)) }
		}
		add(group+"<TSource, TKey>"+source, groupBy, false, false)
		add(group+"<TSource, TKey, TElement>"+source+element, groupBy, true, false)
		add(group+"<TSource, TKey, TResult>"+source+", Func<TKey, IEnumerable<TSource>, TResult>", groupBy, false, true)
		add(group+"<TSource, TKey, TElement, TResult>"+source+element+", Func<TKey, IEnumerable<TElement>, TResult>", groupBy, true, true)
		add(look+"<TSource, TKey>"+source, toLookup, false, false)
		add(look+"<TSource, TKey, TElement>"+source+element, toLookup, true, false)
		add(dict+"<TSource, TKey>"+source, toDictionary, false, false)
		add(dict+"<TSource, TKey, TElement>"+source+element, toDictionary, true, false)
	}
	lookup := func(c *clr.Call) *Lookup { return c.Args[0].O.(*Lookup) }
	const key = "System.Linq.ILookup<TKey, TElement>"
	out["System.Linq.IGrouping<TKey, TElement>.Key"] = func(c *clr.Call) clr.Value { return c.Args[0].O.(*Grouping).Key }
	out[key+".Contains(TKey)"] = func(c *clr.Call) clr.Value { return clr.Bool(lookup(c).find(c.Thread, c.Args[1]) != nil) }
	out[key+".Count"] = func(c *clr.Call) clr.Value { return clr.Int(int32(lookup(c).count())) }
	out[key+".this[TKey]"] = func(c *clr.Call) clr.Value {
		if g := lookup(c).find(c.Thread, c.Args[1]); g != nil {
			return clr.Obj(g)
		}
		return emptyArray(lookup(c).T.Args[1])
	}
	return out
}

// grouped is what GroupBy, ToLookup and ToDictionary are given.
type grouped struct {
	s                clr.Sequence
	key, elem, total clr.Value // null: none
	cmp              EqualityComparer
	keyType, of      *clr.Type
}

func newGrouped(c *clr.Call, element, result, cmp bool) *grouped {
	g := &grouped{s: src(c), key: function(c, 1, "keySelector"), keyType: c.Types[1], of: c.Types[0]}
	at := 2
	if element {
		g.elem, g.of = function(c, at, "elementSelector"), c.Types[2]
		at++
	}
	if result {
		g.total = function(c, at, "resultSelector")
		at++
	}
	if cmp {
		g.cmp = equality(c.Args[at])
	}
	return g
}

// element is what becomes of an element of the source.
func (g *grouped) element(t *clr.Thread, v clr.Value) clr.Value {
	if g.elem.O == nil {
		return v
	}
	return t.Invoke(g.elem, v)
}

// lookup goes through the whole source.
func (g *grouped) lookup(t *clr.Thread) *Lookup {
	l := newLookup(t, lookupOf.Of(g.keyType, g.of), g.cmp)
	for v := range g.s.All(t) {
		group := l.group(t, t.Invoke(g.key, v))
		group.add(t, g.element(t, v))
	}
	return l
}

func groupBy(c *clr.Call, g *grouped) clr.Value {
	q := query{kind: groupedKind, a: c.Types[0], b: g.keyType, eager: true, all: func(t *clr.Thread) iter.Seq[clr.Value] {
		groups := g.lookup(t).All(t)
		return func(yield func(clr.Value) bool) {
			t.Enter()
			for v := range groups {
				if g.total.O != nil {
					v = t.Invoke(g.total, v.O.(*Grouping).Key, v)
				}
				if !yield(v) {
					break
				}
			}
			t.Leave()
		}
	}}
	switch {
	case g.total.O != nil && g.elem.O != nil:
		q.kind = groupedBoth
	case g.total.O != nil:
		q.kind = groupedResults
	case g.elem.O != nil:
		q.kind = groupedElements
	}
	if q.kind != groupedKind {
		q.more = slices.Clone(c.Types)
	}
	return newQuery(c.Thread, q)
}

func toLookup(c *clr.Call, g *grouped) clr.Value { return clr.Obj(g.lookup(c.Thread)) }

func toDictionary(c *clr.Call, g *grouped) clr.Value {
	d := newDictionary(c.Thread, c.Result, g.cmp)
	if s, ok := g.s.(Sized); ok && s.Len() > 0 {
		d.resize(c.Thread, prime(s.Len()))
	}
	for v := range g.s.All(c.Thread) {
		key := c.Invoke(g.key, v)
		d.Insert(c.Thread, key, g.element(c.Thread, v))
	}
	return clr.Obj(d)
}
