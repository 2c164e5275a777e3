package syntax

func (p *parser) switchStmt() Stmt {
	from := p.next().from
	s := &Switch{X: p.condition()}
	p.need("{")
	for !p.stuck && !p.is("}") {
		if !p.labelAhead() {
			p.failAt("CS1003", "Syntax error, 'case' expected")
			break
		}
		s.Sections = append(s.Sections, p.section())
	}
	p.need("}")
	s.Span = p.span(from)
	return s
}

func (p *parser) section() SwitchSection {
	from := p.tok.from
	s := SwitchSection{}
	for !p.stuck && p.labelAhead() {
		s.Labels = append(s.Labels, p.switchLabel())
	}
	if !p.stuck {
		s.Stmts = p.stmts(true)
	}
	s.Span = p.span(from)
	return s
}

func (p *parser) switchLabel() SwitchLabel {
	from := p.tok.from
	l := SwitchLabel{}
	if !p.skip("default") {
		p.need("case")
		was := p.label
		p.label = true
		l.Pattern = p.casePattern()
		if p.tok.word("when") {
			p.next()
			l.When = p.parseExpr()
		}
		p.label = was
	}
	p.need(":")
	l.Span = p.span(from)
	return l
}
