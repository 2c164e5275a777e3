package regex

import (
	"iter"
	"time"

	"github.com/dlclark/regexp2/v2"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

const space = "System.Text.RegularExpressions"

// The types of this package's objects.
var (
	regexType    = clr.Named(space, "Regex", 0)
	matchType    = clr.Named(space, "Match", 0)
	groupType    = clr.Named(space, "Group", 0)
	captureType  = clr.Named(space, "Capture", 0)
	matchesType  = clr.Named(space, "MatchCollection", 0)
	groupsType   = clr.Named(space, "GroupCollection", 0)
	capturesType = clr.Named(space, "CaptureCollection", 0)
)

// pattern is a Regex.
type pattern struct {
	*program
	options Options
	// timeout of each search; 0: none of its own.
	timeout time.Duration
}

func (*pattern) Type() *clr.Type { return regexType }

// capture is a Capture: a piece of the subject.
type capture struct {
	in    *subject
	from  int
	count int
}

func (*capture) Type() *clr.Type { return captureType }

func (c *capture) value(t *clr.Thread) string {
	if c.in == nil {
		return ""
	}
	return c.in.slice(t, c.from, c.from+c.count)
}

// group is a Group: what a group captured, the last one first of all.
type group struct {
	capture
	all []capture // in the order of capture; none: the group has not matched
}

func (*group) Type() *clr.Type { return groupType }

// match is a Match. Group 0 is the match itself.
type match struct {
	group
	prog   *program
	groups []*group // from slot 1 on
}

func (*match) Type() *clr.Type { return matchType }

// noMatch is Match.Empty, and noGroup the group that there is not.
var (
	noMatch = &match{}
	noGroup = &group{}
)

// newMatch keeps what the engine found; base is where its text begins in the
// subject.
func newMatch(t *clr.Thread, p *program, in *subject, m *regexp2.Match, base int) *match {
	out := &match{prog: p}
	out.group = group{capture{in, base + m.RuneIndex, m.RuneLength}, nil}
	out.all = []capture{out.capture}
	if len(p.numbers) == 1 {
		return out
	}
	groups := make([]group, len(p.numbers)-1)
	out.groups = make([]*group, len(groups))
	for i, n := range p.numbers[1:] {
		g := &groups[i]
		out.groups[i] = g
		found := m.GroupByNumber(n)
		if found == nil || len(found.Captures) == 0 {
			continue
		}
		t.Allocate(len(found.Captures)*24 + 48)
		g.all = make([]capture, len(found.Captures))
		for j := range found.Captures {
			g.all[j] = capture{in, base + found.Captures[j].RuneIndex, found.Captures[j].RuneLength}
		}
		g.capture = g.all[len(g.all)-1]
	}
	return out
}

// at is the group in a slot, or nil.
func (m *match) at(slot int) clr.Object {
	if slot == 0 {
		return m
	}
	return m.groups[slot-1]
}

func (m *match) size() int { return len(m.groups) + 1 }

// groupsOf is a GroupCollection.
type groupsOf struct{ m *match }

func (*groupsOf) Type() *clr.Type { return groupsType }

// Len is Count.
func (g *groupsOf) Len() int { return g.m.size() }

// At is the group with that number: .NET counts, though numbers may have gaps.
func (g *groupsOf) At(i int) clr.Value { return clr.Obj(g.number(i)) }

// ReadOnly is what ICollection says.
func (*groupsOf) ReadOnly() bool { return true }

// All goes through the groups by their numbers.
func (g *groupsOf) All(t *clr.Thread) iter.Seq[clr.Value] { return each(t, g) }

// number is the group with that number.
func (g *groupsOf) number(n int) clr.Object {
	if g.m.prog == nil {
		if n == 0 {
			return g.m
		}
		return noGroup
	}
	if slot, ok := g.m.prog.slot[n]; ok {
		return g.m.at(slot)
	}
	return noGroup
}

// capturesOf is a CaptureCollection.
type capturesOf struct{ of clr.Object }

func (*capturesOf) Type() *clr.Type { return capturesType }

func (c *capturesOf) group() *group { g, _ := asGroup(c.of); return g }

// Len is Count.
func (c *capturesOf) Len() int { return len(c.group().all) }

// At is a capture by its place; the last one is the group itself.
func (c *capturesOf) At(i int) clr.Value {
	g := c.group()
	if i == len(g.all)-1 {
		return clr.Obj(c.of)
	}
	return clr.Obj(&g.all[i])
}

// ReadOnly is what ICollection says.
func (*capturesOf) ReadOnly() bool { return true }

// All goes through the captures in their order.
func (c *capturesOf) All(t *clr.Thread) iter.Seq[clr.Value] { return each(t, c) }

func each(t *clr.Thread, c clr.Counted) iter.Seq[clr.Value] {
	return func(yield func(clr.Value) bool) {
		for i := range c.Len() {
			t.Step()
			if !yield(c.At(i)) {
				return
			}
		}
	}
}

func asGroup(o clr.Object) (*group, *capture) {
	switch o := o.(type) {
	case *match:
		return &o.group, &o.capture
	case *group:
		return o, &o.capture
	case *capture:
		return nil, o
	}
	panic("regex: no capture")
}

// matchesOf is a MatchCollection: it searches as far as it is asked, as .NET
// does.
type matchesOf struct {
	t    *clr.Thread // who asked last
	scan *scan
	done []clr.Value
	over bool
}

func (*matchesOf) Type() *clr.Type { return matchesType }

// get is match i, if there are so many.
func (m *matchesOf) get(t *clr.Thread, i int) (clr.Value, bool) {
	m.t = t
	for !m.over && len(m.done) <= i {
		next := m.scan.next(t)
		if m.over = next == nil; !m.over {
			t.Allocate(40)
			m.done = append(m.done, clr.Obj(next))
		}
	}
	if i < 0 || i >= len(m.done) {
		return clr.Null, false
	}
	return m.done[i], true
}

// Len finds all matches and counts them.
func (m *matchesOf) Len() int {
	const all = int(^uint(0) >> 1)
	m.get(m.t, all)
	return len(m.done)
}

// At is a match that exists.
func (m *matchesOf) At(i int) clr.Value { v, _ := m.get(m.t, i); return v }

// ReadOnly is what ICollection says.
func (*matchesOf) ReadOnly() bool { return true }

// All goes through the matches.
func (m *matchesOf) All(t *clr.Thread) iter.Seq[clr.Value] {
	return func(yield func(clr.Value) bool) {
		for i := 0; ; i++ {
			t.Step()
			v, ok := m.get(t, i)
			if !ok || !yield(v) {
				return
			}
		}
	}
}
