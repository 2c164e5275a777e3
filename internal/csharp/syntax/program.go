package syntax

import "strings"

// MaxHeight is how many nodes may stand above each other in the tree of an
// expression, which bounds the recursion of those who walk over it. Brackets
// nest up to [MaxDepth]; what makes a tree higher is a long chain, as a sum of
// thousands.
const MaxHeight = 3000

// Parse reads a whole expression, "@(…)" or "@{…}". Positions are offsets in
// src. Where there are errors, up to 20 by place, there is no program.
func Parse(src string) (*Program, []*Error) {
	if !strings.HasPrefix(src, "@(") && !strings.HasPrefix(src, "@{") {
		return nil, []*Error{{Reason: `an expression begins with "@(" or "@{"`}}
	}
	p := newParser(src, 1)
	prog := &Program{}
	if p.is("{") {
		prog.Block = p.block()
	} else {
		p.need("(")
		prog.Expr = p.parseExpr()
		p.need(")")
	}
	prog.Span = Span{From: 0, To: p.prevEnd}
	if len(p.errs) == 0 && p.tok.kind != tokEnd {
		p.failAt("CS1022", "Type or namespace definition, or end-of-file expected")
	}
	return finish(p, prog)
}

// ParseExpr reads an expression that stands alone, as tests write it.
func ParseExpr(src string) (Expr, []*Error) {
	p := newParser(src, 0)
	x := p.parseExpr()
	if len(p.errs) == 0 {
		p.end()
	}
	return finish(p, x)
}

// finish gives the tree, or the errors.
func finish[N Node](p *parser, n N) (tree N, errs []*Error) {
	if errs = p.sorted(); len(errs) > 0 {
		return tree, errs
	}
	if deep := tooHigh(n, MaxHeight); deep != nil {
		return tree, []*Error{{
			Offset: int(deep.Start()), End: int(deep.End()),
			Code: "CS8078", Reason: "An expression is too long or complex to compile",
		}}
	}
	return n, nil
}

// tooHigh finds a node that stands below more than most others. It goes no
// deeper than that itself.
func tooHigh(n Node, most int) Node {
	if most == 0 {
		return n
	}
	var found Node
	children(n, func(c Node) {
		if found == nil {
			found = tooHigh(c, most-1)
		}
	})
	return found
}
