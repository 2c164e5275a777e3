package csharp

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// TestManyThreads runs one expression on many threads at once; the race detector
// looks on.
func TestManyThreads(t *testing.T) {
	for source, want := range map[string]string{
		guardSource:  "True",
		objectSource: `{"model":"gpt-4o","limits":{"tokens":4096,"strict":true},"tags":["a","b","c"]}`,
		linqSource:   "83",
		loopSource:   "3267",
		`@{
			IEnumerable<int> F(int n) { for (int i = 0; i < n; i++) yield return i; }
			int sum = 0;
			foreach (var x in F(20)) { try { if (x % 7 == 3) throw new Exception("x"); sum += x; } catch (Exception e) when (e.Message == "x") { sum -= 1; } finally { sum++; } }
			return sum;
		}`: "177",
		`@(Regex.Replace("a1b22c333", "[0-9]+", m => m.Value.Length.ToString()))`:                                                                                                 "a1b2c3",
		`@(new { a = Tuple.Create(1, "x"), b = (2, 3) }.ToString())`:                                                                                                              "{ a = (1, x), b = (2, 3) }",
		`@(XElement.Parse("<a><b c='1'/></a>").Descendants("b").Select(b => b.Attribute("c").Value).First() + DateTime.Parse("2026-01-02").ToString("dddd"))`:                     "1Friday",
		`@{ var d = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase) { { "A", 1 } }; d["a"]++; return string.Join(",", d.Select(p => $"{p.Key}={p.Value,3:D2}")); }`: "A= 02",
	} {
		e, errs := Compile(source, Options{})
		if len(errs) > 0 {
			t.Fatalf("%s: %v", source, errs[0])
		}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				th := newThread()
				for range 50 {
					v, err := e.Run(context.Background(), th)
					if err != nil {
						t.Errorf("%s: %v", source, err)
						return
					}
					if got := th.Text(v); got != want {
						t.Errorf("%s: %s, want %s", source, got, want)
						return
					}
				}
			})
		}
		all.Wait()
	}
}

// TestCompileConcurrent compiles at once what makes types of its own.
func TestCompileConcurrent(t *testing.T) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				e, errs := Compile(`@(new[] { 1, 2 }.Select(x => new { x, y = (x, "a") }).ToDictionary(r => r.y, r => new List<int?> { r.x }).Count)`, Options{})
				if len(errs) > 0 {
					t.Error(errs[0])
					return
				}
				if v, err := e.Run(context.Background(), newThread()); err != nil || v.Int() != 2 {
					t.Error(v, err)
				}
			}
		})
	}
	all.Wait()
}

// TestCancel: a context that ends takes its runs along, whatever they do.
func TestCancel(t *testing.T) {
	for _, source := range []string{
		`@{ while (true) { } }`,
		`@{ while (true) { try { throw new Exception(); } catch { } finally { } } }`,
		`@{ var s = new string('a', 10000000); for (;;) s.IndexOf("b"); }`,
		`@(Enumerable.Range(0, int.MaxValue).Select(x => x).Count(x => x < 0))`,
		`@{ IEnumerable<int> F() { while (true) yield return 1; } return F().Last(); }`,
		`@{ while (true) { try { Regex.IsMatch(new string('a', 40) + "!", "^(a+)+$"); } catch { } } }`,
	} {
		e, errs := Compile(source, Options{Limits: clr.Limits{Steps: 1 << 50, Bytes: 1 << 50, Depth: 100, Time: time.Minute}})
		if len(errs) > 0 {
			t.Fatal(errs[0])
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
		start := time.Now()
		_, err := e.Run(ctx, newThread())
		cancel()
		var limit *clr.LimitError
		if took := time.Since(start); took > 3*time.Second || !errors.As(err, &limit) {
			t.Errorf("%s: %v after %v", source, err, took)
		}
	}
}
