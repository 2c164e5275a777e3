package check

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// block checks {…}. Local functions are declared first: they may be called
// before they stand.
func (c *checker) block(b *syntax.Block) *Block {
	c.open()
	out := &Block{Span: b.Span}
	c.foresee(b.Stmts)
	funcs := c.localFuncs(b.Stmts)
	out.Stmts = c.stmts(b.Stmts, funcs)
	out.Vars = c.close()
	return out
}

func (c *checker) stmts(in []syntax.Stmt, funcs map[*syntax.LocalFunc]*Var) []Stmt {
	var out []Stmt
	for _, s := range in {
		if f, ok := s.(*syntax.LocalFunc); ok {
			out = appendStmt(out, c.localFunc(f, funcs[f]))
			continue
		}
		out = appendStmt(out, c.stmt(s))
	}
	return append(c.scope.instances, out...)
}

func appendStmt(out []Stmt, s Stmt) []Stmt {
	switch s := s.(type) {
	case nil:
		return out
	case *several:
		return append(out, s.stmts...)
	}
	return append(out, s)
}

// embedded is a statement behind if, while and their like, which may not be a
// declaration.
func (c *checker) embedded(s syntax.Stmt) Stmt {
	switch s.(type) {
	case *syntax.LocalDecl, *syntax.LocalFunc, *syntax.Labeled:
		c.errorf(s, "CS1023", "Embedded statement cannot be a declaration or labeled statement")
	}
	c.open()
	out := c.stmt(s)
	vars := c.close()
	if len(vars) > 0 {
		return &Block{Vars: vars, Stmts: []Stmt{orEmpty(out)}, Span: spanOf(s)}
	}
	return orEmpty(out)
}

func orEmpty(s Stmt) Stmt {
	if s == nil {
		return &Empty{}
	}
	return s
}

func (c *checker) stmt(s syntax.Stmt) Stmt {
	switch s := s.(type) {
	case *syntax.Block:
		return c.block(s)
	case *syntax.LocalDecl:
		return c.localDecl(s)
	case *syntax.ExprStmt:
		return c.exprStmt(s)
	case *syntax.If:
		cond := c.condition(s.Cond)
		then := c.embedded(s.Then)
		var els Stmt
		if s.Else != nil {
			els = c.embedded(s.Else)
		}
		return &If{cond, then, els}
	case *syntax.While:
		return c.scoped(s.Span, func() Stmt {
			cond := c.condition(s.Cond)
			return &Loop{Cond: cond, Body: c.loopBody(s.Body), Span: s.Span}
		})
	case *syntax.Do:
		body := c.loopBody(s.Body)
		return &Loop{Cond: c.condition(s.Cond), Body: body, After: true, Span: s.Span}
	case *syntax.For:
		return c.forLoop(s)
	case *syntax.Foreach:
		return c.foreach(s)
	case *syntax.Switch:
		return c.switchStmt(s)
	case *syntax.Try:
		return c.try(s)
	case *syntax.Using:
		return c.using(s)
	case *syntax.Empty:
		return &Empty{}
	}
	return c.jump(s)
}

// scoped gives what a statement declares in its head a block of its own.
func (c *checker) scoped(at syntax.Span, f func() Stmt) Stmt {
	c.open()
	s := f()
	vars := c.close()
	if len(vars) == 0 {
		return s
	}
	return &Block{Vars: vars, Stmts: []Stmt{s}, Span: at}
}

func (c *checker) jump(s syntax.Stmt) Stmt {
	switch s := s.(type) {
	case *syntax.Break:
		if c.loops == 0 && len(c.switches) == 0 {
			c.errorf(s, "CS0139", "No enclosing loop out of which to break or continue")
		}
		return &Break{s.Span}
	case *syntax.Continue:
		if c.loops == 0 {
			c.errorf(s, "CS0139", "No enclosing loop out of which to break or continue")
		}
		return &Continue{s.Span}
	case *syntax.Return:
		return c.returnStmt(s)
	case *syntax.Throw:
		if s.X == nil {
			if c.catches == 0 {
				c.errorf(s, "CS0156", "A throw statement with no arguments is not allowed outside of a catch clause")
			}
			return &ThrowStmt{nil, s.Span}
		}
		return &ThrowStmt{c.exception(s.X), s.Span}
	case *syntax.Goto:
		return c.gotoStmt(s)
	case *syntax.CheckedStmt:
		was, uncheck := c.checked, c.uncheck
		c.checked, c.uncheck = !s.Unchecked, plus(s.Unchecked)
		b := c.block(s.Body)
		c.checked, c.uncheck = was, uncheck
		return b
	case *syntax.Labeled:
		return c.labeled(s)
	case *syntax.Lock:
		return c.lock(s)
	case *syntax.Yield:
		return c.yield(s)
	}
	return nil
}

func (c *checker) returnStmt(s *syntax.Return) Stmt {
	if c.finally > 0 {
		c.errorf(s, "CS0157", "Control cannot leave the body of a finally clause")
	}
	out := &Return{Span: s.Span}
	if c.returns != nil { // a lambda: its result is found later
		r := &returned{stmt: out, node: nil}
		if s.X != nil {
			r.op, r.node = c.rvalue(c.expr(s.X)), s.X
			if r.op.isBad() {
				return out
			}
			if r.op.kind == value {
				out.X = r.op.e
			}
		}
		*c.returns = append(*c.returns, r)
		return out
	}
	if c.fn.Elem != nil {
		c.errorf(s, "CS1622", "Cannot return a value from an iterator. Use the yield return statement to return a value, or yield break to end the iteration.")
		return out
	}
	switch {
	case s.X == nil && c.fn.Result != clr.Void:
		if c.fn.Outer == nil {
			c.errorf(s, "CS0126", "An object of a type convertible to 'object' is required: the expression has to return a value")
			return out
		}
		c.errorf(s, "CS0126", "An object of a type convertible to '%s' is required", c.fn.Result)
	case s.X != nil && c.fn.Result == clr.Void:
		c.errorf(s, "CS0127", "Since '%s' returns void, a return keyword must not be followed by an object expression", c.fn.Name)
	case s.X != nil:
		out.X = c.convert(c.expr(s.X), c.fn.Result, s.X)
	}
	return out
}

func (c *checker) exprStmt(s *syntax.ExprStmt) Stmt {
	o := c.rvalue(c.expr(s.X))
	if o.isBad() {
		return &ExprStmt{wrong(s).e}
	}
	e := c.typedValue(o)
	if !statementSyntax(s.X) {
		c.errorf(s.X, "CS0201", "Only assignment, call, increment, decrement, and new object expressions can be used as a statement")
	}
	return &ExprStmt{e}
}

func statementSyntax(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.Call, *syntax.Assign, *syntax.Postfix, *syntax.New:
		return true
	case *syntax.Unary:
		return e.Op == "++" || e.Op == "--"
	case *syntax.Conditional:
		return statementSyntax(e.Then)
	}
	return false
}

// localDecl is T x = …, y;.
func (c *checker) localDecl(s *syntax.LocalDecl) Stmt {
	if s.Ref {
		c.refuse(s, "ref")
		return nil
	}
	var t *clr.Type
	inferred := isVar(s.Type) && c.findType("", "var", 0) == nil
	if !inferred {
		if t = c.resolve(s.Type); t == clr.Void {
			c.errorf(s.Type, "CS1547", "Keyword 'void' cannot be used in this context")
			t = bad
		}
	}
	if inferred && len(s.Vars) > 1 {
		c.errorf(s, "CS0819", "Implicitly-typed variables cannot have multiple declarators")
	}
	var out []Stmt
	for i := range s.Vars {
		d := &s.Vars[i]
		if got := c.declarator(s, d, t); got != nil {
			out = append(out, got)
		}
	}
	if len(out) == 1 {
		return out[0]
	}
	return &several{out}
}

// several is a declaration of several variables: they belong to the block
// around it, which takes it apart.
type several struct{ stmts []Stmt }

func (*several) stmt() {}

func (c *checker) declarator(s *syntax.LocalDecl, d *syntax.Declarator, t *clr.Type) Stmt {
	var x Expr
	if t == nil {
		x = c.inferredInit(d)
		t = x.T()
	} else if d.Init != nil {
		// The variable is in scope of its own initializer, and not assigned there.
		v := c.declare(d.Name, t)
		x = c.declaredInit(d, t)
		return c.finishDeclarator(s, d, v, x)
	}
	v := c.declare(d.Name, t)
	return c.finishDeclarator(s, d, v, x)
}

func (c *checker) finishDeclarator(s *syntax.LocalDecl, d *syntax.Declarator, v *Var, x Expr) Stmt {
	if !s.Const {
		return &Declare{v, x, d.Span}
	}
	k, ok := x.(*Const)
	switch {
	case x == nil:
		c.errorf(d, "CS0145", "A const field requires a value to be provided")
	case x.T() == bad:
	case !ok:
		c.errorf(d, "CS0133", "The expression being assigned to '%s' must be constant", v.Name)
	default:
		v.Const = &k.Value
	}
	return nil
}

func (c *checker) inferredInit(d *syntax.Declarator) Expr {
	init, ok := d.Init.(syntax.Expr)
	switch {
	case d.Init == nil:
		c.errorf(d, "CS0818", "Implicitly-typed variables must be initialized")
		return wrong(d).e
	case !ok:
		c.errorf(d, "CS0820", "Cannot initialize an implicitly-typed variable with an array initializer")
		return wrong(d).e
	}
	o := c.rvalue(c.expr(init))
	if o.kind == nullValue || o.kind == lambdaExpr || o.kind == methods {
		c.errorf(d, "CS0815", "Cannot assign %s to an implicitly-typed variable", o.describe())
		return wrong(d).e
	}
	x := c.typedValue(o)
	if x.T() == clr.Void {
		c.errorf(d, "CS0815", "Cannot assign void to an implicitly-typed variable")
		return wrong(d).e
	}
	return x
}

func (c *checker) declaredInit(d *syntax.Declarator, t *clr.Type) Expr {
	if in, ok := d.Init.(*syntax.Initializer); ok {
		if t.Kind != clr.ArrayKind {
			c.errorf(d, "CS0622", "Can only use array initializer expressions to assign to array types. Try using a new expression instead.")
			return wrong(d).e
		}
		out := &NewArray{typed: typed{t, in.Span}}
		c.arrayInit(out, t.Args[0], t.Rank, in)
		return out
	}
	init := d.Init.(syntax.Expr)
	return c.convert(c.expr(init), t, init)
}

func (c *checker) loopBody(s syntax.Stmt) Stmt {
	c.loops++
	defer func() { c.loops-- }()
	return c.embedded(s)
}

func (c *checker) forLoop(s *syntax.For) Stmt {
	c.open()
	out := &Loop{Span: s.Span}
	for _, i := range s.Init {
		out.Init = appendStmt(out.Init, c.stmt(i))
	}
	if s.Cond != nil {
		out.Cond = c.condition(s.Cond)
	}
	for _, p := range s.Post {
		if st, ok := c.exprStmt(&syntax.ExprStmt{Span: spanOf(p), X: p}).(*ExprStmt); ok {
			out.Step = append(out.Step, st.X)
		}
	}
	out.Body = c.loopBody(s.Body)
	out.Vars = c.close()
	return out
}

func (c *checker) foreach(s *syntax.Foreach) Stmt {
	from0 := c.rvalue(c.expr(s.X))
	if from0.kind == nullValue {
		c.errorf(s.X, "CS0186", "Use of null is not valid in this context")
		from0 = wrong(s.X)
	}
	x := c.typedValue(from0)
	elem := c.elementOf(x, s.X)
	c.open()
	out := &Foreach{X: x, Span: s.Span, Temp: c.temp(elem)}
	from := c.valueOf(&Local{typed{elem, spanOf(s.X)}, out.Temp}, s.X)
	if s.Vars != nil {
		out.Var = c.temp(elem)
		out.Conv = from.e
		split := c.deconstruct(s.Vars, &Local{typed{elem, spanOf(s.Vars)}, out.Var}, s.Vars)
		out.Split = &ExprStmt{c.typedValue(split)}
	} else {
		t := elem
		if !isVar(s.Type) {
			t = c.resolve(s.Type)
		}
		out.Var = c.declare(s.Name, t)
		out.Var.ReadOnly = "foreach iteration variable"
		out.Conv = wrong(s).e
		if elem != bad && t != bad {
			out.Conv = c.explicit(from, t, nodeAt(spanOf(s.X)))
		}
	}
	out.Body = c.loopBody(s.Body)
	vars := c.close()
	return &Block{Vars: vars, Stmts: []Stmt{out}, Span: s.Span}
}

// elementOf is the type of the elements that foreach goes through.
func (c *checker) elementOf(x Expr, n syntax.Node) *clr.Type {
	t := x.T()
	switch {
	case t == bad:
		return bad
	case t.Kind == clr.ArrayKind:
		return t.Args[0]
	case t == clr.String:
		return clr.Char
	}
	// The type's own GetEnumerator says it before the interfaces do.
	if m := c.ownEnumerator(t); m != nil {
		return m
	}
	var found *clr.Type
	for _, s := range t.Supers() {
		if s.Def == clr.EnumerableOf {
			if found != nil && found != s.Args[0] {
				c.errorf(n, "CS1640", "foreach statement cannot operate on variables of type '%s' because it implements multiple instantiations of 'IEnumerable<T>'; try casting to a specific interface instantiation", t)
				return bad
			}
			found = s.Args[0]
		}
	}
	switch {
	case found != nil:
		return found
	case t.AssignableTo(clr.EnumerableType):
		return clr.ObjectType
	}
	c.errorf(n, "CS1579", "foreach statement cannot operate on variables of type '%s' because '%s' does not contain a public instance definition for 'GetEnumerator'", t, t)
	return bad
}

// ownEnumerator is what Current of the type's own GetEnumerator() gives; nil:
// it has none that says more than the interfaces.
func (c *checker) ownEnumerator(t *clr.Type) *clr.Type {
	for _, l := range levels(t) {
		for _, m := range l.Members("GetEnumerator") {
			if len(m.Params) > 0 || m.Result == nil {
				continue
			}
			if current := data(m.Result, "Current"); current != nil && current.Result != clr.ObjectType {
				return current.Result
			}
		}
	}
	return nil
}

func (c *checker) try(s *syntax.Try) Stmt {
	out := &Try{Body: c.block(s.Body)}
	var seen []*clr.Type
	for i := range s.Catches {
		k := &s.Catches[i]
		c.open()
		got := Catch{Of: clr.Exception}
		if k.Type != nil {
			got.Of = c.catchType(k.Type)
			if k.Name.Name != "" {
				got.Var = c.declare(k.Name, got.Of)
			}
		}
		for _, before := range seen {
			if got.Of != bad && got.Of.AssignableTo(before) {
				c.errorf(k, "CS0160", "A previous catch clause already catches all exceptions of this or of a super type ('%s')", before)
			}
		}
		c.catches++
		if k.When != nil {
			got.When = c.condition(k.When)
		} else if got.Of != bad {
			seen = append(seen, got.Of)
		}
		finally := c.finally
		got.Body = c.block(k.Body)
		c.finally = finally
		c.catches--
		got.Body.Vars = append(c.close(), got.Body.Vars...)
		out.Catches = append(out.Catches, got)
	}
	if s.Finally != nil {
		loops, switches := c.loops, c.switches
		c.loops, c.switches = 0, nil
		c.finally++
		out.Finally = c.block(s.Finally)
		c.finally--
		c.loops, c.switches = loops, switches
	}
	return out
}

// catchType is the exception that a catch names.
func (c *checker) catchType(t syntax.Type) *clr.Type {
	of := c.resolve(t)
	if of == bad {
		return bad
	}
	if !of.AssignableTo(clr.Exception) {
		c.errorf(t, "CS0155", "The type caught or thrown must be derived from System.Exception")
		return bad
	}
	return of
}

func (c *checker) using(s *syntax.Using) Stmt {
	c.open()
	out := &Using{}
	if s.Decl != nil {
		if n := len(s.Decl.Vars); n > 1 {
			// The others stand inside the first.
			one, rest := *s.Decl, *s.Decl
			one.Vars, rest.Vars = s.Decl.Vars[:1], s.Decl.Vars[1:]
			s = &syntax.Using{Span: s.Span, Decl: &one, Body: &syntax.Using{Span: s.Span, Decl: &rest, Body: s.Body}}
		}
		if d, ok := c.localDecl(s.Decl).(*Declare); ok {
			out.Var, out.Init = d.Var, d.Init
			out.Var.ReadOnly = "using variable"
			if out.Init == nil {
				c.errorf(s.Decl, "CS0210", "You must provide an initializer in a fixed or using statement declaration")
			}
		}
	} else {
		out.Init = c.nonVoid(s.X)
		out.Var = c.temp(out.Init.T())
	}
	if out.Var != nil && out.Var.Type != bad && !disposable(out.Var.Type) {
		c.errorf(s, "CS1674", "'%s': type used in a using statement must be implicitly convertible to 'System.IDisposable'", out.Var.Type)
	}
	out.Body = c.embedded(s.Body)
	out.Vars = c.close()
	return out
}

func disposable(t *clr.Type) bool {
	for _, s := range t.Supers() {
		if s.Name == "IDisposable" && s.Namespace == "System" {
			return true
		}
	}
	return false
}
