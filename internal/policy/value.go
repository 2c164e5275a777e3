package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// value is an attribute's value, or an element's text, that is no expression;
// [textValue] is one that may be.
type value struct {
	text string
	// written is what messages may show: text before named values.
	written string
	pos     site.Pos
	secret  bool
}

// attribute takes the value of an attribute. ok is false where there is none,
// and where it cannot be used, which was reported then.
func (c *compiler) attribute(n *Node, name string) (v value, ok bool) {
	a := n.Attribute(name)
	if a == nil {
		return value{}, false
	}
	v = value{text: a.Value, written: a.Written, pos: a.ValuePos, secret: a.Secret}
	return v, c.literal(v, fmt.Sprintf("%q of %q", name, n.Name))
}

// content takes the text of an element, without white space around it.
func (c *compiler) content(n *Node) (value, bool) {
	v := rawContent(n)
	v.text, v.written = strings.TrimSpace(v.text), strings.TrimSpace(v.written)
	return v, c.literal(v, fmt.Sprintf("the text of %q", n.Name))
}

// body takes the text of set-body as it is written.
func (c *compiler) body(n *Node) (value, bool) {
	v := rawContent(n)
	return v, c.literal(v, fmt.Sprintf("the text of %q", n.Name))
}

// rawContent joins the texts of an element. Its place is that of the first
// character that is not white space.
func rawContent(n *Node) value {
	v := value{pos: n.Pos}
	placed := false
	for _, t := range n.Children {
		if t.Name != "" {
			continue
		}
		if i := strings.IndexFunc(t.Text, func(r rune) bool { return !strings.ContainsRune(" \t\r\n", r) }); i >= 0 && !placed {
			placed = true
			v.pos = t.Origin.At(i)
		}
		v.text += t.Text
		v.written += t.Written
		v.secret = v.secret || t.Secret
	}
	return v
}

// literal refuses expressions. Values with named values that are missing are not
// looked at further; that was reported. "@(" in the middle of a value is plain
// text; the reader has warned of it.
func (c *compiler) literal(v value, what string) bool {
	if _, ok := expressionStart(v.text); ok {
		c.add(v.pos, "expression-not-allowed", "a value without an expression", "", "%s is an expression, and API Management takes none there", what)
		return false
	}
	if !c.tree.holes {
		return true
	}
	_, _, name := findName(v.text, 0)
	return name == ""
}

// boolean takes "true" or "false", in any case.
func (c *compiler) boolean(n *Node, name string, otherwise bool) bool {
	v, ok := c.attribute(n, name)
	if !ok {
		return otherwise
	}
	switch strings.ToLower(strings.TrimSpace(v.text)) {
	case "true":
		return true
	case "false":
		return false
	}
	c.invalid(v, name, "true or false", "")
	return otherwise
}

// integer takes a whole number from low to high.
func (c *compiler) integer(n *Node, name string, low, high, otherwise int) int {
	v, ok := c.attribute(n, name)
	if !ok {
		return otherwise
	}
	i, err := strconv.Atoi(strings.TrimSpace(v.text))
	if err != nil || i < low || i > high {
		c.invalid(v, name, fmt.Sprintf("a whole number from %d to %d", low, high), "")
		return otherwise
	}
	return i
}

// choice takes one of several words, compared without case.
func (c *compiler) choice(n *Node, name, otherwise string, words ...string) string {
	v, ok := c.attribute(n, name)
	if !ok {
		return otherwise
	}
	word := strings.TrimSpace(v.text)
	if i := slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, word) }); i >= 0 {
		return words[i]
	}
	mend := ""
	if !v.secret {
		mend = nearestName(word, words)
	}
	c.invalid(v, name, listed(words), mend)
	return otherwise
}

// malformed is invalid for a form that API Management does not look at when it
// takes a document.
func (c *compiler) malformed(v value, name, expected, mend string) {
	c.strict(v.pos, "invalid-value", expected, mend, "%q is not a value for %q", v.written, name)
}

// invalid reports a value that cannot be used. One that a tool has yet to fill in,
// such as {name}, #token# or ${var}, a check of the document alone lets pass.
func (c *compiler) invalid(v value, name, expected, mend string) {
	if strings.ContainsAny(v.written, "{}#%$") || strings.HasPrefix(v.written, "__") {
		c.malformed(v, name, expected, mend)
		return
	}
	c.add(v.pos, "invalid-value", expected, mend, "%q is not a value for %q", v.written, name)
}
