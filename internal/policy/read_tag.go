package policy

import (
	"fmt"

	"github.com/cloister-ai/cloister/internal/site"
)

// startTag takes a start tag or an empty element.
func (r *reader) startTag() {
	start := r.at
	r.at++
	n := &Node{Name: r.name(), Pos: r.pos(start)}
	closed := r.attributes(n)
	n.span = span{start, r.at, r.at, r.at}
	if r.stopped {
		return
	}
	if len(r.open) >= maxNesting {
		r.errorAt(n.Pos, "too-deep", "", "elements nest deeper than %d", maxNesting)
		r.stop()
		return
	}
	r.endText()
	r.blank = true
	if parent := r.current(); parent == nil {
		r.roots = append(r.roots, n)
	} else {
		if parent.Name == bodyElement {
			r.errorAt(n.Pos, "element-after-expression", "the expression alone", "an element stands beside the expression of %q", bodyElement)
		}
		parent.Children = append(parent.Children, n)
	}
	if closed {
		return
	}
	r.open = append(r.open, n)
	if n.Name == bodyElement {
		r.body(n)
	}
}

// attributes takes what stands between the name and the end of a start tag.
// Only the first mangled attribute of a tag is reported.
func (r *reader) attributes(n *Node) (closed bool) {
	mangled := false
	for !r.stopped {
		before := r.at
		r.at = r.skipSpace(r.at)
		switch {
		case r.at >= len(r.src) || r.src[r.at] == '<':
			if !mangled {
				r.errorAt(r.pos(r.at), "unclosed-tag", `">" or "/>"`, "the tag of %q has no end", n.Name)
			}
			return false
		case r.src[r.at] == '>':
			r.at++
			return false
		case r.has("/>"):
			r.at += 2
			return true
		}
		what, at := r.attribute(n, before == r.at)
		if what == "" {
			continue
		}
		if !mangled {
			r.errorAt(r.pos(at), "mangled-attribute", `name="value"`, "%s", what)
		}
		mangled = true
		r.recoverAttribute()
	}
	return false
}

// attribute takes one attribute. what says what is wrong with its form.
func (r *reader) attribute(n *Node, stuck bool) (what string, at int) {
	a := Attribute{Pos: r.pos(r.at)}
	start := r.at
	if a.Name = r.name(); a.Name == "" {
		return fmt.Sprintf("an attribute of %q is mangled", n.Name), start
	}
	if stuck {
		return fmt.Sprintf("white space is missing before the attribute %q", a.Name), start
	}
	r.at = r.skipSpace(r.at)
	if !r.has("=") {
		return fmt.Sprintf("the attribute %q has no value", a.Name), start
	}
	r.at = r.skipSpace(r.at + 1)
	if !r.has(`"`) && !r.has("'") {
		return fmt.Sprintf("the value of the attribute %q has no quotes", a.Name), r.at
	}
	a.ValuePos = r.pos(r.at + 1)
	a.from = r.at
	r.value(&a)
	a.to = r.at
	r.keep(n, a)
	return "", 0
}

func (r *reader) keep(n *Node, a Attribute) {
	if first := n.Attribute(a.Name); first != nil {
		r.errorAt(a.Pos, "duplicate-attribute", "each attribute once",
			"the attribute %q stands in line %d already", a.Name, first.Pos.Line)
		return
	}
	if len(n.Attributes) >= maxAttributes {
		r.errorAt(a.Pos, "too-many-attributes", "", "%q has more than %d attributes", n.Name, maxAttributes)
		r.stop()
		return
	}
	n.Attributes = append(n.Attributes, a)
}

// recoverAttribute goes to the next thing that looks like an attribute, or to
// the end of the tag.
func (r *reader) recoverAttribute() {
	for ; r.at < len(r.src); r.at++ {
		switch c := r.src[r.at]; {
		case c == '<' || c == '>' || r.has("/>"):
			return
		case isSpace(c) && r.attributeFollows(r.at):
			return
		}
	}
}

// attributeFollows reports whether white space and name=" stand at offset, on
// no more than 200 bytes.
func (r *reader) attributeFollows(offset int) bool {
	ahead := reader{src: r.src[offset:min(len(r.src), offset+200)]}
	ahead.at = ahead.skipSpace(0)
	if ahead.name() == "" {
		return false
	}
	ahead.at = ahead.skipSpace(ahead.at)
	if !ahead.has("=") {
		return false
	}
	ahead.at = ahead.skipSpace(ahead.at + 1)
	return ahead.has(`"`) || ahead.has("'")
}

// isSlip reports whether written is likely meant to be name.
func isSlip(name, written string) bool {
	return site.Nearest(written, []string{name}) != ""
}
