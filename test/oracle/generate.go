package oracle

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Generate makes n random typed expressions; the same seed makes the same.
// They end, and keep away from what a machine or a version of .NET decides:
// the text of computed doubles, cultures, the order of hash tables.
func Generate(seed uint64, n int) []Expression {
	out := make([]Expression, n)
	for i := range out {
		g := &generator{r: rand.New(rand.NewPCG(seed, uint64(i)))}
		out[i] = Expression{g.expression()}
	}
	return out
}

// generator makes one expression.
type generator struct {
	r     *rand.Rand
	vars  []variable // in scope
	names int
	loops int // nesting, which bounds the time
}

// variable is a local. A fixed one must not be assigned to.
type variable struct {
	name, typ string
	fixed     bool
}

// types are those that an expression can have.
var types = []string{"int", "long", "double", "bool", "char", "string", "decimal", "int?", "object", "int[]", "List<int>", "string[]"}

// results are the types of whole expressions: those whose value says much.
var results = []string{"int", "int", "long", "double", "bool", "bool", "char", "string", "string", "string", "decimal", "int?", "object"}

func pick[T any](g *generator, list []T) T { return list[g.r.IntN(len(list))] }

func (g *generator) expression() *node {
	if g.r.IntN(5) < 3 {
		return &node{typ: "expression", parts: []any{"@(", g.of(pick(g, results), 4), ")"}}
	}
	body := &node{typ: "block"}
	for range 2 + g.r.IntN(4) {
		body.parts = append(body.parts, g.statement(3), " ")
	}
	return &node{typ: "expression", parts: []any{"@{ ", body, "return ", g.of(pick(g, results), 3), "; }"}}
}

func (g *generator) name(prefix string) string {
	g.names++
	return fmt.Sprintf("%s%d", prefix, g.names)
}

// scoped runs f and forgets the variables that it declared.
func (g *generator) scoped(f func()) {
	n := len(g.vars)
	f()
	g.vars = g.vars[:n]
}

// variable is the name of one of the type, if there is one.
func (g *generator) variable(typ string, assigned bool) (string, bool) {
	var names []string
	for _, v := range g.vars {
		if v.typ == typ && !(assigned && v.fixed) {
			names = append(names, v.name)
		}
	}
	if len(names) == 0 {
		return "", false
	}
	return pick(g, names), true
}

// of makes an expression of the type; its parts are at most depth deep.
func (g *generator) of(typ string, depth int) *node {
	if g.r.IntN(3) == 0 {
		if name, ok := g.variable(typ, false); ok {
			return &node{typ: typ, parts: []any{name}}
		}
	}
	if depth <= 0 || g.r.IntN(8) == 0 {
		return &node{typ: typ, parts: []any{pick(g, literals[typ])}}
	}
	return g.build(typ, pick(g, rules[typ]), depth)
}

// build fills a rule: ‹int› stands for an expression of that type, ‹x:int:bool›
// for a lambda with a parameter of the first type and a body of the second.
// Each part is put into brackets unless it is a name or a literal.
func (g *generator) build(typ, rule string, depth int) *node {
	n := &node{typ: typ}
	for rule != "" {
		text, rest, ok := strings.Cut(rule, "‹")
		n.parts = append(n.parts, text)
		if !ok {
			break
		}
		hole, rest, _ := strings.Cut(rest, "›")
		rule = rest
		if lambda, ok := strings.CutPrefix(hole, "x:"); ok {
			param, body, _ := strings.Cut(lambda, ":")
			g.scoped(func() {
				x := g.name("x")
				g.vars = append(g.vars, variable{x, param, true})
				n.parts = append(n.parts, x+" => ", g.of(body, depth-2))
			})
			continue
		}
		if hole == "assigned int" {
			name, ok := g.variable("int", true)
			if !ok {
				return &node{typ: typ, parts: []any{pick(g, literals[typ])}}
			}
			n.parts = append(n.parts, name)
			continue
		}
		part := g.of(hole, depth-1)
		if len(part.parts) == 1 {
			n.parts = append(n.parts, part)
		} else {
			n.parts = append(n.parts, "(", part, ")")
		}
	}
	return n
}

// statement makes one statement.
func (g *generator) statement(depth int) *node {
	s := &node{typ: "statement"}
	add := func(parts ...any) *node { s.parts = append(s.parts, parts...); return s }
	kinds := 12
	if depth <= 0 {
		kinds = 4
	}
	switch g.r.IntN(kinds) {
	case 0, 1:
		return g.declare(depth)
	case 2:
		if name, ok := g.variable("int", true); ok {
			return add(name, pick(g, []string{" = ", " += ", " -= ", " *= ", " ^= ", " |= "}), g.of("int", depth), ";")
		}
		return g.declare(depth)
	case 3:
		if name, ok := g.variable("string", true); ok {
			return add(name, " += ", g.of(pick(g, []string{"string", "int", "char", "bool", "int?"}), depth), ";")
		}
		return g.declare(depth)
	case 4:
		add("if (", g.of("bool", depth-1), ") { ", g.body(depth))
		if g.r.IntN(2) == 0 {
			add(" } else { ", g.body(depth))
		}
		return add(" }")
	case 5:
		return g.loop(depth)
	case 6:
		x := g.name("e")
		add("foreach (var ", x, " in ", g.of(pick(g, []string{"int[]", "List<int>"}), depth-1), ") { ")
		g.scoped(func() {
			g.vars = append(g.vars, variable{x, "int", true})
			add(g.body(depth))
		})
		return add(" }")
	case 7:
		return g.choice(depth)
	case 8:
		add("try { ", g.body(depth), " } catch (", pick(g, []string{"Exception", "FormatException", "ArgumentException", "ArithmeticException"}), ") { ", g.body(depth), " }")
		if g.r.IntN(3) == 0 {
			add(" finally { ", g.body(depth), " }")
		}
		return s
	case 9:
		if name, ok := g.variable("List<int>", false); ok {
			return add(name, ".", pick(g, []string{"Add", "Remove", "RemoveAt"}), "(", g.of("int", depth-1), ");")
		}
		return g.declare(depth)
	case 10:
		f, x := g.name("f"), g.name("x")
		add("Func<int, int> ", f, " = ", x, " => ")
		g.scoped(func() {
			g.vars = append(g.vars, variable{x, "int", true})
			add(g.of("int", depth-1))
		})
		add(";")
		g.vars = append(g.vars, variable{f + "(" + pick(g, literals["int"]) + ")", "int", true})
		return s
	default:
		if name, ok := g.variable("int", true); ok {
			return add(pick(g, []string{name + "++", name + "--", "++" + name}), ";")
		}
		return g.declare(depth)
	}
}

func (g *generator) declare(depth int) *node {
	typ := pick(g, types)
	v := variable{name: g.name("v"), typ: typ}
	word := typ
	if g.r.IntN(3) == 0 {
		word = "var"
	}
	n := &node{typ: "statement", parts: []any{word, " ", v.name, " = ", g.of(typ, depth), ";"}}
	g.vars = append(g.vars, v)
	return n
}

func (g *generator) body(depth int) *node {
	b := &node{typ: "block"}
	g.scoped(func() {
		for range 1 + g.r.IntN(2) {
			b.parts = append(b.parts, g.statement(depth-2), " ")
		}
	})
	return b
}

// loop counts to at most four; the loops in it do not nest further.
func (g *generator) loop(depth int) *node {
	if g.loops > 1 {
		return g.declare(depth)
	}
	g.loops++
	defer func() { g.loops-- }()
	i := g.name("i")
	n := &node{typ: "statement"}
	g.scoped(func() {
		g.vars = append(g.vars, variable{i, "int", true})
		n.parts = append(n.parts, fmt.Sprintf("for (int %s = 0; %s < %d; %s++) { ", i, i, 1+g.r.IntN(4), i), g.body(depth))
		if g.r.IntN(3) == 0 {
			n.parts = append(n.parts, "if (", g.of("bool", depth-2), ") ", pick(g, []string{"break", "continue"}), "; ", g.body(depth))
		}
	})
	n.parts = append(n.parts, "}")
	return n
}

func (g *generator) choice(depth int) *node {
	typ, cases := "int", []string{"0", "1", "2", "-1", "7"}
	if g.r.IntN(3) == 0 {
		typ, cases = "string", []string{`""`, `"a"`, `"abc"`, "null"}
	}
	n := &node{typ: "statement", parts: []any{"switch (", g.of(typ, depth-1), ") { "}}
	for _, i := range g.r.Perm(len(cases))[:2] {
		n.parts = append(n.parts, "case "+cases[i]+": { ", g.body(depth), "break; } ")
	}
	if g.r.IntN(2) == 0 {
		n.parts = append(n.parts, "default: { ", g.body(depth), "break; } ")
	}
	n.parts = append(n.parts, "}")
	return n
}
