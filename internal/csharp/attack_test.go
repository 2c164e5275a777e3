package csharp

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// TestAttacks runs expressions that would take a process down if nothing
// bounded them. Each ends with a limit, or with what .NET says, and none can
// catch its end.
func TestAttacks(t *testing.T) {
	for name, source := range map[string]string{
		"string":          `@(new string('x', int.MaxValue).Length)`,
		"padding":         `@("a".PadLeft(int.MaxValue).Length)`,
		"doubling":        `@{ var s = "xxxxxxxxxx"; while (true) { s = s + s; } }`,
		"replacement":     `@{ var s = new string('a', 100000); return s.Replace("a", s).Length; }`,
		"alignment":       `@($"{1,2000000000}".Length)`,
		"split":           `@(new string(',', 30000000).Split(',').Length)`,
		"array":           `@(new int[int.MaxValue].Length)`,
		"list":            `@(new List<int>(int.MaxValue).Count)`,
		"dictionary":      `@(new Dictionary<int, int>(int.MaxValue).Count)`,
		"range":           `@(Enumerable.Range(0, int.MaxValue).ToList().Count)`,
		"order":           `@(Enumerable.Range(0, int.MaxValue).OrderBy(x => -x).First())`,
		"sum":             `@(Enumerable.Repeat(1, int.MaxValue).Sum(x => (long)x))`,
		"chain":           `@{ IEnumerable<int> e = new[] { 1 }; for (int i = 0; i < 1000000; i++) { e = e.Concat(e); } return e.Count(); }`,
		"iterator":        `@{ IEnumerable<int> F() { while (true) yield return 1; } return F().Sum(); }`,
		"recursion":       `@{ int F(int n) { return F(n + 1); } return F(0); }`,
		"lambdas":         `@{ Func<int, int> f = null; f = n => f(n + 1); return f(0); }`,
		"loop":            `@{ try { while (true) { } } catch { return 1; } finally { } }`,
		"goto":            `@{ a: goto a; }`,
		"delegates":       `@{ Action a = () => { }; while (true) a += a; }`,
		"tokens":          `@{ JToken t = new JArray(); for (int i = 0; i < 1000000; i++) { t = new JArray(t); } return t.ToString(); }`,
		"copies":          `@{ var a = new JArray(); for (int i = 0; i < 30; i++) a.Add(new JArray(a)); return a.ToString().Length; }`,
		"elements":        `@{ var t = new XElement("a"); for (int i = 0; i < 1000000; i++) { t = new XElement("a", t); } return t.ToString(); }`,
		"inner":           `@{ Exception e = null; for (int i = 0; i < 1000000; i++) e = new Exception("x", e); return e.ToString().Length; }`,
		"texts":           `@{ var a = new string('a', 10000000); object b = new string('a', 9999999) + "b"; for (;;) object.Equals(a, b); }`,
		"hashes":          `@{ var a = new string('a', 10000000); int n = 0; for (;;) n += a.GetHashCode(); }`,
		"keys":            `@{ var a = new string('a', 10000000); var d = new Dictionary<string, int> { { a, 1 } }; for (;;) d[a]++; }`,
		"records":         `@{ object t = 1; for (int i = 0; i < 100000; i++) t = new { t }; return t.ToString(); }`,
		"record twice":    `@{ object t = 1; for (int i = 0; i < 60; i++) t = new { t, u = t }; return t.ToString(); }`,
		"record hashes":   `@{ object t = 1; for (int i = 0; i < 60; i++) t = new { t, u = t }; return t.GetHashCode(); }`,
		"tuples":          `@{ object t = 1, u = 1; for (int i = 0; i < 60; i++) { t = (t, t); u = (u, u); } return t.Equals(u); }`,
		"delegates apart": `@{ Action a = () => { }, b = () => { }, f = a; for (int i = 0; i < 16; i++) f += f; var g = b; for (int i = 0; i < 15; i++) g = a + g; for (;;) f -= g; }`,
		"any case":        `@{ var o = new JObject(); for (int i = 0; i < 20000; i++) o["a" + i] = i; for (;;) o.GetValue("B", StringComparison.OrdinalIgnoreCase); }`,
		"matches":         `@(Regex.Replace(new string('a', 1000000), "a", new string('b', 1000000)).Length)`,
		"finally":         `@{ int F(int n) { ` + strings.Repeat("try { ", 60) + `return F(n + 1);` + strings.Repeat(" } finally { n++; }", 60) + ` } return F(0); }`,
	} {
		t.Run(name, func(t *testing.T) {
			e, errs := Compile(source, Options{})
			if len(errs) > 0 {
				t.Fatal(errs[0])
			}
			v, err := e.Run(context.Background(), newThread())
			var limit *clr.LimitError
			if !errors.As(err, &limit) {
				t.Errorf("%v, %v: no limit ended it", v, err)
			}
		})
	}
}

// TestLeftIterator: what nobody disposes of carries out no finally.
func TestLeftIterator(t *testing.T) {
	e, errs := Compile(`@{
		IEnumerable<int> F() { try { yield return 1; yield return 2; } finally { while (true) { } } }
		var e = F().GetEnumerator();
		e.MoveNext();
		return e.Current;
	}`, Options{})
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	if v, err := e.Run(context.Background(), newThread()); err != nil || v.Int() != 1 {
		t.Error(v, err)
	}
}

// TestAttacksThrow is the same for what .NET itself refuses.
func TestAttacksThrow(t *testing.T) {
	for source, want := range map[string]string{
		`@(JToken.Parse(new string('[', 1000000)))`:              "Newtonsoft.Json.JsonReaderException",
		`@(Regex.IsMatch(new string('a', 40) + "!", "^(a+)+$"))`: "System.Text.RegularExpressions.RegexMatchTimeoutException",
		`@(XDocument.Parse("<!DOCTYPE a [<!ENTITY b \"xxxxxxxxxx\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\"><!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;\"><!ENTITY f \"&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;\"><!ENTITY g \"&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;\"><!ENTITY h \"&g;&g;&g;&g;&g;&g;&g;&g;&g;&g;\">]><a>&h;&h;&h;&h;</a>"))`: "System.Xml.XmlException",
		`@(new int[100000, 100000].Length)`: "System.OutOfMemoryException",
	} {
		e, errs := Compile(source, Options{})
		if len(errs) > 0 {
			t.Fatal(errs[0])
		}
		_, err := e.Run(context.Background(), newThread())
		var thrown *Error
		if !errors.As(err, &thrown) || thrown.Type != want {
			t.Errorf("%.60s: %v, want %s", source, err, want)
		}
	}
}

// TestAttacksCompile is about expressions that would take a process down before
// they run.
func TestAttacksCompile(t *testing.T) {
	// twice declares n variables, each made of the last one two times.
	twice := func(n int, first, next string) string {
		var b strings.Builder
		b.WriteString("@{ " + strings.ReplaceAll(first, "#", "a0"))
		for i := 1; i < n; i++ {
			b.WriteString(strings.NewReplacer("#", "a"+strconv.Itoa(i), "?", "a"+strconv.Itoa(i-1)).Replace(next))
		}
		return b.String() + " return a" + strconv.Itoa(n-1) + "; }"
	}
	each := func(n int, s string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(s, "#", strconv.Itoa(i)))
		}
		return b.String()
	}
	nest := func(n int, open, inner, end string) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	// generic functions in each other, each called with many types.
	var generic func(n int) string
	generic = func(n int) string {
		if n == 0 {
			return "return 1;"
		}
		f := "f" + strconv.Itoa(n)
		return "int " + f + "<T" + f + ">(T" + f + " x) { " + generic(n-1) + " } return " +
			strings.NewReplacer("#", f).Replace(`#(1) + #("a") + #(1.0) + #(1m) + #(1L) + #(true) + #('c') + #(1f) + #(1u) + #(1ul) + #(new int[0]);`)
	}
	for name, source := range map[string]string{
		"tuples of tuples":   twice(30, "var # = Tuple.Create(1, 1); ", "var # = Tuple.Create(?, ?); "),
		"pairs of pairs":     twice(100, "var # = (1, 1); ", "var # = (?, ?); "),
		"records of records": twice(60, "var # = new { x = 1 }; ", "var # = new { x = ?, y = ? }; "),
		"constants":          twice(40, `const string # = "xxxxxxxx"; `, "const string # = ? + ?; "),
		"froms":              "@((from x in new[] { 1 } " + each(2000, "from x# in new[] { 1 } ") + "select x).Count())",
		"lets":               "@((from x in new[] { 1 } " + each(2000, "let x# = x ") + "select x).Count())",
		"parentheses":        "@(" + nest(100_000, "(", "1", ")") + ")",
		"operators":          "@(" + strings.Repeat("- ", 100_000) + "1)",
		"terms":              "@(1" + strings.Repeat("+1", 60_000) + ")",
		"calls":              `@("a"` + strings.Repeat(".Trim()", 20_000) + ")",
		"overloads":          "@(" + nest(40, "new[] { 1 }.Sum(x => ", "1", ")") + ")",
		"lambdas":            "@(" + strings.Repeat("x => ", 30_000) + "1)",
		"type arguments":     "@(new " + nest(20_000, "List<", "int", ">") + "())",
		"holes":              "@(" + nest(5_000, `$"{`, "1", `}"`) + ")",
		"blocks":             "@{" + nest(60_000, "{", "", "}") + "return 1; }",
		"statements":         "@{" + strings.Repeat("if (true) ", 15_000) + "; return 1; }",
		"generic functions":  "@{ " + generic(6) + " }",
		"less than":          "@{" + strings.Repeat("a<b,", 20_000) + "}",
		"arguments":          "@(" + strings.Repeat("a<(b,", 15_000) + ")",
		"numbers":            "@(" + strings.Repeat("9", 1_000_000) + ")",
	} {
		t.Run(name, func(t *testing.T) {
			if _, errs := Compile(source, Options{}); len(errs) == 0 {
				t.Error("it compiles")
			}
		})
	}
}

// TestLongTexts: the bounds of attacks leave what people write.
func TestLongTexts(t *testing.T) {
	for _, source := range []string{
		"@(\"\"" + strings.Repeat(`+ "`+strings.Repeat("x", 80)+`"`, 1500) + ".Length)",
		"@{ return " + strings.Repeat("(1, ", 20) + "1" + strings.Repeat(")", 20) + "; }",
	} {
		if _, errs := Compile(source, Options{}); len(errs) > 0 {
			t.Errorf("%.60s: %v", source, errs[0])
		}
	}
}
