package syntax

// params reads the parameters of a declaration, with their types, between two
// brackets.
func (p *parser) params(open, shut string) []Param {
	p.need(open)
	var out []Param
	for !p.stuck && !p.is(shut) && p.tok.kind != tokEnd {
		out = append(out, p.param())
		if !p.skip(",") {
			break
		}
		if p.is(shut) {
			p.failAt("CS1031", "Type expected")
		}
	}
	p.need(shut)
	return out
}

// param reads one parameter that has a type.
func (p *parser) param() Param {
	from := p.tok.from
	q := Param{Ref: p.refKind()}
	q.Type = p.parseType(anyType)
	q.Name = p.ident()
	if p.skip("=") {
		q.Default = p.parseExpr()
	}
	q.Span = p.span(from)
	return q
}

// refKind reads how a parameter is given.
func (p *parser) refKind() string {
	switch {
	case p.is("ref"), p.is("out"), p.is("in"), p.is("params"), p.is("this"):
		return p.next().text
	}
	return ""
}
