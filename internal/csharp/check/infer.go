package check

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// inference finds the type arguments of a generic method (section 12.6.3).
type inference struct {
	c      *checker
	params []*clr.Type
	fixed  []*clr.Type
	bounds [][]bound
	args   []argument
	want   []*clr.Type // the parameters' types, by argument
	looked []bool
}

type bound struct {
	t    *clr.Type
	kind boundKind
}

type boundKind byte

const (
	exact boundKind = iota
	lower
	upper
)

// infer gives the type arguments; nil: they cannot be found.
func (c *checker) infer(cand *candidate, args []argument) []*clr.Type {
	f := &inference{
		c: c, params: cand.m.TypeParams, args: args,
		fixed: make([]*clr.Type, len(cand.m.TypeParams)), bounds: make([][]bound, len(cand.m.TypeParams)),
	}
	for i := range args {
		f.want = append(f.want, cand.paramType(i))
	}
	f.looked = make([]bool, len(args))
	f.first()
	for range len(f.params) + len(args) + 1 {
		if f.done() {
			return f.fixed
		}
		if !f.second() {
			return nil
		}
	}
	if f.done() {
		return f.fixed
	}
	return nil
}

func (f *inference) done() bool {
	for _, t := range f.fixed {
		if t == nil {
			return false
		}
	}
	return true
}

func (f *inference) index(p *clr.Type) int {
	for i, q := range f.params {
		if p == q {
			return i
		}
	}
	return -1
}

// first makes bounds of what the arguments are by themselves.
func (f *inference) first() {
	for i, a := range f.args {
		if a.decl != nil {
			if t := f.c.declType(a.decl); t != nil {
				f.bind(t, f.want[i], exact)
			}
			continue
		}
		switch a.op.kind {
		case lambdaExpr:
			f.explicitParams(a.op, f.want[i])
		case tupleValue:
			f.tuple(a.op, f.want[i])
		case value:
			kind := lower
			if a.ref != "" {
				kind = exact
			}
			f.bind(a.op.typ(), f.want[i], kind)
		}
	}
}

func (f *inference) tuple(o operand, to *clr.Type) {
	if to.Kind != clr.TupleKind || len(to.Args) != len(o.tuple) {
		if to.Kind == clr.ParamKind {
			types := make([]*clr.Type, len(o.tuple))
			for i, e := range o.tuple {
				if types[i] = e.typ(); types[i] == nil {
					return
				}
			}
			f.bind(clr.TupleOf(types, nil), to, lower)
		}
		return
	}
	for i, e := range o.tuple {
		if t := e.typ(); t != nil {
			f.bind(t, to.Args[i], lower)
		}
	}
}

// explicitParams uses the written types of a lambda's parameters.
func (f *inference) explicitParams(o operand, to *clr.Type) {
	invoke := invokeOf(to)
	if invoke == nil || len(invoke.Params) != len(o.lambda.Params) {
		return
	}
	for i, p := range o.lambda.Params {
		if p.Type == nil {
			return
		}
		f.c.quiet++
		failed := f.c.failed
		t := f.c.resolve(p.Type)
		f.c.failed = failed
		f.c.quiet--
		if t != bad {
			f.bind(t, invoke.Params[i].Type, exact)
		}
	}
}

// second learns from lambdas whose parameters are known, and fixes what
// depends on nothing that is open; false: it cannot go on.
func (f *inference) second() bool {
	for i, a := range f.args {
		if !f.looked[i] && (a.op.kind == lambdaExpr || a.op.kind == methods) {
			f.looked[i] = f.output(a.op, f.want[i])
		}
	}
	progress := false
	for i := range f.params {
		if f.fixed[i] == nil && len(f.bounds[i]) > 0 && !f.dependent(i) {
			if !f.fix(i) {
				return false
			}
			progress = true
		}
	}
	if progress {
		return true
	}
	for i := range f.params {
		if f.fixed[i] == nil && len(f.bounds[i]) > 0 {
			if !f.fix(i) {
				return false
			}
			progress = true
		}
	}
	return progress
}

// dependent reports whether parameter i stands in the result of a lambda whose
// parameters are not known yet.
func (f *inference) dependent(i int) bool {
	for j, a := range f.args {
		if a.op.kind != lambdaExpr && a.op.kind != methods {
			continue
		}
		invoke := invokeOf(f.want[j])
		if invoke == nil || !mentions(invoke.Result, f.params[i]) {
			continue
		}
		for _, p := range invoke.Params {
			for k, q := range f.params {
				if f.fixed[k] == nil && mentions(p.Type, q) {
					return true
				}
			}
		}
	}
	return false
}

func mentions(t, p *clr.Type) bool {
	if t == p {
		return true
	}
	for _, a := range t.Args {
		if mentions(a, p) {
			return true
		}
	}
	return false
}

// output infers from what a lambda or a method group returns, once its
// parameters are known; false: they are not.
func (f *inference) output(o operand, to *clr.Type) bool {
	invoke := invokeOf(to)
	if invoke == nil || invoke.Result == clr.Void {
		return false
	}
	open := false
	for i := range f.params {
		if f.fixed[i] == nil && mentions(invoke.Result, f.params[i]) {
			open = true
		}
	}
	if !open {
		return false
	}
	types := make([]*clr.Type, len(invoke.Params))
	for i, p := range invoke.Params {
		types[i] = p.Type.Subst(f.known)
		for k, q := range f.params {
			if f.fixed[k] == nil && mentions(types[i], q) {
				return false
			}
		}
	}
	var result *clr.Type
	if o.kind == lambdaExpr {
		result = f.c.lambdaResult(o, types)
	} else {
		result = f.c.groupResult(o, types)
	}
	if result == nil || result == clr.Void || result == bad {
		return false
	}
	f.bind(result, invoke.Result, lower)
	return true
}

func (f *inference) known(p *clr.Type) *clr.Type {
	if i := f.index(p); i >= 0 {
		return f.fixed[i]
	}
	return nil
}

// bind makes bounds of a type that is given for one with parameters.
func (f *inference) bind(from, to *clr.Type, kind boundKind) {
	if from == nil || from == bad || from == clr.Void || !to.Contains() {
		return
	}
	if i := f.index(to); i >= 0 {
		if f.fixed[i] != nil {
			return
		}
		b := bound{from, kind}
		for _, old := range f.bounds[i] {
			if old == b {
				return
			}
		}
		f.bounds[i] = append(f.bounds[i], b)
		return
	}
	switch {
	case to.IsNullable():
		if from.IsNullable() {
			f.bind(from.Args[0], to.Args[0], kind)
		} else if kind == lower && from.IsValue() {
			f.bind(from, to.Args[0], lower)
		}
		return
	case to.Kind == clr.ArrayKind:
		if from.Kind == clr.ArrayKind && from.Rank == to.Rank {
			f.bindArg(from.Args[0], to.Args[0], kind, "out")
		}
		return
	case to.Kind == clr.TupleKind:
		if from.Kind == clr.TupleKind && len(from.Args) == len(to.Args) {
			for i := range to.Args {
				f.bind(from.Args[i], to.Args[i], kind)
			}
		}
		return
	}
	f.bindConstructed(from, to, kind)
}

func (f *inference) bindConstructed(from, to *clr.Type, kind boundKind) {
	if to.Def == nil {
		return
	}
	if kind == upper {
		from, to = to, from
		for _, s := range from.Supers() {
			if s.Def == to.Def && to.Def != nil {
				for i, p := range s.Def.Params {
					f.bindArg(to.Args[i], s.Args[i], flip(kind, p.Variance), "")
				}
				return
			}
		}
		return
	}
	var found *clr.Type
	for _, s := range from.Supers() {
		if s.Def != to.Def {
			continue
		}
		if found != nil && found != s {
			return // more than one: nothing is learned
		}
		found = s
	}
	if found == nil {
		return
	}
	for i, p := range found.Def.Params {
		f.bindArg(found.Args[i], to.Args[i], kind, p.Variance)
	}
}

func flip(kind boundKind, variance string) boundKind {
	if variance == "in" {
		if kind == lower {
			return upper
		}
		return lower
	}
	return kind
}

func (f *inference) bindArg(from, to *clr.Type, kind boundKind, variance string) {
	switch {
	case from.IsValue() || variance == "" || kind == exact:
		f.bind(from, to, exact)
	case variance == "in":
		f.bind(from, to, flip(kind, "in"))
	default:
		f.bind(from, to, kind)
	}
}

// fix chooses the type that all bounds agree with.
func (f *inference) fix(i int) bool {
	var chosen *clr.Type
	for _, b := range f.bounds[i] {
		if f.agrees(b.t, f.bounds[i]) {
			if chosen != nil && chosen != b.t {
				// Of several, the one that all others convert to.
				if f.c.encompasses(chosen, b.t) {
					chosen = b.t
				}
				continue
			}
			chosen = b.t
		}
	}
	f.fixed[i] = chosen
	return chosen != nil
}

func (f *inference) agrees(t *clr.Type, bounds []bound) bool {
	for _, b := range bounds {
		switch {
		case b.t == t:
		case b.kind == exact:
			return sameTuple(b.t, t)
		case b.kind == lower && !f.c.encompasses(b.t, t):
			return false
		case b.kind == upper && !f.c.encompasses(t, b.t):
			return false
		}
	}
	return true
}

// invokeOf is how a delegate type is called; nil: it is none.
func invokeOf(t *clr.Type) *clr.Member {
	if t == nil || t.Kind != clr.Delegate {
		return nil
	}
	m := t.Members("Invoke")
	if len(m) != 1 {
		return nil
	}
	return m[0]
}
