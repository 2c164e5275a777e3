package policy

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzPolicyRead holds that every place is that of what stands there, and that
// a document that is read without problems and printed canonically reads as the
// same tree.
func FuzzPolicyRead(f *testing.F) {
	files, err := filepath.Glob("testdata/read/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive.Files[0].Data)
	}
	documents, err := filepath.Glob("testdata/documents/*.xml")
	if err != nil || len(documents) == 0 {
		f.Fatal("no documents", err)
	}
	for _, file := range documents {
		source, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source)
	}
	f.Add([]byte("\xff\xfe<\x00a\x00/\x00>\x00"))
	f.Fuzz(func(t *testing.T, source []byte) {
		doc, problems := Read("policy.xml", source)
		checkPlaces(t, doc)
		for _, p := range problems {
			if p.File != "policy.xml" || p.Code == "" || p.Line > 0 && p.Excerpt == "" {
				t.Fatalf("problem %+v", p)
			}
		}
		if !problems.HasErrors() && doc.Root == nil {
			t.Fatal("neither a root nor an error")
		}
		if len(problems) > 0 {
			return
		}
		printed := canonical(doc.Root)
		if len(printed) > maxSource {
			return
		}
		again, problems := Read("policy.xml", []byte(printed))
		// A warning may come: a comment in opaque content is text once printed.
		if problems.HasErrors() {
			t.Fatalf("printed as %s\n%v", printed, problems)
		}
		// Comparing is quick, finding what differs is not.
		if was, is := plain(doc.Root), plain(again.Root); !reflect.DeepEqual(was, is) {
			t.Fatalf("printed as %s\n%s", printed, cmp.Diff(was, is, cmpopts.IgnoreTypes(Origin{})))
		}
	})
}

// The documents of testdata/documents are read without a problem.
func TestReadDocuments(t *testing.T) {
	files, err := filepath.Glob("testdata/documents/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatal("no documents", err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, problems := Read(filepath.Base(file), source)
		if len(problems) > 0 {
			t.Error(problems)
		}
		checkPlaces(t, doc)
	}
}

// plain is a tree without places.
func plain(n *Node) *Node {
	out := &Node{Name: n.Name, Implied: n.Implied, Text: n.Text, Written: n.Written, CDATA: n.CDATA}
	for _, a := range n.Attributes {
		out.Attributes = append(out.Attributes, Attribute{Name: a.Name, Value: a.Value, Written: a.Written})
	}
	for _, c := range n.Children {
		out.Children = append(out.Children, plain(c))
	}
	return out
}

// canonical prints a tree as strict XML.
func canonical(n *Node) string {
	var b strings.Builder
	printNode(&b, n)
	return b.String()
}

func printNode(b *strings.Builder, n *Node) {
	switch {
	case n.CDATA:
		b.WriteString(cdataBegin + n.Text + cdataEnd)
		return
	case n.Name == "":
		b.WriteString(encode(n.Text))
		return
	}
	b.WriteString("<" + n.Name)
	for _, a := range n.Attributes {
		fmt.Fprintf(b, " %s=\"%s\"", a.Name, encode(a.Value))
	}
	b.WriteString(">")
	for _, c := range n.Children {
		printNode(b, c)
	}
	b.WriteString("</" + n.Name + ">")
}

// encode encodes all that has a meaning in a document, and white space that
// would change.
func encode(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;",
		"\r", "&#13;", "\n", "&#10;", "\t", "&#9;").Replace(s)
}
