package check

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// userConversion finds the user-defined conversion, as section 10.5 of the
// language says; nil: there is none, or more than one that is as good.
func (c *checker) userConversion(x Expr, to *clr.Type, explicit bool) Expr {
	from := x.T()
	if from.Kind == clr.Interface || to.Kind == clr.Interface || from == clr.ObjectType || to == clr.ObjectType {
		return nil
	}
	ops := c.conversions(from, to, explicit)
	var usable []*clr.Member
	for _, m := range ops {
		in, out := m.Params[0].Type, m.Result
		if explicit {
			if (c.encompasses(from, in) || c.encompasses(in, from)) && (c.encompasses(out, to) || c.encompasses(to, out)) {
				usable = append(usable, m)
			}
			continue
		}
		if c.encompasses(from, in) && c.encompasses(out, to) {
			usable = append(usable, m)
		}
	}
	best := c.bestConversion(usable, from, to, explicit)
	if best == nil {
		if from.IsNullable() {
			return nil
		}
		return nil
	}
	arg := c.standardOrCast(x, best.Params[0].Type)
	if arg == nil {
		return nil
	}
	call := &Call{typed: typed{best.Result, x.At()}, M: best, Args: []Expr{arg}}
	return c.standardOrCast(call, to)
}

func (c *checker) standardOrCast(x Expr, to *clr.Type) Expr {
	if y := c.standard(x, to); y != nil {
		return y
	}
	return c.standardExplicit(x, to, nodeAt(x.At()))
}

// nodeAt is a node that stands somewhere.
type nodeAt syntax.Span

// Start is where it begins.
func (n nodeAt) Start() syntax.Pos { return n.From }

// End is where it ends.
func (n nodeAt) End() syntax.Pos { return n.To }

// conversions are the operators of both types and their bases.
func (c *checker) conversions(from, to *clr.Type, explicit bool) []*clr.Member {
	var out []*clr.Member
	seen := map[*clr.Type]bool{}
	add := func(t *clr.Type) {
		if t.IsNullable() {
			t = t.Args[0]
		}
		for ; t != nil && !seen[t]; t = t.Base() {
			seen[t] = true
			if t.IsNullable() {
				continue
			}
			out = append(out, t.Members("implicit")...)
			if explicit {
				out = append(out, t.Members("explicit")...)
			}
		}
	}
	add(from)
	add(to)
	return out
}

// encompasses reports a standard implicit conversion from a to b.
func (c *checker) encompasses(a, b *clr.Type) bool {
	if a == b {
		return true
	}
	return c.standard(&Local{typed{a, syntax.Span{}}, nil}, b) != nil
}

// bestConversion chooses by the most specific source and target types.
func (c *checker) bestConversion(ops []*clr.Member, from, to *clr.Type, explicit bool) *clr.Member {
	if len(ops) == 0 {
		return nil
	}
	var ins, outs []*clr.Type
	for _, m := range ops {
		ins, outs = append(ins, m.Params[0].Type), append(outs, m.Result)
	}
	in := c.specific(ins, from, true, explicit)
	out := c.specific(outs, to, false, explicit)
	var best *clr.Member
	for _, m := range ops {
		if m.Params[0].Type == in && m.Result == out {
			if best != nil {
				return nil
			}
			best = m
		}
	}
	return best
}

// specific is the most specific of types, seen from want: itself, else the
// most encompassed of those that want converts to (source) or the most
// encompassing of those that convert to want (target).
func (c *checker) specific(types []*clr.Type, want *clr.Type, source, explicit bool) *clr.Type {
	for _, t := range types {
		if t == want {
			return want
		}
	}
	near := func(t *clr.Type) bool {
		if source {
			return c.encompasses(want, t)
		}
		return c.encompasses(t, want)
	}
	var close []*clr.Type
	for _, t := range types {
		if near(t) {
			close = append(close, t)
		}
	}
	if len(close) == 0 {
		// Only an explicit conversion leads there: the other way round.
		return c.extreme(types, !source)
	}
	return c.extreme(close, source)
}

// extreme is the type that converts to all others (inner), or that all others
// convert to; nil: there is none.
func (c *checker) extreme(types []*clr.Type, inner bool) *clr.Type {
	for _, t := range types {
		all := true
		for _, u := range types {
			if inner && !c.encompasses(t, u) || !inner && !c.encompasses(u, t) {
				all = false
				break
			}
		}
		if all {
			return t
		}
	}
	return nil
}
