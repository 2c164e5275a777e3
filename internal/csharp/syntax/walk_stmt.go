package syntax

func (w walker) stmtChildren(s Stmt) {
	switch s := s.(type) {
	case *Block:
		each(w, s.Stmts)
	case *LocalDecl:
		w.node(s.Type)
		parts(w, s.Vars)
	case *LocalFunc:
		w.node(s.Result)
		parts(w, s.Params)
		w.node(s.Body)
	case *ExprStmt:
		w.node(s.X)
	case *If:
		w.node(s.Cond)
		w.node(s.Then)
		w.node(s.Else)
	case *Switch:
		w.node(s.X)
		parts(w, s.Sections)
	case *Return:
		w.node(s.X)
	case *Throw:
		w.node(s.X)
	case *Try:
		w.block(s.Body)
		parts(w, s.Catches)
		w.block(s.Finally)
	case *Using:
		if s.Decl != nil {
			w(s.Decl)
		}
		w.node(s.X)
		w.node(s.Body)
	case *Lock:
		w.node(s.X)
		w.node(s.Body)
	case *CheckedStmt:
		w.block(s.Body)
	case *Goto:
		w.node(s.Case)
	case *Labeled:
		w.node(s.Stmt)
	case *Yield:
		w.node(s.X)
	default:
		w.loopChildren(s)
	}
}

func (w walker) loopChildren(s Stmt) {
	switch s := s.(type) {
	case *While:
		w.node(s.Cond)
		w.node(s.Body)
	case *Do:
		w.node(s.Body)
		w.node(s.Cond)
	case *For:
		each(w, s.Init)
		w.node(s.Cond)
		each(w, s.Post)
		w.node(s.Body)
	case *Foreach:
		w.node(s.Type)
		w.node(s.Vars)
		w.node(s.X)
		w.node(s.Body)
	}
}
