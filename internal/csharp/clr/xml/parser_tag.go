package xml

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// scan is the length of the name without a colon that stands at a place; it
// fails where none does, or where the text ends with it.
func (p *parser) scan(at int) int {
	n := scanName(p.s[at:])
	switch {
	case at+n >= len(p.s):
		p.failEOF(len(p.s), "Name")
	case n == 0 && at+1 >= len(p.s):
		p.failEOF(at, "Name")
	case n == 0:
		p.failChar(at, badNameStart)
	}
	return n
}

// qualified reads a name with at most one colon.
func (p *parser) qualified() (prefix, local string) {
	begin := p.pos
	p.pos += p.scan(begin)
	if p.at(p.pos) != ':' {
		return "", p.s[begin:p.pos]
	}
	colon := p.pos
	p.pos++
	p.pos += p.scan(p.pos)
	if p.at(p.pos) == ':' {
		p.failChar(p.pos, badNameChar)
	}
	return p.s[begin:colon], p.s[colon+1 : p.pos]
}

// writtenAttr is an attribute as it is written.
type writtenAttr struct {
	prefix, local, value string
	at, quote            int
}

// element reads a start tag and what belongs to it.
func (p *parser) element() {
	p.pos++
	at := p.pos
	prefix, local := p.qualified()
	g := tag{prefix: prefix, local: local, at: at, spaces: len(p.spaces), preserve: len(p.tags) > 0 && p.tags[len(p.tags)-1].preserve}
	attrs := p.attributes()
	k := newElement(p.t, p.resolve(prefix, local, at))
	for _, a := range attrs {
		space := ""
		if a.prefix != "" {
			space = p.space(a.prefix, a.at)
		}
		name := &Name{Local: strings.Clone(a.local), Space: space}
		p.t.Allocate(nameSize + attrSize + len(a.local))
		for b := k.firstAttr; b != nil; b = b.next {
			p.t.Step()
			if *b.name == *name {
				p.fail(a.at, "'"+shown(a)+"' is a duplicate attribute name.")
			}
		}
		if a.prefix == "xml" && a.local == "space" {
			g.preserve = trimXML(a.value) == "preserve"
		}
		k.putAttr(&Attr{name: name, value: a.value})
	}
	if p.rootElement == nil {
		p.rootElement = k
	}
	p.addNode(k)
	if p.s[p.pos] == '/' {
		p.pos += 2
		p.spaces = p.spaces[:g.spaces]
		return
	}
	p.pos++
	p.open = k
	p.t.Allocate(64)
	p.tags = append(p.tags, g)
}

func shown(a writtenAttr) string {
	if a.prefix != "" {
		return a.prefix + ":" + a.local
	}
	return a.local
}

// attributes reads up to the > or /> that ends the tag.
func (p *parser) attributes() []writtenAttr {
	var out []writtenAttr
	for {
		p.t.Step()
		spaces := p.skipSpace()
		if p.pos >= len(p.s) {
			p.failOpen(p.pos)
		}
		switch c := p.s[p.pos]; {
		case c == '>':
			return out
		case c == '/':
			if p.at(p.pos+1) == '>' {
				return out
			}
			if p.pos+1 >= len(p.s) && spaces == 0 && len(out) == 0 {
				p.failEOF(p.pos, ">")
			}
			if p.pos+1 >= len(p.s) {
				p.failOpen(len(p.s))
			}
			if spaces == 0 && len(out) == 0 {
				p.failToken(p.pos, ">")
			}
			p.failToken(p.pos+1, ">")
		case spaces == 0 && len(out) == 0:
			p.failChar(p.pos, badNameChar)
		case scanName(p.s[p.pos:]) == 0:
			p.failChar(p.pos, badNameStart)
		case spaces == 0:
			p.fail(p.pos, "'"+p.tokenAt(p.pos)+"' is an unexpected token. Expecting white space.")
		}
		p.t.Allocate(64)
		a := p.attribute()
		p.declareSpace(a)
		if v := trimXML(a.value); a.prefix == "xml" && a.local == "space" && v != "preserve" && v != "default" {
			p.fail(a.at, "'"+v+"' is an invalid xml:space value.")
		}
		out = append(out, a)
	}
}

func (p *parser) attribute() writtenAttr {
	a := writtenAttr{at: p.pos}
	a.prefix, a.local = p.qualified()
	if p.skipSpace(); p.at(p.pos) != '=' {
		p.failToken(p.pos, "=")
	}
	p.pos++
	p.skipSpace()
	q := p.at(p.pos)
	if q != '"' && q != '\'' {
		p.failToken(p.pos, "\"", "'")
	}
	a.quote = p.pos
	p.pos++
	a.value = p.attributeValue(q)
	return a
}

// declareSpace binds a prefix that an attribute declares.
func (p *parser) declareSpace(a writtenAttr) {
	prefix := ""
	switch {
	case a.prefix == "xmlns":
		prefix = a.local
	case a.prefix != "" || a.local != "xmlns":
		return
	}
	switch {
	case prefix != "" && a.value == "":
		p.fail(a.quote, "Invalid namespace declaration.")
	case prefix == "xmlns":
		p.fail(a.at, "Prefix \"xmlns\" is reserved for use by XML.")
	case prefix == "xml" && a.value != xmlSpace:
		p.fail(a.at, "Prefix \"xml\" is reserved for use by XML and can be mapped only to namespace name \"http://www.w3.org/XML/1998/namespace\".")
	case a.value == xmlnsSpace, a.value == xmlSpace && prefix != "xml":
		p.fail(a.quote+1, "Prefix '"+prefix+"' cannot be mapped to namespace name reserved for \"xml\" or \"xmlns\".")
	}
	p.t.Allocate(48)
	p.spaces = append(p.spaces, binding{prefix: prefix, space: a.value})
}

// space is what a prefix stands for.
func (p *parser) space(prefix string, at int) string {
	for i := len(p.spaces) - 1; i >= 0; i-- {
		p.t.Step()
		if p.spaces[i].prefix == prefix {
			return p.spaces[i].space
		}
	}
	switch prefix {
	case "":
		return ""
	case "xml":
		return xmlSpace
	case "xmlns":
		return xmlnsSpace
	}
	p.fail(at, "'"+prefix+"' is an undeclared prefix.")
	return ""
}

func (p *parser) resolve(prefix, local string, at int) *Name {
	p.t.Allocate(nameSize + len(local))
	return &Name{Local: strings.Clone(local), Space: p.space(prefix, at)}
}

// endTag reads an end tag, which must be that of the open element.
func (p *parser) endTag() {
	g := &p.tags[len(p.tags)-1]
	p.pos += 2
	at := p.pos
	name := g.name()
	if !p.has(name) || p.qualifiedAt(at) != len(name) {
		p.wrongEnd(g, at)
	}
	p.pos += len(name)
	if p.skipSpace(); p.pos >= len(p.s) {
		p.failOpen(len(p.s))
	}
	if p.s[p.pos] != '>' {
		p.failToken(p.pos, ">")
	}
	if n := len(p.outer); n > 0 && p.outer[n-1].depth >= len(p.tags) {
		p.fail(at, "Entity replacement text must nest properly within markup declarations.")
	}
	p.pos++
	if p.open.empty() {
		p.open.plain = true
	}
	p.open = p.open.parent
	p.spaces = p.spaces[:g.spaces]
	p.tags = p.tags[:len(p.tags)-1]
}

// wrongEnd fails where another name stands than that of the open element.
func (p *parser) wrongEnd(g *tag, at int) {
	p.qualified()
	got := p.s[at:p.pos]
	line, column := p.place(g.at)
	p.fail(at, "The '"+g.name()+"' start tag on line "+itoa(line)+" position "+itoa(column)+" does not match the end tag of '"+got+"'.")
}

// xmlDeclaration reads <?xml …?> at the begin of the text.
func (p *parser) xmlDeclaration() {
	const invalid = "Syntax for an XML declaration is invalid."
	d := &Declaration{}
	p.pos += len("<?xml")
	for step := 0; ; {
		spaces := p.skipSpace()
		if p.has("?>") {
			if step == 0 {
				p.fail(p.pos, invalid)
			}
			p.pos += 2
			break
		}
		if p.pos >= len(p.s) {
			p.fail(p.pos, "Unexpected end of file has occurred.")
		}
		if p.at(p.pos) == '?' {
			if p.pos+1 >= len(p.s) {
				p.fail(p.pos, "Unexpected end of file has occurred.")
			}
			p.failToken(p.pos, "'>'")
		}
		if spaces == 0 && step > 0 {
			p.failToken(p.pos, "?>")
		}
		at := p.pos
		n := scanName(p.s[p.pos:])
		switch {
		case p.pos+n >= len(p.s):
			p.failEOF(len(p.s), "Name")
		case n == 0:
			p.failChar(at, badNameStart)
		}
		name := p.s[p.pos : p.pos+n]
		p.pos += n
		order := map[string]int{"version": 1, "encoding": 2, "standalone": 3}[name]
		if order == 0 || order <= step || order > 1 && step == 0 {
			p.fail(at, invalid)
		}
		step = order
		if p.skipSpace(); p.at(p.pos) != '=' {
			p.failToken(p.pos, "=")
		}
		p.pos++
		p.skipSpace()
		q := p.at(p.pos)
		if q != '"' && q != '\'' {
			p.failToken(p.pos, "\"", "'")
		}
		p.pos++
		begin := p.pos
		end := strings.IndexAny(p.s[begin:], "<>&\"'\r\n\t")
		if end < 0 {
			p.fail(begin, "There is an unclosed literal string.")
		}
		if p.s[begin+end] != q {
			p.fail(begin, invalid)
		}
		value := p.take(begin, begin+end)
		p.pos = begin + end + 1
		switch step {
		case 1:
			if value != "1.0" {
				p.fail(begin, "Version number '"+value+"' is invalid.")
			}
			d.version = clr.Str(value)
		case 2:
			d.encoding = clr.Str(value)
		case 3:
			if value != "yes" && value != "no" {
				p.fail(begin, invalid)
			}
			d.standalone = clr.Str(value)
		}
	}
	if !p.onlyRoot {
		p.top.declaration = clr.Obj(d)
	}
}
