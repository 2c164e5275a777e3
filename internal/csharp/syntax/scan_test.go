package syntax

import (
	"errors"
	"strings"
	"testing"
)

func TestScanExpression(t *testing.T) {
	// The end of each is where "⏎" stands.
	for name, in := range map[string]string{
		"simple":                          `@(1)⏎`,
		"text after it":                   `@(a)⏎ + (b)`,
		"block":                           "@{ return 1; }⏎\"",
		"all brackets":                    `@(f(a[0], new { X = 1 }))⏎)`,
		"generic call, raw operators":     `@(context.Request.Body.As<JObject>() != null && i < 3)⏎`,
		"string":                          `@("a)b")⏎`,
		"string with escapes":             `@("\")\\")⏎`,
		"empty string":                    `@("" + "")⏎`,
		"verbatim":                        `@(@"c:\")⏎)`,
		"verbatim with quotes":            `@(@"a "")"" b")⏎`,
		"verbatim on lines":               "@(@\"a)\n)\")⏎",
		"interpolated":                    `@($"a{b})")⏎`,
		"interpolated, nested":            `@($"a{d["k)"]}{$"x{y("}")}"}")⏎`,
		"interpolated, braces":            `@($"{{)}}{a}")⏎`,
		"interpolated, format":            `@($"{a:0.00)}{b,5:X}")⏎`,
		"interpolated, conditional":       `@($"{(a ? "1" : "2")}")⏎`,
		"interpolated, alias":             `@($"{global::System.Math.PI})")⏎`,
		"interpolated, format with brace": `@($"{a:x}}y}")⏎`,
		"verbatim interpolated":           "@($@\"a\\{b[@\"x\"\"\"]}\n\"\"}}\")⏎",
		"the other way round":             `@(@$"\{a}")⏎`,
		"characters":                      `@(a == ')' || a == '\'' || a == '"')⏎`,
		"quotes of more than one":         `@(h.ContainsKey('Retry-After)'))⏎`,
		"line comment":                    "@{ // don't )}\n return 1; }⏎",
		"block comment":                   `@( /* don't ) " */ 1)⏎`,
		"comment at the end":              "@(1 // one\n)⏎",
		"division":                        `@(a / b)⏎`,
		"region":                          "@{\n  #region don't\n return 1;\n#endregion\n}⏎",
		"no directive":                    "@(a #)⏎",
		"name with at":                    `@(@class.X)⏎`,
		"dollar alone":                    `@($)⏎`,
		"lambda":                          `@(list.Where(x => { return x > 1; }).First())⏎`,
		"named value":                     `@("{{name}}" + {{n}})⏎`,
		"named value in interpolated":     `@($"{{name}}")⏎`,
	} {
		t.Run(name, func(t *testing.T) {
			before, after, _ := strings.Cut(in, "⏎")
			end, multi, err := ScanExpression(before+after, 0)
			if err != nil {
				t.Fatal(err)
			}
			if end != len(before) {
				t.Errorf("ends after %q, want after %q", (before + after)[:end], before)
			}
			if want := before[1] == '{'; multi != want {
				t.Errorf("multi %v, want %v", multi, want)
			}
		})
	}
}

func TestScanExpressionErrors(t *testing.T) {
	for _, c := range []struct {
		in     string
		offset int
		reason string
	}{
		{``, 0, "an expression begins"},
		{`@`, 0, "an expression begins"},
		{`x(1)`, 0, "an expression begins"},
		{`@(`, 1, `"(" is never closed`},
		{`@(a[)`, 4, `')' closes nothing here`},
		{`@(a}`, 3, `'}' closes nothing here`},
		{`@{ if (a { }`, 6, `"(" is never closed`},
		{`@("a)`, 2, "the string has no end"},
		{"@(\"a\n\")", 2, "does not end on its line"},
		{"@(\"a\\\n\")", 2, "does not end on its line"},
		{`@('a)`, 2, "the character has no end"},
		{`@(@"a)`, 2, "the string has no end"},
		{`@($"a)`, 2, "the string has no end"},
		{"@($\"a\n\")", 2, "does not end on its line"},
		{"@($\"a{b:c\n}\")", 2, "does not end on its line"},
		{`@($"a{b")`, 7, "the string has no end"},
		{`@($"a}")`, 5, `is written "}}"`},
		{`@($"a{b]}")`, 7, `']' closes nothing here`},
		{`@($"{a:"}")`, 7, "in the format of a hole"},
		{`@($"{a:b`, 4, "in a string is never closed"},
		{`@(1 /* a)`, 4, "the comment has no end"},
		{`@(1 // a)`, 1, `"(" is never closed`},
		{"@" + strings.Repeat("(", MaxDepth+1), MaxDepth + 1, "nests deeper than 200"},
		{"@(" + strings.Repeat(`$"{`, MaxDepth), 3*MaxDepth/2 + 1, "nests deeper than 200"},
	} {
		end, _, err := ScanExpression(c.in, 0)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q: end %d, error %v", c.in, end, err)
			continue
		}
		if e.Offset != c.offset || !strings.Contains(e.Reason, c.reason) {
			t.Errorf("%.40q: at %d %q, want at %d %q", c.in, e.Offset, e.Reason, c.offset, c.reason)
		}
	}
}

func TestScanExpressionInside(t *testing.T) {
	const src = `value="@(a["b"])" x="@(1)"`
	end, multi, err := ScanExpression(src, 7)
	if err != nil || multi || src[7:end] != `@(a["b"])` {
		t.Errorf("%d %v %v", end, multi, err)
	}
	if _, _, err := ScanExpression(src, len(src)+3); err == nil {
		t.Error("a start behind the text is taken")
	}
	if _, _, err := ScanExpression(src, -1); err == nil {
		t.Error("a negative start is taken")
	}
}

// An expression is the shortest text that scans: no prefix of it does, nothing
// behind it matters, and nothing before it.
func FuzzScanExpression(f *testing.F) {
	for _, s := range []string{
		`@(context.Request.Headers.GetValueOrDefault("X","") == "a")`,
		`@{ var a = $"x{b["c"]:N2}"; return a; }`,
		"@(@\"a\"\"b\" + $@\"{c}\" + @$\"d\") tail",
		"@{ // it's\n /* ) */ return '\\''; }",
		"@{\n#region it's\n}",
		`@($"{a:x}}y}")`, `@('ab')`, `@(((`, `@($"{{`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		end, multi, err := ScanExpression(src, 0)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(src) || e.End != e.Offset || e.Reason == "" {
				t.Fatalf("error %#v", err)
			}
			return
		}
		if last := src[end-1]; multi && last != '}' || !multi && last != ')' {
			t.Fatalf("ends with %q", last)
		}
		for _, tail := range []string{"", ")", "}", `"`, "'", "/", "//", "*/", ":"} {
			if e, m, err := ScanExpression(src[:end]+tail, 0); e != end || m != multi || err != nil {
				t.Fatalf("with %q behind it: %d %v %v, want %d %v", tail, e, m, err, end, multi)
			}
		}
		if e, _, err := ScanExpression("\n\"x"+src, 3); e != end+3 || err != nil {
			t.Fatalf("with text before it: %d %v, want %d", e, err, end+3)
		}
		for n := max(0, end-300); n < end; n++ {
			if e, _, err := ScanExpression(src[:n], 0); err == nil {
				t.Fatalf("%q is an expression of %d bytes already", src[:n], e)
			}
		}
	})
}
