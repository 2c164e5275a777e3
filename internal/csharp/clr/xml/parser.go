package xml

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// preserveWhitespace is a flag of LoadOptions.
const preserveWhitespace = 1

// ParseDocument is XDocument.Parse(text, options).
func ParseDocument(t *clr.Thread, text string, options int) *Node {
	doc := newNode(t, KindDocument, "")
	p := newParser(t, text, options)
	p.top, p.open = doc, doc
	p.run()
	return doc
}

// ParseElement is XElement.Parse(text, options): what stands around the element
// is forgotten.
func ParseElement(t *clr.Thread, text string, options int) *Node {
	p := newParser(t, text, options)
	doc := newNode(t, KindDocument, "")
	p.top, p.open, p.onlyRoot = doc, doc, true
	p.run()
	root := p.rootElement
	doc.take(root)
	return root
}

func newParser(t *clr.Thread, text string, options int) *parser {
	t.Work(len(text) / 8)
	return &parser{t: t, s: text, keepSpace: options&preserveWhitespace != 0}
}

// parser reads a document into a tree.
type parser struct {
	t   *clr.Thread
	s   string
	pos int

	keepSpace bool
	onlyRoot  bool // nodes beside the root element are not kept

	top, open   *Node // the document, and what is read into
	rootElement *Node
	tags        []tag // the open elements
	spaces      []binding
	sawDocType  bool
	inDTD       bool

	// outer are the texts whose entities are being read, and where they go on.
	outer    []input
	base     int // where the text of the entity stands in the document
	entities map[string]*entity
	expanded int // characters that entities gave
	// text of the open element that is not in the tree yet.
	text      strings.Builder
	textBegun bool
	textSolid bool // more than white space
}

// input is a text that waits until an entity in it has ended.
type input struct {
	s     string
	pos   int
	base  int
	name  string // of the entity
	depth int    // open elements when it began
}

// tag is an open element as it is written.
type tag struct {
	prefix, local string
	at            int // where its name stands
	spaces        int // bindings outside of it
	preserve      bool
}

func (g *tag) name() string {
	if g.prefix != "" {
		return g.prefix + ":" + g.local
	}
	return g.local
}

// place is where the byte at stands: lines end at \n, \r\n and \r, columns
// count UTF-16 code units from 1.
func (p *parser) place(at int) (line, column int) {
	at = min(at, len(p.s))
	line, begin := 1, 0
	for i := 0; i < at; i++ {
		switch p.s[i] {
		case '\n':
			line, begin = line+1, i+1
		case '\r':
			if i+1 < len(p.s) && p.s[i+1] == '\n' {
				if i+1 >= at {
					continue
				}
				i++
			}
			line, begin = line+1, i+1
		}
	}
	return line, clr.Length(p.s[begin:at]) + 1
}

// fail throws XmlException with the place of the byte at.
func (p *parser) fail(at int, message string) {
	if len(p.outer) > 0 { // in an entity, whose text stands in the document
		p.s, at = p.outer[0].s, at+p.base
	}
	p.t.Work(at / 16)
	line, column := p.place(at)
	p.t.Throw(clr.XmlException, message+" Line "+strconv.Itoa(line)+", position "+strconv.Itoa(column)+".")
}

func (p *parser) failBare(message string) { p.t.Throw(clr.XmlException, message) }

// failChar fails for the character at a place.
func (p *parser) failChar(at int, message string) {
	char, code := charText(p.s[at:])
	message = strings.ReplaceAll(message, "{0}", "\x00")
	message = strings.ReplaceAll(message, "{1}", code)
	p.fail(at, strings.ReplaceAll(message, "\x00", char))
}

const (
	invalidChar  = "'{0}', hexadecimal value {1}, is an invalid character."
	badAttrChar  = "'{0}', hexadecimal value {1}, is an invalid attribute character."
	badNameStart = "Name cannot begin with the '{0}' character, hexadecimal value {1}."
	badNameChar  = "The '{0}' character, hexadecimal value {1}, cannot be included in a name."
	rootData     = "Data at the root level is invalid."
)

// failToken fails where something else was expected.
func (p *parser) failToken(at int, want ...string) {
	got := p.tokenAt(at)
	if got == "" {
		p.fail(at, "Unexpected end of file has occurred.")
	}
	for i, w := range want {
		want[i] = "'" + w + "'"
	}
	p.fail(at, "'"+got+"' is an unexpected token. The expected token is "+strings.Join(want, " or ")+".")
}

// tokenAt is what stands there: characters of names, or another one.
func (p *parser) tokenAt(at int) string {
	if at >= len(p.s) {
		return ""
	}
	end := at
	for end < len(p.s) {
		r, size := clr.Decode(p.s[end:])
		if r < 0x80 && asciiName[r] == 0 || r >= 0x80 && !unicode.Is(nameStart, r) && !unicode.Is(nameRest, r) {
			if end == at {
				end += size
			}
			break
		}
		end += size
	}
	return p.s[at:end]
}

// qualifiedAt is how long a name with colons is.
func (p *parser) qualifiedAt(at int) int {
	i := at
	for {
		n := scanName(p.s[i:])
		if i += n; n == 0 || i >= len(p.s) || p.s[i] != ':' {
			return i - at
		}
		i++
	}
}

// failEOF fails at the end of the text, in the midst of something.
func (p *parser) failEOF(at int, what string) {
	if p.inDTD {
		p.fail(len(p.s), "Incomplete DTD content.")
	}
	p.fail(at, "Unexpected end of file while parsing "+what+" has occurred.")
}

// failOpen fails at the end of the text, and names the elements that are open,
// the innermost first.
func (p *parser) failOpen(at int) {
	var names strings.Builder
	for i := len(p.tags) - 1; i >= 0; i-- {
		name := p.tags[i].name()
		p.t.Allocate(len(name) + 2)
		names.WriteString(name)
		if i > 0 {
			names.WriteString(", ")
		} else {
			names.WriteByte('.')
		}
	}
	p.fail(at, "Unexpected end of file has occurred. The following elements are not closed: "+names.String())
}

func (p *parser) at(i int) byte {
	if i < len(p.s) {
		return p.s[i]
	}
	return 0
}

func (p *parser) has(s string) bool { return strings.HasPrefix(p.s[p.pos:], s) }

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// skipSpace says how much white space it has passed.
func (p *parser) skipSpace() int {
	begin := p.pos
	for p.pos < len(p.s) && isSpace(p.s[p.pos]) {
		p.pos++
	}
	return p.pos - begin
}

// run reads the whole document.
func (p *parser) run() {
	if p.has("<?xml") && len(p.s) > 5 && scanName("x"+p.s[5:]) == 1 {
		p.xmlDeclaration()
	}
	for {
		p.t.Step()
		if p.pos >= len(p.s) {
			if p.leave() {
				continue
			}
			break
		}
		if len(p.tags) == 0 {
			p.outside()
			continue
		}
		p.inside()
	}
	switch {
	case len(p.tags) > 0:
		p.failOpen(len(p.s))
	case p.rootElement == nil:
		p.failBare("Root element is missing.")
	}
}

// outside reads one thing beside the root element.
func (p *parser) outside() {
	switch c := p.s[p.pos]; {
	case isSpace(c):
		begin := p.pos
		p.skipSpace()
		if p.keepSpace && !p.onlyRoot {
			p.addText(normalize(p.s[begin:p.pos]))
		}
	case c >= 0xF0, c < 0x20:
		p.failChar(p.pos, invalidChar)
	case c != '<', len(p.s)-p.pos < 12 && clr.Length(p.s[p.pos:]) < 4:
		p.fail(p.pos, rootData)
	case p.at(p.pos+1) == '?':
		p.instruction()
	case p.has("<!--"):
		p.comment()
	case p.has("<!-"):
		p.failToken(p.pos+3, "-")
	case p.at(p.pos+1) == '!':
		p.docType()
	case p.at(p.pos+1) == '/':
		p.fail(p.pos+2, "Unexpected end tag.")
	case p.rootElement != nil:
		p.fail(p.pos+1, "There are multiple root elements.")
	default:
		p.element()
	}
}

// inside reads one thing in an element.
func (p *parser) inside() {
	if p.s[p.pos] != '<' {
		p.textRun()
		return
	}
	if p.pos+1 == len(p.s) && len(p.outer) == 0 {
		p.failOpen(len(p.s))
	}
	switch p.at(p.pos + 1) {
	case '/':
		p.flush()
		p.endTag()
	case '?':
		p.flush()
		p.instruction()
	case '!':
		p.flush()
		p.exclamation()
	default:
		p.flush()
		p.element()
	}
}

// exclamation reads what begins with <! in an element.
func (p *parser) exclamation() {
	rest := p.s[p.pos+2:]
	switch {
	case p.has("<!--"):
		p.comment()
	case p.has("<![CDATA["):
		p.cdata()
	case len(rest) < 2, rest[0] == '[' && len(rest) < 7:
		p.failOpen(len(p.s))
	case rest[0] == '[':
		p.failToken(p.pos+3, "CDATA[")
	case rest[0] == '-':
		p.failToken(p.pos+3, "-")
	case strings.HasPrefix(rest, "DOCTYPE"):
		p.fail(p.pos+2, "Unexpected DTD declaration.")
	default:
		p.failToken(p.pos+2, "<!--", "<[CDATA[")
	}
}

func (p *parser) addNode(k *Node) {
	if p.open == p.top && p.onlyRoot && k.kind != KindElement {
		return
	}
	p.open.textToNode(p.t)
	p.open.put(k, p.open.last)
}

// addText adds text to the open container, behind what it has.
func (p *parser) addText(s string) { addText(p.t, p.open, s) }

// comment reads a comment.
func (p *parser) comment() {
	begin := p.pos + 4
	end := strings.Index(p.s[begin:], "--")
	if end < 0 || begin+end+2 >= len(p.s) {
		p.unclosed(begin, "Comment", "-")
	}
	end += begin
	p.checkChars(p.s, begin, end)
	if p.at(end+2) != '>' {
		p.fail(end, "An XML comment cannot contain '--', and '-' cannot be the last character.")
	}
	p.addNode(newNode(p.t, KindComment, p.take(begin, end)))
	p.pos = end + 3
}

// unclosed fails where the end of a comment or the like is missing; mark is
// what the end begins with, twice.
func (p *parser) unclosed(begin int, what, mark string) {
	if len(p.s)-begin < 3 {
		p.failEOF(begin, what)
	}
	p.checkChars(p.s, begin, len(p.s))
	end := len(p.s)
	for i := 0; i < 2 && strings.HasSuffix(p.s[:end], mark); i++ {
		end--
	}
	p.failEOF(end, what)
}

// take is a part of the text with its ends of lines as \n.
func (p *parser) take(begin, end int) string {
	p.t.Allocate(end - begin)
	return normalize(p.s[begin:end])
}

// normalize makes ends of lines \n.
func normalize(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return strings.Clone(s)
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

func (p *parser) cdata() {
	begin := p.pos + len("<![CDATA[")
	end := strings.Index(p.s[begin:], "]]>")
	if end < 0 {
		p.unclosed(begin, "CDATA", "]")
	}
	end += begin
	p.checkChars(p.s, begin, end)
	p.addNode(newNode(p.t, KindCData, p.take(begin, end)))
	p.pos = end + 3
}

// instruction reads a processing instruction.
func (p *parser) instruction() {
	begin := p.pos + 2
	n := p.scan(begin)
	target := p.s[begin : begin+n]
	if strings.EqualFold(target, "xml") {
		if target == "xml" {
			p.fail(begin, "Unexpected XML declaration. The XML declaration must be the first node in the document, and no white space characters are allowed to appear before it.")
		}
		p.fail(begin, "'"+target+"' is an invalid name for processing instructions.")
	}
	p.pos = begin + n
	data := ""
	switch {
	case p.has("?>"):
	case p.skipSpace() == 0 && p.pos < len(p.s):
		p.failChar(p.pos, badNameChar)
	}
	end := strings.Index(p.s[p.pos:], "?>")
	if end < 0 {
		p.checkChars(p.s, p.pos, len(p.s))
		p.failEOF(len(p.s), "PI")
	}
	end += p.pos
	p.checkChars(p.s, p.pos, end)
	data = p.take(p.pos, end)
	k := newNode(p.t, KindPI, data)
	k.parts = []clr.Value{clr.Str(strings.Clone(target))}
	p.addNode(k)
	p.pos = end + 2
}

// checkChars fails at the first character that XML does not have.
func (p *parser) checkChars(s string, begin, end int) {
	for i := begin; i < end; {
		c := s[i]
		if c >= 0x20 && c < 0x80 || isSpace(c) {
			i++
			continue
		}
		r, size := clr.Decode(s[i:])
		if !isXMLChar(r) {
			p.failChar(i, invalidChar)
		}
		i += size
	}
}

func isXMLChar(r rune) bool {
	return r >= 0x20 && r < 0xD800 || r == '\t' || r == '\n' || r == '\r' || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000
}
