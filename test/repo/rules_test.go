package repo

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/cloister-ai/cloister/internal/testenv"
)

var update = flag.Bool("update", false, "write what the rules find in the samples as what they should find")

// rule finds what is wrong with a tree.
type rule struct {
	// name is also that of the sample, testdata/NAME.txtar.
	name  string
	check func(tree) []string
}

// rules are all of them. private are strings that would tell on the machine
// that a file was written on.
func rules(private []string) []rule {
	return []rule{
		{"imports", checkImports},
		{"length", checkLength},
		{"package-comment", checkPackageComments},
		{"init", checkInit},
		{"address-check", checkAddressCheck},
		{"words", func(tr tree) []string { return checkWords(tr, private) }},
		{"links", checkLinks},
		{"reachable", checkReachable},
		{"references", checkReferences},
	}
}

func TestRepository(t *testing.T) {
	root := testenv.Root(t)
	tr := readTree(t, root)
	for _, r := range rules(machineStrings(root)) {
		t.Run(r.name, func(t *testing.T) {
			for _, finding := range r.check(tr) {
				t.Error(finding)
			}
		})
	}
}

// TestRules holds each rule to its sample: files that break it, and in the
// file "want" what it must find.
func TestRules(t *testing.T) {
	for _, r := range rules([]string{"/srv/checkout/"}) {
		t.Run(r.name, func(t *testing.T) {
			file := filepath.Join("testdata", r.name+".txtar")
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tr, want := tree{}, -1
			for i, f := range ar.Files {
				if f.Name == "want" {
					want = i
					continue
				}
				tr[f.Name] = f.Data
			}
			if want < 0 {
				t.Fatal("the sample has no file want")
			}
			var got strings.Builder
			for _, finding := range r.check(tr) {
				fmt.Fprintln(&got, finding)
			}
			if got.Len() == 0 {
				t.Error("the rule finds nothing in a sample that breaks it")
			}
			if *update {
				ar.Files[want].Data = []byte(got.String())
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(ar.Files[want].Data), got.String()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
