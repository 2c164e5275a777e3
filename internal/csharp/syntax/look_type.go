package syntax

// This file looks ahead without building anything: is what stands here a type?
// Each look is bounded by maxLook levels of type arguments and tuples.

const maxLook = 50

// lookType finds the end of the type that begins with the i-th token, and what
// else those tokens could be.
func (p *parser) lookType(i int, mode typeMode) (end int, shape typeShape) {
	if p.stuck {
		return i, noType
	}
	return p.look(i, mode, 0)
}

func (p *parser) look(i int, mode typeMode, depth int) (int, typeShape) {
	if depth > maxLook {
		return i, noType
	}
	t := &p.tokens[i]
	shape := maybe
	switch {
	case t.kind == tokKeyword && isPredefined(t.text):
		i, shape = i+1, surely
	case t.is("("):
		i, shape = p.lookTuple(i, depth)
	case p.isName(t):
		i, shape = p.lookDotted(i, depth)
	default:
		return i, noType
	}
	if shape == noType {
		return i, noType
	}
	if p.tokens[i].is("?") && p.nullable(i, mode) {
		i++
		if shape != surely {
			shape = question
		}
	}
	for mode != afterNew && p.tokens[i].is("[") && (p.tokens[i+1].is("]") || p.tokens[i+1].is(",")) {
		for i++; p.tokens[i].is(","); i++ {
		}
		if !p.tokens[i].is("]") {
			return i, noType
		}
		i, shape = i+1, surely
	}
	return i, shape
}

// lookDotted looks at A.B<C>.D, whose first token is a name.
func (p *parser) lookDotted(i, depth int) (int, typeShape) {
	if p.tokens[i].word("global") && p.tokens[i+1].is("::") {
		i += 2
	}
	for {
		if !p.isName(&p.tokens[i]) {
			return i, noType
		}
		i++
		if p.tokens[i].is("<") {
			end, ok := p.lookTypeArgs(i, depth+1)
			if !ok {
				// What is here may still be a type, and "<" an operator.
				return i, maybe
			}
			i = end
		}
		if !p.tokens[i].is(".") {
			return i, maybe
		}
		i++
	}
}

// lookTypeArgs finds the end of <A, B>, or of <,>.
func (p *parser) lookTypeArgs(i, depth int) (end int, ok bool) {
	i++
	if p.tokens[i].is(",") || p.tokens[i].is(">") {
		for p.tokens[i].is(",") {
			i++
		}
		return i + 1, p.tokens[i].is(">")
	}
	for {
		end, shape := p.look(i, anyType, depth)
		if shape == noType {
			return i, false
		}
		i = end
		if !p.tokens[i].is(",") {
			return i + 1, p.tokens[i].is(">")
		}
		i++
	}
}

// lookTuple looks at (A a, B).
func (p *parser) lookTuple(i, depth int) (int, typeShape) {
	shape, n := tuple, 0
	for {
		end, s := p.look(i+1, anyType, depth+1)
		if s == noType {
			return i, noType
		}
		if s == surely {
			shape = surely
		}
		i, n = end, n+1
		if p.isName(&p.tokens[i]) {
			i++
			shape = surely
		}
		if !p.tokens[i].is(",") {
			break
		}
	}
	if n < 2 || !p.tokens[i].is(")") {
		return i, noType
	}
	return i + 1, shape
}

// beginsExpr reports whether an expression can begin with a token.
func (p *parser) beginsExpr(t *token) bool {
	switch t.kind {
	case tokLiteral, tokText:
		return true
	case tokName:
		return p.isName(t)
	case tokKeyword:
		switch t.text {
		case "this", "base", "new", "typeof", "default", "checked", "unchecked", "sizeof",
			"delegate", "null", "true", "false", "throw", "stackalloc", "ref":
			return true
		}
		return isPredefined(t.text)
	case tokOp:
		switch t.text {
		case "(", "+", "-", "!", "~", "++", "--", "&", "*", "^":
			return true
		}
	}
	return false
}
