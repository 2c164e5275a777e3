package liquid

import (
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/site"
)

// markup reads what stands between braces.
type markup struct {
	p        *parser
	s        string
	at       int
	base     int // where s begins in the template
	from, to int // the braces
	depth    int
}

// maxBrackets is how deep brackets of a value may stand in each other.
const maxBrackets = 32

func (m *markup) fail(expected, format string, args ...any) {
	m.p.fail(m.from, m.to, expected, "", format, args...)
}

func (m *markup) skip() {
	for m.at < len(m.s) && isSpace(m.s[m.at]) {
		m.at++
	}
}

// take takes a text that stands there.
func (m *markup) take(s string) bool {
	m.skip()
	if !strings.HasPrefix(m.s[min(m.at, len(m.s)):], s) {
		return false
	}
	m.at += len(s)
	return true
}

// takeWord takes a word that stands there by itself.
func (m *markup) takeWord(w string) bool {
	m.skip()
	rest := m.s[min(m.at, len(m.s)):]
	if !strings.HasPrefix(rest, w) || len(rest) > len(w) && (isWord(rest[len(w)]) || rest[len(w)] == '-') {
		return false
	}
	m.at += len(w)
	return true
}

// end wants nothing more.
func (m *markup) end() {
	m.skip()
	if m.at < len(m.s) {
		m.p.lax(m.base+m.at, m.base+len(m.s), "nothing more", "remove it", "Liquid drops %q without a word", strings.TrimSpace(m.s[m.at:]))
	}
}

// name takes the name of a variable.
func (m *markup) name() (string, bool) {
	m.skip()
	n := m.segment()
	if n == 0 {
		return "", false
	}
	name := m.s[m.at : m.at+n]
	m.at += n
	return name, true
}

// segment is how many bytes of a name stand there.
func (m *markup) segment() int {
	n := 0
	for m.at+n < len(m.s) && (isWord(m.s[m.at+n]) || m.s[m.at+n] == '-') {
		n++
	}
	if n > 0 && m.at+n < len(m.s) && m.s[m.at+n] == '?' {
		n++
	}
	return n
}

// value takes a value: a text, a number, a word with a meaning, a range, a
// variable.
func (m *markup) value() (expr, bool) {
	m.skip()
	if m.at >= len(m.s) {
		return nil, false
	}
	switch c := m.s[m.at]; {
	case c == '"' || c == '\'':
		end := strings.IndexByte(m.s[m.at+1:], c)
		if end < 0 {
			m.fail("the closing quote", "a text has no end")
			return nil, false
		}
		text := m.s[m.at+1 : m.at+1+end]
		m.at += end + 2
		return constant(clr.Str(text)), true
	case c == '(':
		return m.span()
	case c >= '0' && c <= '9', (c == '-' || c == '+') && m.at+1 < len(m.s) && m.s[m.at+1] >= '0' && m.s[m.at+1] <= '9':
		if v, ok := m.number(); ok {
			return v, true
		}
	}
	return m.path()
}

// number takes a number; false: it is a name that begins with a digit.
func (m *markup) number() (expr, bool) {
	n := 1
	point := false
	for m.at+n < len(m.s) {
		c := m.s[m.at+n]
		// Two points are a range.
		if c == '.' && !point && m.at+n+1 < len(m.s) && m.s[m.at+n+1] >= '0' && m.s[m.at+n+1] <= '9' {
			point = true
		} else if c < '0' || c > '9' {
			if isWord(c) || c == '-' {
				return nil, false
			}
			break
		}
		n++
	}
	text := m.s[m.at : m.at+n]
	m.at += n
	if !point {
		i, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil:
			m.fail("a smaller number", "the number %s is too large", text)
		case i == int64(int32(i)):
			return constant(clr.Int(int32(i))), true
		}
		return constant(clr.Long(i)), true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		m.fail("a smaller number", "the number %s is too large", text)
	}
	return constant(clr.Float(f)), true
}

// span takes (from..to).
func (m *markup) span() (expr, bool) {
	if m.depth++; m.depth > maxBrackets {
		m.fail("", "brackets stand too deep in each other")
		return nil, false
	}
	defer func() { m.depth-- }()
	m.at++
	from, ok := m.value()
	if ok && m.take("..") {
		if to, ok := m.value(); ok && m.take(")") {
			return &spanExpr{from, to}, true
		}
	}
	m.fail("(1..5)", "the range is incomplete")
	return nil, false
}

// path takes a variable with its members.
func (m *markup) path() (expr, bool) {
	if m.depth++; m.depth > maxBrackets {
		m.fail("", "brackets stand too deep in each other")
		return nil, false
	}
	defer func() { m.depth-- }()
	start := m.at
	out := &pathExpr{}
	n := m.segment()
	if n == 0 {
		return nil, false
	}
	out.root = m.s[m.at : m.at+n]
	m.at += n
	for m.at < len(m.s) {
		switch {
		case m.s[m.at] == '.' && m.at+1 < len(m.s) && m.s[m.at+1] != '.':
			m.at++
			n := m.segment()
			if n == 0 {
				m.fail("a name", "a name is missing behind the point")
				return nil, false
			}
			out.steps = append(out.steps, pathStep{key: constant(clr.Str(m.s[m.at : m.at+n]))})
			m.at += n
			continue
		case m.s[m.at] == '[':
			m.at++
			key, ok := m.value()
			if !ok || !m.take("]") {
				m.fail("]", "the bracket is not complete")
				return nil, false
			}
			out.steps = append(out.steps, pathStep{key: key, bracket: true})
			continue
		}
		break
	}
	if len(out.steps) == 0 {
		if c, ok := wordOf(out.root); ok {
			return c, true
		}
	}
	m.p.uses = append(m.p.uses, Use{out.root, out.written(), m.base + start, m.base + start + len(out.root)})
	return out, true
}

// written are the members whose names are written.
func (e *pathExpr) written() []string {
	var out []string
	for _, s := range e.steps {
		c, ok := s.key.(constant)
		if !ok || !clr.Value(c).Is(clr.String) {
			break
		}
		out = append(out, clr.Value(c).S)
	}
	return out
}

// wordOf is a word with a meaning.
func wordOf(s string) (expr, bool) {
	switch s {
	case "nil", "null":
		return constant(clr.Null), true
	case "true":
		return constant(clr.Bool(true)), true
	case "false":
		return constant(clr.Bool(false)), true
	case "empty", "blank":
		return constant(clr.Obj(nothing{})), true
	}
	return nil, false
}

// output takes a value and its filters, to the end.
func (p *parser) output(m *markup) (node, bool) {
	out := &outputNode{}
	m.skip()
	if m.at >= len(m.s) {
		return out, true // DotLiquid writes nothing for {{ }}
	}
	var ok bool
	if out.value, ok = m.value(); !ok {
		m.fail("a value", "%q is no value", strings.TrimSpace(m.s[m.at:]))
		return nil, false
	}
	for m.take("|") {
		f, ok := m.filter()
		if !ok {
			return nil, false
		}
		out.filters = append(out.filters, f)
	}
	m.end()
	return out, true
}

// filter takes the name of a filter and its arguments.
func (m *markup) filter() (filterCall, bool) {
	m.skip()
	from := m.at
	name := word(m.s[m.at:])
	m.at += len(name)
	if name == "" {
		m.fail("the name of a filter", "a filter has no name")
		return filterCall{}, false
	}
	to := m.at
	out := filterCall{name: name}
	if m.take(":") {
		for {
			v, ok := m.value()
			if !ok {
				m.fail("a value", "the filter %s lacks an argument", name)
				return filterCall{}, false
			}
			out.args = append(out.args, v)
			if !m.take(",") {
				break
			}
		}
	}
	f, known := filters()[name]
	switch {
	case !known:
		m.p.lax(m.base+from, m.base+to, "a filter in C#'s spelling, such as Upcase", nearest(name, filterNames()), "there is no filter %q: Liquid drops it without a word", name)
	case len(out.args) < f.least || len(out.args) > f.most:
		m.p.fail(m.base+from, m.base+to, f.takes(), "", "the filter %s has %d arguments", name, len(out.args))
	default:
		out.do = f.do
	}
	return out, true
}

// condition takes values, their operators, and "and" and "or" between them.
// DotLiquid reads them from the right: a and (b or c).
func (m *markup) condition() (condition, bool) {
	var c condition
	for {
		var t test
		var ok bool
		if t.left, ok = m.value(); !ok {
			m.fail("a condition, such as value == 'text'", "the condition is incomplete")
			return c, false
		}
		if t.operator = m.operator(); t.operator != "" {
			if t.right, ok = m.value(); !ok {
				m.fail("a value", "nothing stands behind %s", t.operator)
				return c, false
			}
		}
		switch {
		case m.takeWord("and"):
			t.then = "and"
		case m.takeWord("or"):
			t.then = "or"
		}
		c.tests = append(c.tests, t)
		if t.then == "" {
			m.end()
			return c, true
		}
	}
}

func (m *markup) operator() string {
	m.skip()
	for _, o := range []string{"==", "!=", "<>", "<=", ">=", "<", ">"} {
		if m.take(o) {
			return o
		}
	}
	for _, o := range []string{"contains", "startswith", "endswith", "hasKey", "hasValue"} {
		if m.takeWord(o) {
			return o
		}
	}
	return ""
}

// nearest is a mend that names the likely candidate.
func nearest(name string, candidates []string) string {
	for _, c := range candidates {
		if strings.EqualFold(strings.ReplaceAll(name, "_", ""), c) {
			return "write " + c
		}
	}
	if near := site.Nearest(name, candidates); near != "" {
		return "write " + near
	}
	return ""
}
