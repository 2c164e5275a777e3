package collection

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// Sized is a sequence that knows its length: IReadOnlyCollection<T>.
type Sized interface {
	clr.Sequence
	Len() int
}

// Container says what is in it: the reading half of ICollection<T>.
type Container interface {
	Sized
	Contains(t *clr.Thread, v clr.Value) bool
}

// Changing is the writing half of ICollection<T>. An object without it is read
// only.
type Changing interface {
	Add(t *clr.Thread, v clr.Value)
	Remove(t *clr.Thread, v clr.Value) bool
	Clear(t *clr.Thread)
}

// Indexed is IList<T>.
type Indexed interface {
	clr.Counted
	Changing
	IndexOf(t *clr.Thread, v clr.Value) int
	// SetAt, Insert and RemoveAt throw where i is outside.
	SetAt(t *clr.Thread, i int, v clr.Value)
	Insert(t *clr.Thread, i int, v clr.Value)
	RemoveAt(t *clr.Thread, i int)
}

// Map is IReadOnlyDictionary<TKey, TValue>; as a sequence it gives out pairs
// ([NewPair]). A key is never null.
type Map interface {
	Sized
	Get(t *clr.Thread, key clr.Value) (clr.Value, bool)
}

// ChangingMap is what IDictionary<TKey, TValue> adds.
type ChangingMap interface {
	Map
	// Put sets, Insert adds and throws where the key is there.
	Put(t *clr.Thread, key, value clr.Value)
	Insert(t *clr.Thread, key, value clr.Value)
	Delete(t *clr.Thread, key clr.Value) bool
	Clear(t *clr.Thread)
}

// Keyed is a Map that has its keys and values as objects; of others they are
// collected.
type Keyed interface {
	Keys(t *clr.Thread) clr.Value
	Values(t *clr.Thread) clr.Value
}

// Item is a Map with an indexer of its own, for keys that are not there.
type Item interface {
	Item(t *clr.Thread, key clr.Value) clr.Value
}

// ReadOnly is a collection that says so itself.
type ReadOnly interface{ ReadOnly() bool }

// EqualityComparer is IEqualityComparer<T>. Hash is asked for values that are
// not null, and agrees with Equal.
type EqualityComparer interface {
	clr.Object
	Equal(t *clr.Thread, a, b clr.Value) bool
	Hash(t *clr.Thread, v clr.Value) uint64
}

// Comparer is IComparer<T>.
type Comparer interface {
	clr.Object
	Compare(t *clr.Thread, a, b clr.Value) int
}

// order is the comparer in an argument, or the type's own order for null.
func order(v clr.Value) func(t *clr.Thread, a, b clr.Value) int {
	if c, ok := v.O.(Comparer); ok {
		return c.Compare
	}
	return (*clr.Thread).Compare
}

// equality is the comparer in an argument; nil for null, and for what is no
// other than Equals and GetHashCode.
func equality(v clr.Value) EqualityComparer {
	c, _ := v.O.(EqualityComparer)
	if _, own := c.(*defaultEquality); own {
		return nil
	}
	return c
}

// equal compares by c, or by Equals where it is nil.
func equal(t *clr.Thread, c EqualityComparer, a, b clr.Value) bool {
	if c == nil {
		return t.Equal(a, b)
	}
	return c.Equal(t, a, b)
}

// defaultEquality is EqualityComparer<T>.Default.
type defaultEquality struct{ of *clr.Type }

func (d *defaultEquality) Type() *clr.Type { return genericEquality.Of(d.of) }

func (d *defaultEquality) Equal(t *clr.Thread, a, b clr.Value) bool { return t.Equal(a, b) }

func (d *defaultEquality) Hash(t *clr.Thread, v clr.Value) uint64 { return t.Hash(v) }

// comparerValue is c as expressions see it.
func comparerValue(c EqualityComparer, of *clr.Type) clr.Value {
	if c == nil {
		return clr.Obj(&defaultEquality{of})
	}
	return clr.Obj(c)
}

const (
	generic = "System.Collections.Generic"
	// valueSize is what a value takes in an array.
	valueSize = 40
)

// The types of values that this package makes.
var (
	genericEquality = clr.Named(generic, "GenericEqualityComparer", 1)
	setEquality     = clr.Named(generic, "HashSetEqualityComparer", 1)
	hashSet         = clr.Named(generic, "HashSet", 1)
	enumeratorOf    = clr.Named(generic, "IEnumerator", 1)
	keyCollection   = clr.Named(generic+".Dictionary", "KeyCollection", 2)
	valueCollection = clr.Named(generic+".Dictionary", "ValueCollection", 2)
	dictEnumerator  = clr.Named(generic+".Dictionary", "Enumerator", 2)
	setEnumerator   = clr.Named(generic+".HashSet", "Enumerator", 1)
	listEnumerator  = clr.Named(generic+".List", "Enumerator", 1)
	queueEnumerator = clr.Named(generic+".Queue", "Enumerator", 1)
	stackEnumerator = clr.Named(generic+".Stack", "Enumerator", 1)
	plainEnumerator = clr.Named("System.Collections", "IEnumerator", 0)
	arrayEnumerator = clr.Named("System", "SZGenericArrayEnumerator", 1)
	entryType       = clr.Named("System.Collections", "DictionaryEntry", 0)
	groupingOf      = clr.Named("System.Linq", "Grouping", 2)
	lookupOf        = clr.Named("System.Linq", "Lookup", 2)
	orderedOf       = clr.Named("System.Linq", "OrderedEnumerable", 2)
)

func types() []*clr.Type {
	return append([]*clr.Type{
		genericEquality, setEquality, hashSet, enumeratorOf, keyCollection, valueCollection, dictEnumerator, setEnumerator, listEnumerator,
		queueEnumerator, stackEnumerator, plainEnumerator, arrayEnumerator, entryType, exceptionDataType, groupingOf, lookupOf, orderedOf,
	}, append(kinds(), tuples[1:]...)...)
}

// hooks is what the types do for ToString, Equals and the like.
func hooks() map[string]*clr.Hooks {
	out := map[string]*clr.Hooks{
		generic + ".KeyValuePair<TKey, TValue>": pairHooks(),
		"System.Collections.DictionaryEntry":    entryHooks(),
	}
	for i, name := range tupleKeys {
		out[name] = tupleHooks(i + 1)
	}
	return out
}
