package syntax

import "strings"

// interpolated reads $"…" and $@"…".
func (p *parser) interpolated() Expr {
	from := p.tok.from
	x := &Interpolated{Verbatim: p.next().text == "@"}
	for !p.stuck && p.tok.kind != tokTextEnd {
		switch t := p.tok; t.kind {
		case tokPiece:
			p.next()
			x.add(InterpolatedPart{Span: Span{From: t.from, To: t.to}, Text: t.text})
		case tokHole:
			x.Parts = append(x.Parts, p.hole())
		default:
			// The lexer has told what is wrong.
			p.failAt("CS1010", "Newline in constant")
		}
	}
	p.next()
	x.Span = p.span(from)
	return x
}

// add appends text; two neighbours become one.
func (x *Interpolated) add(part InterpolatedPart) {
	if n := len(x.Parts); n > 0 && x.Parts[n-1].Expr == nil {
		x.Parts[n-1].Text += part.Text
		x.Parts[n-1].To = part.To
		return
	}
	x.Parts = append(x.Parts, part)
}

// hole reads {x,5:0.00}.
func (p *parser) hole() InterpolatedPart {
	from := p.next().from
	part := InterpolatedPart{Expr: p.parseExpr()}
	if p.skip(",") {
		part.Align = p.parseExpr()
	}
	if p.tok.kind == tokFormat {
		part.HasFormat = true
		part.Format = p.format()
	}
	if p.tok.kind != tokHoleEnd {
		p.fail(p.prevEnd, p.prevEnd, "CS8076", "Missing close delimiter '}' for interpolated expression started with '{'")
	}
	p.next()
	part.Span = p.span(from)
	return part
}

func (p *parser) format() string {
	t := p.next()
	switch {
	case p.stuck:
	case t.text == "":
		p.report(t.from, t.to, "CS8089", "Empty format specifier")
	case strings.TrimRight(t.text, " \t\r\n") != t.text:
		p.report(t.from, t.to, "CS8088", "A format specifier may not contain trailing whitespace")
	}
	return t.text
}
