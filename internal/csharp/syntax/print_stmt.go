package syntax

func (p *printer) block(b *Block) {
	p.str("{")
	p.indent++
	for _, s := range b.Stmts {
		p.line()
		p.stmt(s)
	}
	p.indent--
	p.line()
	p.str("}")
}

func (p *printer) stmt(s Stmt) {
	switch s := s.(type) {
	case *Block:
		p.block(s)
	case *LocalDecl:
		p.localDecl(s)
		p.str(";")
	case *LocalFunc:
		p.localFunc(s)
	case *ExprStmt:
		p.expr(s.X)
		p.str(";")
	case *If:
		p.ifStmt(s)
	case *Switch:
		p.switchStmt(s)
	case *Try:
		p.try(s)
	case *Using:
		p.using(s)
	case *Lock:
		p.str("lock (")
		p.expr(s.X)
		p.str(")")
		p.body(s.Body)
	case *CheckedStmt:
		p.str(checkedWord(s.Unchecked), " ")
		p.block(s.Body)
	case *Labeled:
		p.ident(s.Label.Name)
		p.str(":")
		p.line()
		p.stmt(s.Stmt)
	case *Empty:
		p.str(";")
	default:
		p.loop(s)
	}
}

// body writes the statement that belongs to another.
func (p *printer) body(s Stmt) {
	if b, ok := s.(*Block); ok {
		p.str(" ")
		p.block(b)
		return
	}
	p.indent++
	p.line()
	p.stmt(s)
	p.indent--
}

// ifStmt writes a chain of "else if" in a loop.
func (p *printer) ifStmt(s *If) {
	for {
		p.str("if (")
		p.expr(s.Cond)
		p.str(")")
		p.body(s.Then)
		if s.Else == nil {
			return
		}
		if _, ok := s.Then.(*Block); ok {
			p.str(" ")
		} else {
			p.line()
		}
		p.str("else")
		next, ok := s.Else.(*If)
		if !ok {
			p.body(s.Else)
			return
		}
		p.str(" ")
		s = next
	}
}

func (p *printer) loop(s Stmt) {
	switch s := s.(type) {
	case *While:
		p.str("while (")
		p.expr(s.Cond)
		p.str(")")
		p.body(s.Body)
	case *Do:
		p.str("do")
		p.body(s.Body)
		p.line()
		p.str("while (")
		p.expr(s.Cond)
		p.str(");")
	case *For:
		p.forStmt(s)
	case *Foreach:
		p.foreach(s)
	default:
		p.jump(s)
	}
}

func (p *printer) forStmt(s *For) {
	p.str("for (")
	list(p, s.Init, func(s *Stmt) {
		switch s := (*s).(type) {
		case *LocalDecl:
			p.localDecl(s)
		case *ExprStmt:
			p.expr(s.X)
		}
	})
	p.str("; ")
	p.operand(s.Cond)
	p.str("; ")
	list(p, s.Post, func(x *Expr) { p.expr(*x) })
	p.str(")")
	p.body(s.Body)
}

func (p *printer) foreach(s *Foreach) {
	p.str("foreach (")
	if s.Vars != nil {
		p.target(s.Vars)
	} else {
		p.typ(s.Type)
		p.str(" ")
		p.ident(s.Name.Name)
	}
	p.str(" in ")
	p.expr(s.X)
	p.str(")")
	p.body(s.Body)
}

func (p *printer) jump(s Stmt) {
	switch s := s.(type) {
	case *Break:
		p.str("break;")
	case *Continue:
		p.str("continue;")
	case *Return:
		p.value("return", s.X)
	case *Throw:
		p.value("throw", s.X)
	case *Goto:
		p.gotoStmt(s)
	case *Yield:
		if s.X == nil {
			p.str("yield break;")
			return
		}
		p.value("yield return", s.X)
	}
}

func (p *printer) value(word string, x Expr) {
	p.str(word)
	if x != nil {
		p.str(" ")
		p.expr(x)
	}
	p.str(";")
}

func (p *printer) gotoStmt(s *Goto) {
	p.str("goto ")
	switch {
	case s.Default:
		p.str("default")
	case s.Case != nil:
		p.str("case ")
		p.expr(s.Case)
	default:
		p.ident(s.Label.Name)
	}
	p.str(";")
}
