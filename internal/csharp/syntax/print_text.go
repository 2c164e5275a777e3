package syntax

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

func (p *printer) literal(x *Literal) {
	switch x.Kind {
	case NullLiteral:
		p.str("null")
	case BoolLiteral:
		p.str(strconv.FormatBool(x.Value.(bool)))
	case CharLiteral:
		p.str("'", escaped(string(appendUnit(nil, rune(x.Value.(uint16)))), '\''), "'")
	case StringLiteral:
		p.stringLiteral(x)
	case IntLiteral:
		switch v := x.Value.(uint64); {
		case x.Hex:
			p.str(fmt.Sprintf("0x%X", v))
		case x.Binary:
			p.str(fmt.Sprintf("0b%b", v))
		default:
			p.str(strconv.FormatUint(v, 10))
		}
		p.str(x.Suffix)
	case RealLiteral:
		p.str(x.Value.(string), x.Suffix)
	}
}

func (p *printer) stringLiteral(x *Literal) {
	s := x.Value.(string)
	switch x.Quote {
	case '@':
		p.str(`@"`, strings.ReplaceAll(s, `"`, `""`), `"`)
	case '\'':
		p.str("'", escaped(s, '\''), "'")
	default:
		p.str(`"`, escaped(s, '"'), `"`)
	}
}

// escaped writes a text between quotes: what cannot be seen, and a half of a
// surrogate pair, as an escape.
func escaped(s string, quote rune) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 && i+3 <= len(s) {
			// A lone surrogate, in three bytes.
			if unit, ok := singleUnit(s[i : i+3]); ok {
				fmt.Fprintf(&b, `\u%04X`, unit)
				i += 3
				continue
			}
		}
		escapeRune(&b, r, quote)
		i += n
	}
	return b.String()
}

func escapeRune(b *strings.Builder, r, quote rune) {
	if r == quote || r == '\\' {
		b.WriteByte('\\')
		b.WriteRune(r)
		return
	}
	if i := strings.IndexRune(simpleMeanings, r); i >= 0 && r < ' ' {
		b.WriteByte('\\')
		b.WriteByte(simpleEscapes[i])
		return
	}
	switch {
	case unicode.IsPrint(r):
		b.WriteRune(r)
	case r > 0xFFFF:
		fmt.Fprintf(b, `\U%08X`, r)
	default:
		fmt.Fprintf(b, `\u%04X`, r)
	}
}

func (p *printer) interpolated(x *Interpolated) {
	p.flat++
	p.str("$")
	if x.Verbatim {
		p.str("@")
	}
	p.str(`"`)
	for i := range x.Parts {
		part := &x.Parts[i]
		if part.Expr != nil {
			p.hole(part, x.Verbatim)
			continue
		}
		text := pieceSource(part.Text, x.Verbatim)
		if i > 0 && x.Parts[i-1].HasFormat && strings.HasPrefix(text, "}") {
			// Behind a format, "}}" would belong to that.
			text = `\u007D` + text[2:]
		}
		p.str(text)
	}
	p.str(`"`)
	p.flat--
}

func (p *printer) hole(part *InterpolatedPart, isVerbatim bool) {
	p.str("{")
	p.expr(part.Expr)
	if part.Align != nil {
		p.str(",")
		p.expr(part.Align)
	}
	if part.HasFormat {
		format := pieceSource(part.Format, isVerbatim)
		if strings.HasPrefix(format, ":") {
			// "::" would be an operator.
			format = `\u003A` + format[1:]
		}
		p.str(":", format)
	}
	p.str("}")
}

// pieceSource writes text of an interpolated string.
func pieceSource(s string, isVerbatim bool) string {
	if isVerbatim {
		s = strings.ReplaceAll(s, `"`, `""`)
	} else {
		s = escaped(s, '"')
	}
	return strings.NewReplacer("{", "{{", "}", "}}").Replace(s)
}
