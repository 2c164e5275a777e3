package policy

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/xml"
)

// toJSON writes a document of XML as JSON, at the cost of a thread. The form is
// that of Json.NET's XmlNodeConverter, with "$" between prefix and name and with
// the parts of the declaration beside the root, as API Management answers.
type toJSON struct {
	*clr.Thread
	b    []byte
	paid int
	// friendly: names are identifiers of JavaScript, and no attribute declares a
	// namespace. arrays: elements in others are arrays, alone too.
	friendly, arrays bool
	// prefixes are those in scope, the innermost last.
	prefixes []prefix
}

type prefix struct{ name, space string }

// group are the nodes of one name, in the place of the first.
type group struct {
	name  string
	nodes []*xml.Node
	// text is the value of what is no element.
	text []string
}

func (w *toJSON) write(s string) {
	w.b = append(w.b, s...)
	w.charge()
}

func (w *toJSON) charge() {
	if n := len(w.b) - w.paid; n > 1<<10 {
		w.Allocate(2 * n)
		w.Work(n / 16)
		w.paid = len(w.b)
	}
}

func (w *toJSON) text(s string) {
	w.Allocate(len(s))
	w.b = appendJSON(w.b, s)
	w.charge()
}

// member writes a comma where there is something before, and a name.
func (w *toJSON) member(first *bool, name string) {
	if !*first {
		w.b = append(w.b, ',')
	}
	*first = false
	w.text(name)
	w.write(":")
}

func (w *toJSON) document(doc *xml.Node) {
	w.write("{")
	first := true
	var root *xml.Node
	for k := range doc.Children(w.Thread) {
		if k.Kind() == xml.KindElement {
			root = k
		}
	}
	w.declare(root)
	name := w.elementName(root)
	version, encoding, standalone := doc.Declared()
	for _, part := range [][2]string{{"version", version}, {"encoding", encoding}, {"standalone", standalone}} {
		if part[1] != "" && part[0] != name {
			w.member(&first, part[0])
			w.text(part[1])
		}
	}
	w.member(&first, name)
	w.element(root)
	w.write("}")
}

// declare brings the prefixes of an element into scope, and gives how many there
// were.
func (w *toJSON) declare(n *xml.Node) int {
	depth := len(w.prefixes)
	for a := range n.Attributes(w.Thread) {
		if a.Declares() {
			name := a.Name().Local
			if a.Name().Space == "" {
				name = ""
			}
			w.Allocate(32)
			w.prefixes = append(w.prefixes, prefix{name, a.Value()})
		}
	}
	return depth
}

// name is a name with the prefix of its namespace.
func (w *toJSON) name(name *xml.Name, attribute bool) string {
	if name.Space == "" {
		return name.Local
	}
	if name.Space == "http://www.w3.org/XML/1998/namespace" {
		return "xml$" + name.Local
	}
	w.Work(len(w.prefixes)/8 + 1)
	for i := len(w.prefixes) - 1; i >= 0; i-- {
		if p := w.prefixes[i]; p.space == name.Space && (p.name != "" || !attribute) && !w.hidden(i) {
			if p.name == "" {
				return name.Local
			}
			return p.name + "$" + name.Local
		}
	}
	return name.Local
}

// hidden reports a prefix that was declared anew further in.
func (w *toJSON) hidden(i int) bool {
	for _, p := range w.prefixes[i+1:] {
		if p.name == w.prefixes[i].name {
			return true
		}
	}
	return false
}

func (w *toJSON) elementName(n *xml.Node) string { return w.known(w.name(n.Name(), false)) }

func (w *toJSON) attributeName(a *xml.Attr) string {
	mark := "@"
	if w.friendly {
		mark = "$"
	}
	name := a.Name()
	switch {
	case a.Declares() && name.Space == "":
		return mark + "xmlns"
	case a.Declares():
		return mark + "xmlns$" + name.Local
	}
	return mark + w.known(w.name(name, true))
}

// known is a name, as an identifier of JavaScript where it has to be one.
func (w *toJSON) known(name string) string {
	if !w.friendly {
		return name
	}
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || r == '\u00b7' {
			return '_'
		}
		return r
	}, name)
}

// element writes an element, whose prefixes are in scope.
func (w *toJSON) element(n *xml.Node) {
	w.Enter()
	defer w.Leave()
	var groups []*group
	byName := map[string]*group{}
	elements := false
	for k := range n.Children(w.Thread) {
		depth := 0
		name, text := "", k.Text()
		switch k.Kind() {
		case xml.KindElement:
			depth = w.declare(k)
			name, text, elements = w.elementName(k), "", true
			w.prefixes = w.prefixes[:depth]
		case xml.KindText, xml.KindCData:
			name = w.textName(k.Kind())
		default:
			continue // JSON has no comments
		}
		g := byName[name]
		if g == nil {
			w.Allocate(160)
			g = &group{name: name}
			byName[name], groups = g, append(groups, g)
		}
		if k.Kind() == xml.KindElement {
			g.nodes = append(g.nodes, k)
		} else {
			g.text = append(g.text, text)
		}
		w.Allocate(32)
	}
	first := true
	open := func() {
		if first {
			w.write("{")
		}
	}
	names := map[string]bool{}
	for a := range n.Attributes(w.Thread) {
		w.Allocate(32)
		if w.friendly && a.Declares() {
			continue
		}
		open()
		name := w.attributeName(a)
		for names[name] {
			name += "_" // two that are alike as identifiers
		}
		names[name] = true
		w.member(&first, name)
		w.text(a.Value())
	}
	switch {
	case first && !elements && len(groups) == 1 && len(groups[0].text) == 1:
		w.text(groups[0].text[0])
		return
	case first && len(groups) == 0 && n.Empty():
		w.write("null")
		return
	case first && len(groups) == 0:
		w.write(`""`)
		return
	}
	for _, g := range groups {
		open()
		w.member(&first, g.name)
		w.group(g)
	}
	w.write("}")
}

// textName is the member that text stands in beside others.
func (w *toJSON) textName(kind xml.Kind) string {
	switch {
	case w.friendly:
		return "$$"
	case kind == xml.KindCData:
		return "#cdata-section"
	}
	return "#text"
}

func (w *toJSON) group(g *group) {
	n := len(g.nodes) + len(g.text)
	array := n > 1 || w.arrays && len(g.nodes) > 0
	if array {
		w.write("[")
	}
	for i, k := range g.nodes {
		if i > 0 {
			w.write(",")
		}
		depth := w.declare(k)
		w.element(k)
		w.prefixes = w.prefixes[:depth]
	}
	for i, s := range g.text {
		if i > 0 || len(g.nodes) > 0 {
			w.write(",")
		}
		w.text(s)
	}
	if array {
		w.write("]")
	}
}
