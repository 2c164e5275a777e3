package repo

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is the import path of the repository's root.
const module = "github.com/cloister-ai/cloister"

// tree is the text files of a repository by slash-separated path.
type tree map[string][]byte

// paths are the tree's files whose names end with ext, sorted.
func (tr tree) paths(ext string) []string {
	var out []string
	for _, p := range slices.Sorted(maps.Keys(tr)) {
		if strings.HasSuffix(p, ext) {
			out = append(out, p)
		}
	}
	return out
}

// isDir reports whether a file lies below p.
func (tr tree) isDir(p string) bool {
	prefix := strings.TrimSuffix(p, "/") + "/"
	for f := range tr {
		if strings.HasPrefix(f, prefix) {
			return true
		}
	}
	return false
}

// parse reads one Go file of the tree. A file that cannot be parsed has no
// declarations; the compiler complains about it better than we could.
func (tr tree) parse(p string, mode parser.Mode) (*token.FileSet, *ast.File) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, p, tr[p], mode|parser.SkipObjectResolution)
	if err != nil {
		return fset, &ast.File{Name: ast.NewIdent("")}
	}
	return fset, f
}

// skippedDirs hold what is not the project's own text. The samples of this
// package break rules on purpose.
var skippedDirs = []string{".git", ".cache", "bin", "node_modules", "test/repo/testdata"}

// readTree reads every text file below root.
func readTree(t *testing.T, root string) tree {
	t.Helper()
	tr := tree{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch {
		case d.IsDir() && (slices.Contains(skippedDirs, rel) || slices.Contains(skippedDirs, path.Base(rel))):
			return filepath.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if !bytes.Contains(src[:min(len(src), 8000)], []byte{0}) {
			tr[rel] = src
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// lines yields the lines of a file with their numbers, from 1.
func lines(src []byte) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		n := 0
		for line := range strings.Lines(string(src)) {
			n++
			if !yield(n, strings.TrimRight(line, "\r\n")) {
				return
			}
		}
	}
}
