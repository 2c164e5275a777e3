package regex

import "slices"

// count is the first pass: it finds the groups, since a pattern may refer to
// one before it stands there. Groups without names come first, by their opening
// parentheses, then those with names.
func (p *parser) count() {
	p.groups, p.byName, p.autocap = map[int]int{}, map[string]int{}, 1
	p.scan = true
	defer func() { p.scan = false }()
	p.note(0, 0)
	for p.left() > 0 {
		pos := p.pos
		switch p.next() {
		case '\\':
			if p.left() > 0 {
				p.countEscape()
			}
		case '#':
			if p.is(ignorePatternWhitespace) {
				p.pos--
				p.blanks()
			}
		case '[':
			p.class(false, true)
		case ')':
			if len(p.optStack) > 0 {
				p.pop()
			}
		case '(':
			if p.left() >= 2 && p.at(1) == '#' && p.peek() == '?' {
				p.pos--
				p.blanks()
				p.ignoreParen = false
				continue
			}
			p.push()
			p.countGroup(pos)
		}
	}
	for _, name := range p.names {
		for p.known(p.autocap) {
			p.autocap++
		}
		at := p.byName[name]
		p.byName[name] = p.autocap
		p.note(p.autocap, at)
		p.autocap++
	}
}

// countEscape passes an escape; what is wrong with a character is said here
// already.
func (p *parser) countEscape() {
	switch p.peek() {
	case 'A', 'G', 'Z', 'z', 'b', 'B', 'w', 'W', 's', 'S', 'd', 'D', 'p', 'P':
		p.pos++
	default:
		p.reference()
	}
}

func (p *parser) note(number, pos int) {
	if p.known(number) {
		return
	}
	p.groups[number] = pos
	p.top = max(p.top, number+1)
}

func (p *parser) countGroup(pos int) {
	ignore := p.ignoreParen
	p.ignoreParen = false
	if p.left() == 0 || p.peek() != '?' {
		if !p.is(explicitCapture) && !ignore {
			p.note(p.autocap, pos)
			p.autocap++
		}
		return
	}
	p.pos++
	if p.left() > 1 && (p.peek() == '<' || p.peek() == '\'') {
		p.pos++
		switch c := p.peek(); {
		case c == '0' || !isWord(c):
		case isDigit(c):
			p.note(p.decimal(), pos)
		default:
			name := p.groupName()
			if _, ok := p.byName[name]; !ok {
				p.byName[name] = pos
				p.names = append(p.names, name)
			}
		}
		return
	}
	p.options()
	if p.left() == 0 {
		return
	}
	switch p.peek() {
	case ')':
		p.pos++
		p.popKeep()
	case '(':
		p.ignoreParen = true
	}
}

// numbers are the groups' numbers, sorted.
func (p *parser) numbers() []int {
	var out []int
	for n := range p.groups {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}
