package xml

import (
	"strconv"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// binding is a prefix with its namespace.
type binding struct {
	prefix, space string
	state         bindingState
}

type bindingState byte

const (
	implied bindingState = iota // it was in force already
	needed                      // the start tag must declare it
	written                     // an attribute declares it
	special                     // xml and xmlns
)

// scope are the prefixes that are in force in what was written, newest last. It
// decides which declarations a start tag needs, as .NET's XmlWriter does: each
// element binds its own prefix once more, which is why made-up prefixes count
// upwards with the depth.
type scope struct {
	t        *clr.Thread
	bindings []binding
	starts   []int // where each open element's begin
	omit     bool  // declarations that are in force already are left out
}

func newScope(t *clr.Thread, omit bool) *scope {
	return &scope{t: t, omit: omit, bindings: []binding{{"xmlns", xmlnsSpace, special}, {"xml", xmlSpace, special}, {"", "", implied}}}
}

func (s *scope) enter() { s.starts = append(s.starts, len(s.bindings)) }

func (s *scope) leave() {
	top := len(s.starts) - 1
	s.bindings, s.starts = s.bindings[:s.starts[top]], s.starts[:top]
}

// start is where the bindings of the open element begin.
func (s *scope) start() int { return s.starts[len(s.starts)-1] }

// index is the newest binding of a prefix; -1: none.
func (s *scope) index(prefix string) int {
	for i := len(s.bindings) - 1; i >= 0; i-- {
		s.t.Step()
		if s.bindings[i].prefix == prefix {
			return i
		}
	}
	return -1
}

// prefixOf is a prefix that stands for the namespace; false: none does.
func (s *scope) prefixOf(space string) (string, bool) {
	for i := len(s.bindings) - 1; i >= 0; i-- {
		s.t.Step()
		if s.bindings[i].space != space {
			continue
		}
		prefix := s.bindings[i].prefix
		return prefix, s.index(prefix) == i
	}
	return "", false
}

func (s *scope) add(prefix, space string, state bindingState) {
	s.t.Allocate(48)
	s.bindings = append(s.bindings, binding{prefix, space, state})
}

// use binds a prefix because a name has it.
func (s *scope) use(prefix, space string) {
	i := s.index(prefix)
	switch {
	case i >= s.start():
		s.same(i, space)
	case i < 0:
		if space == xmlSpace || space == xmlnsSpace {
			s.t.ThrowArgument("Prefix '"+prefix+"' cannot be mapped to namespace name reserved for \"xml\" or \"xmlns\".", "")
		}
		s.add(prefix, space, needed)
	case s.bindings[i].state == special:
		if prefix == "xml" && space != xmlSpace {
			s.t.ThrowArgument("Prefix \"xml\" is reserved for use by XML and can be mapped only to namespace name \"http://www.w3.org/XML/1998/namespace\".", "")
		}
		if prefix == "xmlns" {
			s.t.ThrowArgument("Prefix \"xmlns\" is reserved for use by XML.", "")
		}
		s.add(prefix, space, implied)
	case s.bindings[i].space == space:
		s.add(prefix, space, implied)
	default:
		s.add(prefix, space, needed)
	}
}

// declare binds a prefix because an attribute does; false: it is not to be
// written.
func (s *scope) declare(prefix, space string) bool {
	i := s.index(prefix)
	switch {
	case i >= s.start():
		s.same(i, space)
		write := !(s.omit && s.bindings[i].state == implied)
		s.bindings[i].state = written
		return write
	case i >= 0 && s.omit && s.bindings[i].space == space:
		s.add(prefix, space, written)
		return false
	}
	s.add(prefix, space, written)
	return true
}

// same throws where the open element has bound the prefix otherwise.
func (s *scope) same(i int, space string) {
	b := s.bindings[i]
	if b.space != space {
		s.t.Throw(clr.XmlException, "The prefix '"+b.prefix+"' cannot be redefined from '"+b.space+"' to '"+space+"' within the same start element tag.")
	}
}

// fresh is a prefix that nothing uses.
func (s *scope) fresh() string {
	made := "p" + strconv.Itoa(len(s.bindings)-3)
	if s.index(made) < 0 {
		return made
	}
	for n := 0; ; n++ {
		if next := made + strconv.Itoa(n); s.index(next) < 0 {
			return next
		}
	}
}

// forElement is the prefix of an element; given: the tree has one for it.
func (s *scope) forElement(prefix string, given bool, space string) string {
	if !given {
		prefix, _ = s.prefixOf(space)
	}
	s.use(prefix, space)
	return prefix
}

// forAttribute is the prefix of an attribute that declares nothing.
func (s *scope) forAttribute(prefix string, given bool, space string) string {
	if space == "" {
		return ""
	}
	if !given {
		prefix, _ = s.prefixOf(space)
	}
	if prefix == "" {
		if prefix, _ = s.prefixOf(space); prefix == "" {
			prefix = s.fresh()
		}
	} else if i := s.index(prefix); i >= s.start() && s.bindings[i].space != space {
		prefix = s.fresh()
	}
	s.use(prefix, space)
	return prefix
}

// declared are the namespaces that attributes of a tree declare, oldest first,
// by which its nodes choose their prefixes.
type declared struct {
	list   []binding
	starts []int
}

// ancestors adds what the elements around n declare.
func (d *declared) ancestors(t *clr.Thread, n *Node) {
	var list []binding
	for p := n.parent; p != nil; p = p.parent {
		t.Step()
		for a := p.firstAttr; a != nil; a = a.next {
			t.Step()
			if a.isDeclaration() {
				list = append(list, a.binding())
			}
		}
	}
	for i := len(list) - 1; i >= 0; i-- {
		d.list = append(d.list, list[i])
	}
}

func (d *declared) push(t *clr.Thread, n *Node) {
	d.starts = append(d.starts, len(d.list))
	for a := n.firstAttr; a != nil; a = a.next {
		t.Step()
		if a.isDeclaration() {
			d.list = append(d.list, a.binding())
		}
	}
}

func (d *declared) pop() {
	top := len(d.starts) - 1
	d.list, d.starts = d.list[:d.starts[top]], d.starts[:top]
}

// binding is what a declaring attribute declares.
func (a *Attr) binding() binding {
	if a.name.Space == "" {
		return binding{prefix: "", space: a.value}
	}
	return binding{prefix: a.name.Local, space: a.value}
}

// prefix is the one that the tree has for a namespace; the empty one counts
// where byDefault is set.
func (d *declared) prefix(t *clr.Thread, space string, byDefault bool) (string, bool) {
	if space == "" {
		return "", true
	}
	for i := len(d.list) - 1; i >= 0; i-- {
		t.Step()
		if b := d.list[i]; b.space == space && (byDefault || b.prefix != "") && !d.hidden(t, i) {
			return b.prefix, true
		}
	}
	switch space {
	case xmlSpace:
		return "xml", true
	case xmlnsSpace:
		return "xmlns", true
	}
	return "", false
}

func (d *declared) hidden(t *clr.Thread, i int) bool {
	for j := i + 1; j < len(d.list); j++ {
		t.Step()
		if d.list[j].prefix == d.list[i].prefix {
			return true
		}
	}
	return false
}
