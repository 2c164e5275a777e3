package syntax

import (
	"strings"
	"testing"
)

// seeds are expressions as policies have them.
var seeds = []string{
	`@(context.Request.Headers.GetValueOrDefault("X-Api-Version", "v1") == "v2")`,
	`@(((IResponse)context.Variables["reply"]).StatusCode >= 500 && !context.Variables.ContainsKey("done"))`,
	`@((string)context.Variables["user"] + "/" + context.Request.Url.Path.Substring(1))`,
	`@(context.Request.Body.As<JObject>(preserveContent: true)["items"]?[0]?["id"]?.ToString() ?? "none")`,
	`@($"{context.Api.Name,-10}|{DateTime.UtcNow:yyyy-MM-dd}|{(a ? "}" : $"{b}")}")`,
	`@(context.User.Groups.Where(g => g.Name != "x").Select((g, i) => new { g.Id, n = i }).FirstOrDefault())`,
	`@(from g in context.User.Groups where g.Id > 3 orderby g.Name descending, g.Id group g by g.Kind into k select k.Key)`,
	"@{\n\tvar list = new List<Dictionary<string, int[]>>();\n\tforeach (var h in context.Request.Headers) { list.Add(h); }\n\treturn list.Count > 0 ? list : null;\n}",
	`@{ try { return int.Parse(s); } catch (FormatException e) when (e.Message != null) { return -1; } finally { done = true; } }`,
	`@{ switch (x) { case int n when n > 3: return 'a'; case null: case "b": goto default; default: break; } return @"c:\"; }`,
	`@{ string F<T>(T a, params int[] b) where T : class => nameof(a); (int x, var y) = (1, b: 2); for (int i = 0, j; i < 3; i++, j--) ; return F<int>(1); }`,
	`@{ if (int.TryParse(s, out var n) && o is string t && !(o is null)) return n; else if (a) do { x >>= 1; } while (x >> 2 > 0); else { } }`,
	`@{ using (var h = new HMACSHA256(Convert.FromBase64String(key))) { return BitConverter.ToString(h.ComputeHash(new byte[] { 0x1F, 0b11, 1_0 })); } }`,
	`@{ const decimal d = 1.5e3m; Func<int, int> f = delegate (int x) { return x; }; label: yield return default(int?); lock (x) checked { a[^1]; } }`,
	`@(new Dictionary<string, string> { ["a"] = "b", { "c", 'd' }, x = { 1, 2 } })`,
	`@(headers.ContainsKey('Retry-After') ? "\ud83d\ude00\x41\0" : global::System.String.Empty)`,
	`@(new int[2][,] as object is int[][,] ? typeof(Dictionary<,>) : default)`,
	"@{ var x = 1\n var y = (2;\n return x ]; }",
	`@(f(a < b, c > (d), e<g>.h, (x) - 1, (int)-1, (A)(b), x is T ? a : b))`,
	`@{ int? x = a as int? ?? 3; a ? b : c; a? b = c; T[] d; x.y z; List<int>[,] e = { { 1 }, { 2 } }; }`,
	`@{ async Task<int> F() => await G(async x => await x); ref int r = ref a[0]; foreach (var (k, (v, _)) in d) { } (a, _) = t; _ = 1; }`,
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		checkParse(t, src)
		// Also as what stands inside, so that more of it is reached.
		checkParse(t, "@{"+src+"}")
		_, _ = ParseSignature(src)
		_, _ = ParseTypeDecl(src)
		if typ, err := ParseType(src); err == nil {
			if again, err := ParseType(Format(typ)); err != nil || !Equal(typ, again) {
				t.Fatalf("the type %q is written as %s (%v)", src, Format(typ), err)
			}
		}
	})
}

// checkParse holds what [Parse] promises for every text: errors have places
// inside it, and a tree is inside it too and reads back as it is written.
func checkParse(t *testing.T, src string) {
	t.Helper()
	prog, errs := Parse(src)
	checkScan(t, src, prog, errs)
	if len(errs) > 0 {
		if prog != nil || len(errs) > maxErrors {
			t.Fatalf("%q: a program and %d errors", src, len(errs))
		}
		for i, e := range errs {
			if e.Offset < 0 || e.End < e.Offset || e.End > len(src) || e.Reason == "" || strings.HasSuffix(e.Reason, ".") {
				t.Fatalf("%q: error %+v", src, *e)
			}
			if i > 0 && errs[i-1].Offset > e.Offset {
				t.Fatalf("%q: errors are not sorted", src)
			}
		}
		return
	}
	checkSpans(t, src, prog)
	text := Format(prog)
	again, errs := Parse(text)
	if len(errs) > 0 {
		t.Fatalf("%q is written as\n%s\nwhich has the error %v", src, text, errs[0])
	}
	if !Equal(prog, again) {
		t.Fatalf("%q is written as\n%s\nwhich reads as\n%s", src, text, Format(again))
	}
}

// checkScan holds the parser to the end that the scanner finds: to no other,
// and to no string or comment that ends elsewhere.
func checkScan(t *testing.T, src string, prog *Program, errs []*Error) {
	t.Helper()
	end, _, err := ScanExpression(src, 0)
	if prog != nil && (err != nil || end != int(prog.End())) {
		t.Fatalf("%q is parsed up to %d, and scanned up to %d (%v)", src, prog.End(), end, err)
	}
	for _, e := range errs {
		if cut := e.Code == "CS1010" || e.Code == "CS1039" || e.Code == "CS1035"; cut && err == nil && e.Offset < end {
			t.Fatalf("%q is scanned, and parsed with %v", src, e)
		}
	}
}

// checkSpans checks that nodes stand inside those above them, and in order.
func checkSpans(t *testing.T, src string, n Node) {
	t.Helper()
	if n.Start() < 0 || n.End() <= n.Start() || int(n.End()) > len(src) {
		t.Fatalf("%q: %T stands at %d to %d", src, n, n.Start(), n.End())
	}
	children(n, func(c Node) {
		if c.Start() < n.Start() || c.End() > n.End() {
			t.Fatalf("%q: %T at %d to %d has a %T at %d to %d", src, n, n.Start(), n.End(), c, c.Start(), c.End())
		}
		checkSpans(t, src, c)
	})
}

func TestSeeds(t *testing.T) {
	bad := 0
	for _, s := range seeds {
		if _, errs := Parse(s); len(errs) > 0 {
			bad++
			t.Log(s, errs)
		}
		checkParse(t, s)
	}
	if bad != 2 {
		t.Errorf("%d of the seeds have errors", bad)
	}
}
