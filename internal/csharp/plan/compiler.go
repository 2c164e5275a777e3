package plan

import (
	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// compiler plans one expression.
type compiler struct {
	plain bool
	fn    *function
	errs  []*syntax.Error
	// texts are the constant strings, each once.
	texts map[string]string
}

// interned makes equal constant strings the same.
func (c *compiler) interned(v clr.Value) clr.Value {
	if v.O != clr.Object(clr.String) {
		return v
	}
	if s, ok := c.texts[v.S]; ok {
		v.S = s
		return v
	}
	if c.texts == nil {
		c.texts = map[string]string{}
	}
	c.texts[v.S] = v.S
	return v
}

// function is a function that is being planned.
type function struct {
	fn    *check.Func
	outer *function
	slots map[*check.Var]int
	size  int
	boxes map[*check.Var]int
	ups   map[*check.Var]int
	// free are the variables in ups, in order.
	free []*check.Var
	// inBlock are those whose boxes a block makes.
	inBlock map[*check.Var]bool
	// caught are the variables of the catch clauses around, innermost last.
	caught []variable
}

func (c *compiler) begin(fn *check.Func, outer *function) *function {
	return &function{
		fn: fn, outer: outer, slots: map[*check.Var]int{}, boxes: map[*check.Var]int{}, ups: map[*check.Var]int{},
		inBlock: map[*check.Var]bool{},
	}
}

// finish plans the body of a function.
func (c *compiler) finish(f *function) *code {
	was := c.fn
	c.fn = f
	out := &code{elem: f.fn.Elem}
	for _, p := range f.fn.Params {
		out.params = append(out.params, f.find(p))
	}
	switch {
	case f.fn.Expr != nil && f.fn.Result == clr.Void:
		x := c.value(f.fn.Expr)
		out.value = func(f *frame, _ *clr.Value) { x(f) }
	case f.fn.Expr != nil:
		out.value = c.into(f.fn.Expr)
	case f.fn.Body != nil:
		if x := onlyReturn(f.fn.Body); x != nil && len(f.fn.Body.Vars) == 0 {
			out.value = c.into(x)
			break
		}
		out.body = c.block(f.fn.Body)
	default:
		out.value = func(*frame, *clr.Value) {}
	}
	for v, i := range f.boxes {
		if !f.inBlock[v] {
			out.entry = append(out.entry, i)
		}
	}
	out.slots, out.boxes = f.size, len(f.boxes)
	c.fn = was
	return out
}

// onlyReturn is what a block returns that does nothing else.
func onlyReturn(b *check.Block) check.Expr {
	if len(b.Stmts) != 1 {
		return nil
	}
	if r, ok := b.Stmts[0].(*check.Return); ok {
		return r.X
	}
	return nil
}

// find is where a variable lies. Only a captured one is ever used by another
// function than its own.
func (f *function) find(v *check.Var) variable {
	if !v.Captured {
		i, ok := f.slots[v]
		if !ok {
			i = f.temp()
			f.slots[v] = i
		}
		return variable{inSlot, i}
	}
	if v.Func == f.fn || !f.inside(v.Func) {
		i, ok := f.boxes[v]
		if !ok {
			i = len(f.boxes)
			f.boxes[v] = i
		}
		return variable{inBox, i}
	}
	i, ok := f.ups[v]
	if !ok {
		i = len(f.free)
		f.ups[v] = i
		f.free = append(f.free, v)
	}
	return variable{above, i}
}

func (f *function) inside(fn *check.Func) bool {
	for o := f.outer; o != nil; o = o.outer {
		if o.fn == fn {
			return true
		}
	}
	return false
}

// temp is a new slot.
func (f *function) temp() int {
	f.size++
	return f.size - 1
}

// function plans a function inside the one at hand. captured gives the boxes
// that it uses, where it is made.
func (c *compiler) function(fn *check.Func) (k *code, captured func(f *frame) []*box) {
	inner := c.begin(fn, c.fn)
	k = c.finish(inner)
	from := make([]variable, len(inner.free))
	for i, v := range inner.free {
		from[i] = c.fn.find(v)
	}
	if len(from) == 0 {
		return k, func(*frame) []*box { return nil }
	}
	return k, func(f *frame) []*box {
		up := make([]*box, len(from))
		for i, v := range from {
			up[i] = v.box(f)
		}
		return up
	}
}

func (c *compiler) errorf(at syntax.Span, code, reason string) {
	c.errs = append(c.errs, &syntax.Error{Offset: int(at.From), End: int(at.To), Code: code, Reason: reason})
}

// unbuilt notes a member that has no code.
func (c *compiler) unbuilt(m *clr.Member, at syntax.Span) {
	c.errorf(at, "CL0001", "'"+m.Key+"' is not built yet")
}
