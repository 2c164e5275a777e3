package liquid

import "strings"

// kind is what a piece of a template is.
type kind uint8

const (
	textPiece kind = iota
	outputPiece
	tagPiece
)

// piece is a part of a template: text, or the markup between the braces.
type piece struct {
	kind kind
	text string
	// at is where text begins, from and to are the piece with its braces.
	at, from, to int
}

const blanks = " \t"

// scan cuts a template into pieces. Space beside a brace with "-" is taken off as
// DotLiquid 2.0 does it: in front the blanks, behind one line end or the blanks.
func scan(source string) ([]piece, *Error) {
	var out []piece
	text := func(from, to int) {
		if from < to {
			out = append(out, piece{textPiece, source[from:to], from, from, to})
		}
	}
	at := 0
	for at < len(source) {
		open := opening(source, at)
		if open < 0 {
			break
		}
		p := piece{kind: outputPiece, from: open}
		end := "}}"
		if source[open+1] == '%' {
			p.kind, end = tagPiece, "%}"
		}
		before := open
		if p.at = open + 2; strings.HasPrefix(source[p.at:], "-") {
			p.at++
			before = at + len(strings.TrimRight(source[at:open], blanks))
		}
		text(at, before)
		close := closing(source, p.at, end)
		if close < 0 {
			return nil, &Error{Offset: open, End: open + 2, Message: "the template's " + source[open:open+2] + " has no end", Expected: end}
		}
		p.to = close + len(end)
		p.text = source[p.at:close]
		at = p.to
		if strings.HasSuffix(p.text, "-") {
			p.text = p.text[:len(p.text)-1]
			at = skipSpace(source, at)
		}
		out = append(out, p)
		if p.kind == tagPiece {
			if name := word(p.text); name == "raw" || name == "comment" || name == "literal" {
				from, to, ok := rawEnd(source, at, name)
				if !ok {
					return nil, &Error{Offset: p.from, End: p.to, Message: "the block " + name + " has no end", Expected: "{% end" + name + " %}"}
				}
				text(at, from)
				out = append(out, piece{tagPiece, "end" + name, from, from, to})
				at = to
			}
		}
	}
	text(at, len(source))
	return out, nil
}

// opening is the next "{{" or "{%" from at on; -1: there is none.
func opening(s string, at int) int {
	for {
		i := strings.IndexByte(s[at:], '{')
		if i < 0 || at+i+1 >= len(s) {
			return -1
		}
		at += i
		if c := s[at+1]; c == '{' || c == '%' {
			return at
		}
		at++
	}
}

// closing is where end stands, quotes aside; where quotes do not close, the next
// one counts.
func closing(s string, at int, end string) int {
	for i := at; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], end):
			return i
		case s[i] == '"' || s[i] == '\'':
			j := strings.IndexByte(s[i+1:], s[i])
			if j < 0 {
				return later(s, i, end)
			}
			if k := later(s, i, end); k >= 0 && k < i+1+j && strings.ContainsAny(s[i:i+1+j], "\n") {
				return k // a quote that is an apostrophe
			}
			i += 1 + j
		}
	}
	return -1
}

func later(s string, at int, end string) int {
	if i := strings.Index(s[at:], end); i >= 0 {
		return at + i
	}
	return -1
}

// skipSpace is the place behind one line end, or behind blanks.
func skipSpace(s string, at int) int {
	switch {
	case strings.HasPrefix(s[at:], "\n"):
		return at + 1
	case strings.HasPrefix(s[at:], "\r\n"):
		return at + 2
	}
	return len(s) - len(strings.TrimLeft(s[at:], blanks))
}

// rawEnd finds {% endname %}.
func rawEnd(s string, at int, name string) (from, to int, ok bool) {
	for {
		i := strings.Index(s[at:], "{%")
		if i < 0 {
			return 0, 0, false
		}
		from = at + i
		rest := strings.TrimLeft(strings.TrimPrefix(s[from+2:], "-"), " \t\r\n")
		if rest, is := strings.CutPrefix(rest, "end"+name); is {
			rest = strings.TrimPrefix(strings.TrimLeft(rest, " \t\r\n"), "-")
			if rest, is := strings.CutPrefix(rest, "%}"); is {
				return from, len(s) - len(rest), true
			}
		}
		at = from + 2
	}
}

// word is the first word of a tag.
func word(s string) string {
	s = strings.TrimLeft(s, " \t\r\n")
	n := 0
	for n < len(s) && isWord(s[n]) {
		n++
	}
	return s[:n]
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c >= 0x80
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f'
}
