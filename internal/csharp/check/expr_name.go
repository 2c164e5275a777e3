package check

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

func (c *checker) name(n *syntax.Name) operand {
	name := n.Ident.Name
	types, ok := c.resolveArgs(n.Args)
	if !ok {
		return wrong(n)
	}
	if n.Predefined {
		return operand{kind: typeName, t: clr.Keyword(name), node: n}
	}
	if v := c.lookup(name); v != nil {
		if v.local != nil {
			return operand{kind: methods, group: &group{name: name, local: v, args: types, node: n, in: clr.ObjectType}, node: n, scope: c.scope, fn: c.fn}
		}
		if len(types) > 0 {
			c.errorf(n, "CS0307", "The variable '%s' cannot be used with type arguments", name)
			return wrong(n)
		}
		return c.local(v, n)
	}
	if t := c.findType("", name, len(types)); t != nil {
		if len(types) > 0 {
			t = c.constructed(n, t, types)
		}
		return operand{kind: typeName, t: t, node: n}
	}
	if c.u.Namespace(name) {
		return operand{kind: spaceName, space: name, node: n}
	}
	if name == "_" {
		return operand{kind: discard, node: n}
	}
	if name == "ReferenceEquals" || name == "Equals" {
		// An expression is the body of a method: System.Object's own are in scope.
		return operand{kind: methods, group: &group{in: clr.ObjectType, name: name, args: types, node: n}, node: n, scope: c.scope, fn: c.fn}
	}
	c.noName(n, name)
	return wrong(n)
}

func (c *checker) local(v *Var, n syntax.Node) operand {
	if v.Type == bad {
		return wrong(n)
	}
	if v.Type == nil {
		c.errorf(n, "CS0841", "Cannot use local variable '%s' before it is declared", v.Name)
		return wrong(n)
	}
	if v.Const != nil {
		return c.valueOf(&Const{typed{v.Type, spanOf(n)}, *v.Const}, n)
	}
	return c.valueOf(&Local{typed{v.Type, spanOf(n)}, v}, n)
}

func (c *checker) noName(n *syntax.Name, name string) {
	for s := c.scope; s != nil; s = s.outer {
		if s.later[name] {
			c.errorf(n, "CS0841", "Cannot use local variable '%s' before it is declared", name)
			return
		}
	}
	for s := c.scope; s != nil; s = s.outer {
		for other := range s.names {
			if len(other) == len(name) && equalFold(other, name) && other != "" {
				c.errorf(n, "CS0103", "The name '%s' does not exist in the current context; mend: %s", name, other)
				return
			}
		}
	}
	for _, known := range []string{"", "System.", "System.IO.", "System.Net.", "System.Threading.", "System.Globalization.", "System.Net.Http.", "System.Diagnostics.", "System.Reflection."} {
		if dotNet[known+name] != "" {
			c.errorf(n, "CS0103", "The name '%s' does not exist in the current context: '%s' is not among the types that API Management allows in expressions", name, known+name)
			return
		}
	}
	c.errorf(n, "CS0103", "The name '%s' does not exist in the current context", name)
}

func (c *checker) alias(n *syntax.QualifiedAlias) operand {
	if n.Alias.Name != "global" {
		c.errorf(n, "CS0432", "Alias '%s' not found", n.Alias.Name)
		return wrong(n)
	}
	if t := c.findType("", n.Ident.Name, 0); t != nil && t.Namespace == "" {
		return operand{kind: typeName, t: t, node: n}
	}
	return operand{kind: spaceName, space: n.Ident.Name, node: n}
}
