package policy

import (
	"fmt"
	"strings"
)

const (
	cdataBegin = "<![CDATA["
	cdataEnd   = "]]>"
)

// text takes a run of text up to the next "<" that is none of an expression.
func (r *reader) text() {
	start := r.at
	n := r.current()
	if n == nil {
		r.strayText()
		return
	}
	if first := r.skipBlank(start); opensExpression(r.src, first) && r.blank {
		r.expressionText(n)
		return
	}
	inBody := n.Name == bodyElement
	r.literal(-1)
	r.addText(n, start, r.at, decoding{strict: !inBody})
}

// literal passes text up to the offset end, or with -1 to the next "<", and
// reports the expressions in it.
func (r *reader) literal(end int) {
	for r.at < len(r.src) && !r.stopped {
		if r.at >= end && end >= 0 || r.src[r.at] == '<' && end < 0 {
			return
		}
		if opensExpression(r.src, r.at) && r.embedded() {
			continue
		}
		r.at++
	}
}

// strayText takes text outside of the root. It has no effect.
func (r *reader) strayText() {
	start := r.skipSpace(r.at)
	if i := strings.IndexByte(r.src[r.at:], '<'); i >= 0 {
		r.at += i
	} else {
		r.at = len(r.src)
	}
	if start < r.at {
		r.warn(r.pos(start), "stray-text", "remove it", "text outside of the root element has no effect")
	}
}

// expressionText takes text that begins with an expression.
func (r *reader) expressionText(n *Node) {
	start := r.at
	end, how, err := r.expression(start, '<')
	if err == nil {
		r.addText(n, start, end, how)
		r.at = end
		return
	}
	// Whatever is broken, it most likely ends with the element.
	if i := strings.Index(r.src[start:], "</"+n.Name); i >= 0 {
		r.at = start + i
	} else {
		r.stop()
	}
	r.brokenExpression(start, r.at, "the end of the text", err, fmt.Sprintf("in %q", n.Name))
}

// addText adds src[from:to] to n; comments do not part texts.
func (r *reader) addText(n *Node, from, to int, how decoding) {
	if from == to {
		return
	}
	text, origin := r.decode(from, to, how)
	r.blank = r.blank && isBlank(text)
	if r.pending == nil {
		r.pending = &Node{Pos: r.pos(from), Origin: origin}
		r.pendingText = append(r.pendingText[:0], text...)
		n.Children = append(n.Children, r.pending)
		return
	}
	for _, s := range origin.segments {
		s.at += len(r.pendingText)
		r.pending.Origin.add(s)
	}
	r.pendingText = append(r.pendingText, text...)
}

// endText ends the text that addText adds to: a tag or CDATA follows.
func (r *reader) endText() {
	if r.pending == nil {
		return
	}
	r.pending.Text = string(r.pendingText)
	r.pending.Written = r.pending.Text
	r.pending = nil
}

// cdata takes a CDATA section. An expression in it may hold "]]>", as in
// @(a[b[0]]>1).
func (r *reader) cdata() {
	n := r.current()
	begin := r.at
	start := begin + len(cdataBegin)
	end := strings.Index(r.src[start:], cdataEnd)
	if end < 0 {
		r.errorAt(r.pos(begin), "unclosed-cdata", cdataEnd, "the CDATA section has no end")
		r.stop()
		return
	}
	end += start
	if first := r.skipSpace(start); opensExpression(r.src, first) && r.blank {
		end = r.cdataExpression(n, first, end)
	} else {
		r.at = start
		r.literal(end)
	}
	text, origin := r.decode(start, end, decoding{raw: true})
	r.endText()
	r.blank = r.blank && isBlank(text)
	n.Children = append(n.Children, &Node{Pos: r.pos(start), Text: text, Written: text, Origin: origin, CDATA: true})
	r.at = end + len(cdataEnd)
}

// cdataExpression is the end of a CDATA section that holds an expression, end
// the first "]]>".
func (r *reader) cdataExpression(n *Node, first, end int) int {
	if r.whole(r.src[:end], first) {
		return end
	}
	to, err := r.scan(r.src, first)
	if to = r.skipSpace(to); err == nil && strings.HasPrefix(r.src[to:], cdataEnd) {
		return to
	}
	r.errorAt(r.pos(first), "bad-expression", "one whole expression", "the expression in %q does not end with its CDATA section", n.Name)
	return end
}
