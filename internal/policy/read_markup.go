package policy

import "strings"

// markup takes what begins with "<".
func (r *reader) markup() {
	switch {
	case r.has("<!--"):
		r.comment()
	case r.has(cdataBegin) && len(r.open) > 0:
		r.cdata()
	case r.has("<!"):
		r.declaration()
	case r.has("<?"):
		r.instruction()
	case r.has("</"):
		r.endTag()
	case r.at+1 < len(r.src) && isNameStart(r.src[r.at+1]):
		r.startTag()
	default:
		r.errorAt(r.pos(r.at), "raw-less-than", "&lt;, or an expression around it", `"<" begins no tag`)
		r.at++
	}
}

// comment skips a comment. "--" inside it is taken, though XML forbids it.
func (r *reader) comment() {
	if end := strings.Index(r.src[r.at+4:], "-->"); end >= 0 {
		r.at += 4 + end + 3
		return
	}
	r.errorAt(r.pos(r.at), "unclosed-comment", "-->", "the comment has no end")
	r.stop()
}

// declaration refuses <!DOCTYPE and everything else of its kind: a document
// type could define entities, which grow without bound or read files.
func (r *reader) declaration() {
	what := `"<!" begins neither a comment nor CDATA inside an element`
	if len(r.src) >= r.at+9 && strings.EqualFold(r.src[r.at:r.at+9], "<!DOCTYPE") {
		what = "document type declarations are refused"
	}
	r.errorAt(r.pos(r.at), "declaration", "", "%s", what)
	rest := r.src[r.at:]
	end := strings.IndexByte(rest, '>')
	if i := strings.IndexByte(rest, '['); i >= 0 && i < end {
		end = strings.Index(rest, "]>")
		if end >= 0 {
			end++
		}
	}
	if end < 0 {
		r.stop()
		return
	}
	r.at += end + 1
}

// instruction skips <?…?>. An XML declaration may stand anywhere.
func (r *reader) instruction() {
	end := strings.Index(r.src[r.at+2:], "?>")
	if end < 0 {
		r.errorAt(r.pos(r.at), "unclosed-instruction", "?>", "the processing instruction has no end")
		r.stop()
		return
	}
	target := r.src[r.at+2 : r.at+2+end]
	if i := strings.IndexAny(target, " \t\r\n"); i >= 0 {
		target = target[:i]
	}
	if !strings.EqualFold(target, "xml") {
		r.warn(r.pos(r.at), "instruction", "remove it", "the processing instruction %q has no effect", target)
	}
	r.at += 2 + end + 2
}

// stop ends the reading where going on would only guess.
func (r *reader) stop() {
	r.at = len(r.src)
	r.stopped = true
}

// endTag closes the current element, or says which one it does not close.
func (r *reader) endTag() {
	start := r.at
	r.at += 2
	name := r.name()
	r.at = r.skipSpace(r.at)
	if name == "" || r.at >= len(r.src) || r.src[r.at] != '>' {
		r.errorAt(r.pos(start), "mangled-tag", "</name>", "the end tag is mangled")
		r.recoverTag()
	} else {
		r.at++
	}
	n := r.current()
	switch {
	case name == "":
	case n == nil:
		r.errorAt(r.pos(start), "mismatched-tag", "", "the end tag %q closes nothing", name)
	case n.Name == name:
		n.span.closing, n.span.end = start, r.at
		r.pop()
	default:
		r.mismatched(start, name)
	}
}

// mismatched goes on after an end tag of another element than the current one:
// when that element is open, it and all inside it end here.
func (r *reader) mismatched(start int, name string) {
	n := r.current()
	r.errorAt(r.pos(start), "mismatched-tag", "</"+n.Name+">",
		"the end tag %q stands where %q of line %d has to end", name, n.Name, n.Pos.Line)
	for i := len(r.open) - 1; i >= 0; i-- {
		if r.open[i].Name != name {
			continue
		}
		for len(r.open) > i {
			r.pop()
		}
		return
	}
	// Most likely a slip in the name: <value>…</vlaue>.
	if isSlip(n.Name, name) {
		r.pop()
	}
}

// recoverTag goes to the end of a mangled tag.
func (r *reader) recoverTag() {
	for r.at < len(r.src) {
		switch r.src[r.at] {
		case '>':
			r.at++
			return
		case '<':
			return
		}
		r.at++
	}
}

// name takes a name; empty when none stands here.
func (r *reader) name() string {
	start := r.at
	if start >= len(r.src) || !isNameStart(r.src[start]) {
		return ""
	}
	for r.at < len(r.src) && (isNameStart(r.src[r.at]) || isNameByte(r.src[r.at])) {
		r.at++
	}
	return r.src[start:r.at]
}

// isNameStart takes every character beyond ASCII: names are compared with
// those of policies, so that strange ones are refused anyway.
func isNameStart(c byte) bool {
	return c == '_' || c == ':' || c >= 0x80 || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}
