package check

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// Program is a checked expression.
type Program struct {
	// Main is the expression as a function without parameters: of "@(…)" its
	// body is one return.
	Main *Func
	// Result is the static type of "@(…)"; System.Object for "@{…}".
	Result *clr.Type
	// Context is what "context" is; nil: it is not used.
	Context *Var
}

// Func is a piece of code with variables of its own: the whole expression, a
// lambda, a local function.
type Func struct {
	Name   string
	Params []*Var
	// Result is what it returns; Void: nothing.
	Result *clr.Type
	Body   *Block
	// Expr is the body of a lambda that is an expression; Body is nil then.
	Expr Expr
	// Vars are all variables that it declares, parameters included.
	Vars  []*Var
	Outer *Func
	// Elem: the function is an iterator of such elements, whose statements are
	// Yields; nil: it is none.
	Elem *clr.Type

	// defaults and params are of a local function's parameters.
	defaults []*clr.Value
	params   bool
}

// Var is a local variable or a parameter.
type Var struct {
	Name string
	Type *clr.Type
	Func *Func
	// Captured: a function inside Func uses it, so that it outlives its block.
	Captured bool
	// Ref is "out" or "ref" for such a parameter of a local function: its
	// value is a *clr.Ref.
	Ref string
	// Const is the value of a constant, which has no place.
	Const *clr.Value
	// ReadOnly: of foreach and using.
	ReadOnly string
	Span     syntax.Span
	// local is the local function that a variable stands for.
	local   *Func
	generic *genericFunc
	used    bool
}

// Expr is a checked expression.
type Expr interface {
	// T is its static type.
	T() *clr.Type
	// At is where it stands.
	At() syntax.Span
}

type typed struct {
	Type *clr.Type
	Span syntax.Span
}

func (n *typed) T() *clr.Type    { return n.Type }
func (n *typed) At() syntax.Span { return n.Span }

// Expressions. Operands have been converted: what an operator or a member
// takes is what it gets.
type (
	// Const is a constant.
	Const struct {
		typed
		Value clr.Value
	}
	// Local is a variable.
	Local struct {
		typed
		Var *Var
	}
	// Get reads a property or a field; X is nil for a static one.
	Get struct {
		typed
		X Expr
		M *clr.Member
	}
	// Call calls a method, constructor, operator, conversion or indexer. X is
	// the receiver of an instance member.
	Call struct {
		typed
		X     Expr
		M     *clr.Member
		Args  []Expr
		Types []*clr.Type
	}
	// Invoke calls a delegate.
	Invoke struct {
		typed
		Fn   Expr
		Args []Expr
	}
	// CallLocal calls a local function, whose variable is Fn.
	CallLocal struct {
		typed
		Fn   *Var
		Args []Expr
	}
	// RefArg is an argument given as out or ref; the target is a variable or
	// an element.
	RefArg struct {
		typed
		Target Expr
		// Out: out, else ref.
		Out bool
	}
	// Convert changes a value into one of its Type.
	Convert struct {
		typed
		X       Expr
		Kind    ConvertKind
		Checked bool
	}
	// Unary is a predefined operator: + - ! ~ on the type of X.
	Unary struct {
		typed
		Op      string
		X       Expr
		Checked bool
		// Lifted: X is nullable, and null gives null.
		Lifted bool
	}
	// Binary is a predefined operator on two operands of type Operand.
	Binary struct {
		typed
		Op      string
		X, Y    Expr
		Operand *clr.Type
		Checked bool
		// Lifted: the operands are nullables of Operand.
		Lifted bool
	}
	// Lifted is a user-defined operator on nullables: null gives null, or what
	// comparisons give.
	Lifted struct {
		typed
		Op   string
		M    *clr.Member
		X, Y Expr // Y nil: unary
	}
	// Logical is && and ||.
	Logical struct {
		typed
		Or   bool
		X, Y Expr
	}
	// Concat joins the text of its parts.
	Concat struct {
		typed
		Parts []Expr
	}
	// Interpolated is $"…".
	Interpolated struct {
		typed
		Parts []InterpolatedPart
	}
	// InterpolatedPart is text, or X where that is not nil.
	InterpolatedPart struct {
		Text   string
		X      Expr
		Align  int
		Format string
	}
	// Equality is == and != on references: Same.
	Equality struct {
		typed
		Not  bool
		X, Y Expr
	}
	// IsNull is x == null and its like.
	IsNull struct {
		typed
		Not bool
		X   Expr
	}
	// Coalesce is X ?? Y. Unwrap: X is a nullable of the result's type.
	Coalesce struct {
		typed
		X, Y Expr
		// Conv makes of the value of X, which lies in Temp, one of the result;
		// nil: nothing is to be done.
		Temp *Var
		Conv Expr
	}
	// Ternary is C ? A : B.
	Ternary struct {
		typed
		C, A, B Expr
	}
	// CondAccess is X?.…: Then is evaluated with the value of X in Temp, where
	// it is not null; else the result is null.
	CondAccess struct {
		typed
		X    Expr
		Temp *Var
		Then Expr
	}
	// Elem is an element of an array.
	Elem struct {
		typed
		X     Expr
		Index []Expr
	}
	// Assign puts a value where Target says: a *Local, *Get, *Call of an
	// indexer, *Elem, *TupleField, or nil for a discard.
	Assign struct {
		typed
		Target Expr
		Value  Expr
	}
	// Compound is X op= y, ++ and --. What Target consists of is evaluated
	// once; its value is in Old while Value is evaluated. Post: the result is
	// the old value.
	Compound struct {
		typed
		Target Expr
		Old    *Var
		Value  Expr
		Post   bool
	}
	// Deconstruct is (a, b) = t.
	Deconstruct struct {
		typed
		Targets []Expr // *Local, … , nil: discard
		// Convs make of the elements, which lie in Temps, what the targets take.
		Temps []*Var
		Convs []Expr
		Value Expr
	}
	// Lambda makes a delegate of a function.
	Lambda struct {
		typed
		Func *Func
	}
	// MethodGroup makes a delegate of a method; X nil: static. With an
	// extension method X is the first argument.
	MethodGroup struct {
		typed
		X     Expr
		M     *clr.Member
		Types []*clr.Type
		// Params are what the delegate is called with; Call is the call.
		Func *Func
	}
	// NewArray makes an array: of Sizes, or of Elems.
	NewArray struct {
		typed
		Sizes []Expr
		Elems []Expr
		// Dims are the lengths that an initializer of several dimensions has.
		Dims []int
	}
	// Init makes an object, puts it in Temp, and carries out Steps.
	Init struct {
		typed
		New   Expr
		Temp  *Var
		Steps []Expr
	}
	// Record makes an anonymous object or a tuple.
	Record struct {
		typed
		Elems []Expr
	}
	// Field is a member of an anonymous object or a tuple.
	Field struct {
		typed
		X     Expr
		Index int
	}
	// IsType is x is T.
	IsType struct {
		typed
		X  Expr
		To *clr.Type
	}
	// Match is x is pattern.
	Match struct {
		typed
		X       Expr
		Pattern Pattern
	}
	// As is x as T.
	As struct {
		typed
		X Expr
	}
	// TypeOf is typeof(T).
	TypeOf struct {
		typed
		Of *clr.Type
	}
	// Throw is throw x as an expression.
	Throw struct {
		typed
		X Expr
	}
	// Sequence carries out Steps and gives the value of X.
	Sequence struct {
		typed
		Steps []Stmt
		X     Expr
	}
)

// ConvertKind says what Convert does.
type ConvertKind byte

// Kinds of conversions.
const (
	// Numeric is between numbers, char included; also enums.
	Numeric ConvertKind = iota + 1
	// Upcast needs nothing at run time: also boxing, and T to T?.
	Upcast
	// Downcast tests the type: InvalidCastException.
	Downcast
	// Unbox wants exactly the type: InvalidCastException, or
	// NullReferenceException.
	Unbox
	// LiftNumeric is Numeric on nullables.
	LiftNumeric
	// Unwrap is T? to T: InvalidOperationException.
	Unwrap
	// Redelegate is from one delegate type to another with the same shape.
	Redelegate
	// TupleConvert converts element by element with Elems.
	TupleConvert
)

// Pattern is a checked pattern.
type Pattern interface{ pattern() }

type (
	// TypePattern matches values of a type and puts them in Var (nil: nowhere).
	TypePattern struct {
		To  *clr.Type
		Var *Var
	}
	// ConstPattern matches a constant: object.Equals.
	ConstPattern struct{ Value clr.Value }
	// VarPattern matches all.
	VarPattern struct{ Var *Var }
)

func (*TypePattern) pattern()  {}
func (*ConstPattern) pattern() {}
func (*VarPattern) pattern()   {}

// Stmt is a checked statement.
type Stmt interface{ stmt() }

type (
	// Block is statements; Vars are declared in it and made when it is entered.
	Block struct {
		Vars  []*Var
		Stmts []Stmt
		Span  syntax.Span
	}
	// ExprStmt evaluates X.
	ExprStmt struct{ X Expr }
	// Declare gives a variable its first value; Init nil: none.
	Declare struct {
		Var  *Var
		Init Expr
		Span syntax.Span
	}
	// DeclareFunc is a local function, made when its block is entered.
	DeclareFunc struct {
		Var  *Var
		Func *Func
	}
	// If is if.
	If struct {
		Cond       Expr
		Then, Else Stmt
	}
	// Loop is while, do (Post) and for. Vars are those of the for's first part,
	// one instance for all rounds.
	Loop struct {
		Vars  []*Var
		Init  []Stmt
		Cond  Expr // nil: true
		Step  []Expr
		Body  Stmt
		After bool // the condition is looked at after the body
		Span  syntax.Span
	}
	// Foreach goes through X. Conv makes of the element, which lies in Temp,
	// the value of Var, which each round has anew.
	Foreach struct {
		Var   *Var
		Temp  *Var
		Conv  Expr
		X     Expr
		Body  Stmt
		Span  syntax.Span
		Split Stmt // deconstructs Var
	}
	// Switch compares the value of X, which lies in Temp.
	Switch struct {
		X        Expr
		Temp     *Var
		Vars     []*Var
		Sections []Section
		Span     syntax.Span
	}
	// Section is the labels of a switch's section and its statements.
	Section struct {
		Labels []Label
		Stmts  []Stmt
	}
	// Label is a case; Pattern nil: default.
	Label struct {
		Pattern Pattern
		When    Expr
		Span    syntax.Span
	}
	// Break leaves the loop or switch around it.
	Break struct{ Span syntax.Span }
	// Continue goes on with the next round.
	Continue struct{ Span syntax.Span }
	// GotoCase goes to a section of the switch around it.
	GotoCase struct {
		Section int
		Span    syntax.Span
	}
	// Mark is a label; Goto goes to it, in the block that holds it or one around.
	Mark struct{ Name string }
	// Goto goes on behind a mark.
	Goto struct {
		To   *Mark
		Span syntax.Span
	}
	// Yield gives one element of an iterator; X nil: it has no more.
	Yield struct {
		X    Expr
		Span syntax.Span
	}
	// Return ends the function; X nil: nothing.
	Return struct {
		X    Expr
		Span syntax.Span
	}
	// ThrowStmt throws; X nil: the exception that is being caught.
	ThrowStmt struct {
		X    Expr
		Span syntax.Span
	}
	// Try is try.
	Try struct {
		Body    *Block
		Catches []Catch
		Finally *Block
	}
	// Catch catches exceptions of type Of; Var nil: it has no name.
	Catch struct {
		Of   *clr.Type
		Var  *Var
		When Expr
		Body *Block
	}
	// Using disposes of the value of Var at the end.
	Using struct {
		Var  *Var
		Init Expr
		Body Stmt
		Vars []*Var
	}
	// Empty does nothing.
	Empty struct{}
)

func (*Block) stmt()       {}
func (*ExprStmt) stmt()    {}
func (*Declare) stmt()     {}
func (*DeclareFunc) stmt() {}
func (*If) stmt()          {}
func (*Loop) stmt()        {}
func (*Foreach) stmt()     {}
func (*Switch) stmt()      {}
func (*Break) stmt()       {}
func (*Continue) stmt()    {}
func (*GotoCase) stmt()    {}
func (*Mark) stmt()        {}
func (*Goto) stmt()        {}
func (*Yield) stmt()       {}
func (*Return) stmt()      {}
func (*ThrowStmt) stmt()   {}
func (*Try) stmt()         {}
func (*Using) stmt()       {}
func (*Empty) stmt()       {}
