package syntax

// isPattern reads what stands behind "is".
func (p *parser) isPattern() Pattern {
	if p.tooNewPattern() {
		return nil
	}
	from := p.tok.from
	end, shape := p.lookType(p.i, afterIs)
	if shape == tuple {
		p.failNew("recursive patterns", "8.0")
		return nil
	}
	if shape == noType || p.goesOn(&p.tokens[end]) {
		return p.constPattern(from, p.binary(shiftLevel))
	}
	return p.typeOrDecl(end, afterIs)
}

// constPattern is the pattern of an expression that was read just now.
func (p *parser) constPattern(from Pos, x Expr) Pattern {
	if _, positional := x.(*Tuple); positional {
		code, reason := tooNew("recursive patterns", "8.0")
		p.fail(from, p.prevEnd, code, reason)
	}
	p.noCombinator(p.tok, p.at(1))
	return &ConstPattern{Span: p.span(from), X: x}
}

// typeOrDecl reads a type, which ends before the token at end, and the name of
// a variable if one is there.
func (p *parser) typeOrDecl(end int, mode typeMode) Pattern {
	from := p.tok.from
	if p.noCombinator(&p.tokens[end], &p.tokens[min(end+1, len(p.tokens)-1)]) {
		return nil
	}
	t := p.parseType(mode)
	if !p.isName(p.tok) {
		return &TypePattern{Span: p.span(from), Type: t}
	}
	id := p.ident()
	p.noCombinator(p.tok, p.at(1))
	return &DeclPattern{Span: p.span(from), Type: t, Name: id}
}

// goesOn reports whether a token behind what could be a type makes it the
// beginning of a constant expression.
func (p *parser) goesOn(t *token) bool {
	if t.kind != tokOp {
		return false
	}
	switch t.text {
	case "(", "[", ".", "+", "-", "*", "/", "%", "<<", "++", "--", "->", "::":
		return true
	}
	return false
}

// casePattern reads what stands behind "case". A name alone is a type's or a
// constant's, which the checker finds.
func (p *parser) casePattern() Pattern {
	if p.tooNewPattern() {
		return nil
	}
	from := p.tok.from
	end, shape := p.lookType(p.i, afterIs)
	if shape != noType {
		t := &p.tokens[end]
		if p.isName(t) && end+1 < len(p.tokens) {
			t = &p.tokens[end+1]
		}
		if t.is(":") || t.word("when") {
			return p.typeOrDecl(end, afterIs)
		}
	}
	return p.constPattern(from, p.parseExpr())
}

// tooNewPattern refuses patterns of later versions.
func (p *parser) tooNewPattern() bool {
	switch {
	case p.is("{"):
		p.failNew("recursive patterns", "8.0")
	case p.is("<"), p.is(">"), p.is("<="), p.is(">="):
		p.failNew("relational pattern", "9.0")
	case p.tok.word("not") && beginsPattern(p.at(1)):
		p.failNew("not pattern", "9.0")
	case p.is("["):
		p.failNew("list pattern", "11.0")
	default:
		return false
	}
	return true
}

// noCombinator refuses "and" and "or" between patterns.
func (p *parser) noCombinator(t, after *token) bool {
	if p.stuck || !t.word("and") && !t.word("or") || !beginsPattern(after) && !after.word("not") {
		return false
	}
	code, reason := tooNew(t.text+" pattern", "9.0")
	p.fail(t.from, t.to, code, reason)
	return true
}

func beginsPattern(t *token) bool {
	switch t.kind {
	case tokLiteral:
		return true
	case tokName:
		return !t.word("when")
	case tokKeyword:
		return t.text == "null" || t.text == "true" || t.text == "false" || isPredefined(t.text)
	}
	return t.is("{") || t.is("<=") || t.is(">=")
}
