package syntax

// postfix reads a primary expression and what hangs on it.
func (p *parser) postfix() Expr {
	from := p.tok.from
	x := p.primary()
	for !p.stuck {
		switch {
		case p.is("++"), p.is("--"):
			op := p.next().text
			x = &Postfix{Span: p.span(from), Op: op, X: x}
			continue
		case p.tooNewPostfix():
			return x
		}
		y := p.suffix(x, from)
		if y == nil {
			break
		}
		x = y
	}
	return x
}

// suffix reads one access behind x: .name, (…), […] or ?.…; nil: there is
// none. Inside a conditional access x is nil at first.
func (p *parser) suffix(x Expr, from Pos) Expr {
	switch {
	case p.is("."):
		p.next()
		m := &Member{X: x, Name: p.memberName()}
		m.Args = p.genericArgs()
		m.Span = p.span(from)
		return m
	case p.is("("):
		args := p.args("(", ")")
		return &Call{Span: p.span(from), Fun: x, Args: args}
	case p.is("["):
		args := p.args("[", "]")
		if len(args) == 0 && !p.stuck {
			p.report(p.prevEnd-1, p.prevEnd, "CS0443", "Syntax error; value expected")
		}
		return &Index{Span: p.span(from), X: x, Args: args}
	case p.is("?") && (p.at(1).is(".") || p.at(1).is("[")):
		return p.conditional(x, from)
	}
	return nil
}

// conditional reads ?.a.b[c] behind x: all of it hangs on x, and what stands
// behind a further "?." hangs on what is before that.
func (p *parser) conditional(x Expr, from Pos) Expr {
	defer p.leave()
	if !p.enter() {
		return nil
	}
	p.next()
	begin := p.tok.from
	then := p.suffix(nil, begin)
	for !p.stuck {
		y := p.suffix(then, begin)
		if y == nil {
			break
		}
		then = y
	}
	return &Conditional{Span: p.span(from), X: x, Then: then}
}

// memberName reads the name behind a dot. Words of queries are names there.
func (p *parser) memberName() Ident {
	if p.tok.kind != tokName {
		p.failIdent()
		return Ident{}
	}
	t := p.next()
	return Ident{Span: Span{From: t.from, To: t.to}, Name: t.text}
}

// tooNewPostfix refuses what later versions of C# allow behind an operand.
func (p *parser) tooNewPostfix() bool {
	switch {
	case p.is("!"):
		p.failNew("nullable reference types", "8.0")
	case p.is("switch") && p.at(1).is("{"):
		p.failNew("switch expression", "8.0")
	case p.is(".."):
		p.failNew("range operator", "8.0")
	case p.tok.word("with") && p.at(1).is("{"):
		p.failNew("with expression", "9.0")
	case p.tok.word("u8") && p.tok.from == p.prevEnd && p.tokens[p.i-1].kind == tokLiteral:
		p.failNew("UTF-8 string literals", "11.0")
	case p.is("->"):
		p.failAt("CS0214", "Pointers and fixed size buffers may only be used in an unsafe context")
	default:
		return false
	}
	return true
}

// primary reads an operand without what hangs on it.
func (p *parser) primary() Expr {
	t := p.tok
	switch {
	case t.kind == tokLiteral:
		p.next()
		return t.lit
	case t.kind == tokText:
		return p.interpolated()
	case p.isName(t):
		return p.nameExpr()
	case p.is("("):
		return p.parenOrTuple()
	case t.kind == tokKeyword:
		return p.keywordExpr()
	}
	p.failTerm()
	return nil
}

// nameExpr reads a simple name, or what only looks like one.
func (p *parser) nameExpr() Expr {
	from := p.tok.from
	switch {
	case p.tok.word("async") && p.at(1).is("delegate"):
		return p.lambda()
	case p.at(1).is("::"):
		return p.qualifiedAlias()
	case p.designationAhead("=", "in"):
		return p.designation()
	}
	n := &Name{Ident: p.ident()}
	n.Args = p.genericArgs()
	n.Span = p.span(from)
	return n
}

// qualifiedAlias reads global::System. There are no other aliases.
func (p *parser) qualifiedAlias() Expr {
	from := p.tok.from
	q := &QualifiedAlias{Alias: p.ident()}
	p.need("::")
	q.Ident = p.ident()
	q.Span = p.span(from)
	return q
}

// genericArgs reads type arguments behind a name, if "<" begins some.
func (p *parser) genericArgs() []Type {
	if !p.is("<") {
		return nil
	}
	end, ok := p.lookTypeArgs(p.i, 0)
	if !ok || !p.followsTypeArgs(&p.tokens[end]) {
		return nil
	}
	args, _ := p.typeArgs(false)
	return args
}

// followsTypeArgs decides whether "a < b > t" has type arguments, by t. These
// are C#'s own rule.
func (p *parser) followsTypeArgs(t *token) bool {
	switch t.kind {
	case tokEnd, tokHoleEnd, tokFormat:
		return true
	case tokName:
		return p.query > 0 && t.plain && isQueryWord(t.text)
	case tokKeyword:
		return t.text == "is" || t.text == "as"
	case tokOp:
		switch t.text {
		case "(", ")", "]", "}", "{", ":", ";", ",", ".", "?", "==", "!=", "|", "^", "&&", "||", "&",
			"[", "<", "<=", ">=":
			return true
		}
	}
	return false
}

// keywordExpr reads what begins with a keyword.
func (p *parser) keywordExpr() Expr {
	from := p.tok.from
	switch word := p.tok.text; word {
	case "null", "true", "false":
		p.next()
		if word == "null" {
			return &Literal{Span: p.span(from), Kind: NullLiteral}
		}
		return &Literal{Span: p.span(from), Kind: BoolLiteral, Value: word == "true"}
	case "this", "base":
		p.next()
		return &This{Span: p.span(from), Base: word == "base"}
	case "new":
		return p.newExpr()
	case "delegate":
		return p.lambda()
	case "typeof", "sizeof":
		return p.typeOf()
	case "default":
		return p.defaultExpr()
	case "checked", "unchecked":
		p.next()
		p.need("(")
		x := p.parseExpr()
		p.need(")")
		return &Checked{Span: p.span(from), Unchecked: word == "unchecked", X: x}
	}
	if isPredefined(p.tok.text) && p.at(1).is(".") {
		t := p.next()
		s := Span{From: t.from, To: t.to}
		return &Name{Span: s, Ident: Ident{Span: s, Name: t.text}, Predefined: true}
	}
	if p.is("static") && (p.at(2).is("=>") || p.at(1).is("(")) {
		p.failNew("static anonymous function", "9.0")
		return nil
	}
	p.failTerm()
	return nil
}

func (p *parser) typeOf() Expr {
	from := p.tok.from
	size := p.next().text == "sizeof"
	p.need("(")
	mode := boundless
	if size {
		mode = anyType
	}
	t := p.parseType(mode)
	p.need(")")
	if size {
		return &SizeOf{Span: p.span(from), Type: t}
	}
	return &TypeOf{Span: p.span(from), Type: t}
}

// defaultExpr reads default(T) and default.
func (p *parser) defaultExpr() Expr {
	from := p.tok.from
	p.next()
	d := &Default{}
	if p.skip("(") {
		d.Type = p.parseType(anyType)
		p.need(")")
	}
	d.Span = p.span(from)
	return d
}
