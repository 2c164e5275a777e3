package syntax

// Pos is an offset in the text of an expression, in bytes from its "@".
type Pos int32

// Node is an expression, a statement, a type, a pattern or a part of one.
type Node interface {
	// Start is the place of the first byte, End the one behind the last.
	Start() Pos
	End() Pos
}

// Span is where a node stands. Every node embeds it.
type Span struct{ From, To Pos }

// Start is the place of the first byte.
func (s Span) Start() Pos { return s.From }

// End is the place behind the last byte.
func (s Span) End() Pos { return s.To }

// Program is the tree of one policy expression: Expr for "@(…)", Block for
// "@{…}".
type Program struct {
	Span
	Expr  Expr
	Block *Block
}

// Expr is an expression.
type Expr interface {
	Node
	expr()
}

// Stmt is a statement.
type Stmt interface {
	Node
	stmt()
}

// Type is a type as it is written.
type Type interface {
	Node
	typ()
}

// Pattern is what may stand behind "is" and "case".
type Pattern interface {
	Node
	pattern()
}

// Ident is a name where it stands; Name is without a leading "@" and with its
// Unicode escapes resolved.
type Ident struct {
	Span
	Name string
}

// Types.
type (
	// NamedType is a predefined type ("string"), "var", or a name with
	// namespaces and type arguments: a list of parts.
	NamedType struct {
		Span
		Parts []NamePart
		// Predefined: a keyword, as "string" or "int".
		Predefined bool
		// Global: it begins with "global::".
		Global bool
	}
	// NamePart is one part of a dotted name. Open counts the places of
	// typeof(Dictionary<,>): 2; zero elsewhere.
	NamePart struct {
		Ident
		Args []Type
		Open int
	}
	// ArrayType is Elem[], Elem[,] where Rank is 2.
	ArrayType struct {
		Span
		Elem Type
		Rank int
	}
	// NullableType is Elem?.
	NullableType struct {
		Span
		Elem Type
	}
	// TupleType is (T1 a, T2). Names may be empty.
	TupleType struct {
		Span
		Elems []TupleTypeElem
	}
	// TupleTypeElem is one element of a tuple's type.
	TupleTypeElem struct {
		Type Type
		Name Ident
	}
)

// LiteralKind is the kind of a literal.
type LiteralKind byte

// Kinds of literals, with the Go type of [Literal.Value].
const (
	NullLiteral   LiteralKind = iota // nil
	BoolLiteral                      // bool
	CharLiteral                      // uint16, a UTF-16 code unit
	StringLiteral                    // string, lone surrogates in WTF-8
	IntLiteral                       // uint64; Suffix says the type
	RealLiteral                      // string, the digits without suffix and "_"; Suffix: "", F, D, M
)

// Expressions.
type (
	// Literal is a literal. Suffix is in capitals: "", U, L, UL, F, D, M.
	Literal struct {
		Span
		Kind   LiteralKind
		Value  any
		Suffix string
		// Quote says how a string was written: '"', '@' for a verbatim string,
		// '\'' for a string of several characters in single quotes, which API
		// Management takes too.
		Quote byte
		// Hex, Binary: an integer was written so.
		Hex, Binary bool
	}
	// Interpolated is $"…" or $@"…".
	Interpolated struct {
		Span
		Verbatim bool
		Parts    []InterpolatedPart
	}
	// InterpolatedPart is text, or a hole where Expr is not nil. Text is
	// resolved: escapes and doubled braces are single.
	InterpolatedPart struct {
		Span
		Text   string
		Expr   Expr
		Align  Expr // nil: none
		Format string
		// HasFormat tells {x:} from {x}.
		HasFormat bool
	}
	// Name is a simple name, perhaps with type arguments: x, F<int>. A
	// predefined type before a dot is one too (string.Empty), Predefined.
	Name struct {
		Span
		Ident      Ident
		Args       []Type
		Predefined bool
	}
	// QualifiedAlias is global::System.
	QualifiedAlias struct {
		Span
		Alias, Ident Ident
	}
	// Member is X.Name<Args>. X nil: ".Name" inside a [Conditional] access.
	Member struct {
		Span
		X    Expr
		Name Ident
		Args []Type
	}
	// Call is Fun(Args).
	Call struct {
		Span
		Fun  Expr
		Args []Arg
	}
	// Arg is one argument of a call, an index or a constructor.
	Arg struct {
		Span
		// Name of a named argument; empty: positional.
		Name Ident
		// Ref is "", "ref", "out" or "in".
		Ref  string
		Expr Expr
	}
	// Index is X[Args]. X nil: "[Args]" inside a [Conditional] access.
	Index struct {
		Span
		X    Expr
		Args []Arg
	}
	// Conditional is X?.A or X?[i]: Then hangs on the value of X, and begins
	// innermost with a [Member] or an [Index] whose X is nil.
	Conditional struct {
		Span
		X    Expr
		Then Expr
	}
	// Unary is a prefix operator: + - ! ~ ++ --.
	Unary struct {
		Span
		Op string
		X  Expr
	}
	// Postfix is X++ or X--.
	Postfix struct {
		Span
		Op string
		X  Expr
	}
	// Binary is * / % + - << >> < > <= >= == != & ^ | && || ??.
	Binary struct {
		Span
		Op    string
		OpPos Pos
		X, Y  Expr
	}
	// Assign is X = Y, or X += Y and its like; Op is as written.
	Assign struct {
		Span
		Op   string
		X, Y Expr
	}
	// Ternary is Cond ? Then : Else.
	Ternary struct {
		Span
		Cond, Then, Else Expr
	}
	// Cast is (Type)X.
	Cast struct {
		Span
		Type Type
		X    Expr
	}
	// As is X as Type.
	As struct {
		Span
		X    Expr
		Type Type
	}
	// Is is X is Pattern; a plain type is a [TypePattern].
	Is struct {
		Span
		X       Expr
		Pattern Pattern
	}
	// Paren is (X).
	Paren struct {
		Span
		X Expr
	}
	// Tuple is (a, b: c), with two elements or more.
	Tuple struct {
		Span
		Elems []Arg
	}
	// Decl is a declaration in an expression: out var x, out int x, and the
	// elements of (var a, var b) = t.
	Decl struct {
		Span
		Type Type
		Name Ident
		// Names, for var (a, b) = t; Name is empty then.
		Names []Ident
	}
	// Discard is "_" where it takes a value: out _, (_, b) = t.
	Discard struct{ Span }
	// Lambda is x => Body and (a, b) => Body; also delegate(…) {…}.
	Lambda struct {
		Span
		Params []Param
		// Body is an [Expr] or a *Block.
		Body Node
		// Anonymous: delegate {…}; NoParams then tells delegate {…} from
		// delegate () {…}.
		Anonymous, NoParams, Async bool
	}
	// Param is a parameter; Type nil: to be inferred.
	Param struct {
		Span
		Ref     string // "", ref, out, in, params, this
		Type    Type
		Name    Ident
		Default Expr
	}
	// New is new Type(Args) {Init}. HasArgs tells new T{} from new T(){}.
	New struct {
		Span
		Type    Type
		Args    []Arg
		HasArgs bool
		Init    *Initializer
	}
	// Initializer is {a, b}, {Name = x} or {[i] = x, {k, v}}.
	Initializer struct {
		Span
		Elems []InitElem
	}
	// InitElem is one element: a member's (Name), an index's (Index), a
	// collection's single value, or of several in braces (Values).
	InitElem struct {
		Span
		Name  Ident
		Index []Arg
		// Value is an [Expr] or an *Initializer; nil: see Values.
		Value  Node
		Values []Expr
	}
	// NewArray is new T[n]{…}, new T[]{…}, new[]{…} where Elem is nil. Sizes
	// are empty where the initializer says them. Rank is that of the outer
	// array; Elem has the further ones.
	NewArray struct {
		Span
		Elem  Type
		Sizes []Expr
		Rank  int
		Init  *Initializer
	}
	// NewAnonymous is new { a, b.C, D = e }.
	NewAnonymous struct {
		Span
		Elems []AnonymousElem
	}
	// AnonymousElem has an empty Name where Value says it.
	AnonymousElem struct {
		Span
		Name  Ident
		Value Expr
	}
	// TypeOf is typeof(T).
	TypeOf struct {
		Span
		Type Type
	}
	// SizeOf is sizeof(T).
	SizeOf struct {
		Span
		Type Type
	}
	// Default is default(T), and default where Type is nil.
	Default struct {
		Span
		Type Type
	}
	// Checked is checked(X) or unchecked(X).
	Checked struct {
		Span
		Unchecked bool
		X         Expr
	}
	// ThrowExpr is throw X, as an expression.
	ThrowExpr struct {
		Span
		X Expr
	}
	// Query is a query expression: from x in xs where … select ….
	Query struct {
		Span
		Clauses []QueryClause
	}
	// QueryClause is one clause. Kind is from, let, where, join, orderby,
	// select, group or into.
	QueryClause struct {
		Span
		Kind string
		Type Type  // of from and join; nil: inferred
		Name Ident // of from, let, join, into
		// X is the source, value or condition; Y what group is by; On and
		// Equals those of join; Into the name of join … into.
		X, Y, On, Equals Expr
		Into             Ident
		Orders           []QueryOrder
	}
	// QueryOrder is one key of orderby.
	QueryOrder struct {
		X          Expr
		Descending bool
	}
	// This is "this" or "base": a policy expression has neither, which the
	// checker says.
	This struct {
		Span
		Base bool
	}
	// TypeExpr is a type where an expression stands, that cannot be written as
	// a [Name] or [Member]: int[] or int? before a dot, never valid by itself.
	TypeExpr struct {
		Span
		Type Type
	}
	// Await is await X.
	Await struct {
		Span
		X Expr
	}
)

// Patterns.
type (
	// TypePattern is a type, or a constant's name: which, the checker finds.
	TypePattern struct {
		Span
		Type Type
	}
	// ConstPattern is a constant expression.
	ConstPattern struct {
		Span
		X Expr
	}
	// DeclPattern is Type name; name "_" discards. Type "var" matches all.
	DeclPattern struct {
		Span
		Type Type
		Name Ident
	}
)
