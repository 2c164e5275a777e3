package collection

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// Pair is a KeyValuePair<TKey, TValue>.
type Pair struct {
	T          *clr.Type
	Key, Value clr.Value
}

// Type is the pair's.
func (p *Pair) Type() *clr.Type { return p.T }

// NewPair makes a pair of type of, a KeyValuePair<TKey, TValue>.
func NewPair(t *clr.Thread, of *clr.Type, key, value clr.Value) clr.Value {
	t.Allocate(96)
	return clr.Obj(&Pair{of, key, value})
}

func pairHooks() *clr.Hooks {
	return &clr.Hooks{
		Text: func(t *clr.Thread, v clr.Value) string {
			p := v.O.(*Pair)
			return joined(t, "[", "]", p.Key, p.Value)
		},
		Equal: func(t *clr.Thread, v, o clr.Value) bool {
			p := v.O.(*Pair)
			q, ok := o.O.(*Pair)
			return ok && p.T == q.T && allEqual(t, []clr.Value{p.Key, p.Value}, []clr.Value{q.Key, q.Value})
		},
		Hash: func(t *clr.Thread, v clr.Value) uint64 {
			p := v.O.(*Pair)
			return hashAll(t, p.Key, p.Value)
		},
		Zero: func(of *clr.Type) clr.Value {
			return clr.Obj(&Pair{of, clr.Zero(of.Args[0]), clr.Zero(of.Args[1])})
		},
	}
}

// joined is the text of values with commas between them. Values may hold each
// other, and share what they hold: depth and size are both charged.
func joined(t *clr.Thread, open, end string, values ...clr.Value) string {
	t.Step()
	t.Enter()
	s := open
	for i, v := range values {
		if i > 0 {
			s += ", "
		}
		text := t.Text(v)
		t.Allocate(len(s) + len(text))
		s = clr.Concat(s, text)
	}
	t.Leave()
	return s + end
}

// allEqual compares values one by one.
func allEqual(t *clr.Thread, a, b []clr.Value) bool {
	t.Step()
	t.Enter()
	same := len(a) == len(b)
	for i := 0; same && i < len(a); i++ {
		same = t.Equal(a[i], b[i])
	}
	t.Leave()
	return same
}

// hashAll is one hash of several values.
func hashAll(t *clr.Thread, values ...clr.Value) uint64 {
	t.Step()
	t.Enter()
	n := uint64(len(values))
	for _, v := range values {
		n = (n<<7|n>>57)*0x9E3779B97F4A7C15 ^ t.Hash(v)
	}
	t.Leave()
	return n
}

const pairKey = "System.Collections.Generic.KeyValuePair<TKey, TValue>"

func pairMembers() funcs {
	const entry = "System.Collections.DictionaryEntry"
	return funcs{
		"new " + pairKey + "(TKey, TValue)": func(c *clr.Call) clr.Value { return NewPair(c.Thread, c.In, c.Args[0], c.Args[1]) },
		pairKey + ".Key":                    func(c *clr.Call) clr.Value { return c.Args[0].O.(*Pair).Key },
		pairKey + ".Value":                  func(c *clr.Call) clr.Value { return c.Args[0].O.(*Pair).Value },
		pairKey + ".ToString()":             text,
		pairKey + ".Deconstruct(out TKey, out TValue)": func(c *clr.Call) clr.Value {
			p := c.Args[0].O.(*Pair)
			c.Ref(1).Set(p.Key)
			c.Ref(2).Set(p.Value)
			return clr.Null
		},

		"new " + entry + "(object, object)": func(c *clr.Call) clr.Value { return NewEntry(c.Thread, c.Args[0], c.Args[1]) },
		entry + ".Key":                      func(c *clr.Call) clr.Value { return c.Args[0].O.(*Entry).Key },
		entry + ".Value":                    func(c *clr.Call) clr.Value { return c.Args[0].O.(*Entry).Value },
		entry + ".Key=": func(c *clr.Call) clr.Value {
			c.Args[0].O.(*Entry).Key = c.Args[1]
			return clr.Null
		},
		entry + ".Value=": func(c *clr.Call) clr.Value {
			c.Args[0].O.(*Entry).Value = c.Args[1]
			return clr.Null
		},
		entry + ".Deconstruct(out object, out object)": func(c *clr.Call) clr.Value {
			e := c.Args[0].O.(*Entry)
			c.Ref(1).Set(e.Key)
			c.Ref(2).Set(e.Value)
			return clr.Null
		},
	}
}

// text, same and hashCode are ToString(), Equals(object) and GetHashCode() of
// types that have hooks for them.
func text(c *clr.Call) clr.Value { return clr.Str(c.Thread.Text(c.Args[0])) }

func same(c *clr.Call) clr.Value { return clr.Bool(c.Equal(c.Args[0], c.Args[1])) }

func hashCode(c *clr.Call) clr.Value { return clr.Int(int32(c.Hash(c.Args[0]) >> 16)) }

// Entry is a DictionaryEntry. It is not copied where it is assigned, which
// nobody sees who does not change one.
type Entry struct{ Key, Value clr.Value }

// Type is System.Collections.DictionaryEntry.
func (e *Entry) Type() *clr.Type { return entryType }

// NewEntry makes a DictionaryEntry.
func NewEntry(t *clr.Thread, key, value clr.Value) clr.Value {
	t.Allocate(96)
	return clr.Obj(&Entry{key, value})
}

func entryHooks() *clr.Hooks {
	return &clr.Hooks{
		Equal: func(t *clr.Thread, v, o clr.Value) bool {
			e := v.O.(*Entry)
			f, ok := o.O.(*Entry)
			return ok && allEqual(t, []clr.Value{e.Key, e.Value}, []clr.Value{f.Key, f.Value})
		},
		Hash: func(t *clr.Thread, v clr.Value) uint64 { return hashAll(t, v.O.(*Entry).Key, v.O.(*Entry).Value) },
		Zero: func(*clr.Type) clr.Value { return clr.Obj(&Entry{}) },
	}
}
