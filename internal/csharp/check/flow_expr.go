package check

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// cond looks at a condition: what is assigned where it is true, and where it is
// false.
func (f *flow) cond(x Expr, a assigned) (yes, no assigned) {
	switch x := x.(type) {
	case *Const:
		if x.Type == clr.Boolean {
			if x.Value.Bool() {
				return a, dead
			}
			return dead, a
		}
	case *Unary:
		if x.Op == "!" && !x.Lifted {
			yes, no = f.cond(x.X, a)
			return no, yes
		}
	case *Logical:
		left, otherwise := f.cond(x.X, a)
		if x.Or {
			left, otherwise = otherwise, left
		}
		yes, no = f.cond(x.Y, left)
		if x.Or {
			return yes.and(otherwise), no
		}
		return yes, no.and(otherwise)
	case *Ternary:
		return f.condTernary(x, a)
	case *Match:
		a = f.expr(x.X, a)
		return f.matched(x.Pattern, a), a
	case *Sequence:
		for _, s := range x.Steps {
			a = f.stmt(s, a)
		}
		return f.cond(x.X, a)
	}
	a = f.expr(x, a)
	return a, a
}

func (f *flow) condTernary(x *Ternary, a assigned) (yes, no assigned) {
	then, els := f.cond(x.C, a)
	thenYes, thenNo := f.cond(x.A, then)
	elseYes, elseNo := f.cond(x.B, els)
	return thenYes.and(elseYes), thenNo.and(elseNo)
}

func (f *flow) exprs(list []Expr, a assigned) assigned {
	for _, x := range list {
		if x != nil {
			a = f.expr(x, a)
		}
	}
	return a
}

// expr gives what is assigned behind x, where a is before it.
func (f *flow) expr(x Expr, a assigned) assigned {
	switch x := x.(type) {
	case nil, *Const, *TypeOf:
		return a
	case *Local:
		if x.Var.local != nil {
			return f.called(x.Var, a, x.Span)
		}
		f.read(a, x.Var, x.Span)
		return a
	case *Logical, *Ternary, *Match:
		yes, no := f.cond(x, a)
		return yes.and(no)
	case *Unary:
		if x.Op == "!" && !x.Lifted {
			yes, no := f.cond(x, a)
			return yes.and(no)
		}
		return f.expr(x.X, a)
	case *Throw:
		f.expr(x.X, a)
		return dead
	case *Coalesce:
		a = f.expr(x.X, a)
		f.expr(x.Conv, a)
		return a.and(f.expr(x.Y, a))
	case *CondAccess:
		a = f.expr(x.X, a)
		f.expr(x.Then, a)
		return a
	case *Lambda:
		f.inner(x.Func, a)
		return a
	case *MethodGroup:
		a = f.expr(x.X, a)
		f.inner(x.Func, a)
		return a
	case *Sequence:
		for _, s := range x.Steps {
			a = f.stmt(s, a)
		}
		return f.expr(x.X, a)
	}
	return f.operands(x, a)
}

// inner looks at a lambda: it sees what is assigned where it is made, and what it
// assigns itself counts inside alone.
func (f *flow) inner(fn *Func, a assigned) {
	if fn != nil {
		f.body(fn, a)
	}
}

func (f *flow) operands(x Expr, a assigned) assigned {
	switch x := x.(type) {
	case *Get:
		return f.expr(x.X, a)
	case *Field:
		return f.expr(x.X, a)
	case *Convert:
		return f.expr(x.X, a)
	case *IsType:
		return f.expr(x.X, a)
	case *IsNull:
		return f.expr(x.X, a)
	case *As:
		return f.expr(x.X, a)
	case *Binary:
		return f.expr(x.Y, f.expr(x.X, a))
	case *Equality:
		return f.expr(x.Y, f.expr(x.X, a))
	case *Lifted:
		return f.expr(x.Y, f.expr(x.X, a))
	case *Concat:
		return f.exprs(x.Parts, a)
	case *Interpolated:
		for _, p := range x.Parts {
			a = f.expr(p.X, a)
		}
		return a
	case *Elem:
		return f.exprs(x.Index, f.expr(x.X, a))
	case *NewArray:
		return f.exprs(x.Elems, f.exprs(x.Sizes, a))
	case *Record:
		return f.exprs(x.Elems, a)
	case *Init:
		return f.exprs(x.Steps, f.expr(x.New, a))
	case *Call:
		return f.arguments(x.Args, f.expr(x.X, a))
	case *Invoke:
		return f.arguments(x.Args, f.expr(x.Fn, a))
	case *CallLocal:
		return f.called(x.Fn, f.arguments(x.Args, a), x.Span)
	}
	return f.writes(x, a)
}

// arguments looks at arguments: those given as out have a value behind the
// call.
func (f *flow) arguments(args []Expr, a assigned) assigned {
	var outs []*Var
	for _, x := range args {
		r, ok := x.(*RefArg)
		if !ok {
			a = f.expr(x, a)
			continue
		}
		if l, ok := r.Target.(*Local); ok && r.Out {
			outs = append(outs, l.Var)
			continue
		}
		a = f.expr(r.Target, a)
	}
	for _, v := range outs {
		a = f.put(a, v)
	}
	return a
}

func (f *flow) writes(x Expr, a assigned) assigned {
	switch x := x.(type) {
	case *Assign:
		if l, ok := x.Target.(*Local); ok {
			return f.put(f.expr(x.Value, a), l.Var)
		}
		return f.expr(x.Value, f.place(x.Target, a))
	case *Compound:
		a = f.expr(x.Target, a)
		return f.expr(x.Value, a)
	case *Deconstruct:
		for _, t := range x.Targets {
			if _, ok := t.(*Local); !ok {
				a = f.place(t, a)
			}
		}
		a = f.expr(x.Value, a)
		for i, t := range x.Targets {
			a = f.expr(x.Convs[i], a)
			if l, ok := t.(*Local); ok {
				a = f.put(a, l.Var)
			}
		}
	}
	return a
}

// place looks at what an assignment writes to, but a variable: its parts are
// read.
func (f *flow) place(x Expr, a assigned) assigned {
	if x == nil {
		return a
	}
	return f.expr(x, a)
}
