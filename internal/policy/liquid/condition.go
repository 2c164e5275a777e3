package liquid

import (
	"errors"
	"reflect"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/number"
	"github.com/cloister-ai/cloister/internal/csharp/clr/text"
)

// condition is a list of tests with "and" and "or" between them; those on the
// right belong together.
type condition struct {
	tests          []test
	negate, always bool
}

type test struct {
	left, right expr
	// operator is empty where the value itself counts.
	operator string
	// then is what stands before the next test: and, or.
	then string
}

func (c *condition) is(r *renderer) bool {
	if c.always {
		return true
	}
	return c.from(r, 0) != c.negate
}

func (c *condition) from(r *renderer, i int) bool {
	for ; i < len(c.tests); i++ {
		t := &c.tests[i]
		is := t.is(r)
		switch {
		case t.then == "and" && !is, t.then == "or" && is, t.then == "":
			return is
		}
	}
	return false
}

func (t *test) is(r *renderer) bool {
	r.Step()
	left := t.left.evaluate(r)
	if t.operator == "" {
		return truthy(left)
	}
	right := t.right.evaluate(r)
	switch t.operator {
	case "==":
		return r.equal(left, right)
	case "!=", "<>":
		return !r.equal(left, right)
	case "<", "<=", ">", ">=":
		if left.IsNull() || right.IsNull() {
			return false
		}
		d := r.compare(left, right)
		switch t.operator {
		case "<":
			return d < 0
		case "<=":
			return d <= 0
		case ">":
			return d > 0
		}
		return d >= 0
	}
	return r.holds(t.operator, left, right)
}

// holds are the operators in words.
func (r *renderer) holds(operator string, left, right clr.Value) bool {
	if h, ok := left.O.(Hash); ok && (operator == "hasKey" || operator == "hasValue") {
		found := false
		h.Each(r.Thread, func(name string, v clr.Value) bool {
			r.Step()
			found = operator == "hasKey" && name == r.shown(right) || operator == "hasValue" && r.equal(v, right)
			return !found
		})
		return found
	}
	if s, ok := r.asText(left); ok {
		sub := r.shown(right)
		r.Work((len(s) + len(sub)) / 16)
		switch operator {
		case "contains":
			return strings.Contains(s, sub)
		case "startswith":
			return strings.HasPrefix(s, sub)
		case "endswith":
			return strings.HasSuffix(s, sub)
		}
		return false
	}
	items, ok := r.list(left)
	if !ok || len(items) == 0 {
		return false
	}
	switch operator {
	case "contains":
		for _, v := range items {
			r.Step()
			if v.Type() == right.Type() && r.equal(v, right) {
				return true
			}
		}
	case "startswith":
		return r.equal(items[0], right)
	case "endswith":
		return r.equal(items[len(items)-1], right)
	}
	return false
}

func truthy(v clr.Value) bool { return !v.IsNull() && (!v.Is(clr.Boolean) || v.Bool()) }

// equal is ==: the right side becomes what the left one is, where it can.
func (r *renderer) equal(left, right clr.Value) bool {
	left, right = r.scalar(left), r.scalar(right)
	if _, ok := left.O.(nothing); ok {
		return r.empty(right)
	}
	if _, ok := right.O.(nothing); ok {
		return r.empty(left)
	}
	if left.IsNull() || right.IsNull() {
		return left.IsNull() && right.IsNull()
	}
	if left.Type() != right.Type() && isScalar(left) && isScalar(right) {
		if converted, ok := r.become(right, left.Type()); ok {
			right = converted
		}
	}
	if left.Type() != right.Type() {
		return false
	}
	if left.Is(clr.String) {
		r.Work(len(left.S) / 64)
		return left.S == right.S
	}
	if d, ok := left.O.(*number.Decimal); ok {
		return d.Cmp(*right.O.(*number.Decimal)) == 0
	}
	if isScalar(left) {
		return r.compare(left, right) == 0
	}
	return identical(left.O, right.O)
}

// identical reports one and the same object.
func identical(a, b clr.Object) bool { return reflect.TypeOf(a).Comparable() && a == b }

// become is Convert.ChangeType.
func (r *renderer) become(v clr.Value, to *clr.Type) (out clr.Value, ok bool) {
	ok = r.tried(func() { out = number.To(r.Thread, v, to) })
	return out, ok
}

// tried calls f, and reports whether it has thrown nothing.
func (r *renderer) tried(f func()) bool {
	depth := r.Depth()
	err := csharp.Guarded(f)
	if err == nil {
		return true
	}
	var thrown *csharp.Error
	if r.Over() || !errors.As(err, &thrown) {
		panic(err)
	}
	r.SetDepth(depth)
	return false
}

// compare orders two values that are not null: the right one becomes what the
// left one is.
func (r *renderer) compare(left, right clr.Value) int {
	left, right = r.scalar(left), r.scalar(right)
	if !isScalar(left) || !isScalar(right) {
		r.Throw(clr.ArgumentException, "Liquid cannot order these values.")
	}
	if left.Type() != right.Type() {
		right = number.To(r.Thread, right, left.Type())
	}
	switch left.Type() {
	case clr.String:
		r.Work((len(left.S) + len(right.S)) / 8)
		return text.Compare(left.S, right.S, false)
	case clr.Double, clr.Single:
		switch a, b := left.Float(), right.Float(); {
		case a < b:
			return -1
		case a > b:
			return 1
		}
		return 0
	}
	if d, ok := left.O.(*number.Decimal); ok {
		return d.Cmp(*right.O.(*number.Decimal))
	}
	a, b := left.Int(), right.Int()
	switch left.Type() {
	case clr.UInt64:
		if left.N < right.N {
			return -1
		}
		if left.N > right.N {
			return 1
		}
		return 0
	case clr.DateTime:
		const ticks = 1<<62 - 1
		a, b = a&ticks, b&ticks
	}
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
