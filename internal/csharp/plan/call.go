package plan

import (
	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// nullThrows reports whether a null receiver is an exception.
func nullThrows(x check.Expr, m *clr.Member) bool {
	if x == nil {
		return false
	}
	t := x.T()
	if t.IsNullable() {
		// Members of Nullable<T> itself take null; others are called on its box.
		return m.Declaring.Def != clr.Nullable
	}
	return !t.IsValue()
}

// get plans the reading of a property or field.
func (c *compiler) get(n *check.Get) valueFn {
	if n.M.Do == nil {
		c.unbuilt(n.M, n.Span)
		return nil
	}
	var args []check.Expr
	return c.member(n.M, n.X, args, nil, n)
}

// call plans the call of a method, constructor, operator, conversion or
// indexer.
func (c *compiler) call(n *check.Call) valueFn {
	if n.M.Do == nil {
		c.unbuilt(n.M, n.Span)
		return nil
	}
	if n.X != nil && n.X.T().Kind == clr.Delegate && n.M.Name == "Invoke" {
		return c.invokeValue(n.X, n.Args, n)
	}
	return c.member(n.M, n.X, n.Args, n.Types, n)
}

// member plans the call of what reads m. A void method's value is null.
func (c *compiler) member(m *clr.Member, x check.Expr, in []check.Expr, types []*clr.Type, n check.Expr) valueFn {
	if x != nil {
		in = append([]check.Expr{x}, in...)
	}
	args, count := c.intos(in), len(in)
	do, declaring, result, at := m.Do, m.Declaring, m.Result, n.At().From
	null := nullThrows(x, m)
	return func(f *frame) (v clr.Value) {
		k := f.r.take(count)
		for i, a := range args {
			a(f, &k.Args[i])
		}
		f.at = at
		if null && k.Args[0].O == nil {
			f.t.ThrowNull()
		}
		f.t.Step()
		k.Thread, k.Types, k.In, k.Result = f.t, types, declaring, result
		v = do(&k.Call)
		f.r.give(k)
		return v
	}
}

// write plans the call of what writes m: the value is the last argument.
func (c *compiler) write(m *clr.Member, x check.Expr, n check.Expr) func(*frame, target, clr.Value) {
	if m.Put == nil {
		c.unbuilt(m, n.At())
		return nil
	}
	do, declaring, result, at := m.Put, m.Declaring, m.Result, n.At().From
	null := nullThrows(x, m)
	return func(f *frame, o target, v clr.Value) {
		f.at = at
		if null && o.x.O == nil {
			f.t.ThrowNull()
		}
		f.t.Step()
		k := f.r.take(3 + len(o.more))
		args := k.Args[:0]
		if x != nil {
			args = append(args, o.x)
		}
		if o.index {
			args = append(append(args, o.first), o.more...)
		}
		k.Args = append(args, v)
		k.Thread, k.Types, k.In, k.Result = f.t, nil, declaring, result
		do(&k.Call)
		f.r.give(k)
	}
}

func (c *compiler) invoke(n *check.Invoke) valueFn { return c.invokeValue(n.Fn, n.Args, n) }

// invokeValue plans the call of a delegate.
func (c *compiler) invokeValue(fn check.Expr, in []check.Expr, n check.Expr) valueFn {
	x, args, count, at := c.value(fn), c.values(in), len(in), n.At().From
	return func(f *frame) clr.Value {
		d := x(f)
		k := f.r.take(count)
		for i, a := range args {
			k.Args[i] = a(f)
		}
		f.at = at
		if d.O == nil {
			f.t.ThrowNull()
		}
		v := d.O.(*clr.Closure).Call(f.t, k.Args)
		f.r.give(k)
		return v
	}
}

// localFunc is a local function in its variable.
type localFunc struct {
	code *code
	up   []*box
}

// Type of a local function is that of no value: it is never seen by an
// expression.
func (*localFunc) Type() *clr.Type { return clr.ObjectType }

func (c *compiler) declareFunc(d *check.DeclareFunc) func(*frame) {
	v := c.fn.find(d.Var)
	k, captured := c.function(d.Func)
	return func(f *frame) {
		f.t.Allocate(boxSize)
		v.set(f, clr.Obj(&localFunc{k, captured(f)}))
	}
}

func (c *compiler) callLocal(n *check.CallLocal) valueFn {
	fn, args, count, at := c.fn.find(n.Fn), c.values(n.Args), len(n.Args), n.At().From
	return func(f *frame) clr.Value {
		k := f.r.take(count)
		for i, a := range args {
			k.Args[i] = a(f)
		}
		f.at = at
		l := fn.get(f).O.(*localFunc)
		v := l.code.call(f.r, f.t, l.up, nil, k.Args)
		f.r.give(k)
		return v
	}
}

// lambda makes a delegate.
func (c *compiler) lambda(n *check.Lambda) valueFn {
	t := n.Type
	k, captured := c.function(n.Func)
	return func(f *frame) clr.Value {
		return delegate(f, t, k, captured(f), nil)
	}
}

func delegate(f *frame, t *clr.Type, k *code, up []*box, bound *clr.Value) clr.Value {
	f.t.Allocate(2*boxSize + 8*len(up))
	h := f.r.leads()
	return clr.Obj(&clr.Closure{T: t, Call: func(t *clr.Thread, args []clr.Value) clr.Value {
		return k.call(h.run(), t, up, bound, args)
	}})
}

// methodGroup makes a delegate of a method; the receiver is evaluated now.
func (c *compiler) methodGroup(n *check.MethodGroup) valueFn {
	t, at := n.Type, n.Span.From
	k, captured := c.function(n.Func)
	if n.X == nil {
		return func(f *frame) clr.Value { return delegate(f, t, k, captured(f), nil) }
	}
	x, instance := c.value(n.X), receives(n.Func.Expr) && !n.X.T().IsValue()
	return func(f *frame) clr.Value {
		v := x(f)
		f.at = at
		if v.O == nil && instance {
			f.t.Throw(clr.ArgumentException, "Delegate to an instance method cannot have null 'this'.")
		}
		return delegate(f, t, k, captured(f), &v)
	}
}

// receives reports whether a call has a receiver, which an extension method has
// not.
func receives(e check.Expr) bool {
	switch n := e.(type) {
	case *check.Convert:
		return receives(n.X)
	case *check.Call:
		return n.X != nil
	}
	return false
}

// refArg gives where an argument lies.
func (c *compiler) refArg(n *check.RefArg) valueFn {
	if l, ok := n.Target.(*check.Local); ok && l.Var.Ref != "" {
		v := c.fn.find(l.Var)
		return func(f *frame) clr.Value { return v.get(f) }
	}
	p := c.place(n.Target)
	_, elem := n.Target.(*check.Elem)
	return func(f *frame) clr.Value {
		o := p.open(f)
		f.t.Allocate(2 * boxSize)
		if elem {
			p.get(f, o) // throws now where there is no such element
		}
		return clr.Obj(&clr.Ref{
			Get: func() clr.Value { return p.get(f, o) },
			Set: func(v clr.Value) { p.put(f, o, v) },
		})
	}
}
