package main

import (
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/site"
)

func main() {
	verbose := flag.Bool("v", false, "warnings too")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: go run ./test/visible [-v] FOLDER")
		os.Exit(2)
	}
	t := &tally{out: os.Stdout, verbose: *verbose}
	if err := t.folder(os.DirFS(flag.Arg(0))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%d documents, %d of them templates, %d expressions: %d read, %d refused\n",
		t.documents, t.templates, t.expressions, t.documents-t.refused, t.refused)
	if t.refused > 0 {
		os.Exit(1)
	}
}

// tally counts what became of the documents.
type tally struct {
	out                                        io.Writer
	verbose                                    bool
	documents, templates, expressions, refused int
}

func (t *tally) folder(fsys fs.FS) error {
	defined := policy.DefinedBy(&site.Artifacts{}, true)
	return fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		source, err := fs.ReadFile(fsys, p)
		if err != nil {
			return err
		}
		t.document(p, string(source), defined)
		return nil
	})
}

func (t *tally) document(path, source string, defined policy.Defined) {
	t.documents++
	settled := settle(source)
	if settled != source {
		t.templates++
	}
	checked := policy.CheckDocument(&site.PolicyFile{Path: path, Source: []byte(settled)}, defined)
	t.expressions += checked.Expressions
	if checked.Problems.HasErrors() {
		t.refused++
	}
	for _, p := range checked.Problems {
		if p.Severity == site.Error || t.verbose {
			fmt.Fprintf(t.out, "%s [%s]\n%s\n", p, p.Code, p.Excerpt)
		}
	}
}
