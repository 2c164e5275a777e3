package policy

import "strings"

// resolver is where policies stand that belong to no section.
const resolver = "a GraphQL resolver"

// look checks the values of a policy that is read and does not run: each is of
// its kind, its expressions are C# of a type that fits, and the policies in it
// are what they would be elsewhere.
func (c *compiler) look(n *Node, e *entry) {
	c.lookAt(n, e.attributes, e.children, e.text, e.expression)
}

func (c *compiler) lookAt(n *Node, attributes []attribute, children []child, text textRule, expression bool) {
	if text == opaque {
		return
	}
	for i := range attributes {
		if n.Attribute(attributes[i].name) != nil {
			c.lookAtAttribute(n, &attributes[i])
		}
	}
	switch {
	case text != hasText:
	case expression:
		c.textContent(n)
	default:
		c.content(n)
	}
	for _, k := range n.Elements() {
		for i := range children {
			switch known := &children[i]; {
			case known.name != k.Name:
			case known.policy:
				c.lookAtPolicy(k)
			default:
				c.lookAt(k, known.attributes, known.children, known.text, known.expression)
			}
		}
	}
}

func (c *compiler) lookAtAttribute(n *Node, a *attribute) {
	switch k := &a.kind; {
	case k.boolean && a.expression:
		c.boolAttribute(n, a.name, false)
	case k.boolean:
		c.boolean(n, a.name, false)
	case k.words != nil && a.expression:
		c.choiceAttribute(n, a.name, "", k.words...)
	case k.words != nil:
		c.choice(n, a.name, "", k.words...)
	case k.high != 0 && a.expression:
		c.intAttribute(n, a.name, k.low, k.high, k.low)
	case k.high != 0:
		c.integer(n, a.name, k.low, k.high, k.low)
	case a.expression:
		c.textAttribute(n, a.name)
	default:
		if v, ok := c.attribute(n, a.name); ok && a.required && strings.TrimSpace(v.text) == "" {
			c.invalid(v, a.name, a.expected, "")
		}
	}
}

// lookAtPolicy looks at a policy that stands in another one.
func (c *compiler) lookAtPolicy(n *Node) {
	e := c.env.compiled.entries[n.Name]
	if e == nil || e.compile == nil && e.tier != tierC {
		return
	}
	c.shape(n, e.attributes, e.children, e.text)
	switch {
	case e.compile == nil:
		c.look(n, e)
	case n.Name != includeFragmentName:
		inner := *c
		e.compile(&inner, n)
	}
}
