package syntax

// recover goes on after a statement that is wrong, which began with the token
// at begin: at the first place behind the error where the next statement
// surely begins. It jumps over brackets, so that a semicolon or a brace inside
// some does not count.
func (p *parser) recover(begin int) {
	failed := p.i
	last := len(p.tokens) - 1
	i := begin
	for i < last && !p.restarts(i, begin, failed) {
		if m := p.tokens[i].match; m > i {
			i = m
		}
		i++
	}
	p.stuck = false
	if len(p.errs) >= maxErrors {
		i = last
	}
	p.to(max(i, min(begin+1, last)))
}

// restarts reports whether a statement begins with the i-th token, or the
// block around ends there.
func (p *parser) restarts(i, begin, failed int) bool {
	t, before := &p.tokens[i], &p.tokens[i-1]
	if t.is("}") || t.kind == tokHoleEnd {
		return true
	}
	if i == begin || i < failed {
		return false
	}
	switch {
	case i > failed && before.is(";"):
		return true
	case i > failed && before.is("}") && before.match >= begin:
		return !t.is("else") && !t.is("catch") && !t.is("finally")
	}
	return t.newLine && beginsStatement(t)
}

// beginsStatement reports whether a keyword stands at nothing but the
// beginning of a statement or a section.
func beginsStatement(t *token) bool {
	if t.kind != tokKeyword {
		return false
	}
	switch t.text {
	case "if", "while", "do", "for", "foreach", "switch", "try", "using", "lock", "break",
		"continue", "return", "goto", "const", "case":
		return true
	}
	return false
}
