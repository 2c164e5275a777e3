package policy

import "strings"

// bodyElement is the element whose content is opaque: JSON, XML, HTML or a
// Liquid template.
const bodyElement = "set-body"

// longestTag is how far the end of a tag is looked for in opaque content.
const longestTag = 4 << 10

// body looks at the content of set-body. Content with tags in it is taken as
// it is written, as one text. Everything else is left to be read as text, in
// which "&" may stand raw.
func (r *reader) body(n *Node) {
	start := r.at
	for at := start; at < len(r.src); {
		rest := r.src[at:]
		switch {
		case isSpace(rest[0]):
			at++
		case strings.HasPrefix(rest, "<!--"):
			at = skipPast(r.src, at+4, "-->")
		default:
			if !opensExpression(r.src, r.skipBlank(at)) && r.hasTags(at) {
				r.opaque(n)
			}
			return
		}
	}
}

// hasTags reports whether something other than comments, CDATA sections and
// text stands before the end tag.
func (r *reader) hasTags(at int) bool {
	for {
		i := strings.IndexByte(r.src[at:], '<')
		if i < 0 {
			return false
		}
		at += i
		rest := r.src[at:]
		switch {
		case strings.HasPrefix(rest, "<!--"):
			at = skipPast(r.src, at, "-->")
		case strings.HasPrefix(rest, cdataBegin):
			at = skipPast(r.src, at, cdataEnd)
		default:
			return !isTag(rest, "</"+bodyElement)
		}
	}
}

// opaque takes everything up to the end tag as text. Inner elements of the same
// name count, so that a mangled end tag does not swallow what follows.
func (r *reader) opaque(n *Node) {
	start, depth := r.at, 0
	for r.at < len(r.src) && !r.stopped {
		rest := r.src[r.at:]
		switch {
		case rest[0] == '@' && opensExpression(r.src, r.at) && r.embedded():
			continue
		case rest[0] != '<':
		case strings.HasPrefix(rest, "<!--"):
			r.at = skipPast(r.src, r.at, "-->")
			continue
		case strings.HasPrefix(rest, cdataBegin):
			r.at = skipPast(r.src, r.at, cdataEnd)
			continue
		case isTag(rest, "<"+bodyElement):
			depth++
		case isTag(rest, "</"+bodyElement):
			if depth == 0 {
				r.addText(n, start, r.at, decoding{raw: true})
				return
			}
			depth--
		}
		r.at++
	}
	r.errorAt(n.Pos, "unclosed-element", "</"+bodyElement+">", "the element %q has no end tag", bodyElement)
	r.stop()
}

// isTag reports whether s begins with a tag that begins with prefix. An empty
// element opens nothing and is none.
func isTag(s, prefix string) bool {
	s, ok := strings.CutPrefix(s, prefix)
	if !ok || s == "" {
		return false
	}
	if s[0] == '>' {
		return true
	}
	if !isSpace(s[0]) {
		return false
	}
	s = s[:min(len(s), longestTag)]
	end := strings.IndexByte(s, '>')
	return end < 0 || s[end-1] != '/'
}

// skipPast is the place behind the next end, or the end of the text.
func skipPast(s string, at int, end string) int {
	if i := strings.Index(s[at:], end); i >= 0 {
		return at + i + len(end)
	}
	return len(s)
}
