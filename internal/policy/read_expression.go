package policy

import (
	"errors"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// expressionError says why no expression stands here.
type expressionError struct {
	offset int
	reason string
}

func newExpressionError(err error) *expressionError {
	e := &syntax.Error{}
	if !errors.As(err, &e) {
		e.Reason = err.Error()
	}
	return &expressionError{offset: e.Offset, reason: e.Reason}
}

// expression finds the end of the raw text that begins at start with an
// expression, perhaps after white space, and ends with the byte end: a quote,
// or the "<" of the next tag. how says how to decode the raw text.
//
// Documents come entity-encoded ("xml"), raw ("rawxml"), and as a mixture. So
// three readings are tried, in order: up to the first end, decoded; the raw
// text scanned as C#, and decoded then; the decoded text scanned as C#.
func (r *reader) expression(start int, end byte) (int, decoding, *expressionError) {
	if i := strings.IndexByte(r.src[start:], end); i >= 0 {
		text, _ := r.decode(start, start+i, decoding{})
		if at, ok := expressionStart(text); ok && r.whole(text, at) {
			return start + i, decoding{}, nil
		}
	}
	rawEnd, rawErr := r.scan(r.src, r.skipBlank(start))
	if rawErr == nil && r.endsWith(rawEnd, end) {
		to := r.skipBlank(rawEnd)
		return to, r.rawOrDecoded(start, to), nil
	}
	if to, ok := r.scanDecoded(start, end); ok {
		return to, decoding{}, nil
	}
	if rawErr != nil {
		return 0, decoding{}, newExpressionError(rawErr)
	}
	if after := r.skipBlank(rawEnd); after < len(r.src) {
		return 0, decoding{}, &expressionError{offset: after, reason: "text stands after its closing bracket"}
	}
	return 0, decoding{}, &expressionError{offset: rawEnd, reason: "the document ends after its closing bracket"}
}

func (r *reader) endsWith(at int, end byte) bool {
	at = r.skipBlank(at)
	return at < len(r.src) && r.src[at] == end
}

// rawOrDecoded decides for an expression that was found raw. It is decoded,
// even where raw and encoded characters mix, except where that breaks it, as it
// breaks @(s.Replace("&quot;", "'")): there the entity was meant.
func (r *reader) rawOrDecoded(from, to int) decoding {
	text, _ := r.decode(from, to, decoding{})
	if at, ok := expressionStart(text); ok && r.whole(text, at) {
		return decoding{}
	}
	if _, ok := expressionStart(r.src[from:to]); !ok {
		return decoding{}
	}
	r.warn(r.pos(r.skipBlank(from)), "entity-in-expression", "",
		"the entities in the expression are taken as they are written, because decoding them breaks it")
	return decoding{raw: true}
}

// scanDecoded scans the text at start with its entities decoded, for documents
// that encode some quotes and leave others.
func (r *reader) scanDecoded(start int, end byte) (int, bool) {
	limit := min(len(r.src), start+maxExpression)
	if !strings.Contains(r.src[start:limit], "&") {
		return 0, false
	}
	text, origin := r.decode(start, limit, decoding{})
	at, ok := expressionStart(text)
	if !ok {
		return 0, false
	}
	stop, err := r.scan(text, at)
	if err != nil {
		return 0, false
	}
	to := origin.source(stop)
	return r.skipBlank(to), r.endsWith(to, end)
}

// alone reports text beside the expression of an element: a CDATA section ends
// the one and begins the other.
func (r *reader) alone(n *Node) {
	expression := false
	for _, c := range n.Children {
		if c.Name != "" || isBlank(c.Text) {
			continue
		}
		_, begins := expressionStart(c.Text)
		switch {
		case expression && !begins: // a second one has been reported
			r.errorAt(c.Pos, "text-after-expression", "the expression alone", "text stands beside the expression of %q", n.Name)
			return
		case !begins:
			return
		}
		expression = true
	}
}
