package policy

import (
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
// reference and hold what they may, and what it names is defined. Policies that
// do not run here are warnings.
func CheckDocument(file *site.PolicyFile, defined Defined) Checked {
	doc, problems := Read(file.Path, file.Source)
	broken := problems.HasErrors()
	doc, more := doc.Expand(defined.NamedValues)
	entries := table()
	c := &documentChecker{doc: doc, defined: defined, problems: append(problems, more...), policies: map[string]bool{}, entries: entries}
	env := &Env{any: true, compiled: &compiledDocuments{entries: entries}}
	c.compiler = compiler{
		env: env, tree: &tree{doc: doc, holes: true}, problems: &c.problems, scope: anyScope, section: anySection, work: &work{},
	}
	expressions := doc.Expressions()
	if doc.Root != nil {
		c.element(doc.Root)
		// What stands where is not to be trusted in a tree with holes.
		if !broken {
			c.root(doc.Root)
		}
	}
	for i := range expressions {
		c.expression(&expressions[i])
	}
	c.problems.Sort()
	if len(c.problems) > maxChecked {
		c.problems = c.problems[:maxChecked]
	}
	// Two errors in one named value read the same.
	return Checked{Policies: slices.Sorted(maps.Keys(c.policies)), Expressions: len(expressions), Problems: slices.Compact(c.problems)}
}

type documentChecker struct {
	doc      *Document
	defined  Defined
	entries  map[string]*entry
	policies map[string]bool
	problems site.Problems
	compiler compiler
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
		c.compiler.list(root)
		return
	}
	for _, n := range root.Elements() {
		s, ok := sectionOf(n.Name)
		if !ok {
			c.add(n.Pos, "unknown-section", nearestName(n.Name, sectionNames()), "%q is not a section", n.Name)
			continue
		}
		c.compiler.section = s
		c.compiler.list(n)
	}
}

// expression reports what is wrong with an expression as C#.
func (c *documentChecker) expression(x *Expression) {
	if c.compiler.work.expressions[x.At(0)] {
		return // its policy was compiled
	}
	_, errs := x.compile()
	for _, e := range errs {
		c.add(x.At(e.Offset), codeOf(e), "", "%s", x.says(e))
	}
}
