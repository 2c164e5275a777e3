package policy

import (
	"fmt"
	"slices"
	"strings"
)

const includeFragmentName = "include-fragment"

func includeFragmentEntry() entry {
	return entry{
		name: includeFragmentName, sections: everySection, scopes: everyScope,
		does: "the policies of a fragment",
		tier: tierA, page: page{
			intro:   "Runs the policies of a fragment (`apim/policy fragments/ID/policy.xml`) in this place.",
			example: `<include-fragment fragment-id="common-headers" />`,
			behaviour: []string{
				"A fragment is checked where it is included: its policies have to be allowed in that section and scope.",
				"In errors, the path of a policy in a fragment is `include-fragment[1]/set-header[2]`.",
				"The id is written, never computed.",
			},
			differences: []string{
				"Fragments may include fragments, 16 levels deep, never in a circle. A document holds at most 10,000 policies, those of its fragments included.",
			},
		},
		attributes: []attribute{{name: "fragment-id", required: true, expected: "the id of a policy fragment"}},
		// include takes its place, because a fragment is many statements.
		compile: func(*compiler, *Node) statement { return nil },
	}
}

// include compiles a fragment in the place where it is included: what it may
// hold depends on that.
func (c *compiler) include(n *Node, path string) []step {
	e := c.env.compiled.entries[includeFragmentName]
	if !c.allowed(n, e) || !c.shape(n, e.attributes, e.children, e.text) {
		return nil
	}
	id, ok := c.attribute(n, "fragment-id")
	if !ok {
		return nil
	}
	if c.env.any {
		return nil
	}
	fragment := c.env.fragment(id.text)
	if fragment == nil || fragment.Policy == nil {
		var ids []string
		for _, f := range c.env.Fragments {
			ids = append(ids, f.ID)
		}
		c.add(id.pos, "unknown-fragment", "the id of a fragment in apim/policy fragments", nearestName(id.written, ids), "there is no fragment %q", id.written)
		return nil
	}
	around := append(slices.Clone(c.fragments), fragment.ID)
	if slices.ContainsFunc(c.fragments, func(s string) bool { return strings.EqualFold(s, fragment.ID) }) {
		c.add(id.pos, "fragment-cycle", "", "remove one of them", "fragments include each other in a circle: %s", strings.Join(around, " → "))
		return nil
	}
	if len(around) > maxFragmentDepth {
		c.add(id.pos, "fragment-depth", fmt.Sprintf("at most %d levels", maxFragmentDepth), "", "fragments include each other too deep")
		return nil
	}
	return c.fragment(c.env.tree(fragment.Policy), around, path)
}

func (c *compiler) fragment(t *tree, around []string, path string) []step {
	*c.problems = append(*c.problems, t.problems...)
	if t.broken {
		return nil
	}
	inner := *c
	inner.tree, inner.fragments, inner.prefix = t, around, path+"/"
	if root := t.doc.Root; root.Name != "fragment" {
		inner.add(root.Pos, "wrong-root", "<fragment>", "write the policies between <fragment> and </fragment>", "the root element of a fragment is %q", root.Name)
		return nil
	}
	inner.noAttributes(t.doc.Root)
	return inner.list(t.doc.Root)
}
