package syntax

// Walk calls visit with a node and all below it, a node before those below it
// and those in the order of the text. Where visit answers false, it goes no
// deeper. Parts that stand in slices, as *[Arg] or *[SwitchLabel], are visited
// too; names ([Ident]) and absent nodes are not.
func Walk(n Node, visit func(Node) bool) {
	if visit(n) {
		children(n, func(c Node) { Walk(c, visit) })
	}
}

// children calls f with what stands directly below a node.
func children(n Node, f func(Node)) {
	w := walker(f)
	switch n := n.(type) {
	case *Program:
		w.node(n.Expr)
		w.block(n.Block)
	case Type:
		w.typeChildren(n)
	case Expr:
		w.exprChildren(n)
	case Stmt:
		w.stmtChildren(n)
	case *TypePattern:
		w.node(n.Type)
	case *ConstPattern:
		w.node(n.X)
	case *DeclPattern:
		w.node(n.Type)
	default:
		w.partChildren(n)
	}
}

type walker func(Node)

// node calls the function unless there is nothing.
func (w walker) node(n Node) {
	if n != nil {
		w(n)
	}
}

func (w walker) block(b *Block) {
	if b != nil {
		w(b)
	}
}

func (w walker) init(i *Initializer) {
	if i != nil {
		w(i)
	}
}

// each calls the function with every element of a slice of nodes.
func each[N Node](w walker, list []N) {
	for _, n := range list {
		w.node(n)
	}
}

// parts calls the function with the address of every element.
func parts[T any, P interface {
	*T
	Node
}](w walker, list []T) {
	for i := range list {
		w(P(&list[i]))
	}
}

func (w walker) typeChildren(t Type) {
	switch t := t.(type) {
	case *NamedType:
		parts(w, t.Parts)
	case *ArrayType:
		w.node(t.Elem)
	case *NullableType:
		w.node(t.Elem)
	case *TupleType:
		for _, e := range t.Elems {
			w.node(e.Type)
		}
	}
}

// partChildren is for what is neither a type, an expression, a statement nor a
// pattern.
func (w walker) partChildren(n Node) {
	switch n := n.(type) {
	case *NamePart:
		each(w, n.Args)
	case *Arg:
		w.node(n.Expr)
	case *Param:
		w.node(n.Type)
		w.node(n.Default)
	case *InterpolatedPart:
		w.node(n.Expr)
		w.node(n.Align)
	case *Initializer:
		parts(w, n.Elems)
	case *InitElem:
		parts(w, n.Index)
		w.node(n.Value)
		each(w, n.Values)
	case *AnonymousElem:
		w.node(n.Value)
	case *QueryClause:
		w.clause(n)
	case *Declarator:
		w.node(n.Init)
	case *SwitchSection:
		parts(w, n.Labels)
		each(w, n.Stmts)
	case *SwitchLabel:
		w.node(n.Pattern)
		w.node(n.When)
	case *Catch:
		w.node(n.Type)
		w.node(n.When)
		w.block(n.Body)
	}
}

func (w walker) clause(c *QueryClause) {
	w.node(c.Type)
	w.node(c.X)
	w.node(c.Y)
	w.node(c.On)
	w.node(c.Equals)
	for _, o := range c.Orders {
		w.node(o.X)
	}
}
