package plan

import (
	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// objectFn is for references to objects, which have nothing but an O; nil is
// null. It is not for strings, nor for types that a string or a boxed value
// may be behind.
type objectFn func(*frame) clr.Object

// object plans an expression of which only the O counts.
func (c *compiler) object(e check.Expr) objectFn {
	if n, ok := e.(*check.Local); ok {
		if v := c.fn.find(n.Var); v.kind == inSlot && n.Var.Ref == "" {
			return func(f *frame) clr.Object { return f.s[v.index].O }
		}
	}
	if !c.plain {
		if x := c.objectForm(e); x != nil {
			return x
		}
	}
	x := c.value(e)
	return func(f *frame) clr.Object { return x(f).O }
}

// objectForm plans properties that give an object; nil: e is none.
func (c *compiler) objectForm(e check.Expr) objectFn {
	n, ok := e.(*check.Get)
	if !ok {
		return nil
	}
	do, ok := fastOf(e).(func(clr.Object) clr.Object)
	if !ok {
		return nil
	}
	x, at := c.object(n.X), n.Span.From
	return func(f *frame) clr.Object { return do(f.receiver(x, at)) }
}

// objectText plans properties and methods of objects that give a string; nil: e
// is none.
func (c *compiler) objectText(e check.Expr) textFn {
	switch do := fastOf(e).(type) {
	case func(clr.Object) (string, bool):
		x, at := c.object(operands(e)[0]), e.At().From
		return func(f *frame) (string, bool) { return do(f.receiver(x, at)) }
	case func(*clr.Thread, clr.Object, string, string) (string, bool):
		in := operands(e)
		x, key, unset, slow, at := c.object(in[0]), c.text(in[1]), c.text(in[2]), c.slowThree(e), e.At().From
		return func(f *frame) (string, bool) {
			o := x(f)
			k, ok := key(f)
			u, okay := unset(f)
			f.at = at
			f.t.Step()
			if o != nil && ok && okay {
				if s, ok := do(f.t, o, k, u); ok {
					return s, true
				}
			}
			v := slow(f, clr.Value{O: o}, textValue(k, ok), textValue(u, okay))
			return v.S, v.O != nil
		}
	}
	return nil
}

// receiver evaluates what a property is read of.
func (f *frame) receiver(x objectFn, at syntax.Pos) clr.Object {
	o := x(f)
	f.at = at
	if o == nil {
		f.t.ThrowNull()
	}
	f.t.Step()
	return o
}
