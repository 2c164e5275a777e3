package regex

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// part of a replacement: text, or what stands in its place.
type part struct {
	text string
	what int // a group's number, or one of the following; literal: text
}

const (
	literal = -1 - iota
	leftOf
	rightOf
	lastGroup
	whole
)

// replacement reads a replacement pattern; the error is a *syntaxError.
func replacement(prog *program, s string) (parts []part, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *syntaxError:
			parts, err = nil, r
		default:
			panic(r)
		}
	}()
	p := &parser{in: units(s), opts: prog.opts}
	from := 0
	flush := func(to int) {
		if to > from {
			parts = append(parts, part{text(p.in[from:to]), literal})
		}
	}
	for p.left() > 0 {
		start := p.pos
		if p.next() != '$' {
			continue
		}
		what, ok := p.dollar(prog)
		if !ok {
			p.pos = start + 1
			continue
		}
		flush(start)
		if from = p.pos; what == literal {
			parts = append(parts, part{"$", literal})
			continue
		}
		parts = append(parts, part{"", what})
	}
	flush(len(p.in))
	return parts, nil
}

// dollar reads what follows a dollar sign.
func (p *parser) dollar(prog *program) (what int, ok bool) {
	if p.left() == 0 {
		return 0, false
	}
	angled := p.peek() == '{' && p.left() > 1
	if angled {
		p.pos++
	}
	c := p.peek()
	closed := func() bool { return !angled || p.left() > 0 && p.next() == '}' }
	switch {
	case isDigit(c) && !angled && p.is(ecmaScript):
		return p.ecmaDollar(prog)
	case isDigit(c):
		n := p.decimal()
		if _, known := prog.slot[n]; closed() && known {
			return n, true
		}
	case angled && isWord(c):
		n := prog.group(p.groupName())
		if closed() && n >= 0 {
			return n, true
		}
	case !angled:
		p.pos++
		what, ok := map[uint16]int{'$': literal, '&': 0, '`': leftOf, '\'': rightOf, '+': lastGroup, '_': whole}[c]
		return what, ok
	}
	return 0, false
}

// ecmaDollar takes as many digits as name a group.
func (p *parser) ecmaDollar(prog *program) (int, bool) {
	found, end, n := -1, p.pos, 0
	for p.left() > 0 && isDigit(p.peek()) {
		if n = n*10 + int(p.next()-'0'); n > 1<<31-1 {
			fail("Capture group numbers must be less than or equal to Int32.MaxValue.")
		}
		if _, ok := prog.slot[n]; ok {
			found, end = n, p.pos
		}
	}
	p.pos = end
	return found, found >= 0
}

// parts reads a replacement pattern, or throws.
func (p *program) parts(t *clr.Thread, s string) []part {
	t.Work(len(s))
	t.Allocate(len(s) * 8)
	parts, err := replacement(p, s)
	if err != nil {
		t.ThrowArgument(`parsing "`+s+`" - `+err.Error(), "")
	}
	return parts
}

// expand writes what a match is replaced by.
func (m *match) expand(out *output, parts []part) {
	n := m.in.len()
	for _, x := range parts {
		switch x.what {
		case literal:
			out.text(x.text)
		case leftOf:
			out.slice(m.in, 0, m.from)
		case rightOf:
			out.slice(m.in, m.from+m.count, n)
		case whole:
			out.slice(m.in, 0, n)
		case lastGroup:
			out.group(m, m.size()-1)
		default:
			out.group(m, m.prog.slot[x.what])
		}
	}
}

// output is text that is put together.
type output struct {
	t     *clr.Thread
	bytes []byte
	wide  bool // a half of a character may stand at a seam
}

func (o *output) text(s string) {
	o.t.Work(len(s)/64 + 1)
	o.t.Allocate(len(s))
	o.wide = o.wide || !clr.IsASCII(s)
	o.bytes = append(o.bytes, s...)
}

func (o *output) slice(in *subject, from, to int) { o.text(in.slice(o.t, from, to)) }

func (o *output) group(m *match, slot int) {
	if slot == 0 {
		o.slice(m.in, m.from, m.from+m.count)
		return
	}
	if g := m.groups[slot-1]; len(g.all) > 0 {
		o.slice(m.in, g.from, g.from+g.count)
	}
}

func (o *output) string() string {
	if o.wide {
		return clr.Mend(string(o.bytes))
	}
	return string(o.bytes)
}

// replace replaces up to count matches (-1: all) from a place on by what with
// writes.
func (p *pattern) replace(t *clr.Thread, s string, count, at int, with func(*output, *match)) clr.Value {
	in := newSubject(t, s)
	sc := newScan(p, in, at)
	m := sc.next(t)
	if m == nil || count == 0 {
		return clr.Str(s)
	}
	out := &output{t: t}
	if p.opts&rightToLeft != 0 {
		return p.replaceLeftwards(out, sc, m, count, with)
	}
	prev := 0
	for ; m != nil; m = sc.next(t) {
		out.slice(in, prev, m.from)
		prev = m.from + m.count
		with(out, m)
		if count--; count == 0 {
			break
		}
	}
	out.slice(in, prev, in.len())
	return t.New(out.string())
}

// replaceLeftwards does the same from the right: replacements are made in that
// order, and then put together.
func (p *pattern) replaceLeftwards(out *output, sc *scan, m *match, count int, with func(*output, *match)) clr.Value {
	t, in := out.t, sc.in
	var pieces []string
	prev := in.len()
	for ; m != nil; m = sc.next(t) {
		one := &output{t: t}
		with(one, m)
		t.Allocate(32)
		pieces = append(pieces, in.slice(t, m.from+m.count, prev), one.string())
		prev = m.from
		if count--; count == 0 {
			break
		}
	}
	out.slice(in, 0, prev)
	for i := len(pieces) - 1; i >= 0; i-- {
		out.text(pieces[i])
	}
	return t.New(out.string())
}

// split is what stands between matches, with what the groups captured.
func (p *pattern) split(t *clr.Thread, s string, count, at int) clr.Value {
	in := newSubject(t, s)
	sc := newScan(p, in, at)
	var m *match
	if count != 1 {
		m = sc.next(t)
	}
	if m == nil {
		return t.ArrayValue(clr.String, []clr.Value{clr.Str(s)})
	}
	var out []clr.Value
	piece := func(from, to int) {
		t.Allocate(40)
		out = append(out, t.New(in.slice(t, from, to)))
	}
	leftwards := p.opts&rightToLeft != 0
	prev := 0
	if leftwards {
		prev = in.len()
	}
	for count--; m != nil; m = sc.next(t) {
		if leftwards {
			piece(m.from+m.count, prev)
			prev = m.from
		} else {
			piece(prev, m.from)
			prev = m.from + m.count
		}
		for i, g := range m.groups {
			if len(g.all) > 0 { // a slot is asked, and the number given: .NET's own way
				out = append(out, clr.Str((&groupsOf{m}).text(t, i+1)))
			}
		}
		if count--; count == 0 {
			break
		}
	}
	if !leftwards {
		piece(prev, in.len())
		return t.ArrayValue(clr.String, out)
	}
	piece(0, prev)
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return t.ArrayValue(clr.String, out)
}

// text is what the group with that number captured.
func (g *groupsOf) text(t *clr.Thread, n int) string {
	_, c := asGroup(g.number(n))
	t.Allocate(40)
	return c.value(t)
}
