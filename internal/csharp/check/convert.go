package check

import (
	"math"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// convert makes of an operand a value of type to by an implicit conversion, or
// says that there is none.
func (c *checker) convert(o operand, to *clr.Type, n syntax.Node) Expr {
	o = c.rvalue(o)
	if o.isBad() || to == bad {
		return wrong(n).e
	}
	if x := c.implicit(o, to); x != nil {
		return x
	}
	c.noConversion(o, to, n)
	return wrong(n).e
}

func (c *checker) noConversion(o operand, to *clr.Type, n syntax.Node) {
	switch {
	case o.kind == nullValue:
		c.errorf(n, "CS0037", "Cannot convert null to '%s' because it is a non-nullable value type", to)
	case o.kind == lambdaExpr:
		c.lambdaMismatch(o, to, n)
	case o.kind == methods:
		c.errorf(n, "CS0428", "Cannot convert method group '%s' to non-delegate type '%s'. Did you intend to invoke the method?", o.group.name, to)
	case o.kind == value && o.e.T() == clr.Void:
		c.errorf(n, "CS0029", "Cannot implicitly convert type 'void' to '%s'", to)
	case (to == clr.Single || to == clr.Decimal) && o.constant() != nil && o.typ() == clr.Double:
		c.errorf(n, "CS0664", "Literal of type double cannot be implicitly converted to type '%s'; use an '%s' suffix to create a literal of this type", to, map[bool]string{true: "F", false: "M"}[to == clr.Single])
	case o.constant() != nil && (o.typ() == clr.Int32 || o.typ() == clr.Int64 && to == clr.UInt64) && isInteger(to) && to != clr.Char:
		c.errorf(n, "CS0031", "Constant value '%s' cannot be converted to a '%s'", constText(o.constant()), to)
	case c.canExplicit(o, to):
		c.errorf(n, "CS0266", "Cannot implicitly convert type '%s' to '%s'. An explicit conversion exists (are you missing a cast?)", o.describe(), to)
	default:
		c.errorf(n, "CS0029", "Cannot implicitly convert type '%s' to '%s'", o.describe(), to)
	}
}

// canImplicit reports whether there is an implicit conversion.
func (c *checker) canImplicit(o operand, to *clr.Type) bool {
	c.quiet++
	failed := c.failed
	x := c.implicit(o, to)
	c.failed = failed
	c.quiet--
	return x != nil
}

// implicit converts, and gives nil where there is no implicit conversion.
func (c *checker) implicit(o operand, to *clr.Type) Expr {
	at := spanOf(o.node)
	switch o.kind {
	case nullValue:
		if !to.IsValue() && to.Kind != clr.ParamKind || to.IsNullable() {
			return &Const{typed{to, at}, clr.Null}
		}
		return nil
	case defaultValue:
		return &Const{typed{to, at}, clr.Zero(to)}
	case throwValue:
		return &Throw{typed{to, at}, o.e.(*Throw).X}
	case lambdaExpr:
		return c.lambdaTo(o, to)
	case methods:
		return c.groupTo(o, to)
	case tupleValue:
		return c.tupleTo(o, to)
	case value:
		if x := c.standard(o.e, to); x != nil {
			return x
		}
		return c.userConversion(o.e, to, false)
	}
	return nil
}

// standard is an implicit conversion that is not user-defined; nil: there is
// none.
func (c *checker) standard(x Expr, to *clr.Type) Expr {
	from := x.T()
	at := x.At()
	switch {
	case from == to:
		return x
	case from == bad || to == bad:
		return wrong(nil).e
	case from == clr.Void || to == clr.Void:
		return nil
	case sameTuple(from, to):
		return &Convert{typed{to, at}, x, Upcast, false}
	}
	if k, ok := x.(*Const); ok {
		if v, ok := constTo(k, to); ok {
			return &Const{typed{to, at}, v}
		}
	}
	if implicitNumeric(from, to) {
		return fold(&Convert{typed{to, at}, x, Numeric, false})
	}
	if to.IsNullable() {
		return c.toNullable(x, to)
	}
	if from.Kind == clr.TupleKind && to.Kind == clr.TupleKind {
		return c.tupleConvert(x, to)
	}
	if from.AssignableTo(to) {
		return upcast(x, to)
	}
	return nil
}

// upcast is a conversion that needs nothing at run time.
func upcast(x Expr, to *clr.Type) Expr {
	return &Convert{typed{to, x.At()}, x, Upcast, false}
}

func sameTuple(a, b *clr.Type) bool {
	if a.Kind != clr.TupleKind || b.Kind != clr.TupleKind || len(a.Args) != len(b.Args) {
		return false
	}
	for i := range a.Args {
		if a.Args[i] != b.Args[i] && !sameTuple(a.Args[i], b.Args[i]) {
			return false
		}
	}
	return true
}

func (c *checker) toNullable(x Expr, to *clr.Type) Expr {
	inner := to.Args[0]
	from := x.T()
	if from.IsNullable() {
		if implicitNumeric(from.Args[0], inner) {
			return &Convert{typed{to, x.At()}, x, LiftNumeric, false}
		}
		return nil
	}
	if y := c.standard(x, inner); y != nil && from.IsValue() {
		return upcast(y, to)
	}
	return nil
}

// tupleConvert converts a tuple element by element.
func (c *checker) tupleConvert(x Expr, to *clr.Type) Expr {
	from := x.T()
	if len(from.Args) != len(to.Args) {
		return nil
	}
	temp := c.temp(from)
	elems := make([]Expr, len(to.Args))
	for i := range elems {
		field := &Field{typed{from.Args[i], x.At()}, &Local{typed{from, x.At()}, temp}, i}
		if elems[i] = c.implicit(c.valueOf(field, nil), to.Args[i]); elems[i] == nil {
			return nil
		}
	}
	assign := &Assign{typed{from, x.At()}, &Local{typed{from, x.At()}, temp}, x}
	return &Sequence{typed{to, x.At()}, []Stmt{&ExprStmt{assign}}, &Record{typed{to, x.At()}, elems}}
}

func (c *checker) tupleTo(o operand, to *clr.Type) Expr {
	if to.IsNullable() {
		if x := c.tupleTo(o, to.Args[0]); x != nil {
			return upcast(x, to)
		}
		return nil
	}
	if to.Kind != clr.TupleKind {
		for _, e := range o.tuple {
			if e.typ() == nil {
				return nil
			}
		}
		return c.implicit(c.valueOf(c.typedValue(o), o.node), to)
	}
	if len(to.Args) != len(o.tuple) {
		return nil
	}
	elems := make([]Expr, len(o.tuple))
	for i, e := range o.tuple {
		if elems[i] = c.implicit(e, to.Args[i]); elems[i] == nil {
			return nil
		}
	}
	return &Record{typed{to, spanOf(o.node)}, elems}
}

// The integer types with their sizes in bits; negative: signed.
func integerSize(t *clr.Type) int {
	switch t {
	case clr.SByte:
		return -8
	case clr.Byte:
		return 8
	case clr.Int16:
		return -16
	case clr.UInt16, clr.Char:
		return 16
	case clr.Int32:
		return -32
	case clr.UInt32:
		return 32
	case clr.Int64:
		return -64
	case clr.UInt64:
		return 64
	}
	return 0
}

func isInteger(t *clr.Type) bool { return t != nil && integerSize(t) != 0 && t != clr.Char }

// isNumeric reports the types between which numeric conversions are.
func isNumeric(t *clr.Type) bool {
	return t != nil && (integerSize(t) != 0 || t == clr.Single || t == clr.Double || t == clr.Decimal)
}

// implicitNumeric is section 10.2.3 of the language: nothing is lost but
// precision.
func implicitNumeric(from, to *clr.Type) bool {
	if from == to || !isNumeric(from) || !isNumeric(to) || to == clr.Char {
		return false
	}
	a, b := integerSize(from), integerSize(to)
	switch {
	case a != 0 && b == 0:
		return true // to float, double, decimal
	case a == 0:
		return from == clr.Single && to == clr.Double
	case a < 0:
		return b < a // signed, and wider
	}
	return b > a || -b > a
}

// constTo is an implicit constant conversion: an integer that fits, and 0 to an
// enum.
func constTo(k *Const, to *clr.Type) (clr.Value, bool) {
	if to.Kind == clr.Enum && isInteger(k.Type) && k.Value.N == 0 {
		return clr.Value{O: to}, true
	}
	if to.IsNullable() {
		if v, ok := constTo(k, to.Args[0]); ok && k.Value.O != nil {
			return v, true
		}
		return clr.Null, false
	}
	switch {
	case k.Type == clr.Int32 && isInteger(to) && fits(k.Value.Int(), to):
		return clr.Value{N: k.Value.N, O: to}, true
	case k.Type == clr.Int64 && to == clr.UInt64 && k.Value.Int() >= 0:
		return clr.Value{N: k.Value.N, O: to}, true
	}
	return clr.Null, false
}

// fits reports whether n is a value of an integer type.
func fits(n int64, t *clr.Type) bool {
	size := integerSize(t)
	switch {
	case size == -64:
		return true
	case size == 64:
		return n >= 0
	case size < 0:
		return n >= -1<<(-size-1) && n < 1<<(-size-1)
	}
	return n >= 0 && n < 1<<size
}

// explicit is a cast.
func (c *checker) explicit(o operand, to *clr.Type, n syntax.Node) Expr {
	o = c.rvalue(o)
	if o.isBad() || to == bad {
		return wrong(n).e
	}
	if o.kind == value {
		if k := o.constant(); k != nil {
			if x := c.constCast(k, to, n); x != nil {
				return x
			}
		}
	}
	if x := c.implicit(o, to); x != nil {
		return retyped(x, to, spanOf(n))
	}
	if o.kind == value {
		if x := c.standardExplicit(o.e, to, n); x != nil {
			return x
		}
		if x := c.userConversion(o.e, to, true); x != nil {
			return x
		}
	}
	if o.kind == tupleValue {
		return c.explicit(c.valueOf(c.typedValue(o), n), to, n)
	}
	c.castRefused(o, to, n)
	return wrong(n).e
}

func (c *checker) castRefused(o operand, to *clr.Type, n syntax.Node) {
	switch o.kind {
	case nullValue:
		c.errorf(n, "CS0037", "Cannot convert null to '%s' because it is a non-nullable value type", to)
	case lambdaExpr:
		c.lambdaMismatch(o, to, n)
	default:
		c.errorf(n, "CS0030", "Cannot convert type '%s' to '%s'", o.describe(), to)
	}
}

// retyped keeps a cast visible where the value has the type already, so that
// (object)x is no constant of another type.
func retyped(x Expr, to *clr.Type, at syntax.Span) Expr {
	if x.T() == to {
		return x
	}
	return &Convert{typed{to, at}, x, Upcast, false}
}

func (c *checker) canExplicit(o operand, to *clr.Type) bool {
	if o.kind != value {
		return false
	}
	c.quiet++
	failed := c.failed
	x := c.standardExplicit(o.e, to, o.node)
	if x == nil {
		x = c.userConversion(o.e, to, true)
	}
	c.failed = failed
	c.quiet--
	return x != nil
}

// standardExplicit is an explicit conversion that is not user-defined; nil:
// there is none.
func (c *checker) standardExplicit(x Expr, to *clr.Type, n syntax.Node) Expr {
	from, at := x.T(), spanOf(n)
	switch {
	case from == clr.Void || to == clr.Void:
		return nil
	case isNumeric(from) && isNumeric(to), enumNumeric(from, to):
		return fold(&Convert{typed{to, at}, x, Numeric, c.checked})
	case from.IsNullable() && to.IsNullable():
		if isNumeric(from.Args[0]) && isNumeric(to.Args[0]) || enumNumeric(from.Args[0], to.Args[0]) {
			return &Convert{typed{to, at}, x, LiftNumeric, c.checked}
		}
		return nil
	case from.IsNullable() && to.IsValue():
		inner := &Convert{typed{from.Args[0], at}, x, Unwrap, false}
		if from.Args[0] == to {
			return inner
		}
		return c.standardExplicit(inner, to, n)
	case to.IsNullable() && from.IsValue():
		if y := c.standardExplicit(x, to.Args[0], n); y != nil {
			return upcast(y, to)
		}
		return nil
	case to.IsValue():
		if to.AssignableTo(from) {
			return &Convert{typed{to, at}, x, Unbox, false}
		}
		return nil
	case from.IsValue():
		return nil
	}
	if downcast(from, to) {
		return &Convert{typed{to, at}, x, Downcast, false}
	}
	return nil
}

func enumNumeric(from, to *clr.Type) bool {
	return from.Kind == clr.Enum && (isNumeric(to) || to.Kind == clr.Enum) || to.Kind == clr.Enum && isNumeric(from)
}

// downcast reports an explicit reference conversion.
func downcast(from, to *clr.Type) bool {
	switch {
	case to.AssignableTo(from):
		return true
	case from.Kind == clr.Interface && (to.Kind == clr.Interface || !to.Sealed):
		return true
	case to.Kind == clr.Interface && !from.Sealed:
		return true
	case from.Kind == clr.ArrayKind && to.Kind == clr.ArrayKind:
		return from.Rank == to.Rank && !from.Args[0].IsValue() && !to.Args[0].IsValue() && downcast(from.Args[0], to.Args[0])
	case from.Kind == clr.Interface && from.Def != nil && to.Kind == clr.ArrayKind:
		return true
	}
	return false
}

// constCast folds a cast of a constant; nil: it is none that can be folded.
func (c *checker) constCast(k *Const, to *clr.Type, n syntax.Node) Expr {
	from := k.Type
	if from.Kind == clr.Enum {
		from = clr.Int32
	}
	under := to
	if to.Kind == clr.Enum {
		under = to.Underlying
		if under == nil {
			under = clr.Int32
		}
	}
	if !isNumeric(from) || !isNumeric(under) {
		return nil
	}
	if from == clr.Decimal || under == clr.Decimal {
		if to.Kind == clr.Enum || k.Type.Kind == clr.Enum {
			return nil
		}
		if x := decimalCast(k, to, spanOf(n)); x != nil {
			return x
		}
		c.errorf(n, "CS0031", "Constant value '%s' cannot be converted to a '%s'", constText(k), to)
		return wrong(n).e
	}
	if integerSize(under) != 0 && !c.constFits(k, under) && !c.unchecked() {
		c.errorf(n, "CS0221", "Constant value '%s' cannot be converted to a '%s' (use 'unchecked' syntax to override)", constText(k), to)
		return wrong(n).e
	}
	v := clr.ConvertNumber(clr.Value{N: k.Value.N, O: from}, under)
	v.O = to
	return &Const{typed{to, spanOf(n)}, v}
}

func (c *checker) constFits(k *Const, to *clr.Type) bool {
	if k.Type == clr.Double || k.Type == clr.Single {
		f := math.Trunc(k.Value.Float())
		size := integerSize(to)
		if size < 0 {
			limit := math.Ldexp(1, -size-1)
			return f >= -limit && f < limit
		}
		return f >= 0 && f < math.Ldexp(1, size)
	}
	if k.Type == clr.UInt64 && k.Value.Int() < 0 {
		return to == clr.UInt64
	}
	return fits(k.Value.Int(), to)
}
