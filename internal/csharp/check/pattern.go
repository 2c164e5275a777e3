package check

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// is is x is T, x is T y, x is constant.
func (c *checker) is(n *syntax.Is) operand {
	x := c.rvalue(c.expr(n.X))
	if x.isBad() {
		return wrong(n)
	}
	var e Expr
	if x.kind == nullValue {
		e = &Const{typed{clr.ObjectType, spanOf(n.X)}, clr.Null}
	} else if e = c.typedValue(x); e.T() == bad || e.T() == clr.Void {
		return wrong(n)
	}
	p := c.pattern(n.Pattern, e)
	if p == nil {
		return wrong(n)
	}
	at := typed{clr.Boolean, n.Span}
	switch p := p.(type) {
	case *TypePattern:
		if p.Var == nil {
			return c.valueOf(&IsType{at, e, p.To}, n)
		}
	case *ConstPattern:
		if p.Value.O == nil {
			return c.valueOf(&IsNull{at, false, e}, n)
		}
	}
	return c.valueOf(&Match{at, e, p}, n)
}

// pattern checks a pattern against the value x; nil after an error.
func (c *checker) pattern(p syntax.Pattern, x Expr) Pattern {
	switch p := p.(type) {
	case *syntax.ConstPattern:
		return c.constPattern(c.rvalue(c.expr(p.X)), x, p.X)
	case *syntax.TypePattern:
		if k := c.constantNamed(p.Type); k != nil {
			return c.constPattern(*k, x, p)
		}
		t := c.resolve(p.Type)
		if t == bad || !c.matches(x, t, p) {
			return nil
		}
		return &TypePattern{To: t}
	case *syntax.DeclPattern:
		return c.declPattern(p, x)
	}
	return nil
}

func (c *checker) declPattern(p *syntax.DeclPattern, x Expr) Pattern {
	if isVar(p.Type) {
		if p.Name.Name == "_" {
			return &VarPattern{}
		}
		return &VarPattern{c.declare(p.Name, x.T())}
	}
	t := c.resolve(p.Type)
	if t == bad || !c.matches(x, t, p) {
		if p.Name.Name != "_" {
			c.declare(p.Name, bad)
		}
		return nil
	}
	if t.IsNullable() {
		c.errorf(p, "CS8116", "It is not legal to use nullable type '%s' in a pattern; use the underlying type '%s' instead.", t, t.Args[0])
		return nil
	}
	out := &TypePattern{To: t}
	if p.Name.Name != "_" {
		out.Var = c.declare(p.Name, t)
	}
	return out
}

// matches reports whether a value of x's type can be a t at all.
func (c *checker) matches(x Expr, t *clr.Type, n syntax.Node) bool {
	from := x.T()
	if from.IsNullable() {
		from = from.Args[0]
	}
	to := t
	if to.IsNullable() {
		to = to.Args[0]
	}
	if from == to || from.AssignableTo(to) || to.AssignableTo(from) || !from.IsValue() && !to.IsValue() && downcast(from, to) {
		return true
	}
	if _, plain := n.(*syntax.TypePattern); plain {
		return true // x is T is then never true, which C# only warns of
	}
	c.errorf(n, "CS8121", "An expression of type '%s' cannot be handled by a pattern of type '%s'.", x.T(), t)
	return false
}

// constantNamed is the constant that a name in a pattern stands for; nil: it is
// a type.
func (c *checker) constantNamed(t syntax.Type) *operand {
	n, ok := t.(*syntax.NamedType)
	if !ok || n.Predefined && len(n.Parts) == 1 {
		return nil
	}
	for _, p := range n.Parts {
		if len(p.Args) > 0 {
			return nil
		}
	}
	var space []string
	for _, p := range n.Parts[:len(n.Parts)-1] {
		space = append(space, p.Name)
	}
	last := n.Parts[len(n.Parts)-1]
	if c.findType(strings.Join(space, "."), last.Name, 0) != nil {
		return nil
	}
	var e syntax.Expr = &syntax.Name{Span: n.Parts[0].Span, Ident: n.Parts[0].Ident, Predefined: n.Predefined}
	for _, p := range n.Parts[1:] {
		e = &syntax.Member{Span: n.Span, X: e, Name: p.Ident}
	}
	if len(n.Parts) == 1 && c.lookup(n.Parts[0].Name) == nil && !c.u.Namespace(n.Parts[0].Name) {
		return nil
	}
	o := c.rvalue(c.expr(e))
	return &o
}

func (c *checker) constPattern(k operand, x Expr, n syntax.Node) Pattern {
	if k.isBad() {
		return nil
	}
	if k.kind == nullValue {
		if x.T().IsValue() && !x.T().IsNullable() {
			c.errorf(n, "CS0037", "Cannot convert null to '%s' because it is a non-nullable value type", x.T())
			return nil
		}
		return &ConstPattern{clr.Null}
	}
	if k.constant() == nil {
		c.errorf(n, "CS0150", "A constant value is expected")
		return nil
	}
	to := x.T()
	if to == clr.ObjectType || to.Kind == clr.Interface {
		return &ConstPattern{k.constant().Value}
	}
	if to.IsNullable() {
		to = to.Args[0]
	}
	e := c.convert(k, to, n)
	if v, ok := e.(*Const); ok && v.Type != bad {
		return &ConstPattern{v.Value}
	}
	if e.T() != bad {
		if v := k.constant(); v != nil {
			return &ConstPattern{v.Value}
		}
	}
	return nil
}
