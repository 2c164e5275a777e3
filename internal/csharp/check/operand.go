package check

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// operand is what an expression stands for before it is known what is wanted of
// it.
type operand struct {
	kind operandKind
	// e is the value.
	e Expr
	// t is the type that a name stands for.
	t *clr.Type
	// space is a namespace.
	space string
	group *group
	// lambda, tuple, node: what has no type by itself.
	lambda *syntax.Lambda
	tuple  []operand
	node   syntax.Node
	// scope and fn are where a lambda or methods stand: they are converted later,
	// maybe when the function around them is done.
	scope *scope
	fn    *Func
}

// there carries out f where o stands.
func (c *checker) there(o operand, f func()) {
	scope, fn := c.scope, c.fn
	if o.scope != nil {
		c.scope, c.fn = o.scope, o.fn
	}
	f()
	c.scope, c.fn = scope, fn
}

type operandKind byte

const (
	invalid    operandKind = iota
	value                  // e
	typeName               // t
	spaceName              // space
	methods                // group
	lambdaExpr             // lambda
	nullValue
	defaultValue // default without a type
	throwValue   // throw x: e is the *Throw
	tupleValue   // tuple: no type of its own, as (1, null)
	discard      // _
)

// group is methods that a call chooses from.
type group struct {
	x    Expr      // receiver; nil: static
	in   *clr.Type // where the search begins
	name string
	args []*clr.Type // explicit type arguments
	// local is a local function.
	local *Var
	node  syntax.Node
}

// bad is the type of what is wrong; nothing more is said about it.
var bad = clr.AnonymousOf([]string{"<wrong>"}, []*clr.Type{clr.Void})

func wrong(n syntax.Node) operand {
	return operand{kind: value, e: &Const{typed: typed{bad, spanOf(n)}}, node: n}
}

func (c *checker) valueOf(e Expr, n syntax.Node) operand {
	return operand{kind: value, e: e, node: n}
}

// typ is the type of an operand; nil: it has none.
func (o operand) typ() *clr.Type {
	if o.kind == value {
		return o.e.T()
	}
	return nil
}

func (o operand) isBad() bool { return o.kind == invalid || o.kind == value && o.e.T() == bad }

// constant is the operand's constant value; nil: it is none.
func (o operand) constant() *Const {
	if o.kind != value {
		return nil
	}
	k, _ := o.e.(*Const)
	return k
}

// rvalue wants a value: not a type, a namespace or methods.
func (c *checker) rvalue(o operand) operand {
	switch o.kind {
	case typeName:
		c.errorf(o.node, "CS0119", "'%s' is a type, which is not valid in the given context", o.t)
		return wrong(o.node)
	case spaceName:
		c.errorf(o.node, "CS0103", "The name '%s' does not exist in the current context", o.space)
		return wrong(o.node)
	case discard:
		c.errorf(o.node, "CS0103", "The name '_' does not exist in the current context")
		return wrong(o.node)
	}
	return o
}

// typedValue wants a value that has a type of its own.
func (c *checker) typedValue(o operand) Expr {
	o = c.rvalue(o)
	switch o.kind {
	case value:
		return o.e
	case tupleValue:
		elems := make([]Expr, len(o.tuple))
		types := make([]*clr.Type, len(o.tuple))
		for i, e := range o.tuple {
			elems[i] = c.typedValue(e)
			types[i] = elems[i].T()
		}
		return &Record{typed{clr.TupleOf(types, nil), spanOf(o.node)}, elems}
	case nullValue:
		c.errorf(o.node, "CS0815", "<null> has no type here; mend: a cast, such as (string)null")
	case lambdaExpr:
		c.errorf(o.node, "CS0815", "a lambda expression has no type here; mend: a variable of a delegate type, or a call that takes one")
	case methods:
		c.errorf(o.node, "CS0119", "'%s' is a method, which is not valid in the given context; mend: call it", o.group.name)
	case defaultValue:
		c.errorf(o.node, "CS8716", "There is no target type for the default literal")
	case throwValue:
		c.errorf(o.node, "CS8115", "A throw expression is not allowed in this context")
	}
	return wrong(o.node).e
}

// value checks an expression that has to have a value of its own type.
func (c *checker) value(e syntax.Expr) Expr { return c.typedValue(c.expr(e)) }

// nonVoid is value, and refuses what gives nothing.
func (c *checker) nonVoid(e syntax.Expr) Expr {
	x := c.value(e)
	if x.T() == clr.Void {
		c.errorf(e, "CS0815", "void is no value")
		return wrong(e).e
	}
	return x
}

// describe is an operand for messages.
func (o operand) describe() string {
	switch o.kind {
	case value:
		return o.e.T().String()
	case nullValue:
		return "<null>"
	case lambdaExpr:
		return "lambda expression"
	case methods:
		return "method group"
	case defaultValue:
		return "default"
	case throwValue:
		return "<throw expression>"
	case tupleValue:
		return "tuple"
	case typeName:
		return o.t.String()
	}
	return "?"
}
