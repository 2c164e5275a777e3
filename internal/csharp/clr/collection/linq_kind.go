package collection

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// kind is a class of .NET that a sequence of LINQ's has; ToString() shows it.
type kind struct {
	def    *clr.Type
	params int
	// grows: a list of the sequence is made by adding to it, which its capacity
	// shows; of others its length is known before.
	grows bool
}

func newKind(name string, params int) *kind {
	return &kind{def: clr.Named(enumerable, name, params), params: params}
}

func growing(name string, params int) *kind {
	return &kind{clr.Named(enumerable, name, params), params, true}
}

// The classes of LINQ's sequences. Those that a compiler makes of methods with
// "yield" have no fixed names, and are IEnumerable<T>.
var (
	plainKind        = &kind{clr.EnumerableOf, 1, true}
	whereArray       = growing("WhereArrayIterator", 1)
	whereList        = growing("WhereListIterator", 1)
	whereEnumerable  = growing("WhereEnumerableIterator", 1)
	selectArray      = newKind("SelectArrayIterator", 2)
	selectList       = newKind("SelectListIterator", 2)
	selectIList      = newKind("SelectIListIterator", 2)
	selectEnumerable = growing("SelectEnumerableIterator", 2)
	selectPlaces     = newKind("SelectIPartitionIterator", 2)
	selectListPlaces = newKind("SelectListPartitionIterator", 2)
	whereSelectArray = growing("WhereSelectArrayIterator", 2)
	whereSelectList  = growing("WhereSelectListIterator", 2)
	whereSelectAny   = growing("WhereSelectEnumerableIterator", 2)
	selectManyKind   = growing("SelectManySingleSelectorIterator", 2)
	listPlaces       = newKind("ListPartition", 1)
	enumerablePlaces = growing("EnumerablePartition", 1)
	rangeKind        = newKind("RangeIterator", 0)
	repeatKind       = newKind("RepeatIterator", 1)
	concatTwo        = newKind("Concat2Iterator", 1)
	concatMany       = newKind("ConcatNIterator", 1)
	distinctKind     = newKind("DistinctIterator", 1)
	unionTwo         = newKind("UnionIterator2", 1)
	unionMany        = newKind("UnionIteratorN", 1)
	reverseKind      = newKind("ReverseIterator", 1)
	appendOne        = newKind("AppendPrepend1Iterator", 1)
	appendMany       = newKind("AppendPrependN", 1)
	defaultKind      = growing("DefaultIfEmptyIterator", 1)
	emptyKind        = &kind{clr.Named("System.Linq", "EmptyPartition", 1), 1, false}
	orderedPlaces    = &kind{clr.Named("System.Linq", "OrderedPartition", 1), 1, false}
	groupedKind      = &kind{clr.Named("System.Linq", "GroupedEnumerable", 2), 2, false}
	groupedElements  = &kind{clr.Named("System.Linq", "GroupedEnumerable", 3), 3, false}
	groupedResults   = &kind{clr.Named("System.Linq", "GroupedResultEnumerable", 3), 3, false}
	groupedBoth      = &kind{clr.Named("System.Linq", "GroupedResultEnumerable", 4), 4, false}
)

func kinds() []*clr.Type {
	var out []*clr.Type
	for _, k := range []*kind{
		whereArray, whereList, whereEnumerable, selectArray, selectList, selectIList, selectEnumerable, selectPlaces, selectListPlaces,
		whereSelectArray, whereSelectList, whereSelectAny, selectManyKind, listPlaces, enumerablePlaces, rangeKind, repeatKind, concatTwo,
		concatMany, distinctKind, unionTwo, unionMany, reverseKind, appendOne, appendMany, defaultKind, emptyKind, orderedPlaces, groupedKind, groupedElements, groupedResults, groupedBoth,
	} {
		out = append(out, k.def)
	}
	return out
}

// plain makes a sequence of a method that .NET writes with "yield".
func plain(c *clr.Call, all pass) clr.Value {
	return newQuery(c.Thread, query{kind: plainKind, a: c.Result.Args[0], all: all})
}
