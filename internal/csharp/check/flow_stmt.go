package check

func (f *flow) block(b *Block, a assigned) assigned { return f.stmts(b.Stmts, a) }

func (f *flow) stmts(stmts []Stmt, a assigned) assigned {
	for _, s := range stmts {
		a = f.stmt(s, a)
	}
	return a
}

// stmt gives what is assigned behind s, where a is before it.
func (f *flow) stmt(s Stmt, a assigned) assigned {
	switch s := s.(type) {
	case *Block:
		return f.block(s, a)
	case *several:
		return f.stmts(s.stmts, a)
	case *ExprStmt:
		a = f.expr(s.X, a)
		if _, throws := s.X.(*Throw); throws {
			return dead
		}
		return a
	case *Declare:
		if s.Init == nil {
			return a.without(f.id(s.Var))
		}
		return f.put(f.expr(s.Init, a), s.Var)
	case *DeclareFunc:
		f.localOf(s.Func)
	case *If:
		yes, no := f.cond(s.Cond, a)
		yes = f.stmt(s.Then, yes)
		if s.Else != nil {
			no = f.stmt(s.Else, no)
		}
		return yes.and(no)
	case *Loop:
		return f.loop(s, a)
	case *Foreach:
		return f.foreach(s, a)
	case *Switch:
		return f.switches(s, a)
	case *Try:
		return f.try(s, a)
	case *Using:
		return f.stmt(s.Body, f.put(f.expr(s.Init, a), s.Var))
	}
	return f.jump(s, a)
}

func (f *flow) jump(s Stmt, a assigned) assigned {
	switch s := s.(type) {
	case *Break:
		if t := f.target(false); t != nil {
			t.breaks = t.breaks.and(f.leave(a, t.finals))
		}
	case *Continue:
		if t := f.target(true); t != nil {
			t.continues = t.continues.and(f.leave(a, t.finals))
		}
	case *GotoCase:
	case *Goto:
		if at, ok := f.marks[s.To]; ok {
			f.marks[s.To] = at.and(a)
		} else {
			f.marks[s.To] = a
		}
	case *Mark:
		if at, ok := f.marks[s]; ok {
			return a.and(at)
		}
		return a
	case *Yield:
		if s.X != nil {
			return f.expr(s.X, a)
		}
	case *Return:
		if s.X != nil {
			a = f.expr(s.X, a)
		}
		a = f.leave(a, 0)
		f.outs(f.fn, a, s.Span)
		*f.ends = f.ends.and(a)
	case *ThrowStmt:
		if s.X != nil {
			f.expr(s.X, a)
		}
	default:
		return a
	}
	return dead
}

func (f *flow) target(loop bool) *target {
	for i := len(f.targets) - 1; i >= 0; i-- {
		if t := f.targets[i]; t.loop || !loop {
			return t
		}
	}
	return nil
}

// leave is the state behind the finally blocks that a jump leaves through.
func (f *flow) leave(a assigned, until int) assigned {
	for i := len(f.finals) - 1; i >= until; i-- {
		a = a.or(f.finals[i].gives)
	}
	return a
}

func (f *flow) enter(loop bool) *target {
	t := &target{loop: loop, finals: len(f.finals), breaks: dead, continues: dead}
	f.targets = append(f.targets, t)
	return t
}

func (f *flow) exit() { f.targets = f.targets[:len(f.targets)-1] }

func (f *flow) loop(s *Loop, a assigned) assigned {
	a = f.stmts(s.Init, a)
	if s.After {
		t := f.enter(true)
		end := f.stmt(s.Body, a).and(t.continues)
		f.exit()
		_, no := f.cond(s.Cond, end)
		return no.and(t.breaks)
	}
	yes, no := a, dead
	if s.Cond != nil {
		yes, no = f.cond(s.Cond, a)
	}
	t := f.enter(true)
	end := f.stmt(s.Body, yes).and(t.continues)
	f.exit()
	for _, x := range s.Step {
		end = f.expr(x, end)
	}
	return no.and(t.breaks)
}

func (f *flow) foreach(s *Foreach, a assigned) assigned {
	a = f.expr(s.X, a)
	in := a
	if s.Conv != nil {
		in = f.expr(s.Conv, in)
	}
	in = f.put(in, s.Var)
	if s.Split != nil {
		in = f.stmt(s.Split, in)
	}
	t := f.enter(true)
	f.stmt(s.Body, in)
	f.exit()
	return a.and(t.breaks)
}

func (f *flow) switches(s *Switch, a assigned) assigned {
	a = f.expr(s.X, a)
	t := f.enter(false)
	def := false
	for _, sec := range s.Sections {
		in := dead
		for _, l := range sec.Labels {
			def = def || s.takesAll(l)
			at := f.matched(l.Pattern, a)
			if l.When != nil {
				at, _ = f.cond(l.When, at)
			}
			in = in.and(at)
		}
		f.stmts(sec.Stmts, in)
	}
	f.exit()
	if !def {
		return a.and(t.breaks)
	}
	return t.breaks
}

// matched is the state where p has matched.
func (f *flow) matched(p Pattern, a assigned) assigned {
	switch p := p.(type) {
	case *TypePattern:
		return f.put(a, p.Var)
	case *VarPattern:
		return f.put(a, p.Var)
	}
	return a
}

func (f *flow) try(s *Try, a assigned) assigned {
	var gives assigned
	if s.Finally != nil {
		// What the block assigns counts for all jumps that go through it, so it is
		// looked at first.
		gives = f.block(s.Finally, a)
		f.finals = append(f.finals, final{gives})
	}
	end := f.block(s.Body, a)
	for _, k := range s.Catches {
		in := f.put(a, k.Var)
		if k.When != nil {
			in, _ = f.cond(k.When, in)
		}
		end = end.and(f.block(k.Body, in))
	}
	if s.Finally != nil {
		f.finals = f.finals[:len(f.finals)-1]
		end = end.or(gives)
	}
	return end
}
