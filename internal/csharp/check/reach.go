package check

// Whether the end of a statement can be reached (section 13.2).

// reachesEnd reports whether the end of a block can be reached.
func reachesEnd(b *Block) bool { return b == nil || reaches(b.Stmts) }

func reaches(stmts []Stmt) bool {
	reached := true
	for _, s := range stmts {
		switch s := s.(type) {
		case *Mark: // something goes here, or nothing behind it matters
			reached = true
		case *Yield:
			reached = reached && s.X != nil
		default:
			reached = reached && through(s)
		}
	}
	return reached
}

// through reports whether execution can come out behind s.
func through(s Stmt) bool {
	switch s := s.(type) {
	case *Block:
		return reaches(s.Stmts)
	case *several:
		return reaches(s.stmts)
	case *Return, *ThrowStmt, *Break, *Continue, *GotoCase, *Goto:
		return false
	case *ExprStmt:
		_, throws := s.X.(*Throw)
		return !throws
	case *If:
		return throughIf(s)
	case *Loop:
		return throughLoop(s)
	case *Using:
		return through(s.Body)
	case *Switch:
		return throughSwitch(s)
	case *Try:
		return throughTry(s)
	}
	return true
}

func throughIf(s *If) bool {
	if k, ok := s.Cond.(*Const); ok && k.Type != bad {
		if k.Value.Bool() {
			return through(s.Then)
		}
		return s.Else == nil || through(s.Else)
	}
	return through(s.Then) || s.Else == nil || through(s.Else)
}

func throughLoop(s *Loop) bool {
	if breaks(s.Body) {
		return true
	}
	if k, ok := s.Cond.(*Const); ok {
		return !k.Value.Bool()
	}
	if s.Cond == nil {
		return false
	}
	if s.After {
		return through(s.Body) || continues(s.Body)
	}
	return true
}

func throughSwitch(s *Switch) bool {
	def := false
	for _, sec := range s.reached() {
		for _, l := range sec.Labels {
			def = def || s.takesAll(l)
		}
		for _, st := range sec.Stmts {
			if breaks(st) {
				return true
			}
		}
	}
	return !def
}

// takesAll reports whether a label matches every value: default, and a pattern
// of the value's own type if that has no null.
func (s *Switch) takesAll(l Label) bool {
	if l.Pattern == nil {
		return true
	}
	if k, ok := l.When.(*Const); l.When != nil && !(ok && k.Value.Bool()) {
		return false
	}
	switch p := l.Pattern.(type) {
	case *VarPattern:
		return true
	case *TypePattern:
		return p.To == s.X.T() && p.To.IsValue() && !p.To.IsNullable()
	case *ConstPattern:
		k, ok := s.X.(*Const)
		return ok && k.Value == p.Value
	}
	return false
}

// reached are the sections that can be reached: of a constant the one that has
// it, if that is known, and those it goes to.
func (s *Switch) reached() []Section {
	if _, ok := s.X.(*Const); !ok {
		return s.Sections
	}
	for i, sec := range s.Sections {
		for _, l := range sec.Labels {
			if l.Pattern != nil && s.takesAll(l) && !s.jumps() {
				return s.Sections[i : i+1]
			}
			if _, ok := l.Pattern.(*ConstPattern); !ok && l.Pattern != nil || l.When != nil {
				return s.Sections
			}
		}
	}
	return s.Sections
}

// jumps reports whether a goto case stands in the switch.
func (s *Switch) jumps() bool {
	for _, sec := range s.Sections {
		for _, st := range sec.Stmts {
			if leaves(st, func(s Stmt) bool { _, ok := s.(*GotoCase); return ok }, true) {
				return true
			}
		}
	}
	return false
}

func throughTry(s *Try) bool {
	if s.Finally != nil && !reachesEnd(s.Finally) {
		return false
	}
	if reachesEnd(s.Body) {
		return true
	}
	for _, k := range s.Catches {
		if reachesEnd(k.Body) {
			return true
		}
	}
	return false
}

// breaks reports whether a break inside s leaves the loop or switch around s.
func breaks(s Stmt) bool {
	return leaves(s, func(s Stmt) bool { _, ok := s.(*Break); return ok }, false)
}

// continues is the same for continue.
func continues(s Stmt) bool {
	return leaves(s, func(s Stmt) bool { _, ok := s.(*Continue); return ok }, true)
}

// leaves looks for a jump; those inside loops belong to them, and those inside a
// switch too, but for continue.
func leaves(s Stmt, is func(Stmt) bool, through bool) bool {
	if s == nil {
		return false
	}
	if is(s) {
		return true
	}
	any := func(stmts []Stmt) bool {
		for _, x := range stmts {
			if leaves(x, is, through) {
				return true
			}
		}
		return false
	}
	switch s := s.(type) {
	case *Block:
		return any(s.Stmts)
	case *If:
		return leaves(s.Then, is, through) || s.Else != nil && leaves(s.Else, is, through)
	case *Using:
		return leaves(s.Body, is, through)
	case *Try:
		if any(s.Body.Stmts) {
			return true
		}
		for _, k := range s.Catches {
			if any(k.Body.Stmts) {
				return true
			}
		}
		return s.Finally != nil && any(s.Finally.Stmts)
	case *Switch:
		if !through {
			return false
		}
		for _, sec := range s.Sections {
			if any(sec.Stmts) {
				return true
			}
		}
	}
	return false
}
