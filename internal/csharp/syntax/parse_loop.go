package syntax

func (p *parser) while() Stmt {
	from := p.next().from
	s := &While{Cond: p.condition()}
	s.Body = p.embedded()
	s.Span = p.span(from)
	return s
}

func (p *parser) do() Stmt {
	from := p.next().from
	s := &Do{Body: p.embedded()}
	p.need("while")
	s.Cond = p.condition()
	p.semicolon()
	s.Span = p.span(from)
	return s
}

func (p *parser) forStmt() Stmt {
	from := p.next().from
	s := &For{}
	p.need("(")
	s.Init = p.forInit()
	p.need(";")
	if !p.is(";") {
		s.Cond = p.parseExpr()
	}
	p.need(";")
	if !p.is(")") {
		s.Post = p.exprList()
	}
	p.need(")")
	s.Body = p.embedded()
	s.Span = p.span(from)
	return s
}

// forInit reads a declaration or expressions, without the semicolon.
func (p *parser) forInit() []Stmt {
	from := p.tok.from
	switch {
	case p.is(";"):
		return nil
	case p.is("ref") || p.declAhead():
		d := &LocalDecl{Ref: p.skip("ref"), Type: p.parseType(anyType)}
		p.declarators(d)
		d.Span = p.span(from)
		return []Stmt{d}
	}
	var out []Stmt
	for _, x := range p.exprList() {
		if x != nil {
			out = append(out, &ExprStmt{Span: Span{From: x.Start(), To: x.End()}, X: x})
		}
	}
	return out
}

func (p *parser) exprList() []Expr {
	out := []Expr{p.parseExpr()}
	for p.skip(",") {
		out = append(out, p.parseExpr())
	}
	return out
}

func (p *parser) foreach() Stmt {
	from := p.next().from
	s := &Foreach{}
	p.need("(")
	end, shape := p.lookType(p.i, anyType)
	switch {
	case p.designationAhead("in", "in"):
		s.Vars = p.designation()
	case shape != noType && p.isName(&p.tokens[end]):
		s.Type = p.parseType(anyType)
		s.Name = p.ident()
	case p.is("("):
		if x := p.parenOrTuple(); !p.stuck {
			s.Vars = asTarget(x)
		}
	default:
		p.foreachVariable()
	}
	p.need("in")
	s.X = p.parseExpr()
	p.need(")")
	s.Body = p.embedded()
	s.Span = p.span(from)
	return s
}

// foreachVariable fails where no declaration stands.
func (p *parser) foreachVariable() {
	p.parseType(anyType)
	if p.is("in") {
		p.fail(p.prevEnd, p.prevEnd, "CS0230", "Type and identifier are both required in a foreach statement")
		return
	}
	p.ident()
}
