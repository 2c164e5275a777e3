package check

import (
	"math"
	"strconv"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/number"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// expr checks an expression that is no type.
func (c *checker) expr(e syntax.Expr) operand {
	o := c.exprOrType(e)
	if o.node == nil {
		o.node = e
	}
	return o
}

// exprOrType checks an expression; names may be types and namespaces.
func (c *checker) exprOrType(e syntax.Expr) operand {
	c.at = e
	switch n := e.(type) {
	case *syntax.Literal:
		return c.literal(n)
	case *syntax.Interpolated:
		return c.interpolated(n)
	case *syntax.Name:
		return c.name(n)
	case *syntax.QualifiedAlias:
		return c.alias(n)
	case *syntax.Member:
		return c.member(n)
	case *syntax.Call:
		return c.call(n)
	case *syntax.Index:
		return c.index(n)
	case *syntax.Conditional:
		return c.conditional(n)
	case *syntax.Unary:
		return c.unary(n)
	case *syntax.Postfix:
		return c.increment(n, n.X, n.Op, true)
	case *syntax.Binary:
		return c.binary(n)
	case *syntax.Assign:
		return c.assign(n)
	case *syntax.Ternary:
		return c.ternary(n)
	case *syntax.Cast:
		t := c.resolve(n.Type)
		return c.valueOf(c.explicit(c.expr(n.X), t, n), n)
	case *syntax.As:
		return c.as(n)
	case *syntax.Is:
		return c.is(n)
	case *syntax.Paren:
		return c.paren(n)
	}
	return c.exprMore(e)
}

func (c *checker) exprMore(e syntax.Expr) operand {
	switch n := e.(type) {
	case *syntax.Tuple:
		return c.tupleLiteral(n)
	case *syntax.Lambda:
		if n.Async {
			c.refuse(n, "async")
			return wrong(n)
		}
		return operand{kind: lambdaExpr, lambda: n, node: n, scope: c.scope, fn: c.fn}
	case *syntax.New:
		return c.create(n)
	case *syntax.NewArray:
		return c.newArray(n)
	case *syntax.NewAnonymous:
		return c.anonymous(n)
	case *syntax.TypeOf:
		if t := c.resolve(n.Type); t != bad {
			return c.valueOf(&TypeOf{typed{clr.TypeType, n.Span}, t}, n)
		}
		return wrong(n)
	case *syntax.Default:
		if n.Type == nil {
			return operand{kind: defaultValue, node: n}
		}
		if t := c.resolve(n.Type); t == clr.Void {
			c.errorf(n.Type, "CS1547", "Keyword 'void' cannot be used in this context")
		} else if t != bad {
			return c.valueOf(&Const{typed{t, n.Span}, clr.Zero(t)}, n)
		}
		return wrong(n)
	case *syntax.Checked:
		was, uncheck := c.checked, c.uncheck
		c.checked, c.uncheck = !n.Unchecked, plus(n.Unchecked)
		o := c.expr(n.X)
		c.checked, c.uncheck = was, uncheck
		return o
	case *syntax.ThrowExpr:
		return operand{kind: throwValue, e: &Throw{typed{bad, n.Span}, c.exception(n.X)}, node: n}
	case *syntax.Query:
		return c.query(n)
	case *syntax.SizeOf:
		return c.sizeOf(n)
	case *syntax.TypeExpr:
		if t := c.resolve(n.Type); t != bad {
			return operand{kind: typeName, t: t, node: n}
		}
		return wrong(n)
	case *syntax.Discard:
		return operand{kind: discard, node: n}
	case *syntax.Decl:
		c.errorf(n, "CS8185", "A declaration is not allowed in this context.")
	case *syntax.This:
		c.errorf(n, "CS0026", "Keyword 'this' is not valid in an expression")
	case *syntax.Await:
		c.refuse(n, "await")
	}
	return wrong(e)
}

func plus(b bool) int {
	if b {
		return 1
	}
	return 0
}

// unchecked reports that overflow of constants was allowed.
func (c *checker) unchecked() bool { return c.uncheck > 0 }

// refuse says that policies cannot have something that C# has.
func (c *checker) refuse(n syntax.Node, what string) {
	c.errorf(n, "CS1525", "'%s' cannot be used in policy expressions", what)
}

func (c *checker) paren(n *syntax.Paren) operand {
	o := c.expr(n.X)
	if o.kind == value {
		return c.valueOf(o.e, n)
	}
	return o
}

func (c *checker) literal(n *syntax.Literal) operand {
	k := func(t *clr.Type, v clr.Value) operand { return c.valueOf(&Const{typed{t, n.Span}, v}, n) }
	switch n.Kind {
	case syntax.NullLiteral:
		return operand{kind: nullValue, node: n}
	case syntax.BoolLiteral:
		return k(clr.Boolean, clr.Bool(n.Value.(bool)))
	case syntax.CharLiteral:
		return k(clr.Char, clr.CharOf(n.Value.(uint16)))
	case syntax.StringLiteral:
		return k(clr.String, clr.Str(n.Value.(string)))
	case syntax.IntLiteral:
		t := integerType(n.Value.(uint64), n.Suffix)
		return k(t, clr.Value{N: n.Value.(uint64), O: t})
	}
	return c.realLiteral(n, k)
}

// integerType is the first type that a literal fits in.
func integerType(v uint64, suffix string) *clr.Type {
	switch suffix {
	case "U":
		if v <= math.MaxUint32 {
			return clr.UInt32
		}
		return clr.UInt64
	case "L":
		if v <= math.MaxInt64 {
			return clr.Int64
		}
		return clr.UInt64
	case "UL":
		return clr.UInt64
	}
	switch {
	case v <= math.MaxInt32:
		return clr.Int32
	case v <= math.MaxUint32:
		return clr.UInt32
	case v <= math.MaxInt64:
		return clr.Int64
	}
	return clr.UInt64
}

func (c *checker) realLiteral(n *syntax.Literal, k func(*clr.Type, clr.Value) operand) operand {
	text := n.Value.(string)
	switch n.Suffix {
	case "M":
		d, err := number.ParseDecimal(text)
		if err != nil {
			c.errorf(n, "CS0594", "Floating-point constant is outside the range of type 'decimal'")
			return wrong(n)
		}
		return k(clr.Decimal, d.Value())
	case "F":
		f, err := strconv.ParseFloat(text, 32)
		if err != nil {
			c.errorf(n, "CS0594", "Floating-point constant is outside the range of type 'float'")
			return wrong(n)
		}
		return k(clr.Single, clr.Single32(float32(f)))
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		c.errorf(n, "CS0594", "Floating-point constant is outside the range of type 'double'")
		return wrong(n)
	}
	return k(clr.Double, clr.Float(f))
}

func (c *checker) interpolated(n *syntax.Interpolated) operand {
	out := &Interpolated{typed: typed{clr.String, n.Span}}
	for i := range n.Parts {
		p := &n.Parts[i]
		if p.Expr == nil {
			out.Parts = append(out.Parts, InterpolatedPart{Text: p.Text})
			continue
		}
		part := InterpolatedPart{Format: p.Format}
		o := c.rvalue(c.expr(p.Expr))
		if o.kind == nullValue {
			part.X = &Const{typed{clr.ObjectType, spanOf(p.Expr)}, clr.Null}
		} else if part.X = c.typedValue(o); part.X.T() == clr.Void {
			c.errorf(p.Expr, "CS0029", "Cannot implicitly convert type 'void' to 'object'")
		}
		if p.Align != nil {
			align := c.convert(c.expr(p.Align), clr.Int32, p.Align)
			k, ok := align.(*Const)
			if !ok {
				c.errorf(p.Align, "CS0150", "A constant value is expected")
			} else {
				part.Align = int(k.Value.Int())
			}
		}
		out.Parts = append(out.Parts, part)
	}
	return c.valueOf(out, n)
}

func (c *checker) ternary(n *syntax.Ternary) operand {
	cond := c.condition(n.Cond)
	a, b := c.rvalue(c.expr(n.Then)), c.rvalue(c.expr(n.Else))
	if a.isBad() || b.isBad() {
		return wrong(n)
	}
	t := c.branchType(a, b)
	if t == nil {
		c.errorf(n, "CS0173", "Type of conditional expression cannot be determined because there is no implicit conversion between '%s' and '%s'", a.describe(), b.describe())
		return wrong(n)
	}
	x, y := c.convert(a, t, n.Then), c.convert(b, t, n.Else)
	if k, ok := cond.(*Const); ok {
		kx, okx := x.(*Const)
		ky, oky := y.(*Const)
		if okx && oky {
			if k.Value.Bool() {
				return c.valueOf(&Const{typed{t, n.Span}, kx.Value}, n)
			}
			return c.valueOf(&Const{typed{t, n.Span}, ky.Value}, n)
		}
	}
	return c.valueOf(&Ternary{typed{t, n.Span}, cond, x, y}, n)
}

// branchType is the type of a conditional expression; nil: there is none.
func (c *checker) branchType(a, b operand) *clr.Type {
	ta, tb := a.typ(), b.typ()
	if ta == clr.Void || tb == clr.Void {
		return nil
	}
	switch {
	case ta != nil && tb != nil && ta == tb:
		return ta
	case ta == nil && tb == nil:
		return nil
	case tb == nil:
		if c.canImplicit(b, ta) {
			return ta
		}
		return nil
	case ta == nil:
		if c.canImplicit(a, tb) {
			return tb
		}
		return nil
	}
	toB, toA := c.canImplicit(a, tb), c.canImplicit(b, ta)
	switch {
	case toB && !toA:
		return tb
	case toA && !toB:
		return ta
	case toA && toB:
		// A constant converts both ways: then types alone count.
		if c.canConvertType(ta, tb) {
			return tb
		}
		return ta
	}
	return nil
}

// condition is a value of type bool.
func (c *checker) condition(e syntax.Expr) Expr { return c.convert(c.expr(e), clr.Boolean, e) }

func (c *checker) tupleLiteral(n *syntax.Tuple) operand {
	o := operand{kind: tupleValue, node: n}
	whole := true
	names := make([]string, len(n.Elems))
	elems := make([]Expr, len(n.Elems))
	types := make([]*clr.Type, len(n.Elems))
	for i, e := range n.Elems {
		el := c.rvalue(c.expr(e.Expr))
		if el.isBad() {
			return wrong(n)
		}
		o.tuple = append(o.tuple, el)
		names[i] = e.Name.Name
		if names[i] == "" {
			names[i] = impliedName(e.Expr)
		}
		if t := el.typ(); t != nil && t != clr.Void {
			elems[i], types[i] = el.e, t
		} else {
			whole = false
		}
	}
	if !whole {
		return o
	}
	return c.valueOf(&Record{typed{clr.TupleOf(types, unique(names)), n.Span}, elems}, n)
}

// unique drops names that stand twice, as C# does with implied ones.
func unique(names []string) []string {
	count := map[string]int{}
	for _, n := range names {
		count[n]++
	}
	for i, n := range names {
		if count[n] > 1 {
			names[i] = ""
		}
	}
	return names
}

func impliedName(e syntax.Expr) string {
	switch e := e.(type) {
	case *syntax.Name:
		return e.Ident.Name
	case *syntax.Member:
		return e.Name.Name
	case *syntax.Conditional:
		return impliedName(e.Then)
	}
	return ""
}

func (c *checker) anonymous(n *syntax.NewAnonymous) operand {
	if len(n.Elems) > clr.MaxTypeParts {
		clr.TooManyParts()
	}
	names := make([]string, len(n.Elems))
	types := make([]*clr.Type, len(n.Elems))
	elems := make([]Expr, len(n.Elems))
	for i := range n.Elems {
		e := &n.Elems[i]
		names[i] = e.Name.Name
		if names[i] == "" {
			if names[i] = impliedName(e.Value); names[i] == "" {
				c.errorf(e, "CS0746", "Invalid anonymous type member declarator. Anonymous type members must be declared with a member assignment, simple name or member access.")
				return wrong(n)
			}
		}
		for _, other := range names[:i] {
			if other == names[i] {
				c.errorf(e, "CS0833", "An anonymous type cannot have multiple properties with the same name")
				return wrong(n)
			}
		}
		if elems[i] = c.nonVoid(e.Value); elems[i].T() == bad {
			return wrong(n)
		}
		types[i] = elems[i].T()
	}
	return c.valueOf(&Record{typed{clr.AnonymousOf(names, types), n.Span}, elems}, n)
}

func (c *checker) sizeOf(n *syntax.SizeOf) operand {
	t := c.resolve(n.Type)
	sizes := map[*clr.Type]int32{
		clr.SByte: 1, clr.Byte: 1, clr.Boolean: 1, clr.Int16: 2, clr.UInt16: 2, clr.Char: 2, clr.Int32: 4, clr.UInt32: 4, clr.Single: 4,
		clr.Int64: 8, clr.UInt64: 8, clr.Double: 8, clr.Decimal: 16,
	}
	if s := sizes[t]; s != 0 {
		return c.valueOf(&Const{typed{clr.Int32, n.Span}, clr.Int(s)}, n)
	}
	if t != bad {
		c.errorf(n, "CS0233", "'%s' does not have a predefined size", t)
	}
	return wrong(n)
}

// exception is what throw takes.
func (c *checker) exception(e syntax.Expr) Expr {
	o := c.rvalue(c.expr(e))
	if x := c.implicit(o, clr.Exception); x != nil || o.isBad() {
		if x == nil {
			x = wrong(e).e
		}
		return x
	}
	c.errorf(e, "CS0155", "The type caught or thrown must be derived from System.Exception")
	return wrong(e).e
}
