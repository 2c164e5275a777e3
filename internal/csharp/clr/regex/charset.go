package regex

import (
	"slices"
	"unicode"
)

// span is a range of code units, both ends included.
type span struct{ lo, hi uint16 }

// charset is a set of characters in brackets.
type charset struct {
	ranges []span
	cats   []string // as the engine writes them: \w, \P{Lu}
	negate bool
	minus  *charset // what is taken out of it
}

func (s *charset) add(lo, hi uint16) { s.ranges = append(s.ranges, span{lo, hi}) }

// class reads a set; "[" has been read. In the first pass only its end is
// looked for.
func (p *parser) class(ignoreCase, scan bool) *charset {
	return p.classIn(ignoreCase, scan, 0)
}

func (p *parser) classIn(ignoreCase, scan bool, depth int) *charset {
	if depth > MaxNesting {
		panic(&tooLarge{"depth", "500 sets in each other"})
	}
	set := &charset{}
	if p.left() > 0 && p.peek() == '^' {
		p.pos++
		set.negate = true
	}
	var from uint16
	inRange := false
	for first := true; ; first = false {
		if p.left() == 0 {
			fail("Unterminated [] set.")
		}
		c := p.next()
		escaped := false
		switch {
		case c == ']' && !first:
			if ignoreCase {
				set.ignoreCase()
			}
			return set
		case c == '\\' && p.left() > 0:
			var done bool
			if c, done = p.classEscape(set, inRange, ignoreCase, scan); done {
				continue
			}
			escaped = true
		case c == '[' && p.left() > 0 && p.peek() == ':' && !inRange:
			p.posixName()
		}
		switch {
		case inRange:
			inRange = false
			switch {
			case c == '[' && !escaped && !first:
				set.add(from, from)
				p.subtract(set, ignoreCase, scan, depth)
			case from > c && !scan:
				fail("[x-y] range in reverse order.")
			default:
				set.add(from, c)
			}
		case p.left() >= 2 && p.peek() == '-' && p.at(1) != ']':
			from, inRange = c, true
			p.pos++
		case p.left() >= 1 && c == '-' && !escaped && p.peek() == '[' && !first:
			p.pos++
			p.subtract(set, ignoreCase, scan, depth)
		default:
			set.add(c, c)
		}
	}
}

// posixName passes [:name:], of which .NET keeps only the bracket.
func (p *parser) posixName() {
	here := p.pos
	p.pos++
	p.groupName()
	if p.left() < 2 || p.next() != ':' || p.next() != ']' {
		p.pos = here
	}
}

func (p *parser) subtract(set *charset, ignoreCase, scan bool, depth int) {
	set.minus = p.classIn(ignoreCase, scan, depth+1)
	if !scan && p.left() > 0 && p.peek() != ']' {
		fail("A subtraction must be the last element in a character class.")
	}
}

// classEscape reads an escape in a set; done: it is complete, else c is a
// character.
func (p *parser) classEscape(set *charset, inRange, ignoreCase, scan bool) (c uint16, done bool) {
	switch c = p.next(); c {
	case 'd', 'D', 's', 'S', 'w', 'W', 'p', 'P':
		if inRange && !scan {
			fail(`Cannot include class \` + string(rune(c)) + " in character range.")
		}
		switch {
		case c|0x20 == 'p' && scan:
			p.property(nil, false, false)
		case c|0x20 == 'p':
			p.property(set, c == 'P', ignoreCase)
		case !scan:
			p.shorthand(set, c)
		}
		return 0, true
	case '-':
		set.add(c, c)
		return 0, true
	}
	p.pos--
	return p.char(), false
}

// normal are the ranges in order, without overlaps.
func (s *charset) normal() []span {
	r := slices.Clone(s.ranges)
	slices.SortFunc(r, func(a, b span) int { return int(a.lo) - int(b.lo) })
	out := r[:0]
	for _, x := range r {
		if n := len(out); n > 0 && int(x.lo) <= int(out[n-1].hi)+1 {
			out[n-1].hi = max(out[n-1].hi, x.hi)
			continue
		}
		out = append(out, x)
	}
	return out
}

// complement are the ranges of all other characters.
func (s *charset) complement() []span {
	var out []span
	next := 0
	for _, x := range s.normal() {
		if int(x.lo) > next {
			out = append(out, span{uint16(next), x.lo - 1})
		}
		next = int(x.hi) + 1
	}
	if next <= 0xFFFF {
		out = append(out, span{uint16(next), 0xFFFF})
	}
	return out
}

// ignoreCase adds to the ranges every character whose lower case is in them, or
// is the lower case of one in them. Categories know no case.
func (s *charset) ignoreCase() {
	r := s.normal()
	in := func(c uint16) bool {
		i, ok := slices.BinarySearchFunc(r, c, func(x span, c uint16) int { return int(x.lo) - int(c) })
		return ok || i > 0 && r[i-1].hi >= c
	}
	s.ranges = r
	if n := len(r); n == 0 || r[n-1].hi < 0x80 { // ASCII letters have no others
		for c := uint16('A'); c <= 'Z'; c++ {
			if l := c + 'a' - 'A'; in(c) != in(l) {
				s.add(c, c)
				s.add(l, l)
			}
		}
		s.ranges = s.normal()
		return
	}
	f := folding()
	lowered := map[uint16]bool{}
	for _, pair := range f.pairs {
		if in(pair.upper) {
			lowered[pair.lower] = true
			s.add(pair.lower, pair.lower)
		}
	}
	for _, pair := range f.pairs {
		if lowered[pair.lower] || in(pair.lower) {
			s.add(pair.upper, pair.upper)
		}
	}
	s.ranges = s.normal()
}

// cased adds \p{Lu}, \p{Ll} and \p{Lt}, which are one where case does not
// count.
func (s *charset) cased(not bool) {
	if !not {
		s.cats = append(s.cats, `\p{Lu}`, `\p{Ll}`, `\p{Lt}`)
		return
	}
	var all charset
	for c := range 1 << 16 {
		if unicode.In(rune(c), unicode.Lu, unicode.Ll, unicode.Lt) {
			all.add(uint16(c), uint16(c))
		}
	}
	s.ranges = append(s.ranges, all.complement()...)
}

// append writes a range for the engine; one without characters is nothing.
func (x span) append(b []byte) []byte {
	if x.hi < x.lo {
		return b
	}
	if b = appendUnit(b, x.lo); x.hi == x.lo {
		return b
	}
	if x.hi > x.lo+1 {
		b = append(b, '-')
	}
	return appendUnit(b, x.hi)
}

// append writes the set for the engine.
func (s *charset) append(b []byte) []byte {
	b = append(b, '[')
	if s.negate {
		b = append(b, '^')
	}
	for _, x := range s.normal() {
		for _, part := range []span{{0, 0xD7FF}, {0xD800, 0xDFFF}, {0xE000, 0xFFFF}} {
			b = span{max(x.lo, part.lo), min(x.hi, part.hi)}.append(b)
		}
	}
	for _, c := range s.cats {
		b = append(b, c...)
	}
	if s.minus != nil {
		b = append(b, '-')
		b = s.minus.append(b)
	}
	return append(b, ']')
}
