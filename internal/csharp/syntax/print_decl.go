package syntax

// localDecl writes a declaration without its semicolon.
func (p *printer) localDecl(s *LocalDecl) {
	if s.Const {
		p.str("const ")
	}
	if s.Ref {
		p.str("ref ")
	}
	p.typ(s.Type)
	p.str(" ")
	list(p, s.Vars, func(v *Declarator) { p.declarator(v, s.Ref) })
}

func (p *printer) declarator(v *Declarator, ref bool) {
	p.ident(v.Name.Name)
	if v.Init == nil {
		return
	}
	p.str(" = ")
	if _, braces := v.Init.(*Initializer); ref && !braces {
		p.str("ref ")
	}
	p.node(v.Init)
}

func (p *printer) localFunc(s *LocalFunc) {
	if s.Async {
		p.str("async ")
	}
	p.typ(s.Result)
	p.str(" ")
	p.ident(s.Name.Name)
	if len(s.TypeParams) > 0 {
		p.str("<")
		list(p, s.TypeParams, func(id *Ident) { p.ident(id.Name) })
		p.str(">")
	}
	p.params(s.Params)
	if s.Where != 0 {
		// What they are the tree does not say, only that there are some.
		p.str(" where T : class")
	}
	if b, ok := s.Body.(*Block); ok {
		p.str(" ")
		p.block(b)
		return
	}
	p.str(" => ")
	p.node(s.Body)
	p.str(";")
}

func (p *printer) using(s *Using) {
	p.str("using (")
	if s.Decl != nil {
		p.localDecl(s.Decl)
	} else {
		p.expr(s.X)
	}
	p.str(")")
	p.body(s.Body)
}

func (p *printer) try(s *Try) {
	p.str("try ")
	p.block(s.Body)
	for i := range s.Catches {
		p.str(" ")
		p.catch(&s.Catches[i])
	}
	if s.Finally != nil {
		p.str(" finally ")
		p.block(s.Finally)
	}
}

func (p *printer) catch(c *Catch) {
	p.str("catch ")
	if c.Type != nil {
		p.str("(")
		p.typ(c.Type)
		if c.Name.Name != "" {
			p.str(" ")
			p.ident(c.Name.Name)
		}
		p.str(") ")
	}
	if c.When != nil {
		p.str("when (")
		p.expr(c.When)
		p.str(") ")
	}
	p.block(c.Body)
}

func (p *printer) switchStmt(s *Switch) {
	p.str("switch (")
	p.expr(s.X)
	p.str(") {")
	for i := range s.Sections {
		p.line()
		p.section(&s.Sections[i])
	}
	p.line()
	p.str("}")
}

func (p *printer) section(s *SwitchSection) {
	for i := range s.Labels {
		if i > 0 {
			p.line()
		}
		p.label(&s.Labels[i])
	}
	p.indent++
	for _, s := range s.Stmts {
		p.line()
		p.stmt(s)
	}
	p.indent--
}

func (p *printer) label(l *SwitchLabel) {
	if l.Pattern == nil {
		p.str("default:")
		return
	}
	p.str("case ")
	p.pattern(l.Pattern)
	if l.When != nil {
		p.str(" when ")
		p.expr(l.When)
	}
	p.str(":")
}
