package plan

import (
	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// fastOf is the form of a member that takes no Values; nil: it has none.
func fastOf(e check.Expr) any {
	switch n := e.(type) {
	case *check.Get:
		return n.M.Fast
	case *check.Call:
		if n.M.Do != nil {
			return n.M.Fast
		}
	}
	return nil
}

// operands are a member's receiver and arguments.
func operands(e check.Expr) []check.Expr {
	switch n := e.(type) {
	case *check.Get:
		if n.X != nil {
			return []check.Expr{n.X}
		}
	case *check.Call:
		if n.X != nil {
			return append([]check.Expr{n.X}, n.Args...)
		}
		return n.Args
	}
	return nil
}

// slow calls a member's form with Values, where a null stands among its one or
// two operands.
func (c *compiler) slow(e check.Expr) func(f *frame, a, b clr.Value) clr.Value {
	call := c.slowThree(e)
	return func(f *frame, a, b clr.Value) clr.Value { return call(f, a, b, clr.Null) }
}

// slowThree is slow for up to three operands.
func (c *compiler) slowThree(e check.Expr) func(f *frame, a, b, d clr.Value) clr.Value {
	var m *clr.Member
	var x check.Expr
	switch n := e.(type) {
	case *check.Get:
		m, x = n.M, n.X
	case *check.Call:
		m, x = n.M, n.X
	}
	do, declaring, result, null, count := m.Do, m.Declaring, m.Result, nullThrows(x, m), len(operands(e))
	return func(f *frame, a, b, d clr.Value) clr.Value {
		if null && a.O == nil {
			f.t.ThrowNull()
		}
		k := f.r.take(count)
		k.Args[0] = a
		if count > 1 {
			k.Args[1] = b
		}
		if count > 2 {
			k.Args[2] = d
		}
		k.Thread, k.Types, k.In, k.Result = f.t, nil, declaring, result
		v := do(&k.Call)
		f.r.give(k)
		return v
	}
}

// through takes the steps of a member that goes through a string.
func (f *frame) through(s string) {
	if len(s) < 64 {
		f.t.Step()
		return
	}
	f.t.Work(1 + len(s)/64)
}

// textValue is a string, or null, as a Value.
func textValue(s string, ok bool) clr.Value {
	if !ok {
		return clr.Null
	}
	return clr.Str(s)
}
