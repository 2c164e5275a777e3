package policy

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestFixturesHoldEverything: every policy of tier A stands in a document that
// runs, and in one that is refused for something wrong with it; every attribute
// and element of it stands in one of the two. Two names of one policy are one.
func TestFixturesHoldEverything(t *testing.T) {
	runs, refused := used(t, "testdata/run/*.txtar"), used(t, "testdata/compile/*.txtar")
	both := maps.Clone(runs)
	maps.Copy(both, refused)
	list := catalogue()
	for i := range list {
		e := &list[i]
		if e.tier != tierA {
			continue
		}
		if !runs[e.name] {
			t.Errorf("%s is in no document of testdata/run", e.name)
			continue
		}
		if strings.HasPrefix(e.name, "azure-openai-") {
			continue
		}
		if !refused[e.name] {
			t.Errorf("%s is in no document of testdata/compile", e.name)
		}
		for _, missing := range lacking(e.name, e.attributes, e.children, both) {
			t.Errorf("%s is in no document of testdata/run or testdata/compile", missing)
		}
	}
}

// lacking are the attributes and elements that no document has, as
// policy/element@attribute.
func lacking(path string, attributes []attribute, children []child, have map[string]bool) (out []string) {
	for _, a := range attributes {
		if name := path + "@" + a.name; !have[name] {
			out = append(out, name)
		}
	}
	for _, k := range children {
		name := path + "/" + k.name
		if !have[name] {
			out = append(out, name)
			continue
		}
		if !k.policy {
			out = append(out, lacking(name, k.attributes, k.children, have)...)
		}
	}
	return out
}

// used are the policies, elements and attributes in the documents of fixtures.
func used(t *testing.T, pattern string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	out := map[string]bool{}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if !strings.HasSuffix(f.Name, ".xml") {
				continue
			}
			if doc, _ := Read(f.Name, f.Data); doc != nil && doc.Root != nil {
				note(doc.Root, nil, out)
			}
		}
	}
	return out
}

// note notes an element below each of the elements around it, so that one is known
// by the policy that it stands in, whatever stands around that.
func note(n *Node, around []string, out map[string]bool) {
	name := n.Name
	if other, ok := strings.CutPrefix(name, "azure-openai-"); ok {
		out[name] = true
		name = "llm-" + other
	}
	around = append(slices.Clone(around), name)
	for i := range around {
		path := strings.Join(around[i:], "/")
		out[path] = true
		for k := range n.Attributes {
			out[path+"@"+n.Attributes[k].Name] = true
		}
	}
	for _, k := range n.Elements() {
		note(k, around, out)
	}
}
