package check

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// foresee notes what the statements of a block declare: names that may not be
// used before, labels that may be gone to before.
func (c *checker) foresee(stmts []syntax.Stmt) {
	for _, s := range stmts {
		for {
			l, ok := s.(*syntax.Labeled)
			if !ok {
				break
			}
			c.foreseeLabel(l)
			s = l.Stmt
		}
		if d, ok := s.(*syntax.LocalDecl); ok {
			for _, v := range d.Vars {
				if c.scope.later == nil {
					c.scope.later = map[string]bool{}
				}
				c.scope.later[v.Name.Name] = true
			}
		}
	}
}

func (c *checker) foreseeLabel(l *syntax.Labeled) {
	if c.mark(l.Label.Name) != nil {
		c.errorAt(l.Label.Span, "CS0140", "The label '%s' is a duplicate", l.Label.Name)
	}
	if c.scope.marks == nil {
		c.scope.marks = map[string]*Mark{}
	}
	c.scope.marks[l.Label.Name] = &Mark{Name: l.Label.Name}
}

// mark finds a label of the blocks around, inside the function at hand.
func (c *checker) mark(name string) *Mark {
	for s := c.scope; s != nil && s.fn == c.fn; s = s.outer {
		if m := s.marks[name]; m != nil {
			return m
		}
	}
	return nil
}

func (c *checker) gotoLabel(s *syntax.Goto) Stmt {
	m := c.mark(s.Label.Name)
	if m == nil {
		c.errorAt(s.Label.Span, "CS0159", "No such label '%s' within the scope of the goto statement", s.Label.Name)
		return nil
	}
	if c.finally > 0 {
		c.errorf(s, "CS0157", "Control cannot leave the body of a finally clause")
	}
	return &Goto{m, s.Span}
}

func (c *checker) labeled(s *syntax.Labeled) Stmt {
	m := c.scope.marks[s.Label.Name]
	if m == nil { // embedded, which was told
		return c.stmt(s.Stmt)
	}
	return &several{appendStmt([]Stmt{m}, c.stmt(s.Stmt))}
}

// lock is its body: one goroutine runs an expression. A null is told as
// Monitor.Enter does.
func (c *checker) lock(s *syntax.Lock) Stmt {
	x := c.value(s.X)
	if x.T() == bad {
		return nil
	}
	if x.T().IsValue() {
		c.errorf(s.X, "CS0185", "'%s' is not a reference type as required by the lock statement", x.T())
		return nil
	}
	c.open()
	at := spanOf(s.X)
	v := c.temp(x.T())
	null := &ExprStmt{c.argumentNull(at, "obj")}
	body := c.embedded(s.Body)
	return &Block{Vars: c.close(), Span: s.Span, Stmts: []Stmt{
		&Declare{v, x, at},
		&If{Cond: &IsNull{typed{clr.Boolean, at}, false, &Local{typed{x.T(), at}, v}}, Then: null},
		body,
	}}
}

// argumentNull throws ArgumentNullException(name).
func (c *checker) argumentNull(at syntax.Span, name string) Expr {
	for _, m := range clr.ArgumentNullException.Members(".ctor") {
		if len(m.Params) == 1 {
			e := &Call{typed: typed{clr.ArgumentNullException, at}, M: m, Args: []Expr{&Const{typed{clr.String, at}, clr.Str(name)}}}
			return &Throw{typed{clr.Void, at}, e}
		}
	}
	return &Throw{typed{clr.Void, at}, &Const{typed{clr.Exception, at}, clr.Null}}
}

// yield is yield return and yield break, in a local function that returns a
// sequence.
func (c *checker) yield(s *syntax.Yield) Stmt {
	if c.fn.Elem == nil {
		if c.fn.Outer == nil || c.fn.Result == nil {
			c.errorf(s, "CS1621", "The yield statement cannot be used inside an anonymous method or lambda expression, nor outside a local function")
			return nil
		}
		t := c.fn.Result
		switch {
		case t.Def == clr.EnumerableOf:
			c.fn.Elem = t.Args[0]
		case t == clr.EnumerableType:
			c.fn.Elem = clr.ObjectType
		default:
			c.errorf(s, "CS1624", "The body of '%s' cannot be an iterator block because '%s' is not an iterator interface type", c.fn.Name, t)
			return nil
		}
	}
	if c.finally > 0 {
		c.errorf(s, "CS1625", "Cannot yield in the body of a finally clause")
	}
	if s.X == nil {
		return &Yield{Span: s.Span}
	}
	if c.catches > 0 {
		c.errorf(s, "CS1631", "Cannot yield a value in the body of a catch clause")
	}
	return &Yield{c.convert(c.expr(s.X), c.fn.Elem, s.X), s.Span}
}
