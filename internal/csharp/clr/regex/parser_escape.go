package regex

import (
	"strconv"
	"unicode"
)

// places are the escapes that match between characters. A boundary of words is
// .NET's own: the joiners U+200C and U+200D are inside a word.
var places = map[uint16]string{'A': `\A`, 'G': `\G`, 'Z': `\Z`, 'z': `\z`}

const (
	ecmaDigits = "09"
	ecmaWords  = "09AZ__azİİ"
	ecmaSpaces = "\t\r  "
)

// backslash translates what follows a backslash outside a set.
func (p *parser) backslash() {
	if p.left() == 0 {
		fail(`Illegal \ at end of pattern.`)
	}
	switch c := p.peek(); c {
	case 'A', 'G', 'Z', 'z':
		p.pos++
		p.place(places[c])
	case 'b', 'B':
		p.pos++
		p.place(p.boundary(c == 'B'))
	case 'w', 'W', 's', 'S', 'd', 'D', 'p', 'P':
		p.pos++
		var set charset
		if c|0x20 == 'p' {
			p.property(&set, c == 'P', p.is(ignoreCase))
		} else {
			p.shorthand(&set, c)
		}
		if p.is(ignoreCase) {
			set.ignoreCase()
		}
		p.unit, p.anchor = len(p.out), false
		p.out = set.append(p.out)
	default:
		p.reference()
	}
}

func (p *parser) boundary(not bool) string {
	switch {
	case p.is(ecmaScript) && not:
		return `(?:(?<=[0-9A-Za-z_\u0130])(?=[0-9A-Za-z_\u0130])|(?<![0-9A-Za-z_\u0130])(?![0-9A-Za-z_\u0130]))`
	case p.is(ecmaScript):
		return `(?:(?<=[0-9A-Za-z_\u0130])(?![0-9A-Za-z_\u0130])|(?<![0-9A-Za-z_\u0130])(?=[0-9A-Za-z_\u0130]))`
	case not:
		return `\B`
	}
	return `\b`
}

// shorthand adds \w, \s or \d, or what they leave out, to a set.
func (p *parser) shorthand(set *charset, c uint16) {
	if !p.is(ecmaScript) {
		set.cats = append(set.cats, `\`+string(rune(c)))
		return
	}
	text := map[uint16]string{'d': ecmaDigits, 'w': ecmaWords, 's': ecmaSpaces}[c|0x20]
	chars := []rune(text)
	var part charset
	for i := 0; i < len(chars); i += 2 {
		part.add(uint16(chars[i]), uint16(chars[i+1]))
	}
	if c < 'a' {
		part.ranges = part.complement()
	}
	set.ranges = append(set.ranges, part.ranges...)
}

// reference translates a reference to a group, or else a character.
func (p *parser) reference() {
	start := p.pos
	angled, end := false, uint16('>')
	c := p.peek()
	switch {
	case c == 'k':
		if p.left() >= 2 {
			p.pos++
			if c = p.next(); c == '<' || c == '\'' {
				angled = true
			}
		}
		if !angled || p.left() == 0 {
			fail(`Malformed \k<...> named back reference.`)
		}
	case (c == '<' || c == '\'') && p.left() > 1:
		angled = true
		p.pos++
	}
	if angled {
		if c == '\'' {
			end = c
		}
		c = p.peek()
	}
	switch {
	case angled && isDigit(c):
		n := p.decimal()
		if p.left() > 0 && p.next() == end {
			p.backReference(n)
			return
		}
	case angled && isWord(c):
		name := p.groupName()
		if p.left() > 0 && p.next() == end {
			n, ok := p.byName[name]
			if !ok && !p.scan {
				fail("Reference to undefined group name " + name + ".")
			}
			p.backReference(n)
			return
		}
	case !angled && c >= '1' && c <= '9' && p.is(ecmaScript):
		if p.ecmaReference() {
			return
		}
	case !angled && c >= '1' && c <= '9':
		if n := p.decimal(); p.scan || n <= 9 || p.known(n) {
			p.backReference(n)
			return
		}
	}
	p.pos = start
	if c := p.char(); !p.scan {
		p.literal(c)
	}
}

// ecmaReference takes as many digits as name a group that stands before.
func (p *parser) ecmaReference() bool {
	before := p.pos - 1
	found, end := -1, p.pos
	for n := int(p.peek() - '0'); n < p.top+1; n = n*10 + int(p.peek()-'0') {
		at, ok := p.groups[n]
		p.pos++
		if ok && at < before {
			found, end = n, p.pos
		}
		if p.left() == 0 || !isDigit(p.peek()) {
			break
		}
	}
	if found < 0 {
		return false
	}
	p.pos = end
	p.backReference(found)
	return true
}

func (p *parser) backReference(n int) {
	if p.scan {
		return
	}
	if !p.known(n) {
		fail("Reference to undefined group number " + strconv.Itoa(n) + ".")
	}
	number := strconv.Itoa(n)
	text := `\k<` + number + ">"
	if p.is(ignoreCase) {
		text = "(?i:" + text + ")"
	}
	if p.is(ecmaScript) { // where a group that has not matched is empty
		text = "(?(" + number + ")" + text + ")"
	}
	p.atom(text)
}

// char is the character of an escape.
func (p *parser) char() uint16 {
	c := p.next()
	switch c {
	case '0', '1', '2', '3', '4', '5', '6', '7':
		p.pos--
		return p.octal()
	case 'x':
		return p.hex(2)
	case 'u':
		return p.hex(4)
	case 'a':
		return 7
	case 'b':
		return '\b'
	case 'e':
		return 0x1B
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'v':
		return '\v'
	case 'c':
		return p.control()
	}
	if !p.is(ecmaScript) && isWord(c) {
		fail(`Unrecognized escape sequence \` + string(rune(c)) + ".")
	}
	return c
}

func (p *parser) octal() uint16 {
	n := uint16(0)
	for i := 0; i < 3 && p.left() > 0 && p.peek() >= '0' && p.peek() <= '7'; i++ {
		if n = n*8 + p.next() - '0'; p.is(ecmaScript) && n >= 0x20 {
			break
		}
	}
	return n & 0xFF
}

func (p *parser) hex(digits int) uint16 {
	n := uint16(0)
	if p.left() < digits {
		fail("Insufficient hexadecimal digits.")
	}
	for range digits {
		c := p.next()
		d, err := strconv.ParseUint(string(rune(c)), 16, 8)
		if err != nil {
			fail("Insufficient hexadecimal digits.")
		}
		n = n<<4 | uint16(d)
	}
	return n
}

func (p *parser) control() uint16 {
	if p.left() == 0 {
		fail("Missing control character.")
	}
	c := p.next()
	if c >= 'a' && c <= 'z' {
		c -= 'a' - 'A'
	}
	if c -= '@'; c >= ' ' {
		fail("Unrecognized control character.")
	}
	return c
}

// property adds the characters of \p{name} to a set, or all others.
func (p *parser) property(set *charset, not, ignoreCase bool) {
	if p.left() < 3 {
		fail(`Incomplete \p{X} character escape.`)
	}
	if p.next() != '{' {
		fail(`Malformed \p{X} character escape.`)
	}
	from := p.pos
	for p.left() > 0 && (isWord(p.peek()) || p.peek() == '-') {
		p.pos++
	}
	name := text(p.in[from:p.pos])
	if p.left() == 0 || p.next() != '}' {
		fail(`Incomplete \p{X} character escape.`)
	}
	if set == nil {
		return
	}
	if block, ok := blocks[name]; ok {
		part := charset{ranges: block}
		if not {
			part.ranges = part.complement()
		}
		set.ranges = append(set.ranges, part.ranges...)
		return
	}
	if !categories[name] {
		fail("Unknown property '" + name + "'.")
	}
	switch cased := name == "Lu" || name == "Ll" || name == "Lt"; {
	case cased && ignoreCase:
		set.cased(not)
	case not:
		set.cats = append(set.cats, `\P{`+name+"}")
	default:
		set.cats = append(set.cats, `\p{`+name+"}")
	}
}

// isWord reports a word character, as in names and at boundaries.
func isWord(c uint16) bool {
	switch {
	case c < 0x80:
		return c|0x20 >= 'a' && c|0x20 <= 'z' || isDigit(c) || c == '_'
	case c == 0x200C || c == 0x200D:
		return true
	}
	return unicode.In(rune(c), unicode.L, unicode.Mn, unicode.Nd, unicode.Pc)
}
