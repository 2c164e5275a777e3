package syntax

import "fmt"

// parseExpr reads an expression.
func (p *parser) parseExpr() Expr {
	defer p.leave()
	if !p.enter() {
		return nil
	}
	switch {
	case p.is("throw"):
		p.failAt("CS8115", "A throw expression is not allowed in this context")
		return nil
	case p.lambdaAhead():
		return p.lambda()
	case p.queryAhead():
		return p.parseQuery()
	}
	return p.ternary()
}

// valueOrThrow reads an expression where "throw" may stand for it: behind "??"
// and "=>", and in the branches of a conditional.
func (p *parser) valueOrThrow() Expr {
	from := p.tok.from
	if !p.is("throw") {
		return p.parseExpr()
	}
	return p.throwExpr(from)
}

func (p *parser) throwExpr(from Pos) Expr {
	p.need("throw")
	x := p.parseExpr()
	return &ThrowExpr{Span: p.span(from), X: x}
}

// ternary reads a conditional, or an assignment. A chain of them is read in a
// loop, so that a long one does not nest the parser.
func (p *parser) ternary() Expr {
	type arm struct {
		from       Pos
		cond, then Expr
	}
	var arms []arm
	var x Expr
	for {
		from := p.tok.from
		if len(arms) > 0 && (p.is("throw") || p.lambdaAhead() || p.queryAhead()) {
			x = p.valueOrThrow()
			break
		}
		x = p.coalesce()
		if !p.is("?") {
			x = p.assignment(x, from)
			break
		}
		p.next()
		then := p.valueOrThrow()
		p.needColon()
		arms = append(arms, arm{from, x, then})
	}
	for i := len(arms) - 1; i >= 0; i-- {
		a := arms[i]
		x = &Ternary{Span: p.span(a.from), Cond: a.cond, Then: a.then, Else: x}
	}
	return x
}

// needColon takes the ":" of a conditional.
func (p *parser) needColon() {
	if p.tok.kind == tokFormat {
		p.failAt("CS8361", "A conditional expression cannot be used directly in a string interpolation because the ':' ends the interpolation. Parenthesize the conditional expression")
		return
	}
	p.need(":")
}

// assignment reads "= y" behind x, if it is there.
func (p *parser) assignment(x Expr, from Pos) Expr {
	op := ""
	switch t := p.tok; {
	case t.kind != tokOp:
		return x
	case t.text == ">" && p.at(1).is(">=") && p.at(1).from == t.to:
		op = ">>="
		p.next()
	case t.text == "??=":
		p.failNew("coalescing assignment", "8.0")
		return x
	default:
		switch t.text {
		case "=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=":
			op = t.text
		default:
			return x
		}
	}
	p.next()
	y := p.parseExpr()
	if op == "=" && !p.stuck {
		x = asTarget(x)
	}
	return &Assign{Span: p.span(from), Op: op, X: x, Y: y}
}

// asTarget makes "_" a discard where it is assigned to. An "@_" stays a name.
func asTarget(x Expr) Expr {
	switch x := x.(type) {
	case *Name:
		if x.Ident.Name == "_" && x.To-x.From == 1 {
			return &Discard{Span: x.Span}
		}
	case *Tuple:
		for i := range x.Elems {
			x.Elems[i].Expr = asTarget(x.Elems[i].Expr)
		}
	}
	return x
}

// coalesce reads operands of "??", which is right-associative.
func (p *parser) coalesce() Expr {
	type operand struct {
		from, op Pos
		x        Expr
	}
	var left []operand
	from := p.tok.from
	x := p.binary(1)
	for p.is("??") {
		left = append(left, operand{from, p.tok.from, x})
		p.next()
		if from = p.tok.from; p.is("throw") {
			x = p.throwExpr(from)
			break
		}
		x = p.binary(1)
	}
	for i := len(left) - 1; i >= 0; i-- {
		l := left[i]
		x = &Binary{Span: p.span(l.from), Op: "??", OpPos: l.op, X: l.x, Y: x}
	}
	return x
}

// The levels of comparisons and of shifts: what stands behind "is" binds as
// strong as these.
const relationalLevel, shiftLevel = 7, 8

// level is how strong a binary operator binds; 0: it is none.
func level(op string) int {
	switch op {
	case "||":
		return 1
	case "&&":
		return 2
	case "|":
		return 3
	case "^":
		return 4
	case "&":
		return 5
	case "==", "!=":
		return 6
	case "<", ">", "<=", ">=", "is", "as":
		return relationalLevel
	case "<<", ">>":
		return shiftLevel
	case "+", "-":
		return 9
	case "*", "/", "%":
		return 10
	}
	return 0
}

// binaryOp is the operator that stands here; n is how many tokens it has.
func (p *parser) binaryOp() (op string, n int) {
	t := p.tok
	if t.kind != tokOp && !t.is("is") && !t.is("as") {
		return "", 0
	}
	if after := p.at(1); t.text == ">" && after.from == t.to {
		switch {
		case after.is(">"):
			return ">>", 2
		case after.is(">="):
			return "", 0
		}
	}
	return t.text, 1
}

// binary reads operands of operators that bind at least as strong as least.
func (p *parser) binary(least int) Expr {
	from := p.tok.from
	x := p.unary()
	for !p.stuck {
		op, n := p.binaryOp()
		l := level(op)
		if l == 0 || l < least {
			break
		}
		at := p.tok.from
		for range n {
			p.next()
		}
		switch op {
		case "is":
			pattern := p.isPattern()
			x = &Is{Span: p.span(from), X: x, Pattern: pattern}
		case "as":
			t := p.parseType(afterIs)
			x = &As{Span: p.span(from), X: x, Type: t}
		default:
			y := p.binary(l + 1)
			x = &Binary{Span: p.span(from), Op: op, OpPos: at, X: x, Y: y}
		}
	}
	return x
}

// unary reads prefix operators, casts and what they stand before.
func (p *parser) unary() Expr {
	from := p.tok.from
	op := ""
	switch t := p.tok; {
	case t.kind == tokOp:
		switch t.text {
		case "+", "-", "!", "~", "++", "--":
			op = t.text
		case "^":
			p.failNew("index operator", "8.0")
			return nil
		}
	case t.word("await") && p.awaitAhead():
		op = t.text
	}
	cast := op == "" && p.castAhead()
	if op == "" && !cast {
		return p.postfix()
	}
	defer p.leave()
	if !p.enter() {
		return nil
	}
	p.next()
	if cast {
		t := p.parseType(anyType)
		p.need(")")
		x := p.unary()
		return &Cast{Span: p.span(from), Type: t, X: x}
	}
	x := p.unary()
	if op == "await" {
		return &Await{Span: p.span(from), X: x}
	}
	return &Unary{Span: p.span(from), Op: op, X: x}
}

// awaitAhead reports whether "await" is the operator. In a function that is
// not async it would be a name; but where what follows makes no sense then, we
// take it for the operator, so that the error can say what is wrong.
func (p *parser) awaitAhead() bool {
	after := p.at(1)
	if p.async {
		return p.beginsExpr(after)
	}
	return after.kind != tokOp && p.beginsExpr(after)
}

// castAhead reports whether "(" begins a cast: what is inside can only be a
// type, or it may be one and what follows can only be an operand.
func (p *parser) castAhead() bool {
	if !p.is("(") {
		return false
	}
	end, shape := p.lookType(p.i+1, anyType)
	if shape == noType || !p.tokens[end].is(")") {
		return false
	}
	after := &p.tokens[end+1]
	if shape == surely || shape == question {
		return true
	}
	if after.kind == tokOp {
		return after.text == "(" || after.text == "~" || after.text == "!"
	}
	return p.beginsExpr(after)
}

// failTerm fails where an expression is missing.
func (p *parser) failTerm() {
	switch {
	case p.tok.kind == tokEnd:
		p.failAt("CS1733", "Expected expression")
	case p.tok.kind == tokHoleEnd && p.i > 0 && p.tokens[p.i-1].kind == tokHole:
		p.failAt("CS1733", "Expected expression")
	case p.is("..") && !p.at(1).is("."):
		p.failNew("range operator", "8.0")
	case p.is("["):
		p.failNew("collection expressions", "12.0")
	default:
		p.failAt("CS1525", fmt.Sprintf("Invalid expression term '%s'", p.shown()))
	}
}
