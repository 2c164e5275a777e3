package xml

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

func itoa(n int) string { return strconv.Itoa(n) }

// textRun reads text up to the next markup or the end of an entity.
func (p *parser) textRun() {
	if !p.textBegun {
		p.textBegun, p.textSolid = true, false
	}
	for p.pos < len(p.s) {
		begin := p.pos
		for p.pos < len(p.s) && plainText[p.s[p.pos]] {
			p.pos++
		}
		p.write(p.s[begin:p.pos])
		if p.pos >= len(p.s) {
			return
		}
		switch c := p.s[p.pos]; {
		case c == '<':
			return
		case c == '&':
			if p.reference() {
				return // an entity begins
			}
		case c == ']':
			if p.has("]]>") {
				p.fail(p.pos, "']]>' is not allowed in character data.")
			}
			p.write("]")
			p.pos++
		case c == '\r':
			p.write("\n")
			if p.pos++; p.at(p.pos) == '\n' {
				p.pos++
			}
		default:
			r, size := clr.Decode(p.s[p.pos:])
			if !isXMLChar(r) {
				p.failChar(p.pos, invalidChar)
			}
			p.write(p.s[p.pos : p.pos+size])
			p.pos += size
		}
	}
}

// plainText are the bytes of text that mean themselves.
var plainText = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= 0x20 && c < 0x80 && c != '<' && c != '&' && c != ']' || c == '\t' || c == '\n'
	}
	return
}()

// write adds to the text that is being read.
func (p *parser) write(s string) {
	if s == "" {
		return
	}
	p.t.Allocate(len(s))
	p.text.WriteString(s)
	if !p.textSolid && strings.Trim(s, " \t\r\n") != "" {
		p.textSolid = true
	}
}

// flush puts the text that was read in the tree; white space alone only where
// it is to be kept.
func (p *parser) flush() {
	if !p.textBegun {
		return
	}
	s := p.text.String()
	p.text.Reset()
	p.textBegun = false
	if s == "" || !p.textSolid && !p.keepSpace && !p.tags[len(p.tags)-1].preserve {
		return
	}
	p.addText(s)
}

// reference reads a reference in content; true: an entity's text comes next.
func (p *parser) reference() bool {
	if p.at(p.pos+1) == '#' {
		r := p.charReference()
		p.textSolid = p.textSolid || !(r < 0x80 && isSpace(byte(r)))
		p.write(string(utf8.AppendRune(nil, r)))
		return false
	}
	name, after := p.entityName()
	if c := predefined[name]; c != "" {
		p.pos = after
		p.write(c)
		return false
	}
	e := p.entity(name, after)
	p.pos = after
	p.enter(name, e)
	return true
}

var predefined = map[string]string{"lt": "<", "gt": ">", "amp": "&", "apos": "'", "quot": "\""}

// entityName reads the name behind a & and its semicolon.
func (p *parser) entityName() (name string, after int) {
	begin := p.pos + 1
	n := p.qualifiedAt(begin)
	if n == 0 {
		if begin >= len(p.s) {
			p.fail(p.pos, "Unexpected end of file has occurred.")
		}
		p.fail(begin, "An error occurred while parsing EntityName.")
	}
	if begin+n >= len(p.s) || strings.IndexByte(p.s[begin:begin+n], ':') >= 0 {
		p.fail(begin, "An error occurred while parsing EntityName.")
	}
	if p.at(begin+n) != ';' {
		p.failToken(begin+n, ";")
	}
	return p.s[begin : begin+n], begin + n + 1
}

// charReference reads &#…; and leaves pos behind it.
func (p *parser) charReference() rune {
	begin := p.pos
	i := begin + 2
	base, wrong := 10, "Invalid syntax for a decimal numeric entity reference."
	if p.at(i) == 'x' {
		base, wrong = 16, "Invalid syntax for a hexadecimal numeric entity reference."
		i++
	}
	digits := i
	n := 0
	for ; i < len(p.s); i++ {
		d := digit(p.s[i])
		if d < 0 || d >= base {
			break
		}
		if n = n*base + d; n > math.MaxInt32 {
			p.fail(i, "Invalid value of a character entity reference.")
		}
	}
	if i >= len(p.s) {
		p.failEOF(begin, "")
	}
	if p.at(i) != ';' || i == digits {
		p.fail(i, wrong)
	}
	if r := rune(n); !isXMLChar(r) || n > 0x10FFFF {
		if n > 0x10FFFF {
			r = rune(uint16(0xD800 + (n-0x10000)/1024))
		}
		char, code := charText(string(clr.AppendChar(nil, uint16(r))))
		p.fail(digits, "'"+char+"', hexadecimal value "+code+", is an invalid character.")
	}
	p.pos = i + 1
	return rune(n)
}

func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// attributeValue reads up to the quote; pos is behind the first one.
func (p *parser) attributeValue(quote byte) string {
	var b strings.Builder
	for {
		begin := p.pos
		for p.pos < len(p.s) && plainAttribute[p.s[p.pos]] && p.s[p.pos] != quote {
			p.pos++
		}
		p.t.Allocate(p.pos - begin)
		b.WriteString(p.s[begin:p.pos])
		if p.pos >= len(p.s) {
			p.fail(p.pos, "There is an unclosed literal string.")
		}
		switch c := p.s[p.pos]; {
		case c == quote:
			p.pos++
			return b.String()
		case c == '"', c == '\'':
			b.WriteByte(c)
			p.pos++
		case c == '<':
			p.failChar(p.pos, badAttrChar)
		case c == '&':
			if p.at(p.pos+1) == '#' {
				r := p.charReference()
				b.WriteRune(r)
				continue
			}
			name, after := p.entityName()
			if c := predefined[name]; c != "" {
				p.pos = after
				b.WriteString(c)
				continue
			}
			e := p.entity(name, after)
			p.pos = after
			p.attributeEntity(&b, name, e)
		case isSpace(c):
			if p.pos++; c == '\r' && p.at(p.pos) == '\n' {
				p.pos++
			}
			b.WriteByte(' ')
		default:
			r, size := clr.Decode(p.s[p.pos:])
			if !isXMLChar(r) {
				p.failChar(p.pos, invalidChar)
			}
			b.WriteString(p.s[p.pos : p.pos+size])
			p.pos += size
		}
	}
}

var plainAttribute = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= 0x20 && c < 0x80 && c != '<' && c != '&' && c != '"' && c != '\''
	}
	return
}()
