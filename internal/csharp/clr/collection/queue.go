package collection

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Queue is Queue<T>: a ring, as .NET's.
type Queue struct {
	T       *clr.Type
	ring    []clr.Value
	head, n int
	version int
}

// Type is the queue's.
func (q *Queue) Type() *clr.Type { return q.T }

// Len is Count.
func (q *Queue) Len() int { return q.n }

// At is the element that comes out after i others.
func (q *Queue) At(i int) clr.Value { return q.ring[(q.head+i)%len(q.ring)] }

// All goes through the queue; a change meanwhile throws.
func (q *Queue) All(t *clr.Thread) iter.Seq[clr.Value] { return indexed(t, q.Len, q.At, &q.version) }

// Contains reports whether v is in the queue.
func (q *Queue) Contains(t *clr.Thread, v clr.Value) bool { return indexIn(t, q, v, 0, q.n) >= 0 }

// ReadOnly is ICollection<T>.IsReadOnly, which a queue does not have.
func (q *Queue) ReadOnly() bool { return false }

// indexed goes through what has an index and a version.
func indexed(t *clr.Thread, length func() int, at func(int) clr.Value, version *int) iter.Seq[clr.Value] {
	return func(yield func(clr.Value) bool) {
		began := *version
		for i := 0; ; i++ {
			if *version != began {
				throwChanged(t)
			}
			if i >= length() {
				return
			}
			t.Step()
			if !yield(at(i)) {
				return
			}
		}
	}
}

func (q *Queue) enqueue(t *clr.Thread, v clr.Value) {
	if q.n == len(q.ring) {
		q.resize(t, max(4, 2*q.n))
	}
	q.ring[(q.head+q.n)%len(q.ring)] = v
	q.n++
	q.version++
}

func (q *Queue) resize(t *clr.Thread, capacity int) {
	t.Allocate(capacity * valueSize)
	t.Work(q.n)
	ring := make([]clr.Value, capacity)
	for i := range q.n {
		ring[i] = q.At(i)
	}
	q.ring, q.head = ring, 0
	q.version++
}

func (q *Queue) dequeue() clr.Value {
	v := q.ring[q.head]
	q.ring[q.head] = clr.Null
	q.head = (q.head + 1) % len(q.ring)
	q.n--
	q.version++
	return v
}

const queueKey = "System.Collections.Generic.Queue<T>"

func queueMembers() funcs {
	queue := func(c *clr.Call) *Queue { return c.Args[0].O.(*Queue) }
	filled := func(c *clr.Call) *Queue {
		q := queue(c)
		if q.n == 0 {
			c.Throw(clr.InvalidOperationException, "Queue empty.")
		}
		return q
	}
	try := func(take func(q *Queue) clr.Value) clr.Func {
		return func(c *clr.Call) clr.Value {
			q := queue(c)
			if q.n == 0 {
				c.Ref(1).Set(clr.Zero(q.T.Args[0]))
				return clr.Bool(false)
			}
			c.Ref(1).Set(take(q))
			return clr.Bool(true)
		}
	}
	first := func(q *Queue) clr.Value { return q.At(0) }
	return funcs{
		"new " + queueKey + "()": func(c *clr.Call) clr.Value {
			c.Allocate(64)
			return clr.Obj(&Queue{T: c.In})
		},
		"new " + queueKey + "(int)": func(c *clr.Call) clr.Value {
			q := &Queue{T: c.In}
			q.resize(c.Thread, capacityOf(c))
			return clr.Obj(q)
		},
		"new " + queueKey + "(IEnumerable<T>)": func(c *clr.Call) clr.Value {
			c.NotNull(0, "collection")
			elems := gather(c.Thread, c.Args[0], "collection", c.In.Args[0])
			return clr.Obj(&Queue{T: c.In, ring: elems[:len(elems):len(elems)], n: len(elems)})
		},
		queueKey + ".Clear()": func(c *clr.Call) clr.Value {
			q := queue(c)
			c.Work(q.n)
			clear(q.ring)
			q.head, q.n = 0, 0
			q.version++
			return clr.Null
		},
		queueKey + ".Contains(T)":      func(c *clr.Call) clr.Value { return clr.Bool(queue(c).Contains(c.Thread, c.Args[1])) },
		queueKey + ".CopyTo(T[], int)": copyTo("arrayIndex"),
		queueKey + ".Count":            func(c *clr.Call) clr.Value { return clr.Int(int32(queue(c).n)) },
		queueKey + ".Dequeue()":        func(c *clr.Call) clr.Value { return filled(c).dequeue() },
		queueKey + ".Enqueue(T)": func(c *clr.Call) clr.Value {
			queue(c).enqueue(c.Thread, c.Args[1])
			return clr.Null
		},
		queueKey + ".GetEnumerator()": func(c *clr.Call) clr.Value {
			return NewCursor(c.Thread, queueEnumerator.Of(queue(c).T.Args...), c.Args[0])
		},
		queueKey + ".Peek()": func(c *clr.Call) clr.Value { return filled(c).At(0) },
		queueKey + ".ToArray()": func(c *clr.Call) clr.Value {
			return newArray(c.Result.Args[0], toSlice(c.Thread, c.Args[0].O.(clr.Sequence)))
		},
		queueKey + ".TrimExcess()": func(c *clr.Call) clr.Value {
			if q := queue(c); q.n < int(float64(len(q.ring))*0.9) {
				q.resize(c.Thread, q.n)
			}
			return clr.Null
		},
		queueKey + ".TryDequeue(out T)": try((*Queue).dequeue),
		queueKey + ".TryPeek(out T)":    try(first),
	}
}

// capacityOf is the capacity that a constructor is given.
func capacityOf(c *clr.Call) int {
	if c.Int(0) < 0 {
		throwActual(c.Thread, "capacity", nonNegative, c.Int(0))
	}
	return c.Int(0)
}
