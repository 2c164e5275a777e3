package check

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// argument is an argument of a call, checked as far as it can be alone.
type argument struct {
	op   operand
	name string
	ref  string
	// decl is the variable that out var x declares; typ its type, nil for var.
	decl *syntax.Decl
	node syntax.Node
}

// candidate is a member that a call may mean.
type candidate struct {
	m *clr.Member
	// generic is m before its type arguments were put in.
	generic *clr.Member
	types   []*clr.Type
	// params are the parameters in the order of the arguments; order says which
	// parameter an argument is for.
	order []int
	// expanded: the last arguments make the params array.
	expanded bool
	why      mismatch
}

// mismatch says why a candidate cannot be called, best kept of the one that
// comes closest.
type mismatch struct {
	code string
	text string
	node syntax.Node
	rank int
	// to is the parameter that an argument does not convert to.
	to *clr.Type
}

func (c *checker) arguments(args []syntax.Arg) ([]argument, bool) {
	out := make([]argument, len(args))
	ok := true
	named := false
	for i, a := range args {
		out[i] = argument{name: a.Name.Name, ref: a.Ref, node: a.Expr}
		if a.Name.Name != "" {
			named = true
		} else if named {
			c.errorf(a.Expr, "CS1738", "Named argument specifications must appear after all fixed arguments have been specified")
			ok = false
		}
		if d, is := a.Expr.(*syntax.Decl); is && a.Ref == "out" {
			out[i].decl = d
			continue
		}
		if _, is := a.Expr.(*syntax.Discard); is && a.Ref == "out" {
			out[i].op = operand{kind: discard, node: a.Expr}
			continue
		}
		if n, is := a.Expr.(*syntax.Name); is && a.Ref == "out" && n.Ident.Name == "_" && c.lookup("_") == nil {
			out[i].op = operand{kind: discard, node: a.Expr}
			continue
		}
		out[i].op = c.rvalueKeep(c.expr(a.Expr))
		if out[i].op.isBad() {
			ok = false
		}
		if out[i].op.typ() == clr.Void {
			c.errorf(a.Expr, "CS1503", "Argument %d: cannot convert from 'void'", i+1)
			ok = false
		}
	}
	return out, ok
}

// rvalueKeep is rvalue that keeps lambdas and method groups.
func (c *checker) rvalueKeep(o operand) operand { return c.rvalue(o) }

// resolveCall chooses among members. It reports what is wrong at n.
func (c *checker) resolveCall(n syntax.Node, name string, members []*clr.Member, types []*clr.Type, args []argument) *candidate {
	best, why := c.choose(members, types, args)
	if best == nil {
		c.reportMismatch(n, name, members, args, why)
	}
	return best
}

// choose is overload resolution (section 12.6.4): nil and why where nothing
// can be called, or nothing is best.
func (c *checker) choose(members []*clr.Member, types []*clr.Type, args []argument) (*candidate, mismatch) {
	var usable []*candidate
	why := mismatch{rank: -1}
	for _, m := range members {
		for _, expanded := range []bool{false, true} {
			cand := c.applicable(m, types, args, expanded)
			if cand == nil {
				continue
			}
			if cand.why.code == "" {
				usable = append(usable, cand)
				break
			}
			if cand.why.rank > why.rank {
				why = cand.why
			}
		}
	}
	if len(usable) == 0 {
		return nil, why
	}
	best := usable[0]
	for _, other := range usable[1:] {
		if c.better(other, best, args) > 0 {
			best = other
		}
	}
	for _, other := range usable {
		if other != best && c.better(best, other, args) <= 0 {
			return nil, mismatch{code: "CS0121", text: "The call is ambiguous between the following methods or properties: '" + signatureText(best.m) + "' and '" + signatureText(other.m) + "'"}
		}
	}
	if !best.bounded() {
		return nil, best.why
	}
	return best, mismatch{}
}

// applicable reports whether m can be called with the arguments, in its normal
// form or with the params array expanded; nil: that form does not exist.
func (c *checker) applicable(m *clr.Member, types []*clr.Type, args []argument, expanded bool) *candidate {
	cand := &candidate{m: m, generic: m, expanded: expanded}
	n := len(m.Params)
	isParams := n > 0 && m.Params[n-1].Ref == "params"
	if expanded && !isParams {
		return nil
	}
	if !cand.place(args) {
		return cand
	}
	if len(m.TypeParams) > 0 {
		if len(types) > 0 && len(types) != len(m.TypeParams) {
			cand.why = mismatch{code: "CS0305", text: "Using the generic method '" + m.Name + "' requires " + plural(len(m.TypeParams), "type argument"), rank: 0}
			return cand
		}
		cand.types = types
		if len(types) == 0 {
			if cand.types = c.infer(cand, args); cand.types == nil {
				cand.why = mismatch{code: "CS0411", text: "The type arguments for method '" + signatureText(m) + "' cannot be inferred from the usage. Try specifying the type arguments explicitly.", rank: 2}
				return cand
			}
		}
		cand.m = m.With(cand.types)
	} else if len(types) > 0 {
		cand.why = mismatch{code: "CS0308", text: "The non-generic method '" + signatureText(m) + "' cannot be used with type arguments", rank: 0}
		return cand
	}
	for i, a := range args {
		if !c.accepts(cand, i, a) {
			return cand
		}
	}
	return cand
}

// place finds the parameter of each argument.
func (cand *candidate) place(args []argument) bool {
	m := cand.m
	n := len(m.Params)
	given := make([]bool, n)
	cand.order = make([]int, len(args))
	wrongCount := mismatch{code: "CS1501", text: "No overload for method '" + memberName(m) + "' takes " + plural(len(args), "argument"), rank: 0}
	for i, a := range args {
		p := i
		if a.name != "" {
			p = -1
			for j, param := range m.Params {
				if param.Name == a.name {
					p = j
				}
			}
			if p < 0 {
				cand.why = mismatch{code: "CS1739", text: "The best overload for '" + memberName(m) + "' does not have a parameter named '" + a.name + "'", node: a.node, rank: 1}
				return false
			}
			if given[p] {
				cand.why = mismatch{code: "CS1744", text: "Named argument '" + a.name + "' specifies a parameter for which a positional argument has already been given", node: a.node, rank: 1}
				return false
			}
		} else if cand.expanded && p >= n-1 {
			p = n - 1
		}
		if p >= n {
			cand.why = wrongCount
			return false
		}
		given[p] = true
		cand.order[i] = p
	}
	for j, param := range m.Params {
		if !given[j] && !param.Optional && !(cand.expanded && j == n-1) {
			cand.why = mismatch{code: "CS7036", text: "There is no argument given that corresponds to the required parameter '" + param.Name + "' of '" + signatureText(m) + "'", rank: 0}
			if len(args) == 0 || len(args) < j {
				cand.why.code, cand.why.text = wrongCount.code, wrongCount.text
			}
			return false
		}
	}
	return true
}

// paramType is the type that argument i has to have.
func (cand *candidate) paramType(i int) *clr.Type {
	p := cand.m.Params[cand.order[i]]
	if cand.expanded && cand.order[i] == len(cand.m.Params)-1 {
		return p.Type.Args[0]
	}
	return p.Type
}

func (c *checker) accepts(cand *candidate, i int, a argument) bool {
	p := cand.m.Params[cand.order[i]]
	want := p.Ref
	if want == "params" {
		want = ""
	}
	if a.ref != want {
		cand.why = mismatch{code: "CS1620", text: "Argument " + itoa(i+1) + " must be passed with the '" + want + "' keyword", node: a.node, rank: 3}
		if want == "" {
			cand.why.code, cand.why.text = "CS1615", "Argument "+itoa(i+1)+" may not be passed with the '"+a.ref+"' keyword"
		}
		return false
	}
	to := cand.paramType(i)
	switch {
	case a.decl != nil:
		t := c.declType(a.decl)
		if t != nil && t != to && t != bad {
			cand.why = mismatch{code: "CS1503", text: argText(i, "out "+t.String(), "out "+to.String()), node: a.node, rank: 3}
			return false
		}
	case a.op.kind == discard:
	case a.ref != "":
		if a.op.typ() != to {
			cand.why = mismatch{code: "CS1503", text: argText(i, a.ref+" "+a.op.describe(), a.ref+" "+to.String()), node: a.node, rank: 3}
			return false
		}
	case !c.canImplicit(a.op, to):
		cand.why = mismatch{code: "CS1503", text: argText(i, a.op.describe(), to.String()), node: a.node, rank: 3, to: to}
		return false
	}
	return true
}

// declType is the type of out T x; nil for out var x.
func (c *checker) declType(d *syntax.Decl) *clr.Type {
	if isVar(d.Type) {
		return nil
	}
	c.quiet++
	failed := c.failed
	t := c.resolve(d.Type)
	c.failed = failed
	c.quiet--
	return t
}

// better compares two candidates: 1, a is better; -1, b is; 0, neither.
func (c *checker) better(a, b *candidate, args []argument) int {
	aBetter, bBetter := false, false
	for i, arg := range args {
		switch c.betterConversion(arg, a.paramType(i), b.paramType(i)) {
		case 1:
			aBetter = true
		case -1:
			bBetter = true
		}
	}
	switch {
	case aBetter && !bBetter:
		return 1
	case bBetter && !aBetter:
		return -1
	case aBetter && bBetter:
		return 0
	}
	return c.tieBreak(a, b, args)
}

func (c *checker) tieBreak(a, b *candidate, args []argument) int {
	if g, h := len(a.generic.TypeParams) > 0, len(b.generic.TypeParams) > 0; g != h {
		return sign(!g)
	}
	if a.expanded != b.expanded {
		return sign(!a.expanded)
	}
	if a.expanded && len(a.m.Params) != len(b.m.Params) {
		return sign(len(a.m.Params) > len(b.m.Params))
	}
	if d, e := a.usesDefaults(args), b.usesDefaults(args); d != e {
		return sign(!d)
	}
	more, less := false, false
	for i := range args {
		switch moreSpecific(a.generic.Params[a.order[i]].Type, b.generic.Params[b.order[i]].Type) {
		case 1:
			more = true
		case -1:
			less = true
		}
	}
	if more != less {
		return sign(more)
	}
	return 0
}

func (cand *candidate) usesDefaults(args []argument) bool {
	need := len(cand.m.Params)
	if cand.expanded {
		need--
	}
	return len(args) < need
}

func sign(a bool) int {
	if a {
		return 1
	}
	return -1
}

// moreSpecific compares parameter types before type arguments were put in: what
// is no type parameter is more specific than one.
func moreSpecific(a, b *clr.Type) int {
	pa, pb := a.Kind == clr.ParamKind, b.Kind == clr.ParamKind
	if pa != pb {
		return sign(!pa)
	}
	if len(a.Args) == 0 || len(a.Args) != len(b.Args) || a.Def != b.Def {
		return 0
	}
	result := 0
	for i := range a.Args {
		switch s := moreSpecific(a.Args[i], b.Args[i]); {
		case s == 0:
		case result != 0 && result != s:
			return 0
		default:
			result = s
		}
	}
	return result
}

// betterConversion compares the conversions of an argument to two types
// (section 12.6.4.5).
func (c *checker) betterConversion(a argument, t1, t2 *clr.Type) int {
	if t1 == t2 || a.decl != nil || a.op.kind == discard {
		return 0
	}
	if t := a.op.typ(); t != nil {
		if t == t1 {
			return 1
		}
		if t == t2 {
			return -1
		}
	}
	if a.op.kind == lambdaExpr {
		if b := c.betterLambda(a.op, t1, t2); b != 0 {
			return b
		}
	}
	if a.op.kind == tupleValue && t1.Kind == clr.TupleKind && t2.Kind == clr.TupleKind && len(t1.Args) == len(t2.Args) {
		sum := 0
		for i, e := range a.op.tuple {
			sum += c.betterConversion(argument{op: e}, t1.Args[i], t2.Args[i])
		}
		return max(-1, min(1, sum))
	}
	return c.betterTarget(t1, t2)
}

// betterTarget compares types by themselves (section 12.6.4.7).
func (c *checker) betterTarget(t1, t2 *clr.Type) int {
	to2 := c.canConvertType(t1, t2)
	to1 := c.canConvertType(t2, t1)
	switch {
	case to2 && !to1:
		return 1
	case to1 && !to2:
		return -1
	}
	if s1, s2 := integerSize(t1), integerSize(t2); s1 != 0 && s2 != 0 && t1 != clr.Char && t2 != clr.Char {
		// A signed type is better than an unsigned one of the same size or more.
		if s1 < 0 && s2 > 0 && -s1 <= s2 || s1 < 0 && s2 > 0 && s2 < -s1 {
			return 1
		}
		if s2 < 0 && s1 > 0 {
			return -1
		}
	}
	return 0
}

func (c *checker) canConvertType(from, to *clr.Type) bool {
	c.quiet++
	failed := c.failed
	x := &Local{typed{from, syntax.Span{}}, nil}
	ok := c.implicit(c.valueOf(x, nil), to) != nil
	c.failed = failed
	c.quiet--
	return ok
}

// complete makes the arguments of the call: converted, ordered, defaults and
// the params array filled in.
func (c *checker) complete(cand *candidate, args []argument, n syntax.Node) []Expr {
	m := cand.m
	out := make([]Expr, len(m.Params))
	var rest []Expr
	last := len(m.Params) - 1
	for i, a := range args {
		x := c.argumentValue(a, cand.paramType(i))
		if cand.expanded && cand.order[i] == last {
			rest = append(rest, x)
			continue
		}
		out[cand.order[i]] = x
	}
	for j, p := range m.Params {
		if out[j] != nil {
			continue
		}
		if cand.expanded && j == last {
			out[j] = &NewArray{typed: typed{p.Type, spanOf(n)}, Elems: rest}
			continue
		}
		v := p.Default
		if v.O == nil || v.O.Type() != p.Type && p.Type.IsValue() && !p.Type.IsNullable() {
			v = clr.Zero(p.Type)
			if p.Default.O != nil && p.Type.Kind != clr.ParamKind {
				v.N = p.Default.N
			}
		}
		out[j] = &Const{typed{p.Type, spanOf(n)}, v}
	}
	return c.inOrder(out, cand, args)
}

// inOrder keeps the order of evaluation that named arguments are written in.
func (c *checker) inOrder(out []Expr, cand *candidate, args []argument) []Expr {
	sorted := true
	for i := 1; i < len(cand.order); i++ {
		sorted = sorted && cand.order[i] >= cand.order[i-1]
	}
	if sorted {
		return out
	}
	// The first argument that is evaluated carries out the others' evaluation
	// into temporaries, in the order in which they are written.
	var steps []Stmt
	for i := range args {
		p := cand.order[i]
		if _, ref := out[p].(*RefArg); ref {
			continue
		}
		t := c.temp(out[p].T())
		steps = append(steps, &ExprStmt{&Assign{typed{t.Type, out[p].At()}, &Local{typed{t.Type, out[p].At()}, t}, out[p]}})
		out[p] = &Local{typed{t.Type, out[p].At()}, t}
	}
	for p := range out {
		if _, ref := out[p].(*RefArg); !ref {
			out[p] = &Sequence{typed{out[p].T(), out[p].At()}, steps, out[p]}
			break
		}
	}
	return out
}

func (c *checker) argumentValue(a argument, to *clr.Type) Expr {
	switch {
	case a.decl != nil:
		v := c.declare(a.decl.Name, to)
		return &RefArg{typed{to, spanOf(a.node)}, &Local{typed{to, spanOf(a.node)}, v}, true}
	case a.op.kind == discard:
		v := c.temp(to)
		return &RefArg{typed{to, spanOf(a.node)}, &Local{typed{to, spanOf(a.node)}, v}, true}
	case a.ref != "":
		c.assignable(a.op.e, a.node, "CS1510", "A ref or out value must be an assignable variable")
		return &RefArg{typed{to, spanOf(a.node)}, a.op.e, a.ref == "out"}
	}
	return c.convert(a.op, to, a.node)
}
