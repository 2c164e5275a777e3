package json

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/clock"
	"github.com/cloister-ai/cloister/internal/csharp/clr/collection"
	"github.com/cloister-ai/cloister/internal/csharp/clr/number"
	"github.com/cloister-ai/cloister/internal/csharp/clr/regex"
	"github.com/cloister-ai/cloister/internal/csharp/clr/text"
)

// universe completes the types, once in the process.
var universe = sync.OnceValues(func() (*clr.Universe, error) {
	return clr.Build(Family(), number.Family(), text.Family(), clock.Family(), collection.Family(), regex.Family())
})

// started is a thread with the limits of policies.
func started(tb testing.TB) *clr.Thread {
	tb.Helper()
	if _, err := universe(); err != nil {
		tb.Fatal(err)
	}
	t := &clr.Thread{Now: time.Now, Zone: time.UTC}
	t.Start(context.Background(), clr.DefaultLimits())
	return t
}

// catch runs f and returns what it throws, or which limit it passes.
func catch(f func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *clr.Thrown:
			err = p
		case *clr.LimitError:
			err = p
		default:
			panic(p)
		}
	}()
	f()
	return nil
}

// mustParse is a tree of a text that is known to be right.
func mustParse(tb testing.TB, t *clr.Thread, text string) Token {
	tb.Helper()
	k, err := Parse(t, text)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func TestNothingIsMissing(t *testing.T) {
	u, err := universe()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range u.Missing() {
		if strings.Contains(key, "Newtonsoft.Json") {
			t.Errorf("no code: %s", key)
		}
	}
}

func TestParseKeepsTexts(t *testing.T) {
	th := started(t)
	k, err := ParseText(th, `{"d":"2020-01-02T03:04:05Z"}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := k.(*Object).find("d").Kind(); got != KindString {
		t.Errorf("ParseText made a %v", got)
	}
	if got := mustParse(t, th, `{"d":"2020-01-02T03:04:05Z"}`).(*Object).find("d").Kind(); got != KindDate {
		t.Errorf("Parse made a %v", got)
	}
	if got := Compact(th, clr.Null); got != "null" {
		t.Errorf("Compact(null) = %q", got)
	}
}

func TestTextsNestAtMostMaxDepth(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	th := started(t)
	if _, err := Parse(th, nested(MaxDepth)); err != nil {
		t.Errorf("%d deep: %v", MaxDepth, err)
	}
	for _, n := range []int{MaxDepth + 1, 1 << 20} {
		_, err := Parse(th, nested(n))
		if err == nil || !strings.Contains(err.Message, "MaxDepth of 64 has been exceeded") {
			t.Errorf("%d deep: %v", n, err)
		}
	}
}

// deepArray is a tree that no text makes: an expression can build it.
func deepArray(t *clr.Thread, n int) Token {
	var k Token = newArray(t)
	for range n {
		a := newArray(t)
		insert(t, a, 0, k)
		k = a
	}
	return k
}

// TestDeepTrees: whatever goes through a tree ends the run at the limit, and
// never overflows Go's stack.
func TestDeepTrees(t *testing.T) {
	const deep = 100_000
	for name, do := range map[string]func(th *clr.Thread, k Token){
		"text":        func(th *clr.Thread, k Token) { Text(th, k, true) },
		"copy":        func(th *clr.Thread, k Token) { Copy(th, k) },
		"equal":       func(th *clr.Thread, k Token) { deepEquals(th, k, deepArray(th, deep)) },
		"serialize":   func(th *clr.Thread, k Token) { serialized(th, clr.Obj(k), false) },
		"from object": func(th *clr.Thread, k Token) { fromObject(th, clr.Obj(k)) },
		"to object":   func(th *clr.Thread, k Token) { toObject(th, k, clr.ObjectType) },
		"to list":     func(th *clr.Thread, k Token) { toObject(th, k, clr.ListOf.Of(clr.ObjectType)) },
		"scan":        func(th *clr.Thread, k Token) { selectOne(th, k, "$..a", false) },
		"merge": func(th *clr.Thread, k Token) {
			merge(th, newObject(th), clr.Obj(k))
			merge(th, k.(*Array), clr.Obj(k))
			Text(th, k, false)
		},
		"descendants": func(th *clr.Thread, k Token) {
			for range below(k.(Container), true)(th) {
				continue
			}
		},
	} {
		th := started(t)
		th.Start(context.Background(), clr.Limits{Steps: 1e9, Bytes: 1 << 40, Depth: 128, Time: time.Minute})
		k := deepArray(th, deep)
		err := catch(func() { do(th, k) })
		var limit *clr.LimitError
		if !errors.As(err, &limit) || limit.Limit != "depth" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLimits: what is long ends the run too.
func TestLimits(t *testing.T) {
	long := strings.Repeat("a", 30<<20)
	for name, do := range map[string]func(th *clr.Thread){
		"escapes": func(th *clr.Thread) { serialized(th, clr.Str(strings.Repeat("\x01", 20<<20)), false) },
		"string":  func(th *clr.Thread) { serialized(th, clr.Str(long), false) },
		"items":   func(th *clr.Thread) { _, _ = Parse(th, "["+strings.Repeat("1,", 1<<20)+"]") },
		"deep path": func(th *clr.Thread) {
			selectOne(th, newArray(th), strings.Repeat("[?(@", 5000)+".a"+strings.Repeat(")]", 5000), false)
		},
		"wide scan": func(th *clr.Thread) {
			k := mustParse(t, th, "["+strings.Repeat("[1],", 1000)+"1]")
			selectOne(th, k, "[?($..*[?($..*[?($..*==2)])])]", false)
		},
	} {
		th := started(t)
		err := catch(func() { do(th) })
		var limit *clr.LimitError
		if !errors.As(err, &limit) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLongPathsNeedNoStack(t *testing.T) {
	th := started(t)
	if k := selectOne(th, newArray(th), strings.Repeat("[0]", 100_000), false); k != nil {
		t.Errorf("got %v", k)
	}
}

// TestPaths: what Newtonsoft knows since Mono's version, from its own documents.
func TestPaths(t *testing.T) {
	const people = `[{"n":"Ann","a":1,"t":["x"]},{"n":"bob","a":"1","t":["y"]},{"n":"Cid","a":2.0,"t":["x","z"]}]`
	for path, want := range map[string]string{
		`$[?(@.a === 1)].n`:                       "Ann",
		`$[?(@.a == 1)].n`:                        "Ann",
		`$[?(@.a !== 1)].n`:                       "bob,Cid",
		`$[?(@.a == 2)].n`:                        "Cid",
		`$[?(@.a === 2)].n`:                       "Cid",
		`$[?(@.n =~ /^b/)].n`:                     "bob",
		`$[?(@.n =~ /^B/i)].n`:                    "bob",
		`$[?(@.n =~ /a\/b/)].n`:                   "",
		`$..[?(@.a == 2)].n`:                      "Cid",
		`$[?($[0].a == @.a)].n`:                   "Ann",
		`$[?(@.a == $[2].a)].n`:                   "Cid",
		`$[?(@.t[0] == 'x' && @.a == 2)].n`:       "Cid",
		`$[?('x' == @.t[0])].n`:                   "Ann,Cid",
		`$[?(@['n'] == 'Ann' || @.n == 'bob')].n`: "Ann,bob",
		`$[?(@..t)].n`:                            "Ann,bob,Cid",
		`$[0]['n','a']`:                           "Ann,1",
		`$..['n','a']`:                            "Ann,1,bob,1,Cid,2",
		`$[?(@.n == 'it\'s')]`:                    "",
		`[?(@.x == null)].n`:                      "",
	} {
		th := started(t)
		k := mustParse(t, th, people)
		var got []string
		s := selection{th, k, false}
		err := catch(func() {
			s.from(parsePath(th, path), k, func(k Token) bool {
				got = append(got, th.Text(clr.Obj(k)))
				return true
			})
		})
		if joined := strings.Join(got, ","); joined != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", path, joined, err, want)
		}
	}
}

func TestSerializeLoops(t *testing.T) {
	th := started(t)
	d := collection.NewDictionary(th, clr.String, clr.ObjectType, nil)
	list := th.NewList(clr.ObjectType, []clr.Value{clr.Obj(d)})
	d.Put(th, clr.Str("a"), clr.Obj(list))
	err := catch(func() { serialized(th, clr.Obj(d), false) })
	want := "Self referencing loop detected with type 'System.Collections.Generic.Dictionary`2[System.String,System.Object]'. Path 'a'."
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v", err)
	}
}
