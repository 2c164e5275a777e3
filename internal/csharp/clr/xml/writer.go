package xml

import (
	"fmt"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// The flags of SaveOptions.
const (
	disableFormatting       = 1
	omitDuplicateNamespaces = 2
)

// Text is n.ToString(options).
func Text(t *clr.Thread, n *Node, options int) string {
	w := &writer{t: t, indent: options&disableFormatting == 0, scope: newScope(t, options&omitDuplicateNamespaces != 0), fragment: n.isText()}
	if n.kind == KindDocument {
		w.document(n)
	} else {
		w.node(n)
	}
	return string(w.b)
}

// attributeText is XAttribute.ToString().
func attributeText(t *clr.Thread, a *Attr) string {
	w := &writer{t: t, scope: newScope(t, false), fragment: true}
	w.scope.enter()
	if a.isDeclaration() {
		b := a.binding()
		w.scope.declare(b.prefix, b.space)
		w.declaration(b)
		return strings.TrimSpace(string(w.b))
	}
	var d declared
	if a.parent != nil {
		d.ancestors(t, &Node{parent: a.parent})
	}
	prefix, given := d.prefix(t, a.name.Space, false)
	w.attribute(w.scope.forAttribute(prefix, given, a.name.Space), a)
	return strings.TrimSpace(string(w.b))
}

// writer writes nodes as .NET's XmlWriter does.
type writer struct {
	t        *clr.Thread
	b        []byte
	indent   bool
	fragment bool
	scope    *scope
	decls    declared
	// mixed: text stands in the open element, or in one around it, so that
	// nothing is indented. before has what it was outside of each open element.
	mixed  bool
	before []bool
	// content is where the open element's content begins, textEnd where the last
	// text ended: nothing is indented there.
	content, textEnd int
}

func (w *writer) put(s string) {
	w.t.Allocate(len(s))
	w.b = append(w.b, s...)
}

// line begins a line with the indentation of the open element.
func (w *writer) line() {
	if !w.indent || w.mixed || w.textEnd == len(w.b) {
		return
	}
	n := 2 * len(w.before)
	w.t.Allocate(n + 1)
	w.b = append(w.b, '\n')
	for range n {
		w.b = append(w.b, ' ')
	}
}

// document writes what is in a document.
func (w *writer) document(n *Node) {
	if n.plain && n.text != "" {
		w.space(n.text)
	}
	for k := n.first; k != nil; k = k.next {
		w.node(k)
	}
}

// node writes n, which is no document, with all that is in it.
func (w *writer) node(n *Node) {
	w.t.Step()
	if n.kind != KindElement {
		w.leaf(n)
		return
	}
	w.decls = declared{}
	w.decls.ancestors(w.t, n)
	for k := n; ; {
		w.t.Step()
		if k.kind == KindElement {
			w.startTag(k)
			switch {
			case k.first != nil:
				w.put(">")
				w.begin()
				k = k.first
				continue
			case k.plain:
				w.put(">")
				w.begin()
				w.text(k.text)
				w.endTag(k)
			default:
				w.put(" />")
				w.close()
			}
		} else {
			w.leaf(k)
		}
		for k != n && k.next == nil {
			k = k.parent
			w.endTag(k)
		}
		if k == n {
			return
		}
		k = k.next
	}
}

// begin is where the content of an element begins.
func (w *writer) begin() { w.content = len(w.b) }

// startTag writes the tag without its end.
func (w *writer) startTag(k *Node) {
	w.decls.push(w.t, k)
	w.line()
	w.before = append(w.before, w.mixed)
	if len(w.before) == 1 && !w.fragment {
		w.mixed = false
	}
	w.scope.enter()
	prefix, given := w.decls.prefix(w.t, k.name.Space, true)
	w.put("<")
	w.name(w.scope.forElement(prefix, given, k.name.Space), k.name.Local)
	for a := k.firstAttr; a != nil; a = a.next {
		w.t.Step()
		if a.isDeclaration() {
			if b := a.binding(); w.scope.declare(b.prefix, b.space) {
				w.declaration(b)
			}
			continue
		}
		prefix, given := w.decls.prefix(w.t, a.name.Space, false)
		w.attribute(w.scope.forAttribute(prefix, given, a.name.Space), a)
	}
	w.needed()
}

// needed writes the declarations that no attribute has made, the newest first.
func (w *writer) needed() {
	for i := len(w.scope.bindings) - 1; i >= w.scope.start(); i-- {
		if b := w.scope.bindings[i]; b.state == needed {
			w.declaration(b)
		}
	}
}

func (w *writer) endTag(k *Node) {
	level := len(w.before) - 1
	outside := w.before[level]
	if w.content != len(w.b) {
		w.before = w.before[:level] // the indentation is that of the start tag
		w.line()
		w.before = w.before[:level+1]
	}
	w.put("</")
	// The element's own binding is the oldest one of its scope.
	w.name(w.scope.bindings[w.scope.start()].prefix, k.name.Local)
	w.put(">")
	w.mixed = outside
	w.close()
}

// close leaves the open element.
func (w *writer) close() {
	top := len(w.before) - 1
	w.mixed, w.before = w.before[top], w.before[:top]
	w.scope.leave()
	w.decls.pop()
}

func (w *writer) name(prefix, local string) {
	if prefix != "" {
		w.put(prefix)
		w.put(":")
	}
	w.put(local)
}

func (w *writer) declaration(b binding) {
	w.put(" xmlns")
	if b.prefix != "" {
		w.put(":")
		w.put(b.prefix)
	}
	w.put(`="`)
	w.escape(b.space, true)
	w.put(`"`)
}

func (w *writer) attribute(prefix string, a *Attr) {
	w.put(" ")
	w.name(prefix, a.name.Local)
	w.put(`="`)
	if a.name.Space == xmlSpace && a.name.Local == "space" {
		if v := trimXML(a.value); v != "default" && v != "preserve" {
			w.t.ThrowArgument("'"+v+"' is an invalid xml:space value.", "")
		}
	}
	w.escape(a.value, true)
	w.put(`"`)
}

// leaf writes a node that is no element.
func (w *writer) leaf(k *Node) {
	switch k.kind {
	case KindText:
		if k.parent != nil && k.parent.kind == KindDocument {
			w.space(k.text)
			return
		}
		w.text(k.text)
	case KindCData:
		w.mixed = true
		w.put("<![CDATA[")
		w.guarded(k.text, "]]>", "]]]]><![CDATA[>")
		w.put("]]>")
		w.textEnd = len(w.b)
	case KindComment:
		w.line()
		w.put("<!--")
		w.comment(k.text)
		w.put("-->")
	case KindPI:
		w.line()
		w.put("<?")
		w.put(k.parts[0].S)
		if k.text != "" {
			w.put(" ")
			w.guarded(k.text, "?>", "? >")
		}
		w.put("?>")
	case KindDocType:
		w.docType(k)
	}
}

func (w *writer) docType(k *Node) {
	w.line()
	w.put("<!DOCTYPE ")
	w.put(k.parts[0].S)
	public, system, subset := k.parts[1], k.parts[2], k.parts[3]
	switch {
	case public.O != nil:
		w.put(` PUBLIC "` + public.S + `" "` + system.S + `"`)
	case system.O != nil:
		w.put(` SYSTEM "` + system.S + `"`)
	default:
		w.put(" ")
	}
	if subset.O != nil {
		w.put("[")
		w.put(subset.S)
		w.put("]")
	}
	w.put(">")
}

func (w *writer) text(s string) {
	if s == "" {
		return
	}
	w.mixed = true
	w.escape(s, false)
	w.textEnd = len(w.b)
}

// space writes white space between the nodes of a document.
func (w *writer) space(s string) {
	if s == "" {
		return
	}
	w.mixed = true
	w.escape(s, false)
	w.textEnd = len(w.b)
}

// comment writes the text of a comment, where no two hyphens may meet.
func (w *writer) comment(s string) {
	out := make([]byte, 0, len(s)+8)
	w.t.Allocate(len(s) + strings.Count(s, "-"))
	for i := 0; i < len(s); i++ {
		out = append(out, s[i])
		if s[i] == '-' && (i+1 == len(s) || s[i+1] == '-') {
			out = append(out, ' ')
		}
	}
	w.guarded(string(out), "", "")
}

// guarded writes text without references; what would end it is replaced.
func (w *writer) guarded(s, end, by string) {
	if end != "" && strings.Contains(s, end) {
		w.t.Allocate(len(s) + strings.Count(s, end)*len(by))
		s = strings.ReplaceAll(s, end, by)
	}
	w.t.Allocate(len(s))
	w.t.Work(len(s) / 16)
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '\r':
			w.b = append(w.b, '\n')
			if i+1 < len(s) && s[i+1] == '\n' {
				i++
			}
			i++
		default:
			i += w.char(s, i)
		}
	}
}

// escape writes text with references for what has a meaning in XML.
func (w *writer) escape(s string, attribute bool) {
	w.t.Allocate(len(s))
	w.t.Work(len(s) / 16)
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '&':
			w.put("&amp;")
		case c == '<':
			w.put("&lt;")
		case c == '>':
			w.put("&gt;")
		case c == '"' && attribute:
			w.put("&quot;")
		case attribute && (c == '\t' || c == '\n' || c == '\r'):
			w.put(fmt.Sprintf("&#x%X;", c))
		case c == '\r':
			w.b = append(w.b, '\n')
			if i+1 < len(s) && s[i+1] == '\n' {
				i++
			}
		default:
			i += w.char(s, i)
			continue
		}
		i++
	}
}

// char writes the character at i and returns its bytes; it throws where XML
// has no such character.
func (w *writer) char(s string, i int) int {
	c := s[i]
	if c >= 0x20 && c < 0x80 || c == '\t' || c == '\n' {
		w.b = append(w.b, c)
		return 1
	}
	r, size := clr.Decode(s[i:])
	switch {
	case r >= 0xD800 && r < 0xDC00:
		if i+size < len(s) {
			next := clr.CharAt(s[i+size:], 0)
			w.t.ThrowArgument(fmt.Sprintf("The surrogate pair (0x%X, 0x%X) is invalid. A high surrogate character (0xD800 - 0xDBFF) must always be paired with a low surrogate character (0xDC00 - 0xDFFF).", r, next), "")
		}
		w.t.ThrowArgument("The surrogate pair is invalid. Missing a low surrogate character.", "")
	case r >= 0xDC00 && r < 0xE000:
		w.t.ThrowArgument(fmt.Sprintf("Invalid high surrogate character (0x%X). A high surrogate character must have a value from range (0xD800 - 0xDBFF).", r), "")
	case r < 0x20, r == 0xFFFE, r == 0xFFFF:
		char, code := charText(s[i:])
		w.t.ThrowArgument("'"+char+"', hexadecimal value "+code+", is an invalid character.", "")
	}
	w.b = append(w.b, s[i:i+size]...)
	return size
}

// text is XDeclaration.ToString().
func (d *Declaration) text(t *clr.Thread) string {
	s := "<?xml"
	for _, part := range []struct {
		name string
		v    clr.Value
	}{{"version", d.version}, {"encoding", d.encoding}, {"standalone", d.standalone}} {
		if part.v.O != nil {
			t.Allocate(len(s) + len(part.v.S))
			s += " " + part.name + `="` + part.v.S + `"`
		}
	}
	return s + "?>"
}
