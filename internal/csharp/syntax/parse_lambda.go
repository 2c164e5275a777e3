package syntax

// lambdaAhead reports whether a lambda begins here: a name or parameters in
// brackets, and "=>" behind them.
func (p *parser) lambdaAhead() bool {
	i := 0
	if p.tok.word("async") && !p.at(1).is("=>") {
		i = 1
	}
	t := p.at(i)
	if p.isName(t) {
		return p.at(i + 1).is("=>")
	}
	return t.is("(") && t.match > 0 && p.tokens[t.match+1].is("=>")
}

// lambda reads x => …, (x, y) => … and delegate (T x) {…}.
func (p *parser) lambda() Expr {
	from := p.tok.from
	l := &Lambda{}
	if p.tok.word("async") && !p.at(1).is("=>") {
		p.next()
		l.Async = true
	}
	switch {
	case p.skip("delegate"):
		l.Anonymous = true
		if l.NoParams = !p.is("("); !l.NoParams {
			l.Params = p.params("(", ")")
		}
	case p.is("("):
		l.Params = p.lambdaParams()
	default:
		id := p.ident()
		l.Params = []Param{{Span: id.Span, Name: id}}
	}
	if !l.Anonymous {
		p.need("=>")
	}
	p.function(l.Async, func() {
		if l.Anonymous || p.is("{") {
			l.Body = p.block()
		} else {
			l.Body = p.valueOrThrow()
		}
	})
	l.Span = p.span(from)
	return l
}

// function reads the body of a function: what is known of the place around it
// does not count inside.
func (p *parser) function(async bool, body func()) {
	wasAsync, wasLabel := p.async, p.label
	p.async, p.label = async, false
	body()
	p.async, p.label = wasAsync, wasLabel
}

// lambdaParams reads (x, y), all without types, or (int x, ref T y).
func (p *parser) lambdaParams() []Param {
	if after := p.at(2); !p.isName(p.at(1)) || !after.is(",") && !after.is(")") {
		params := p.params("(", ")")
		for _, q := range params {
			if q.Default != nil && !p.stuck {
				code, reason := tooNew("lambda optional parameters", "12.0")
				p.report(q.Start(), q.End(), code, reason)
			}
		}
		return params
	}
	p.need("(")
	var out []Param
	for ok := true; ok && !p.stuck; ok = p.skip(",") {
		id := p.ident()
		out = append(out, Param{Span: id.Span, Name: id})
	}
	p.need(")")
	return out
}
