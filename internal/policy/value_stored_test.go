package policy

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

func evaluated(t testing.TB, source string) (*live, clr.Value) {
	t.Helper()
	run, errs := compileExpression(source)
	if len(errs) > 0 {
		t.Fatalf("%s: %v", source, errs[0])
	}
	l := (&Exchange{}).expressions()
	v, err := run.Run(context.Background(), &l.thread)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return l, v
}

// TestStoredValues: a value that was kept has the type and the text that it had.
func TestStoredValues(t *testing.T) {
	for _, source := range []string{
		`@((string)null)`, `@("a\uD800b")`, `@(true)`, `@('x')`, `@((byte)200)`, `@((short)-3)`, `@(-42)`, `@(uint.MaxValue)`,
		`@(long.MinValue)`, `@(ulong.MaxValue)`, `@(1.5f)`, `@(double.NaN)`, `@(0.1)`, `@(1.50m)`, `@(-79228162514264337593543950335m)`,
		`@(new DateTime(2026, 1, 2, 3, 4, 5))`, `@(DateTime.UtcNow.Date)`, `@(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(2)))`,
		`@(TimeSpan.FromMilliseconds(1.5))`, `@(Guid.Parse("8b523262-e7a2-4b7e-90f9-7259dc6c3450"))`,
		`@(new byte[] {0, 255})`, `@(new string[0])`, `@(new[] {1, 2})`, `@(new object[] {1, "a", null, new JArray(1)})`, `@(new List<string> {"a", null})`,
		`@(new JObject(new JProperty("a", "2026-01-02"), new JProperty("b", new JArray(1, 1.0, null, true, new JObject()))))`,
		`@(JObject.Parse("{'d': '2026-01-02T03:04:05Z', 'n': 12345678901234567890, 'e': 1e5}")["d"])`,
		`@(new JProperty("p", 1))`, `@(new JValue(1.50m))`, `@(new JValue(new byte[] {1}))`, `@(JToken.Parse("[1,[2,[3]]]"))`,
		`@(XElement.Parse("<a xmlns='urn:x' b='1'> <c/>t</a>"))`, `@(XDocument.Parse("<a><b/></a>"))`,
	} {
		l, v := evaluated(t, source)
		b, err := l.storedValue(v)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		got, err := l.loadValue(b)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if got.Type() != v.Type() {
			t.Errorf("%s is %v, was %v", source, got.Type(), v.Type())
		}
		want, _ := l.textOf(v)
		if text, err := l.textOf(got); err != nil || text != want {
			t.Errorf("%s is %q, was %q: %v", source, text, want, err)
		}
		if again, err := l.storedValue(got); err != nil || string(again) != string(b) {
			t.Errorf("%s is kept in two ways: %q %q", source, b, again)
		}
	}
}

func TestNotStoredValues(t *testing.T) {
	for _, source := range []string{
		`@(context)`, `@(new Dictionary<string, string>())`, `@(new Uri("https://a"))`, `@(new object[] {context})`, `@(new { a = 1 })`,
		`@(new int[1][])`, `@(DayOfWeek.Monday)`, `@(new List<object> {new Random(1)})`,
	} {
		l, v := evaluated(t, source)
		if b, err := l.storedValue(v); err == nil {
			t.Errorf("%s is kept as %q", source, b)
		}
	}
}

// TestStoredValueShared: what many requests read at once is each one's own.
func TestStoredValueShared(t *testing.T) {
	l, v := evaluated(t, `@(JObject.Parse("{'n': 0, 'list': [1]}"))`)
	b, err := l.storedValue(v)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for range 200 {
				x := &Exchange{}
				got, err := x.expressions().loadValue(b)
				if err != nil {
					t.Error(err)
					return
				}
				x.Variables.Set("v", got)
				run, _ := compileExpression(fmt.Sprintf(`@{ var o = (JObject)context.Variables["v"]; o["n"] = (int)o["n"] + %d; ((JArray)o["list"]).Add(2); return o.ToString(Newtonsoft.Json.Formatting.None); }`, g))
				text, err := run.Run(context.Background(), &x.expressions().thread)
				if want := fmt.Sprintf(`{"n":%d,"list":[1,2]}`, g); err != nil || text.S != want {
					t.Errorf("%s, want %s: %v", text.S, want, err)
				}
			}
		})
	}
	wg.Wait()
}

// FuzzStoredValue: bytes of any kind end in a value that is kept as the same
// bytes, or in an error.
func FuzzStoredValue(f *testing.F) {
	for _, source := range []string{`@(1.5m)`, `@(new object[] {1, "a"})`, `@(JObject.Parse("{'a': [1, null]}"))`, `@(XElement.Parse("<a/>"))`, `@(new List<int> {1})`} {
		l, v := evaluated(f, source)
		b, _ := l.storedValue(v)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l := (&Exchange{}).expressions()
		v, err := l.loadValue(b)
		if err != nil {
			return
		}
		_, _ = l.storedValue(v)
		_, _ = l.textOf(v)
	})
}

// TestStoredDepth: what nests too deep is an error, not the end of the process.
func TestStoredDepth(t *testing.T) {
	l := (&Exchange{}).expressions()
	b := []byte{storedTree}
	for range 200_000 {
		b = append(b, 'a', 1)
	}
	if _, err := l.loadValue(b); err == nil {
		t.Error("a tree of any depth is read")
	}
}

func BenchmarkLoadValue(b *testing.B) {
	for _, c := range []struct{ name, source string }{{"text", `@("profile of somebody")`}, {"JObject", `@(JObject.Parse("{'name': 'somebody', 'roles': ['a', 'b'], 'quota': 100, 'since': '2026-01-02'}"))`}} {
		b.Run(c.name, func(b *testing.B) {
			l, v := evaluated(b, c.source)
			stored, err := l.storedValue(v)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := l.loadValue(stored); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
