package check

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/number"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// levels are the types whose members a value of t has, the most derived first.
func levels(t *clr.Type) []*clr.Type {
	out := t.Supers()
	if t.Kind == clr.Interface {
		out = append(append([]*clr.Type(nil), out...), clr.ObjectType)
	}
	if t.Kind != clr.Interface && t.Kind != clr.ParamKind {
		// Interfaces come only by way of a conversion.
		for i, s := range out {
			if s.Kind == clr.Interface {
				return out[:i]
			}
		}
	}
	return out
}

// data finds a property or field.
func data(t *clr.Type, name string) *clr.Member {
	for _, l := range levels(t) {
		for _, m := range l.Members(name) {
			if isData(m) {
				return m
			}
		}
	}
	return nil
}

func isData(m *clr.Member) bool {
	return m.Kind == syntax.PropertyMember || m.Kind == syntax.FieldMember || m.Kind == syntax.ConstMember
}

// methodLevels are the methods of a name, by the types that declare them.
func methodLevels(t *clr.Type, name string) [][]*clr.Member {
	var out [][]*clr.Member
	for _, l := range levels(t) {
		var here []*clr.Member
		for _, m := range l.Members(name) {
			if m.Kind == syntax.MethodMember {
				here = append(here, m)
			}
		}
		if here != nil {
			out = append(out, here)
		}
	}
	return out
}

func hasMethod(t *clr.Type, name string) bool { return len(methodLevels(t, name)) > 0 }

// extensions are the extension methods of a name.
func (c *checker) extensions(name string) []*clr.Member {
	if c.exts == nil {
		c.exts = map[string][]*clr.Member{}
		for _, t := range c.u.Types() {
			if !t.Static {
				continue
			}
			for _, m := range t.AllMembers() {
				if m.Extension {
					c.exts[m.Name] = append(c.exts[m.Name], m)
				}
			}
		}
	}
	return c.exts[name]
}

// member is x.Name<Args>.
func (c *checker) member(n *syntax.Member) operand {
	if n.X == nil {
		c.errorf(n, "CS1525", "Invalid expression term '.'")
		return wrong(n)
	}
	x := c.exprOrType(n.X)
	return c.memberOf(x, n.Name, n.Args, n)
}

func (c *checker) memberOf(x operand, name syntax.Ident, targs []syntax.Type, n syntax.Node) operand {
	types, ok := c.resolveArgs(targs)
	if !ok || x.isBad() {
		return wrong(n)
	}
	switch x.kind {
	case spaceName:
		return c.inNamespace(x.space, name, types, n)
	case typeName:
		return c.static(x.t, name, types, n)
	case tupleValue:
		x = c.valueOf(c.typedValue(x), x.node)
	case nullValue, lambdaExpr, methods, defaultValue, throwValue:
		c.errorf(n, "CS0023", "Operator '.' cannot be applied to operand of type '%s'", x.describe())
		return wrong(n)
	}
	return c.instance(x.e, name, types, n)
}

func (c *checker) inNamespace(space string, name syntax.Ident, types []*clr.Type, n syntax.Node) operand {
	if t := c.findType(space, name.Name, len(types)); t != nil {
		if len(types) > 0 {
			t = c.constructed(n, t, types)
		}
		return operand{kind: typeName, t: t, node: n}
	}
	full := space + "." + name.Name
	if c.u.Namespace(full) {
		return operand{kind: spaceName, space: full, node: n}
	}
	c.noType(n, space, name.Name, len(types))
	return wrong(n)
}

func (c *checker) static(t *clr.Type, name syntax.Ident, types []*clr.Type, n syntax.Node) operand {
	if t == bad {
		return wrong(n)
	}
	if m := data(t, name.Name); m != nil {
		if !m.Static {
			c.errorf(&name, "CS0120", "An object reference is required for the non-static field, method, or property '%s.%s'", t, name.Name)
			return wrong(n)
		}
		return c.read(nil, m, n)
	}
	if hasMethod(t, name.Name) {
		return operand{kind: methods, group: &group{in: t, name: name.Name, args: types, node: n}, node: n, scope: c.scope, fn: c.fn}
	}
	if nested := c.findType(t.Name, name.Name, len(types)); nested != nil && t.Name != "" {
		return operand{kind: typeName, t: nested, node: n}
	}
	c.noMemberOf("CS0117", t, name, n)
	return wrong(n)
}

func (c *checker) noMember(t *clr.Type, name syntax.Ident, n syntax.Node) {
	c.noMemberOf("CS1061", t, name, n)
}

func (c *checker) noMemberOf(code string, t *clr.Type, name syntax.Ident, n syntax.Node) {
	if why := c.u.Excluded(t, name.Name); why != "" {
		c.errorf(&name, "CS0117", "'%s.%s' is not among the members that API Management allows in expressions: %s", t, name.Name, why)
		return
	}
	near := ""
	if other := nearest(t, name.Name); other != "" {
		near = "; mend: " + other
	}
	c.errorf(&name, code, "'%s' does not contain a definition for '%s'%s", t, name.Name, near)
}

// nearest is a member whose name is the same but for case.
func nearest(t *clr.Type, name string) string {
	for _, l := range levels(t) {
		for _, m := range l.AllMembers() {
			if len(m.Name) == len(name) && equalFold(m.Name, name) {
				return m.Name
			}
		}
	}
	return ""
}

func equalFold(a, b string) bool {
	for i := 0; i < len(a); i++ {
		if a[i]|0x20 != b[i]|0x20 {
			return false
		}
	}
	return true
}

func (c *checker) instance(x Expr, name syntax.Ident, types []*clr.Type, n syntax.Node) operand {
	t := x.T()
	switch t.Kind {
	case clr.TupleKind, clr.AnonymousKind:
		if o, ok := c.field(x, name, n); ok {
			return o
		}
	}
	if t == clr.Void {
		c.errorf(n, "CS0023", "Operator '.' cannot be applied to operand of type 'void'")
		return wrong(n)
	}
	if m := data(t, name.Name); m != nil {
		if m.Static {
			c.errorf(&name, "CS0176", "Member '%s.%s' cannot be accessed with an instance reference; qualify it with a type name instead", t, name.Name)
			return wrong(n)
		}
		return c.read(x, m, n)
	}
	if hasMethod(t, name.Name) || len(c.extensions(name.Name)) > 0 && c.anyExtension(x, name.Name) {
		return operand{kind: methods, group: &group{x: x, in: t, name: name.Name, args: types, node: n}, node: n, scope: c.scope, fn: c.fn}
	}
	if all := c.extensions(name.Name); len(all) > 0 && c.u.Excluded(t, name.Name) == "" {
		m := all[0]
		c.errorf(n, "CS1929", "'%s' does not contain a definition for '%s' and the best extension method overload '%s' requires a receiver of type '%s'", t, name.Name, signatureText(m), m.Params[0].Type)
		return wrong(n)
	}
	c.noMember(t, name, n)
	return wrong(n)
}

// anyExtension reports whether an extension method of that name might take x.
func (c *checker) anyExtension(x Expr, name string) bool {
	for _, m := range c.extensions(name) {
		if c.receives(m, x) {
			return true
		}
	}
	return false
}

// receives reports whether x can be the first argument of an extension method:
// by identity, reference or boxing.
func (c *checker) receives(m *clr.Member, x Expr) bool {
	to := m.Params[0].Type
	if !to.Contains() {
		return x.T().AssignableTo(to)
	}
	cand := &candidate{m: m, generic: m, order: []int{0}}
	f := &inference{c: c, params: m.TypeParams, fixed: make([]*clr.Type, len(m.TypeParams)), bounds: make([][]bound, len(m.TypeParams))}
	f.want = []*clr.Type{cand.paramType(0)}
	f.bind(x.T(), f.want[0], lower)
	for i := range f.params {
		if mentions(to, f.params[i]) && (len(f.bounds[i]) == 0 || !f.fix(i)) {
			return false
		}
	}
	return x.T().AssignableTo(to.Subst(f.known))
}

// field is an element of a tuple or a member of an anonymous object.
func (c *checker) field(x Expr, name syntax.Ident, n syntax.Node) (operand, bool) {
	t := x.T()
	for i, f := range t.Fields {
		if f == name.Name && f != "" {
			return c.valueOf(&Field{typed{t.Args[i], spanOf(n)}, x, i}, n), true
		}
	}
	if t.Kind == clr.TupleKind {
		for i := range t.Args {
			if name.Name == "Item"+itoa(i+1) {
				return c.valueOf(&Field{typed{t.Args[i], spanOf(n)}, x, i}, n), true
			}
		}
	}
	return operand{}, false
}

// read is the value of a property, field or constant.
func (c *checker) read(x Expr, m *clr.Member, n syntax.Node) operand {
	if m.Const != nil {
		return c.valueOf(&Const{typed{m.Result, spanOf(n)}, *m.Const}, n)
	}
	if text, ok := decimalConsts[m.Key]; ok {
		d, _ := number.ParseDecimal(strings.TrimPrefix(text, "-"))
		if text[0] == '-' {
			d = d.Neg()
		}
		return c.valueOf(&Const{typed{m.Result, spanOf(n)}, d.Value()}, n)
	}
	c.built(m, n)
	return c.valueOf(&Get{typed{m.Result, spanOf(n)}, x, m}, n)
}

// decimalConsts are constants of C# that are fields at run time.
var decimalConsts = map[string]string{
	"System.Decimal.MaxValue": "79228162514264337593543950335",
	"System.Decimal.MinValue": "-79228162514264337593543950335",
	"System.Decimal.One":      "1",
	"System.Decimal.Zero":     "0",
	"System.Decimal.MinusOne": "-1",
}

// built refuses a member that the library declares and does not have.
func (c *checker) built(m *clr.Member, n syntax.Node) {
	if m.Get && m.Do == nil && m.Kind != syntax.ConstMember && !c.u.Lenient {
		c.errorf(n, "CL0001", "'%s' is not built yet", m.Key)
	}
}

// conditional is x?.… .
func (c *checker) conditional(n *syntax.Conditional) operand {
	x := c.nonVoid(n.X)
	t := x.T()
	if t == bad {
		return wrong(n)
	}
	inner := t
	switch {
	case t.IsNullable():
		inner = t.Args[0]
	case t.IsValue():
		c.errorf(n.X, "CS0023", "Operator '?' cannot be applied to operand of type '%s'", t)
		return wrong(n)
	}
	temp := c.temp(inner)
	temp.used = true
	then := c.hang(n.Then, &Local{typed{inner, x.At()}, temp})
	then = c.rvalue(then)
	if then.isBad() {
		return wrong(n)
	}
	e := c.typedValue(then)
	result := e.T()
	switch {
	case result == clr.Void || result == bad:
	case result.IsValue() && !result.IsNullable():
		result = result.NullableOf()
		e = upcast(e, result)
	}
	return c.valueOf(&CondAccess{typed{result, spanOf(n)}, x, temp, e}, n)
}

// hang checks what hangs on "?": the innermost member or index has x before
// it.
func (c *checker) hang(e syntax.Expr, x Expr) operand {
	switch n := e.(type) {
	case *syntax.Member:
		if n.X == nil {
			return c.memberOf(c.valueOf(x, n), n.Name, n.Args, n)
		}
		return c.memberOf(c.hang(n.X, x), n.Name, n.Args, n)
	case *syntax.Index:
		if n.X == nil {
			return c.indexOf(c.valueOf(x, n), n)
		}
		return c.indexOf(c.hang(n.X, x), n)
	case *syntax.Call:
		return c.callOf(c.hang(n.Fun, x), n)
	case *syntax.Conditional:
		return c.hangConditional(n, x)
	}
	return c.expr(e)
}

func (c *checker) hangConditional(n *syntax.Conditional, x Expr) operand {
	inner := c.typedValue(c.hang(n.X, x))
	t := inner.T()
	if t == bad {
		return wrong(n)
	}
	of := t
	if t.IsNullable() {
		of = t.Args[0]
	} else if t.IsValue() {
		c.errorf(n.X, "CS0023", "Operator '?' cannot be applied to operand of type '%s'", t)
		return wrong(n)
	}
	temp := c.temp(of)
	e := c.typedValue(c.hang(n.Then, &Local{typed{of, inner.At()}, temp}))
	result := e.T()
	if result.IsValue() && !result.IsNullable() && result != clr.Void {
		result = result.NullableOf()
		e = upcast(e, result)
	}
	return c.valueOf(&CondAccess{typed{result, spanOf(n)}, inner, temp, e}, n)
}
