package check

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// switching is a switch that is being checked.
type switching struct {
	out *Switch
	// consts finds the section of a constant label; def that of default.
	consts map[clr.Value]int
	def    int
	gotos  []*pendingGoto
}

type pendingGoto struct {
	stmt *GotoCase
	node *syntax.Goto
	k    *Const // nil: default
}

func (c *checker) switchStmt(s *syntax.Switch) Stmt {
	o := c.rvalue(c.expr(s.X))
	x := c.typedValue(o)
	if x.T() == clr.Void {
		c.errorf(s.X, "CS8119", "The switch expression must be a value; found 'void'.")
		return nil
	}
	c.open()
	out := &Switch{X: x, Temp: c.temp(x.T()), Span: s.Span}
	sw := &switching{out: out, consts: map[clr.Value]int{}, def: -1}
	c.switches = append(c.switches, sw)
	value := &Local{typed{x.T(), spanOf(s.X)}, out.Temp}
	// All sections share one scope for what they declare.
	for i := range s.Sections {
		in := &s.Sections[i]
		var sec Section
		c.open()
		for j := range in.Labels {
			sec.Labels = append(sec.Labels, c.label(sw, &in.Labels[j], value, i))
		}
		c.foresee(in.Stmts)
		funcs := c.localFuncs(in.Stmts)
		stmts := c.stmts(in.Stmts, funcs)
		vars := c.close()
		sec.Stmts = []Stmt{&Block{Vars: vars, Stmts: stmts, Span: in.Span}}
		if reaches(stmts) && !c.failed {
			c.errorf(&in.Labels[len(in.Labels)-1], "CS0163", "Control cannot fall through from one case label to another; mend: break, return or goto case at its end")
		}
		out.Sections = append(out.Sections, sec)
	}
	c.switches = c.switches[:len(c.switches)-1]
	c.resolveGotos(sw)
	out.Vars = c.close()
	return &Block{Vars: nil, Stmts: []Stmt{out}, Span: s.Span}
}

func (c *checker) label(sw *switching, l *syntax.SwitchLabel, value Expr, section int) Label {
	out := Label{Span: l.Span}
	if l.Pattern == nil {
		if sw.def >= 0 {
			c.errorf(l, "CS0152", "The switch statement contains multiple cases with the label value 'default'")
		}
		sw.def = section
		return out
	}
	out.Pattern = c.pattern(l.Pattern, value)
	if t, ok := l.Pattern.(*syntax.TypePattern); ok {
		if p, ok := out.Pattern.(*TypePattern); ok && p.Var == nil {
			c.errorf(t, "CS0119", "'%s' is a type, which is not valid in the given context; mend: case %s _", p.To, p.To)
		}
	}
	if l.When != nil {
		out.When = c.condition(l.When)
	}
	if out.Pattern == nil {
		out.Pattern = &VarPattern{}
		return out
	}
	if k, ok := out.Pattern.(*ConstPattern); ok && l.When == nil {
		if _, there := sw.consts[k.Value]; there {
			c.errorf(l, "CS0152", "The switch statement contains multiple cases with the label value '%s'", constText(&Const{typed{value.T(), l.Span}, k.Value}))
		}
		sw.consts[k.Value] = section
	}
	return out
}

func (c *checker) gotoStmt(s *syntax.Goto) Stmt {
	if s.Label.Name != "" {
		return c.gotoLabel(s)
	}
	if len(c.switches) == 0 {
		c.errorf(s, "CS0153", "A goto case is only valid inside a switch statement")
		return nil
	}
	sw := c.switches[len(c.switches)-1]
	p := &pendingGoto{stmt: &GotoCase{Span: s.Span}, node: s}
	if s.Case != nil {
		k, ok := c.convert(c.expr(s.Case), sw.out.Temp.Type, s.Case).(*Const)
		if !ok {
			c.errorf(s.Case, "CS0150", "A constant value is expected")
			return nil
		}
		p.k = k
	}
	sw.gotos = append(sw.gotos, p)
	return p.stmt
}

func (c *checker) resolveGotos(sw *switching) {
	for _, p := range sw.gotos {
		section, ok := sw.def, sw.def >= 0
		what := "default:"
		if p.k != nil {
			section, ok = sw.consts[p.k.Value]
			what = "case " + constText(p.k) + ":"
		}
		if !ok {
			c.errorf(p.node, "CS0159", "No such label '%s' within the scope of the goto statement", what)
			continue
		}
		p.stmt.Section = section
	}
}
