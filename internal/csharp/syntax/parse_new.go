package syntax

// newExpr reads everything that begins with "new".
func (p *parser) newExpr() Expr {
	from := p.tok.from
	p.next()
	switch {
	case p.is("{"):
		return p.newAnonymous(from)
	case p.is("["):
		return p.newImplicit(from)
	case p.is("(") && !p.tupleArrayAhead():
		p.failNew("target-typed object creation", "9.0")
		return nil
	}
	t := p.parseType(afterNew)
	if p.is("[") {
		return p.newArray(from, t)
	}
	n := &New{Type: t}
	if p.is("(") {
		n.HasArgs = true
		n.Args = p.args("(", ")")
	}
	if p.is("{") {
		n.Init = p.initializer(false)
	}
	if !n.HasArgs && n.Init == nil {
		p.fail(p.prevEnd, p.prevEnd, "CS1526", "A new expression requires (), [], or {} after type")
	}
	n.Span = p.span(from)
	return n
}

// tupleArrayAhead tells new (int, string)[n] from new(…).
func (p *parser) tupleArrayAhead() bool {
	match := p.tok.match
	return match > 0 && p.tokens[match+1].is("[")
}

// newImplicit reads new[] {…} and new[,] {…}.
func (p *parser) newImplicit(from Pos) Expr {
	p.next()
	n := &NewArray{Rank: 1}
	for p.skip(",") {
		n.Rank++
	}
	p.need("]")
	if !p.is("{") {
		p.fail(p.prevEnd, p.prevEnd, "CS1514", "{ expected")
		return nil
	}
	n.Init = p.initializer(true)
	n.Span = p.span(from)
	return n
}

// newArray reads [n, m][] {…} behind the type.
func (p *parser) newArray(from Pos, elem Type) Expr {
	n := &NewArray{Rank: 1}
	p.next()
	if p.is("]") || p.is(",") {
		for p.skip(",") {
			n.Rank++
		}
	} else {
		n.Sizes = append(n.Sizes, p.parseExpr())
		for p.skip(",") {
			n.Sizes = append(n.Sizes, p.parseExpr())
		}
		n.Rank = len(n.Sizes)
	}
	p.need("]")
	if elem != nil && !p.stuck {
		n.Elem = p.arrayType(elem, elem.Start())
	}
	switch {
	case p.is("{"):
		n.Init = p.initializer(true)
	case p.is("["):
		p.failAt("CS0178", "Invalid rank specifier: expected ',' or ']'")
	}
	if n.Sizes == nil && n.Init == nil {
		p.fail(p.prevEnd, p.prevEnd, "CS1586", "Array creation must have array size or array initializer")
	}
	n.Span = p.span(from)
	return n
}

// newAnonymous reads new { a, b.C, D = e }.
func (p *parser) newAnonymous(from Pos) Expr {
	n := &NewAnonymous{}
	p.braced(func() {
		begin := p.tok.from
		e := AnonymousElem{}
		if p.isName(p.tok) && p.at(1).is("=") {
			e.Name = p.ident()
			p.next()
		}
		e.Value = p.parseExpr()
		e.Span = p.span(begin)
		n.Elems = append(n.Elems, e)
	})
	n.Span = p.span(from)
	return n
}

// braced reads elements between braces; a comma may stand behind the last.
func (p *parser) braced(elem func()) {
	p.need("{")
	for !p.stuck && !p.is("}") {
		elem()
		if !p.skip(",") {
			break
		}
	}
	p.need("}")
}

// initializer reads {…} of an array, or of an object or a collection.
func (p *parser) initializer(array bool) *Initializer {
	from := p.tok.from
	init := &Initializer{}
	defer p.leave()
	if !p.enter() {
		return init
	}
	p.braced(func() {
		begin := p.tok.from
		var e InitElem
		if array {
			e.Value = p.arrayElem()
		} else {
			e = p.initElem()
		}
		e.Span = p.span(begin)
		init.Elems = append(init.Elems, e)
	})
	init.Span = p.span(from)
	return init
}

// arrayElem reads an element of an array, or of one of its dimensions.
func (p *parser) arrayElem() Node {
	if p.is("{") {
		return p.initializer(true)
	}
	return p.parseExpr()
}

// initElem reads a = x, [i] = x, {k, v} or x.
func (p *parser) initElem() InitElem {
	var e InitElem
	switch {
	case p.isName(p.tok) && p.at(1).is("="):
		e.Name = p.ident()
	case p.is("["):
		e.Index = p.args("[", "]")
	case p.is("{"):
		p.braced(func() { e.Values = append(e.Values, p.parseExpr()) })
		if len(e.Values) == 0 {
			p.fail(p.prevEnd-1, p.prevEnd, "CS1920", "Element initializer cannot be empty")
		}
		return e
	default:
		e.Value = p.parseExpr()
		return e
	}
	p.need("=")
	if p.is("{") {
		e.Value = p.initializer(false)
	} else {
		e.Value = p.parseExpr()
	}
	return e
}
