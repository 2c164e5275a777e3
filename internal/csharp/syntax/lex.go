package syntax

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenKind is what a token is.
type tokenKind byte

const (
	tokEnd     tokenKind = iota // behind the last one
	tokBad                      // the lexer has told an error here
	tokName                     // an identifier
	tokKeyword                  // a reserved word
	tokOp                       // an operator or a bracket
	tokLiteral                  // a number, a character or a string
	tokText                     // opens an interpolated string: $" or, verbatim, $@"
	tokPiece                    // text of an interpolated string
	tokHole                     // "{" of a hole in one
	tokFormat                   // ":0.00" of a hole
	tokHoleEnd                  // "}" of a hole
	tokTextEnd                  // '"' of an interpolated string
)

// token is one token. Text is the keyword, the operator, the resolved name, or
// the resolved text of a piece or a format; tokText has "@" for verbatim.
type token struct {
	kind     tokenKind
	plain    bool // a name without "@" and escapes, so perhaps a contextual keyword
	newLine  bool // the first on its line
	from, to Pos
	text     string
	lit      *Literal
	// match is the index of the bracket that belongs to this one; 0: none.
	match int
}

// is reports whether a token is this keyword or operator.
func (t *token) is(text string) bool {
	return t.text == text && (t.kind == tokOp || t.kind == tokKeyword)
}

// word reports whether a token is this contextual keyword.
func (t *token) word(text string) bool { return t.kind == tokName && t.plain && t.text == text }

// openToken is a bracket, an interpolated string or a hole that is open, with
// the index of its token.
type openToken struct {
	kind  frameKind
	token int
}

// lexer splits a text into tokens, all at once: so the parser may look ahead
// as far as it has to, and jump over brackets.
type lexer struct {
	src     string
	at      int
	newLine bool
	tokens  []token
	open    []openToken
	// lined is how many holes of strings that are not verbatim are open.
	lined int
	errs  []*Error
}

// lex splits src[start:]. The last token is a tokEnd. Brackets, strings and
// holes nest up to [MaxDepth].
func lex(src string, start int) ([]token, []*Error) {
	l := &lexer{src: src, at: start, newLine: true}
	// Index 0 is no token, so that a match of 0 means none.
	l.tokens = append(l.tokens, token{kind: tokBad, from: Pos(start), to: Pos(start)})
	for l.at < len(l.src) && len(l.errs) < maxErrors {
		if t := l.top(); t == text || t == verbatim {
			l.piece(t == verbatim)
		} else {
			l.code()
		}
	}
	if l.at < len(l.src) {
		// There are errors enough; what is open is no further one.
		l.add(token{kind: tokBad}, len(src))
		for len(l.open) > 0 {
			l.pop()
		}
	}
	l.unclosed()
	l.add(token{kind: tokEnd}, len(src))
	return l.tokens, l.errs
}

// add appends a token that ends at end, and moves there.
func (l *lexer) add(t token, end int) {
	t.from, t.to, t.newLine = Pos(l.at), Pos(end), l.newLine
	l.tokens = append(l.tokens, t)
	l.at, l.newLine = end, false
}

func (l *lexer) fail(from, to int, code, reason string) {
	if len(l.errs) < maxErrors {
		l.errs = append(l.errs, &Error{Offset: from, End: to, Code: code, Reason: reason})
	}
}

// bad appends a token that stands for what is wrong, so that the parser does
// not complain about it again.
func (l *lexer) bad(end int, code, reason string) {
	l.fail(l.at, end, code, reason)
	l.add(token{kind: tokBad}, end)
}

func (l *lexer) next(prefix string) bool { return strings.HasPrefix(l.src[l.at:], prefix) }

func (l *lexer) top() frameKind {
	if len(l.open) == 0 {
		return 0
	}
	return l.open[len(l.open)-1].kind
}

// push opens what the next token begins. Where too much is open, lexing ends.
func (l *lexer) push(kind frameKind, t token, end int) {
	if len(l.open) >= MaxDepth {
		l.bad(len(l.src), "CS8078", fmt.Sprintf("the expression nests deeper than %d", MaxDepth))
		l.open = nil
		return
	}
	l.open = append(l.open, openToken{kind: kind, token: len(l.tokens)})
	if kind == hole && l.open[len(l.open)-2].kind == text {
		l.lined++
	}
	l.add(t, end)
}

func (l *lexer) pop() {
	n := len(l.open) - 1
	if l.open[n].kind == hole && l.open[n-1].kind == text {
		l.lined--
	}
	l.open = l.open[:n]
}

// unclosed tells of a string that is still open at the end. Brackets that are
// open the parser meets by itself.
func (l *lexer) unclosed() {
	for i, o := range l.open {
		if o.kind == text || o.kind == verbatim {
			l.collapse(i, len(l.src), "CS1039", "Unterminated string literal")
			return
		}
	}
}

// code takes one token, or what stands between tokens.
func (l *lexer) code() {
	c := l.src[l.at]
	switch {
	case c == '\n' || c == '\r':
		l.lineEnd()
	case c == ' ' || c == '\t' || c == '\v' || c == '\f':
		l.at++
	case l.next("//") || l.next("/*"):
		l.comment()
	case c == '"':
		l.quoted()
	case c == '\'':
		l.char()
	case l.next(`@"`):
		l.verbatimString()
	case l.next(`$"`):
		l.push(text, token{kind: tokText}, l.at+2)
	case l.next(`$@"`), l.next(`@$"`):
		l.push(verbatim, token{kind: tokText, text: "@"}, l.at+3)
	case isDigit(c), c == '.' && l.at+1 < len(l.src) && isDigit(l.src[l.at+1]):
		l.number()
	case c == '#':
		l.directive()
	case c == '@' || c == '\\' || c == '_' || c >= utf8.RuneSelf || isASCIILetter(c):
		l.name()
	default:
		l.operator()
	}
}

// lineEnd takes the end of a line.
func (l *lexer) lineEnd() {
	l.onOneLine(l.at + 1)
	l.at++
	l.newLine = true
}

// onOneLine refuses ends of lines from here to end inside the hole of a string
// that has to end on its line. C# 11 allows them.
func (l *lexer) onOneLine(end int) {
	if l.lined == 0 {
		return
	}
	if i := strings.IndexAny(l.src[l.at:end], "\r\n"); i >= 0 {
		code, reason := tooNew("newlines in interpolations", "11.0")
		l.fail(l.at+i, l.at+i+1, code, reason)
	}
}

func (l *lexer) comment() {
	end, ok := commentEnd(l.src, l.at)
	if !ok {
		l.bad(end, "CS1035", "End-of-file found, '*/' expected")
		return
	}
	l.onOneLine(end)
	if strings.ContainsAny(l.src[l.at:end], "\r\n") {
		l.newLine = true
	}
	l.at = end
}

// directive refuses lines such as "#if": an expression is not a file.
func (l *lexer) directive() {
	if !firstOnLine(l.src, 0, l.at) {
		l.bad(l.at+1, "CS1040", "Preprocessor directives must appear as the first non-whitespace character on a line")
		return
	}
	end := restOfLine(l.src, l.at)
	l.fail(l.at, end, "CS1024", "Preprocessor directives are not supported in a policy expression")
	l.at = end
}

// operators of more than one character, the longest first. ">>" and ">>=" are
// not among them, since List<List<int>> ends with two brackets: the parser
// joins them.
var operators = [...]string{
	"??=", "<<=",
	"=>", "==", "!=", "<=", ">=", "&&", "||", "??", "++", "--", "+=", "-=", "*=", "/=", "%=",
	"&=", "|=", "^=", "<<", "->", "::", "..",
}

func (l *lexer) operator() {
	for _, op := range operators {
		if l.next(op) {
			l.add(token{kind: tokOp, text: op}, l.at+len(op))
			return
		}
	}
	switch c := l.src[l.at]; c {
	case '(', '[', '{':
		l.push(frameKind(c), token{kind: tokOp, text: l.src[l.at : l.at+1]}, l.at+1)
	case ')', ']', '}':
		l.closer(frameKind(c))
	case ':':
		if l.top() == hole {
			l.format()
			return
		}
		l.add(token{kind: tokOp, text: ":"}, l.at+1)
	case '.', ';', ',', '?', '=', '<', '>', '!', '~', '+', '-', '*', '/', '%', '&', '|', '^':
		l.add(token{kind: tokOp, text: l.src[l.at : l.at+1]}, l.at+1)
	default:
		l.unexpected()
	}
}

// unexpected takes a character that begins no token.
func (l *lexer) unexpected() {
	r, n := utf8.DecodeRuneInString(l.src[l.at:])
	if unicode.Is(unicode.Zs, r) || r == '\uFEFF' || r == '\u2028' || r == '\u2029' || r == '\u0085' {
		l.at += n
		return
	}
	l.bad(l.at+n, "CS1056", fmt.Sprintf("Unexpected character '%s'", string(r)))
}

// closer takes a closing bracket. It closes the innermost open one of its
// kind, over others that were forgotten, but not across a block or a hole.
func (l *lexer) closer(c frameKind) {
	for i := len(l.open) - 1; i >= 0; i-- {
		kind := l.open[i].kind
		block := kind == curly || kind == hole
		if c == ')' && kind == round || c == ']' && kind == square || c == '}' && block {
			l.shut(i, kind)
			return
		}
		if block {
			break
		}
	}
	l.add(token{kind: tokOp, text: l.src[l.at : l.at+1]}, l.at+1)
}

// shut closes the i-th of what is open, and forgets what is open inside it.
func (l *lexer) shut(i int, kind frameKind) {
	opener := l.open[i].token
	for len(l.open) > i {
		l.pop()
	}
	l.tokens[opener].match = len(l.tokens)
	t := token{kind: tokOp, text: l.src[l.at : l.at+1], match: opener}
	if kind == hole {
		t.kind, t.text = tokHoleEnd, ""
	}
	l.add(t, l.at+1)
}

func isDigit(c byte) bool       { return c >= '0' && c <= '9' }
func isASCIILetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
