package plan

import (
	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// loop plans while, do and for. round are the boxes that each round has anew.
func (c *compiler) loop(s *check.Loop, round []int) stmtFn {
	once := c.fresh(s.Vars)
	init := c.stmts(s.Init)
	cond := func(*frame) bool { return true }
	if s.Cond != nil {
		cond = c.cond(s.Cond)
	}
	body := c.body(s.Body)
	steps := make([]func(*frame), len(s.Step))
	for i, e := range s.Step {
		steps[i] = c.effect(e)
	}
	after := s.After
	return func(f *frame) control {
		f.makeBoxes(once)
		init(f)
		for first := true; ; first = false {
			f.makeBoxes(round)
			if !(after && first) && !cond(f) {
				return next
			}
			f.t.Step()
			switch k := body(f); k {
			case next, continues:
			case breaks:
				return next
			default:
				return k
			}
			for _, step := range steps {
				step(f)
			}
		}
	}
}

// foreach plans foreach: what is gone through is evaluated once, and each round
// has its own variable.
func (c *compiler) foreach(s *check.Foreach, round []int) stmtFn {
	x := c.value(s.X)
	set := c.roundVar(s)
	split := func(*frame) control { return next }
	if s.Split != nil {
		split = c.body(s.Split)
	}
	body := c.body(s.Body)
	at := s.X.At().From
	turn := func(f *frame, v clr.Value) control {
		f.makeBoxes(round)
		set(f, v)
		split(f)
		return body(f)
	}
	if each := c.ownEnumerator(s, x, turn); each != nil {
		return each
	}
	return func(f *frame) control {
		v := x(f)
		f.at = at
		switch o := v.O.(type) {
		case nil:
			f.t.ThrowNull()
		case *clr.ArrayObject:
			return f.eachOfArray(o, turn)
		}
		return f.each(v, turn)
	}
}

// roundVar puts an element into the variable of a round.
func (c *compiler) roundVar(s *check.Foreach) func(*frame, clr.Value) {
	to := c.fn.find(s.Var)
	if l, ok := s.Conv.(*check.Local); ok && l.Var == s.Temp {
		return to.set
	}
	temp := c.fn.find(s.Temp)
	conv := c.value(s.Conv)
	return func(f *frame, v clr.Value) {
		temp.set(f, v)
		to.set(f, conv(f))
	}
}

// eachOfArray sees what is put into the array while it is gone through, as
// C#'s loop over an index does.
func (f *frame) eachOfArray(a *clr.ArrayObject, turn func(*frame, clr.Value) control) control {
	for i := range a.Len() {
		f.t.Step()
		switch k := turn(f, a.At(i)); k {
		case next, continues:
		case breaks:
			return next
		default:
			return k
		}
	}
	return next
}

func (f *frame) each(v clr.Value, turn func(*frame, clr.Value) control) control {
	for e := range f.t.Seq(v, "") {
		f.t.Step()
		switch k := turn(f, e); k {
		case next, continues:
		case breaks:
			return next
		default:
			return k
		}
	}
	return next
}

// ownEnumerator plans foreach over a type whose GetEnumerator gives other
// elements than its interfaces, as JObject's; nil: there is no need.
func (c *compiler) ownEnumerator(s *check.Foreach, x valueFn, turn func(*frame, clr.Value) control) stmtFn {
	t := s.X.T()
	if t.Kind == clr.ArrayKind || t.Kind == clr.Interface || t == clr.String {
		return nil
	}
	same, others := false, false
	for _, super := range t.Supers() {
		if super.Def == clr.EnumerableOf {
			same = same || super.Args[0] == s.Temp.Type
			others = others || super.Args[0] != s.Temp.Type
		}
	}
	if same && !others {
		return nil
	}
	at := s.X.At()
	begin := c.plainMember(t, "GetEnumerator", at)
	if begin == nil {
		return nil
	}
	move, current := c.plainMember(begin.result, "MoveNext", at), c.plainMember(begin.result, "Current", at)
	if move == nil || current == nil {
		return nil
	}
	dispose := c.disposer(begin.result, at)
	cursor := variable{inSlot, c.fn.temp()}
	rounds := func(f *frame) control {
		for move.call(f, cursor.get(f)).Bool() {
			f.t.Step()
			switch k := turn(f, current.call(f, cursor.get(f))); k {
			case next, continues:
			case breaks:
				return next
			default:
				return k
			}
		}
		return next
	}
	whole := finally(rounds, func(f *frame) control {
		dispose(f, cursor.get(f))
		return next
	})
	return func(f *frame) control {
		v := x(f)
		f.at = at.From
		if v.O == nil {
			f.t.ThrowNull()
		}
		cursor.set(f, begin.call(f, v))
		return whole(f)
	}
}
