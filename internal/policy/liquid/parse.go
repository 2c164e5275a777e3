package liquid

import (
	"fmt"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr/regex"
)

const (
	// MaxDepth is how deep blocks may stand in each other.
	MaxDepth = 80
	// maxErrors is how many errors are told of one template.
	maxErrors = 20
)

// Error says what is wrong with a template. Offsets are bytes of the source.
type Error struct {
	Offset, End       int
	Message, Expected string
	Mend              string
	// Lax: DotLiquid takes it, and drops something without a word.
	Lax bool
}

func (e *Error) Error() string { return e.Message }

// Use is a place where a template uses a name that it does not define.
type Use struct {
	Name string
	// Members are those that are looked at, as far as they are written.
	Members     []string
	Offset, End int
}

// Template is a template that was read. It is immutable.
type Template struct {
	nodes []node
	uses  []Use
	// patterns are the regular expressions of its filters.
	patterns *regex.Replacer
}

// Parse reads a template. It is nil where an error is not Lax.
func Parse(source string) (*Template, []*Error) {
	pieces, err := scan(source)
	if err != nil {
		return nil, []*Error{err}
	}
	p := &parser{pieces: pieces, defined: map[string]bool{}}
	nodes, _ := p.block("")
	if p.fatal {
		return nil, p.errors
	}
	t := &Template{nodes: nodes, patterns: regex.NewReplacer()}
	for _, u := range p.uses {
		if !p.defined[u.Name] {
			t.uses = append(t.uses, u)
		}
	}
	return t, p.errors
}

// Uses are the names from outside that the template uses, in its order.
func (t *Template) Uses() []Use { return t.uses }

// UsesName reports whether the template uses a name from outside.
func (t *Template) UsesName(name string) bool {
	for _, u := range t.uses {
		if u.Name == name {
			return true
		}
	}
	return false
}

type parser struct {
	pieces  []piece
	next    int
	depth   int
	uses    []Use
	defined map[string]bool
	errors  []*Error
	fatal   bool
}

func (p *parser) fail(from, to int, expected, mend, format string, args ...any) {
	p.fatal = true
	p.report(&Error{Offset: from, End: to, Message: fmt.Sprintf(format, args...), Expected: expected, Mend: mend})
}

func (p *parser) lax(from, to int, expected, mend, format string, args ...any) {
	p.report(&Error{Offset: from, End: to, Message: fmt.Sprintf(format, args...), Expected: expected, Mend: mend, Lax: true})
}

func (p *parser) report(e *Error) {
	if len(p.errors) < maxErrors {
		p.errors = append(p.errors, e)
	}
}

// block reads up to one of the tags of ends, which it gives; in is the block's
// name, empty for the template.
func (p *parser) block(in string, ends ...string) ([]node, piece) {
	if p.depth++; p.depth > MaxDepth {
		last := p.pieces[min(p.next, len(p.pieces)-1)]
		p.fail(last.from, last.to, fmt.Sprintf("at most %d", MaxDepth), "", "blocks stand too deep in each other")
		p.next = len(p.pieces)
	}
	defer func() { p.depth-- }()
	var open piece
	if p.next > 0 && p.next <= len(p.pieces) {
		open = p.pieces[p.next-1]
	}
	var out []node
	for p.next < len(p.pieces) {
		k := p.pieces[p.next]
		p.next++
		switch k.kind {
		case textPiece:
			out = append(out, textNode(k.text))
		case outputPiece:
			if v, ok := p.output(p.markup(k)); ok {
				out = append(out, v)
			}
		case tagPiece:
			name := word(k.text)
			for _, end := range ends {
				if name == end {
					return out, k
				}
			}
			if n := p.tag(name, k, in); n != nil {
				out = append(out, n)
			}
		}
	}
	if in != "" && !p.fatal {
		p.fail(open.from, open.to, "{% end"+in+" %}", "", "the block %s has no end", in)
	}
	return out, piece{}
}

// markup reads what stands between the braces of a piece.
func (p *parser) markup(k piece) *markup {
	return &markup{p: p, s: k.text, base: k.at, from: k.from, to: k.to}
}

// tag reads a tag; nil: it does nothing, or is wrong.
func (p *parser) tag(name string, k piece, in string) node {
	m := p.markup(k)
	m.skip()
	m.at += len(name)
	switch name {
	case "assign":
		return p.assign(m)
	case "capture":
		return p.capture(m)
	case "if", "unless":
		return p.condition(name, m)
	case "case":
		return p.cases(m)
	case "for", "tablerow", jsonArrayFor:
		return p.loop(name, m)
	case "cycle":
		return p.cycle(m)
	case "increment", "decrement":
		return p.counter(name, m)
	case "ifchanged":
		m.end()
		nodes, _ := p.block(name, "endifchanged")
		return &changedNode{nodes}
	case "break", "continue":
		m.end()
		return leaveNode(name)
	case "raw", "literal":
		return p.raw(name)
	case "comment":
		p.raw(name)
		return nil
	case "include", "extends", "block", "render", "param", "addfilters":
		p.fail(k.from, k.to, "", "write its content here", "the tag %q needs files or settings, which a policy does not have", name)
		return nil
	case "":
		p.fail(k.from, k.to, "the name of a tag", "", "the tag has no name")
		return nil
	}
	if strings.HasPrefix(name, "end") || name == "else" || name == "elsif" || name == "elseif" || name == "when" {
		if in == "" {
			p.fail(k.from, k.to, "", "", "%q stands outside of its block", name)
		} else {
			p.fail(k.from, k.to, "{% end"+in+" %}", "", "%q does not end the block %s", name, in)
		}
		return nil
	}
	p.fail(k.from, k.to, "a tag of Liquid, such as "+strings.Join(tagNames(), ", "), nearest(name, tagNames()), "%q is not a tag", name)
	return nil
}

func tagNames() []string {
	return []string{
		"assign", "capture", "if", "unless", "case", "for", "tablerow", jsonArrayFor, "cycle", "increment", "decrement", "ifchanged",
		"break", "continue", "raw", "comment",
	}
}

// raw takes the text up to the end of raw, which scan has found.
func (p *parser) raw(name string) node {
	text := ""
	if k := p.pieces[p.next]; k.kind == textPiece {
		text = k.text
		p.next++
	}
	p.next++
	return textNode(text)
}

func (p *parser) assign(m *markup) node {
	name, ok := m.name()
	if !ok || !m.take("=") {
		m.fail("{% assign name = value %}", "the tag assign has no name and value")
		return nil
	}
	v, ok := p.output(m)
	if !ok {
		return nil
	}
	p.defined[name] = true
	return &assignNode{name, v.(*outputNode)}
}

func (p *parser) capture(m *markup) node {
	name, ok := m.name()
	if !ok {
		m.fail("{% capture name %}", "the tag capture has no name")
	}
	m.end()
	nodes, _ := p.block("capture", "endcapture")
	p.defined[name] = true
	return &captureNode{name, nodes}
}

func (p *parser) counter(name string, m *markup) node {
	of, ok := m.name()
	if !ok {
		m.fail("{% "+name+" name %}", "the tag %s has no name", name)
	}
	m.end()
	p.defined[of] = true
	return &counterNode{of, name == "decrement"}
}

func (p *parser) condition(name string, m *markup) node {
	out := &ifNode{}
	c, _ := m.condition()
	if name == "unless" {
		c.negate = true
	}
	for {
		nodes, end := p.block(name, "elsif", "elseif", "else", "end"+name)
		out.branches = append(out.branches, branch{c, nodes})
		m := p.markup(end)
		m.skip()
		m.at += len(word(end.text))
		switch word(end.text) {
		case "elsif", "elseif":
			c, _ = m.condition()
		case "else":
			m.end()
			c = condition{always: true}
		default:
			return out
		}
	}
}

func (p *parser) cases(m *markup) node {
	left, ok := m.value()
	if !ok {
		m.fail("{% case value %}", "the tag case has no value")
	}
	m.end()
	out := &caseNode{left: left}
	_, end := p.block("case", "when", "else", "endcase") // what stands before is dropped
	for {
		name := word(end.text)
		m := p.markup(end)
		m.skip()
		m.at += len(name)
		w := when{}
		switch name {
		case "when":
			for {
				v, ok := m.value()
				if !ok {
					m.fail("{% when value %}", "the tag when has no value")
					break
				}
				w.values = append(w.values, v)
				if !m.take(",") && !m.takeWord("or") {
					break
				}
			}
		case "else":
			w.otherwise = true
		default:
			return out
		}
		m.end()
		w.nodes, end = p.block("case", "when", "else", "endcase")
		out.whens = append(out.whens, w)
	}
}

// jsonArrayFor is API Management's own loop: it puts commas between the rounds.
const jsonArrayFor = "JSONArrayFor"

func (p *parser) loop(name string, m *markup) node {
	out := &loopNode{kind: name}
	from := m.at
	ok := false
	if out.variable, ok = m.name(); ok {
		if ok = m.takeWord("in"); ok {
			out.of, ok = m.value()
		}
	}
	if !ok {
		m.fail("{% "+name+" item in list %}", "the tag %s is incomplete", name)
	}
	out.name = out.variable + "-" + strings.TrimSpace(m.s[from:m.at])
	for {
		if m.takeWord("reversed") {
			out.reversed = true
			continue
		}
		attribute := ""
		for _, a := range []string{"limit", "offset", "cols", "where"} {
			if m.takeWord(a) {
				attribute = a
				break
			}
		}
		if attribute == "" {
			break
		}
		colon := m.take(":")
		if attribute == "offset" && m.takeWord("continue") {
			out.goesOn = true
			continue
		}
		v, ok := m.value()
		if !ok || !colon && attribute != "where" {
			m.fail(attribute+": value", "the attribute %q of %s has no value", attribute, name)
			break
		}
		switch attribute {
		case "limit":
			out.limit = v
		case "offset":
			out.offset = v
		case "cols":
			out.cols = v
		case "where":
			out.where = v
		}
	}
	m.end()
	p.defined[out.variable], p.defined["forloop"], p.defined["tablerowloop"] = true, true, true
	var end piece
	out.nodes, end = p.block(name, "else", "end"+name)
	if word(end.text) == "else" {
		out.otherwise, _ = p.block(name, "end"+name)
	}
	return out
}

func (p *parser) cycle(m *markup) node {
	out := &cycleNode{}
	from := m.at
	first, ok := m.value()
	if !ok {
		m.fail("{% cycle 'a', 'b' %}", "the tag cycle has no values")
		return nil
	}
	if m.take(":") {
		out.group = first
		first, ok = m.value()
	}
	for ok {
		out.values = append(out.values, first)
		if !m.take(",") {
			break
		}
		first, ok = m.value()
	}
	if len(out.values) == 0 {
		m.fail("{% cycle 'a', 'b' %}", "the tag cycle has no values")
	}
	out.key = strings.TrimSpace(m.s[from:m.at])
	m.end()
	return out
}
