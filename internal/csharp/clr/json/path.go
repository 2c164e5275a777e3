package json

import (
	"strings"
	"unicode"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// A step of a JSONPath.
type step struct {
	kind stepKind
	// names are of fields; none: every field.
	names []string
	// indexes are of items; none: every item.
	indexes []int
	slice   slice
	query   query
}

type stepKind byte

const (
	fieldStep stepKind = iota
	fieldsStep
	scanStep
	scansStep
	itemStep
	itemsStep
	sliceStep
	queryStep
	queryScanStep
	rootStep
)

// slice is [start:end:step]; what is not set was left out.
type slice struct {
	start, end, step          int
	hasStart, hasEnd, hasStep bool
}

// pathParser reads a path as Newtonsoft's JPath does, with its messages. Its
// methods throw.
type pathParser struct {
	t *clr.Thread
	s string
	i int
}

// parsePath reads a path.
func parsePath(t *clr.Thread, s string) []step {
	t.Work(len(s))
	t.Allocate(64 + 96*strings.Count(s, ".") + 96*strings.Count(s, "["))
	p := &pathParser{t: t, s: s}
	return p.main()
}

func (p *pathParser) fail(message string) { p.t.Throw(clr.JsonException, message) }

// unexpected fails at the character of place i.
func (p *pathParser) unexpected(message string, i int) { p.fail(message + charText(p.s[i:])) }

// need fails at the end of the path.
func (p *pathParser) need(message string) {
	if p.i >= len(p.s) {
		p.fail(message)
	}
}

func (p *pathParser) blanks() {
	for p.i < len(p.s) && p.s[p.i] == ' ' {
		p.i++
	}
}

func (p *pathParser) main() []step {
	start := p.i
	p.blanks()
	if p.i == len(p.s) {
		return nil
	}
	if p.s[p.i] == '$' {
		if len(p.s) == 1 {
			return nil
		}
		// Otherwise the name of a property begins with a dollar sign.
		if p.i+1 >= len(p.s) {
			p.t.ThrowIndex()
		}
		if c := p.s[p.i+1]; c == '.' || c == '[' {
			p.i++
			start = p.i
		}
	}
	steps, ended := p.path(nil, start, false)
	if !ended {
		last := p.i
		p.blanks()
		if p.i < len(p.s) {
			p.unexpected("Unexpected character while parsing path: ", last)
		}
	}
	return steps
}

// field is the step of a name; "*" stands for every one.
func field(name string, scan bool) step {
	s := step{kind: fieldStep}
	if scan {
		s.kind = scanStep
	}
	if name != "*" {
		s.names = []string{name}
	}
	return s
}

// path reads steps up to what ends a path; ended: that is the end of the text.
func (p *pathParser) path(steps []step, start int, inQuery bool) (_ []step, ended bool) {
	scan, afterIndexer, afterDot := false, false, false
	name := func(end int) {
		if end > start {
			steps = append(steps, field(p.s[start:end], scan))
			scan = false
		}
	}
loop:
	for p.i < len(p.s) {
		switch c := p.s[p.i]; c {
		case '[', '(':
			name(p.i)
			steps = append(steps, p.indexer(c, scan))
			scan = false
			p.i++
			start, afterIndexer, afterDot = p.i, true, false
		case ']', ')', ' ':
			break loop
		case '.':
			name(p.i)
			if p.i+1 < len(p.s) && p.s[p.i+1] == '.' {
				scan = true
				p.i++
			}
			p.i++
			start, afterIndexer, afterDot = p.i, false, true
		default:
			if inQuery && strings.IndexByte("=<!>|&", c) >= 0 {
				break loop
			}
			if afterIndexer {
				p.unexpected("Unexpected character following indexer: ", p.i)
			}
			p.i++
		}
	}
	ended = p.i == len(p.s)
	if p.i > start {
		steps = append(steps, field(strings.TrimRightFunc(p.s[start:p.i], unicode.IsSpace), scan))
	} else if afterDot && (ended || inQuery) {
		p.fail("Unexpected end while parsing path.")
	}
	return steps, ended
}

const openIndexer = "Path ended with open indexer."

// indexer reads from the bracket to the one that closes it, on which it stays.
func (p *pathParser) indexer(open byte, scan bool) step {
	p.i++
	end := byte(']')
	if open == '(' {
		end = ')'
	}
	p.need(openIndexer)
	p.blanks()
	if p.i >= len(p.s) {
		p.t.ThrowIndex()
	}
	switch p.s[p.i] {
	case '\'':
		return p.fields(end, scan)
	case '?':
		return p.filter(end, scan)
	}
	return p.items(end)
}

// fields reads ['a'] or ['a','b'].
func (p *pathParser) fields(end byte, scan bool) step {
	var names []string
	for p.i < len(p.s) {
		name := p.quoted()
		p.blanks()
		p.need(openIndexer)
		switch p.s[p.i] {
		case end:
			if names == nil {
				if scan {
					return step{kind: scanStep, names: []string{name}}
				}
				return step{kind: fieldStep, names: []string{name}}
			}
			s := step{kind: fieldsStep, names: append(names, name)}
			if scan {
				s.kind = scansStep
			}
			return s
		case ',':
			p.i++
			p.blanks()
			names = append(names, name)
		default:
			p.unexpected("Unexpected character while parsing path indexer: ", p.i)
		}
	}
	p.fail(openIndexer)
	return step{}
}

// quoted reads a string from the character before it.
func (p *pathParser) quoted() string {
	p.i++
	var b []byte
	start := p.i
	for p.i < len(p.s) {
		c := p.s[p.i]
		switch {
		case c == '\'':
			text := p.s[start:p.i]
			p.i++
			if b == nil {
				return text
			}
			return string(append(b, text...))
		case c == '\\' && p.i+1 < len(p.s):
			b = append(b, p.s[start:p.i]...)
			p.i++
			b = append(b, p.escape())
			start = p.i
		default:
			p.i++
		}
	}
	p.fail("Path ended with an open string.")
	return ""
}

func (p *pathParser) escape() byte {
	c := p.s[p.i]
	p.i++
	switch c {
	case 'b':
		return '\b'
	case 't':
		return '\t'
	case 'n':
		return '\n'
	case 'f':
		return '\f'
	case 'r':
		return '\r'
	case '\\', '"', '\'', '/':
		return c
	}
	p.unexpected(`Unknown escape character: \`, p.i-1)
	return 0
}

// items reads [1], [1,2], [*] or [1:2:3].
func (p *pathParser) items(end byte) step {
	n := numberText{p: p, start: p.i, end: -1}
	colons, several := 0, false
	var s step
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == ' ':
			n.end = p.i
			p.blanks()
		case c == end:
			return n.last(s, colons, several)
		case c == ',':
			s.indexes = append(s.indexes, n.must())
			several = true
			n.next()
		case c == '*':
			p.i++
			p.need(openIndexer)
			p.blanks()
			if p.i >= len(p.s) {
				p.t.ThrowIndex()
			}
			if p.s[p.i] != end {
				p.fail("Unexpected character while parsing path indexer: *")
			}
			return step{kind: itemStep}
		case c == ':':
			n.part(&s.slice, colons)
			colons++
			n.next()
		default:
			r, size := clr.Decode(p.s[p.i:])
			if c != '-' && (r >= 0x10000 || !unicode.IsDigit(r)) || n.end >= 0 {
				p.unexpected("Unexpected character while parsing path indexer: ", p.i)
			}
			p.i += size
		}
	}
	p.fail(openIndexer)
	return s
}

// numberText is the number that is being read in brackets.
type numberText struct {
	p          *pathParser
	start, end int // end -1: where the parser stands
}

func (n *numberText) text() string {
	if n.end >= 0 {
		return n.p.s[n.start:n.end]
	}
	return n.p.s[n.start:n.p.i]
}

func (n *numberText) next() {
	n.p.i++
	n.p.blanks()
	n.start, n.end = n.p.i, -1
}

func (n *numberText) int(text string) int {
	if i, ok := smallInteger(text); ok && int64(int32(i)) == i {
		return int(i)
	}
	return int(call(n.p.t, "System.Convert.ToInt32(string)", clr.Str(text)).Int())
}

func (n *numberText) must() int {
	text := n.text()
	if text == "" {
		n.p.fail("Array index expected.")
	}
	return n.int(text)
}

// part is one of the three numbers of a slice, where there is one.
func (n *numberText) part(s *slice, colons int) {
	text := n.text()
	if text == "" {
		return
	}
	switch i := n.int(text); colons {
	case 0:
		s.start, s.hasStart = i, true
	case 1:
		s.end, s.hasEnd = i, true
	default:
		s.step, s.hasStep = i, true
	}
}

// last is the step when the bracket closes.
func (n *numberText) last(s step, colons int, several bool) step {
	switch {
	case several:
		s.kind, s.indexes = itemsStep, append(s.indexes, n.must())
	case colons > 0:
		s.kind = sliceStep
		n.part(&s.slice, colons)
	default:
		s.kind, s.indexes = itemStep, []int{n.must()}
	}
	return s
}
