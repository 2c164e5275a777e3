package plan

import (
	"iter"
	"slices"

	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// iterator is the sequence that a local function with yield gives. It begins
// anew whenever it is gone through, with the arguments of the call. One that is
// left under way ends after its run, which is therefore not used again.
func (k *code) iterator(r *run, t *clr.Thread, up []*box, args []clr.Value) clr.Value {
	t.Allocate(2*boxSize + recordSize*len(args))
	r.kept = true
	args = slices.Clone(args)
	return clr.Obj(&clr.Lazy{T: clr.EnumerableOf.Of(k.elem), Seq: func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			f := r.push(k, t, up)
			f.yield = yield
			k.pass(f, nil, args)
			k.body(f)
			r.pop(f)
		}
	}})
}

// yield plans yield return and yield break. The code that takes the element
// runs in its own frame; when it wants no more, the iterator returns, by way of
// its finally blocks.
func (c *compiler) yield(s *check.Yield) stmtFn {
	if s.X == nil {
		return func(*frame) control { return returns }
	}
	x := c.value(s.X)
	return func(f *frame) control {
		v := x(f)
		f.r.cur = f.caller
		more := f.yield(v)
		f.caller, f.r.cur = f.r.cur, f
		if !more {
			return returns
		}
		return next
	}
}
