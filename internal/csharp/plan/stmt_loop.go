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
	at, elem := s.X.At().From, s.Temp.Type
	turn := func(f *frame, v clr.Value) control {
		f.makeBoxes(round)
		set(f, v)
		split(f)
		return body(f)
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
		return f.each(v, elem, turn)
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

func (f *frame) each(v clr.Value, elem *clr.Type, turn func(*frame, clr.Value) control) control {
	for e := range f.t.SeqOf(v, elem, "") {
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
