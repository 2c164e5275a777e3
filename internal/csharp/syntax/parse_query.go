package syntax

// isQueryWord reports whether a word is a keyword inside a query expression.
func isQueryWord(s string) bool {
	switch s {
	case "from", "where", "select", "group", "into", "orderby", "join", "let", "on",
		"equals", "by", "ascending", "descending":
		return true
	}
	return false
}

// queryAhead reports whether a query begins here: "from x in" or "from T x in".
func (p *parser) queryAhead() bool {
	if !p.tok.word("from") {
		return false
	}
	if p.isName(p.at(1)) && p.at(2).is("in") {
		return true
	}
	end, shape := p.lookType(p.i+1, anyType)
	return shape != noType && p.isName(&p.tokens[end]) && p.tokens[end+1].is("in")
}

func (p *parser) parseQuery() Expr {
	from := p.tok.from
	p.query++
	defer func() { p.query-- }()
	q := &Query{Clauses: []QueryClause{p.clause()}}
	for !p.stuck {
		c := p.clause()
		q.Clauses = append(q.Clauses, c)
		if c.Kind != "select" && c.Kind != "group" {
			continue
		}
		if !p.tok.word("into") {
			break
		}
		q.Clauses = append(q.Clauses, p.into())
	}
	q.Span = p.span(from)
	return q
}

func (p *parser) clause() QueryClause {
	from := p.tok.from
	c := QueryClause{}
	if p.tok.kind == tokName && p.tok.plain {
		c.Kind = p.tok.text
	}
	switch c.Kind {
	case "from", "join":
		p.next()
		p.rangeVariable(&c)
		if c.Kind == "join" {
			p.joinTail(&c)
		}
	case "let":
		p.next()
		c.Name = p.ident()
		p.need("=")
		c.X = p.parseExpr()
	case "where", "select":
		p.next()
		c.X = p.parseExpr()
	case "orderby":
		p.next()
		p.orders(&c)
	case "group":
		p.next()
		c.X = p.parseExpr()
		p.needWord("by", "CS0744")
		c.Y = p.parseExpr()
	default:
		p.fail(p.prevEnd, p.prevEnd, "CS0742", "A query body must end with a select clause or a group clause")
	}
	c.Span = p.span(from)
	return c
}

// into reads "into x", behind which the query goes on.
func (p *parser) into() QueryClause {
	from := p.next().from
	c := QueryClause{Kind: "into", Name: p.ident()}
	c.Span = p.span(from)
	return c
}

// rangeVariable reads "T x in xs".
func (p *parser) rangeVariable(c *QueryClause) {
	if !p.isName(p.tok) || !p.at(1).is("in") {
		c.Type = p.parseType(anyType)
	}
	c.Name = p.ident()
	p.need("in")
	c.X = p.parseExpr()
}

// joinTail reads "on a equals b into c".
func (p *parser) joinTail(c *QueryClause) {
	p.needWord("on", "CS0744")
	c.On = p.parseExpr()
	p.needWord("equals", "CS0744")
	c.Equals = p.parseExpr()
	if p.tok.word("into") {
		p.next()
		c.Into = p.ident()
	}
}

func (p *parser) orders(c *QueryClause) {
	for ok := true; ok && !p.stuck; ok = p.skip(",") {
		o := QueryOrder{X: p.parseExpr()}
		if p.tok.word("descending") || p.tok.word("ascending") {
			o.Descending = p.next().text == "descending"
		}
		c.Orders = append(c.Orders, o)
	}
}

func (p *parser) needWord(word, code string) {
	if !p.tok.word(word) {
		p.fail(p.prevEnd, p.prevEnd, code, "Expected contextual keyword '"+word+"'")
		return
	}
	p.next()
}
