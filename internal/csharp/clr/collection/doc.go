// Package collection is the collections of .NET: arrays, lists, dictionaries,
// sets, queues, stacks, tuples that are classes, and LINQ over anything that can
// be gone through.
//
// It guarantees .NET's order everywhere: a dictionary gives out its entries in
// the order of its slots, freed ones being used again last in first out; sorting
// is .NET's own introsort where the order of equal elements shows, and stable
// where LINQ's is. LINQ is lazy exactly where .NET's is, and evaluates what .NET
// evaluates, in the same order: the last element of a Select over a list alone,
// a sequence twice where .NET counts it before. Whatever grows is charged to the
// run before it grows, and every step along a chain of a hash table costs a step,
// so that keys which collide end the run and not the process.
//
// Members of interfaces work on what the receiver is in Go: an array
// ([clr.ArrayObject]), a [clr.List], the types here, or an object of another
// family by the small interfaces of this package ([Map], [Container], …).
//
// What it does not have: the names of the classes that a compiler makes of
// methods with "yield", which differ from compiler to compiler; ToString() of
// such a sequence is that of IEnumerable`1.
//
// What a member cannot do, it throws as .NET does, by [clr.Thread]; only Sort and
// BinarySearch catch what comparing throws, as there.
package collection

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// funcs is what members do, by their keys.
type funcs = map[string]clr.Func

// Family is the code of the collections.
func Family() clr.Family {
	do := funcs{}
	for _, part := range []funcs{
		arrayMembers(), arrayFindMembers(), arrayValueMembers(), arraySortMembers(), createMembers(),
		listMembers(), listFindMembers(), listOrderMembers(),
		dictionaryMembers(), viewMembers(), setMembers(), setOperationMembers(), queueMembers(), stackMembers(), pairMembers(), exceptionMembers(),
		interfaceMembers(), plainInterfaceMembers(), enumeratorMembers(), comparerMembers(),
		tupleMembers(),
		filterMembers(), projectMembers(), partMembers(), joinMembers(), groupMembers(), orderMembers(), setLinqMembers(),
		pickMembers(), reduceMembers(), sumMembers(), averageMembers(), extremeMembers(), collectMembers(),
	} {
		for key, f := range part {
			if do[key] != nil {
				panic("collection: " + key + " is there twice")
			}
			do[key] = f
		}
	}
	return clr.Family{Name: "collection", Do: do, Hooks: hooks(), Types: types()}
}
