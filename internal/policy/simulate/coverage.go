package simulate

import (
	"cmp"
	"slices"

	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/site"
)

// Coverage is which policies and branches of documents ran. Its zero value knows
// of none.
type Coverage struct {
	seen map[point]*place
	// branches are those of one pipeline, by where it finds them.
	branches map[string]point
}

// point is where a policy stands, or a branch of one.
type point struct {
	pos    site.Pos
	branch bool
}

type place struct {
	what string
	ran  bool
}

// Covered is how much of one document ran.
type Covered struct {
	Document   string   `json:"document"`
	Policies   int      `json:"policies"`
	OfPolicies int      `json:"ofPolicies"`
	Branches   int      `json:"branches"`
	OfBranches int      `json:"ofBranches"`
	Missed     []Missed `json:"missed"`
}

// Missed is a place that did not run.
type Missed struct {
	// At is FILE:LINE:COLUMN.
	At   string `json:"at"`
	What string `json:"what"`
}

func newCoverage(p *policy.Pipeline) *Coverage {
	c := &Coverage{seen: map[point]*place{}, branches: map[string]point{}}
	policies, branches := p.Places()
	for _, at := range policies {
		c.seen[point{at.Pos, false}] = &place{what: at.Policy}
	}
	for _, at := range branches {
		b := point{at.Pos, true}
		c.seen[b] = &place{what: "branch " + at.Path}
		c.branches[branchKey(at, at.Path)] = b
	}
	return c
}

func branchKey(at policy.Place, path string) string { return at.Section + " " + at.Scope + " " + path }

func (c *Coverage) see(r *Result) {
	for i := range r.Trace {
		e := &r.Trace[i]
		c.run(point{e.place.Pos, false})
		for _, s := range e.Said {
			if s.Name == "branch" {
				c.run(c.branches[branchKey(e.place, s.Value)])
			}
		}
	}
}

func (c *Coverage) run(at point) {
	if p := c.seen[at]; p != nil {
		p.ran = true
	}
}

// Merge adds what another run has seen.
func (c *Coverage) Merge(other *Coverage) {
	if c.seen == nil {
		c.seen = map[point]*place{}
	}
	for at, p := range other.seen {
		if known := c.seen[at]; known != nil {
			known.ran = known.ran || p.ran
		} else {
			c.seen[at] = &place{p.what, p.ran}
		}
	}
}

// Documents are the documents by name, with what did not run in its order.
func (c *Coverage) Documents() (out []*Covered) {
	points := make([]point, 0, len(c.seen))
	for at := range c.seen {
		points = append(points, at)
	}
	slices.SortFunc(points, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.pos.File, b.pos.File), cmp.Compare(a.pos.Line, b.pos.Line), cmp.Compare(a.pos.Column, b.pos.Column))
	})
	for _, at := range points {
		if len(out) == 0 || out[len(out)-1].Document != at.pos.File {
			out = append(out, &Covered{Document: at.pos.File, Missed: []Missed{}})
		}
		d, p := out[len(out)-1], c.seen[at]
		ran := 0
		if p.ran {
			ran = 1
		} else {
			d.Missed = append(d.Missed, Missed{at.pos.String(), p.what})
		}
		if at.branch {
			d.Branches, d.OfBranches = d.Branches+ran, d.OfBranches+1
		} else {
			d.Policies, d.OfPolicies = d.Policies+ran, d.OfPolicies+1
		}
	}
	return out
}
