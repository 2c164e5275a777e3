package syntax

import (
	"fmt"
	"strings"
)

// MaxDepth is how deep brackets, strings and the holes of strings may nest in
// an expression.
const MaxDepth = 200

// ScanExpression finds the end of the expression that begins at src[start:]
// with "@(" or "@{". The end is just after the bracket that closes it; multi
// says that it was "@{", a block of statements. The error is an [*Error].
func ScanExpression(src string, start int) (end int, multi bool, err error) {
	if start < 0 || start+1 >= len(src) || src[start] != '@' || src[start+1] != '(' && src[start+1] != '{' {
		return 0, false, scanError(max(start, 0), `an expression begins with "@(" or "@{"`)
	}
	s := scanner{src: src, at: start + 1, start: start}
	if end, err = s.scan(); err != nil {
		return 0, false, err
	}
	return end, src[start+1] == '{', nil
}

// scanError is an error of which only the place is known.
func scanError(at int, reason string) *Error { return &Error{Offset: at, End: at, Reason: reason} }

// frame is something open: a bracket, an interpolated string or a hole in one.
type frame struct {
	kind frameKind
	// at is the place of what opened it.
	at int
}

type frameKind byte

const (
	round    frameKind = '('
	square   frameKind = '['
	curly    frameKind = '{'
	hole     frameKind = 'h' // {…} of an interpolated string
	text     frameKind = '$' // $"…"
	verbatim frameKind = '@' // $@"…"
)

type scanner struct {
	src   string
	start int
	at    int
	open  []frame
}

// scan runs until the first bracket is closed. Each step moves on by at least
// one byte.
func (s *scanner) scan() (int, error) {
	for s.at < len(s.src) {
		var err error
		switch s.top() {
		case text, verbatim:
			err = s.inText(s.top() == verbatim)
		default:
			err = s.inCode()
		}
		if err != nil {
			return 0, err
		}
		if len(s.open) == 0 {
			return s.at, nil
		}
	}
	return 0, s.unclosed()
}

// top is the kind of what is open innermost; zero: nothing yet.
func (s *scanner) top() frameKind {
	if len(s.open) == 0 {
		return 0
	}
	return s.open[len(s.open)-1].kind
}

func (s *scanner) push(kind frameKind, at int) error {
	if len(s.open) >= MaxDepth {
		return scanError(at, fmt.Sprintf("the expression nests deeper than %d", MaxDepth))
	}
	s.open = append(s.open, frame{kind: kind, at: at})
	return nil
}

func (s *scanner) pop() { s.open = s.open[:len(s.open)-1] }

func (s *scanner) unclosed() error {
	if len(s.open) == 0 {
		return scanError(s.at, "the expression has no end")
	}
	f := s.open[len(s.open)-1]
	what := map[frameKind]string{
		round: `"(" is never closed`, square: `"[" is never closed`, curly: `"{" is never closed`,
		hole: `"{" in a string is never closed`,
		text: "the string has no end", verbatim: "the string has no end",
	}[f.kind]
	return scanError(f.at, what)
}

// special are the bytes that need care in code.
const special = "()[]{}\"'@$/#:"

// inCode takes one token that needs care, and what stands before it.
func (s *scanner) inCode() error {
	for strings.IndexByte(special, s.src[s.at]) < 0 {
		if s.at++; s.at == len(s.src) {
			return nil
		}
	}
	switch c := s.src[s.at]; c {
	case '(', '[', '{':
		s.at++
		return s.push(frameKind(c), s.at-1)
	case ')', ']', '}':
		return s.close(c)
	case '"':
		return s.quoted("string")
	case '\'':
		return s.quoted("character")
	case '@':
		return s.atSign()
	case '$':
		return s.dollar()
	case '/':
		return s.slash()
	case '#':
		s.directive()
	case ':':
		if s.top() == hole {
			return s.format()
		}
		s.at++
	default:
		s.at++
	}
	return nil
}

func (s *scanner) close(c byte) error {
	f := s.open[len(s.open)-1]
	want := map[frameKind]byte{round: ')', square: ']', curly: '}', hole: '}'}[f.kind]
	if c != want {
		return scanError(s.at, fmt.Sprintf("%q closes nothing here: %q is wanted first", c, want))
	}
	s.at++
	s.pop()
	return nil
}

// quoted takes "…" or '…'.
func (s *scanner) quoted(what string) error {
	end, how := quotedEnd(s.src, s.at)
	switch how {
	case cutLine:
		return scanError(s.at, fmt.Sprintf("the %s does not end on its line", what))
	case cutText:
		return scanError(s.at, fmt.Sprintf("the %s has no end", what))
	}
	s.at = end
	return nil
}

// atSign takes @"…", @$"…", or "@" alone, which may begin a name.
func (s *scanner) atSign() error {
	switch {
	case s.next(`@"`):
		end, how := verbatimEnd(s.src, s.at+2)
		if how != closed {
			return scanError(s.at, "the string has no end")
		}
		s.at = end
		return nil
	case s.next(`@$"`):
		s.at += 3
		return s.push(verbatim, s.at-3)
	}
	s.at++
	return nil
}

func (s *scanner) dollar() error {
	switch {
	case s.next(`$"`):
		s.at += 2
		return s.push(text, s.at-2)
	case s.next(`$@"`):
		s.at += 3
		return s.push(verbatim, s.at-3)
	}
	s.at++
	return nil
}

func (s *scanner) slash() error {
	if !s.next("//") && !s.next("/*") {
		s.at++
		return nil
	}
	end, ok := commentEnd(s.src, s.at)
	if !ok {
		return scanError(s.at, "the comment has no end")
	}
	s.at = end
	return nil
}

// directive takes a line such as "#region don't look", whose text is no code.
func (s *scanner) directive() {
	if firstOnLine(s.src, s.start, s.at) {
		s.at = restOfLine(s.src, s.at)
		return
	}
	s.at++
}

// inText takes one step inside an interpolated string: text up to a hole or to
// the string's end.
func (s *scanner) inText(verbatim bool) error {
	s.at = pieceEnd(s.src, s.at, verbatim)
	if s.at == len(s.src) {
		return nil
	}
	switch s.src[s.at] {
	case '"':
		s.at++
		s.pop()
		return nil
	case '{':
		s.at++
		return s.push(hole, s.at-1)
	case '}':
		return scanError(s.at, `"}" in an interpolated string is written "}}"`)
	}
	return scanError(s.open[len(s.open)-1].at, "the string does not end on its line")
}

// format takes ":…}" of a hole, for instance ":0.00}". Quotes are no strings
// there, and one ends the string around it, as in C#.
func (s *scanner) format() error {
	if s.next("::") {
		s.at += 2
		return nil
	}
	outer := s.open[len(s.open)-2]
	s.at = pieceEnd(s.src, s.at, outer.kind == verbatim)
	if s.at == len(s.src) {
		return nil
	}
	switch c := s.src[s.at]; c {
	case '}':
		s.at++
		s.pop()
		return nil
	case '"', '{':
		return scanError(s.at, fmt.Sprintf("%q in the format of a hole", c))
	}
	return scanError(outer.at, "the string does not end on its line")
}

func (s *scanner) next(prefix string) bool { return strings.HasPrefix(s.src[s.at:], prefix) }
