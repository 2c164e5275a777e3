package liquid

import (
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/collection"
	"github.com/cloister-ai/cloister/internal/csharp/clr/json"
	"github.com/cloister-ai/cloister/internal/csharp/clr/number"
	"github.com/cloister-ai/cloister/internal/csharp/clr/xml"
)

// Hash is a value with members.
type Hash interface {
	clr.Object
	// Get gives a member, and whether there is one.
	Get(t *clr.Thread, name string) (clr.Value, bool)
	// Each goes through the members until f is false.
	Each(t *clr.Thread, f func(name string, v clr.Value) bool)
}

// List is a value that is a list, such as an array of .NET.
type List interface {
	clr.Object
	Len() int
	At(i int) clr.Value
}

// valueSize is what a value in a list takes.
const valueSize = 40

// fields is a hash of a few members.
type fields map[string]clr.Value

func (fields) Type() *clr.Type { return clr.ObjectType }

func (f fields) Get(_ *clr.Thread, name string) (clr.Value, bool) {
	v, ok := f[name]
	return v, ok
}

func (f fields) Each(_ *clr.Thread, do func(name string, v clr.Value) bool) {
	names := make([]string, 0, len(f))
	for name := range f {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !do(name, f[name]) {
			return
		}
	}
}

// list is a list that the engine has made.
type list []clr.Value

func (list) Type() *clr.Type      { return clr.ObjectType }
func (l list) Len() int           { return len(l) }
func (l list) At(i int) clr.Value { return l[i] }

// pair is a member of a hash: Key and Value.
type pair struct {
	key   string
	value clr.Value
}

func (*pair) Type() *clr.Type { return clr.ObjectType }

func (p *pair) Get(_ *clr.Thread, name string) (clr.Value, bool) {
	switch {
	case name == "Key" || name == "key":
		return clr.Str(p.key), true
	case name == "Value" || name == "value", name == p.key:
		return p.value, true
	}
	return clr.Null, false
}

func (p *pair) Each(_ *clr.Thread, f func(name string, v clr.Value) bool) {
	_ = f("Key", clr.Str(p.key)) && f("Value", p.value)
}

// nothing is empty and blank.
type nothing struct{}

func (nothing) Type() *clr.Type { return clr.ObjectType }

// plain takes values out of what Json.NET and XML keep them in.
func (r *renderer) plain(v clr.Value) clr.Value {
	for {
		switch o := v.O.(type) {
		case *json.Value:
			v = o.V
		case *json.Property:
			v = clr.Obj(o.Value())
		case *xml.Node:
			return r.element(o)
		default:
			return v
		}
	}
}

// isScalar reports a text, a number, a moment and what else Convert knows.
func isScalar(v clr.Value) bool {
	if _, ok := v.O.(*number.Decimal); ok {
		return true
	}
	switch v.Type() {
	case clr.String, clr.Boolean, clr.Char, clr.SByte, clr.Byte, clr.Int16, clr.UInt16, clr.Int32, clr.UInt32, clr.Int64, clr.UInt64,
		clr.Single, clr.Double, clr.DateTime:
		return true
	}
	return false
}

// scalar is the text of an element, and everything else as it is.
func (r *renderer) scalar(v clr.Value) clr.Value {
	if e, ok := v.O.(*element); ok {
		return clr.Str(e.n.Value(r.Thread))
	}
	return v
}

// asText is a value that is a text.
func (r *renderer) asText(v clr.Value) (string, bool) {
	if v = r.scalar(v); v.Is(clr.String) {
		return v.S, true
	}
	return "", false
}

// list is a value that is a list; a text is none here.
func (r *renderer) list(v clr.Value) ([]clr.Value, bool) {
	switch o := v.O.(type) {
	case *json.Object, Hash:
		return nil, false
	case list:
		return o, true
	case List:
		r.Allocate(o.Len() * valueSize)
		out := make([]clr.Value, o.Len())
		for i := range out {
			r.Step()
			out[i] = r.plain(o.At(i))
		}
		return out, true
	case clr.Sequence:
		var out []clr.Value
		for v := range o.All(r.Thread) {
			r.Step()
			r.Allocate(2 * valueSize)
			if p, ok := v.O.(*collection.Pair); ok {
				out = append(out, clr.Obj(&pair{r.shown(p.Key), r.plain(p.Value)}))
				continue
			}
			out = append(out, r.plain(v))
		}
		return out, true
	}
	return nil, false
}

// items are what a loop goes through: a list, the pairs of a hash, the elements
// in an element, the characters of a text.
func (r *renderer) items(v clr.Value) ([]clr.Value, bool) {
	switch o := v.O.(type) {
	case *element:
		return o.items(r, ""), true
	case *json.Object, Hash:
		var out []clr.Value
		r.members(v, func(name string, v clr.Value) bool {
			r.Allocate(120)
			out = append(out, clr.Obj(&pair{name, v}))
			return true
		})
		return out, true
	}
	if v.Is(clr.String) {
		var out []clr.Value
		for s := v.S; s != ""; {
			_, size := clr.Decode(s)
			r.Step()
			r.Allocate(2 * valueSize)
			out = append(out, clr.Str(s[:size]))
			s = s[size:]
		}
		return out, true
	}
	return r.list(v)
}

// members goes through the members of a hash.
func (r *renderer) members(v clr.Value, f func(name string, v clr.Value) bool) {
	switch o := v.O.(type) {
	case *json.Object:
		for _, p := range o.Properties() {
			r.Step()
			if !f(p.Name, r.plain(clr.Obj(p.Value()))) {
				return
			}
		}
	case Hash:
		o.Each(r.Thread, func(name string, v clr.Value) bool {
			r.Step()
			return f(name, r.plain(v))
		})
	}
}

// empty is what empty and blank are equal to: a text or a list with nothing in it.
func (r *renderer) empty(v clr.Value) bool {
	if s, ok := r.asText(v); ok {
		return s == ""
	}
	items, ok := r.items(v)
	return ok && len(items) == 0
}

// member is what a value has under a key.
func (r *renderer) member(v, key clr.Value, bracket bool) clr.Value {
	if key.Is(clr.Int32) || key.Is(clr.Int64) {
		i := int(key.Int())
		if p, ok := v.O.(*pair); ok {
			switch i {
			case 0:
				return clr.Str(p.key)
			case 1:
				return p.value
			}
			return clr.Null
		}
		if o, ok := v.O.(List); ok {
			if i >= 0 && i < o.Len() {
				return r.plain(o.At(i))
			}
			return clr.Null
		}
		if items, ok := r.list(v); ok && i >= 0 && i < len(items) {
			return items[i]
		}
		return clr.Null
	}
	name, ok := r.asText(key)
	if !ok {
		return clr.Null
	}
	switch o := v.O.(type) {
	case *element:
		if found, ok := o.member(r, name); ok {
			return found
		}
	case *json.Object:
		r.Work(o.Len()/8 + 1)
		if p := o.Property(name); p != nil {
			return r.plain(clr.Obj(p.Value()))
		}
	case Hash:
		if found, ok := o.Get(r.Thread, name); ok {
			return r.plain(found)
		}
	case elements:
		if found := r.special(v, name, bracket); !found.IsNull() || len(o) == 0 {
			return found
		}
		return r.member(clr.Obj(o[0]), key, bracket)
	}
	return r.special(v, name, bracket)
}

// special are size, first and last of what can be gone through.
func (r *renderer) special(v clr.Value, name string, bracket bool) clr.Value {
	if bracket || name != "size" && name != "first" && name != "last" {
		return clr.Null
	}
	if v.Is(clr.String) && name == "size" {
		return clr.Int(int32(clr.Length(v.S)))
	}
	items, ok := r.items(v)
	switch {
	case !ok:
	case name == "size":
		return clr.Int(int32(len(items)))
	case len(items) == 0:
	case name == "first":
		return items[0]
	default:
		return items[len(items)-1]
	}
	return clr.Null
}

// shown is a value as it is written.
func (r *renderer) shown(v clr.Value) string {
	if v.Is(clr.Boolean) {
		if v.Bool() {
			return "true"
		}
		return "false"
	}
	return r.text(v)
}

// text is ToString(), and of a list that of its items in a row.
func (r *renderer) text(v clr.Value) string {
	v = r.scalar(v)
	if v.IsNull() || isScalar(v) {
		return r.Text(v)
	}
	switch o := v.O.(type) {
	case nothing:
		return ""
	case *pair:
		return "[" + o.key + ", " + r.nested(o.value) + "]"
	case *json.Object, Hash:
		var b strings.Builder
		r.members(v, func(name string, v clr.Value) bool {
			s := r.nested(v)
			r.Allocate(2 * (len(name) + len(s) + 4))
			b.WriteString("[" + name + ", " + s + "]")
			return true
		})
		return b.String()
	}
	items, ok := r.list(v)
	if !ok {
		if v.Type() == clr.ObjectType {
			return ""
		}
		return r.Text(v)
	}
	var b strings.Builder
	for _, item := range items {
		s := r.nested(item)
		r.Allocate(2 * len(s))
		b.WriteString(s)
	}
	return b.String()
}

// nested is text, one level deeper.
func (r *renderer) nested(v clr.Value) string {
	r.Step()
	r.Enter()
	s := r.text(v)
	r.Leave()
	return s
}

// whole is a value as an Int32; it throws where it is none.
func (r *renderer) whole(v clr.Value) int {
	return int(number.To(r.Thread, r.scalar(v), clr.Int32).Int())
}

// expr is something that has a value.
type expr interface {
	evaluate(r *renderer) clr.Value
}

type constant clr.Value

func (c constant) evaluate(*renderer) clr.Value { return clr.Value(c) }

// spanExpr is (from..to).
type spanExpr struct{ from, to expr }

func (e *spanExpr) evaluate(r *renderer) clr.Value {
	from, to := r.whole(e.from.evaluate(r)), r.whole(e.to.evaluate(r))
	if to < from {
		return clr.Obj(list{})
	}
	r.Allocate((to - from + 1) * valueSize)
	out := make(list, 0, to-from+1)
	for i := from; i <= to; i++ {
		r.Step()
		out = append(out, clr.Int(int32(i)))
	}
	return clr.Obj(out)
}

// pathExpr is a variable with members.
type pathExpr struct {
	root  string
	steps []pathStep
}

type pathStep struct {
	key     expr
	bracket bool
}

func (e *pathExpr) evaluate(r *renderer) clr.Value {
	r.Step()
	v := r.lookup(e.root)
	for _, s := range e.steps {
		if v.IsNull() {
			return v
		}
		r.Step()
		v = r.member(v, s.key.evaluate(r), s.bracket)
	}
	return v
}

// lookup finds a variable, from the innermost block outwards.
func (r *renderer) lookup(name string) clr.Value {
	for i := len(r.vars) - 1; i >= 0; i-- {
		if v, ok := r.vars[i][name]; ok {
			return v
		}
	}
	if i, ok := r.counters[name]; ok {
		return clr.Int(i)
	}
	if r.scope.Names != nil {
		if v, ok := r.scope.Names(name); ok {
			return r.plain(v)
		}
	}
	return clr.Null
}
