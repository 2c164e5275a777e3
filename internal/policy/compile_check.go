package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// shape checks an element's attributes, children and text against what is
// known. Warnings do not make it false.
func (c *compiler) shape(n *Node, attributes []attribute, children []child, text textRule) bool {
	if text == opaque {
		return true
	}
	before := c.work.errors
	c.checkAttributes(n, attributes)
	if text == holdsPolicies {
		return c.work.errors == before
	}
	c.checkChildren(n, children)
	if text == noText {
		for _, t := range n.Children {
			if t.Name == "" {
				c.strayText(t)
			}
		}
	}
	return c.work.errors == before
}

func (c *compiler) checkAttributes(n *Node, attributes []attribute) {
	names := []string{"id"}
	for _, a := range attributes {
		if a.name != "id" {
			names = append(names, a.name)
		}
	}
	for i := range n.Attributes {
		given := &n.Attributes[i]
		if given.Name == "id" {
			continue
		}
		k := slices.IndexFunc(attributes, func(a attribute) bool { return a.name == given.Name })
		if k < 0 {
			c.add(given.Pos, "unknown-attribute", listed(names), nearestName(given.Name, names), "%q has no attribute %q", n.Name, given.Name)
		} else if refused := attributes[k].refused; refused != "" {
			c.add(given.Pos, "attribute-not-built", "", "remove it", "%q of %q: %s", given.Name, n.Name, refused)
		}
	}
	for _, a := range attributes {
		if a.required && n.Attribute(a.name) == nil {
			c.add(n.Pos, "missing-attribute", a.expected, fmt.Sprintf("add %s=\"…\"", a.name), "%q needs the attribute %q", n.Name, a.name)
		}
	}
}

func (c *compiler) checkChildren(n *Node, children []child) {
	var names []string
	for _, k := range children {
		names = append(names, k.name)
	}
	counts, last, late := map[string]int{}, 0, false
	for _, given := range n.Elements() {
		k := slices.Index(names, given.Name)
		if k < 0 {
			expected := "no element in it"
			if len(names) > 0 {
				expected = listed(names)
			}
			c.add(given.Pos, "unknown-element", expected, nearestName(given.Name, names), "%q cannot stand in %q", given.Name, n.Name)
			continue
		}
		if counts[given.Name]++; counts[given.Name] == 2 && !children[k].many {
			c.add(given.Pos, "second-element", "it once", "remove one", "%q stands twice in %q", given.Name, n.Name)
		}
		if k < last && !late && !children[k].anywhere {
			late = true
			order := strings.Join(names, ", ")
			if aboutModels(n.Name) {
				c.add(given.Pos, "element-order", "the order "+order, "", "the elements in %q stand in another order than API Management takes", n.Name)
			} else {
				c.warn(given.Pos, "element-order", "", "API Management documents the order %s in %q", order, n.Name)
			}
		}
		last = max(last, k)
		if !children[k].policy {
			c.shape(given, children[k].attributes, children[k].children, children[k].text)
		}
	}
	for _, k := range children {
		if k.required && counts[k.name] == 0 {
			report := c.add
			if hasWords(n) { // as what a tool puts there does
				report = c.strict
			}
			report(n.Pos, "missing-element", fmt.Sprintf("<%s>", k.name), "", "%q needs the element %q", n.Name, k.name)
		}
	}
}

// aboutModels reports the policies for language models. Of those API Management
// takes no other order of elements than the documented one.
func aboutModels(name string) bool {
	return strings.HasPrefix(name, "llm-") || strings.HasPrefix(name, "azure-openai-")
}

// hasWords reports whether text stands beside the elements in n.
func hasWords(n *Node) bool {
	return slices.ContainsFunc(n.Children, func(k *Node) bool { return k.Name == "" && !isBlank(k.Text) })
}

// noAttributes warns of attributes that mean nothing.
func (c *compiler) noAttributes(n *Node) {
	for i := range n.Attributes {
		c.warn(n.Attributes[i].Pos, "attribute-without-effect", "remove it", "the attribute %q of %q means nothing", n.Attributes[i].Name, n.Name)
	}
}

// strayText reports text where only elements can stand; white space is none.
func (c *compiler) strayText(n *Node) {
	i := strings.IndexFunc(n.Text, func(r rune) bool { return !strings.ContainsRune(" \t\r\n", r) })
	if i < 0 {
		return
	}
	c.strict(n.Origin.At(i), "stray-text", "an element", "remove it, or make it a comment: <!-- … -->", "text stands where only elements can")
}

func (c *compiler) add(pos site.Pos, code, expected, mend, format string, args ...any) {
	c.work.errors++
	c.report(site.Problem{Severity: site.Error, Pos: pos, Code: code, Message: fmt.Sprintf(format, args...), Expected: expected, Mend: mend})
}

// strict is add for what a gateway refuses and API Management does not look at
// when it takes a document: in a check of the document alone it is a warning.
func (c *compiler) strict(pos site.Pos, code, expected, mend, format string, args ...any) {
	if !c.env.any {
		c.add(pos, code, expected, mend, format, args...)
		return
	}
	c.report(site.Problem{Severity: site.Warning, Pos: pos, Code: code, Message: fmt.Sprintf(format, args...), Expected: expected, Mend: mend})
}

func (c *compiler) warn(pos site.Pos, code, mend, format string, args ...any) {
	c.report(site.Problem{Severity: site.Warning, Pos: pos, Code: code, Message: fmt.Sprintf(format, args...), Mend: mend})
}

func (c *compiler) report(p site.Problem) {
	p.Excerpt = site.Excerpt(c.tree.doc.Source, p.Pos)
	*c.problems = append(*c.problems, p)
}

// nearestName is a mend that names the likely candidate; empty without one.
func nearestName(name string, candidates []string) string {
	if near := site.Nearest(name, candidates); near != "" {
		return fmt.Sprintf("write %q", near)
	}
	return ""
}

// listed is "a" or "one of a, b".
func listed(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return "one of " + strings.Join(names, ", ")
}
