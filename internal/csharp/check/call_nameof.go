package check

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// nameOf is nameof(x).
func (c *checker) nameOf(n *syntax.Call) operand {
	if len(n.Args) != 1 {
		c.errorf(n, "CS1501", "nameof takes one argument")
		return wrong(n)
	}
	name := ""
	switch x := n.Args[0].Expr.(type) {
	case *syntax.Name:
		name = x.Ident.Name
	case *syntax.Member:
		name = x.Name.Name
	default:
		c.errorf(n.Args[0].Expr, "CS8081", "Expression does not have a name")
		return wrong(n)
	}
	if !c.ofType(n.Args[0].Expr) {
		if o := c.exprOrType(n.Args[0].Expr); o.isBad() {
			return wrong(n)
		}
	}
	return c.valueOf(&Const{typed{clr.String, spanOf(n)}, clr.Str(name)}, n)
}

// ofType reports a member behind the name of a type, for which nameof needs no
// object.
func (c *checker) ofType(e syntax.Expr) bool {
	m, ok := e.(*syntax.Member)
	if !ok || m.X == nil {
		return false
	}
	switch m.X.(type) {
	case *syntax.Name, *syntax.Member:
	default:
		return false
	}
	c.quiet++
	failed := c.failed
	x := c.exprOrType(m.X)
	c.failed = failed
	c.quiet--
	return x.kind == typeName && (data(x.t, m.Name.Name) != nil || hasMethod(x.t, m.Name.Name))
}
