package text

import (
	"sync/atomic"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Comparer is a StringComparer. It serves as IComparer and IEqualityComparer of
// strings where collections take one.
type Comparer struct {
	t   *clr.Type
	how comparison
}

// Type is the comparer's: StringComparer.
func (s *Comparer) Type() *clr.Type { return s.t }

// Compare is IComparer<string>.Compare.
func (s *Comparer) Compare(t *clr.Thread, a, b clr.Value) int {
	if n, done := compareNull(a, b); done {
		return n
	}
	if a.Is(clr.String) && b.Is(clr.String) {
		return s.how.compare(t, a.S, b.S)
	}
	return t.Compare(a, b)
}

// Equal is IEqualityComparer<string>.Equals.
func (s *Comparer) Equal(t *clr.Thread, a, b clr.Value) bool {
	if a.Is(clr.String) && b.Is(clr.String) {
		return s.how.equal(t, a.S, b.S)
	}
	return t.Equal(a, b)
}

// Hash is IEqualityComparer<string>.GetHashCode; it throws for null.
func (s *Comparer) Hash(t *clr.Thread, v clr.Value) uint64 {
	switch {
	case v.IsNull():
		t.ThrowArgumentNull("obj")
	case v.Is(clr.String):
		return uint64(uint32(hashText(t, v.S, s.how)))
	}
	return t.Hash(v)
}

// StringComparer makes the comparer of a StringComparison from 0 to 5; typ is
// System.StringComparer.
func stringComparer(typ *clr.Type, n int) clr.Value {
	return clr.Obj(&Comparer{t: typ, how: comparisons[n]})
}

func comparerProperty(n int) clr.Func {
	var one atomic.Pointer[Comparer] // .NET too gives out the same one each time
	return func(c *clr.Call) clr.Value {
		if s := one.Load(); s != nil {
			return clr.Obj(s)
		}
		made := stringComparer(c.Result, n)
		one.CompareAndSwap(nil, made.O.(*Comparer))
		return clr.Obj(one.Load())
	}
}

func comparerCall(f func(s *Comparer, t *clr.Thread, args []clr.Value) clr.Value) clr.Func {
	return func(c *clr.Call) clr.Value { return f(c.Args[0].O.(*Comparer), c.Thread, c.Args[1:]) }
}

var (
	compareTwo = comparerCall(func(s *Comparer, t *clr.Thread, args []clr.Value) clr.Value {
		return clr.Int(int32(s.Compare(t, args[0], args[1])))
	})
	equalTwo = comparerCall(func(s *Comparer, t *clr.Thread, args []clr.Value) clr.Value {
		return clr.Bool(s.Equal(t, args[0], args[1]))
	})
	hashOne = comparerCall(func(s *Comparer, t *clr.Thread, args []clr.Value) clr.Value {
		return clr.Int(int32(uint32(s.Hash(t, args[0]))))
	})
)

var comparerMembers = map[string]clr.Func{
	"System.StringComparer.CurrentCulture":             comparerProperty(0),
	"System.StringComparer.CurrentCultureIgnoreCase":   comparerProperty(1),
	"System.StringComparer.InvariantCulture":           comparerProperty(2),
	"System.StringComparer.InvariantCultureIgnoreCase": comparerProperty(3),
	"System.StringComparer.Ordinal":                    comparerProperty(4),
	"System.StringComparer.OrdinalIgnoreCase":          comparerProperty(5),
	"System.StringComparer.FromComparison(StringComparison)": func(c *clr.Call) clr.Value {
		comparisonOf(c, 0)
		return stringComparer(c.Result, c.Int(0))
	},
	"System.StringComparer.Compare(object, object)": compareTwo,
	"System.StringComparer.Compare(string, string)": compareTwo,
	"System.StringComparer.Equals(object, object)":  equalTwo,
	"System.StringComparer.Equals(string, string)":  equalTwo,
	"System.StringComparer.GetHashCode(object)":     hashOne,
	"System.StringComparer.GetHashCode(string)":     hashOne,
}
