package check

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// unary is + - ! ~ ++ --.
func (c *checker) unary(n *syntax.Unary) operand {
	if n.Op == "++" || n.Op == "--" {
		return c.increment(n, n.X, n.Op, false)
	}
	// -2147483648 is an int, though 2147483648 is none.
	if l, ok := n.X.(*syntax.Literal); ok && n.Op == "-" && l.Kind == syntax.IntLiteral && !l.Hex && !l.Binary {
		v := l.Value.(uint64)
		switch {
		case v == 1<<31 && l.Suffix == "":
			return c.valueOf(&Const{typed{clr.Int32, n.Span}, clr.Value{N: -v, O: clr.Int32}}, n)
		case v == 1<<63 && (l.Suffix == "" || l.Suffix == "L"):
			return c.valueOf(&Const{typed{clr.Int64, n.Span}, clr.Value{N: v, O: clr.Int64}}, n)
		}
	}
	x := c.rvalue(c.expr(n.X))
	if x.isBad() {
		return wrong(n)
	}
	if x.kind != value {
		c.errorf(n, "CS0023", "Operator '%s' cannot be applied to operand of type '%s'", n.Op, x.describe())
		return wrong(n)
	}
	if e := c.userUnary(n, x); e != nil {
		return c.valueOf(e, n)
	}
	return c.predefinedUnary(n, x)
}

func (c *checker) userUnary(n *syntax.Unary, x operand) Expr {
	t := x.typ()
	lifted := t.IsNullable()
	if lifted {
		t = t.Args[0]
	}
	if isNumeric(t) || t == clr.Boolean {
		return nil // theirs are the predefined ones
	}
	ops := operators(t, n.Op, 1)
	if len(ops) == 0 {
		return nil
	}
	if lifted {
		m := ops[0]
		return &Lifted{typed{m.Result.NullableOf(), n.Span}, n.Op, m, x.e, nil}
	}
	args := []argument{{op: x, node: n.X}}
	cand, _ := c.choose(ops, nil, args)
	if cand == nil {
		return nil
	}
	return &Call{typed: typed{cand.m.Result, n.Span}, M: cand.m, Args: c.complete(cand, args, n)}
}

func (c *checker) predefinedUnary(n *syntax.Unary, x operand) operand {
	t := x.typ()
	inner := t
	lifted := t.IsNullable()
	if lifted {
		inner = t.Args[0]
	}
	to := unaryType(n.Op, inner)
	if to == nil {
		c.errorf(n, "CS0023", "Operator '%s' cannot be applied to operand of type '%s'", n.Op, t)
		return wrong(n)
	}
	want := to
	if lifted {
		want = to.NullableOf()
	}
	e := c.standard(x.e, want)
	if e == nil {
		e = x.e
	}
	out := &Unary{typed{want, n.Span}, n.Op, e, c.checked, lifted}
	if k, ok := e.(*Const); ok && !lifted {
		if folded := c.foldUnary(out, k, n); folded != nil {
			return c.valueOf(folded, n)
		}
	}
	return c.valueOf(out, n)
}

// unaryType is what a predefined operator works on; nil: not on t.
func unaryType(op string, t *clr.Type) *clr.Type {
	switch op {
	case "!":
		if t == clr.Boolean {
			return t
		}
		return nil
	case "~":
		if t.Kind == clr.Enum {
			return t
		}
	}
	if !isNumeric(t) {
		return nil
	}
	switch size := integerSize(t); {
	case size == 0:
		if op == "~" {
			return nil
		}
		return t
	case op == "-" && t == clr.UInt32:
		return clr.Int64
	case op == "-" && t == clr.UInt64:
		return nil
	case size > -32 && size < 32:
		return clr.Int32
	}
	return t
}

// operators are the user-defined ones of a type and its bases.
func operators(t *clr.Type, op string, params int) []*clr.Member {
	var out []*clr.Member
	for ; t != nil; t = t.Base() {
		for _, m := range t.Members("operator " + op) {
			if len(m.Params) == params {
				out = append(out, m)
			}
		}
		if out != nil {
			return out
		}
	}
	return nil
}

// binary is an operator with two operands.
func (c *checker) binary(n *syntax.Binary) operand {
	switch n.Op {
	case "&&", "||":
		return c.logical(n)
	case "??":
		return c.coalesce(n)
	}
	x, y := c.rvalue(c.expr(n.X)), c.rvalue(c.expr(n.Y))
	if x.isBad() || y.isBad() {
		return wrong(n)
	}
	return c.binaryOp(n, n.Op, x, y)
}

func (c *checker) binaryOp(n syntax.Node, op string, x, y operand) operand {
	if op == "==" || op == "!=" {
		if o, ok := c.nullTest(n, op, x, y); ok {
			return o
		}
	}
	if e := c.userBinary(n, op, x, y); e != nil {
		return c.valueOf(e, n)
	}
	if e := c.predefined(n, op, x, y); e != nil {
		return c.valueOf(e, n)
	}
	if !strings.Contains("& | ^ << >>", op) && ambiguous(x.typ(), y.typ()) {
		c.errorf(n, "CS0034", "Operator '%s' is ambiguous on operands of type '%s' and '%s'; mend: a cast", op, x.describe(), y.describe())
		return wrong(n)
	}
	c.errorf(n, "CS0019", "Operator '%s' cannot be applied to operands of type '%s' and '%s'", op, x.describe(), y.describe())
	return wrong(n)
}

// nullTest is x == null where no operator decides it.
func (c *checker) nullTest(n syntax.Node, op string, x, y operand) (operand, bool) {
	if x.kind == nullValue && y.kind == nullValue {
		return c.valueOf(&Const{typed{clr.Boolean, spanOf(n)}, clr.Bool(op == "==")}, n), true
	}
	if x.kind == nullValue {
		x, y = y, x
	}
	if y.kind != nullValue || x.kind != value {
		return operand{}, false
	}
	t := x.typ()
	if t.IsValue() && !t.IsNullable() {
		// It is never null, of which C# only warns (CS0472) where it has the operator
		// for such values.
		if !isNumeric(t) && t != clr.Boolean && t.Kind != clr.Enum && len(operators(t, op, 2)) == 0 || t == clr.Void {
			return operand{}, false
		}
		x.e = upcast(x.e, t.NullableOf())
	}
	// Operators of reference types that take null agree with the test.
	return c.valueOf(&IsNull{typed{clr.Boolean, spanOf(n)}, op == "!=", x.e}, n), true
}

func (c *checker) userBinary(n syntax.Node, op string, x, y operand) Expr {
	var ops []*clr.Member
	for _, o := range []operand{x, y} {
		t := o.typ()
		if t == nil || t == clr.String && op == "+" {
			continue
		}
		if t.IsNullable() {
			t = t.Args[0]
		}
		if isNumeric(t) || t == clr.Boolean {
			continue // theirs are the predefined ones
		}
		for _, m := range operators(t, op, 2) {
			if !hasMember(ops, m) {
				ops = append(ops, m)
			}
		}
	}
	if len(ops) == 0 {
		return nil
	}
	args := []argument{{op: x, node: x.node}, {op: y, node: y.node}}
	if cand, _ := c.choose(ops, nil, args); cand != nil {
		c.built(cand.m, n)
		return &Call{typed: typed{cand.m.Result, spanOf(n)}, M: cand.m, Args: c.complete(cand, args, n)}
	}
	return c.liftedUser(n, op, ops, x, y)
}

// liftedUser is a user-defined operator on nullables.
func (c *checker) liftedUser(n syntax.Node, op string, ops []*clr.Member, x, y operand) Expr {
	for _, m := range ops {
		a, b := m.Params[0].Type, m.Params[1].Type
		if !a.IsValue() || !b.IsValue() || a.IsNullable() || b.IsNullable() {
			continue
		}
		if !c.canImplicit(x, a.NullableOf()) || !c.canImplicit(y, b.NullableOf()) {
			continue
		}
		result := m.Result
		if !isComparison(op) {
			result = result.NullableOf()
		}
		return &Lifted{typed{result, spanOf(n)}, op, m, c.implicit(x, a.NullableOf()), c.implicit(y, b.NullableOf())}
	}
	return nil
}

func hasMember(ms []*clr.Member, m *clr.Member) bool {
	for _, x := range ms {
		if x.Key == m.Key && x.Declaring == m.Declaring {
			return true
		}
	}
	return false
}

// ambiguous reports ulong beside a signed integer: float, double and decimal
// take both.
func ambiguous(x, y *clr.Type) bool {
	signed := func(t *clr.Type) bool {
		return t == clr.SByte || t == clr.Int16 || t == clr.Int32 || t == clr.Int64
	}
	return x == clr.UInt64 && signed(y) || signed(x) && y == clr.UInt64
}

func isComparison(op string) bool {
	switch op {
	case "==", "!=", "<", ">", "<=", ">=":
		return true
	}
	return false
}

// predefined is an operator of the language; nil: there is none for these
// operands.
func (c *checker) predefined(n syntax.Node, op string, x, y operand) Expr {
	tx, ty := x.typ(), y.typ()
	if op == "+" && (tx == clr.String || ty == clr.String) {
		if tx == clr.Void || ty == clr.Void || x.kind == lambdaExpr || y.kind == lambdaExpr || x.kind == methods || y.kind == methods {
			return nil
		}
		return c.concat(n, x, y)
	}
	if e := c.arithmetic(n, op, x, y); e != nil {
		return e
	}
	switch op {
	case "==", "!=":
		return c.referenceEquality(n, op, x, y)
	case "+", "-":
		return c.combine(n, op, x, y)
	}
	return nil
}

// combine joins delegates of one type, and takes them out again.
func (c *checker) combine(n syntax.Node, op string, x, y operand) Expr {
	t := x.typ()
	if t == nil {
		t = y.typ()
	}
	if t == nil || invokeOf(t) == nil {
		return nil
	}
	a, b := c.implicit(x, t), c.implicit(y, t)
	if a == nil || b == nil {
		return nil
	}
	return &Binary{typed: typed{t, spanOf(n)}, Op: op, X: a, Y: b, Operand: t}
}

// concat flattens a + b + c, which evaluates from left to right all the same.
func (c *checker) concat(n syntax.Node, x, y operand) Expr {
	out := &Concat{typed: typed{clr.String, spanOf(n)}}
	for _, o := range []operand{x, y} {
		switch {
		case o.kind == nullValue || o.kind == defaultValue:
			out.Parts = append(out.Parts, &Const{typed{clr.String, spanOf(o.node)}, clr.Str("")})
		case o.kind != value:
			out.Parts = append(out.Parts, c.typedValue(o))
		default:
			if inner, ok := o.e.(*Concat); ok {
				out.Parts = append(out.Parts, inner.Parts...)
				continue
			}
			out.Parts = append(out.Parts, o.e)
		}
	}
	return c.foldConcat(out)
}

// arithmetic is an operator on numbers, bools and enums.
func (c *checker) arithmetic(n syntax.Node, op string, x, y operand) Expr {
	tx, ty := x.typ(), y.typ()
	lifted := false
	unwrap := func(t *clr.Type) *clr.Type {
		if t != nil && t.IsNullable() {
			lifted = true
			return t.Args[0]
		}
		return t
	}
	tx, ty = unwrap(tx), unwrap(ty)
	if tx == nil && x.kind != nullValue || ty == nil && y.kind != nullValue {
		return nil
	}
	if tx == nil || ty == nil { // a null beside a nullable
		if !lifted {
			return nil
		}
		if tx == nil {
			tx = ty
		}
		if ty == nil {
			ty = tx
		}
	}
	operand, right, result := c.operandTypes(op, tx, ty, x, y)
	if operand == nil {
		return nil
	}
	return c.makeBinary(n, op, x, y, operand, right, result, lifted)
}

func (c *checker) makeBinary(n syntax.Node, op string, x, y operand, left, right, result *clr.Type, lifted bool) Expr {
	a, b := left, right
	if lifted {
		a, b = nullableOf(left), nullableOf(right)
		if !isComparison(op) {
			result = nullableOf(result)
		}
	}
	ex, ey := c.toOperand(x, a), c.toOperand(y, b)
	if ex == nil || ey == nil {
		return nil
	}
	out := &Binary{typed{result, spanOf(n)}, op, ex, ey, left, c.checked, lifted}
	if kx, ok := ex.(*Const); ok && !lifted {
		if ky, ok := ey.(*Const); ok {
			if e := c.foldBinary(out, kx, ky, n); e != nil {
				return e
			}
		}
	}
	return out
}

func nullableOf(t *clr.Type) *clr.Type {
	if t.IsNullable() {
		return t
	}
	return t.NullableOf()
}

// toOperand converts to the type that an operator works on; enums convert to
// their numbers.
func (c *checker) toOperand(o operand, to *clr.Type) Expr {
	if e := c.implicit(o, to); e != nil {
		return e
	}
	if o.kind == value {
		return c.standardExplicit(o.e, to, o.node)
	}
	return nil
}

// operandTypes are the types that a predefined operator works on and gives;
// nil: there is none.
func (c *checker) operandTypes(op string, tx, ty *clr.Type, x, y operand) (left, right, result *clr.Type) {
	switch {
	case tx.Kind == clr.Enum || ty.Kind == clr.Enum:
		return enumTypes(op, tx, ty, x, y)
	case tx == clr.Boolean && ty == clr.Boolean:
		switch op {
		case "&", "|", "^", "==", "!=":
			return tx, ty, clr.Boolean
		}
		return nil, nil, nil
	case !isNumeric(tx) || !isNumeric(ty):
		return nil, nil, nil
	case op == "<<" || op == ">>":
		left = unaryType("+", tx)
		if integerSize(left) == 0 || !implicitTo(ty, clr.Int32, y) {
			return nil, nil, nil
		}
		return left, clr.Int32, left
	}
	t := promote(tx, ty, x, y)
	if t == nil {
		return nil, nil, nil
	}
	switch op {
	case "&", "|", "^":
		if integerSize(t) == 0 {
			return nil, nil, nil
		}
	}
	if isComparison(op) {
		return t, t, clr.Boolean
	}
	return t, t, t
}

func implicitTo(from, to *clr.Type, o operand) bool {
	if from == to || implicitNumeric(from, to) {
		return true
	}
	k := o.constant()
	if k == nil {
		return false
	}
	_, ok := constTo(k, to)
	return ok
}

// promote is binary numeric promotion (section 12.4.7.3); nil: the types have
// nothing in common.
func promote(tx, ty *clr.Type, x, y operand) *clr.Type {
	has := func(t *clr.Type) bool { return tx == t || ty == t }
	switch {
	case has(clr.Decimal):
		if has(clr.Double) || has(clr.Single) {
			return nil
		}
		return clr.Decimal
	case has(clr.Double):
		return clr.Double
	case has(clr.Single):
		return clr.Single
	case has(clr.UInt64):
		if implicitTo(tx, clr.UInt64, x) && implicitTo(ty, clr.UInt64, y) {
			return clr.UInt64
		}
		return nil
	case has(clr.Int64):
		return clr.Int64
	case has(clr.UInt32):
		if implicitTo(tx, clr.UInt32, x) && implicitTo(ty, clr.UInt32, y) {
			return clr.UInt32
		}
		return clr.Int64
	}
	return clr.Int32
}

// enumTypes are the operators of enums.
func enumTypes(op string, tx, ty *clr.Type, x, y operand) (left, right, result *clr.Type) {
	under := func(t *clr.Type) *clr.Type {
		if t.Underlying != nil {
			return t.Underlying
		}
		return clr.Int32
	}
	same := tx == ty
	if !same {
		// 0 is a value of every enum.
		if k := y.constant(); k != nil && tx.Kind == clr.Enum && isInteger(k.Type) && k.Value.N == 0 {
			ty, same = tx, true
		} else if k := x.constant(); k != nil && ty.Kind == clr.Enum && isInteger(k.Type) && k.Value.N == 0 {
			tx, same = ty, true
		}
	}
	switch {
	case same && isComparison(op):
		return tx, tx, clr.Boolean
	case same && (op == "&" || op == "|" || op == "^"):
		return tx, tx, tx
	case same && op == "-":
		return tx, tx, under(tx)
	case op == "+" && tx.Kind == clr.Enum && isInteger(ty), op == "-" && tx.Kind == clr.Enum && isInteger(ty):
		return tx, tx, tx
	case op == "+" && ty.Kind == clr.Enum && isInteger(tx):
		return ty, ty, ty
	}
	return nil, nil, nil
}

// referenceEquality is == on references.
func (c *checker) referenceEquality(n syntax.Node, op string, x, y operand) Expr {
	tx, ty := x.typ(), y.typ()
	if tx == nil || ty == nil || tx.IsValue() || ty.IsValue() || tx.Kind == clr.ParamKind || ty.Kind == clr.ParamKind {
		return nil
	}
	if !downcast(tx, ty) && !downcast(ty, tx) && !tx.AssignableTo(ty) && !ty.AssignableTo(tx) {
		return nil
	}
	return &Equality{typed{clr.Boolean, spanOf(n)}, op == "!=", x.e, y.e}
}
