package gateway

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestReasonsAreDocumented: docs/telemetry.md explains every reason that the
// gateway and its policies write into a record, and no other.
func TestReasonsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/telemetry.md")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, dir := range []string{".", "../policy"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if !strings.HasSuffix(name, "_test.go") {
				collectReasons(t, name, used)
			}
		}
	}
	if len(used) < 20 {
		t.Fatalf("the sources name only %d reasons", len(used))
	}
	for reason := range used {
		if !strings.Contains(string(page), "`"+reason+"`") && !strings.Contains(string(page), "`"+kebab(reason)+"`") {
			t.Errorf("docs/telemetry.md does not explain %s", reason)
		}
	}
	_, part, _ := strings.Cut(string(page), "### Reasons")
	part, _, _ = strings.Cut(part, "### Refused")
	for line := range strings.Lines(part) {
		cell, ok := strings.CutPrefix(line, "| `")
		if !ok {
			continue
		}
		reason, _, _ := strings.Cut(cell, "`")
		gives := func(u string) bool { return u == reason || kebab(u) == reason }
		if !slices.ContainsFunc(slices.Collect(maps.Keys(used)), gives) {
			t.Errorf("docs/telemetry.md explains %s, which nothing gives", reason)
		}
	}
}

// collectReasons finds the words: what is given to the functions that make a
// decision, and what is given to a field Reason. Reason phrases of HTTP and
// reasons of other errors are told apart by their spaces.
func collectReasons(t *testing.T, name string, used map[string]bool) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	add := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil && s != "" && !strings.Contains(s, " ") {
				used[s] = true
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			switch f, ok := n.Fun.(*ast.Ident); {
			case !ok:
			case slices.Contains([]string{"allow", "forbidden", "badModelRequest"}, f.Name):
				add(n.Args[0])
			case f.Name == "denied":
				add(n.Args[1])
			}
		case *ast.KeyValueExpr:
			switch key, ok := n.Key.(*ast.Ident); {
			case !ok:
			case key.Name == "Reason":
				add(n.Value)
			case key.Name == "reasons":
				if list, ok := n.Value.(*ast.CompositeLit); ok {
					add(list.Elts[0])
				}
			}
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if sel, ok := left.(*ast.SelectorExpr); ok && (sel.Sel.Name == "Reason" || sel.Sel.Name == "ErrorReason") && i < len(n.Rhs) {
					add(n.Rhs[i])
				}
			}
		}
		return true
	})
}
