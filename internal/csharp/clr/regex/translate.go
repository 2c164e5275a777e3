package regex

import "strconv"

// translate is the second pass.
func (p *parser) translate() {
	quantifier := false
	for p.left() > 0 {
		before := quantifier
		p.blanks()
		if p.unit = -1; p.left() == 0 {
			break
		}
		c := p.next()
		switch class := classOf(c); {
		case class == quantifies && (c != '{' || p.quantifierAt(p.pos-1)):
			if before {
				fail("Nested quantifier " + string(rune(c)) + ".")
			}
			fail("Quantifier {x,y} following nothing.")
		case class == special:
			if !p.special(c) {
				quantifier = false
				continue
			}
		default:
			p.literal(c)
		}
		p.blanks()
		if quantifier = p.quantified(); quantifier {
			p.quantifier()
		}
	}
	if len(p.frames) > 0 {
		fail("Not enough )'s.")
	}
}

func (p *parser) quantifierAt(pos int) bool {
	here := p.pos
	p.pos = pos
	ok := p.quantified()
	p.pos = here
	return ok
}

// special translates what begins with a special character; false: no quantifier
// may follow.
func (p *parser) special(c uint16) bool {
	switch c {
	case '[':
		set := p.class(p.is(ignoreCase), false)
		p.unit, p.anchor = len(p.out), false
		p.out = set.append(p.out)
	case '(':
		p.open()
		return false
	case ')':
		return p.close()
	case '|':
		p.out = append(p.out, '|')
		if n := len(p.frames); n > 0 {
			p.frames[n-1].bars++
		}
		return false
	case '\\':
		p.backslash()
	case '^':
		if p.is(multiline) {
			p.place(`(?m:^)`)
		} else {
			p.place(`\A`)
		}
	case '$':
		if p.is(multiline) {
			p.place(`(?m:$)`)
		} else {
			p.place(`\Z`)
		}
	case '.':
		if p.is(singleline) {
			p.atom(`(?s:.)`)
		} else {
			p.atom(`[^\u000a]`)
		}
	}
	return true
}

// quantifier translates the quantifier that stands here.
func (p *parser) quantifier() {
	if p.anchor {
		p.out = append(p.out[:p.unit], "(?:"+string(p.out[p.unit:])+")"...)
	}
	c := p.next()
	least, most := 0, -1
	if c == '{' {
		least = p.decimal()
		if most = least; p.peek() == ',' {
			p.pos++
			if most = -1; p.peek() != '}' {
				most = p.decimal()
			}
		}
		p.pos++
	}
	p.blanks()
	lazy := p.left() > 0 && p.peek() == '?'
	if lazy {
		p.pos++
	}
	if most >= 0 && least > most {
		fail("Illegal {x,y} with x > y.")
	}
	switch {
	case c != '{':
		p.out = append(p.out, byte(c))
	case most == least:
		p.out = append(p.out, "{"+strconv.Itoa(least)+"}"...)
	case most < 0 || most == 1<<31-1:
		p.out = append(p.out, "{"+strconv.Itoa(least)+",}"...)
	default:
		p.out = append(p.out, "{"+strconv.Itoa(least)+","+strconv.Itoa(most)+"}"...)
	}
	if lazy {
		p.out = append(p.out, '?')
	}
}

// open translates an opening parenthesis and what follows it.
func (p *parser) open() {
	p.push()
	n := len(p.frames)
	condition := n > 0 && p.frames[n-1].test && p.ignoreParen
	if !p.group() {
		p.popKeep() // (?i): only options
		return
	}
	p.frames[len(p.frames)-1].cond = condition
}

// start begins a group: its text for the engine, and its frame.
func (p *parser) start(text string, f frame) {
	p.out = append(p.out, text...)
	p.frames = append(p.frames, f)
}

// close translates a closing parenthesis; false: no quantifier may follow.
func (p *parser) close() bool {
	n := len(p.frames)
	if n == 0 {
		fail("Too many )'s.")
	}
	f := p.frames[n-1]
	p.frames = p.frames[:n-1]
	if (f.test || f.ref) && f.bars > 1 {
		fail("Too many | in (?()|).")
	}
	p.out = append(p.out, ')')
	p.pop()
	p.unit, p.anchor = len(p.out), false
	return !f.cond
}

// group translates what makes the group; false: it was only options.
func (p *parser) group() bool {
	if p.left() == 0 || p.peek() != '?' || p.left() > 1 && p.at(1) == ')' {
		if p.is(explicitCapture) || p.ignoreParen {
			p.ignoreParen = false
			p.start("(?:", frame{})
			return true
		}
		p.start("(?<"+strconv.Itoa(p.autocap)+">", frame{})
		p.autocap++
		return true
	}
	p.ignoreParen = false
	p.pos++
	if p.left() == 0 {
		unknownGroup()
	}
	switch c := p.next(); c {
	case ':', '=', '!', '>':
		p.start("(?"+string(rune(c)), frame{})
	case '\'', '<':
		p.angled(c)
	case '(':
		p.condition()
	default:
		p.pos--
		if n := len(p.frames); n == 0 || !p.frames[n-1].test {
			p.options()
		}
		if p.left() == 0 {
			unknownGroup()
		}
		switch p.next() {
		case ')':
			return false
		case ':':
			p.start("(?:", frame{})
		default:
			unknownGroup()
		}
	}
	return true
}

func unknownGroup() { fail("Unrecognized grouping construct.") }

func badName() { fail("Invalid group name: Group names must begin with a word character.") }

// angled translates (?<name>, (?'name', (?<a-b> and look-behind.
func (p *parser) angled(quote uint16) {
	end := quote
	if quote == '<' {
		end = '>'
	}
	if p.left() == 0 {
		unknownGroup()
	}
	if c := p.peek(); quote == '<' && (c == '=' || c == '!') {
		p.pos++
		p.start("(?<"+string(rune(c)), frame{})
		return
	}
	number, minus := -1, -1
	switch c := p.peek(); {
	case isDigit(c):
		if number = p.decimal(); !p.known(number) {
			number = -1
		}
		p.nameEnds(end, true)
		if number == 0 {
			fail("Capture number cannot be zero.")
		}
	case isWord(c):
		if n, ok := p.byName[p.groupName()]; ok {
			number = n
		}
		p.nameEnds(end, true)
	case c != '-':
		badName()
	}
	if p.left() > 1 && p.peek() == '-' {
		p.pos++
		minus = p.uncaptured(end)
	}
	if number < 0 && minus < 0 || p.left() == 0 || p.next() != end {
		unknownGroup()
	}
	text := "(?<"
	if number >= 0 {
		text += strconv.Itoa(number)
	}
	if minus >= 0 {
		text += "-" + strconv.Itoa(minus)
	}
	p.start(text+">", frame{})
}

// uncaptured reads the name behind the minus of a balancing group.
func (p *parser) uncaptured(end uint16) int {
	switch c := p.peek(); {
	case isDigit(c):
		n := p.decimal()
		if !p.known(n) {
			fail("Reference to undefined group number " + strconv.Itoa(n) + ".")
		}
		p.nameEnds(end, false)
		return n
	case isWord(c):
		name := p.groupName()
		n, ok := p.byName[name]
		if !ok {
			fail("Reference to undefined group name " + name + ".")
		}
		p.nameEnds(end, false)
		return n
	}
	badName()
	return -1
}

func (p *parser) nameEnds(end uint16, minus bool) {
	if p.left() > 0 && p.peek() != end && !(minus && p.peek() == '-') {
		badName()
	}
}

func (p *parser) known(number int) bool { _, ok := p.groups[number]; return ok }

// condition translates (?(…)yes|no).
func (p *parser) condition() {
	paren := p.pos - 1
	if p.left() > 0 {
		switch c := p.peek(); {
		case isDigit(c):
			n := p.decimal()
			if p.left() == 0 || p.next() != ')' {
				fail("(?(" + strconv.Itoa(n) + ") ) malformed.")
			}
			if !p.known(n) {
				fail("(?(" + strconv.Itoa(n) + ") ) reference to undefined group.")
			}
			p.start("(?("+strconv.Itoa(n)+")", frame{ref: true})
			return
		case isWord(c):
			n, ok := p.byName[p.groupName()]
			if ok && p.left() > 0 && p.next() == ')' {
				p.start("(?("+strconv.Itoa(n)+")", frame{ref: true})
				return
			}
		}
	}
	p.pos = paren
	p.ignoreParen = true
	if p.left() >= 3 && p.at(1) == '?' {
		switch c := p.at(2); {
		case c == '#':
			fail("Alternation conditions cannot be comments.")
		case c == '\'', c == '<' && p.left() >= 4 && p.at(3) != '!' && p.at(3) != '=':
			fail("Alternation conditions do not capture and cannot be named.")
		}
	}
	p.start("(?", frame{test: true})
}
