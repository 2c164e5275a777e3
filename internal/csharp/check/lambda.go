package check

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// triedLambda is a lambda looked at with some parameter types.
type triedLambda struct {
	types []*clr.Type
	fn    *Func
	// body is the value of a lambda that is an expression.
	body *operand
	// returns are the return statements of one that is a block.
	returns []*returned
	// errs are the errors inside.
	failed bool
	// ends: the end of the block can be reached.
	ends bool
	// inside: it is being looked at now, or was inside another trial whose
	// scope is gone.
	scope *scope
}

// tryLambda looks at a lambda with these parameter types, once.
func (c *checker) tryLambda(l *syntax.Lambda, types []*clr.Type) *triedLambda {
	for _, t := range c.lambdas[l] {
		if t.scope == c.scope && sameTypes(t.types, types) {
			return t
		}
	}
	if c.trials--; c.trials < 0 {
		c.quietError(l, "the expression has too many lambdas inside calls that have many forms; mend: give their parameters types")
		return &triedLambda{failed: true}
	}
	t := &triedLambda{types: types, scope: c.scope}
	failed := c.failed
	c.failed = false
	c.quiet++
	c.bodyOf(l, types, t)
	c.quiet--
	t.failed = c.failed
	c.failed = failed
	if c.lambdas == nil {
		c.lambdas = map[*syntax.Lambda][]*triedLambda{}
	}
	c.lambdas[l] = append(c.lambdas[l], t)
	return t
}

// quietError is an error that is told even while something is tried.
func (c *checker) quietError(n syntax.Node, text string) {
	quiet := c.quiet
	c.quiet = 0
	c.errorf(n, "CS8078", "%s", text)
	c.quiet = quiet
}

func sameTypes(a, b []*clr.Type) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// bodyOf checks the body of a lambda.
func (c *checker) bodyOf(l *syntax.Lambda, types []*clr.Type, t *triedLambda) {
	t.fn = &Func{Name: "lambda", Outer: c.fn}
	defer c.enterFunc(t.fn)()
	for i, p := range l.Params {
		typ := types[i]
		if p.Type != nil {
			typ = c.resolve(p.Type)
		}
		c.ranges = c.queries[l]
		t.fn.Params = append(t.fn.Params, c.declare(p.Name, typ))
		c.ranges = false
	}
	for i := len(l.Params); i < len(types); i++ { // delegate { … } takes any
		t.fn.Params = append(t.fn.Params, c.temp(types[i]))
	}
	switch body := l.Body.(type) {
	case syntax.Expr:
		o := c.rvalue(c.expr(body))
		t.body = &o
	case *syntax.Block:
		c.returns = &t.returns
		t.fn.Body = c.block(body)
		t.ends = reachesEnd(t.fn.Body)
	}
}

// enterFunc begins a function inside the one at hand.
func (c *checker) enterFunc(f *Func) (leave func()) {
	fn, returns, loops, switches, catches, finally := c.fn, c.returns, c.loops, c.switches, c.catches, c.finally
	c.fn, c.returns, c.loops, c.switches, c.catches, c.finally = f, nil, 0, nil, 0, 0
	c.open()
	return func() {
		c.close()
		c.fn, c.returns, c.loops, c.switches, c.catches, c.finally = fn, returns, loops, switches, catches, finally
	}
}

// lambdaParams are the types of a lambda's parameters for a delegate; false:
// they do not fit.
func (c *checker) lambdaParams(l *syntax.Lambda, invoke *clr.Member) ([]*clr.Type, bool) {
	if !l.NoParams && len(l.Params) != len(invoke.Params) {
		return nil, false
	}
	types := make([]*clr.Type, len(invoke.Params))
	for i, p := range invoke.Params {
		types[i] = p.Type
		if p.Ref != "" {
			return nil, false
		}
		if i < len(l.Params) && l.Params[i].Type != nil {
			c.quiet++
			failed := c.failed
			t := c.resolve(l.Params[i].Type)
			c.failed = failed
			c.quiet--
			if t != p.Type {
				return nil, false
			}
		}
	}
	return types, true
}

// lambdaTo converts a lambda to a delegate; nil: it does not fit.
func (c *checker) lambdaTo(o operand, to *clr.Type) (x Expr) {
	c.there(o, func() { x = c.lambdaToHere(o, to) })
	return x
}

func (c *checker) lambdaToHere(o operand, to *clr.Type) Expr {
	invoke := invokeOf(to)
	if invoke == nil {
		return nil
	}
	types, ok := c.lambdaParams(o.lambda, invoke)
	if !ok {
		return nil
	}
	t := c.tryLambda(o.lambda, types)
	if t.failed {
		return nil
	}
	if c.quiet > 0 {
		if !c.returnsFit(t, invoke.Result) {
			return nil
		}
		return &Lambda{typed{to, spanOf(o.node)}, t.fn}
	}
	return c.makeLambda(o, to, invoke, types)
}

// makeLambda checks a lambda for good.
func (c *checker) makeLambda(o operand, to *clr.Type, invoke *clr.Member, types []*clr.Type) Expr {
	t := &triedLambda{types: types, scope: c.scope}
	c.bodyOfConverted(o.lambda, types, t, invoke.Result)
	if !c.returnsFit(t, invoke.Result) && !c.failed {
		return nil
	}
	return &Lambda{typed{to, spanOf(o.node)}, t.fn}
}

func (c *checker) bodyOfConverted(l *syntax.Lambda, types []*clr.Type, t *triedLambda, result *clr.Type) {
	t.fn = &Func{Name: "lambda", Outer: c.fn, Result: result}
	leave := c.enterFunc(t.fn)
	defer leave()
	for i, p := range l.Params {
		c.ranges = c.queries[l]
		t.fn.Params = append(t.fn.Params, c.declare(p.Name, types[i]))
		c.ranges = false
	}
	for i := len(l.Params); i < len(types); i++ {
		t.fn.Params = append(t.fn.Params, c.temp(types[i]))
	}
	switch body := l.Body.(type) {
	case syntax.Expr:
		o := c.rvalue(c.expr(body))
		t.body = &o
		if result == clr.Void {
			if o.kind == throwValue {
				t.fn.Expr = o.e
				return
			}
			t.fn.Expr = c.typedValue(o)
			return
		}
		t.fn.Expr = c.convert(o, result, body)
	case *syntax.Block:
		c.returns = &t.returns
		t.fn.Body = c.block(body)
		t.ends = reachesEnd(t.fn.Body)
		for _, r := range t.returns {
			switch {
			case r.node == nil:
			case result == clr.Void:
				c.errorf(r.node, "CS8030", "Anonymous function converted to a void returning delegate cannot return a value")
			default:
				r.stmt.X = c.convert(r.op, result, r.node)
			}
		}
	}
}

// returnsFit reports whether what a lambda returns converts to the delegate's
// result.
func (c *checker) returnsFit(t *triedLambda, result *clr.Type) bool {
	if t.body != nil {
		if result == clr.Void {
			return t.body.kind == throwValue || t.body.kind == value && isStatement(t.body.e)
		}
		return t.body.typ() != clr.Void && c.canImplicit(*t.body, result)
	}
	for _, r := range t.returns {
		if (r.node == nil) != (result == clr.Void) {
			return false
		}
		if r.node != nil && !c.canImplicit(r.op, result) {
			return false
		}
	}
	return result == clr.Void || !t.ends
}

// isStatement reports the expressions that may stand as a statement.
func isStatement(e Expr) bool {
	switch e := e.(type) {
	case *Call, *Invoke, *CallLocal, *Assign, *Compound, *Deconstruct, *Init:
		return true
	case *CondAccess:
		return isStatement(e.Then)
	case *Convert:
		return e.Kind == Upcast && isStatement(e.X)
	case *Sequence:
		return isStatement(e.X)
	}
	return e.T() == clr.Void || e.T() == bad
}

// lambdaResult is the type that a lambda with these parameters returns; nil: it
// has none.
func (c *checker) lambdaResult(o operand, types []*clr.Type) (t *clr.Type) {
	c.there(o, func() { t = c.lambdaResultHere(o, types) })
	return t
}

func (c *checker) lambdaResultHere(o operand, types []*clr.Type) *clr.Type {
	l := o.lambda
	if !l.NoParams && len(l.Params) != len(types) {
		return nil
	}
	t := c.tryLambda(l, types)
	if t.failed {
		return nil
	}
	if t.body != nil {
		if t.body.kind == tupleValue {
			return c.tupleType(*t.body)
		}
		return t.body.typ()
	}
	var ops []operand
	for _, r := range t.returns {
		if r.node != nil {
			ops = append(ops, r.op)
		}
	}
	if len(ops) == 0 {
		return clr.Void
	}
	return c.bestCommon(ops)
}

func (c *checker) tupleType(o operand) *clr.Type {
	types := make([]*clr.Type, len(o.tuple))
	for i, e := range o.tuple {
		if types[i] = e.typ(); types[i] == nil {
			return nil
		}
	}
	return clr.TupleOf(types, nil)
}

// bestCommon is the type that all operands convert to (section 12.6.3.15); nil:
// there is none.
func (c *checker) bestCommon(ops []operand) *clr.Type {
	var best *clr.Type
	for _, o := range ops {
		t := o.typ()
		if o.kind == tupleValue {
			t = c.tupleType(o)
		}
		if t == nil || t == clr.Void {
			continue
		}
		all := true
		for _, p := range ops {
			if !c.canImplicit(p, t) {
				all = false
				break
			}
		}
		if all && (best == nil || !c.canConvertType(best, t)) {
			best = t
		}
	}
	return best
}

// betterLambda compares two delegates for a lambda: by what it returns.
func (c *checker) betterLambda(o operand, t1, t2 *clr.Type) int {
	i1, i2 := invokeOf(t1), invokeOf(t2)
	if i1 == nil || i2 == nil || len(i1.Params) != len(i2.Params) {
		return 0
	}
	types := make([]*clr.Type, len(i1.Params))
	for i := range i1.Params {
		if i1.Params[i].Type != i2.Params[i].Type {
			return 0
		}
		types[i] = i1.Params[i].Type
	}
	r1, r2 := i1.Result, i2.Result
	switch {
	case r1 == r2:
		return 0
	case r1 == clr.Void:
		return -1
	case r2 == clr.Void:
		return 1
	}
	got := c.lambdaResult(o, types)
	switch {
	case got == nil:
		return 0
	case got == r1:
		return 1
	case got == r2:
		return -1
	}
	return c.betterTarget(r1, r2)
}

// sayLambda tells the errors inside a lambda that no form of a call takes.
func (c *checker) sayLambda(o operand) (said bool) {
	c.there(o, func() { said = c.sayLambdaHere(o) })
	return said
}

func (c *checker) sayLambdaHere(o operand) bool {
	for _, tried := range c.lambdas[o.lambda] {
		if !tried.failed || tried.scope != c.scope || tried.fn == nil {
			continue
		}
		before := len(c.errs)
		t := &triedLambda{}
		c.bodyOf(o.lambda, tried.types, t)
		if len(c.errs) > before {
			return true
		}
	}
	return false
}

func (c *checker) lambdaMismatch(o operand, to *clr.Type, n syntax.Node) {
	c.there(o, func() { c.lambdaMismatchHere(o, to, n) })
}

func (c *checker) lambdaMismatchHere(o operand, to *clr.Type, n syntax.Node) {
	invoke := invokeOf(to)
	if invoke == nil {
		c.errorf(n, "CS1660", "Cannot convert lambda expression to type '%s' because it is not a delegate type", to)
		return
	}
	types, ok := c.lambdaParams(o.lambda, invoke)
	if !ok {
		if len(o.lambda.Params) != len(invoke.Params) {
			c.errorf(n, "CS1593", "Delegate '%s' does not take %s", to, plural(len(o.lambda.Params), "argument"))
			return
		}
		c.errorf(n, "CS1661", "Cannot convert lambda expression to type '%s' because the parameter types do not match the delegate parameter types", to)
		return
	}
	before := len(c.errs)
	t := &triedLambda{types: types}
	c.bodyOfConverted(o.lambda, types, t, invoke.Result)
	if len(c.errs) == before {
		if t.ends && invoke.Result != clr.Void {
			c.errorf(n, "CS1643", "Not all code paths return a value in lambda expression of type '%s'", to)
			return
		}
		if t.body != nil && invoke.Result == clr.Void {
			c.errorf(n, "CS0201", "Only assignment, call, increment, decrement, and new object expressions can be used as a statement")
			return
		}
		c.errorf(n, "CS1662", "Cannot convert lambda expression to intended delegate type because some of the return types in the block are not implicitly convertible to the delegate return type")
	}
}

// groupTo converts methods to a delegate; nil: none fits.
func (c *checker) groupTo(o operand, to *clr.Type) Expr {
	invoke := invokeOf(to)
	if invoke == nil {
		return nil
	}
	types := make([]*clr.Type, len(invoke.Params))
	for i, p := range invoke.Params {
		types[i] = p.Type
	}
	var call Expr
	var fn *Func
	c.there(o, func() { call, fn = c.groupCall(o.group, types) })
	if call == nil {
		return nil
	}
	fn.Result = invoke.Result
	if invoke.Result == clr.Void {
		fn.Expr = call
		return &MethodGroup{typed: typed{to, spanOf(o.node)}, X: o.group.x, Func: fn}
	}
	result := c.standard(call, invoke.Result)
	if result == nil || call.T().IsValue() != invoke.Result.IsValue() {
		return nil // a delegate's result is not boxed
	}
	fn.Expr = result
	return &MethodGroup{typed: typed{to, spanOf(o.node)}, X: o.group.x, Func: fn}
}

// groupResult is what the methods return for arguments of these types; nil: no
// method fits.
func (c *checker) groupResult(o operand, types []*clr.Type) *clr.Type {
	var call Expr
	c.there(o, func() { call, _ = c.groupCall(o.group, types) })
	if call == nil {
		return nil
	}
	return call.T()
}

// groupCall is a function with parameters of these types that calls one of the
// methods.
func (c *checker) groupCall(g *group, types []*clr.Type) (Expr, *Func) {
	fn := &Func{Name: g.name, Outer: c.fn}
	c.quiet++
	failed := c.failed
	leave := c.enterFunc(fn)
	defer func() {
		leave()
		c.failed = failed
		c.quiet--
	}()
	args := make([]argument, len(types))
	for i, t := range types {
		v := c.declare(syntax.Ident{Name: "<" + itoa(i) + ">"}, t)
		fn.Params = append(fn.Params, v)
		args[i] = argument{op: c.valueOf(&Local{typed{t, spanOf(g.node)}, v}, g.node), node: g.node}
	}
	c.failed = false
	var receiver Expr
	bound := *g
	if g.x != nil {
		// The receiver is evaluated once, when the delegate is made.
		v := &Var{Name: "<this>", Type: g.x.T(), Func: fn}
		fn.Vars = append(fn.Vars, v)
		receiver = &Local{typed{g.x.T(), spanOf(g.node)}, v}
		bound.x = receiver
	}
	o := c.callGroup(&bound, args, g.node)
	if c.failed || o.kind != value {
		return nil, nil
	}
	if receiver != nil {
		fn.Params = append([]*Var{receiver.(*Local).Var}, fn.Params...)
	}
	return o.e, fn
}
