package liquid

import (
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/regex"
)

// Scope gives a template its names.
type Scope struct {
	// Names gives the value of a name from outside, and whether there is one.
	Names func(name string) (clr.Value, bool)
	// NilIsNull makes elements of XML with xsi:nil null; otherwise they are empty.
	NilIsNull bool
}

// Render fills the template, at the cost of th. What fails panics, as members of
// .NET do.
func (t *Template) Render(th *clr.Thread, s Scope) []byte {
	r := &renderer{
		Thread: th, scope: s, patterns: t.patterns, out: &output{t: th},
		vars: []map[string]clr.Value{{}}, counters: map[string]int32{}, cycles: map[string]int{}, offsets: map[string]int{},
	}
	r.render(t.nodes)
	return r.out.b
}

// output is text that is put together.
type output struct {
	t *clr.Thread
	b []byte
}

func (o *output) write(s string) {
	// The buffer grows by doubling.
	o.t.Allocate(3 * len(s))
	o.t.Work(len(s)/64 + 1)
	o.b = append(o.b, s...)
}

// leave says that a loop is left, or goes on with its next round.
type leave string

type renderer struct {
	*clr.Thread
	scope    Scope
	patterns *regex.Replacer
	out      *output
	// vars are the variables, those of the innermost block last.
	vars     []map[string]clr.Value
	counters map[string]int32
	cycles   map[string]int
	// offsets are where loops have ended, for offset: continue.
	offsets map[string]int
	changed string
}

// node is a part of a template that was read.
type node interface {
	render(r *renderer) leave
}

func (r *renderer) render(nodes []node) leave {
	for _, n := range nodes {
		r.Step()
		if l := n.render(r); l != "" {
			return l
		}
	}
	return ""
}

// within renders nodes with variables of their own.
func (r *renderer) within(vars map[string]clr.Value, nodes []node) leave {
	r.Enter()
	r.Allocate(64)
	r.vars = append(r.vars, vars)
	l := r.render(nodes)
	r.vars = r.vars[:len(r.vars)-1]
	r.Leave()
	return l
}

// aside renders nodes into a text.
func (r *renderer) aside(render func() leave) (string, leave) {
	before := r.out
	r.out = &output{t: r.Thread}
	l := render()
	text := string(r.out.b)
	r.out = before
	return text, l
}

type textNode string

func (n textNode) render(r *renderer) leave {
	r.out.write(string(n))
	return ""
}

// outputNode is a value with its filters.
type outputNode struct {
	value   expr
	filters []filterCall
}

type filterCall struct {
	name string
	args []expr
	// do is nil for a filter that there is not.
	do func(f *filtering) clr.Value
}

func (n *outputNode) evaluate(r *renderer) clr.Value {
	if n.value == nil {
		return clr.Null
	}
	v := n.value.evaluate(r)
	for i := range n.filters {
		c := &n.filters[i]
		if c.do == nil {
			continue
		}
		r.Work(10)
		f := &filtering{renderer: r, in: v}
		for _, a := range c.args {
			f.args = append(f.args, a.evaluate(r))
		}
		v = c.do(f)
	}
	return v
}

func (n *outputNode) render(r *renderer) leave {
	r.out.write(r.shown(n.evaluate(r)))
	return ""
}

type assignNode struct {
	name  string
	value *outputNode
}

func (n *assignNode) render(r *renderer) leave {
	r.Allocate(64)
	r.vars[0][n.name] = n.value.evaluate(r)
	return ""
}

type captureNode struct {
	name  string
	nodes []node
}

func (n *captureNode) render(r *renderer) leave {
	text, l := r.aside(func() leave { return r.render(n.nodes) })
	r.vars[0][n.name] = clr.Str(text)
	return l
}

type counterNode struct {
	name string
	down bool
}

func (n *counterNode) render(r *renderer) leave {
	i := r.counters[n.name]
	if n.down {
		i--
		r.counters[n.name] = i
	} else {
		r.counters[n.name] = i + 1
	}
	r.out.write(strconv.Itoa(int(i)))
	return ""
}

type branch struct {
	condition condition
	nodes     []node
}

type ifNode struct{ branches []branch }

func (n *ifNode) render(r *renderer) leave {
	for i := range n.branches {
		if n.branches[i].condition.is(r) {
			return r.within(map[string]clr.Value{}, n.branches[i].nodes)
		}
	}
	return ""
}

type when struct {
	values    []expr
	otherwise bool
	nodes     []node
}

type caseNode struct {
	left  expr
	whens []when
}

// render renders every branch that fits, as DotLiquid does.
func (n *caseNode) render(r *renderer) leave {
	left := n.left.evaluate(r)
	any := false
	for _, w := range n.whens {
		fits := w.otherwise && !any
		for _, v := range w.values {
			if r.equal(left, v.evaluate(r)) {
				fits, any = true, true
				break
			}
		}
		if fits {
			if l := r.within(map[string]clr.Value{}, w.nodes); l != "" {
				return l
			}
		}
	}
	return ""
}

type cycleNode struct {
	group  expr
	key    string
	values []expr
}

func (n *cycleNode) render(r *renderer) leave {
	key := n.key
	if n.group != nil {
		key = ":" + r.shown(n.group.evaluate(r))
	}
	i := r.cycles[key]
	if i >= len(n.values) {
		i = 0
	}
	r.cycles[key] = (i + 1) % len(n.values)
	r.out.write(r.shown(n.values[i].evaluate(r)))
	return ""
}

type changedNode struct{ nodes []node }

func (n *changedNode) render(r *renderer) leave {
	text, l := r.aside(func() leave { return r.render(n.nodes) })
	if text != r.changed {
		r.changed = text
		r.out.write(text)
	}
	return l
}

type leaveNode leave

func (n leaveNode) render(*renderer) leave { return leave(n) }

// loopNode is for, tablerow or JSONArrayFor.
type loopNode struct {
	kind, variable, name string
	of                   expr
	limit, offset, cols  expr
	where                expr
	goesOn, reversed     bool
	nodes, otherwise     []node
}

func (n *loopNode) render(r *renderer) leave {
	items := n.items(r)
	if len(items) == 0 && n.kind != "tablerow" {
		return r.render(n.otherwise)
	}
	switch n.kind {
	case "tablerow":
		return n.rows(r, items)
	case jsonArrayFor:
		return n.joined(r, items)
	}
	for i, item := range items {
		if l := n.round(r, item, "forloop", n.place(i, len(items))); l == "break" {
			break
		}
	}
	return ""
}

// items are those that the loop goes through.
func (n *loopNode) items(r *renderer) []clr.Value {
	of := n.of.evaluate(r)
	items, ok := r.items(of)
	if !ok {
		return nil
	}
	if e, is := of.O.(*element); is && n.where != nil {
		items = e.items(r, r.shown(n.where.evaluate(r)))
	}
	from := 0
	switch {
	case n.goesOn:
		from = r.offsets[n.name]
	case n.offset != nil:
		from = r.whole(n.offset.evaluate(r))
	}
	items = items[min(max(from, 0), len(items)):]
	if n.limit != nil {
		if v := n.limit.evaluate(r); !v.IsNull() {
			items = items[:min(max(r.whole(v), 0), len(items))]
		}
	}
	r.offsets[n.name] = from + len(items)
	if n.reversed {
		r.Allocate(len(items) * valueSize)
		turned := make([]clr.Value, len(items))
		for i, v := range items {
			turned[len(items)-1-i] = v
		}
		items = turned
	}
	return items
}

// place is forloop.
func (n *loopNode) place(i, length int) fields {
	return fields{
		"name": clr.Str(n.name), "length": clr.Int(int32(length)),
		"index": clr.Int(int32(i + 1)), "index0": clr.Int(int32(i)),
		"rindex": clr.Int(int32(length - i)), "rindex0": clr.Int(int32(length - i - 1)),
		"first": clr.Bool(i == 0), "last": clr.Bool(i == length-1),
	}
}

func (n *loopNode) round(r *renderer, item clr.Value, loop string, place fields) leave {
	r.Allocate(640)
	return r.within(map[string]clr.Value{n.variable: item, loop: clr.Obj(place)}, n.nodes)
}

// joined puts a comma behind what each round has written, if another one writes
// something.
func (n *loopNode) joined(r *renderer, items []clr.Value) leave {
	space := ""
	written := false
	for i, item := range items {
		text, l := r.aside(func() leave { return n.round(r, item, "forloop", n.place(i, len(items))) })
		if core := strings.TrimRight(text, " \t\r\n"); core != "" {
			if written {
				r.out.write(",")
			}
			r.out.write(space)
			r.out.write(core)
			space, written = text[len(core):], true
		}
		if l == "break" {
			break
		}
	}
	r.out.write(space)
	return ""
}

// rows writes a table.
func (n *loopNode) rows(r *renderer, items []clr.Value) leave {
	cols := len(items)
	if n.cols != nil {
		cols = r.whole(n.cols.evaluate(r))
	}
	r.out.write("<tr class=\"row1\">\n")
	row, col := 1, 0
	for i, item := range items {
		place := n.place(i, len(items))
		delete(place, "name")
		place["col"], place["col0"] = clr.Int(int32(col+1)), clr.Int(int32(col))
		place["col_first"], place["col_last"] = clr.Bool(col == 0), clr.Bool(col == cols-1)
		col++
		text, l := r.aside(func() leave { return n.round(r, item, "tablerowloop", place) })
		r.out.write(`<td class="col` + strconv.Itoa(col) + `">` + text + "</td>")
		if l == "break" {
			break
		}
		if col == cols && i != len(items)-1 {
			col = 0
			row++
			r.out.write("</tr>\n<tr class=\"row" + strconv.Itoa(row) + "\">")
		}
	}
	r.out.write("</tr>\n")
	return ""
}
