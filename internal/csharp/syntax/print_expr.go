package syntax

func (p *printer) expr(x Expr) {
	switch x := x.(type) {
	case *Literal:
		p.literal(x)
	case *Interpolated:
		p.interpolated(x)
	case *Name:
		p.name(x)
	case *QualifiedAlias:
		// "global" is a keyword in front of "::".
		p.str(x.Alias.Name, "::")
		p.ident(x.Ident.Name)
	case *Member:
		p.operand(x.X)
		p.str(".")
		p.member(x.Name.Name)
		p.typeArgs(x.Args)
	case *Call:
		p.expr(x.Fun)
		p.args("(", x.Args, ")")
	case *Index:
		p.operand(x.X)
		p.args("[", x.Args, "]")
	case *Conditional:
		p.expr(x.X)
		p.str("?")
		p.expr(x.Then)
	case *Paren:
		p.str("(")
		p.expr(x.X)
		p.str(")")
	case *Tuple:
		p.args("(", x.Elems, ")")
	case *Lambda:
		p.lambda(x)
	default:
		p.operation(x)
	}
}

// operand writes what stands before a dot or an index, if it is there.
func (p *printer) operand(x Expr) {
	if x != nil {
		p.expr(x)
	}
}

func (p *printer) name(x *Name) {
	if x.Predefined {
		p.str(x.Ident.Name)
		return
	}
	p.ident(x.Ident.Name)
	p.typeArgs(x.Args)
}

// operation writes operators.
func (p *printer) operation(x Expr) {
	switch x := x.(type) {
	case *Unary:
		p.str(x.Op)
		if y, ok := x.X.(*Unary); ok && y.Op[0] == x.Op[0] {
			// "- -x" is not "--x".
			p.str(" ")
		}
		p.expr(x.X)
	case *Postfix:
		p.expr(x.X)
		p.str(x.Op)
	case *Binary:
		p.infix(x.X, x.Op, x.Y)
	case *Assign:
		p.assign(x)
	case *Ternary:
		p.infix(x.Cond, "?", x.Then)
		p.str(" : ")
		p.expr(x.Else)
	case *Cast:
		p.str("(")
		p.typ(x.Type)
		p.str(")")
		p.expr(x.X)
	case *As:
		p.expr(x.X)
		p.str(" as ")
		p.typ(x.Type)
	case *Is:
		p.expr(x.X)
		p.str(" is ")
		p.pattern(x.Pattern)
	case *ThrowExpr:
		p.str("throw ")
		p.expr(x.X)
	case *Await:
		p.str("await ")
		p.expr(x.X)
	default:
		p.creation(x)
	}
}

func (p *printer) infix(x Expr, op string, y Expr) {
	p.expr(x)
	p.str(" ", op, " ")
	p.expr(y)
}

func (p *printer) assign(x *Assign) {
	if x.Op == "=" {
		p.target(x.X)
	} else {
		p.expr(x.X)
	}
	p.str(" ", x.Op, " ")
	p.expr(x.Y)
}

// target writes what is assigned to, where a bare "_" is a discard and the
// variable of that name has to be written "@_".
func (p *printer) target(x Expr) {
	switch x := x.(type) {
	case *Name:
		if x.Ident.Name == "_" {
			p.str("@")
		}
		p.expr(x)
	case *Tuple:
		p.str("(")
		list(p, x.Elems, func(a *Arg) {
			p.argName(a)
			p.target(a.Expr)
		})
		p.str(")")
	default:
		p.expr(x)
	}
}

// creation writes what makes values, and what is rare.
func (p *printer) creation(x Expr) {
	switch x := x.(type) {
	case *New:
		p.newExpr(x)
	case *NewArray:
		p.newArray(x)
	case *NewAnonymous:
		p.str("new { ")
		list(p, x.Elems, p.anonymousElem)
		p.str(" }")
	case *Query:
		p.queryExpr(x)
	case *Decl:
		p.decl(x)
	case *Discard:
		p.str("_")
	case *TypeOf:
		p.str("typeof(")
		p.typ(x.Type)
		p.str(")")
	case *SizeOf:
		p.str("sizeof(")
		p.typ(x.Type)
		p.str(")")
	case *Default:
		p.str("default")
		if x.Type != nil {
			p.str("(")
			p.typ(x.Type)
			p.str(")")
		}
	case *Checked:
		p.str(checkedWord(x.Unchecked), "(")
		p.expr(x.X)
		p.str(")")
	case *This:
		if x.Base {
			p.str("base")
		} else {
			p.str("this")
		}
	case *TypeExpr:
		p.typ(x.Type)
	}
}

func checkedWord(unchecked bool) string {
	if unchecked {
		return "unchecked"
	}
	return "checked"
}

func (p *printer) args(open string, args []Arg, shut string) {
	p.str(open)
	list(p, args, p.arg)
	p.str(shut)
}

func (p *printer) argName(a *Arg) {
	if a.Name.Name != "" {
		p.ident(a.Name.Name)
		p.str(": ")
	}
}

func (p *printer) arg(a *Arg) {
	p.argName(a)
	if a.Ref != "" {
		p.str(a.Ref, " ")
	}
	if a.Ref == "out" {
		p.target(a.Expr)
	} else {
		p.expr(a.Expr)
	}
}

// decl writes a declaration in an expression.
func (p *printer) decl(x *Decl) {
	p.typ(x.Type)
	p.str(" ")
	if x.Names == nil {
		p.ident(x.Name.Name)
		return
	}
	p.str("(")
	list(p, x.Names, func(id *Ident) { p.ident(id.Name) })
	p.str(")")
}

func (p *printer) lambda(x *Lambda) {
	if x.Async {
		p.str("async ")
	}
	switch {
	case x.Anonymous:
		p.str("delegate ")
		if !x.NoParams {
			p.params(x.Params)
			p.str(" ")
		}
	case len(x.Params) == 1 && x.Params[0].Type == nil:
		p.ident(x.Params[0].Name.Name)
		p.str(" => ")
	default:
		p.params(x.Params)
		p.str(" => ")
	}
	p.node(x.Body)
}

func (p *printer) params(params []Param) {
	p.str("(")
	list(p, params, p.param)
	p.str(")")
}

func (p *printer) param(x *Param) {
	if x.Ref != "" {
		p.str(x.Ref, " ")
	}
	if x.Type != nil {
		p.typ(x.Type)
		p.str(" ")
	}
	p.ident(x.Name.Name)
	if x.Default != nil {
		p.str(" = ")
		p.expr(x.Default)
	}
}
