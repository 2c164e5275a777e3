package collection

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// What First, Last, Single and ElementAt say.
const (
	noElements = "Sequence contains no elements"
	noMatch    = "Sequence contains no matching element"
	moreThan   = "Sequence contains more than one element"
	moreMatch  = "Sequence contains more than one matching element"
)

// pickMembers are the members that give one element. Each has a form that
// throws where there is none, and one that gives default(T).
func pickMembers() funcs {
	const one, matching = "<TSource>(IEnumerable<TSource>)", "<TSource>(IEnumerable<TSource>, Func<TSource, bool>)"
	out := funcs{}
	for name, pick := range map[string]struct {
		one   func(t *clr.Thread, s clr.Sequence) (clr.Value, bool)
		match func(t *clr.Thread, s clr.Sequence, pred clr.Value) (clr.Value, bool)
	}{
		"First": {first, firstMatch}, "Last": {last, lastMatch}, "Single": {single, singleMatch},
	} {
		for end, must := range map[string]bool{"": true, "OrDefault": false} {
			out[enumerable+"."+name+end+one] = func(c *clr.Call) clr.Value {
				v, ok := pick.one(c.Thread, src(c))
				return orDefault(c, v, ok, must, noElements)
			}
			out[enumerable+"."+name+end+matching] = func(c *clr.Call) clr.Value {
				s, pred := src(c), function(c, 1, "predicate")
				v, ok := pick.match(c.Thread, s, pred)
				return orDefault(c, v, ok, must, noMatch)
			}
		}
	}
	out[enumerable+".ElementAt<TSource>(IEnumerable<TSource>, int)"] = func(c *clr.Call) clr.Value {
		s, i := src(c), c.Int(1)
		if l := listed(s); l != nil && places(s) == nil {
			return at(c.Thread, l, i)
		}
		v, ok := elementAt(c.Thread, s, i)
		if !ok {
			throwOutOfRange(c.Thread, "index")
		}
		return v
	}
	out[enumerable+".ElementAtOrDefault<TSource>(IEnumerable<TSource>, int)"] = func(c *clr.Call) clr.Value {
		v, ok := elementAt(c.Thread, src(c), c.Int(1))
		return orDefault(c, v, ok, false, "")
	}
	return out
}

func orDefault(c *clr.Call, v clr.Value, ok, must bool, message string) clr.Value {
	switch {
	case ok:
		return v
	case must:
		c.Throw(clr.InvalidOperationException, message)
	}
	return clr.Zero(c.Types[0])
}

func first(t *clr.Thread, s clr.Sequence) (clr.Value, bool) {
	if p := places(s); p != nil {
		return p.first(t)
	}
	if l := listed(s); l != nil {
		t.Step()
		if l.Len() == 0 {
			return clr.Null, false
		}
		return l.At(0), true
	}
	for v := range s.All(t) {
		return v, true
	}
	return clr.Null, false
}

func firstMatch(t *clr.Thread, s clr.Sequence, pred clr.Value) (clr.Value, bool) {
	if o, ok := s.(*ordered); ok {
		return o.best(t, pred, false)
	}
	for v := range s.All(t) {
		if t.Invoke(pred, v).Bool() {
			return v, true
		}
	}
	return clr.Null, false
}

func last(t *clr.Thread, s clr.Sequence) (v clr.Value, found bool) {
	if p := places(s); p != nil {
		return p.last(t)
	}
	if l := listed(s); l != nil {
		t.Step()
		if l.Len() == 0 {
			return clr.Null, false
		}
		return l.At(l.Len() - 1), true
	}
	for w := range s.All(t) {
		v, found = w, true
	}
	return v, found
}

// lastMatch goes through a list from its end.
func lastMatch(t *clr.Thread, s clr.Sequence, pred clr.Value) (v clr.Value, found bool) {
	if o, ok := s.(*ordered); ok {
		return o.best(t, pred, true)
	}
	if l := listed(s); l != nil {
		for i := l.Len() - 1; i >= 0; i-- {
			t.Step()
			if i >= l.Len() {
				throwIndex(t, l)
			}
			if w := l.At(i); t.Invoke(pred, w).Bool() {
				return w, true
			}
		}
		return clr.Null, false
	}
	for w := range s.All(t) {
		if t.Invoke(pred, w).Bool() {
			v, found = w, true
		}
	}
	return v, found
}

func single(t *clr.Thread, s clr.Sequence) (v clr.Value, found bool) {
	for w := range s.All(t) {
		if found {
			t.Throw(clr.InvalidOperationException, moreThan)
		}
		v, found = w, true
	}
	return v, found
}

func singleMatch(t *clr.Thread, s clr.Sequence, pred clr.Value) (v clr.Value, found bool) {
	for w := range s.All(t) {
		if t.Invoke(pred, w).Bool() {
			if found {
				t.Throw(clr.InvalidOperationException, moreMatch)
			}
			v, found = w, true
		}
	}
	return v, found
}

func elementAt(t *clr.Thread, s clr.Sequence, i int) (clr.Value, bool) {
	if p := places(s); p != nil {
		return p.at(t, i)
	}
	if l := listed(s); l != nil {
		t.Step()
		if i < 0 || i >= l.Len() {
			return clr.Null, false
		}
		return l.At(i), true
	}
	if i >= 0 {
		for v := range s.All(t) {
			if i == 0 {
				return v, true
			}
			i--
		}
	}
	return clr.Null, false
}
