package syntax

// args reads the arguments of a call or an index between two brackets.
func (p *parser) args(open, shut string) []Arg {
	p.need(open)
	var out []Arg
	for !p.stuck && !p.is(shut) && p.tok.kind != tokEnd {
		out = append(out, p.arg())
		if !p.skip(",") {
			break
		}
		if p.is(shut) {
			p.failTerm()
		}
	}
	p.need(shut)
	return out
}

func (p *parser) arg() Arg {
	from := p.tok.from
	a := Arg{Name: p.argName()}
	if p.is("ref") || p.is("out") || p.is("in") {
		a.Ref = p.next().text
	}
	if a.Ref == "out" {
		a.Expr = p.outArg()
	} else {
		a.Expr = p.parseExpr()
	}
	a.Span = p.span(from)
	return a
}

// argName reads "name:" in front of an argument or of a tuple's element.
func (p *parser) argName() Ident {
	if !p.isName(p.tok) || !p.at(1).is(":") {
		return Ident{}
	}
	id := p.ident()
	p.next()
	return id
}

// outArg reads what stands behind "out": a declaration, a discard or a
// variable.
func (p *parser) outArg() Expr {
	from := p.tok.from
	if p.tok.word("_") && (p.at(1).is(",") || p.at(1).is(")") || p.at(1).is("]")) {
		p.next()
		return &Discard{Span: p.span(from)}
	}
	if end, shape := p.lookType(p.i, anyType); shape != noType && p.isName(&p.tokens[end]) {
		return p.declExpr()
	}
	return p.parseExpr()
}

// declExpr reads a type and the name of a new variable.
func (p *parser) declExpr() Expr {
	from := p.tok.from
	t := p.parseType(anyType)
	id := p.ident()
	return &Decl{Span: p.span(from), Type: t, Name: id}
}

// parenOrTuple reads (x) and (x, b: y).
func (p *parser) parenOrTuple() Expr {
	from := p.tok.from
	p.need("(")
	label := p.label
	p.label = false
	var elems []Arg
	for {
		elems = append(elems, p.tupleElem())
		if p.stuck || !p.skip(",") {
			break
		}
	}
	p.label = label
	p.need(")")
	if p.stuck {
		return nil
	}
	if len(elems) > 1 {
		return &Tuple{Span: p.span(from), Elems: elems}
	}
	_, declares := elems[0].Expr.(*Decl)
	if declares || elems[0].Name.Name != "" {
		p.report(from, p.prevEnd, "CS8124", "Tuple must contain at least two elements")
	}
	return &Paren{Span: p.span(from), X: elems[0].Expr}
}

func (p *parser) tupleElem() Arg {
	from := p.tok.from
	a := Arg{Name: p.argName()}
	switch {
	case p.designationAhead(",", ")"):
		a.Expr = p.designation()
	case p.declElemAhead():
		a.Expr = p.declExpr()
	default:
		a.Expr = p.parseExpr()
	}
	a.Span = p.span(from)
	return a
}

// declElemAhead reports whether an element of a tuple declares a variable.
func (p *parser) declElemAhead() bool {
	if p.tok.word("await") {
		return false
	}
	end, shape := p.lookType(p.i, anyType)
	if shape == noType || !p.isName(&p.tokens[end]) {
		return false
	}
	after := &p.tokens[end+1]
	return after.is(",") || after.is(")")
}

// designationAhead reports whether "var (a, b)" stands here, with one of two
// tokens behind it; otherwise it calls a function named var.
func (p *parser) designationAhead(behind ...string) bool {
	if !p.tok.word("var") || !p.at(1).is("(") || p.at(1).match == 0 {
		return false
	}
	after := &p.tokens[p.at(1).match+1]
	return after.is(behind[0]) || after.is(behind[1])
}

// designation reads var (a, b). One that nests, var (a, (b, c)), is given as
// the tuple (var a, (var b, var c)), which means the same.
func (p *parser) designation() Expr {
	from := p.tok.from
	return p.designate(p.namedType(false), from)
}

// varType is the type of a variable of var (a, (b, c)): it stands elsewhere.
func varType(at Span) Type {
	return &NamedType{Span: at, Parts: []NamePart{{Ident: Ident{Span: at, Name: "var"}}}}
}

// designate reads (a, b); t is the "var" in front of it, nil inside another.
func (p *parser) designate(t Type, from Pos) Expr {
	defer p.leave()
	if !p.enter() {
		return nil
	}
	p.need("(")
	var names []Ident
	var elems []Arg
	nested := false
	for {
		begin := p.tok.from
		var x Expr
		if p.is("(") {
			nested = true
			x = p.designate(nil, begin)
		} else {
			id := p.ident()
			names = append(names, id)
			x = &Decl{Span: id.Span, Type: varType(id.Span), Name: id}
		}
		elems = append(elems, Arg{Span: p.span(begin), Expr: x})
		if p.stuck || !p.skip(",") {
			break
		}
	}
	p.need(")")
	if len(elems) < 2 && !p.stuck {
		p.report(from, p.prevEnd, "CS8124", "Tuple must contain at least two elements")
	}
	if nested {
		return &Tuple{Span: p.span(from), Elems: elems}
	}
	if t == nil {
		t = varType(p.span(from))
	}
	return &Decl{Span: p.span(from), Type: t, Names: names}
}
