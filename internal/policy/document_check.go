package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/cloister-ai/cloister/internal/site"
)

// maxChecked is how many problems of one document [CheckDocument] reports.
const maxChecked = 100

// Checked is what is known of a document by itself.
type Checked struct {
	// Policies are the names of the policies in it, sorted, each once.
	Policies []string
	// Expressions is how many C# expressions it holds.
	Expressions int
	// Problems are sorted.
	Problems site.Problems
}

// CheckDocument looks at one document by itself, of whatever scope: whether it
// can be read, its expressions are C#, its policies are in API Management's
// reference, and what it names is defined. It does not know what a policy may
// hold and where it may stand; [Compile] does.
func CheckDocument(file *site.PolicyFile, defined Defined) Checked {
	doc, problems := Read(file.Path, file.Source)
	broken := problems.HasErrors()
	doc, more := doc.Expand(defined.NamedValues)
	c := &documentChecker{doc: doc, defined: defined, problems: append(problems, more...), policies: map[string]bool{}, entries: table()}
	expressions := doc.Expressions()
	for i := range expressions {
		c.expression(&expressions[i])
	}
	if doc.Root != nil {
		c.element(doc.Root)
		// What stands where is not to be trusted in a tree with holes.
		if !broken {
			c.root(doc.Root)
		}
	}
	c.problems.Sort()
	// Two errors in one named value read the same.
	return Checked{Policies: slices.Sorted(maps.Keys(c.policies)), Expressions: len(expressions), Problems: slices.Compact(c.problems)}
}

type documentChecker struct {
	doc      *Document
	defined  Defined
	entries  map[string]*entry
	policies map[string]bool
	problems site.Problems
}

func (c *documentChecker) add(pos site.Pos, code, mend, format string, args ...any) {
	if len(c.problems) >= maxChecked {
		return
	}
	c.problems = append(c.problems, site.Problem{
		Severity: site.Error, Pos: pos, Code: code, Message: fmt.Sprintf(format, args...), Mend: mend,
		Excerpt: site.Excerpt(c.doc.Source, pos),
	})
}

// element notes policies, and checks what elements name.
func (c *documentChecker) element(n *Node) {
	if c.entries[n.Name] != nil {
		c.policies[n.Name] = true
	}
	c.references(n)
	for _, child := range n.Elements() {
		c.element(child)
	}
}

func (c *documentChecker) root(root *Node) {
	if root.Name == "fragment" {
		c.list(root)
		return
	}
	for _, n := range root.Elements() {
		if !isSection(n.Name) {
			c.add(n.Pos, "unknown-section", nearestName(n.Name, sectionNames()), "%q is not a section", n.Name)
			continue
		}
		c.list(n)
	}
}

// list checks the policies that stand in n, and those in them.
func (c *documentChecker) list(n *Node) {
	for _, child := range n.Elements() {
		switch name := child.Name; {
		case c.entries[name] == nil && !slices.Contains(policyElements(), name):
			c.add(child.Pos, "unknown-policy", nearestName(name, policyNames(c.entries)), "%q is not a policy", name)
		case slices.Contains(policyHolders(), name):
			c.list(child)
		}
	}
}

// expression reports what is wrong with an expression as C#.
func (c *documentChecker) expression(x *Expression) {
	for _, e := range x.compile() {
		c.add(x.At(e.Offset), cmp.Or(e.Code, "bad-expression"), "", "%s", x.says(e))
	}
}
