package check

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// call is f(args).
func (c *checker) call(n *syntax.Call) operand {
	if name, ok := n.Fun.(*syntax.Name); ok && name.Ident.Name == "nameof" && c.lookup("nameof") == nil {
		return c.nameOf(n)
	}
	return c.callOf(c.exprOrType(n.Fun), n)
}

func (c *checker) callOf(f operand, n *syntax.Call) operand {
	args, ok := c.arguments(n.Args)
	if !ok || f.isBad() {
		return wrong(n)
	}
	switch f.kind {
	case methods:
		f.group.node = n.Fun
		return c.callGroup(f.group, args, n)
	case value:
		return c.callDelegate(f.e, args, n)
	case typeName:
		c.errorf(n, "CS1955", "Non-invocable member '%s' cannot be used like a method; mend: new %s(…)", f.t, f.t)
		return wrong(n)
	}
	f = c.rvalue(f)
	if !f.isBad() {
		c.errorf(n.Fun, "CS0149", "Method name expected")
	}
	return wrong(n)
}

// callGroup chooses the method: of the most derived type that has one that can
// be called, else an extension method.
func (c *checker) callGroup(g *group, args []argument, n syntax.Node) operand {
	if g.local != nil {
		return c.callLocal(g, args, n)
	}
	var why mismatch
	why.rank = -1
	var all []*clr.Member
	for _, members := range methodLevels(g.in, g.name) {
		members = ofKind(members, g.x == nil)
		if len(members) == 0 {
			continue
		}
		all = append(all, members...)
		cand, no := c.choose(members, g.args, args)
		if cand != nil {
			return c.callMember(cand, g.x, args, n)
		}
		if no.rank > why.rank || no.code == "CS0121" {
			why = no
		}
	}
	if g.x != nil {
		if o, ok, no := c.callExtension(g, args, n); ok {
			return o
		} else if no.rank > why.rank || len(all) == 0 {
			why = no
		}
	}
	if len(all) == 0 && hasMethod(g.in, g.name) {
		if g.x == nil {
			c.errorf(n, "CS0120", "An object reference is required for the non-static field, method, or property '%s.%s'", g.in, g.name)
		} else {
			c.errorf(n, "CS0176", "Member '%s.%s' cannot be accessed with an instance reference; qualify it with a type name instead", g.in, g.name)
		}
		return wrong(n)
	}
	if len(all) == 0 {
		all = c.extensions(g.name)
	}
	if len(all) == 0 && g.x != nil {
		c.noMember(g.in, syntax.Ident{Span: spanOf(g.node), Name: g.name}, n)
		return wrong(n)
	}
	if hidden := c.u.Excluded(g.in, g.name); hidden != "" && why.rank <= 0 {
		c.errorf(n, why.code, "%s (further forms are not among those that API Management allows in expressions)", why.text)
		return wrong(n)
	}
	c.reportMismatch(n, g.name, all, args, why)
	return wrong(n)
}

func ofKind(members []*clr.Member, static bool) []*clr.Member {
	var out []*clr.Member
	for _, m := range members {
		if m.Static == static {
			out = append(out, m)
		}
	}
	return out
}

func (c *checker) callExtension(g *group, args []argument, n syntax.Node) (operand, bool, mismatch) {
	with := append([]argument{{op: c.valueOf(g.x, g.node), node: g.node}}, args...)
	best := mismatch{rank: -1}
	for _, hidden := range []bool{false, true} { // hidden ones are asked last
		var members []*clr.Member
		for _, m := range c.extensions(g.name) {
			if m.Declaring.Hidden == hidden && c.receives(m, g.x) {
				members = append(members, m)
			}
		}
		if len(members) == 0 {
			continue
		}
		cand, why := c.choose(members, g.args, with)
		if cand != nil {
			return c.callMember(cand, nil, with, n), true, mismatch{}
		}
		if why.code == "CS0121" {
			return operand{}, false, why
		}
		if why.rank > best.rank {
			best = why
		}
	}
	return operand{}, false, best
}

func (c *checker) callMember(cand *candidate, x Expr, args []argument, n syntax.Node) operand {
	m := cand.m
	c.built(m, n)
	return c.valueOf(&Call{typed: typed{m.Result, spanOf(n)}, X: x, M: m, Args: c.complete(cand, args, n), Types: cand.types}, n)
}

func (c *checker) callDelegate(f Expr, args []argument, n syntax.Node) operand {
	invoke := invokeOf(f.T())
	if invoke == nil {
		if g, ok := f.(*Get); ok {
			if o, ok := c.callInstead(g, args, n); ok {
				return o
			}
			c.errorf(n, "CS1955", "Non-invocable member '%s.%s' cannot be used like a method; mend: leave out ()", g.M.Declaring, g.M.Name)
			return wrong(n)
		}
		c.errorf(n, "CS0149", "Method name expected")
		return wrong(n)
	}
	cand := c.resolveCall(n, "Invoke", []*clr.Member{invoke}, nil, args)
	if cand == nil {
		return wrong(n)
	}
	return c.valueOf(&Invoke{typed{invoke.Result, spanOf(n)}, f, c.complete(cand, args, n)}, n)
}

// callInstead calls the method of the name of a property that is no delegate:
// in a call, what cannot be called does not count (section 12.5).
func (c *checker) callInstead(g *Get, args []argument, n syntax.Node) (operand, bool) {
	call, ok := n.(*syntax.Call)
	if !ok || g.X == nil {
		return operand{}, false
	}
	m, ok := call.Fun.(*syntax.Member)
	if !ok || !hasMethod(g.X.T(), g.M.Name) && !c.anyExtension(g.X, g.M.Name) {
		return operand{}, false
	}
	types, ok := c.resolveArgs(m.Args)
	if !ok {
		return wrong(n), true
	}
	return c.callGroup(&group{x: g.X, in: g.X.T(), name: g.M.Name, args: types, node: m}, args, n), true
}

// localMember is a local function as a member, so that calls of it are resolved
// as others are.
func localMember(v *Var) *clr.Member {
	f := v.local
	m := &clr.Member{Kind: syntax.MethodMember, Name: v.Name, Declaring: clr.ObjectType, Static: true, Get: true, Result: f.Result, Code: &clr.Code{}}
	for i, p := range f.Params {
		param := clr.Param{Name: p.Name, Type: p.Type, Ref: p.Ref}
		if d := f.defaults[i]; d != nil {
			param.Optional, param.Default = true, *d
		}
		if f.params && i == len(f.Params)-1 {
			param.Ref = "params"
		}
		m.Params = append(m.Params, param)
	}
	if v.generic != nil {
		m.TypeParams = v.generic.params
	}
	return m
}

func (c *checker) callLocal(g *group, args []argument, n syntax.Node) operand {
	m := localMember(g.local)
	cand := c.resolveCall(n, g.name, []*clr.Member{m}, g.args, args)
	if cand == nil {
		return wrong(n)
	}
	fn := g.local
	c.use(fn)
	if fn.generic != nil {
		if fn = c.instantiate(fn, cand.types, n); fn == nil {
			return wrong(n)
		}
	}
	return c.valueOf(&CallLocal{typed{cand.m.Result, spanOf(n)}, fn, c.complete(cand, args, n)}, n)
}

// index is x[args].
func (c *checker) index(n *syntax.Index) operand {
	if n.X == nil {
		c.errorf(n, "CS1525", "Invalid expression term '['")
		return wrong(n)
	}
	return c.indexOf(c.expr(n.X), n)
}

func (c *checker) indexOf(x operand, n *syntax.Index) operand {
	args, ok := c.arguments(n.Args)
	if !ok || x.isBad() {
		return wrong(n)
	}
	e := c.typedValue(x)
	t := e.T()
	if t == bad {
		return wrong(n)
	}
	if t.Kind == clr.ArrayKind {
		return c.element(e, args, n)
	}
	why := mismatch{rank: -1}
	var all []*clr.Member
	for _, l := range levels(t) {
		var members []*clr.Member
		for _, m := range l.Members("Item") {
			if m.Kind == syntax.IndexerMember {
				members = append(members, m)
			}
		}
		if len(members) == 0 {
			continue
		}
		all = append(all, members...)
		cand, no := c.choose(members, nil, args)
		if cand != nil {
			c.built(cand.m, n)
			return c.valueOf(&Call{typed: typed{cand.m.Result, spanOf(n)}, X: e, M: cand.m, Args: c.complete(cand, args, n)}, n)
		}
		if no.rank > why.rank {
			why = no
		}
	}
	if len(all) == 0 {
		c.errorf(n, "CS0021", "Cannot apply indexing with [] to an expression of type '%s'", t)
		return wrong(n)
	}
	c.reportMismatch(n, "this", all, args, why)
	return wrong(n)
}

func (c *checker) element(x Expr, args []argument, n *syntax.Index) operand {
	t := x.T()
	if len(args) != t.Rank {
		c.errorf(n, "CS0022", "Wrong number of indices inside []; expected %d", t.Rank)
		return wrong(n)
	}
	index := make([]Expr, len(args))
	for i, a := range args {
		for _, to := range []*clr.Type{clr.Int32, clr.UInt32, clr.Int64, clr.UInt64} {
			if c.canImplicit(a.op, to) {
				index[i] = c.convert(a.op, to, a.node)
				break
			}
		}
		if index[i] == nil {
			c.convert(a.op, clr.Int32, a.node) // says why not
			return wrong(n)
		}
	}
	return c.valueOf(&Elem{typed{t.Args[0], spanOf(n)}, x, index}, n)
}

// create is new T(args) {…}.
func (c *checker) create(n *syntax.New) operand {
	if n.Type == nil {
		return wrong(n)
	}
	t := c.resolve(n.Type)
	if t == bad {
		return wrong(n)
	}
	args, ok := c.arguments(n.Args)
	if !ok {
		return wrong(n)
	}
	if t.Kind == clr.Delegate {
		return c.newDelegate(t, args, n)
	}
	switch {
	case t.Static || t.Abstract || t.Kind == clr.Interface:
		c.errorf(n, "CS0144", "Cannot create an instance of the abstract type or interface '%s'", t)
		return wrong(n)
	case t.Kind == clr.TupleKind:
		c.errorf(n, "CS8181", "'new' cannot be used with tuple type. Use a tuple literal expression instead.")
		return wrong(n)
	}
	var e Expr
	ctors := t.Members(".ctor")
	switch {
	case len(args) == 0 && t.IsValue():
		e = &Const{typed{t, spanOf(n)}, clr.Zero(t)}
		if n.Init == nil {
			return c.valueOf(retypedValue(e), n)
		}
	case len(ctors) == 0:
		if why := c.u.Excluded(t, ""); why != "" {
			c.errorf(n, "CS1729", "'%s' has no constructor among those that API Management allows in expressions", t)
			return wrong(n)
		}
		c.errorf(n, "CS1729", "'%s' does not contain a constructor that takes %s", t, plural(len(args), "argument"))
		return wrong(n)
	default:
		cand := c.resolveCall(n, t.Name, ctors, nil, args)
		if cand == nil {
			return wrong(n)
		}
		c.built(cand.m, n)
		e = &Call{typed: typed{t, spanOf(n)}, M: cand.m, Args: c.complete(cand, args, n)}
	}
	if n.Init != nil {
		return c.initialize(e, n.Init, n)
	}
	return c.valueOf(e, n)
}

// retypedValue hides that a new struct is a constant: it is none in C#.
func retypedValue(e Expr) Expr { return upcast(e, e.T()) }

func (c *checker) newDelegate(t *clr.Type, args []argument, n *syntax.New) operand {
	if len(args) != 1 {
		c.errorf(n, "CS0149", "Method name expected")
		return wrong(n)
	}
	return c.valueOf(c.convert(args[0].op, t, args[0].node), n)
}

// initialize carries out {…} behind new.
func (c *checker) initialize(e Expr, init *syntax.Initializer, n syntax.Node) operand {
	temp := c.temp(e.T())
	at := func(m syntax.Node) Expr { return &Local{typed{e.T(), spanOf(m)}, temp} }
	out := &Init{typed: typed{e.T(), spanOf(n)}, New: e, Temp: temp}
	for i := range init.Elems {
		if step := c.initElem(at, &init.Elems[i]); step != nil {
			out.Steps = append(out.Steps, step)
		}
	}
	return c.valueOf(out, n)
}

func (c *checker) initElem(x func(syntax.Node) Expr, e *syntax.InitElem) Expr {
	switch {
	case e.Name.Name != "":
		target := c.instance(x(&e.Name), e.Name, nil, &e.Name)
		return c.initTarget(target, e)
	case e.Index != nil:
		target := c.indexOf(c.valueOf(x(e), e), &syntax.Index{Span: e.Span, Args: e.Index})
		return c.initTarget(target, e)
	}
	values := e.Values
	if v, ok := e.Value.(syntax.Expr); ok {
		values = []syntax.Expr{v}
	}
	args := make([]argument, len(values))
	for i, v := range values {
		if args[i] = (argument{op: c.rvalue(c.expr(v)), node: v}); args[i].op.isBad() {
			return nil
		}
	}
	receiver := x(e)
	if !hasMethod(receiver.T(), "Add") {
		c.errorf(e, "CS1922", "Cannot initialize type '%s' with a collection initializer because it does not have a method 'Add'", receiver.T())
		return nil
	}
	o := c.callGroup(&group{x: receiver, in: receiver.T(), name: "Add", node: e}, args, e)
	if o.isBad() {
		return nil
	}
	return o.e
}

func (c *checker) initTarget(target operand, e *syntax.InitElem) Expr {
	if target.isBad() {
		return nil
	}
	if in, nested := e.Value.(*syntax.Initializer); nested {
		return c.typedValue(c.initialize(c.typedValue(target), in, e))
	}
	v, ok := e.Value.(syntax.Expr)
	if !ok || target.kind != value {
		c.errorf(e, "CS0747", "Invalid initializer member declarator")
		return nil
	}
	if !c.assignable(target.e, e, "CS0200", "Property or indexer cannot be assigned to -- it is read only") {
		return nil
	}
	x := c.convert(c.expr(v), target.e.T(), v)
	return &Assign{typed{target.e.T(), e.Span}, target.e, x}
}
