// Package check gives an expression of a policy its meaning: names are
// resolved, every part has a static type, overloads, conversions and type
// arguments are chosen as C# 7 chooses them, and what Azure's list does not
// allow is refused.
//
// [Check] guarantees that what comes back without errors can be planned without
// looking at the syntax again, that errors have the C# compiler's own codes
// where it has one, and that its work is bounded: lambdas are looked at once for
// each list of parameter types that a call tries them with, and the number of
// those is limited. It does not change the syntax tree.
package check

import (
	"fmt"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// Options say what an expression is checked for.
type Options struct {
	Universe *clr.Universe
	// Context is the type of "context"; nil: there is none.
	Context *clr.Type
}

// MaxErrors is how many errors of one expression are told.
const MaxErrors = 20

// MaxTrials is how often lambdas of one expression may be looked at.
const MaxTrials = 2000

// MaxConstant is how long the strings together may be, in bytes, that operators
// of constants give.
const MaxConstant = 16 << 20

// MaxRange is how many range variables one query may have: each clause names
// them all.
const MaxRange = 100

// Check checks an expression.
func Check(p *syntax.Program, opt Options) (*Program, []*syntax.Error) {
	c := &checker{u: opt.Universe, trials: MaxTrials}
	out := c.program(p, opt)
	return out, c.errs
}

func (c *checker) program(p *syntax.Program, opt Options) *Program {
	main := &Func{Name: "@", Result: clr.ObjectType}
	c.fn = main
	out := &Program{Main: main, Result: clr.ObjectType}
	defer c.ended()
	c.open()
	if opt.Context != nil {
		out.Context = c.declare(syntax.Ident{Name: "context"}, opt.Context)
		out.Context.used = false
	}
	if p.Block != nil {
		c.mainBlock(p.Block)
	} else if p.Expr != nil {
		out.Result = c.mainExpr(p.Expr)
	}
	c.close()
	if len(c.errs) == 0 {
		c.flow(main, out.Context)
	}
	return out
}

// ended tells a limit that ended the check, at what was being checked.
func (c *checker) ended() {
	switch p := recover().(type) {
	case nil:
	case *clr.LimitError:
		c.quiet = 0
		c.errs = c.errs[:min(len(c.errs), MaxErrors-1)]
		c.errorf(c.at, "CS8078", "the expression takes more than its limit of %s (%s)", p.Limit, p.Most)
	default:
		panic(p)
	}
}

func (c *checker) mainExpr(e syntax.Expr) *clr.Type {
	o := c.expr(e)
	result := clr.ObjectType
	if t := o.typ(); t != nil && t != clr.Void && t != bad {
		result = t
	}
	c.fn.Result = result
	if o.kind == value && o.e.T() == clr.Void {
		c.errorf(e, "CS0029", "Cannot implicitly convert type 'void' to 'object': the expression gives no value")
		return result
	}
	x := c.convert(o, result, e)
	c.fn.Body = &Block{Stmts: []Stmt{&Return{X: x, Span: spanOf(e)}}, Span: spanOf(e)}
	return result
}

func (c *checker) mainBlock(b *syntax.Block) {
	c.fn.Body = c.block(b)
}

type checker struct {
	// queries are the lambdas that queries were translated to; ranges: the
	// parameters of one are being declared.
	queries map[*syntax.Lambda]bool
	ranges  bool

	u    *clr.Universe
	errs []*syntax.Error
	// quiet: a lambda is being tried; errors are counted, not kept.
	quiet  int
	failed bool
	// at is the expression that was begun last.
	at syntax.Node
	// folded is the constant string that an operator gave last; foldSize: how
	// long all are.
	folded   *Const
	foldSize int

	fn    *Func
	scope *scope
	// returns gathers the return statements of the function at hand, where its
	// result is still to be found.
	returns *[]*returned

	loops    int
	switches []*switching
	catches  int
	finally  int
	checked  bool
	uncheck  int // how many unchecked(…) are around
	trials   int
	lambdas  map[*syntax.Lambda][]*triedLambda
	exts     map[string][]*clr.Member
}

// returned is a return statement and what it returns, not converted yet.
type returned struct {
	stmt *Return
	op   operand
	node syntax.Node
}

// scope is where names are declared.
type scope struct {
	outer *scope
	fn    *Func
	names map[string]*Var
	vars  []*Var
	// later are names that the block declares somewhere; marks are its labels.
	later map[string]bool
	marks map[string]*Mark
	// instances are local functions with type parameters, made for the types of
	// calls.
	instances []Stmt
	// types are type parameters of a local function.
	types map[string]*clr.Type
}

func (c *checker) open() { c.scope = &scope{outer: c.scope, fn: c.fn} }

func (c *checker) close() []*Var {
	if c.scope == nil { // a limit ends the check, past scopes that stay open
		return nil
	}
	vars := c.scope.vars
	c.scope = c.scope.outer
	return vars
}

// declare makes a variable of the innermost scope.
func (c *checker) declare(name syntax.Ident, t *clr.Type) *Var {
	v := &Var{Name: name.Name, Type: t, Func: c.fn, Span: name.Span}
	if name.Name != "" {
		if old := c.clash(name.Name); old != nil {
			if old.scope == c.scope {
				c.errorAt(name.Span, "CS0128", "A local variable or function named '%s' is already defined in this scope", name.Name)
			} else if c.ranges {
				c.errorAt(name.Span, "CS1931", "The range variable '%s' conflicts with a previous declaration of '%s'", name.Name, name.Name)
			} else {
				c.errorAt(name.Span, "CS0136", "A local or parameter named '%s' cannot be declared in this scope because that name is used in an enclosing local scope to define a local or parameter", name.Name)
			}
		}
		if c.scope.names == nil {
			c.scope.names = map[string]*Var{}
		}
		c.scope.names[name.Name] = v
	}
	c.scope.vars = append(c.scope.vars, v)
	c.fn.Vars = append(c.fn.Vars, v)
	return v
}

type clashing struct {
	v     *Var
	scope *scope
}

// clash finds a variable that has the name already.
func (c *checker) clash(name string) *clashing {
	for s := c.scope; s != nil; s = s.outer {
		if v := s.names[name]; v != nil {
			return &clashing{v, s}
		}
	}
	return nil
}

// temp makes a variable that has no name.
func (c *checker) temp(t *clr.Type) *Var {
	v := &Var{Type: t, Func: c.fn}
	c.fn.Vars = append(c.fn.Vars, v)
	return v
}

// lookup finds a variable, and notes where another function than its own uses
// it.
func (c *checker) lookup(name string) *Var {
	for s := c.scope; s != nil; s = s.outer {
		if v := s.names[name]; v != nil {
			c.use(v)
			return v
		}
	}
	return nil
}

func (c *checker) use(v *Var) {
	v.used = true
	if v.Const != nil {
		return
	}
	if c.fn != v.Func {
		v.Captured = true
	}
}

func spanOf(n syntax.Node) syntax.Span {
	if n == nil {
		return syntax.Span{}
	}
	return syntax.Span{From: n.Start(), To: n.End()}
}

func (c *checker) errorf(n syntax.Node, code, format string, args ...any) {
	c.errorAt(spanOf(n), code, format, args...)
}

func (c *checker) errorAt(at syntax.Span, code, format string, args ...any) {
	c.failed = true
	if c.quiet > 0 || len(c.errs) >= MaxErrors {
		return
	}
	for _, e := range c.errs {
		if e.Offset == int(at.From) && e.Code == code {
			return
		}
	}
	c.errs = append(c.errs, &syntax.Error{Offset: int(at.From), End: int(at.To), Code: code, Reason: fmt.Sprintf(format, args...)})
}
