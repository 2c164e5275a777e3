package plan

import (
	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// frame is one call of a function.
type frame struct {
	t *clr.Thread
	r *run
	// s are the variables; b those that functions inside use, up those of
	// functions around that this one uses.
	s  []clr.Value
	b  []*box
	up []*box
	// ret is what the function returns.
	ret clr.Value
	// section is where goto case goes.
	section int
	// mark is where goto goes.
	mark *check.Mark
	// yield takes an element of an iterator; false: no more is wanted.
	yield func(clr.Value) bool
	// at is the place of the call that is being made.
	at     syntax.Pos
	caller *frame
}

// box is a variable that outlives its block.
type box struct{ v clr.Value }

// boxSize is what a box, or another small object, takes.
const boxSize = 48

// run is what one evaluation needs, from a pool.
type run struct {
	// cur is the innermost frame, which says where an exception comes from.
	cur  *frame
	free []*frame
	// calls are the calls of members that are being made, as a stack.
	calls []*memberCall
	depth int
	// thrown is the last exception that was caught, and from where.
	thrown *clr.Thrown
	place  syntax.Pos
	// home is where delegates find the run; nil: there are none yet.
	home *home
	// torn: a panic has left calls that were not given back.
	torn bool
	// kept: an iterator may still be under way in the run.
	kept bool
}

// home leads a delegate to its run. After the run it leads nowhere, and a
// delegate that lives on in a variable of the request gets a run of its own.
type home struct{ r *run }

func (h *home) run() *run {
	if h.r == nil {
		h.r = &run{home: h}
	}
	return h.r
}

// leads is the home of the run's delegates.
func (r *run) leads() *home {
	if r.home == nil {
		r.home = &home{r}
	}
	return r.home
}

// memberCall is a call with room for its arguments.
type memberCall struct{ clr.Call }

// take begins a call of a member with n arguments.
func (r *run) take(n int) *memberCall {
	if r.depth == len(r.calls) {
		r.calls = append(r.calls, &memberCall{})
	}
	k := r.calls[r.depth]
	r.depth++
	if cap(k.Args) < n {
		k.Args = make([]clr.Value, n, max(n, 4))
	}
	k.Args = k.Args[:n]
	return k
}

// give ends it: members may not keep their arguments.
func (r *run) give(k *memberCall) {
	clear(k.Args)
	r.depth--
}

// push begins a call of a function.
func (r *run) push(k *code, t *clr.Thread, up []*box) *frame {
	var f *frame
	if n := len(r.free); n > 0 {
		f = r.free[n-1]
		r.free = r.free[:n-1]
	} else {
		f = &frame{r: r}
	}
	if cap(f.s) < k.slots {
		f.s = make([]clr.Value, k.slots)
	}
	if cap(f.b) < k.boxes {
		f.b = make([]*box, k.boxes)
	}
	f.s, f.b = f.s[:k.slots], f.b[:k.boxes]
	f.t, f.up, f.caller = t, up, r.cur
	r.cur = f
	for _, i := range k.entry {
		f.b[i] = f.newBox()
	}
	return f
}

// pop ends it.
func (r *run) pop(f *frame) {
	r.cur = f.caller
	clear(f.s)
	if len(f.b) > 0 {
		clear(f.b)
	}
	f.ret, f.up, f.caller, f.t, f.yield = clr.Null, nil, nil, nil, nil
	r.free = append(r.free, f)
}

// reset makes the run ready for the pool, also after a panic.
func (r *run) reset() {
	for _, k := range r.calls {
		if r.torn {
			clear(k.Args[:cap(k.Args)])
		}
		k.Thread = nil
	}
	r.cur, r.depth, r.thrown, r.torn = nil, 0, nil, false
	if r.home != nil {
		r.home.r, r.home = nil, nil
	}
}

func (f *frame) newBox() *box {
	f.t.Allocate(boxSize)
	return &box{}
}

// code is a function that has been planned.
type code struct {
	params []variable
	slots  int
	boxes  int
	// entry are the boxes that are made when the function is entered.
	entry []int
	// elem: the function is an iterator of such elements.
	elem *clr.Type
	// body or value: statements, or an expression.
	body  stmtFn
	value intoFn
}

// call calls the function. bound: the first parameter is this.
func (k *code) call(r *run, t *clr.Thread, up []*box, bound *clr.Value, args []clr.Value) (v clr.Value) {
	t.Step()
	if k.elem != nil {
		return k.iterator(r, t, up, args)
	}
	t.Enter()
	f := r.push(k, t, up)
	k.pass(f, bound, args)
	k.eval(f)
	v.N, v.S, v.O = f.ret.N, f.ret.S, f.ret.O
	r.pop(f)
	t.Leave()
	return v
}

// pass gives the parameters their values.
func (k *code) pass(f *frame, bound *clr.Value, args []clr.Value) {
	params := k.params
	if bound != nil {
		params[0].set(f, *bound)
		params = params[1:]
	}
	for i := range params {
		if i < len(args) {
			params[i].set(f, args[i])
		}
	}
}

// eval leaves in ret what the function returns.
func (k *code) eval(f *frame) {
	if k.value != nil {
		k.value(f, &f.ret)
		return
	}
	k.body(f)
}

// variable is where a variable of the function at hand lies.
type variable struct {
	kind  varKind
	index int
}

type varKind byte

const (
	inSlot varKind = iota
	inBox
	above
)

func (v variable) get(f *frame) clr.Value {
	switch v.kind {
	case inSlot:
		return f.s[v.index]
	case inBox:
		return f.b[v.index].v
	}
	return f.up[v.index].v
}

func (v variable) set(f *frame, x clr.Value) {
	switch v.kind {
	case inSlot:
		f.s[v.index] = x
	case inBox:
		f.b[v.index].v = x
	default:
		f.up[v.index].v = x
	}
}

// box is the box of a variable that has one.
func (v variable) box(f *frame) *box {
	if v.kind == inBox {
		return f.b[v.index]
	}
	return f.up[v.index]
}
