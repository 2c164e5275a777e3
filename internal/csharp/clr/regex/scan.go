package regex

import (
	"github.com/dlclark/regexp2/v2"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// scan goes through the matches in a subject.
type scan struct {
	p    *pattern
	in   *subject
	at   int
	last *regexp2.Match
	over bool
}

// newScan begins at a place; -1 is the beginning, from the right for patterns
// that go there.
func newScan(p *pattern, in *subject, at int) *scan {
	if at < 0 {
		if at = 0; p.opts&rightToLeft != 0 {
			at = in.len()
		}
	}
	return &scan{p: p, in: in, at: at}
}

// next is the next match, or nil.
func (s *scan) next(t *clr.Thread) *match {
	if s.over {
		return nil
	}
	charge(t, s.remaining())
	re := s.p.engine(limit(t, s.p.timeout))
	var m *regexp2.Match
	var err error
	if s.last == nil {
		m, err = re.FindRunesMatchStartingAt(s.in.runes, s.at)
	} else {
		m, err = re.FindNextMatch(s.last)
	}
	if err != nil {
		failed(t, err)
	}
	if m == nil {
		s.over = true
		return nil
	}
	// A search that comes far pays for what it passed only.
	s.last = m
	return newMatch(t, s.p.program, s.in, m, 0)
}

// remaining is about how much a search reads at least.
func (s *scan) remaining() int {
	if s.last == nil {
		return s.in.len()
	}
	return s.last.RuneLength
}

// first is the first match in the subject from a place on; noMatch: there is
// none.
func (p *pattern) first(t *clr.Thread, in *subject, at int) *match {
	if m := newScan(p, in, at).next(t); m != nil {
		return m
	}
	return noMatch
}

// isMatch reports whether there is a match, without saying where.
func (p *pattern) isMatch(t *clr.Thread, s string) bool {
	charge(t, len(s))
	re := p.engine(limit(t, p.timeout))
	var ok bool
	var err error
	if clr.IsASCII(s) {
		ok, err = re.MatchString(s)
	} else {
		ok, err = re.MatchRunes(newSubject(t, s).runes)
	}
	if err != nil {
		failed(t, err)
	}
	return ok
}

// within is the first match in a part of the subject, at whose borders anchors
// match.
func (p *pattern) within(t *clr.Thread, in *subject, from, count int) *match {
	charge(t, count)
	m, err := p.engine(limit(t, p.timeout)).FindRunesMatch(in.runes[from : from+count])
	if err != nil {
		failed(t, err)
	}
	if m == nil {
		return noMatch
	}
	return newMatch(t, p.program, in, m, from)
}
