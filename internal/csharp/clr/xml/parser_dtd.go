package xml

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// maxExpanded is how many characters entities may give, as XDocument.Parse
// limits it.
const maxExpanded = 10_000_000

// entity is a general entity that the document declares.
type entity struct {
	text string
	// at is where the text stands in the document.
	at int
	// unparsed: it is no text at all. One that lies elsewhere is empty.
	unparsed bool
}

// entity finds an entity; after is where the reference ends.
func (p *parser) entity(name string, after int) *entity {
	e := p.entities[name]
	at := after - len(name) - 1
	switch {
	case e == nil:
		p.fail(at, "Reference to undeclared entity '"+name+"'.")
	case e.unparsed:
		p.fail(at, "Reference to unparsed entity '"+name+"'.")
	}
	return e
}

// spend counts what entities give.
func (p *parser) spend(n int) {
	p.t.Allocate(n)
	p.t.Work(n/16 + 1)
	if p.expanded += n; p.expanded > maxExpanded {
		p.fail(p.pos, "The input document has exceeded a limit set by MaxCharactersFromEntities.")
	}
}

// enter reads on in an entity's text.
func (p *parser) enter(name string, e *entity) {
	for _, in := range p.outer {
		if in.name == name {
			p.fail(p.pos, "General entity '"+name+"' references itself.")
		}
	}
	p.spend(len(e.text))
	p.outer = append(p.outer, input{p.s, p.pos, p.base, name, len(p.tags)})
	p.s, p.pos, p.base = e.text, 0, e.at
}

// leave goes back to where an entity was referred to; false: there is none.
func (p *parser) leave() bool {
	n := len(p.outer)
	if n == 0 {
		return false
	}
	in := p.outer[n-1]
	if in.depth != len(p.tags) {
		p.fail(p.pos, "Incomplete entity contents.")
	}
	p.outer = p.outer[:n-1]
	p.s, p.pos, p.base = in.s, in.pos, in.base
	return true
}

// attributeEntity adds an entity's text to an attribute's value.
func (p *parser) attributeEntity(b *strings.Builder, name string, e *entity) {
	p.t.Enter()
	p.enter(name, e)
	for p.pos < len(p.s) {
		switch c := p.s[p.pos]; {
		case c == '<':
			p.failChar(p.pos, badAttrChar)
		case c == '&' && p.at(p.pos+1) == '#':
			b.WriteRune(p.charReference())
		case c == '&':
			inner, after := p.entityName()
			if c := predefined[inner]; c != "" {
				p.pos = after
				b.WriteString(c)
				continue
			}
			e := p.entity(inner, after)
			p.pos = after
			p.attributeEntity(b, inner, e)
		case isSpace(c):
			b.WriteByte(' ')
			p.pos++
		default:
			b.WriteByte(c)
			p.pos++
		}
	}
	p.leave()
	p.t.Leave()
}

// docType reads <!DOCTYPE …>.
func (p *parser) docType() {
	switch {
	case p.has("<!DOCTYPE") && len(p.s) > p.pos+9:
	case p.has("<!["):
		p.fail(p.pos, rootData)
	case clr.Length(p.s[p.pos+2:]) < 8:
		p.failEOF(p.pos+2, "DOCTYPE")
	case p.rootElement != nil || p.sawDocType:
		p.failToken(p.pos+2, "<!--")
	default:
		p.failToken(p.pos+2, "DOCTYPE")
	}
	switch {
	case p.rootElement != nil:
		p.fail(p.pos, "DTD must be defined before the document root element.")
	case p.sawDocType:
		p.fail(p.pos, "Cannot have multiple DTDs.")
	}
	p.sawDocType, p.inDTD = true, true
	p.pos += len("<!DOCTYPE")
	if p.skipSpace() == 0 {
		p.fail(p.pos, "'"+p.tokenAt(p.pos)+"' is an unexpected token. Expecting white space.")
	}
	begin := p.pos
	p.qualified()
	k := newNode(p.t, KindDocType, "")
	k.parts = []clr.Value{clr.Str(strings.Clone(p.s[begin:p.pos])), clr.Null, clr.Null, clr.Null}
	p.skipSpace()
	switch {
	case p.has("SYSTEM"):
		p.pos += len("SYSTEM")
		k.parts[2] = clr.Str(p.quoted())
	case p.has("PUBLIC"):
		p.pos += len("PUBLIC")
		k.parts[1] = clr.Str(p.quoted())
		k.parts[2] = clr.Str(p.quoted())
	}
	p.skipSpace()
	if p.at(p.pos) == '[' {
		begin := p.pos + 1
		p.pos = begin
		p.subset()
		k.parts[3] = clr.Str(p.take(begin, p.pos))
		p.pos++
		p.skipSpace()
	} else {
		k.parts[3] = clr.Str("")
	}
	if p.at(p.pos) != '>' {
		if p.pos >= len(p.s) {
			p.failEOF(p.pos, "DOCTYPE")
		}
		switch {
		case k.parts[3].S != "" || p.s[p.pos-1] == ']':
			p.failToken(p.pos, ">")
		case k.parts[2].O == nil:
			p.fail(p.pos, "Expecting external ID, '[' or '>'.")
		}
		p.fail(p.pos, "Expecting an internal subset or the end of the DOCTYPE declaration.")
	}
	p.pos++
	p.inDTD = false
	p.addNode(k)
}

// quoted reads a literal behind white space.
func (p *parser) quoted() string {
	if p.skipSpace() == 0 {
		p.fail(p.pos, "'"+p.tokenAt(p.pos)+"' is an unexpected token. Expecting white space.")
	}
	q := p.at(p.pos)
	if q != '"' && q != '\'' {
		p.failToken(p.pos, "\"", "'")
	}
	begin := p.pos + 1
	end := strings.IndexByte(p.s[begin:], q)
	if end < 0 {
		p.fail(len(p.s), "There is an unclosed literal string.")
	}
	p.pos = begin + end + 1
	return p.take(begin, begin+end)
}

// subset reads declarations up to the ] that ends them.
func (p *parser) subset() {
	for {
		p.t.Step()
		p.skipSpace()
		switch {
		case p.pos >= len(p.s):
			p.failEOF(p.pos, "DTD")
		case p.at(p.pos) == ']':
			return
		case p.has("<!--"):
			end := strings.Index(p.s[p.pos+4:], "-->")
			if end < 0 {
				p.failEOF(len(p.s), "Comment")
			}
			p.pos += 4 + end + 3
		case p.has("<?"):
			end := strings.Index(p.s[p.pos:], "?>")
			if end < 0 {
				p.failEOF(len(p.s), "PI")
			}
			p.pos += end + 2
		case p.has("<!ENTITY"):
			p.entityDeclaration()
		case p.has("<!ELEMENT"), p.has("<!ATTLIST"), p.has("<!NOTATION"):
			p.skipDeclaration()
		case p.at(p.pos) == '%':
			// A parameter entity gives declarations; those of this document are
			// not read, as no one needs them who reads a message.
			n := p.qualifiedAt(p.pos + 1)
			if p.at(p.pos+1+n) != ';' || n == 0 {
				p.fail(p.pos+1+n, "An error occurred while parsing EntityName.")
			}
			p.pos += n + 2
		default:
			p.fail(p.pos, "Expected DTD markup was not found.")
		}
	}
}

// skipDeclaration passes a declaration that gives no entity.
func (p *parser) skipDeclaration() {
	for p.pos < len(p.s) {
		switch c := p.s[p.pos]; c {
		case '>':
			p.pos++
			return
		case '"', '\'':
			end := strings.IndexByte(p.s[p.pos+1:], c)
			if end < 0 {
				p.fail(len(p.s), "There is an unclosed literal string.")
			}
			p.pos += end + 2
		default:
			p.pos++
		}
	}
	p.failEOF(len(p.s), "DTD")
}

// entityDeclaration reads <!ENTITY name "text">; of two the first counts.
func (p *parser) entityDeclaration() {
	p.pos += len("<!ENTITY")
	if p.skipSpace() == 0 {
		p.fail(p.pos, "'"+p.tokenAt(p.pos)+"' is an unexpected token. Expecting white space.")
	}
	parameter := p.at(p.pos) == '%'
	if parameter {
		p.pos++
		p.skipSpace()
	}
	begin := p.pos
	p.qualified()
	name := strings.Clone(p.s[begin:p.pos])
	e := &entity{}
	switch p.skipSpace(); {
	case p.has("SYSTEM"):
		p.pos += len("SYSTEM")
		p.quoted()
		e.unparsed = p.notation()
	case p.has("PUBLIC"):
		p.pos += len("PUBLIC")
		p.quoted()
		p.quoted()
		e.unparsed = p.notation()
	default:
		if c := p.at(p.pos); c != '"' && c != '\'' && p.pos < len(p.s) {
			p.fail(p.pos, "Expecting an external identifier or an entity value.")
		}
		p.pos-- // the white space that quoted wants
		e.at = p.pos + 2
		e.text = p.entityText(p.quoted())
	}
	if p.skipSpace(); p.at(p.pos) != '>' {
		p.failToken(p.pos, ">")
	}
	p.pos++
	if p.entities == nil {
		p.entities = map[string]*entity{}
	}
	if p.entities[name] == nil && !parameter {
		p.t.Allocate(64 + len(name))
		p.entities[name] = e
	}
}

// notation reads NDATA name.
func (p *parser) notation() bool {
	p.skipSpace()
	if !p.has("NDATA") {
		return false
	}
	p.pos += len("NDATA")
	p.skipSpace()
	p.qualified()
	return true
}

// entityText puts characters in the place of their references, as is done when
// an entity is declared; entities in it stay.
func (p *parser) entityText(s string) string {
	if !strings.Contains(s, "&#") {
		return s
	}
	var b strings.Builder
	in := parser{t: p.t, s: s}
	for in.pos < len(s) {
		if in.has("&#") {
			b.WriteRune(in.charReference())
			continue
		}
		b.WriteByte(s[in.pos])
		in.pos++
	}
	return b.String()
}
