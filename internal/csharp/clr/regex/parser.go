package regex

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of patterns. .NET has none; a real pattern is far below them.
const (
	MaxPattern = 1 << 15 // code units
	MaxNesting = 500     // parentheses in each other
)

// syntaxError says what is wrong with a pattern, in .NET's words.
type syntaxError struct{ text string }

func (e *syntaxError) Error() string { return e.text }

// tooLarge says that a pattern passes a limit of ours: memory or depth.
type tooLarge struct{ limit, most string }

func (e *tooLarge) Error() string { return "the pattern passes the limit of " + e.limit + " " + e.most }

// parser reads a .NET pattern, as code units, and writes the same pattern in a
// form that says everything explicitly: groups have numbers, letters whose case
// does not count are sets, options are gone. So errors and meaning are .NET's
// and not those of the engine's own dialect, which has grown beyond it.
type parser struct {
	in   []uint16
	pos  int
	opts Options
	// optStack are the options outside the open parentheses.
	optStack []Options

	// What the first pass finds: groups[number] is where the group stands.
	groups  map[int]int
	names   []string // in the order of their first mention
	byName  map[string]int
	top     int // the largest number, plus one
	autocap int
	scan    bool // the first pass
	// ignoreParen: the next parenthesis is a condition, no group.
	ignoreParen bool

	out    []byte
	unit   int // where the last atom begins in out; -1: there is none
	anchor bool
	frames []frame
}

// frame is an open parenthesis.
type frame struct {
	test bool // (?( … whose condition is an expression
	ref  bool // (?(1 …
	cond bool // the condition itself
	bars int
}

func fail(text string) { panic(&syntaxError{text}) }

// parse translates a pattern for the engine.
func parse(pattern string, opts Options) (p *parser, err error) {
	p = &parser{in: units(pattern), opts: opts, unit: -1}
	if len(p.in) > MaxPattern {
		return nil, &tooLarge{"memory", strconv.Itoa(MaxPattern) + " characters of a pattern"}
	}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *syntaxError:
			p, err = nil, r
		case *tooLarge:
			p, err = nil, r
		default:
			panic(r)
		}
	}()
	p.count()
	p.pos, p.opts, p.optStack, p.autocap, p.ignoreParen = 0, opts, nil, 1, false
	p.translate()
	return p, nil
}

func units(s string) []uint16 {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return wide(s)
		}
	}
	u := make([]uint16, len(s))
	for i := 0; i < len(s); i++ {
		u[i] = uint16(s[i])
	}
	return u
}

// The classes of ASCII characters in patterns.
const (
	plain   = iota
	blank   // white space, under x
	hash    // #, under x
	special // begins something
	quantifies
)

func classOf(c uint16) int {
	switch c {
	case '\t', '\n', '\f', '\r', ' ':
		return blank
	case '#':
		return hash
	case '$', '(', ')', '.', '[', '\\', '^', '|':
		return special
	case '*', '+', '?', '{':
		return quantifies
	}
	return plain
}

func (p *parser) left() int         { return len(p.in) - p.pos }
func (p *parser) peek() uint16      { return p.in[p.pos] }
func (p *parser) at(i int) uint16   { return p.in[p.pos+i] }
func (p *parser) next() uint16      { p.pos++; return p.in[p.pos-1] }
func (p *parser) is(o Options) bool { return p.opts&o != 0 }

func (p *parser) push() {
	if p.optStack = append(p.optStack, p.opts); len(p.optStack) > MaxNesting {
		panic(&tooLarge{"depth", strconv.Itoa(MaxNesting) + " parentheses in each other"})
	}
}

func (p *parser) pop() {
	p.opts = p.optStack[len(p.optStack)-1]
	p.popKeep()
}

func (p *parser) popKeep() { p.optStack = p.optStack[:len(p.optStack)-1] }

// blanks passes comments, and white space under x.
func (p *parser) blanks() {
	for {
		if p.is(ignorePatternWhitespace) {
			for p.left() > 0 && classOf(p.peek()) == blank {
				p.pos++
			}
			if p.left() > 0 && p.peek() == '#' {
				for p.left() > 0 && p.peek() != '\n' {
					p.pos++
				}
				continue
			}
		}
		if p.left() < 3 || p.at(2) != '#' || p.at(1) != '?' || p.peek() != '(' {
			return
		}
		for p.left() > 0 && p.peek() != ')' {
			p.pos++
		}
		if p.left() == 0 {
			fail("Unterminated (?#...) comment.")
		}
		p.pos++
	}
}

// quantified reports whether a quantifier stands here; a "{" alone is none.
func (p *parser) quantified() bool {
	if p.left() == 0 || classOf(p.peek()) != quantifies {
		return false
	}
	if p.peek() != '{' {
		return true
	}
	i := p.pos + 1
	digits := func() {
		for i < len(p.in) && isDigit(p.in[i]) {
			i++
		}
	}
	if digits(); i == p.pos+1 || i == len(p.in) {
		return false
	}
	if p.in[i] == ',' {
		i++
		digits()
	}
	return i < len(p.in) && p.in[i] == '}'
}

func isDigit(c uint16) bool { return c >= '0' && c <= '9' }

// decimal reads a number; the message is .NET's for repetitions too.
func (p *parser) decimal() int {
	n := 0
	for p.left() > 0 && isDigit(p.peek()) {
		if n = n*10 + int(p.next()-'0'); n > 1<<31-1 {
			fail("Capture group numbers must be less than or equal to Int32.MaxValue.")
		}
	}
	return n
}

// groupName reads the word characters that follow.
func (p *parser) groupName() string {
	from := p.pos
	for p.left() > 0 && isWord(p.peek()) {
		p.pos++
	}
	return string(utf16.Decode(p.in[from:p.pos]))
}

// options reads the letters of (?imnsx-imnsx.
func (p *parser) options() {
	for off := false; p.left() > 0; p.pos++ {
		switch c := p.peek(); c {
		case '-':
			off = true
		case '+':
			off = false
		default:
			o := map[uint16]Options{
				'i': ignoreCase, 'm': multiline, 'n': explicitCapture, 's': singleline, 'x': ignorePatternWhitespace,
			}[c|0x20]
			if o == 0 || c > 'z' {
				return
			}
			if off {
				p.opts &^= o
			} else {
				p.opts |= o
			}
		}
	}
}

// literal writes a character that stands for itself.
func (p *parser) literal(c uint16) {
	p.unit, p.anchor = len(p.out), false
	if p.is(ignoreCase) {
		if all := variants(c); len(all) > 1 {
			p.out = append(p.out, '[')
			for _, v := range all {
				p.out = appendUnit(p.out, v)
			}
			p.out = append(p.out, ']')
			return
		}
		c = lower(c)
	}
	p.out = appendUnit(p.out, c)
}

// appendUnit writes a code unit so that it means nothing else.
func appendUnit(b []byte, c uint16) []byte {
	if isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' && c < 0x80 {
		return append(b, byte(c))
	}
	if r := engineRune(c); r > 0xFFFF {
		return utf8.AppendRune(b, r)
	}
	const hex = "0123456789abcdef"
	return append(b, '\\', 'u', hex[c>>12], hex[c>>8&15], hex[c>>4&15], hex[c&15])
}

// atom writes text that is one atom for the engine.
func (p *parser) atom(text string) {
	p.unit, p.anchor = len(p.out), false
	p.out = append(p.out, text...)
}

// place writes an anchor: an atom that the engine may not repeat as it is.
func (p *parser) place(text string) {
	p.atom(text)
	p.anchor = true
}
