package repo

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// addressCheck is the hook by which TestNothingLeaves of internal/app does without the
// egress package's address check, and the file in which it is read.
const (
	addressCheck     = "addressCheckOff"
	addressCheckFile = "internal/network/egress/verdict.go"
)

// checkAddressCheck finds ways to switch the address check off in the product: the
// hook is declared without a value and read once, and outside of tests nothing
// reaches into another package by go:linkname.
func checkAddressCheck(tr tree) []string {
	var out []string
	for _, p := range tr.paths(".go") {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		fset, f := tr.parse(p, parser.ParseComments)
		for _, g := range f.Comments {
			for _, c := range g.List {
				if strings.HasPrefix(c.Text, "//go:linkname") {
					out = append(out, fmt.Sprintf("%s: go:linkname, which only tests may use", position(fset, c)))
				}
			}
		}
		out = append(out, hookUses(fset, f, p)...)
	}
	return out
}

// hookUses finds uses of the hook that are neither its declaration, without a
// value, nor the condition of an if.
func hookUses(fset *token.FileSet, f *ast.File, p string) (out []string) {
	allowed := map[*ast.Ident]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			if len(n.Names) == 1 && len(n.Values) == 0 {
				allowed[n.Names[0]] = true
			}
		case *ast.IfStmt:
			if id, ok := n.Cond.(*ast.Ident); ok {
				allowed[id] = true
			}
		case *ast.Ident:
			if n.Name == addressCheck && (p != addressCheckFile || !allowed[n]) {
				out = append(out, fmt.Sprintf("%s: %s is neither declared without a value nor the condition of an if in %s", position(fset, n), addressCheck, addressCheckFile))
			}
		}
		return true
	})
	return out
}
