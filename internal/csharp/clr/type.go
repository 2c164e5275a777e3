package clr

import (
	"strconv"
	"strings"
	"sync"
)

// Kind is the kind of a type.
type Kind byte

// Kinds of types.
const (
	Class Kind = iota + 1
	Struct
	Interface
	Enum
	Delegate
	ArrayKind
	ParamKind // a type parameter
	TupleKind // a C# tuple: ValueTuple with the names of its elements
	AnonymousKind
)

// Type is a type of .NET. Two types are the same if their pointers are.
type Type struct {
	Namespace, Name string
	Kind            Kind
	Static          bool
	Abstract        bool
	Sealed          bool

	// Params are the type parameters of a generic definition.
	Params []*Type
	// Def and Args: what a constructed type was made of; nil for others. The
	// one Arg of an array is its element, with Rank its dimensions.
	Def  *Type
	Args []*Type
	Rank int
	// Variance of a type parameter is "", "in" or "out"; Method: it is a
	// method's, not a type's. Index is its place in the list.
	Variance string
	Method   bool
	Index    int
	// Bound is what a method's type parameter may stand for; nil: everything.
	Bound *Bound
	// Underlying is the type of an enum's numbers.
	Underlying *Type
	Names      []EnumName
	Flags      bool
	// Fields are the members of an anonymous type and the names of a tuple's
	// elements (which may be empty); their types are Args.
	Fields []string
	// Hidden: a type that values may have and that an expression may not name.
	Hidden bool

	base       *Type
	interfaces []*Type
	members    []*Member
	hooks      *Hooks
	// attributed: [Build] has given the type its bases and members.
	known bool

	mu        sync.Mutex
	made      map[string]*Type // constructed from this one, by the identities of the arguments
	arrays    map[int]*Type
	nullable  *Type
	byName    map[string][]*Member
	allBases  []*Type
	basesOnce sync.Once
	id        uint64
	// parts is how many types t is made of, one that stands twice counted twice;
	// open: a type parameter is among them. Both are of constructed types.
	parts int
	open  bool
	// arity is how many parameters [Named] foresaw.
	arity int
	// outer is the type that this one is nested in; nil: none. A generic one's
	// parameters are the nested one's too.
	outer *Type
}

// Bound is the constraint of a type parameter.
type Bound struct {
	// Word is class or struct, empty where To says it.
	Word string
	// To is what an argument has to convert to.
	To *Type
}

// Takes reports whether t fits the bound.
func (b *Bound) Takes(t *Type) bool {
	switch {
	case b == nil || t.Kind == ParamKind:
		return true
	case b.Word == "class":
		return !t.IsValue()
	case b.Word == "struct":
		return t.IsValue() && !t.IsNullable()
	}
	return t.AssignableTo(b.To)
}

// EnumName is one name of an enum.
type EnumName struct {
	Name  string
	Value int64
}

// Hooks are what a type does where .NET calls a virtual member. A nil one is
// System.Object's.
type Hooks struct {
	// Text is ToString().
	Text func(t *Thread, v Value) string
	// Format is IFormattable.ToString(format, null); format may be empty.
	Format func(t *Thread, v Value, format string) string
	// Equal is v.Equals(o); o is never null.
	Equal func(t *Thread, v, o Value) bool
	// Hash agrees with Equal.
	Hash func(t *Thread, v Value) uint64
	// Compare is IComparable.CompareTo; o is of the same type.
	Compare func(t *Thread, v, o Value) int
	// Zero is default(T) of a struct that is not all zero bits with its type.
	Zero func(t *Type) Value
}

// Type makes a type the object of values that lie in N or S.
func (t *Type) Type() *Type { return t }

var typeIDs struct {
	sync.Mutex
	last uint64
}

func newType(namespace, name string, kind Kind) *Type {
	typeIDs.Lock()
	defer typeIDs.Unlock()
	typeIDs.last++
	return &Type{Namespace: namespace, Name: name, Kind: kind, id: typeIDs.last}
}

// NewParam makes a type parameter.
func NewParam(name, variance string, index int, method bool) *Type {
	t := newType("", name, ParamKind)
	t.Variance, t.Index, t.Method = variance, index, method
	return t
}

// Named makes a type that the code of a family names; the family lists it, and
// a declaration completes it.
func Named(namespace, name string, arity int) *Type {
	t := newType(namespace, name, Class)
	t.arity = arity
	return t
}

// The types that Go code names.
var (
	ObjectType = newType("System", "Object", Class)
	ValueType  = newType("System", "ValueType", Class)
	Void       = newType("System", "Void", Struct)
	Boolean    = newType("System", "Boolean", Struct)
	Char       = newType("System", "Char", Struct)
	SByte      = newType("System", "SByte", Struct)
	Byte       = newType("System", "Byte", Struct)
	Int16      = newType("System", "Int16", Struct)
	UInt16     = newType("System", "UInt16", Struct)
	Int32      = newType("System", "Int32", Struct)
	UInt32     = newType("System", "UInt32", Struct)
	Int64      = newType("System", "Int64", Struct)
	UInt64     = newType("System", "UInt64", Struct)
	Single     = newType("System", "Single", Struct)
	Double     = newType("System", "Double", Struct)
	Decimal    = newType("System", "Decimal", Struct)
	String     = newType("System", "String", Class)
	Array      = newType("System", "Array", Class)
	EnumType   = newType("System", "Enum", Class)
	DelegateT  = newType("System", "Delegate", Class)
	Exception  = newType("System", "Exception", Class)
	Nullable   = newType("System", "Nullable", Struct)
	TypeType   = newType("System", "Type", Class)
	DateTime   = newType("System", "DateTime", Struct)
	TimeSpan   = newType("System", "TimeSpan", Struct)
	Guid       = newType("System", "Guid", Struct)

	DateTimeOffset = newType("System", "DateTimeOffset", Struct)

	EnumerableType       = newType("System.Collections", "IEnumerable", Interface)
	EnumerableOf         = newType("System.Collections.Generic", "IEnumerable", Interface)
	ListOf               = newType("System.Collections.Generic", "List", Class)
	KeyValuePairOf       = newType("System.Collections.Generic", "KeyValuePair", Struct)
	DictionaryOf         = newType("System.Collections.Generic", "Dictionary", Class)
	ReadOnlyListOf       = newType("System.Collections.Generic", "IReadOnlyList", Interface)
	ListInterfaceOf      = newType("System.Collections.Generic", "IList", Interface)
	CollectionOf         = newType("System.Collections.Generic", "ICollection", Interface)
	ReadOnlyCollectionOf = newType("System.Collections.Generic", "IReadOnlyCollection", Interface)
)

// named are the types above, which declarations complete.
func named() []*Type {
	return []*Type{
		ObjectType, ValueType, Void, Boolean, Char, SByte, Byte, Int16, UInt16, Int32, UInt32, Int64, UInt64, Single, Double, Decimal,
		String, Array, EnumType, DelegateT, Exception, Nullable, TypeType, DateTime, TimeSpan, Guid, DateTimeOffset,
		EnumerableType, EnumerableOf, ListOf, KeyValuePairOf, DictionaryOf, ReadOnlyListOf, ListInterfaceOf, CollectionOf, ReadOnlyCollectionOf,
	}
}

// MaxTypeParts is of how many types one may be made. Types are small graphs, but
// their names and what walks through them grow with every path: a pair of pairs
// of pairs, twenty deep, has a million.
const MaxTypeParts = 500

// countParts counts what a new type is made of, and refuses too much.
func (t *Type) countParts() {
	t.parts = 1
	for _, a := range t.Args {
		t.parts += max(1, a.parts)
		t.open = t.open || a.Contains()
	}
	if t.parts > MaxTypeParts {
		TooManyParts()
	}
}

// TooManyParts refuses a type that is made of too many.
func TooManyParts() {
	panic(&LimitError{"types that one type is made of", strconv.Itoa(MaxTypeParts)})
}

// IsGeneric reports a generic definition, List<> itself.
func (t *Type) IsGeneric() bool { return len(t.Params) > 0 && t.Def == nil }

// Of makes the constructed type of a generic definition.
func (t *Type) Of(args ...*Type) *Type {
	if t == Nullable && len(args) == 1 {
		return args[0].NullableOf()
	}
	return t.construct(args)
}

func (t *Type) construct(args []*Type) *Type {
	var key strings.Builder
	same := len(args) == len(t.Params)
	for i, a := range args {
		key.WriteString(strconv.FormatUint(a.id, 36))
		key.WriteByte(',')
		same = same && a == t.Params[i]
	}
	_ = same
	t.mu.Lock()
	defer t.mu.Unlock()
	if made := t.made[key.String()]; made != nil {
		return made
	}
	made := newType(t.Namespace, t.Name, t.Kind)
	made.Def, made.Args, made.outer = t, append([]*Type(nil), args...), t.outer
	made.Static, made.Abstract, made.Sealed, made.Hidden = t.Static, t.Abstract, t.Sealed, t.Hidden
	made.countParts()
	if t.made == nil {
		t.made = map[string]*Type{}
	}
	t.made[key.String()] = made
	return made
}

// NullableOf is t?; t is a value type.
func (t *Type) NullableOf() *Type {
	t.mu.Lock()
	made := t.nullable
	t.mu.Unlock()
	if made != nil {
		return made
	}
	made = Nullable.construct([]*Type{t})
	t.mu.Lock()
	defer t.mu.Unlock()
	t.nullable = made
	return made
}

// ArrayOf is t[], or t[,] where rank is 2.
func (t *Type) ArrayOf(rank int) *Type {
	t.mu.Lock()
	defer t.mu.Unlock()
	if made := t.arrays[rank]; made != nil {
		return made
	}
	made := newType("System", "Array", ArrayKind)
	made.Args, made.Rank, made.Sealed = []*Type{t}, rank, true
	made.countParts()
	if t.arrays == nil {
		t.arrays = map[int]*Type{}
	}
	t.arrays[rank] = made
	return made
}

// Elem is the element of an array, or what is in a nullable; else nil.
func (t *Type) Elem() *Type {
	if t.Kind == ArrayKind || t.Def == Nullable {
		return t.Args[0]
	}
	return nil
}

// IsNullable reports T?.
func (t *Type) IsNullable() bool { return t.Def == Nullable }

// IsValue reports a value type; a type parameter is none.
func (t *Type) IsValue() bool { return t.Kind == Struct || t.Kind == Enum || t.Kind == TupleKind }

// Hooks are the type's own, or those of what it was made of; nil: none.
func (t *Type) Hooks() *Hooks {
	for ; t != nil; t = t.base {
		if t.hooks != nil {
			return t.hooks
		}
		if t.Def != nil && t.Def.hooks != nil {
			return t.Def.hooks
		}
		if t.Def != nil {
			t.Base()
		}
	}
	return nil
}

// Contains reports whether a type parameter stands in t.
func (t *Type) Contains() bool { return t.Kind == ParamKind || t.open }

// Subst puts types in the place of type parameters; what bind leaves nil
// stays.
func (t *Type) Subst(bind func(*Type) *Type) *Type {
	if t.Kind == ParamKind {
		if b := bind(t); b != nil {
			return b
		}
		return t
	}
	if len(t.Args) == 0 || !t.Contains() {
		return t
	}
	args := make([]*Type, len(t.Args))
	for i, a := range t.Args {
		args[i] = a.Subst(bind)
	}
	switch t.Kind {
	case ArrayKind:
		return args[0].ArrayOf(t.Rank)
	case TupleKind:
		return TupleOf(args, t.Fields)
	case AnonymousKind:
		return AnonymousOf(t.Fields, args)
	}
	return t.Def.Of(args...)
}

// within substitutes the parameters of the definition of in.
func (t *Type) within(in *Type) *Type {
	if in.Def == nil || t == nil {
		return t
	}
	return t.Subst(func(p *Type) *Type {
		if !p.Method && p.Index < len(in.Def.Params) && in.Def.Params[p.Index] == p {
			return in.Args[p.Index]
		}
		return nil
	})
}
