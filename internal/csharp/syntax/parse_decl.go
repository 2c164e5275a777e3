package syntax

// declAhead reports whether a declaration of variables or of a local function
// begins here, and not an expression.
func (p *parser) declAhead() bool {
	if p.tok.kind != tokKeyword && p.tok.kind != tokName && !p.is("(") {
		return false
	}
	if p.tok.word("await") && p.awaitAhead() {
		return false
	}
	if p.queryAhead() {
		return false
	}
	if p.asyncAhead() {
		return true
	}
	end, shape := p.lookType(p.i, anyType)
	t := &p.tokens[end]
	switch {
	case shape == noType:
		return false
	case p.isName(t):
		return shape != question || p.declares(&p.tokens[end+1])
	case shape == surely:
		// "int.Parse" is an expression, and so is "(int a, var b) = t"; "int"
		// alone lacks a name.
		return !t.is(".") && !p.is("(")
	}
	return p.tok.word("var") && t.kind == tokKeyword && !t.is("is") && !t.is("as")
}

// declares decides whether "a? b t" declares b, by t: a conditional has ":".
func (p *parser) declares(t *token) bool {
	return t.is("=") || t.is(";") || t.is(",") || t.is("(") || t.kind == tokEnd
}

// asyncAhead reports whether "async T f(" stands here.
func (p *parser) asyncAhead() bool {
	if !p.tok.word("async") {
		return false
	}
	end, shape := p.lookType(p.i+1, anyType)
	if shape == noType || !p.isName(&p.tokens[end]) {
		return false
	}
	after := &p.tokens[end+1]
	return after.is("(") || after.is("<")
}

// decl reads a declaration of variables, or a local function.
func (p *parser) decl() Stmt {
	from := p.tok.from
	d := &LocalDecl{Const: p.skip("const"), Ref: p.skip("ref")}
	async := !d.Const && p.asyncAhead()
	if async {
		p.next()
	}
	d.Type = p.parseType(anyType)
	if p.isName(p.tok) && (p.at(1).is("(") || p.at(1).is("<")) && !d.Const && !d.Ref {
		return p.localFunc(from, async, d.Type)
	}
	p.declarators(d)
	p.semicolon()
	d.Span = p.span(from)
	return d
}

// declarators reads a = x, b.
func (p *parser) declarators(d *LocalDecl) {
	for {
		from := p.tok.from
		v := Declarator{Name: p.ident()}
		if p.is("[") {
			p.failAt("CS0650", "Bad array declarator: To declare a managed array the rank specifier precedes the variable's identifier")
		}
		if p.skip("=") {
			v.Init = p.variableInit(d.Ref)
		}
		v.Span = p.span(from)
		d.Vars = append(d.Vars, v)
		if !p.skip(",") {
			return
		}
	}
}

func (p *parser) variableInit(ref bool) Node {
	if p.is("{") {
		return p.initializer(true)
	}
	if ref {
		p.need("ref")
	}
	return p.parseExpr()
}

// localFunc reads what stands behind the type of a local function's result.
func (p *parser) localFunc(from Pos, async bool, result Type) Stmt {
	f := &LocalFunc{Async: async, Result: result, Name: p.ident()}
	f.TypeParams = p.typeParams()
	f.Params = p.params("(", ")")
	f.Where = p.constraints()
	p.function(async, func() {
		switch {
		case p.skip("=>"):
			f.Body = p.valueOrThrow()
			p.semicolon()
		case p.is("{"):
			f.Body = p.block()
		default:
			p.need("{")
		}
	})
	f.Span = p.span(from)
	return f
}

// using reads using (T x = y) … and using (x) ….
func (p *parser) using() Stmt {
	from := p.tok.from
	p.next()
	if !p.is("(") {
		p.failNew("using declarations", "8.0")
		return nil
	}
	s := &Using{}
	p.next()
	begin := p.tok.from
	if p.declAhead() {
		s.Decl = &LocalDecl{Type: p.parseType(anyType)}
		p.declarators(s.Decl)
		s.Decl.Span = p.span(begin)
	} else {
		s.X = p.parseExpr()
	}
	p.need(")")
	s.Body = p.embedded()
	s.Span = p.span(from)
	return s
}

func (p *parser) try() Stmt {
	from := p.next().from
	s := &Try{Body: p.block()}
	for p.is("catch") {
		s.Catches = append(s.Catches, p.catch())
	}
	if p.skip("finally") {
		s.Finally = p.block()
	}
	if s.Catches == nil && s.Finally == nil && !p.stuck {
		p.report(p.prevEnd, p.prevEnd, "CS1524", "Expected catch or finally")
	}
	s.Span = p.span(from)
	return s
}

func (p *parser) catch() Catch {
	from := p.next().from
	c := Catch{}
	if p.skip("(") {
		c.Type = p.parseType(anyType)
		if p.isName(p.tok) {
			c.Name = p.ident()
		}
		p.need(")")
	}
	if p.tok.word("when") {
		p.next()
		c.When = p.condition()
	}
	c.Body = p.block()
	c.Span = p.span(from)
	return c
}
