package policy

import (
	"fmt"
	"strings"
)

// value takes the value of an attribute, quotes and all.
func (r *reader) value(a *Attribute) {
	quote := r.src[r.at]
	r.at++
	if opensExpression(r.src, r.skipBlank(r.at)) {
		r.expressionValue(a, quote)
	} else {
		r.literalValue(a, quote)
	}
	a.Written = a.Value
}

// literalValue takes a value that is no expression: as in XML, and with line
// ends and tabs as blanks, as in XML.
func (r *reader) literalValue(a *Attribute, quote byte) {
	start := r.at
	// closer is the place after the first ">": of the tag's end, if the quote
	// is missing.
	reported, closer := false, -1
	for r.at < len(r.src) && r.src[r.at] != quote {
		switch c := r.src[r.at]; {
		case c == '>' && closer < 0:
			closer = r.at
		case c == '<' && closer >= 0:
			r.errorAt(a.ValuePos, "unclosed-value", string(quote), "the value of %q has no closing quote", a.Name)
			r.at = closer
			a.Value, a.Origin = r.decode(start, closer, decoding{spaces: true})
			return
		case c == '<' && !reported:
			r.errorAt(r.pos(r.at), "raw-less-than", "&lt;", `"<" in the value of %q`, a.Name)
			reported = true
		case opensExpression(r.src, r.at):
			if r.embedded() {
				continue
			}
		}
		r.at++
	}
	if r.at >= len(r.src) {
		r.errorAt(a.ValuePos, "unclosed-value", string(quote), "the value of %q has no closing quote", a.Name)
		r.stop()
		return
	}
	a.Value, a.Origin = r.decode(start, r.at, decoding{strict: !reported, spaces: true})
	r.at++
}

// expressionValue takes a value that begins with "@(" or "@{".
func (r *reader) expressionValue(a *Attribute, quote byte) {
	start := r.at
	end, how, err := r.expression(start, quote)
	if err == nil {
		a.Value, a.Origin = r.decode(start, end, how)
		r.at = end + 1
		return
	}
	_, a.Origin = r.decode(start, start, decoding{})
	r.recoverValue(quote)
	r.brokenExpression(start, r.at-1, "the closing quote", err, fmt.Sprintf("of %q", a.Name))
}

// brokenExpression reports an expression of which nobody found the end: what
// is wrong with it up to the place where it most likely ends, because a lost
// quote or bracket shows only much later. err says what is wrong otherwise.
func (r *reader) brokenExpression(start, likelyEnd int, expected string, err *expressionError, where string) {
	if r.stopped {
		likelyEnd = len(r.src)
	}
	if _, near := r.scan(r.src[:likelyEnd], r.skipBlank(start)); near != nil {
		err, expected = newExpressionError(near), ""
	}
	r.errorAt(r.pos(err.offset), "bad-expression", expected, "the expression %s: %s", where, err.reason)
}

// recoverValue goes behind the quote that most likely ends a broken
// expression: the first one with an attribute or the tag's end behind it.
func (r *reader) recoverValue(quote byte) {
	for r.at < len(r.src) {
		i := strings.IndexByte(r.src[r.at:], quote)
		if i < 0 {
			break
		}
		r.at += i + 1
		next := r.skipSpace(r.at)
		rest := r.src[next:]
		if strings.HasPrefix(rest, ">") || strings.HasPrefix(rest, "/>") || next > r.at && r.attributeFollows(r.at) {
			return
		}
	}
	r.stop()
}

// embedded takes an expression in the middle of other text. API Management's
// reference has none: the service takes documents with such a text, and does not
// evaluate it. So it is a warning, and the text stays as it is written.
func (r *reader) embedded() bool {
	end, err := r.scan(r.src, r.at)
	if err != nil {
		return false
	}
	const what = "the expression stands in the middle of other text, where API Management does not evaluate it"
	r.warn(r.pos(r.at), "embedded-expression", `make the whole text one expression: @("…" + …)`, what)
	r.at = end
	return true
}
