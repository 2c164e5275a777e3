package policy

import (
	"slices"
	"strings"
)

// shortest is the length from which a named value is looked for in what is
// said about the expression that it was put into. A shorter one would be found
// everywhere.
const shortest = 4

// hide puts {{name}} in the place of each named value in a text.
func (x *Expression) hide(text string) string {
	for i, s := range x.origin.segments {
		if s.name == "" || i+1 == len(x.origin.segments) {
			continue
		}
		from, to := s.at-x.start, min(x.origin.segments[i+1].at-x.start, len(x.Source))
		if to-from >= shortest {
			text = strings.ReplaceAll(text, x.Source[from:to], "{{"+s.name+"}}")
		}
	}
	return text
}

// left are the named values that have not been put in. Braces around a value
// that has been make no name of it.
func (x *Expression) left() []use {
	var uses []use
	for from := 0; ; {
		start, end, name := findName(x.Source, from)
		if name == "" {
			return uses
		}
		if x.Named(start, end) == "" {
			uses = append(uses, use{name: name, from: start, to: end})
		}
		from = end
	}
}

// inCode are the uses whose place is neither in a string nor in a comment. What
// stands around a name is as it is written: {{…}} is balanced.
func (x *Expression) inCode(uses []use) []use {
	return slices.DeleteFunc(uses, func(u use) bool {
		return isExpression(x.Source[:u.from]+"("+x.Source[u.to:], 0)
	})
}

// fill is the expression with a value in the place of each use.
func (x *Expression) fill(uses []use, values []string) Expression {
	src := x.Source
	out := *x
	out.origin, out.start = Origin{lines: x.origin.lines}, 0
	origin := x.origin.from(x.start)
	var b strings.Builder
	at := 0
	for i, u := range uses {
		copyText(&b, &out.origin, src, origin, at, u.from)
		out.origin.add(segment{at: b.Len(), source: origin.source(u.from), fixed: true, name: u.name})
		b.WriteString(values[i])
		at = u.to
	}
	copyText(&b, &out.origin, src, origin, at, len(src))
	out.origin.add(segment{at: b.Len(), source: origin.source(len(src))})
	out.Source = b.String()
	return out
}
