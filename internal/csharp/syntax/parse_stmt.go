package syntax

import "fmt"

// block reads {…}.
func (p *parser) block() *Block {
	from := p.tok.from
	b := &Block{}
	if p.need("{") {
		b.Stmts = p.stmts(false)
		p.need("}")
	}
	b.Span = p.span(from)
	return b
}

// stmts reads statements up to a closing brace; in a section of a switch, up
// to the next label too. After one that is wrong it goes on with the next.
func (p *parser) stmts(section bool) []Stmt {
	var out []Stmt
	for p.tok.kind != tokEnd && !p.is("}") && p.tok.kind != tokHoleEnd {
		if section && p.labelAhead() {
			break
		}
		begin := p.i
		s := p.stmt()
		if p.stuck {
			p.recover(begin)
			continue
		}
		out = append(out, s)
	}
	return out
}

func (p *parser) labelAhead() bool {
	return p.is("case") || p.is("default") && p.at(1).is(":")
}

// stmt reads a statement.
func (p *parser) stmt() Stmt {
	defer p.leave()
	if !p.enter() {
		return nil
	}
	if p.tok.kind == tokKeyword {
		if s, ok := p.keywordStmt(); ok {
			return s
		}
	}
	return p.plainStmt()
}

// plainStmt reads a statement that no keyword begins.
func (p *parser) plainStmt() Stmt {
	from := p.tok.from
	switch {
	case p.is("{"):
		return p.block()
	case p.skip(";"):
		return &Empty{Span: p.span(from)}
	case p.isName(p.tok) && p.at(1).is(":"):
		s := &Labeled{Label: p.ident()}
		p.next()
		s.Stmt = p.stmt()
		s.Span = p.span(from)
		return s
	case p.tok.word("yield") && (p.at(1).is("return") || p.at(1).is("break")):
		return p.yield()
	case p.tok.word("await") && (p.at(1).is("foreach") || p.at(1).is("using")):
		p.failNew("async streams", "8.0")
		return nil
	case p.recordAhead():
		p.failNew("records", "9.0")
		return nil
	case p.declAhead():
		return p.decl()
	}
	s := &ExprStmt{X: p.parseExpr()}
	p.semicolon()
	s.Span = p.span(from)
	return s
}

// keywordStmt reads a statement by its keyword; ok is false for keywords that
// begin a declaration or an expression.
func (p *parser) keywordStmt() (s Stmt, ok bool) {
	switch p.tok.text {
	case "if":
		return p.ifStmt(), true
	case "while":
		return p.while(), true
	case "do":
		return p.do(), true
	case "for":
		return p.forStmt(), true
	case "foreach":
		return p.foreach(), true
	case "switch":
		return p.switchStmt(), true
	case "try":
		return p.try(), true
	case "using":
		return p.using(), true
	case "lock":
		return p.lock(), true
	case "break", "continue", "return", "throw", "goto":
		return p.jump(), true
	case "checked", "unchecked":
		if !p.at(1).is("{") {
			return nil, false
		}
		return p.checkedStmt(), true
	case "const", "ref":
		return p.decl(), true
	}
	return nil, p.refuseKeyword()
}

// refuseKeyword fails for keywords that begin no statement here.
func (p *parser) refuseKeyword() bool {
	switch word := p.tok.text; word {
	case "else":
		p.failAt("CS8641", "'else' cannot start a statement")
	case "catch", "finally":
		p.failAt("CS1003", "Syntax error, 'try' expected")
	case "static":
		if p.lambdaStatic() {
			return false
		}
		p.failNew("static local functions", "8.0")
	case "fixed", "unsafe":
		p.failAt("CS0227", "Unsafe code may only appear if compiling with /unsafe")
	case "public", "private", "protected", "internal", "readonly", "abstract", "sealed", "virtual", "override", "extern", "volatile":
		p.failAt("CS0106", fmt.Sprintf("The modifier '%s' is not valid for this item", word))
	case "class", "struct", "interface", "enum", "namespace":
		p.failAt("CS1513", "} expected")
	default:
		return false
	}
	return true
}

// lambdaStatic reports whether "static" begins a lambda, which the expression
// refuses better.
func (p *parser) lambdaStatic() bool { return p.at(2).is("=>") || p.at(1).is("(") }

// recordAhead reports whether "record Name(" or "record Name {" stands here.
func (p *parser) recordAhead() bool {
	return p.tok.word("record") && p.at(1).kind == tokName && (p.at(2).is("(") || p.at(2).is("{"))
}

// semicolon takes ";". Where it was forgotten at the end of a line or a block,
// the next statement is read as if it had been there.
func (p *parser) semicolon() {
	if p.stuck || p.skip(";") {
		return
	}
	forgotten := p.is("}") || p.tok.newLine || p.tok.kind == tokEnd
	if p.tok.kind != tokBad && forgotten {
		p.report(p.prevEnd, p.prevEnd, "CS1002", "; expected")
		return
	}
	p.need(";")
}

// embedded reads the statement of an "if" or a loop, which declares nothing.
func (p *parser) embedded() Stmt {
	s := p.stmt()
	if p.stuck {
		return s
	}
	switch s.(type) {
	case *LocalDecl, *LocalFunc, *Labeled:
		p.report(s.Start(), s.End(), "CS1023", "Embedded statement cannot be a declaration or labeled statement")
	}
	return s
}

// condition reads (x).
func (p *parser) condition() Expr {
	p.need("(")
	x := p.parseExpr()
	p.need(")")
	return x
}

// ifStmt reads a chain of "else if" in a loop, so that a long one does not
// nest the parser.
func (p *parser) ifStmt() Stmt {
	var chain []*If
	var last Stmt
	for {
		s := &If{Span: Span{From: p.tok.from}}
		p.need("if")
		s.Cond = p.condition()
		s.Then = p.embedded()
		chain = append(chain, s)
		if p.stuck || !p.skip("else") {
			break
		}
		if !p.is("if") {
			last = p.embedded()
			break
		}
	}
	for i := len(chain) - 1; i >= 0; i-- {
		s := chain[i]
		s.Span = p.span(s.From)
		s.Else = last
		last = s
	}
	return last
}

func (p *parser) checkedStmt() Stmt {
	from := p.tok.from
	s := &CheckedStmt{Unchecked: p.next().text == "unchecked"}
	s.Body = p.block()
	s.Span = p.span(from)
	return s
}

func (p *parser) lock() Stmt {
	from := p.next().from
	s := &Lock{X: p.condition()}
	s.Body = p.embedded()
	s.Span = p.span(from)
	return s
}

// jump reads break, continue, return, throw and goto.
func (p *parser) jump() Stmt {
	from := p.tok.from
	word := p.next().text
	var x Expr
	g := &Goto{}
	switch {
	case word == "goto":
		p.target(g)
	case (word == "return" || word == "throw") && !p.is(";"):
		x = p.parseExpr()
	}
	p.semicolon()
	s := p.span(from)
	switch word {
	case "break":
		return &Break{Span: s}
	case "continue":
		return &Continue{Span: s}
	case "return":
		return &Return{Span: s, X: x}
	case "throw":
		return &Throw{Span: s, X: x}
	}
	g.Span = s
	return g
}

func (p *parser) target(g *Goto) {
	switch {
	case p.skip("case"):
		g.Case = p.parseExpr()
	case p.skip("default"):
		g.Default = true
	default:
		g.Label = p.ident()
	}
}

func (p *parser) yield() Stmt {
	from := p.next().from
	s := &Yield{}
	if p.next().text == "return" {
		s.X = p.parseExpr()
	}
	p.semicolon()
	s.Span = p.span(from)
	return s
}
