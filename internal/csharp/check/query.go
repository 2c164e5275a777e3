package check

import (
	"strconv"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// query is a query expression, which C# translates to calls (section 12.20).
func (c *checker) query(n *syntax.Query) operand {
	if c.queries == nil {
		c.queries = map[*syntax.Lambda]bool{}
	}
	t := &translation{at: n.Span, made: c.queries}
	e := t.translate(n.Clauses)
	if t.wrong != nil {
		c.errorf(t.wrong, "CS0742", "this form of a query expression is not supported; mend: the methods of LINQ")
		return wrong(n)
	}
	if x := n.Clauses[0].X; x != nil && n.Clauses[0].Type == nil {
		// What is asked for stands in messages, not the calls it becomes.
		if o := c.rvalue(c.quietly(x)); o.kind == value && o.e.T() != bad && !c.hasMembers(o.e, "Select") {
			c.errorf(x, "CS1936", "Could not find an implementation of the query pattern for source type '%s'. 'Select' not found.", o.e.T())
			return wrong(n)
		}
	}
	return c.expr(e)
}

// quietly looks at an expression that will be checked once more.
func (c *checker) quietly(e syntax.Expr) operand {
	if c.trials--; c.trials < 0 {
		return wrong(e)
	}
	failed := c.failed
	c.quiet++
	c.open()
	o := c.expr(e)
	c.close()
	c.quiet--
	c.failed = failed
	return o
}

func (c *checker) hasMembers(x Expr, name string) bool {
	return hasMethod(x.T(), name) || c.anyExtension(x, name)
}

// translation turns clauses into calls.
type translation struct {
	at    syntax.Span
	wrong syntax.Node
	count int
	// made are the lambdas.
	made map[*syntax.Lambda]bool
}

func (t *translation) note(l *syntax.Lambda) *syntax.Lambda {
	t.made[l] = true
	return l
}

func (t *translation) call(x syntax.Expr, name string, args ...syntax.Expr) syntax.Expr {
	out := &syntax.Call{Span: t.at, Fun: &syntax.Member{Span: t.at, X: x, Name: syntax.Ident{Span: t.at, Name: name}}}
	for _, a := range args {
		out.Args = append(out.Args, syntax.Arg{Span: t.at, Expr: a})
	}
	return out
}

func (t *translation) name(s string) syntax.Expr {
	return &syntax.Name{Span: t.at, Ident: syntax.Ident{Span: t.at, Name: s}}
}

// vars are the range variables in scope: one, or members of one.
type vars struct {
	// param is the name of the lambda's parameter.
	param string
	// paths says how a variable is reached where there are several.
	names []string
}

// lambda makes param => body, in which each variable is declared from the
// parameter.
func (t *translation) lambda(v vars, body syntax.Expr) syntax.Expr {
	if len(v.names) <= 1 {
		return t.note(&syntax.Lambda{Span: t.at, Params: []syntax.Param{{Span: t.at, Name: syntax.Ident{Span: t.at, Name: v.param}}}, Body: body})
	}
	block := &syntax.Block{Span: t.at}
	for _, name := range v.names {
		block.Stmts = append(block.Stmts, &syntax.LocalDecl{Span: t.at, Type: varType(t.at), Vars: []syntax.Declarator{{
			Span: t.at, Name: syntax.Ident{Span: t.at, Name: name},
			Init: &syntax.Member{Span: t.at, X: t.name(v.param), Name: syntax.Ident{Span: t.at, Name: name}},
		}}})
	}
	block.Stmts = append(block.Stmts, &syntax.Return{Span: t.at, X: body})
	return t.note(&syntax.Lambda{Span: t.at, Params: []syntax.Param{{Span: t.at, Name: syntax.Ident{Span: t.at, Name: v.param}}}, Body: block})
}

func varType(at syntax.Span) syntax.Type {
	return &syntax.NamedType{Span: at, Parts: []syntax.NamePart{{Ident: syntax.Ident{Span: at, Name: "var"}}}}
}

func (t *translation) fresh() string {
	t.count++
	return "<q" + itoa(t.count) + ">"
}

// pair makes param objects that hold all variables and one more.
func (t *translation) record(v vars, more string, value syntax.Expr) syntax.Expr {
	out := &syntax.NewAnonymous{Span: t.at}
	for _, name := range v.names {
		out.Elems = append(out.Elems, syntax.AnonymousElem{Span: t.at, Name: syntax.Ident{Span: t.at, Name: name}, Value: t.name(name)})
	}
	out.Elems = append(out.Elems, syntax.AnonymousElem{Span: t.at, Name: syntax.Ident{Span: t.at, Name: more}, Value: value})
	return out
}

func (t *translation) source(c *syntax.QueryClause) syntax.Expr {
	if c.Type == nil {
		return c.X
	}
	call := t.call(c.X, "Cast").(*syntax.Call)
	call.Fun.(*syntax.Member).Args = []syntax.Type{c.Type}
	return call
}

func (t *translation) translate(clauses []syntax.QueryClause) syntax.Expr {
	if len(clauses) == 0 || clauses[0].Kind != "from" {
		t.wrong = nodeAt(t.at)
		return nil
	}
	first := &clauses[0]
	x := t.source(first)
	v := vars{param: first.Name.Name, names: []string{first.Name.Name}}
	for i := 1; i < len(clauses) && t.wrong == nil; i++ {
		if x, v = t.clause(x, v, &clauses[i]); len(v.names) > MaxRange {
			panic(&clr.LimitError{Limit: "range variables of a query", Most: strconv.Itoa(MaxRange)})
		}
	}
	return x
}

func (t *translation) clause(x syntax.Expr, v vars, c *syntax.QueryClause) (syntax.Expr, vars) {
	switch c.Kind {
	case "where":
		return t.call(x, "Where", t.lambda(v, c.X)), v
	case "select":
		return t.call(x, "Select", t.lambda(v, c.X)), v
	case "let":
		next := vars{param: t.fresh(), names: append(append([]string(nil), v.names...), c.Name.Name)}
		return t.call(x, "Select", t.lambda(v, t.record(v, c.Name.Name, c.X))), next
	case "from":
		next := vars{param: t.fresh(), names: append(append([]string(nil), v.names...), c.Name.Name)}
		return t.call(x, "SelectMany", t.lambda(v, t.source(c)), t.lambda2(v, c.Name.Name, t.record(v, c.Name.Name, t.name(c.Name.Name)))), next
	case "orderby":
		for i, o := range c.Orders {
			name := "OrderBy"
			if i > 0 {
				name = "ThenBy"
			}
			if o.Descending {
				name += "Descending"
			}
			x = t.call(x, name, t.lambda(v, o.X))
		}
		return x, v
	case "group":
		return t.call(x, "GroupBy", t.lambda(v, c.Y), t.lambda(v, c.X)), v
	case "into":
		return x, vars{param: c.Name.Name, names: []string{c.Name.Name}}
	case "join":
		return t.join(x, v, c)
	}
	t.wrong = c
	return x, v
}

func (t *translation) join(x syntax.Expr, v vars, c *syntax.QueryClause) (syntax.Expr, vars) {
	name, method := c.Name.Name, "Join"
	if c.Into.Name != "" {
		name, method = c.Into.Name, "GroupJoin"
	}
	next := vars{param: t.fresh(), names: append(append([]string(nil), v.names...), name)}
	inner := vars{param: c.Name.Name, names: []string{c.Name.Name}}
	return t.call(x, method, t.source(c), t.lambda(v, c.On), t.lambda(inner, c.Equals), t.lambda2(v, name, t.record(v, name, t.name(name)))), next
}

// lambda2 is (param, more) => body.
func (t *translation) lambda2(v vars, more string, body syntax.Expr) syntax.Expr {
	l := t.lambda(v, body).(*syntax.Lambda)
	l.Params = append(l.Params, syntax.Param{Span: t.at, Name: syntax.Ident{Span: t.at, Name: more}})
	return l
}
