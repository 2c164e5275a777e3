package syntax

import "strings"

// Format writes a node as C#, so that it reads back to an equal tree: one
// expression on one line, statements on lines of their own. Comments are lost,
// and so are the constraints of a local function, which the tree does not hold.
func Format(n Node) string {
	p := &printer{}
	p.node(n)
	return p.b.String()
}

type printer struct {
	b      strings.Builder
	indent int
	// flat counts the holes of strings around, where a line may not end.
	flat int
	// query counts the query expressions around, where more words are reserved.
	query int
}

func (p *printer) str(s ...string) {
	for _, s := range s {
		p.b.WriteString(s)
	}
}

// line begins a new line.
func (p *printer) line() {
	if p.flat > 0 {
		p.str(" ")
		return
	}
	p.str("\n", strings.Repeat("\t", p.indent))
}

// list writes elements with commas between them.
func list[T any](p *printer, elems []T, write func(*T)) {
	for i := range elems {
		if i > 0 {
			p.str(", ")
		}
		write(&elems[i])
	}
}

func (p *printer) node(n Node) {
	switch n := n.(type) {
	case *Program:
		p.program(n)
	case Type:
		p.typ(n)
	case Expr:
		p.expr(n)
	case Stmt:
		p.stmt(n)
	case Pattern:
		p.pattern(n)
	default:
		p.part(n)
	}
}

func (p *printer) program(n *Program) {
	p.str("@")
	if n.Block != nil {
		p.block(n.Block)
		return
	}
	p.str("(")
	p.expr(n.Expr)
	p.str(")")
}

// part writes what stands inside other nodes.
func (p *printer) part(n Node) {
	switch n := n.(type) {
	case *Ident:
		p.ident(n.Name)
	case *NamePart:
		p.namePart(n)
	case *Arg:
		p.arg(n)
	case *Param:
		p.param(n)
	case *Initializer:
		p.initializer(n)
	case *InitElem:
		p.initElem(n)
	case *AnonymousElem:
		p.anonymousElem(n)
	case *QueryClause:
		p.clause(n)
	case *InterpolatedPart:
		p.interpolated(&Interpolated{Parts: []InterpolatedPart{*n}})
	case *Declarator:
		p.declarator(n, false)
	case *SwitchSection:
		p.section(n)
	case *SwitchLabel:
		p.label(n)
	case *Catch:
		p.catch(n)
	}
}

// ident writes a name, with "@" where it would be read as a keyword.
func (p *printer) ident(name string) {
	switch name {
	case "async", "await", "from", "global", "not", "and", "or", "record", "var", "when", "with", "yield":
		p.str("@")
	default:
		if isKeyword(name) || p.query > 0 && isQueryWord(name) {
			p.str("@")
		}
	}
	p.str(name)
}

// member writes the name behind a dot, where only keywords are none.
func (p *printer) member(name string) {
	if isKeyword(name) {
		p.str("@")
	}
	p.str(name)
}

func (p *printer) typ(t Type) {
	switch t := t.(type) {
	case *NamedType:
		p.namedType(t)
	case *NullableType:
		p.typ(t.Elem)
		p.str("?")
	case *ArrayType:
		p.arrayType(t)
	case *TupleType:
		p.str("(")
		list(p, t.Elems, func(e *TupleTypeElem) {
			p.typ(e.Type)
			if e.Name.Name != "" {
				p.str(" ")
				p.ident(e.Name.Name)
			}
		})
		p.str(")")
	}
}

func (p *printer) namedType(t *NamedType) {
	if t.Global {
		p.str("global::")
	}
	if t.Predefined || len(t.Parts) == 1 && t.Parts[0].Name == "var" && t.Parts[0].Args == nil && !t.Global {
		p.str(t.Parts[0].Name)
		return
	}
	for i := range t.Parts {
		if i > 0 {
			p.str(".")
		}
		p.namePart(&t.Parts[i])
	}
}

func (p *printer) namePart(n *NamePart) {
	p.ident(n.Name)
	p.typeArgs(n.Args)
	if n.Open > 0 {
		p.str("<", strings.Repeat(",", n.Open-1), ">")
	}
}

func (p *printer) typeArgs(args []Type) {
	if len(args) == 0 {
		return
	}
	p.str("<")
	list(p, args, func(t *Type) { p.typ(*t) })
	p.str(">")
}

// arrayType writes the outermost brackets first.
func (p *printer) arrayType(t *ArrayType) {
	var elem Type = t
	ranks := ""
	for {
		a, ok := elem.(*ArrayType)
		if !ok {
			break
		}
		ranks += "[" + strings.Repeat(",", a.Rank-1) + "]"
		elem = a.Elem
	}
	p.typ(elem)
	p.str(ranks)
}

func (p *printer) pattern(n Pattern) {
	switch n := n.(type) {
	case *TypePattern:
		p.typ(n.Type)
	case *ConstPattern:
		p.expr(n.X)
	case *DeclPattern:
		p.typ(n.Type)
		p.str(" ")
		p.ident(n.Name.Name)
	}
}
