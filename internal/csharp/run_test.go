package csharp

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// eval is the text of an answer: "type value", or "error type: message".
func eval(t *testing.T, source string, opt Options) string {
	t.Helper()
	e, errs := Compile(source, opt)
	if len(errs) > 0 {
		return "refused " + errs[0].Code
	}
	th := newThread()
	v, err := e.Run(context.Background(), th)
	if err != nil {
		return "error " + err.Error()
	}
	return th.Text(v)
}

// both holds an expression's text against want, whichever way it is evaluated.
func both(t *testing.T, source, want string) {
	t.Helper()
	for _, plain := range []bool{false, true} {
		if got := eval(t, source, Options{Plain: plain}); got != want {
			t.Errorf("%s\n got %s\nwant %s (plain: %v)", source, got, want, plain)
		}
	}
}

// TestCapture: each round of foreach and each entry of a block has variables of
// its own; a for loop has one.
func TestCapture(t *testing.T) {
	for source, want := range map[string]string{
		`@{ var l = new List<Func<int>>(); foreach (var x in new[] { 1, 2, 3 }) l.Add(() => x); return string.Join(",", l.Select(f => f())); }`:                                              "1,2,3",
		`@{ var l = new List<Func<int>>(); for (int i = 0; i < 3; i++) l.Add(() => i); return string.Join(",", l.Select(f => f())); }`:                                                       "3,3,3",
		`@{ var l = new List<Func<int>>(); for (int i = 0; i < 3; i++) { int j = i; l.Add(() => j++); l.Add(() => j); } return string.Join(",", l.Select(f => f())); }`:                      "0,1,1,2,2,3",
		`@{ int n = 0; Action a = () => n++; a(); a(); return n; }`:                                                                                                                          "2",
		`@{ int n = 5; Func<int, Func<int>> f = a => () => a + n; var g = f(1); n = 7; return g() + f(2)(); }`:                                                                               "17",
		`@{ var l = new List<Func<int>>(); int k = 0; object[] os = { 1, "x", 2 }; while (k < 3) { if (os[k++] is int n) l.Add(() => n); } return string.Join(",", l.Select(f => f())); }`:   "1,2",
		`@{ var l = new List<Func<int>>(); foreach (var (a, b) in new[] { (1, 2), (3, 4) }) l.Add(() => a * 10 + b); return string.Join(",", l.Select(f => f())); }`:                         "12,34",
		`@{ Func<int> f = null; switch ((object)7) { case int n when n > 5: f = () => n; break; } return f(); }`:                                                                             "7",
		`@{ Func<string> f = null; try { throw new Exception("x"); } catch (Exception e) when (e.Message == "x") { f = () => e.Message; } return f(); }`:                                     "x",
		`@{ int Odd(int n) => n == 0 ? 0 : Even(n - 1); int Even(int n) => n == 0 ? 1 : Odd(n - 1); return Even(10); }`:                                                                      "1",
		`@{ int total = 0; void Add(int n) { total += n; } Add(2); Action<int> a = Add; a(3); return total; }`:                                                                               "5",
		`@{ var s = "a"; Func<string, bool> f = s.Equals; s = "b"; return f("a"); }`:                                                                                                         "True",
		`@{ IEnumerable<int> Count(int n) { try { for (int i = 0; ; i++) { if (i == n) yield break; yield return i; } } finally { } } return string.Join(",", Count(3).Concat(Count(2))); }`: "0,1,2,0,1",
		`@{ int i = 0; again: i++; if (i < 5) goto again; return i; }`:                                                                                                                       "5",
	} {
		both(t, source, want)
	}
}

// TestOrder: evaluation goes from left to right, and finally runs on every way
// out.
func TestOrder(t *testing.T) {
	for source, want := range map[string]string{
		`@{ var s = ""; Func<string, int, int> f = (n, v) => { s += n; return v; }; var a = new int[3]; a[f("i", 1)] += f("v", 2) * f("w", 3); return s + a[1]; }`:      "ivw6",
		`@{ var s = ""; Func<string, int> f = n => { s += n; return n.Length; }; string.Format("{0}{1}", f("a"), f("b")); (int, int) t = (f("c"), f("d")); return s; }`: "abcd",
		`@{ int i = 0; i = i++ + ++i; return i; }`:                                                                                                                                   "2",
		`@{ int a = 1, b = 2; (a, b) = (b, a); return a * 10 + b; }`:                                                                                                                 "21",
		`@{ var t = (1, 2); var u = t; u.Item1 = 5; return t.Item1 * 10 + u.Item1; }`:                                                                                                "15",
		`@{ var s = ""; try { try { s += "t"; throw new Exception(); } finally { s += "f"; } } catch { s += "c"; } return s; }`:                                                      "tfc",
		`@{ Func<int> f = () => { try { return 1; } finally { int x = 2; } }; return f(); }`:                                                                                         "1",
		`@{ var s = ""; for (int i = 0; i < 3; i++) { try { if (i == 1) continue; s += i; } finally { s += "f"; } } return s; }`:                                                     "0ff2f",
		`@{ var s = ""; try { throw new Exception("a"); } catch (Exception e) when (Check(e)) { s += "no"; } catch { s += "yes"; } return s; bool Check(Exception e) { throw e; } }`: "yes",
	} {
		both(t, source, want)
	}
}

// TestPlace: an error names what threw, and throw; does not change that.
func TestPlace(t *testing.T) {
	for source, at := range map[string]string{
		`@{ var s = "abc"; return s.Substring(9); }`:                                                            "s.Substring",
		`@{ int z = 0; return new[] { 1 }.Select(n => n / z).Sum(); }`:                                          "n / z",
		`@{ string s = null; return 1 + s.Length; }`:                                                            "s.Length",
		`@{ try { var a = new int[1]; return a[5]; } catch { throw; } }`:                                        "a[5]",
		`@{ try { int.Parse("x"); } catch (Exception e) { throw e; } return 1; }`:                               "throw e",
		`@{ return new int[0].First(); }`:                                                                       "new int[0].First()",
		`@{ Func<int, int> f = n => n; return new[] { 1 }.Select(f).Single(n => n > 1); }`:                      "new[] { 1 }.Select(f).Single",
		`@{ object o = 1; return (string)o; }`:                                                                  "(string)o",
		`@{ try { int.Parse("x"); } catch (Exception) { try { int.Parse("y"); } catch { } throw; } return 1; }`: `int.Parse("x")`,
	} {
		for _, plain := range []bool{false, true} {
			e, errs := Compile(source, Options{Plain: plain})
			if len(errs) > 0 {
				t.Fatal(source, errs[0])
			}
			_, err := e.Run(context.Background(), newThread())
			var thrown *Error
			if !errors.As(err, &thrown) || !strings.HasPrefix(source[thrown.Offset:], at) {
				t.Errorf("%s: %v, want it at %q (plain: %v)", source, err, at, plain)
			}
		}
	}
}

// TestLimits: every run ends, and C# cannot stop that.
func TestLimits(t *testing.T) {
	small := clr.Limits{Steps: 200_000, Bytes: 1 << 20, Depth: 64, Time: time.Second}
	for source, limit := range map[string]string{
		`@{ while (true) { } }`:               "steps",
		`@{ for (;;) ; }`:                     "steps",
		`@{ do { continue; } while (true); }`: "steps",
		`@{ again: goto again; }`:             "steps",
		`@{ switch (1) { case 1: goto default; default: goto case 1; } }`:                                                   "steps",
		`@{ while (true) { try { throw new Exception(); } catch { } } }`:                                                    "",
		`@{ try { while (true) { } } catch { return 1; } finally { return_(); } void return_() { } }`:                       "steps",
		`@{ var s = "ab"; while (true) s += s; }`:                                                                           "memory",
		`@{ var l = new List<int>(); while (true) l.Add(1); }`:                                                              "",
		`@(new int[100000000].Length)`:                                                                                      "memory",
		`@(new string('x', 100000000))`:                                                                                     "memory",
		`@{ Func<int, int> f = null; f = n => f(n + 1); return f(0); }`:                                                     "depth",
		`@{ Func<int, int> f = null; f = n => f.Invoke(n + 1); return f(0); }`:                                              "depth",
		`@{ int F(int n) => F(n + 1); return F(0); }`:                                                                       "depth",
		`@{ Func<int, int> f = null; f = n => new[] { n }.Select(m => f(m)).Sum(); return f(0); }`:                          "depth",
		`@{ IEnumerable<int> F(int n) { yield return n; foreach (var x in F(n + 1)) yield return x; } return F(0).Sum(); }`: "depth",
		`@{ IEnumerable<int> F() { while (true) yield return 1; } return F().Sum(); }`:                                      "",
		`@{ Func<int> f = () => 1; while (true) f += f; }`:                                                                  "",
		`@{ var l = new List<object>(); while (true) l.Add(new { l }); }`:                                                   "memory",
	} {
		for _, plain := range []bool{false, true} {
			e, errs := Compile(source, Options{Plain: plain, Limits: small})
			if len(errs) > 0 {
				t.Fatal(source, errs[0])
			}
			start := time.Now()
			_, err := e.Run(context.Background(), newThread())
			var limited *clr.LimitError
			if !errors.As(err, &limited) || limit != "" && limited.Limit != limit {
				t.Errorf("%s: %v, want the limit of %s (plain: %v)", source, err, limit, plain)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("%s: took %v", source, took)
			}
		}
	}
}

// TestCancelled: a context that is done ends the run.
func TestCancelled(t *testing.T) {
	e, errs := Compile(`@{ while (true) { } }`, Options{})
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var limited *clr.LimitError
	if _, err := e.Run(ctx, newThread()); !errors.As(err, &limited) || limited.Limit != "time" {
		t.Error(err)
	}
}

// TestConcurrent: one expression is run by many goroutines, each with its own
// thread, and nothing of one run is seen in another.
func TestConcurrent(t *testing.T) {
	e, errs := Compile(`@{
		var seen = new List<int>(); int n = 0;
		Func<int, int> twice = x => { n++; return 2 * x; };
		foreach (var x in Enumerable.Range(0, 20)) { try { if (x % 7 == 3) throw new Exception("x"); seen.Add(twice(x)); } catch (Exception) { seen.Add(-1); } }
		return string.Join(",", seen) + ":" + n;
	}`, Options{})
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	want := "0,2,4,-1,8,10,12,14,16,18,-1,22,24,26,28,30,32,-1,36,38:17"
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			th := newThread()
			for range 50 {
				v, err := e.Run(context.Background(), th)
				if err != nil || v.S != want {
					t.Errorf("%v %v", v.S, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestOutlive: a delegate, or a sequence, that a run gives works after it.
func TestOutlive(t *testing.T) {
	e, errs := Compile(`@{ int n = 1; Func<int, int> f = x => { n += x; return new[] { n }.Sum(y => y + x); }; return f; }`, Options{})
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	th := newThread()
	f, err := e.Run(context.Background(), th)
	if err != nil {
		t.Fatal(err)
	}
	other, err := e.Run(context.Background(), th)
	if err != nil {
		t.Fatal(err)
	}
	if a, b, c := th.Invoke(f, clr.Int(2)), th.Invoke(f, clr.Int(2)), th.Invoke(other, clr.Int(5)); a.Int() != 5 || b.Int() != 7 || c.Int() != 11 {
		t.Errorf("%d, %d, %d", a.Int(), b.Int(), c.Int())
	}
}

// TestAllocate: a guard allocates nothing, once the pool is warm.
func TestAllocate(t *testing.T) {
	e, errs := Compile(guardSource, Options{})
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	th, ctx := newThread(), context.Background()
	if n := testing.AllocsPerRun(100, func() { _, _ = e.Run(ctx, th) }); n >= 1 {
		t.Errorf("%v allocations", n)
	}
}
