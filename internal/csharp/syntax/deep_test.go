package syntax

import (
	"strings"
	"testing"
	"time"
)

// What is long or deep is read in time that grows with its length, or refused.
func TestParseLongAndDeep(t *testing.T) {
	const n = 30_000
	rep := strings.Repeat
	for name, in := range map[string]string{
		"sum":              "@(a" + rep(" + a", n) + ")",
		"coalesce":         "@(a" + rep(" ?? a", n) + ")",
		"ternary":          "@(" + rep("a ? b : ", n) + "c)",
		"ternary in then":  "@(" + rep("a ? ", n) + "b" + rep(": c", n) + ")",
		"member":           "@(a" + rep(".b", n) + ")",
		"calls":            "@(a" + rep("()", n) + ")",
		"indexes":          "@(a" + rep("[0]", n) + ")",
		"conditional":      "@(a" + rep("?.b", n) + ")",
		"not":              "@(" + rep("!", n) + "a)",
		"minus":            "@(" + rep("- ", n) + "a)",
		"casts":            "@(" + rep("(A)", n) + "a)",
		"surely casts":     "@(" + rep("(int)", n) + "a)",
		"parens":           "@(" + rep("(", n) + "a" + rep(")", n) + ")",
		"open parens":      "@(" + rep("(", n),
		"closing":          "@(" + rep(")", n),
		"squares":          "@(" + rep("(", 150) + rep("]", n),
		"tuples":           "@(" + rep("(a,", 190) + "a" + rep(")", 190) + ")",
		"lambdas":          "@(" + rep("x => ", n) + "x)",
		"assignments":      "@(" + rep("x = ", n) + "x)",
		"is":               "@(a" + rep(" is A", n) + ")",
		"as nullable":      "@(a" + rep(" as A?", n) + ")",
		"less":             "@(a" + rep(" < a", n) + ")",
		"type arguments":   "@(" + rep("a<", n) + "b" + rep(">", n) + ")",
		"less in args":     "@(f(" + rep("a<b, ", n) + "c))",
		"less and greater": "@(f(" + rep("a<b>c, ", n) + "c))",
		"array ranks":      "@(new int" + rep("[]", n) + "{})",
		"array rank":       "@(new int[" + rep(",", n) + "]{})",
		"else if":          "@{ " + rep("if (a) b(); else ", n) + "c(); }",
		"nested if":        "@{ " + rep("if (a) ", n) + "c(); }",
		"blocks":           "@{ " + rep("{ ", n) + rep("}", n) + " }",
		"labels":           "@{ " + rep("a: ", n) + "; }",
		"statements":       "@{ " + rep("a = b;", n) + " }",
		"errors":           "@{ " + rep("a b c;", n) + " }",
		"errors on lines":  "@{ " + rep("a = (\n", n) + " }",
		"open braces":      "@{ " + rep("if (a) {", n),
		"bad characters":   "@(" + rep("#", n) + ")",
		"escapes":          `@("` + rep(`\q`, n) + `")`,
		"holes":            "@(" + rep(`$"{`, n) + "a" + rep(`}"`, n) + ")",
		"pieces":           `@($"` + rep("{a}b", n) + `")`,
		"braces in text":   `@($"` + rep("}", n+1) + `")`,
		"lone braces":      `@($"` + rep("a}", n) + `")`,
		"cut strings":      "@{ " + rep("$\"a\n", n) + " }",
		"queries":          "@(" + rep("from x in ", n) + "x select x)",
		"query clauses":    "@(from x in y " + rep("where x ", n) + "select x)",
		"names":            "@(" + rep("a", n) + ")",
		"escaped names":    "@(" + rep(`\u0061`, n) + ")",
		"new":              "@(" + rep("new A { B = ", n) + "1" + rep("}", n) + ")",
		"arrays":           "@(new[] " + rep("{", n) + rep("}", n) + ")",
		"cases":            "@{ switch (a) { " + rep("case 1: ", n) + " break; } }",
		"async":            "@{ " + rep("async ", n) + " }",
		"global":           "@{ " + rep("global::", n) + " }",
		"words":            "@{ " + rep("a ", n) + " }",
		"designation":      "@{ var " + rep("(a, ", n) + "b" + rep(")", n) + " = c; }",
		"tuple types":      "@{ " + rep("(a, ", n) + "b" + rep(")", n) + " c; }",
		"wide tuples":      "@(" + rep("(a, b), ", n) + ")",
		"generic tuples":   "@{ " + rep("(a<b, ", 190) + "b" + rep(")", 190) + "; }",
		"throw":            "@(a ?? " + rep("throw ", n) + "a)",
		"ranges":           "@(" + rep("a..", n) + ")",
		"comments":         "@(" + rep("/**/", n) + "a)",
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			prog, errs := Parse(in)
			took := time.Since(begin)
			t.Logf("%v, %d errors", took, len(errs))
			if took > 2*time.Second {
				t.Errorf("took %v", took)
			}
			if prog == nil && len(errs) == 0 || prog != nil && tooHigh(prog, MaxHeight+2) != nil {
				t.Error("neither a tree of bounded height nor an error")
			}
			if len(errs) > 0 {
				t.Logf("%v", errs[0])
			}
		})
	}
}
