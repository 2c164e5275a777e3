package check

import (
	"sort"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// flow looks at what is assigned where (section 9.4 of the language's
// standard), and at functions whose end is reached without a value. It runs over
// a tree without errors.
func (c *checker) flow(main *Func, context *Var) {
	f := &flow{c: c, ids: map[*Var]int{}, marks: map[*Mark]assigned{}, local: map[*Func]*localFlow{}}
	start := assigned{}
	if context != nil {
		start = f.put(start, context)
	}
	f.body(main, start)
	if main.Body != nil && main.Expr == nil && reachesEnd(main.Body) {
		at := main.Body.Span
		c.errorAt(syntax.Span{From: max(at.From, at.To-1), To: at.To}, "CS0161", "not all code paths return a value; mend: end with return …;")
	}
	sort.SliceStable(c.errs, func(i, j int) bool { return c.errs[i].Offset < c.errs[j].Offset })
}

// flow is the analysis of one expression.
type flow struct {
	c   *checker
	ids map[*Var]int
	// fn is the function at hand; needs gathers what a local function reads of
	// the functions around it before it has assigned it, nil outside one.
	fn    *Func
	needs map[*Var]bool
	// targets are the loops and switches around, innermost last.
	targets []*target
	// finals are the finally blocks that a jump leaves through, innermost last.
	finals []final
	// ends are the states at the ends of the function at hand.
	ends *assigned
	// marks are the states of gotos to a label.
	marks map[*Mark]assigned
	local map[*Func]*localFlow
}

// target is a loop or switch that break and continue go to.
type target struct {
	loop   bool
	finals int
	breaks assigned
	// continues is the state at the end of a round.
	continues assigned
}

type final struct{ gives assigned }

// localFlow is what a local function wants assigned where it is called, and what
// it has assigned when it returns.
type localFlow struct {
	needs map[*Var]bool
	gives assigned
	busy  bool
}

// assigned is a set of variables that have a value. What cannot be reached has
// assigned them all.
type assigned struct {
	dead bool
	bits []uint64
}

var dead = assigned{dead: true}

func (a assigned) has(i int) bool {
	return a.dead || i/64 < len(a.bits) && a.bits[i/64]&(1<<(i%64)) != 0
}

func (a assigned) with(i int) assigned {
	if a.has(i) {
		return a
	}
	bits := make([]uint64, max(len(a.bits), i/64+1))
	copy(bits, a.bits)
	bits[i/64] |= 1 << (i % 64)
	return assigned{bits: bits}
}

func (a assigned) without(i int) assigned {
	if a.dead || !a.has(i) {
		return a
	}
	bits := append([]uint64(nil), a.bits...)
	bits[i/64] &^= 1 << (i % 64)
	return assigned{bits: bits}
}

// and is what both have assigned: where two ways meet.
func (a assigned) and(b assigned) assigned {
	if a.dead {
		return b
	}
	if b.dead {
		return a
	}
	bits := make([]uint64, min(len(a.bits), len(b.bits)))
	for i := range bits {
		bits[i] = a.bits[i] & b.bits[i]
	}
	return assigned{bits: bits}
}

// or is what either has assigned: one behind the other.
func (a assigned) or(b assigned) assigned {
	if a.dead || b.dead {
		return dead
	}
	if len(a.bits) < len(b.bits) {
		a, b = b, a
	}
	bits := append([]uint64(nil), a.bits...)
	for i := range b.bits {
		bits[i] |= b.bits[i]
	}
	return assigned{bits: bits}
}

func (f *flow) id(v *Var) int {
	i, ok := f.ids[v]
	if !ok {
		i = len(f.ids)
		f.ids[v] = i
	}
	return i
}

func (f *flow) put(a assigned, v *Var) assigned {
	if v == nil || v.Name == "" {
		return a
	}
	return a.with(f.id(v))
}

// read tells where v has no value yet.
func (f *flow) read(a assigned, v *Var, at syntax.Span) {
	if v.Name == "" || v.Const != nil || v.local != nil || a.has(f.id(v)) {
		return
	}
	if f.needs != nil && f.outside(v) {
		f.needs[v] = true
		return
	}
	if v.Ref == "out" {
		f.c.errorAt(at, "CS0269", "Use of unassigned out parameter '%s'", v.Name)
		return
	}
	f.c.errorAt(at, "CS0165", "Use of unassigned local variable '%s'", v.Name)
}

// outside reports whether v belongs to a function around the local function
// whose needs are gathered.
func (f *flow) outside(v *Var) bool {
	for fn := f.fn; fn != nil; fn = fn.Outer {
		if fn == v.Func {
			return false
		}
		if f.local[fn] != nil {
			return true
		}
	}
	return true
}

// body looks at the body of a function that begins with a assigned, and gives
// what is assigned at its ends.
func (f *flow) body(fn *Func, a assigned) assigned {
	was := *f
	ends := dead
	f.fn, f.targets, f.finals, f.ends = fn, nil, nil, &ends
	for _, p := range fn.Params {
		if p.Ref != "out" {
			a = f.put(a, p)
		}
	}
	if fn.Expr != nil {
		ends = f.expr(fn.Expr, a)
		f.outs(fn, ends, fn.Expr.At())
	} else if fn.Body != nil {
		end := f.block(fn.Body, a)
		if reachesEnd(fn.Body) {
			f.outs(fn, end, syntax.Span{From: max(fn.Body.Span.From, fn.Body.Span.To-1), To: fn.Body.Span.To})
			ends = ends.and(end)
		}
	}
	f.fn, f.targets, f.finals, f.ends = was.fn, was.targets, was.finals, was.ends
	return ends
}

// outs tells which out parameters have no value where the function ends.
func (f *flow) outs(fn *Func, a assigned, at syntax.Span) {
	for _, p := range fn.Params {
		if p.Ref == "out" && !a.has(f.id(p)) {
			f.c.errorAt(at, "CS0177", "The out parameter '%s' must be assigned to before control leaves the current method", p.Name)
		}
	}
}

// called is a call of a local function, or a delegate made of it.
func (f *flow) called(v *Var, a assigned, at syntax.Span) assigned {
	l := f.localOf(v.local)
	for need := range l.needs {
		f.read(a, need, at)
	}
	return a.or(l.gives)
}

// localOf looks at a local function, once. A function that calls itself wants
// and gives nothing there.
func (f *flow) localOf(fn *Func) *localFlow {
	if l := f.local[fn]; l != nil {
		return l
	}
	l := &localFlow{needs: map[*Var]bool{}, busy: true}
	f.local[fn] = l
	needs := f.needs
	f.needs = l.needs
	ends := f.body(fn, assigned{})
	f.needs = needs
	if !ends.dead {
		l.gives = ends
	}
	if fn.Body != nil && fn.Elem == nil && fn.Result != clr.Void && reachesEnd(fn.Body) {
		at := fn.Body.Span
		f.c.errorAt(syntax.Span{From: max(at.From, at.To-1), To: at.To}, "CS0161", "'%s': not all code paths return a value", fn.Name)
	}
	l.busy = false
	return l
}
