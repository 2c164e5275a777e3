package plan

import (
	"runtime/debug"

	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// catcher is a catch clause that has been planned.
type catcher struct {
	of    *clr.Type
	fresh []int
	// hidden keeps the exception, and its place, for "throw;".
	hidden variable
	named  *variable
	when   boolFn // nil: none
	body   stmtFn
}

func (c *compiler) try(s *check.Try) stmtFn {
	body := c.block(s.Body)
	catches := make([]catcher, len(s.Catches))
	for i := range s.Catches {
		catches[i] = c.catch(&s.Catches[i])
	}
	guarded := body
	if len(catches) > 0 {
		guarded = func(f *frame) control {
			k, thrown := f.protect(body)
			if thrown == nil {
				return k
			}
			return f.handle(catches, thrown)
		}
	}
	if s.Finally == nil {
		return guarded
	}
	return finally(guarded, c.block(s.Finally))
}

// finally carries out last behind body, however that ends. last cannot jump
// out; what it throws takes the place of what body threw.
func finally(body, last stmtFn) stmtFn {
	return func(f *frame) control {
		k, thrown := f.protect(body)
		if f.t.Over() {
			return k
		}
		ret, section := f.ret, f.section
		var at syntax.Pos
		if thrown != nil {
			at = f.r.place
		}
		last(f)
		f.ret, f.section = ret, section
		if thrown != nil {
			f.r.thrown, f.r.place = thrown, at
			panic(thrown)
		}
		return k
	}
}

// catch plans a clause. Its variables are made before the filter is looked at.
func (c *compiler) catch(s *check.Catch) catcher {
	out := catcher{of: s.Of, fresh: c.fresh(s.Body.Vars), hidden: variable{inSlot, c.fn.temp()}}
	if s.Var != nil {
		v := c.fn.find(s.Var)
		out.named = &v
	}
	if s.When != nil {
		out.when = c.cond(s.When)
	}
	c.fn.caught = append(c.fn.caught, out.hidden)
	funcs, body := c.localFuncs(s.Body.Stmts), c.stmts(s.Body.Stmts)
	c.fn.caught = c.fn.caught[:len(c.fn.caught)-1]
	out.body = func(f *frame) control {
		for _, make := range funcs {
			make(f)
		}
		return body(f)
	}
	return out
}

// handle finds the clause for an exception; without one it is thrown on.
func (f *frame) handle(catches []catcher, e *clr.Thrown) control {
	at := f.r.place
	for i := range catches {
		k := &catches[i]
		if !e.T.AssignableTo(k.of) {
			continue
		}
		f.makeBoxes(k.fresh)
		k.hidden.set(f, clr.Value{O: e, N: uint64(at)})
		if k.named != nil {
			k.named.set(f, clr.Obj(e))
		}
		if k.when == nil || f.filter(k.when) {
			return k.body(f)
		}
	}
	f.r.thrown, f.r.place = e, at
	panic(e)
}

// filter is what a filter says; one that throws says no.
func (f *frame) filter(when boolFn) bool {
	yes := false
	f.protect(func(f *frame) control {
		yes = when(f)
		return next
	})
	return yes
}

// protect catches what body throws. What no C# may catch passes.
func (f *frame) protect(body stmtFn) (k control, thrown *clr.Thrown) {
	r, depth, deep := f.r, f.r.depth, f.t.Depth()
	defer func() {
		if f.t.Over() {
			return
		}
		switch p := recover().(type) {
		case nil:
		case *clr.Thrown:
			if r.thrown != p {
				r.thrown, r.place = p, r.cur.at
			}
			r.cur, r.depth, r.torn = f, depth, true
			f.t.SetDepth(deep)
			k, thrown = next, p
		case *clr.LimitError, *Bug:
			panic(p)
		default:
			panic(&Bug{p, debug.Stack(), int(r.cur.at)})
		}
	}()
	return body(f), nil
}

func (c *compiler) throwStmt(s *check.ThrowStmt) stmtFn {
	if s.X == nil {
		caught := c.fn.caught[len(c.fn.caught)-1]
		return func(f *frame) control {
			v := caught.get(f)
			e := v.O.(*clr.Thrown)
			f.r.thrown, f.r.place = e, syntax.Pos(v.N)
			panic(e)
		}
	}
	do := c.throw(s.X, s.Span.From)
	return func(f *frame) control { do(f); return next }
}

// throw plans throw x; its place is the one that counts, also for an exception
// that was thrown before.
func (c *compiler) throw(e check.Expr, at syntax.Pos) func(*frame) {
	x := c.value(e)
	return func(f *frame) {
		v := x(f)
		f.at = at
		f.r.thrown = nil
		if v.O == nil {
			f.t.ThrowNull()
		}
		f.t.Allocate(boxSize)
		e := v.O.(*clr.Thrown)
		e.Made = false
		panic(e)
	}
}

// using disposes of the value whatever the body does; null needs nothing.
func (c *compiler) using(s *check.Using) stmtFn {
	fresh := c.fresh(s.Vars)
	v, init, at := c.fn.find(s.Var), c.value(s.Init), s.Init.At()
	dispose := c.disposer(s.Var.Type, at)
	body := finally(c.body(s.Body), func(f *frame) control {
		if x := v.get(f); x.O != nil {
			f.at = at.From
			dispose(f, x)
		}
		return next
	})
	return func(f *frame) control {
		f.makeBoxes(fresh)
		v.set(f, init(f))
		return body(f)
	}
}

// disposer calls Dispose of a type: its own, or that of IDisposable.
func (c *compiler) disposer(t *clr.Type, at syntax.Span) func(*frame, clr.Value) {
	m := c.plainMember(t, "Dispose", at)
	if m == nil {
		return func(*frame, clr.Value) {}
	}
	return func(f *frame, v clr.Value) { m.call(f, v) }
}

// plainMember is a member that takes nothing but its receiver.
type plainMember struct {
	m      *clr.Member
	result *clr.Type
}

func (p *plainMember) call(f *frame, v clr.Value) clr.Value {
	k := f.r.take(1)
	k.Args[0] = v
	k.Thread, k.Types, k.In, k.Result = f.t, nil, p.m.Declaring, p.result
	v = p.m.Do(&k.Call)
	f.r.give(k)
	return v
}

// plainMember finds a member of that name that has code; nil: there is none.
func (c *compiler) plainMember(t *clr.Type, name string, at syntax.Span) *plainMember {
	var declared *clr.Member
	for _, s := range t.Supers() {
		for _, m := range s.Members(name) {
			switch {
			case len(m.Params) > 0 || m.Static:
			case m.Do != nil:
				return &plainMember{m, m.Result}
			default:
				declared = m
			}
		}
	}
	if declared != nil {
		c.unbuilt(declared, at)
	}
	return nil
}
