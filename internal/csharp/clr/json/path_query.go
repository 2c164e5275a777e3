package json

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// query is the condition of [?( )]: a *comparison, or a *logic of several.
type query interface{}

// logic joins conditions by && or ||.
type logic struct {
	or    bool
	parts []query
}

// comparison holds two sides against each other; op "": the left side exists.
type comparison struct {
	op          string
	left, right side
}

// side is a path, or a value.
type side struct {
	steps []step
	value *Value
}

const openQuery = "Path ended with open query."

// filter reads ?( condition ) up to the bracket that closes it.
func (p *pathParser) filter(end byte, scan bool) step {
	p.i++
	p.need(openIndexer)
	if p.s[p.i] != '(' {
		p.unexpected("Unexpected character while parsing path indexer: ", p.i)
	}
	p.i++
	p.t.Enter()
	q := p.condition()
	p.t.Leave()
	p.i++
	p.need(openIndexer)
	p.blanks()
	if p.i >= len(p.s) {
		p.t.ThrowIndex()
	}
	if p.s[p.i] != end {
		p.unexpected("Unexpected character while parsing path indexer: ", p.i)
	}
	if scan {
		return step{kind: queryScanStep, query: q}
	}
	return step{kind: queryStep, query: q}
}

// condition reads comparisons up to the parenthesis. && and || have no order:
// each change of the operator puts what follows into a condition of its own
// within the one before, as Newtonsoft does.
func (p *pathParser) condition() query {
	var top, in *logic
	for p.i < len(p.s) {
		p.t.Allocate(128)
		c := &comparison{left: p.side()}
		if strings.IndexByte(")|&", p.s[p.i]) < 0 {
			c.op = p.operator()
			c.right = p.side()
		}
		op := p.s[p.i]
		switch op {
		case ')':
			if in == nil {
				return c
			}
			in.parts = append(in.parts, c)
			return top
		case '&', '|':
			if !p.match(string([]byte{op, op})) {
				p.unexpected("Unexpected character while parsing path query: ", p.i)
			}
			if in == nil || in.or != (op == '|') {
				next := &logic{or: op == '|'}
				if in != nil {
					in.parts = append(in.parts, next)
				}
				in = next
				if top == nil {
					top = next
				}
			}
			in.parts = append(in.parts, c)
		}
	}
	p.fail(openQuery)
	return nil
}

func (p *pathParser) match(word string) bool {
	if !strings.HasPrefix(p.s[p.i:], word) {
		return false
	}
	p.i += len(word)
	return true
}

// operators, the longer ones first.
var operators = []string{"===", "==", "=~", "!==", "!=", "<>", "<=", "<", ">=", ">"}

func (p *pathParser) operator() string {
	if p.i+1 >= len(p.s) {
		p.fail(openQuery)
	}
	for _, op := range operators {
		if p.match(op) {
			if op == "<>" {
				op = "!="
			}
			return op
		}
	}
	p.fail("Could not read query operator.")
	return ""
}

// side reads a path that begins with @ or $, or a value.
func (p *pathParser) side() side {
	p.blanks()
	if p.i >= len(p.s) {
		p.t.ThrowIndex()
	}
	var s side
	switch p.s[p.i] {
	case '$', '@':
		s.steps = []step{}
		if p.s[p.i] == '$' {
			s.steps = append(s.steps, step{kind: rootStep})
		}
		p.i++
		var ended bool
		if s.steps, ended = p.path(s.steps, p.i, true); ended {
			p.fail(openQuery)
		}
	default:
		start := p.i
		v, ok := p.literal()
		if !ok {
			if p.i >= len(p.s) {
				p.t.ThrowIndex()
			}
			if p.s[start] == '-' || p.s[start] >= '0' && p.s[start] <= '9' {
				start = p.i
			}
			p.unexpected("Unexpected character while parsing path query: ", start)
		}
		s.value = newValue(p.t, v)
	}
	p.blanks()
	p.need(openQuery)
	return s
}

// literal reads a value.
func (p *pathParser) literal() (clr.Value, bool) {
	c := p.s[p.i]
	switch {
	case c == '\'':
		return clr.Str(p.quoted()), true
	case c == 't' && p.match("true"):
		return clr.Bool(true), true
	case c == 'f' && p.match("false"):
		return clr.Bool(false), true
	case c == 'n' && p.match("null"):
		return clr.Null, true
	case c == '/':
		return clr.Str(p.regex()), true
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	return clr.Null, false
}

func (p *pathParser) number() (clr.Value, bool) {
	start := p.i
	for p.i++; p.i < len(p.s); p.i++ {
		if c := p.s[p.i]; c == ' ' || c == ')' {
			text := p.s[start:p.i]
			if strings.ContainsAny(text, ".Ee") {
				f, ok := parseDouble(text)
				return clr.Float(f), ok
			}
			n, err := strconv.ParseInt(text, 10, 64)
			return clr.Long(n), err == nil
		}
	}
	return clr.Null, false
}

// regex reads /pattern/options.
func (p *pathParser) regex() string {
	start := p.i
	for p.i++; p.i < len(p.s); {
		switch c := p.s[p.i]; {
		case c == '\\' && p.i+1 < len(p.s):
			_, size := clr.Decode(p.s[p.i+1:])
			p.i += 1 + size
		case c == '/':
			p.i++
			for p.i < len(p.s) {
				c, size := clr.Decode(p.s[p.i:])
				if c >= 0x10000 || !unicode.IsLetter(c) {
					break
				}
				p.i += size
			}
			return p.s[start:p.i]
		default:
			p.i++
		}
	}
	p.fail("Path ended with an open regex.")
	return ""
}
