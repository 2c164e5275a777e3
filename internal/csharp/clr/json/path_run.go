package json

import (
	"encoding/base64"
	"iter"
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// selection is a path that is followed from a root.
type selection struct {
	t    *clr.Thread
	root Token
	// must: a place that is not there throws.
	must bool
}

// selectOne is SelectToken: the one token at path, or nil.
func selectOne(t *clr.Thread, k Token, path string, must bool) Token {
	steps := parsePath(t, path)
	s := selection{t, k, must}
	var found Token
	s.from(steps, k, func(k Token) bool {
		if found != nil {
			t.Throw(clr.JsonException, "Path returned multiple tokens.")
		}
		found = k
		return true
	})
	return found
}

// selectAll is SelectTokens: the path is read at once, and followed when the
// sequence is gone through.
func selectAll(c *clr.Call, must bool) clr.Value {
	steps := parsePath(c.Thread, c.Text(1, "expression"))
	k := self(c)
	return tokens(c, func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			s := selection{t, k, must}
			s.from(steps, k, func(k Token) bool { return yield(clr.Obj(k)) })
		}
	})
}

// from follows steps from k; false: yield wants no more.
func (s *selection) from(steps []step, k Token, yield func(Token) bool) bool {
	for i := range steps {
		if at := &steps[i]; at.kind == sliceStep && at.slice.hasStep && at.slice.step == 0 {
			s.t.Throw(clr.JsonException, "Step cannot be zero.")
		}
	}
	return s.follow(steps, k, yield)
}

// follow goes along steps that lead to one token, and branches at the others.
func (s *selection) follow(steps []step, k Token, yield func(Token) bool) bool {
	for i := range steps {
		s.t.Step()
		at := &steps[i]
		switch {
		case at.kind == rootStep:
			k = s.root
		case at.kind == fieldStep && len(at.names) > 0:
			k = s.field(at, k)
		case at.kind == itemStep && len(at.indexes) > 0:
			k = s.item(k, at.indexes[0])
		default:
			s.t.Enter()
			more := s.branch(at, k, func(k Token) bool { return s.follow(steps[i+1:], k, yield) })
			s.t.Leave()
			return more
		}
		if k == nil {
			return true
		}
	}
	return yield(k)
}

func (s *selection) fail(message string) { s.t.Throw(clr.JsonException, message) }

// field is the property's value of an object.
func (s *selection) field(at *step, k Token) Token {
	o, ok := k.(*Object)
	if !ok {
		if s.must {
			s.fail("Property '" + at.names[0] + "' not valid on " + k.Type().Name + ".")
		}
		return nil
	}
	v := o.find(at.names[0])
	if v == nil && s.must {
		s.fail("Property '" + at.names[0] + "' does not exist on JObject.")
	}
	return v
}

// item is the token at i of an array or constructor.
func (s *selection) item(k Token, i int) Token {
	switch k.(type) {
	case *Array, *Constructor:
	default:
		if s.must {
			s.fail("Index " + strconv.Itoa(i) + " not valid on " + k.Type().Name + ".")
		}
		return nil
	}
	c := k.(Container)
	if i >= c.Len() {
		if s.must {
			s.fail("Index " + strconv.Itoa(i) + " outside the bounds of " + k.Type().Name + ".")
		}
		return nil
	}
	return item(s.t, c, i)
}

// branch gives out what a step leads to from k.
func (s *selection) branch(at *step, k Token, yield func(Token) bool) bool {
	switch at.kind {
	case fieldStep:
		return s.allFields(k, yield)
	case fieldsStep:
		return s.fields(at, k, yield)
	case itemStep:
		return s.allItems(k, yield)
	case itemsStep:
		for _, i := range at.indexes {
			if v := s.item(k, i); v != nil && !yield(v) {
				return false
			}
		}
	case sliceStep:
		return s.slice(at.slice, k, yield)
	case scanStep, scansStep:
		return s.scan(at, k, yield)
	case queryStep:
		for v := range k.All(s.t) {
			if s.matches(at.query, v.O.(Token)) && !yield(v.O.(Token)) {
				return false
			}
		}
	case queryScanStep:
		return s.each(k, true, func(d Token) bool { return !s.matches(at.query, d) || yield(d) })
	}
	return true
}

func (s *selection) allFields(k Token, yield func(Token) bool) bool {
	o, ok := k.(*Object)
	if !ok {
		if s.must {
			s.fail("Property '*' not valid on " + k.Type().Name + ".")
		}
		return true
	}
	for v := range o.All(s.t) {
		if !yield(v.O.(*Property).value) {
			return false
		}
	}
	return true
}

// fields fails behind the first name, found or not, where must is set: so does
// Newtonsoft.
func (s *selection) fields(at *step, k Token, yield func(Token) bool) bool {
	o, ok := k.(*Object)
	if !ok {
		if s.must {
			s.fail("Properties '" + strings.Join(at.names, "', '") + "' not valid on " + k.Type().Name + ".")
		}
		return true
	}
	for _, name := range at.names {
		if v := o.find(name); v != nil && !yield(v) {
			return false
		}
		if s.must {
			s.fail("Property '" + name + "' does not exist on JObject.")
		}
	}
	return true
}

func (s *selection) allItems(k Token, yield func(Token) bool) bool {
	switch k.(type) {
	case *Array, *Constructor:
		for v := range k.All(s.t) {
			if !yield(v.O.(Token)) {
				return false
			}
		}
	default:
		if s.must {
			s.fail("Index * not valid on " + k.Type().Name + ".")
		}
	}
	return true
}

// within are the places of a slice in n items.
func (c slice) within(n int) (start, stop, step int) {
	step = 1
	if c.hasStep {
		step = c.step
	}
	start, stop = 0, n
	if step < 0 {
		start, stop = n-1, -1
	}
	if c.hasStart {
		start = c.start
	}
	if c.hasEnd {
		stop = c.end
	}
	if c.hasStart && c.start < 0 {
		start += n
	}
	if c.hasEnd && c.end < 0 {
		stop += n
	}
	if step > 0 {
		start = min(max(start, 0), n)
	} else {
		start = min(start, n-1)
	}
	return start, min(max(stop, -1), n), step
}

func (s *selection) slice(c slice, k Token, yield func(Token) bool) bool {
	a, ok := k.(*Array)
	if !ok {
		if s.must {
			s.fail("Array slice is not valid on " + k.Type().Name + ".")
		}
		return true
	}
	start, stop, step := c.within(a.Len())
	inside := func(i int) bool { return step > 0 && i < stop || step < 0 && i > stop }
	if !inside(start) && s.must {
		s.fail("Array slice of " + orStar(c.start, c.hasStart) + " to " + orStar(c.end, c.hasEnd) + " returned no results.")
	}
	for i := start; inside(i); i += step {
		s.t.Step()
		if !yield(item(s.t, a, i)) {
			return false
		}
	}
	return true
}

func orStar(n int, has bool) string {
	if !has {
		return "*"
	}
	return strconv.Itoa(n)
}

// scan gives out the values of the properties of that name below k, at any
// depth; without a name k and every token that is no property.
func (s *selection) scan(at *step, k Token, yield func(Token) bool) bool {
	if len(at.names) == 0 {
		return s.each(k, true, func(d Token) bool {
			_, property := d.(*Property)
			return property && d != k || yield(d)
		})
	}
	return s.each(k, false, func(d Token) bool {
		p, ok := d.(*Property)
		if !ok {
			return true
		}
		for _, name := range at.names {
			if p.Name == name && !yield(p.value) {
				return false
			}
		}
		return true
	})
}

// each goes through all that is in k, and k itself first where asked.
func (s *selection) each(k Token, self bool, yield func(Token) bool) bool {
	c, ok := k.(Container)
	if !ok {
		return !self || yield(k)
	}
	return descendants(s.t, c, self, func(v clr.Value) bool { return yield(v.O.(Token)) })
}

// matches reports whether a condition holds for k.
func (s *selection) matches(q query, k Token) bool {
	s.t.Step()
	s.t.Enter()
	defer s.t.Leave()
	switch q := q.(type) {
	case *logic:
		for _, part := range q.parts {
			if s.matches(part, k) == q.or {
				return q.or
			}
		}
		return !q.or
	case *comparison:
		return s.compare(q, k)
	}
	return false
}

// results gives out what a side of a comparison stands for.
func (s *selection) results(of side, k Token, yield func(Token) bool) {
	if of.value != nil {
		yield(of.value)
		return
	}
	inner := selection{s.t, s.root, false}
	inner.from(of.steps, k, yield)
}

func (s *selection) compare(q *comparison, k Token) bool {
	found := false
	if q.op == "" {
		s.results(q.left, k, func(Token) bool {
			found = true
			return false
		})
		return found
	}
	var right []Token
	read := false
	s.results(q.left, k, func(a Token) bool {
		if !read {
			read = true
			s.results(q.right, k, func(b Token) bool {
				s.t.Allocate(16)
				right = append(right, b)
				return true
			})
		}
		for _, b := range right {
			s.t.Step()
			if s.compareTokens(q.op, a, b) {
				found = true
				return false
			}
		}
		return true
	})
	return found
}

func (s *selection) compareTokens(op string, a, b Token) bool {
	x, ok := a.(*Value)
	y, both := b.(*Value)
	if !ok || !both {
		return op == "!="
	}
	switch op {
	case "=~":
		return s.regexMatches(x, y)
	case "==":
		return sameOrText(s.t, x, y)
	case "!=":
		return !sameOrText(s.t, x, y)
	case "===":
		return sameStrictly(s.t, x, y)
	case "!==":
		return !sameStrictly(s.t, x, y)
	}
	switch c := compareValues(s.t, x, y); op {
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	case "<":
		return c < 0
	default:
		return c <= 0
	}
}

// numeric reports an integer beside a float.
func numeric(x, y *Value) bool {
	return x.kind == KindInteger && y.kind == KindFloat || x.kind == KindFloat && y.kind == KindInteger
}

func sameStrictly(t *clr.Thread, x, y *Value) bool {
	if numeric(x, y) {
		return compareAs(t, x.kind, x.V, y.V) == 0
	}
	return x.kind == y.kind && sameValues(t, x, y)
}

// sameOrText is ==: a date, Guid and the like is equal to its text.
func sameOrText(t *clr.Thread, x, y *Value) bool {
	if sameValues(t, x, y) {
		return true
	}
	if numeric(x, y) {
		return compareAs(t, x.kind, x.V, y.V) == 0
	}
	if y.kind != KindString || y.V.O == nil {
		return false
	}
	text := ""
	switch x.kind {
	case KindDate:
		w := writer{t: t}
		w.simple(x.V)
		text = strings.Trim(string(w.b), `"`)
	case KindBytes:
		raw, _ := bytesOf(x.V)
		t.Allocate(len(raw) * 2)
		text = base64.StdEncoding.EncodeToString(raw)
	case KindGuid, KindTimeSpan:
		text = t.Text(x.V)
	case KindURI:
		text = uriText(t, x.V)
	default:
		return false
	}
	return text == t.Text(y.V)
}

// regexMatches is =~ /pattern/options.
func (s *selection) regexMatches(x, y *Value) bool {
	if x.kind != KindString || y.kind != KindString || x.V.O == nil {
		return false
	}
	text := s.t.Text(y.V)
	end := strings.LastIndexByte(text, '/')
	if end < 1 {
		s.t.ThrowRange("length", "Length cannot be less than zero.")
	}
	options := int64(0)
	for _, c := range text[end+1:] {
		options |= regexOptions[c]
	}
	match := call(s.t, "System.Text.RegularExpressions.Regex.IsMatch(string, string, RegexOptions)",
		clr.Str(s.t.Text(x.V)), clr.Str(text[1:end]), clr.Number(clr.Int32, options))
	return match.Bool()
}

// regexOptions are the letters behind a pattern, as RegexOptions.
var regexOptions = map[rune]int64{'i': 1, 'm': 2, 's': 16, 'x': 4}
