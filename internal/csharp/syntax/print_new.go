package syntax

import "strings"

func (p *printer) newExpr(x *New) {
	p.str("new ")
	p.typ(x.Type)
	if x.HasArgs {
		p.args("(", x.Args, ")")
	}
	if x.Init != nil {
		p.str(" ")
		p.initializer(x.Init)
	}
}

func (p *printer) newArray(x *NewArray) {
	p.str("new")
	// The brackets of the outer array stand before those of its elements.
	elem := x.Elem
	inner := ""
	for {
		a, ok := elem.(*ArrayType)
		if !ok {
			break
		}
		inner += "[" + strings.Repeat(",", a.Rank-1) + "]"
		elem = a.Elem
	}
	if elem != nil {
		p.str(" ")
		p.typ(elem)
	}
	p.str("[")
	if len(x.Sizes) > 0 {
		list(p, x.Sizes, func(n *Expr) { p.expr(*n) })
	} else {
		p.str(strings.Repeat(",", x.Rank-1))
	}
	p.str("]", inner)
	if x.Init != nil {
		p.str(" ")
		p.initializer(x.Init)
	}
}

func (p *printer) initializer(x *Initializer) {
	if len(x.Elems) == 0 {
		p.str("{ }")
		return
	}
	p.str("{ ")
	list(p, x.Elems, p.initElem)
	p.str(" }")
}

func (p *printer) initElem(e *InitElem) {
	switch {
	case e.Name.Name != "":
		p.ident(e.Name.Name)
		p.str(" = ")
	case e.Index != nil:
		p.args("[", e.Index, "]")
		p.str(" = ")
	case e.Value == nil:
		p.str("{ ")
		list(p, e.Values, func(x *Expr) { p.expr(*x) })
		p.str(" }")
		return
	}
	p.node(e.Value)
}

func (p *printer) anonymousElem(e *AnonymousElem) {
	if e.Name.Name != "" {
		p.ident(e.Name.Name)
		p.str(" = ")
	}
	p.expr(e.Value)
}

func (p *printer) queryExpr(x *Query) {
	p.query++
	for i := range x.Clauses {
		if i > 0 {
			p.str(" ")
		}
		p.clause(&x.Clauses[i])
	}
	p.query--
}

func (p *printer) clause(c *QueryClause) {
	p.str(c.Kind, " ")
	if c.Type != nil {
		p.typ(c.Type)
		p.str(" ")
	}
	if c.Name.Name != "" {
		p.ident(c.Name.Name)
	}
	switch c.Kind {
	case "from", "join":
		p.str(" in ")
	case "let":
		p.str(" = ")
	}
	p.operand(c.X)
	switch c.Kind {
	case "join":
		p.str(" on ")
		p.expr(c.On)
		p.str(" equals ")
		p.expr(c.Equals)
		if c.Into.Name != "" {
			p.str(" into ")
			p.ident(c.Into.Name)
		}
	case "group":
		p.str(" by ")
		p.expr(c.Y)
	case "orderby":
		list(p, c.Orders, func(o *QueryOrder) {
			p.expr(o.X)
			if o.Descending {
				p.str(" descending")
			}
		})
	}
}
