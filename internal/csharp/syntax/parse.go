package syntax

import (
	"fmt"
	"math"
	"slices"
)

// maxNesting is how deep the parser nests: brackets up to [MaxDepth], and with
// them what nests without any, such as prefix operators, casts, assignments,
// lambdas and statements.
const maxNesting = 5 * MaxDepth

// parser is a recursive descent over the tokens of one text.
//
// At the first error it is stuck: the current token is then the end for all
// who ask, further errors are not told, and so every function returns soon.
// The statement around it finds the place to go on, see [parser.recover].
type parser struct {
	tokens []token
	i      int
	// tok is the current token: tokens[i], or the end when stuck.
	tok     *token
	prevEnd Pos
	depth   int
	stuck   bool
	errs    []*Error
	// query counts the query expressions around, in which "where" and its like
	// are no names; label says that a case label is read, where "when" is none.
	query int
	label bool
	// async says that "await" is an operator for sure.
	async bool
}

// newParser reads src[start:], of which the tokens' errors are in errs already.
func newParser(src string, start int) *parser {
	tooLong := len(src) > math.MaxInt32
	if tooLong {
		src = src[:start]
	}
	tokens, errs := lex(src, start)
	p := &parser{tokens: tokens, errs: errs}
	if tooLong {
		p.report(0, 0, "CS8078", "An expression is too long or complex to compile")
	}
	p.to(1)
	return p
}

// to goes to the i-th token.
func (p *parser) to(i int) {
	p.i, p.tok = i, &p.tokens[i]
	p.prevEnd = p.tokens[i-1].to
}

// next moves behind the current token, and gives it.
func (p *parser) next() *token {
	t := p.tok
	if !p.stuck && t.kind != tokEnd {
		p.to(p.i + 1)
	}
	return t
}

// at is the token that stands n behind the current one.
func (p *parser) at(n int) *token {
	if i := p.i + n; !p.stuck && i < len(p.tokens) {
		return &p.tokens[i]
	}
	return &p.tokens[len(p.tokens)-1]
}

// is reports whether the current token is this keyword or operator.
func (p *parser) is(text string) bool { return p.tok.is(text) }

// skip takes the current token if it is this keyword or operator.
func (p *parser) skip(text string) bool {
	if !p.is(text) {
		return false
	}
	p.next()
	return true
}

// need takes this token, or fails as C# does.
func (p *parser) need(text string) bool {
	if p.skip(text) {
		return true
	}
	code, what := "", text+" expected"
	switch text {
	case ")":
		code = "CS1026"
	case "}":
		code = "CS1513"
	case "{":
		code = "CS1514"
	case ";":
		code = "CS1002"
	case "in":
		code, what = "CS1515", "'in' expected"
	default:
		p.failAt("CS1003", fmt.Sprintf("Syntax error, '%s' expected", text))
		return false
	}
	p.fail(p.prevEnd, p.prevEnd, code, what)
	return false
}

// fail tells of an error and is stuck from then on. Where the lexer has told
// of one already at this token, or of one that cut off the rest, nothing is
// said.
func (p *parser) fail(from, to Pos, code, reason string) {
	if p.stuck {
		return
	}
	cut := p.tok.kind == tokEnd && p.i > 1 && p.tokens[p.i-1].kind == tokBad
	if p.tok.kind != tokBad && !cut {
		p.report(from, to, code, reason)
	}
	p.stuck = true
	p.tok = &p.tokens[len(p.tokens)-1]
}

// failAt fails at the current token.
func (p *parser) failAt(code, reason string) { p.fail(p.tok.from, p.tok.to, code, reason) }

// failNew refuses, at the current token, what a later version brought.
func (p *parser) failNew(feature, version string) {
	code, reason := tooNew(feature, version)
	p.failAt(code, reason)
}

// report tells of an error that the parser can go on after.
func (p *parser) report(from, to Pos, code, reason string) {
	p.errs = append(p.errs, &Error{Offset: int(from), End: int(to), Code: code, Reason: reason})
}

// enter goes one level deeper, if that is allowed; leave comes back.
func (p *parser) enter() bool {
	p.depth++
	if p.depth > maxNesting {
		p.failAt("CS8078", "An expression is too long or complex to compile")
	}
	return !p.stuck
}

func (p *parser) leave() { p.depth-- }

// span is from a place to the end of the token before the current one.
func (p *parser) span(from Pos) Span { return Span{From: from, To: max(from, p.prevEnd)} }

// isName reports whether a token is an identifier here.
func (p *parser) isName(t *token) bool {
	if t.kind != tokName || !t.plain {
		return t.kind == tokName
	}
	return !(p.query > 0 && isQueryWord(t.text) || p.label && t.text == "when")
}

// ident takes an identifier.
func (p *parser) ident() Ident {
	if !p.isName(p.tok) {
		p.failIdent()
		return Ident{}
	}
	t := p.next()
	return Ident{Span: Span{From: t.from, To: t.to}, Name: t.text}
}

func (p *parser) failIdent() {
	if p.tok.kind == tokKeyword {
		p.failAt("CS1041", fmt.Sprintf("Identifier expected; '%s' is a keyword", p.tok.text))
		return
	}
	p.failAt("CS1001", "Identifier expected")
}

// end fails unless the text is over.
func (p *parser) end() {
	if p.tok.kind != tokEnd {
		p.failAt("CS1003", fmt.Sprintf("Syntax error, '%s' is not expected here", p.shown()))
	}
}

// shown is the current token for a message.
func (p *parser) shown() string {
	switch t := p.tok; t.kind {
	case tokEnd:
		return "end of text"
	case tokLiteral:
		return "literal"
	case tokText:
		return `$"`
	case tokHoleEnd:
		return "}"
	case tokFormat:
		return ":"
	case tokPiece, tokHole, tokTextEnd, tokBad:
		return "string"
	default:
		return t.text
	}
}

// sorted are the errors by place, the first ones.
func (p *parser) sorted() []*Error {
	slices.SortStableFunc(p.errs, func(a, b *Error) int { return a.Offset - b.Offset })
	return p.errs[:min(len(p.errs), maxErrors)]
}
