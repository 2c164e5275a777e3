package syntax

func (w walker) exprChildren(x Expr) {
	switch x := x.(type) {
	case *Interpolated:
		parts(w, x.Parts)
	case *Name:
		each(w, x.Args)
	case *Member:
		w.node(x.X)
		each(w, x.Args)
	case *Call:
		w.node(x.Fun)
		parts(w, x.Args)
	case *Index:
		w.node(x.X)
		parts(w, x.Args)
	case *Conditional:
		w.node(x.X)
		w.node(x.Then)
	case *Unary:
		w.node(x.X)
	case *Postfix:
		w.node(x.X)
	case *Binary:
		w.node(x.X)
		w.node(x.Y)
	case *Assign:
		w.node(x.X)
		w.node(x.Y)
	case *Ternary:
		w.node(x.Cond)
		w.node(x.Then)
		w.node(x.Else)
	case *Cast:
		w.node(x.Type)
		w.node(x.X)
	case *As:
		w.node(x.X)
		w.node(x.Type)
	case *Is:
		w.node(x.X)
		w.node(x.Pattern)
	case *Paren:
		w.node(x.X)
	case *Tuple:
		parts(w, x.Elems)
	case *Lambda:
		parts(w, x.Params)
		w.node(x.Body)
	default:
		w.moreExprChildren(x)
	}
}

// moreExprChildren goes on with what creates values and with what is rare.
func (w walker) moreExprChildren(x Expr) {
	switch x := x.(type) {
	case *Decl:
		w.node(x.Type)
	case *New:
		w.node(x.Type)
		parts(w, x.Args)
		w.init(x.Init)
	case *NewArray:
		w.node(x.Elem)
		each(w, x.Sizes)
		w.init(x.Init)
	case *NewAnonymous:
		parts(w, x.Elems)
	case *TypeOf:
		w.node(x.Type)
	case *SizeOf:
		w.node(x.Type)
	case *Default:
		w.node(x.Type)
	case *Checked:
		w.node(x.X)
	case *ThrowExpr:
		w.node(x.X)
	case *Query:
		parts(w, x.Clauses)
	case *TypeExpr:
		w.node(x.Type)
	case *Await:
		w.node(x.X)
	}
}
