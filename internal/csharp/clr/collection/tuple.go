package collection

import (
	"fmt"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Tuple is a Tuple<T1, …>, the class; C#'s own tuples are [clr.Record].
type Tuple struct {
	T     *clr.Type
	Items []clr.Value
}

// Type is the tuple's.
func (u *Tuple) Type() *clr.Type { return u.T }

// tuples are Tuple<…> by the number of their parameters; tupleKeys their names
// in declarations, from one parameter on.
var (
	tuples    = makeTuples()
	tupleKeys = makeTupleKeys()
)

func makeTuples() []*clr.Type {
	out := []*clr.Type{nil}
	for n := 1; n <= 8; n++ {
		out = append(out, clr.Named("System", "Tuple", n))
	}
	return out
}

func makeTupleKeys() []string {
	var out []string
	for n := 1; n <= 8; n++ {
		out = append(out, "System.Tuple<"+tupleParams(n, "TRest")+">")
	}
	return out
}

// tupleParams are T1, T2, …; eighth is how the eighth is called.
func tupleParams(n int, eighth string) string {
	var names []string
	for i := 1; i <= n; i++ {
		name := fmt.Sprintf("T%d", i)
		if i == 8 {
			name = eighth
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// flat are the items, with those of a tuple at the eighth place.
func (u *Tuple) flat() []clr.Value {
	if len(u.Items) < 8 {
		return u.Items
	}
	rest, ok := u.Items[7].O.(*Tuple)
	if !ok {
		return u.Items
	}
	return append(append([]clr.Value(nil), u.Items[:7]...), rest.flat()...)
}

func tupleHooks(n int) *clr.Hooks {
	return &clr.Hooks{
		Text: func(t *clr.Thread, v clr.Value) string { return joined(t, "(", ")", v.O.(*Tuple).flat()...) },
		Equal: func(t *clr.Thread, v, o clr.Value) bool {
			a := v.O.(*Tuple)
			b, ok := o.O.(*Tuple)
			return ok && a.T == b.T && allEqual(t, a.Items, b.Items)
		},
		Hash: func(t *clr.Thread, v clr.Value) uint64 { return hashAll(t, v.O.(*Tuple).Items...) },
		Compare: func(t *clr.Thread, v, o clr.Value) int {
			t.Step()
			t.Enter()
			defer t.Leave()
			a, b := v.O.(*Tuple).Items, o.O.(*Tuple).Items
			for i := range a {
				if c := t.Compare(a[i], b[i]); c != 0 {
					return c
				}
			}
			return 0
		},
	}
}

func newTuple(c *clr.Call) clr.Value {
	c.Allocate(64 + valueSize*len(c.Args))
	of := c.In
	if len(c.Types) > 0 { // Tuple.Create
		of = c.Result
	}
	items := append([]clr.Value(nil), c.Args...)
	if len(items) == 8 {
		if len(c.Types) > 0 {
			items[7] = clr.Obj(&Tuple{T: of.Args[7], Items: []clr.Value{items[7]}})
		}
		if _, ok := items[7].O.(*Tuple); !ok {
			c.Throw(clr.ArgumentException, "The last element of an eight element tuple must be a Tuple.")
		}
	}
	return clr.Obj(&Tuple{T: of, Items: items})
}

func tupleMembers() funcs {
	out := funcs{}
	for n := 1; n <= 8; n++ {
		key := tupleKeys[n-1]
		params := tupleParams(n, "TRest")
		out["new "+key+"("+params+")"] = newTuple
		plain := tupleParams(n, "T8")
		out["System.Tuple.Create<"+plain+">("+plain+")"] = newTuple
		out[key+".Equals(object)"] = same
		out[key+".GetHashCode()"] = hashCode
		out[key+".ToString()"] = text
		for i := range n {
			name := fmt.Sprintf("Item%d", i+1)
			if i == 7 {
				name = "Rest"
			}
			out[key+"."+name] = func(c *clr.Call) clr.Value { return c.Args[0].O.(*Tuple).Items[i] }
		}
	}
	return out
}
