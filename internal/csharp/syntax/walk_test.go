package syntax

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// Walk forgets nothing: it visits what reflection finds. The trees are those
// of the golden files, in which every kind of node is.
func TestWalkVisitsAll(t *testing.T) {
	kinds := map[string]bool{}
	for _, src := range goldenSources(t) {
		prog, errs := Parse(src)
		if len(errs) > 0 {
			continue
		}
		want := map[Node]bool{}
		reflectNodes(reflect.ValueOf(prog), want)
		got := map[Node]bool{}
		Walk(prog, func(n Node) bool {
			if got[n] {
				t.Errorf("%s: %T is visited twice", src, n)
			}
			got[n] = true
			if Format(n) == "" {
				t.Errorf("%s: a %T is written as nothing", src, n)
			}
			kinds[strings.TrimPrefix(reflect.TypeOf(n).String(), "*syntax.")] = true
			return true
		})
		for n := range want {
			if !got[n] {
				t.Errorf("%s: %T is not visited", src, n)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d nodes are visited, there are %d", src, len(got), len(want))
		}
	}
	for kind := range nodeKinds(t) {
		if !kinds[kind] && kind != "TypeExpr" {
			t.Errorf("no golden file has a %s", kind)
		}
	}
}

// goldenSources are the texts in testdata, all as whole expressions.
func goldenSources(t *testing.T) []string {
	var out []string
	for _, name := range []string{"operators", "generics", "casts", "primary", "queries", "statements"} {
		data, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		for entry := range strings.SplitSeq(string(data), "\n\n") {
			var src []string
			for line := range strings.SplitSeq(entry, "\n") {
				if !strings.HasPrefix(line, "# ") && !strings.HasPrefix(line, "\t") {
					src = append(src, line)
				}
			}
			text := strings.Join(src, "\n")
			if !strings.HasPrefix(text, "@{") {
				text = "@(" + text + ")"
			}
			out = append(out, text)
		}
	}
	return out
}

// reflectNodes finds all nodes but names.
func reflectNodes(v reflect.Value, found map[Node]bool) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if !v.IsNil() {
			reflectNodes(v.Elem(), found)
		}
	case reflect.Slice:
		for i := range v.Len() {
			reflectNodes(v.Index(i), found)
		}
	case reflect.Struct:
		if v.Type() == spanType || v.Type() == reflect.TypeFor[Ident]() {
			return
		}
		if n, ok := v.Addr().Interface().(Node); ok {
			found[n] = true
		}
		for i := range v.NumField() {
			reflectNodes(v.Field(i), found)
		}
	}
}

// nodeKinds are the types of nodes in ast_kind.go.
func nodeKinds(t *testing.T) map[string]bool {
	data, err := os.ReadFile("ast_kind.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for line := range strings.SplitSeq(string(data), "\n") {
		// Each is said to be one by a method without a body.
		if rest, ok := strings.CutPrefix(line, "func (*"); ok && strings.HasSuffix(line, "{}") {
			kind, _, _ := strings.Cut(rest, ")")
			kinds[kind] = true
		}
	}
	if len(kinds) < 50 {
		t.Fatalf("%d kinds of nodes", len(kinds))
	}
	return kinds
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"a+b", "a + b", true},
		{"a + b", "(a + b)", false},
		{"a + b", "a - b", false},
		{"f(a)", "f(a, a)", false},
		{"0x1", "1", false},
		{"x => x", "(x) => x", true},
		{"@a", "a", true},
		{"a?.b", "a.b", false},
		{"default", "default(int)", false},
		{`$"{a}"`, `$@"{a}"`, false},
	} {
		a, errs := ParseExpr(c.a)
		b, more := ParseExpr(c.b)
		if len(errs) > 0 || len(more) > 0 {
			t.Fatal(errs, more)
		}
		if got := Equal(a, b); got != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
	if !Equal(nil, nil) || Equal(nil, &Empty{}) {
		t.Error("nil is equal to nil only")
	}
}

// Statements are written as people write them.
func TestFormat(t *testing.T) {
	const want = `@{
	var total = 0;
	foreach (var item in (JArray)body["items"]) {
		if (item["price"] == null)
			continue;
		else if ((int)item["price"] < 0) {
			throw new Exception($"bad price {item["price"],5:N2} of {item["id"]}");
		} else {
			total += (int)item["price"];
		}
	}
	switch (total) {
	case 0:
	case int n when n > 100:
		return "none or many";
	default:
		try {
			return f(x => { return -x; });
		} catch (Exception e) when (e.Message != null) {
			return e;
		}
	}
}`
	prog, errs := Parse(strings.Join(strings.Fields(want), " "))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	got := Format(prog)
	// A lambda's block is written on lines, too.
	got = strings.Replace(got, "{\n\t\t\t\treturn -x;\n\t\t\t}", "{ return -x; }", 1)
	if got != want {
		t.Errorf("got\n%s", got)
	}
}
