package check

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// assignable reports whether x can be written, and says why not.
func (c *checker) assignable(x Expr, n syntax.Node, code, text string) bool {
	switch x := x.(type) {
	case *Local:
		if x.Var.ReadOnly != "" {
			c.errorf(n, "CS1656", "Cannot assign to '%s' because it is a '%s'", x.Var.Name, x.Var.ReadOnly)
			return false
		}
		return true
	case *Elem:
		return true
	case *Field:
		if x.X.T().Kind == clr.TupleKind {
			return c.assignable(x.X, n, code, text)
		}
		c.errorf(n, "CS0200", "Property or indexer '%s' cannot be assigned to -- it is read only", x.X.T().Fields[x.Index])
		return false
	case *Get:
		if x.M.Set && x.X != nil && x.X.T().IsValue() {
			return c.assignable(x.X, n, code, text)
		}
		if x.M.Set && (x.M.Put != nil || c.u.Lenient) {
			return true
		}
		c.errorf(n, "CS0200", "Property or indexer '%s.%s' cannot be assigned to -- it is read only", x.M.Declaring, memberName(x.M))
		return false
	case *Call:
		if x.M.Kind == syntax.IndexerMember {
			if x.M.Set && (x.M.Put != nil || c.u.Lenient) {
				return true
			}
			c.errorf(n, "CS0200", "Property or indexer '%s.this' cannot be assigned to -- it is read only", x.M.Declaring)
			return false
		}
	case *Const:
		if x.Type == bad {
			return false
		}
	}
	c.errorf(n, code, "%s", text)
	return false
}

const notAssignable = "The left-hand side of an assignment must be a variable, property or indexer"

// assign is = and its compound forms.
func (c *checker) assign(n *syntax.Assign) operand {
	if n.Op == "=" {
		return c.simpleAssign(n)
	}
	op := strings.TrimSuffix(n.Op, "=")
	x := c.rvalue(c.expr(n.X))
	y := c.rvalue(c.expr(n.Y))
	if x.isBad() || y.isBad() {
		return wrong(n)
	}
	if x.kind != value || !c.assignable(x.e, n.X, "CS0131", notAssignable) {
		if x.kind != value {
			c.errorf(n.X, "CS0131", notAssignable)
		}
		return wrong(n)
	}
	return c.compound(n, op, x, y, false)
}

// compound is x op= y, with x evaluated once.
func (c *checker) compound(n syntax.Node, op string, x, y operand, post bool) operand {
	t := x.typ()
	old := c.temp(t)
	read := c.valueOf(&Local{typed{t, x.e.At()}, old}, x.node)
	if invokeOf(t) != nil && y.kind != value {
		y = c.valueOf(c.convert(y, t, y.node), y.node)
	}
	res := c.binaryOp(n, op, read, y)
	if res.isBad() {
		return wrong(n)
	}
	v := c.implicit(res, t)
	if v == nil {
		// The result is cast where the operator is predefined and y itself converts
		// to the type of x (section 12.21.4).
		if _, ok := res.e.(*Binary); ok && (c.canImplicit(y, t) || op == "<<" || op == ">>") {
			v = c.explicit(res, t, n)
		}
	}
	if k := y.constant(); v == nil && k != nil && k.Type == clr.Int32 && isInteger(t) {
		c.noConversion(y, t, n)
		return wrong(n)
	}
	if v == nil {
		c.noConversion(res, t, n)
		return wrong(n)
	}
	return c.valueOf(&Compound{typed{t, spanOf(n)}, x.e, old, v, post}, n)
}

// increment is ++ and --.
func (c *checker) increment(n syntax.Node, target syntax.Expr, op string, post bool) operand {
	x := c.rvalue(c.expr(target))
	if x.isBad() {
		return wrong(n)
	}
	if x.kind != value || !c.assignable(x.e, target, "CS1059", "The operand of an increment or decrement operator must be a variable, property or indexer") {
		if x.kind != value {
			c.errorf(target, "CS1059", "The operand of an increment or decrement operator must be a variable, property or indexer")
		}
		return wrong(n)
	}
	t := x.typ()
	inner := t
	if t.IsNullable() {
		inner = t.Args[0]
	}
	if !isNumeric(inner) && inner.Kind != clr.Enum {
		if ops := operators(inner, op, 1); len(ops) == 0 {
			c.errorf(n, "CS0023", "Operator '%s' cannot be applied to operand of type '%s'", op, t)
			return wrong(n)
		}
	}
	old := c.temp(t)
	one := c.valueOf(&Const{typed{clr.Int32, spanOf(n)}, clr.Int(1)}, n)
	res := c.binaryOp(n, op[:1], c.valueOf(&Local{typed{t, x.e.At()}, old}, target), one)
	if res.isBad() {
		return wrong(n)
	}
	v := c.explicit(res, t, n)
	return c.valueOf(&Compound{typed{t, spanOf(n)}, x.e, old, v, post}, n)
}

func (c *checker) simpleAssign(n *syntax.Assign) operand {
	if o, ok := c.deconstruction(n); ok {
		return o
	}
	if name, ok := n.X.(*syntax.Name); ok && name.Ident.Name == "_" && c.lookup("_") == nil {
		x := c.nonVoid(n.Y)
		return c.valueOf(&Assign{typed{x.T(), n.Span}, nil, x}, n)
	}
	if _, ok := n.X.(*syntax.Discard); ok {
		x := c.nonVoid(n.Y)
		return c.valueOf(&Assign{typed{x.T(), n.Span}, nil, x}, n)
	}
	x := c.rvalue(c.expr(n.X))
	y := c.rvalue(c.expr(n.Y))
	if x.isBad() || y.isBad() {
		return wrong(n)
	}
	if x.kind != value {
		c.errorf(n.X, "CS0131", notAssignable)
		return wrong(n)
	}
	if !c.assignable(x.e, n.X, "CS0131", notAssignable) {
		return wrong(n)
	}
	v := c.convert(y, x.typ(), n.Y)
	return c.valueOf(&Assign{typed{x.typ(), n.Span}, x.e, v}, n)
}

// deconstruction is (a, b) = t and var (a, b) = t; false: n is none.
func (c *checker) deconstruction(n *syntax.Assign) (operand, bool) {
	if _, ok := deconstructs(n.X); !ok {
		return operand{}, false
	}
	y := c.rvalue(c.expr(n.Y))
	if y.isBad() {
		c.declareBad(n.X)
		return wrong(n), true
	}
	if d, ok := n.X.(*syntax.Tuple); ok && y.kind == tupleValue && len(d.Elems) == len(y.tuple) {
		// (a, b) = (null, 1): the targets give the types.
		types := make([]*clr.Type, len(d.Elems))
		for i, e := range d.Elems {
			types[i] = y.tuple[i].typ()
			if types[i] == nil {
				if t := c.expr(e.Expr); t.kind == value {
					types[i] = t.typ()
				}
			}
			if types[i] == nil {
				types[i] = clr.ObjectType
			}
		}
		y = c.valueOf(c.convert(y, clr.TupleOf(types, nil), n.Y), n.Y)
	}
	return c.deconstruct(n.X, c.typedValue(y), n), true
}

// declareBad makes the variables of a deconstruction whose value is wrong, so
// that their uses are not told too.
func (c *checker) declareBad(e syntax.Expr) {
	switch e := e.(type) {
	case *syntax.Decl:
		if e.Name.Name != "" {
			c.declare(e.Name, bad)
		}
		for _, name := range e.Names {
			if name.Name != "_" {
				c.declare(name, bad)
			}
		}
	case *syntax.Tuple:
		for _, a := range e.Elems {
			c.declareBad(a.Expr)
		}
	}
}

// deconstructs gives the parts of a target that takes a tuple apart.
func deconstructs(e syntax.Expr) (int, bool) {
	switch e := e.(type) {
	case *syntax.Tuple:
		return len(e.Elems), true
	case *syntax.Decl:
		return len(e.Names), len(e.Names) > 0
	}
	return 0, false
}

func (c *checker) deconstruct(target syntax.Expr, v Expr, n syntax.Node) operand {
	t := v.T()
	count, _ := deconstructs(target)
	if t == bad {
		c.declareBad(target)
		return wrong(n)
	}
	types, parts := deconstructed(t)
	if types == nil {
		c.declareBad(target)
		c.errorf(n, "CS8129", "No suitable 'Deconstruct' instance or extension method was found for type '%s'", t)
		return wrong(n)
	}
	if len(types) != count {
		c.declareBad(target)
		c.errorf(n, "CS8132", "Cannot deconstruct a tuple of '%d' elements into '%d' variables.", len(types), count)
		return wrong(n)
	}
	_ = parts
	out := &Deconstruct{typed: typed{t, spanOf(n)}, Value: v}
	for i, typ := range types {
		temp := c.temp(typ)
		out.Temps = append(out.Temps, temp)
		c.deconstructInto(out, partOf(target, i), temp, n)
	}
	return c.valueOf(out, n)
}

// deconstructed are the types of the elements; nil: t cannot be taken apart.
func deconstructed(t *clr.Type) ([]*clr.Type, bool) {
	if t.Kind == clr.TupleKind {
		return t.Args, true
	}
	return nil, false
}

// partOf is the i-th part of a target: an expression, or a name of
// var (a, b).
func partOf(e syntax.Expr, i int) syntax.Expr {
	switch e := e.(type) {
	case *syntax.Tuple:
		return e.Elems[i].Expr
	case *syntax.Decl:
		return &syntax.Decl{Span: e.Names[i].Span, Type: e.Type, Name: e.Names[i]}
	}
	return nil
}

func (c *checker) deconstructInto(out *Deconstruct, part syntax.Expr, temp *Var, n syntax.Node) {
	from := &Local{typed{temp.Type, spanOf(part)}, temp}
	add := func(target, conv Expr) {
		out.Targets, out.Convs = append(out.Targets, target), append(out.Convs, conv)
	}
	if _, nested := deconstructs(part); nested {
		o := c.deconstruct(part, from, n)
		add(nil, c.typedValue(o))
		return
	}
	switch p := part.(type) {
	case *syntax.Discard:
		add(nil, from)
		return
	case *syntax.Decl:
		if p.Name.Name == "_" {
			add(nil, from)
			return
		}
		t := temp.Type
		if !isVar(p.Type) {
			t = c.resolve(p.Type)
		}
		conv := c.convert(c.valueOf(from, part), t, part)
		add(&Local{typed{t, p.Span}, c.declare(p.Name, t)}, conv)
		return
	}
	x := c.rvalue(c.expr(part))
	if x.isBad() {
		add(nil, from)
		return
	}
	if x.kind != value || !c.assignable(x.e, part, "CS0131", notAssignable) {
		add(nil, from)
		return
	}
	add(x.e, c.convert(c.valueOf(from, part), x.typ(), part))
}

func isVar(t syntax.Type) bool {
	n, ok := t.(*syntax.NamedType)
	return t == nil || ok && len(n.Parts) == 1 && n.Parts[0].Name == "var" && len(n.Parts[0].Args) == 0
}
