package plan

import (
	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// label is a case that has been planned.
type label struct {
	match   func(*frame, clr.Value) bool
	when    boolFn // nil: none
	section int
}

// switchStmt plans switch. Its sections share one block: their variables, which
// patterns give their values before the section is entered, are made first.
func (c *compiler) switchStmt(s *check.Switch) stmtFn {
	x, temp := c.value(s.X), c.fn.find(s.Temp)
	fresh := c.fresh(s.Vars)
	var labels []label
	var sections []stmtFn
	def := -1
	for i := range s.Sections {
		sec := &s.Sections[i]
		stmts := sec.Stmts
		if b, ok := onlyBlock(stmts); ok {
			fresh = append(fresh, c.fresh(b.Vars)...)
			stmts = b.Stmts
		}
		for _, l := range sec.Labels {
			if l.Pattern == nil {
				def = i
				continue
			}
			out := label{match: c.pattern(l.Pattern), section: i}
			if l.When != nil {
				out.when = c.cond(l.When)
			}
			labels = append(labels, out)
		}
		funcs, body := c.localFuncs(stmts), c.stmts(stmts)
		sections = append(sections, func(f *frame) control {
			for _, make := range funcs {
				make(f)
			}
			return body(f)
		})
	}
	return func(f *frame) control {
		v := x(f)
		temp.set(f, v)
		f.makeBoxes(fresh)
		i := choose(f, labels, v, def)
		if i < 0 {
			return next
		}
		return f.sections(sections, i)
	}
}

func onlyBlock(stmts []check.Stmt) (*check.Block, bool) {
	if len(stmts) != 1 {
		return nil, false
	}
	b, ok := stmts[0].(*check.Block)
	return b, ok
}

func choose(f *frame, labels []label, v clr.Value, def int) int {
	for i := range labels {
		l := &labels[i]
		if l.match(f, v) && (l.when == nil || l.when(f)) {
			return l.section
		}
	}
	return def
}

// sections carries out a section, and those that goto case leads to.
func (f *frame) sections(sections []stmtFn, i int) control {
	for {
		switch k := sections[i](f); k {
		case cases:
			f.t.Step()
			i = f.section
		case breaks:
			return next
		default:
			return k
		}
	}
}
