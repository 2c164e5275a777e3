package syntax

// parseExpr reads an expression.
func (p *parser) parseExpr() Expr {
	from := p.tok.from
	switch t := p.tok; {
	case t.kind == tokLiteral:
		p.next()
		return t.lit
	case p.is("null"), p.is("true"), p.is("false"):
		p.next()
		l := &Literal{Span: p.span(from), Kind: BoolLiteral, Value: t.text == "true"}
		if t.text == "null" {
			l.Kind, l.Value = NullLiteral, nil
		}
		return l
	case p.skip("-"):
		x := p.parseExpr()
		return &Unary{Span: p.span(from), Op: "-", X: x}
	case p.skip("default"):
		d := &Default{}
		if p.skip("(") {
			d.Type = p.parseType(anyType)
			p.need(")")
		}
		d.Span = p.span(from)
		return d
	case p.isName(t):
		var x Expr = &Name{Ident: p.ident()}
		for p.skip(".") {
			x = &Member{X: x, Name: p.ident()}
		}
		return x
	}
	p.failAt("CS1733", "Expected expression")
	return nil
}
