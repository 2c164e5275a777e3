package oracle

import (
	"encoding/json"
	"slices"
	"strings"
)

// Expression is a random expression as a tree, so that a failing one can be
// made smaller.
type Expression struct{ root *node }

// node is a piece of C#: text with nodes in between. Its type is one of the
// generator's, "statement" or "block".
type node struct {
	typ   string
	parts []any // string or *node
}

// String is the expression as a policy has it.
func (e Expression) String() string {
	var b strings.Builder
	e.root.write(&b)
	return b.String()
}

func (n *node) write(b *strings.Builder) {
	for _, p := range n.parts {
		switch p := p.(type) {
		case string:
			b.WriteString(p)
		case *node:
			p.write(b)
		}
	}
}

// RandomContext is the context in which random expressions are evaluated.
var RandomContext = json.RawMessage(`{"request":{"method":"POST","url":"https://h.example/a/b?q=1&q=2","headers":{"X-Name":["one","two"]},"body":"text"},` +
	`"variables":{"s":"some text","n":7,"big":5000000000,"f":1.5,"b":true,"z":null,"o":{"$type":"Newtonsoft.Json.Linq.JObject","value":{"k":[1,2,{"x":"y"}]}}}}`)

// Smaller are expressions that are simpler by one step: a part replaced by a
// part of itself that has the same type, or by a plain value; a statement
// left out. Many do not compile; who asks finds out.
func (e Expression) Smaller() []Expression {
	var out []Expression
	var walk func(n *node, rebuild func(*node) *node)
	walk = func(n *node, rebuild func(*node) *node) {
		for _, r := range n.simpler() {
			out = append(out, Expression{rebuild(r)})
		}
		for i, p := range n.parts {
			child, ok := p.(*node)
			if !ok {
				continue
			}
			walk(child, func(c *node) *node {
				parts := slices.Clone(n.parts)
				parts[i] = c
				return rebuild(&node{typ: n.typ, parts: parts})
			})
		}
	}
	walk(e.root, func(n *node) *node { return n })
	size := len(e.String())
	out = slices.DeleteFunc(out, func(s Expression) bool { return len(s.String()) >= size })
	slices.SortStableFunc(out, func(a, b Expression) int { return len(a.String()) - len(b.String()) })
	return out
}

// simpler are replacements of the node itself.
func (n *node) simpler() []*node {
	var out []*node
	if plain, ok := plainest[n.typ]; ok {
		out = append(out, &node{typ: n.typ, parts: []any{plain}})
	}
	var walk func(p *node)
	walk = func(p *node) {
		for _, c := range p.parts {
			if c, ok := c.(*node); ok {
				if c.typ == n.typ {
					out = append(out, c)
				} else if n.typ == "expression" && plainest[c.typ] != "" {
					out = append(out, &node{typ: n.typ, parts: []any{"@(", c, ")"}})
				}
				walk(c)
			}
		}
	}
	walk(n)
	return out
}

// plainest are the shortest values of the generator's types.
var plainest = map[string]string{
	"int": "1", "long": "1L", "double": "1.5", "bool": "true", "char": "'a'", "string": `"a"`, "decimal": "1.0m",
	"int?": "(int?)null", "object": "(object)1", "int[]": "new[] { 1 }", "List<int>": "new List<int>()", "string[]": `new[] { "a" }`,
	"statement": "",
}
