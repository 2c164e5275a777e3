package policy

import "strings"

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
	if first := r.skipSpace(start); opensExpression(r.src, first) && isBlank(r.run(n)) {
		r.expressionText(n)
		return
	}
	inBody := n.Name == bodyElement
	r.literal(-1, inBody)
	r.addText(n, start, r.at, decoding{strict: !inBody})
}

// literal passes text up to the offset end, or with -1 to the next "<", and
// reports the expressions in it.
func (r *reader) literal(end int, inBody bool) {
	for r.at < len(r.src) && !r.stopped {
		if r.at >= end && end >= 0 || r.src[r.at] == '<' && end < 0 {
			return
		}
		if opensExpression(r.src, r.at) && r.embedded(inBody) {
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

// run is the text that stands in n since its last element.
func (r *reader) run(n *Node) string {
	var s string
	for i := len(n.Children) - 1; i >= 0 && n.Children[i].Name == ""; i-- {
		if s = n.Children[i].Text; !isBlank(s) {
			return s
		}
	}
	return s
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
	r.errorAt(r.pos(err.offset), "bad-expression", err.expected, "the expression in %q: %s", n.Name, err.reason)
	// Whatever is broken, it most likely ends with the element.
	if i := strings.Index(r.src[start:], "</"+n.Name); i >= 0 {
		r.at = start + i
		return
	}
	r.stop()
}

// addText adds src[from:to] to n; comments do not part texts.
func (r *reader) addText(n *Node, from, to int, how decoding) {
	if from == to {
		return
	}
	text, origin := r.decode(from, to, how)
	if last := len(n.Children) - 1; last >= 0 && n.Children[last].Name == "" && !n.Children[last].CDATA {
		c := n.Children[last]
		for _, s := range origin.segments {
			s.at += len(c.Text)
			c.Origin.add(s)
		}
		c.Text += text
		c.Written = c.Text
		return
	}
	n.Children = append(n.Children, &Node{Pos: r.pos(from), Text: text, Written: text, Origin: origin})
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
	if first := r.skipSpace(start); opensExpression(r.src, first) && isBlank(r.run(n)) && !r.whole(r.src[:end], first) {
		to, err := r.scan(r.src, first)
		if err == nil && strings.HasPrefix(r.src[r.skipSpace(to):], cdataEnd) {
			end = r.skipSpace(to)
		} else {
			r.errorAt(r.pos(first), "bad-expression", "one whole expression", "the expression in %q does not end with its CDATA section", n.Name)
		}
	} else if !opensExpression(r.src, first) {
		r.at = start
		r.literal(end, n.Name == bodyElement)
	}
	text, origin := r.decode(start, end, decoding{raw: true})
	n.Children = append(n.Children, &Node{Pos: r.pos(start), Text: text, Written: text, Origin: origin, CDATA: true})
	r.at = end + len(cdataEnd)
}
