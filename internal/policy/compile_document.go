package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

const (
	// maxFragmentDepth is how deep fragments may include each other.
	maxFragmentDepth = 16
	// maxSteps bounds the elements of one document, those of its fragments
	// included: fragments that include others twice grow fast.
	maxSteps = 10_000
)

// compiledDocuments remembers documents, by file and scope.
type compiledDocuments struct {
	documents map[documentKey]*compiledDocument
	trees     map[*site.PolicyFile]*tree
	entries   map[string]*entry
	// What OpenAPI documents say, by document and by operation.
	specifications map[*site.Specification]*site.Contracts
	contracts      map[*site.Operation]*contract
}

type documentKey struct {
	file *site.PolicyFile
	at   scope
}

// tree is a document with its named values put in.
type tree struct {
	doc      *Document
	problems site.Problems
	// broken: the text could not be read, so there is nothing to compile.
	broken bool
	// holes: named values are missing; messages about what follows from that
	// are left out.
	holes bool
}

// compiledDocument is one document at one scope.
type compiledDocument struct {
	// sections are nil where the document does not have them.
	sections [sections]*block
	problems site.Problems
}

// block is one section of a document. An item without a statement is <base/>.
type block struct {
	pos   site.Pos
	items []step
}

func newCompiledDocuments() *compiledDocuments {
	return &compiledDocuments{
		documents: map[documentKey]*compiledDocument{},
		trees:     map[*site.PolicyFile]*tree{},
		entries:   table(),

		specifications: map[*site.Specification]*site.Contracts{},
		contracts:      map[*site.Operation]*contract{},
	}
}

func (e *Env) document(file *site.PolicyFile, at scope) *compiledDocument {
	key := documentKey{file, at}
	if d := e.compiled.documents[key]; d != nil {
		return d
	}
	d := compileDocument(e, file, at)
	e.compiled.documents[key] = d
	return d
}

// tree reads a file and puts named values in.
func (e *Env) tree(file *site.PolicyFile) *tree {
	if t := e.compiled.trees[file]; t != nil {
		return t
	}
	t := &tree{}
	t.doc, t.problems = Read(file.Path, file.Source)
	if t.broken = t.problems.HasErrors(); !t.broken {
		doc, problems := t.doc.Expand(e.NamedValues)
		t.doc, t.holes = doc, problems.HasErrors()
		t.problems = append(t.problems, problems...)
	}
	e.compiled.trees[file] = t
	return t
}

// compiler compiles one document, or a fragment in it.
type compiler struct {
	env      *Env
	tree     *tree
	problems *site.Problems
	scope    scope
	section  section
	// prefix is the path of what is around the list that is compiled.
	prefix string
	// fragments are the ids of those that are being compiled, outermost first.
	fragments []string
	work      *work
	// answer: the statements act on the answer that return-response makes.
	answer bool
	// call: the statements act on the request that send-request makes.
	call bool
	// at is where the policy that is compiled stands.
	at *place
}

// work is what compilers of one document share.
type work struct {
	// steps counts against maxSteps.
	steps int
	// errors among the problems.
	errors int
	// once are the policies that may stand in a document once, with their places.
	once map[string]site.Pos
	// expressions are the places of those that were compiled.
	expressions map[site.Pos]bool
}

// onAnswer reports whether policies that change a message change the answer.
// Where nobody knows, as in a fragment by itself, they may.
func (c *compiler) onAnswer() bool {
	return c.answer || !c.call && (c.section == outbound || c.section == onError || c.section == anySection)
}

func compileDocument(env *Env, file *site.PolicyFile, at scope) *compiledDocument {
	t := env.tree(file)
	d := &compiledDocument{problems: slices.Clone(t.problems)}
	if t.broken {
		return d
	}
	root := t.doc.Root
	c := &compiler{env: env, tree: t, problems: &d.problems, scope: at, work: &work{}}
	if root.Name != "policies" {
		if root.Implied {
			c.add(root.Pos, "wrong-root", "<policies> with its sections", "write <policies><inbound>… around it", "the document has policies but no section")
		} else {
			c.add(root.Pos, "wrong-root", "<policies>", "", "the root element is %q; a fragment is no document of a scope", root.Name)
		}
		return d
	}
	c.noAttributes(root)
	for _, n := range root.Children {
		c.compileSection(d, n)
	}
	return d
}

func (c *compiler) compileSection(d *compiledDocument, n *Node) {
	if n.Name == "" {
		c.strayText(n)
		return
	}
	s, ok := sectionOf(n.Name)
	if !ok {
		c.add(n.Pos, "unknown-section", "one of "+strings.Join(sectionNames(), ", "), nearestName(n.Name, sectionNames()),
			"%q is not a section", n.Name)
		return
	}
	if d.sections[s] != nil {
		c.add(n.Pos, "second-section", "each section once", "move its policies into the first, at "+d.sections[s].pos.String(), "the section %q stands twice", n.Name)
		return
	}
	c.noAttributes(n)
	c.section = s
	d.sections[s] = &block{pos: n.Pos, items: c.list(n)}
}

// list compiles the children of a section or of a fragment.
func (c *compiler) list(parent *Node) []step {
	var steps []step
	counts := map[string]int{}
	based := false
	for _, n := range parent.Children {
		if n.Name == "" {
			c.strayText(n)
			continue
		}
		if !c.affords(n) {
			break
		}
		counts[n.Name]++
		path := c.prefix + fmt.Sprintf("%s[%d]", n.Name, counts[n.Name])
		switch n.Name {
		case "base":
			if c.base(n, based) {
				based = true
				steps = append(steps, step{at: &place{pos: n.Pos}})
			}
		case includeFragmentName:
			steps = append(steps, c.include(n, path)...)
		default:
			if s := c.step(n, path); s.statement != nil {
				steps = append(steps, s)
			}
		}
	}
	return steps
}

// nested compiles the policies that stand in an element of a policy, whose path
// is given.
func (c *compiler) nested(n *Node, path string) []step {
	inner := *c
	inner.prefix = path + "/"
	return inner.list(n)
}

// affords counts an element; false, with one problem, where they are too many.
func (c *compiler) affords(n *Node) bool {
	if c.work.steps++; c.work.steps == maxSteps+1 {
		c.add(n.Pos, "too-many-policies", fmt.Sprintf("at most %d", maxSteps), "", "the document holds too many policies, those of its fragments included")
	}
	return c.work.steps <= maxSteps
}

// base checks <base/>.
func (c *compiler) base(n *Node, second bool) bool {
	e := c.env.compiled.entries["base"]
	switch {
	case len(c.fragments) > 0:
		c.add(n.Pos, "base-in-fragment", "policies", "write it in the document that includes the fragment", "<base /> cannot stand in a fragment")
		return false
	case c.prefix != "":
		c.add(n.Pos, "base-in-policy", "<base /> in a section, beside other policies", "", "<base /> cannot stand in another policy")
		return false
	case second:
		c.add(n.Pos, "second-base", "<base /> at most once in a section", "remove one", "<base /> stands twice, so the policies of the scopes above would run twice")
		return false
	}
	return c.allowed(n, e) && c.shape(n, e.attributes, e.children, e.text)
}

// step compiles one policy.
func (c *compiler) step(n *Node, path string) step {
	e := c.entry(n)
	if e == nil || !c.allowed(n, e) {
		return step{}
	}
	at := &place{policy: n.Name, scope: c.scope, section: c.section, path: path, pos: n.Pos}
	if id := n.Attribute("id"); id != nil {
		at.id = id.Value
	}
	// Values are looked at whatever is wrong with the shape, so that everything
	// is said at once.
	whole := c.shape(n, e.attributes, e.children, e.text)
	inner := *c
	inner.at = at
	if e.compile == nil {
		inner.look(n, e)
		c.refuse(n, e)
		return step{}
	}
	s := e.compile(&inner, n)
	if why := c.env.Missing[n.Name]; why != "" {
		c.strict(n.Pos, "policy-not-available", "", e.mend(), "the policy %q %s", n.Name, why)
	}
	if !whole {
		return step{}
	}
	return step{statement: s, at: at, connects: e.connects}
}

// entry finds what is known of a policy; nil, with a problem, where there is
// nothing to look at.
func (c *compiler) entry(n *Node) *entry {
	entries := c.env.compiled.entries
	e := entries[n.Name]
	if e == nil {
		c.add(n.Pos, "unknown-policy", "a policy of API Management", nearestName(n.Name, policyNames(entries)), "%q is not a policy", n.Name)
		return nil
	}
	if e.compile == nil && e.tier != tierC {
		c.refuse(n, e)
		return nil
	}
	return e
}

// refuse reports a policy that does not run.
func (c *compiler) refuse(n *Node, e *entry) {
	if c.env.any {
		c.warn(n.Pos, "policy-not-built", "", "a gateway refuses this document: the policy %q %s", n.Name, e.why())
		return
	}
	c.add(n.Pos, "policy-not-built", "", e.mend(), "the policy %q %s", n.Name, e.why())
}

// allowed checks section and scope.
func (c *compiler) allowed(n *Node, e *entry) bool {
	if c.section != anySection && e.tolerated.has(c.section) {
		c.warn(n.Pos, "undocumented-section", "", "API Management's reference does not name the section %q for %q", c.section, n.Name)
	} else if c.section != anySection && !e.sections.has(c.section) {
		c.add(n.Pos, "wrong-section", "it in "+cmp.Or(e.sections.String(), resolver), "", "the policy %q cannot stand in %q", n.Name, c.section)
		return false
	}
	if c.scope != anyScope && !e.scopes.has(c.scope) {
		c.add(n.Pos, "wrong-scope", "it at "+e.scopes.String(), "", "the policy %q cannot stand at the %s scope", n.Name, c.scope)
		return false
	}
	return true
}
