package syntax

// typeMode is where a type stands, which decides whose a "?" behind it is.
type typeMode byte

const (
	anyType   typeMode = iota // "?" belongs to the type
	afterIs                   // "x is T ? a : b": to the conditional, unless none can follow
	afterNew                  // "new T?()", and no "[]" either
	boundless                 // of typeof, where Dictionary<,> is allowed
)

// parseType reads a type.
func (p *parser) parseType(mode typeMode) Type {
	from := p.tok.from
	defer p.leave()
	if !p.enter() {
		return nil
	}
	var t Type
	if p.is("(") {
		t = p.tupleType()
	} else {
		t = p.namedType(mode == boundless)
	}
	if p.is("?") && p.nullable(p.i, mode) {
		p.next()
		t = &NullableType{Span: p.span(from), Elem: t}
	}
	if mode == afterNew {
		return t
	}
	return p.arrayType(t, from)
}

// arrayType reads "[]" and "[,]" behind a type. int[][,] is an array of
// int[,], so the first bracket is the outermost.
func (p *parser) arrayType(elem Type, from Pos) Type {
	ranks := p.ranks()
	for i := len(ranks) - 1; i >= 0; i-- {
		elem = &ArrayType{Span: p.span(from), Elem: elem, Rank: ranks[i]}
	}
	return elem
}

func (p *parser) ranks() []int {
	var ranks []int
	for p.is("[") && (p.at(1).is("]") || p.at(1).is(",")) {
		p.next()
		rank := 1
		for p.skip(",") {
			rank++
		}
		p.need("]")
		ranks = append(ranks, rank)
	}
	return ranks
}

// nullable reports whether the "?" at i belongs to the type before it.
func (p *parser) nullable(i int, mode typeMode) bool {
	after := &p.tokens[i+1]
	switch mode {
	case afterIs:
		return !p.beginsExpr(after)
	case afterNew:
		return after.is("(") || after.is("[") || after.is("{")
	}
	return true
}

// namedType reads a predefined type or a dotted name.
func (p *parser) namedType(open bool) Type {
	from := p.tok.from
	if p.tok.kind == tokKeyword && isPredefined(p.tok.text) {
		t := p.next()
		id := Ident{Span: Span{From: t.from, To: t.to}, Name: t.text}
		return &NamedType{Span: id.Span, Parts: []NamePart{{Ident: id}}, Predefined: true}
	}
	t := &NamedType{}
	if p.tok.word("global") && p.at(1).is("::") {
		p.next()
		p.next()
		t.Global = true
	}
	for {
		if !p.isName(p.tok) {
			p.failType(len(t.Parts) > 0)
			return nil
		}
		part := NamePart{Ident: p.ident()}
		if p.is("<") {
			part.Args, part.Open = p.typeArgs(open)
			part.To = max(part.To, p.prevEnd)
		}
		t.Parts = append(t.Parts, part)
		if !p.is(".") {
			break
		}
		p.next()
	}
	t.Span = p.span(from)
	return t
}

func (p *parser) failType(dotted bool) {
	if dotted {
		p.failIdent()
		return
	}
	p.failAt("CS1031", "Type expected")
}

// typeArgs reads <A, B>, or <,> where that is allowed: the number of places.
func (p *parser) typeArgs(open bool) (args []Type, places int) {
	from := p.tok.from
	p.need("<")
	if p.is(",") || p.is(">") {
		places = 1
		for p.skip(",") {
			places++
		}
		p.need(">")
		if !open && !p.stuck {
			p.report(from, p.prevEnd, "CS7003", "Unexpected use of an unbound generic name")
		}
		return nil, places
	}
	for {
		args = append(args, p.parseType(anyType))
		if !p.skip(",") {
			break
		}
	}
	p.need(">")
	return args, 0
}

// tupleType reads (A a, B b).
func (p *parser) tupleType() Type {
	from := p.tok.from
	p.need("(")
	t := &TupleType{}
	for {
		e := TupleTypeElem{Type: p.parseType(anyType)}
		if p.isName(p.tok) {
			e.Name = p.ident()
		}
		t.Elems = append(t.Elems, e)
		if !p.skip(",") {
			break
		}
	}
	if len(t.Elems) < 2 {
		p.fail(from, p.tok.to, "CS8124", "Tuple must contain at least two elements")
	}
	p.need(")")
	t.Span = p.span(from)
	return t
}

// ParseType reads a type, as "IDictionary<string, int[]>". The error is an
// [*Error].
func ParseType(src string) (Type, error) {
	p := newParser(src, 0)
	t := p.parseType(boundless)
	p.end()
	if err := p.first(); err != nil {
		return nil, err
	}
	return t, nil
}

// first is the first error by place, for those who tell one only.
func (p *parser) first() error {
	if errs := p.sorted(); len(errs) > 0 {
		return errs[0]
	}
	return nil
}

// typeShape is what tokens that could be a type could be as well.
type typeShape byte

const (
	noType   typeShape = iota
	maybe              // A.B, A<B>: an expression, too
	question           // A?: the beginning of a conditional, too
	tuple              // (A, B): a tuple's value, too
	surely             // int, A[], A?[]: nothing else
)
