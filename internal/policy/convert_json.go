package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/json"
	"github.com/cloister-ai/cloister/internal/csharp/clr/xml"
)

// toXML writes a token of Json.NET as a document of XML, at the cost of a
// thread.
type toXML struct {
	*clr.Thread
	b    []byte
	paid int
	// separator stands between prefix and name.
	separator string
	// namespaces is how the names of members begin that declare a namespace, and
	// block the name of the member that holds attributes; empty: none.
	namespaces, block string
	// declared are the prefixes in scope.
	declared []prefix
}

// The names of elements that the text does not name.
const (
	documentElement = "Document"
	itemElement     = "Item"
)

func (w *toXML) write(parts ...string) {
	for _, s := range parts {
		w.b = append(w.b, s...)
	}
	if n := len(w.b) - w.paid; n > 1<<10 {
		w.Allocate(2 * n)
		w.Work(n / 16)
		w.paid = len(w.b)
	}
}

// document writes the one member of an object as the root; everything else
// comes into an element of its own.
func (w *toXML) document(k json.Token) {
	if o, ok := k.(*json.Object); ok && o.Len() == 1 {
		p := o.Properties()[0]
		if _, list := p.Value().(*json.Array); !list && !w.special(p.Name) {
			w.element(0, p.Name, p.Value())
			return
		}
	}
	if a, ok := k.(*json.Array); ok {
		w.write("<" + documentElement)
		if a.Len() == 0 {
			w.write(" />")
			return
		}
		w.write(">")
		for _, item := range a.Items() {
			w.element(1, itemElement, item)
		}
		w.write("\n</" + documentElement + ">")
		return
	}
	w.element(0, documentElement, k)
}

// special reports a member that becomes no element.
func (w *toXML) special(name string) bool {
	_, declares := w.declares(name)
	return declares || w.block != "" && name == w.block || strings.HasPrefix(name, "@") && len(name) > 1 || name == "#text" || name == "#cdata-section"
}

// declares gives the prefix that a member declares.
func (w *toXML) declares(name string) (prefix string, ok bool) {
	if w.namespaces == "" {
		return "", false
	}
	rest, ok := strings.CutPrefix(name, w.namespaces)
	if !ok || rest == "" {
		return "", ok
	}
	prefix, ok = strings.CutPrefix(rest, w.separator)
	return prefix, ok && prefix != "" && prefix != "xml" && prefix != "xmlns" && prefix == encodedName(prefix)
}

// qualified is a name of XML: its prefix is one where it is declared, and what a
// name cannot hold is written as XmlConvert does it.
func (w *toXML) qualified(name string) string {
	if w.separator != "" {
		prefix, local, ok := strings.Cut(name, w.separator)
		if ok && local != "" {
			w.Work(len(w.declared)/8 + 1)
			for _, d := range w.declared {
				if d.name == prefix {
					return prefix + ":" + encodedName(local)
				}
			}
		}
	}
	return encodedName(name)
}

func (w *toXML) indent(depth int) {
	if depth > 0 {
		w.write("\n", strings.Repeat("  ", depth))
	}
}

// element writes a member; an array is as many elements.
func (w *toXML) element(depth int, name string, k json.Token) {
	w.Step()
	w.Enter()
	defer w.Leave()
	switch k := k.(type) {
	case *json.Array:
		if k.Len() == 0 {
			w.indent(depth)
			w.write("<", w.qualified(name), " />")
		}
		for _, item := range k.Items() {
			if a, ok := item.(*json.Array); ok {
				// What stands in the inner one is in an element of the outer one.
				w.indent(depth)
				q := w.qualified(name)
				w.write("<", q, ">")
				w.element(depth+1, name, a)
				w.indentEnd(depth)
				w.write("</", q, ">")
				continue
			}
			w.element(depth, name, item)
		}
	case *json.Object:
		w.object(depth, name, k)
	case *json.Value:
		w.indent(depth)
		q := w.qualified(name)
		if k.V.IsNull() {
			w.write("<", q, ` xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" />`)
			return
		}
		w.leaf(q, "", w.Text(k.V))
	default:
		w.Throw(clr.ArgumentException, "JSON with "+k.Kind().String()+" cannot become XML.")
	}
}

func (w *toXML) indentEnd(depth int) { w.write("\n", strings.Repeat("  ", depth)) }

// leaf writes an element with text.
func (w *toXML) leaf(name, attributes, text string) {
	if text == "" {
		w.write("<", name, attributes, "></", name, ">")
		return
	}
	w.write("<", name, attributes, ">")
	w.text(text)
	w.write("</", name, ">")
}

func (w *toXML) object(depth int, name string, o *json.Object) {
	before := len(w.declared)
	for _, p := range o.Properties() {
		if name, ok := w.declares(p.Name); ok && name != "" {
			w.Allocate(32)
			w.declared = append(w.declared, prefix{name, w.space(p)})
		}
	}
	// The element's own name may use what it declares.
	w.indent(depth)
	q := w.qualified(name)
	w.write("<", q)
	text := w.attributes(o)
	elements := 0
	for _, p := range o.Properties() {
		if !w.special(p.Name) {
			elements++
		}
	}
	switch {
	case elements == 0 && text == "":
		w.write(" />")
	case elements == 0:
		w.write(">")
		w.text(text)
		w.write("</", q, ">")
	default:
		w.write(">")
		w.text(text)
		inner := depth + 1
		if text != "" {
			inner = 0 // white space would be part of the text
		}
		for _, p := range o.Properties() {
			if !w.special(p.Name) {
				w.element(inner, p.Name, p.Value())
			}
		}
		if text == "" {
			w.indentEnd(depth)
		}
		w.write("</", q, ">")
	}
	w.declared = w.declared[:before]
}

// attributes writes those of an element, each once, and gives its text.
func (w *toXML) attributes(o *json.Object) string {
	given := map[string]bool{}
	attribute := func(name, value string) {
		if given[name] {
			return
		}
		w.Allocate(64)
		given[name] = true
		if p, local, ok := strings.Cut(name, ":"); ok && p != "xmlns" {
			// Two prefixes of one namespace make one attribute.
			key := w.spaceOf(p) + " " + local
			if given[key] {
				return
			}
			given[key] = true
		}
		w.write(" ", name, `="`)
		w.quoted(value)
		w.write(`"`)
	}
	text := ""
	for _, p := range o.Properties() {
		w.Step()
		prefix, declares := w.declares(p.Name)
		switch {
		case declares && prefix == "":
			attribute("xmlns", w.space(p))
		case declares:
			attribute("xmlns:"+prefix, w.space(p))
		case w.block != "" && p.Name == w.block:
			block, ok := p.Value().(*json.Object)
			if !ok {
				w.Throw(clr.ArgumentException, fmt.Sprintf("%q is no object of attributes.", w.block))
			}
			for _, a := range block.Properties() {
				attribute(w.attributeName(a.Name), w.scalar(a))
			}
		case strings.HasPrefix(p.Name, "@") && len(p.Name) > 1:
			attribute(w.attributeName(p.Name[1:]), w.scalar(p))
		case p.Name == "#text" || p.Name == "#cdata-section":
			text += w.scalar(p)
		}
	}
	return text
}

// spaceOf is the namespace of a prefix that is declared.
func (w *toXML) spaceOf(name string) string {
	for i := len(w.declared) - 1; i >= 0; i-- {
		if w.declared[i].name == name {
			return w.declared[i].space
		}
	}
	return ""
}

// space is the namespace that a member declares. A prefix cannot be undeclared,
// and two namespaces cannot be declared.
func (w *toXML) space(p *json.Property) string {
	space := w.scalar(p)
	prefix, _ := w.declares(p.Name)
	if space == "" && prefix != "" || space == "http://www.w3.org/2000/xmlns/" || space == "http://www.w3.org/XML/1998/namespace" {
		w.Throw(clr.ArgumentException, fmt.Sprintf("%q cannot be a namespace here.", space))
	}
	return space
}

// attributeName keeps an attribute from declaring namespaces by the way.
func (w *toXML) attributeName(name string) string {
	if q := w.qualified(name); q != "xmlns" {
		return q
	}
	return "_x0078_mlns"
}

// scalar is the text of a member; one that holds others has none.
func (w *toXML) scalar(p *json.Property) string {
	v, ok := p.Value().(*json.Value)
	if !ok {
		w.Throw(clr.ArgumentException, "The attribute "+p.Name+" is no text.")
	}
	return w.Text(v.V)
}

// text writes what stands between tags; what XML cannot hold is an error.
func (w *toXML) text(s string) { w.escaped(s, false) }

func (w *toXML) quoted(s string) { w.escaped(s, true) }

func (w *toXML) escaped(s string, attribute bool) {
	w.Work(len(s) / 16)
	from := 0
	for i, r := range s {
		with := ""
		switch {
		case r == '&':
			with = "&amp;"
		case r == '<':
			with = "&lt;"
		case r == '>':
			with = "&gt;"
		case r == '"' && attribute:
			with = "&quot;"
		case r == '\r':
			with = "&#xD;"
		case r == '\n' && attribute:
			with = "&#xA;"
		case r == '\t' && attribute:
			with = "&#x9;"
		case r == utf8.RuneError || !xml.TextChar(r):
			if r == utf8.RuneError && strings.HasPrefix(s[i:], "\ufffd") {
				continue
			}
			w.Throw(clr.ArgumentException, fmt.Sprintf("The character 0x%X cannot stand in XML.", r))
		default:
			continue
		}
		w.write(s[from:i], with)
		from = i + utf8.RuneLen(r)
	}
	w.write(s[from:])
}

// encodedName is XmlConvert.EncodeLocalName: what a name cannot hold is _xHHHH_.
func encodedName(s string) string {
	plain := s != ""
	for i, r := range s {
		if !xml.NameChar(r, i == 0) || r == '_' && isEncoded(s[i:]) {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	if s == "" {
		return "_x_"
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '_' && isEncoded(s[i:]):
			b.WriteString("_x005F_")
		case xml.NameChar(r, i == 0):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, "_x%08X_", r)
		default:
			fmt.Fprintf(&b, "_x%04X_", r)
		}
	}
	return b.String()
}

// isEncoded reports a text that begins as _xHHHH_.
func isEncoded(s string) bool {
	if len(s) < 7 || s[1] != 'x' || s[6] != '_' {
		return false
	}
	for i := 2; i < 6; i++ {
		if !strings.ContainsRune("0123456789abcdefABCDEF", rune(s[i])) {
			return false
		}
	}
	return true
}
