package collection

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// universe completes the types of package clr, which can be done once.
var universe = func() *clr.Universe {
	u, err := clr.Build(Family())
	if err != nil {
		panic(err)
	}
	return u
}()

func thread(l clr.Limits) *clr.Thread {
	t := &clr.Thread{Now: time.Now, Zone: time.UTC}
	t.Start(context.Background(), l)
	return t
}

// lambda is a delegate of a Go function.
func lambda(f func(t *clr.Thread, args []clr.Value) clr.Value) clr.Value {
	return clr.Obj(&clr.Closure{T: clr.DelegateT, Call: f})
}

var members = Family().Do

// do calls a member of Enumerable on elements of type of.
func do(t *clr.Thread, key string, of *clr.Type, args ...clr.Value) clr.Value {
	result := clr.EnumerableOf.Of(of)
	return members[enumerable+"."+key](&clr.Call{Thread: t, Args: args, Types: []*clr.Type{of, of, of}, Result: result})
}

const (
	whereKey  = "Where<TSource>(IEnumerable<TSource>, Func<TSource, bool>)"
	selectKey = "Select<TSource, TResult>(IEnumerable<TSource>, Func<TSource, TResult>)"
	concatKey = "Concat<TSource>(IEnumerable<TSource>, IEnumerable<TSource>)"
	countKey  = "Count<TSource>(IEnumerable<TSource>)"
	sumKey    = "Sum(IEnumerable<int>)"
)

func limitOf(t *testing.T, l clr.Limits, f func(th *clr.Thread)) string {
	t.Helper()
	limit := ""
	func() {
		defer func() {
			switch r := recover().(type) {
			case nil:
			case *clr.LimitError:
				limit = r.Limit
			default:
				panic(r)
			}
		}()
		f(thread(l))
	}()
	return limit
}

func TestLimits(t *testing.T) {
	small := clr.Limits{Steps: 1_000_000, Bytes: 1 << 20, Depth: 64, Time: 10 * time.Second}
	same := lambda(func(_ *clr.Thread, a []clr.Value) clr.Value { return a[0] })
	ints := func(th *clr.Thread) clr.Value {
		return members[enumerable+".Range(int, int)"](&clr.Call{Thread: th, Args: []clr.Value{clr.Int(0), clr.Int(1<<31 - 1)}, Result: clr.EnumerableOf.Of(clr.Int32)})
	}
	for name, c := range map[string]struct {
		want string
		f    func(th *clr.Thread)
	}{
		"a long sequence, counted": {"steps", func(th *clr.Thread) {
			do(th, "Where<TSource>(IEnumerable<TSource>, Func<TSource, bool>)", clr.Int32, ints(th), same)
			do(th, "LongCount<TSource>(IEnumerable<TSource>)", clr.Int32, ints(th))
		}},
		"a long sequence, gathered": {"memory", func(th *clr.Thread) {
			do(th, "ToArray<TSource>(IEnumerable<TSource>)", clr.Int32, ints(th))
		}},
		"a set of it": {"memory", func(th *clr.Thread) {
			do(th, "ToHashSet<TSource>(IEnumerable<TSource>)", clr.Int32, ints(th))
		}},
		"sorted": {"memory", func(th *clr.Thread) {
			o := do(th, "OrderBy<TSource, TKey>(IEnumerable<TSource>, Func<TSource, TKey>)", clr.Int32, ints(th), same)
			do(th, "Any<TSource>(IEnumerable<TSource>)", clr.Int32, o)
		}},
		"sequences in sequences": {"depth", func(th *clr.Thread) {
			s := ints(th)
			for range 200 {
				s = do(th, selectKey, clr.Int32, s, same)
			}
			do(th, "Any<TSource>(IEnumerable<TSource>)", clr.Int32, s)
		}},
		"a list that holds what it makes": {"memory", func(th *clr.Thread) {
			l := &clr.List{T: clr.ListOf.Of(clr.Int32), Elems: []clr.Value{clr.Int(1)}}
			q := do(th, selectKey, clr.Int32, clr.Obj(l), same)
			for {
				members[listKey+".AddRange(IEnumerable<T>)"](&clr.Call{Thread: th, Args: []clr.Value{clr.Obj(l), q}})
			}
		}},
		"an array of all places": {"memory", func(th *clr.Thread) { th.NewArray(clr.Int32, 1<<31-1) }},
		"a chain of any length": {"", func(th *clr.Thread) {
			a := clr.Obj(th.NewArray(clr.Int32, 1))
			s := a
			for range 1000 {
				s = do(th, concatKey, clr.Int32, s, a)
			}
			if n := do(th, countKey, clr.Int32, s); n.Int() != 1001 {
				t.Errorf("Count() is %d", n.Int())
			}
		}},
	} {
		if got := limitOf(t, small, c.f); got != c.want {
			t.Errorf("%s: ended by the limit %q, want %q", name, got, c.want)
		}
	}
}

// TestDepthComesBack: what ends early leaves the depth as it was.
func TestDepthComesBack(t *testing.T) {
	th := thread(clr.DefaultLimits())
	same := lambda(func(_ *clr.Thread, a []clr.Value) clr.Value { return a[0] })
	l := clr.Obj(&clr.List{T: clr.ListOf.Of(clr.Int32), Elems: []clr.Value{clr.Int(1), clr.Int(2)}})
	q := do(th, selectKey, clr.Int32, do(th, selectKey, clr.Int32, l, same), same)
	for range q.O.(clr.Sequence).All(th) {
		break
	}
	cur := NewCursor(th, enumeratorOf.Of(clr.Int32), q).O.(*Cursor)
	cur.MoveNext(th)
	if th.Depth() != 0 {
		t.Errorf("the depth is %d behind MoveNext", th.Depth())
	}
	cur.Dispose(th)
	th.End()
	if th.Depth() != 0 {
		t.Errorf("the depth is %d at the end", th.Depth())
	}
}

// TestFailedKeepsLimits: a limit that is passed while sorting is no exception
// of .NET.
func TestFailedKeepsLimits(t *testing.T) {
	defer func() {
		var limit *clr.LimitError
		if err, ok := recover().(error); !ok || !errors.As(err, &limit) {
			t.Error("the limit was lost")
		}
	}()
	th := thread(clr.Limits{Steps: 1 << 15, Bytes: 1 << 20, Depth: 10, Time: time.Minute})
	failed(th, "", func() {
		for {
			th.Step()
		}
	})
}

func BenchmarkPipeline(b *testing.B) {
	l := clr.DefaultLimits()
	l.Steps, l.Bytes = 1<<60, 1<<60
	th := thread(l)
	elems := make([]clr.Value, 20)
	for i := range elems {
		elems[i] = clr.Int(int32(i))
	}
	a := clr.Obj(&clr.ArrayObject{T: clr.Int32.ArrayOf(1), Elems: elems})
	even := lambda(func(_ *clr.Thread, a []clr.Value) clr.Value { return clr.Bool(a[0].N&1 == 0) })
	twice := lambda(func(_ *clr.Thread, a []clr.Value) clr.Value { return clr.Int(int32(a[0].N * 2)) })
	b.ReportAllocs()
	for b.Loop() {
		do(th, sumKey, clr.Int32, do(th, selectKey, clr.Int32, do(th, whereKey, clr.Int32, a, even), twice))
	}
}

func BenchmarkDictionary(b *testing.B) {
	l := clr.DefaultLimits()
	l.Steps, l.Bytes = 1<<60, 1<<60
	th := thread(l)
	d := NewDictionary(th, clr.String, clr.String, nil)
	for _, k := range []string{"Accept", "Host", "User-Agent", "X-Forwarded-For"} {
		d.Put(th, clr.Str(k), clr.Str(k))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := d.Get(th, clr.Str("User-Agent")); !ok {
			b.Fatal("lost")
		}
	}
}
