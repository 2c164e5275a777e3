package collection

import (
	"iter"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Cursor is an enumerator that an expression took with GetEnumerator().
type Cursor struct {
	T *clr.Type
	// next is the next element; reset goes back, and is nil where .NET cannot.
	next  func(t *clr.Thread) (clr.Value, bool)
	reset func(t *clr.Thread)
	stop  func(t *clr.Thread)
	// strict: Current throws where there is no element, also as IEnumerator<T>.
	strict bool
	// generic: an array's, as IEnumerator<T>; Mono's says it without full stop.
	generic bool
	state   cursorState
	current clr.Value
}

type cursorState byte

const (
	before cursorState = iota
	within
	after
)

// Type is the enumerator's.
func (c *Cursor) Type() *clr.Type { return c.T }

// NewCursor makes an enumerator over what a sequence gives out.
func NewCursor(t *clr.Thread, of *clr.Type, s clr.Value) clr.Value {
	t.Allocate(128)
	c := &Cursor{T: of}
	var elem *clr.Type
	if len(of.Args) == 1 {
		elem = of.Args[0]
	}
	_, array := s.O.(*clr.ArrayObject)
	c.generic = array && of.Def == enumeratorOf
	c.over(t, source(t, s, "", elem))
	return clr.Obj(c)
}

// over has the cursor go through a sequence.
func (c *Cursor) over(t *clr.Thread, s clr.Sequence) {
	switch o := s.(type) {
	case *clr.ArrayObject:
		c.strict = true
		c.index(o.Len, o.At, new(int))
	case *clr.List:
		c.index(o.Len, o.At, &o.Version)
	case *Queue:
		c.strict = true
		c.index(o.Len, o.At, &o.version)
	case *Stack:
		c.strict = true
		c.index(o.Len, o.At, &o.version)
	case *Set:
		c.slots(&o.table, func(s *slot) clr.Value { return s.key })
	case *view:
		c.slots(&o.d.table, o.of)
	case *Dictionary:
		c.slots(&o.table, func(s *slot) clr.Value { return NewPair(t, o.pair, s.key, s.value) })
	default:
		c.pull(t, s.All(t))
	}
}

// index goes through what has an index.
func (c *Cursor) index(length func() int, at func(int) clr.Value, version *int) {
	i, began := 0, *version
	c.next = func(t *clr.Thread) (clr.Value, bool) {
		if *version != began {
			throwChanged(t)
		}
		if i >= length() {
			return clr.Null, false
		}
		i++
		return at(i - 1), true
	}
	c.reset = func(t *clr.Thread) {
		if *version != began {
			throwChanged(t)
		}
		i = 0
	}
}

// slots goes through a table.
func (c *Cursor) slots(h *table, of func(*slot) clr.Value) {
	i, began := 0, h.version
	c.next = func(t *clr.Thread) (clr.Value, bool) {
		if h.version != began {
			throwChanged(t)
		}
		for ; i < len(h.slots); i++ {
			t.Step()
			if h.used(i) {
				i++
				return of(&h.slots[i-1]), true
			}
		}
		return clr.Null, false
	}
	c.reset = func(t *clr.Thread) {
		if h.version != began {
			throwChanged(t)
		}
		i = 0
	}
}

// pullSize is what a goroutine takes.
const pullSize = 8 << 10

// pull goes through a sequence that has no other way. It holds a goroutine,
// until it is at the end or disposed of, or the run ends. How deep its calls
// are counts only while it runs.
func (c *Cursor) pull(t *clr.Thread, seq iter.Seq[clr.Value]) {
	t.Allocate(pullSize)
	next, stop := iter.Pull(seq)
	t.AtEnd(stop)
	deep := 0
	c.next = func(t *clr.Thread) (clr.Value, bool) {
		d := t.Depth()
		t.SetDepth(d + deep)
		v, ok := next()
		deep = t.Depth() - d
		t.SetDepth(d)
		return v, ok
	}
	c.stop = func(t *clr.Thread) {
		d := t.Depth()
		stop()
		t.SetDepth(d)
	}
}

// MoveNext goes to the next element.
func (c *Cursor) MoveNext(t *clr.Thread) bool {
	t.Step()
	v, ok := c.next(t)
	if c.current = v; ok {
		c.state = within
		return true
	}
	c.state = after
	return false
}

// Dispose ends the going through.
func (c *Cursor) Dispose(t *clr.Thread) {
	if c.stop != nil {
		c.stop(t)
	}
}

// Disposer is an object with something to do for IDisposable.Dispose().
type Disposer interface{ Dispose(t *clr.Thread) }

// enumerate is GetEnumerator() of everything.
func enumerate(c *clr.Call) clr.Value { return NewCursor(c.Thread, c.Result, c.Args[0]) }

func enumeratorMembers() funcs {
	const plain, typed, disposable = "System.Collections.IEnumerator", "System.Collections.Generic.IEnumerator<T>", "System.IDisposable"
	out := funcs{
		"System.Collections.IEnumerable.GetEnumerator()":            enumerate,
		"System.Collections.Generic.IEnumerable<T>.GetEnumerator()": enumerate,

		plain + ".Current": func(c *clr.Call) clr.Value {
			cur := c.Args[0].O.(*Cursor)
			cur.mustBeWithin(c.Thread)
			return cur.current
		},
		plain + ".MoveNext()": moveNext,
		plain + ".Reset()": func(c *clr.Call) clr.Value {
			cur := c.Args[0].O.(*Cursor)
			if cur.reset == nil {
				c.Throw(clr.NotSupportedException, "Specified method is not supported.")
			}
			cur.reset(c.Thread)
			cur.state, cur.current = before, clr.Null
			return clr.Null
		},
		typed + ".Current":        current,
		disposable + ".Dispose()": dispose,
	}
	for _, name := range []string{
		dictionaryKey, "System.Collections.Generic.HashSet<T>", "System.Collections.Generic.List<T>",
		"System.Collections.Generic.Queue<T>", "System.Collections.Generic.Stack<T>",
	} {
		out[name+".Enumerator.Current"] = current
		out[name+".Enumerator.MoveNext()"] = moveNext
		out[name+".Enumerator.Dispose()"] = dispose
	}
	return out
}

func moveNext(c *clr.Call) clr.Value { return clr.Bool(c.Args[0].O.(*Cursor).MoveNext(c.Thread)) }

func dispose(c *clr.Call) clr.Value {
	if d, ok := c.Args[0].O.(Disposer); ok {
		d.Dispose(c.Thread)
	}
	return clr.Null
}

// current is IEnumerator<T>.Current.
func current(c *clr.Call) clr.Value {
	cur := c.Args[0].O.(*Cursor)
	if cur.strict {
		cur.mustBeWithin(c.Thread)
	}
	if cur.state != within {
		return clr.Zero(c.Result)
	}
	return cur.current
}

func (c *Cursor) mustBeWithin(t *clr.Thread) {
	if c.state == within {
		return
	}
	message := "Enumeration has either not started or has already finished."
	switch {
	case c.strict && c.state == before:
		message = "Enumeration has not started. Call MoveNext."
	case c.strict:
		message = "Enumeration already finished."
	}
	if c.generic {
		message = strings.TrimSuffix(message, ".")
	}
	t.Throw(clr.InvalidOperationException, message)
}

// enumerator is Dictionary.GetEnumerator().
func (d *Dictionary) enumerator(t *clr.Thread) clr.Value {
	return NewCursor(t, dictEnumerator.Of(d.T.Args...), clr.Obj(d))
}
