package plan

import (
	"fmt"

	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// block plans {…}: its captured variables and local functions are made anew
// whenever it is entered.
func (c *compiler) block(b *check.Block) stmtFn {
	if s, ok := c.roundBlock(b); ok {
		return s
	}
	fresh := c.fresh(b.Vars)
	funcs := c.localFuncs(b.Stmts)
	body := c.stmts(b.Stmts)
	if fresh == nil && funcs == nil {
		return body
	}
	return func(f *frame) control {
		f.makeBoxes(fresh)
		for _, make := range funcs {
			make(f)
		}
		return body(f)
	}
}

// roundBlock plans a block that the checker put around a loop for variables of
// its head: each round has its own.
func (c *compiler) roundBlock(b *check.Block) (stmtFn, bool) {
	if len(b.Stmts) != 1 {
		return nil, false
	}
	switch s := b.Stmts[0].(type) {
	case *check.Foreach:
		return c.foreach(s, c.fresh(b.Vars)), true
	case *check.Loop:
		if len(s.Vars) == 0 && len(s.Init) == 0 && !s.After {
			return c.loop(s, c.fresh(b.Vars)), true
		}
	}
	return nil, false
}

// fresh are the boxes of the variables that have one, which from now on the
// caller makes.
func (c *compiler) fresh(vars []*check.Var) []int {
	var out []int
	for _, v := range vars {
		if v.Captured && v.Const == nil {
			out = append(out, c.fn.find(v).index)
			c.fn.inBlock[v] = true
		}
	}
	return out
}

func (f *frame) makeBoxes(fresh []int) {
	for _, i := range fresh {
		f.b[i] = f.newBox()
	}
}

// localFuncs makes the local functions of a block, which may be called before
// they stand.
func (c *compiler) localFuncs(stmts []check.Stmt) []func(*frame) {
	var out []func(*frame)
	for _, s := range stmts {
		if d, ok := s.(*check.DeclareFunc); ok {
			out = append(out, c.declareFunc(d))
		}
	}
	return out
}

func (c *compiler) stmts(in []check.Stmt) stmtFn {
	var list []stmtFn
	var labels map[*check.Mark]int
	for _, s := range in {
		if m, ok := s.(*check.Mark); ok {
			if labels == nil {
				labels = map[*check.Mark]int{}
			}
			labels[m] = len(list)
			continue
		}
		if x := c.stmt(s); x != nil {
			list = append(list, x)
		}
	}
	if labels != nil {
		return marked(list, labels)
	}
	switch len(list) {
	case 0:
		return func(*frame) control { return next }
	case 1:
		return list[0]
	case 2:
		a, b := list[0], list[1]
		return func(f *frame) control {
			if k := a(f); k != next {
				return k
			}
			return b(f)
		}
	}
	return func(f *frame) control {
		for _, s := range list {
			if k := s(f); k != next {
				return k
			}
		}
		return next
	}
}

// marked are statements with labels among them.
func marked(list []stmtFn, labels map[*check.Mark]int) stmtFn {
	return func(f *frame) control {
		for i := 0; i < len(list); {
			k := list[i](f)
			i++
			if k == marks {
				if to, ok := labels[f.mark]; ok {
					i = to
					continue
				}
			}
			if k != next {
				return k
			}
		}
		return next
	}
}

// stmt plans a statement; nil: it does nothing.
func (c *compiler) stmt(s check.Stmt) stmtFn {
	switch s := s.(type) {
	case *check.Block:
		return c.block(s)
	case *check.ExprStmt:
		do := c.effect(s.X)
		return func(f *frame) control { do(f); return next }
	case *check.Declare:
		return c.declare(s)
	case *check.DeclareFunc, *check.Empty:
		return nil
	case *check.If:
		return c.ifStmt(s)
	case *check.Loop:
		return c.loop(s, nil)
	case *check.Foreach:
		return c.foreach(s, nil)
	case *check.Switch:
		return c.switchStmt(s)
	case *check.Try:
		return c.try(s)
	case *check.Using:
		return c.using(s)
	}
	return c.jump(s)
}

func (c *compiler) jump(s check.Stmt) stmtFn {
	switch s := s.(type) {
	case *check.Break:
		return func(*frame) control { return breaks }
	case *check.Continue:
		return func(*frame) control { return continues }
	case *check.GotoCase:
		return func(f *frame) control {
			f.section = s.Section
			return cases
		}
	case *check.Goto:
		return func(f *frame) control {
			f.t.Step()
			f.mark = s.To
			return marks
		}
	case *check.Yield:
		return c.yield(s)
	case *check.Return:
		if s.X == nil {
			return func(*frame) control { return returns }
		}
		x := c.into(s.X)
		return func(f *frame) control {
			x(f, &f.ret)
			return returns
		}
	case *check.ThrowStmt:
		return c.throwStmt(s)
	}
	panic(fmt.Sprintf("plan: statement %T", s))
}

func (c *compiler) declare(s *check.Declare) stmtFn {
	v := c.fn.find(s.Var)
	if s.Init == nil {
		// The variable cannot be read; what an earlier round left must go.
		zero := clr.Zero(s.Var.Type)
		return func(f *frame) control {
			v.set(f, zero)
			return next
		}
	}
	if k, ok := s.Init.(*check.Const); ok && !c.plain && v.kind == inSlot {
		value := c.interned(k.Value)
		if isInt(s.Var.Type) {
			value.O = s.Var.Type
		}
		return func(f *frame) control {
			f.s[v.index] = value
			return next
		}
	}
	if t := s.Var.Type; !c.plain && v.kind == inSlot && isInt(t) {
		x := c.int(s.Init)
		return func(f *frame) control {
			n, p := x(f), &f.s[v.index]
			p.N, p.O = uint64(n), t
			return next
		}
	}
	if v.kind == inSlot {
		x := c.into(s.Init)
		return func(f *frame) control {
			x(f, &f.s[v.index])
			return next
		}
	}
	x := c.value(s.Init)
	return func(f *frame) control {
		v.set(f, x(f))
		return next
	}
}

func (c *compiler) ifStmt(s *check.If) stmtFn {
	cond, then := c.cond(s.Cond), c.body(s.Then)
	if s.Else == nil {
		return func(f *frame) control {
			if cond(f) {
				return then(f)
			}
			return next
		}
	}
	other := c.body(s.Else)
	return func(f *frame) control {
		if cond(f) {
			return then(f)
		}
		return other(f)
	}
}

// body plans a statement inside another one.
func (c *compiler) body(s check.Stmt) stmtFn {
	if x := c.stmt(s); x != nil {
		return x
	}
	return func(*frame) control { return next }
}

// effect plans an expression whose value nobody wants.
func (c *compiler) effect(e check.Expr) func(*frame) {
	if !c.plain {
		if do := c.effectForm(e); do != nil {
			return do
		}
	}
	x := c.value(e)
	return func(f *frame) { x(f) }
}
