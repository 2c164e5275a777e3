package plan

import (
	"slices"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// list are the delegates that one calls.
func list(v clr.Value) []*clr.Closure {
	d, ok := v.O.(*clr.Closure)
	switch {
	case !ok:
		return nil
	case d.List != nil:
		return d.List
	}
	return []*clr.Closure{d}
}

// combine is + and - of delegates; null is the one that calls nothing. What is
// taken out is the last place where b's list stands in a's.
func (f *frame) combine(op string, a, b clr.Value) clr.Value {
	x, y := list(a), list(b)
	if op == "+" {
		if len(x) == 0 {
			return b
		}
		if len(y) == 0 {
			return a
		}
		return f.combined(a.O.Type(), slices.Concat(x, y))
	}
	for i := len(x) - len(y); i >= 0 && len(y) > 0; i-- {
		f.t.Work(1 + shared(x[i:], y))
		if slices.Equal(x[i:i+len(y)], y) {
			return f.combined(a.O.Type(), slices.Concat(x[:i], x[i+len(y):]))
		}
	}
	return a
}

// shared is how many delegates two lists begin with alike, which is what
// comparing them costs.
func shared(x, y []*clr.Closure) int {
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	return n
}

// combined calls a list of delegates, and gives what the last one gives.
func (f *frame) combined(t *clr.Type, all []*clr.Closure) clr.Value {
	switch len(all) {
	case 0:
		return clr.Null
	case 1:
		return clr.Obj(all[0])
	}
	f.t.Allocate(boxSize + 8*len(all))
	f.t.Work(len(all))
	return clr.Obj(&clr.Closure{T: t, List: all, Call: func(t *clr.Thread, args []clr.Value) (v clr.Value) {
		t.Work(len(all))
		args = slices.Clone(args)
		for _, d := range all {
			v = d.Call(t, args)
		}
		return v
	}})
}
