package collection

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Stack is Stack<T>.
type Stack struct {
	T *clr.Type
	// elems has the top at its end; room is .NET's capacity.
	elems   []clr.Value
	room    int
	version int
}

// Type is the stack's.
func (s *Stack) Type() *clr.Type { return s.T }

// Len is Count.
func (s *Stack) Len() int { return len(s.elems) }

// At is the element under i others.
func (s *Stack) At(i int) clr.Value { return s.elems[len(s.elems)-1-i] }

// All goes through the stack from its top; a change meanwhile throws.
func (s *Stack) All(t *clr.Thread) iter.Seq[clr.Value] { return indexed(t, s.Len, s.At, &s.version) }

// Contains reports whether v is in the stack.
func (s *Stack) Contains(t *clr.Thread, v clr.Value) bool {
	return indexIn(t, s, v, 0, len(s.elems)) >= 0
}

// ReadOnly is ICollection<T>.IsReadOnly, which a stack does not have.
func (s *Stack) ReadOnly() bool { return false }

func (s *Stack) push(t *clr.Thread, v clr.Value) {
	if len(s.elems) == s.room {
		s.resize(t, max(4, 2*s.room))
	}
	s.elems = append(s.elems, v)
	s.version++
}

func (s *Stack) resize(t *clr.Thread, capacity int) {
	t.Allocate(capacity * valueSize)
	t.Work(len(s.elems))
	s.elems, s.room = append(make([]clr.Value, 0, capacity), s.elems...), capacity
}

func (s *Stack) pop() clr.Value {
	last := len(s.elems) - 1
	v := s.elems[last]
	s.elems[last] = clr.Null
	s.elems = s.elems[:last]
	s.version++
	return v
}

const stackKey = "System.Collections.Generic.Stack<T>"

func stackMembers() funcs {
	stack := func(c *clr.Call) *Stack { return c.Args[0].O.(*Stack) }
	filled := func(c *clr.Call) *Stack {
		s := stack(c)
		if len(s.elems) == 0 {
			c.Throw(clr.InvalidOperationException, "Stack empty.")
		}
		return s
	}
	try := func(take func(s *Stack) clr.Value) clr.Func {
		return func(c *clr.Call) clr.Value {
			s := stack(c)
			if len(s.elems) == 0 {
				c.Ref(1).Set(clr.Zero(s.T.Args[0]))
				return clr.Bool(false)
			}
			c.Ref(1).Set(take(s))
			return clr.Bool(true)
		}
	}
	top := func(s *Stack) clr.Value { return s.At(0) }
	return funcs{
		"new " + stackKey + "()": func(c *clr.Call) clr.Value {
			c.Allocate(64)
			return clr.Obj(&Stack{T: c.In})
		},
		"new " + stackKey + "(int)": func(c *clr.Call) clr.Value {
			s := &Stack{T: c.In}
			s.resize(c.Thread, capacityOf(c))
			return clr.Obj(s)
		},
		"new " + stackKey + "(IEnumerable<T>)": func(c *clr.Call) clr.Value {
			c.NotNull(0, "collection")
			elems := gather(c.Thread, c.Args[0], "collection", c.In.Args[0])
			return clr.Obj(&Stack{T: c.In, elems: elems, room: len(elems)})
		},
		stackKey + ".Clear()": func(c *clr.Call) clr.Value {
			s := stack(c)
			c.Work(len(s.elems))
			clear(s.elems)
			s.elems = s.elems[:0]
			s.version++
			return clr.Null
		},
		stackKey + ".Contains(T)":      func(c *clr.Call) clr.Value { return clr.Bool(stack(c).Contains(c.Thread, c.Args[1])) },
		stackKey + ".CopyTo(T[], int)": copyTo("arrayIndex"),
		stackKey + ".Count":            func(c *clr.Call) clr.Value { return clr.Int(int32(stack(c).Len())) },
		stackKey + ".GetEnumerator()": func(c *clr.Call) clr.Value {
			return NewCursor(c.Thread, stackEnumerator.Of(stack(c).T.Args...), c.Args[0])
		},
		stackKey + ".Peek()": func(c *clr.Call) clr.Value { return filled(c).At(0) },
		stackKey + ".Pop()":  func(c *clr.Call) clr.Value { return filled(c).pop() },
		stackKey + ".Push(T)": func(c *clr.Call) clr.Value {
			stack(c).push(c.Thread, c.Args[1])
			return clr.Null
		},
		stackKey + ".ToArray()": func(c *clr.Call) clr.Value {
			return newArray(c.Result.Args[0], toSlice(c.Thread, c.Args[0].O.(clr.Sequence)))
		},
		stackKey + ".TrimExcess()": func(c *clr.Call) clr.Value {
			if s := stack(c); len(s.elems) < int(float64(s.room)*0.9) {
				s.resize(c.Thread, len(s.elems))
				s.version++
			}
			return clr.Null
		},
		stackKey + ".TryPeek(out T)": try(top),
		stackKey + ".TryPop(out T)":  try((*Stack).pop),
	}
}
