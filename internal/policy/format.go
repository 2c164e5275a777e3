package policy

import (
	"bytes"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// indentation of one level.
const indentation = "    "

// Format writes a document in its canonical form: one element a line, indented by
// four blanks, attributes with one blank between them, comments where they stand,
// no more than one empty line in a row. What is inside texts, expressions and
// set-body stays byte for byte; so do elements beside which text stands. A
// document with errors is not formatted.
//
// The result reads as the same tree, which is looked at before it is given.
func Format(file string, source []byte) ([]byte, site.Problems) {
	doc, problems := Read(file, source)
	if problems.HasErrors() {
		return nil, problems
	}
	f := &formatter{src: string(source), newline: "\n"}
	if strings.Contains(f.src, "\r\n") {
		f.newline = "\r\n"
	}
	roots := []*Node{doc.Root}
	if doc.Root.Implied {
		roots = doc.Root.Children
	}
	f.children(roots, 0, len(f.src), 0, true)
	out := strings.TrimRight(f.out.String(), " \t\r\n") + f.newline
	if strings.HasPrefix(f.src, "\ufeff") && !strings.HasPrefix(out, "\ufeff") {
		out = "\ufeff" + out
	}
	again, more := Read(file, []byte(out))
	if more.HasErrors() || !sameTree(doc.Root, again.Root) {
		var ps site.Problems
		ps.Add(doc.Root.Pos, "not-formatted", "", "tell us of this document", "the document would mean something else when it is formatted; it is left as it is")
		return nil, ps
	}
	return []byte(out), nil
}

type formatter struct {
	src, newline string
	out          bytes.Buffer
}

// children writes elements that stand in src[from:to], and the comments between
// them. top: they are roots.
func (f *formatter) children(list []*Node, from, to, depth int, top bool) {
	for i, n := range list {
		f.gap(f.src[from:n.span.tag], depth, i == 0 && top)
		f.element(n, depth)
		from = n.span.end
	}
	f.gap(f.src[from:to], depth, false)
}

// gap writes what stands between two elements: comments, and at most one empty
// line. first: nothing stands before it.
func (f *formatter) gap(text string, depth int, first bool) {
	text = strings.TrimPrefix(text, "\ufeff")
	for {
		blank := len(text) - len(strings.TrimLeft(text, blanks))
		lines := strings.Count(text[:blank], "\n")
		text = text[blank:]
		if text == "" {
			if lines > 1 && !first {
				f.out.WriteString(f.newline)
			}
			return
		}
		end := pieceEnd(text)
		switch {
		case first:
		case lines == 0 && f.out.Len() > 0 && bytes.HasSuffix(f.out.Bytes(), []byte(f.newline)):
			// On the line of what stands before it.
			f.unbreak()
			f.out.WriteByte(' ')
		case lines > 1:
			f.out.WriteString(f.newline)
		}
		if !bytes.HasSuffix(f.out.Bytes(), []byte(" ")) {
			f.out.WriteString(strings.Repeat(indentation, depth))
		}
		f.out.WriteString(strings.TrimRight(text[:end], blanks) + f.newline)
		text, first = text[end:], false
	}
}

// unbreak takes the last line end back.
func (f *formatter) unbreak() {
	f.out.Truncate(f.out.Len() - len(f.newline))
}

// pieceEnd is where the comment, the instruction or the text at the beginning
// ends.
func pieceEnd(text string) int {
	for _, mark := range [...][2]string{{"<!--", "-->"}, {"<?", "?>"}} {
		if strings.HasPrefix(text, mark[0]) {
			if i := strings.Index(text, mark[1]); i >= 0 {
				return i + len(mark[1])
			}
			return len(text)
		}
	}
	if i := strings.IndexByte(text, '<'); i > 0 {
		return i
	}
	return len(text)
}

func (f *formatter) element(n *Node, depth int) {
	indent := strings.Repeat(indentation, depth)
	f.out.WriteString(indent + "<" + n.Name)
	for i := range n.Attributes {
		a := &n.Attributes[i]
		f.out.WriteString(" " + a.Name + "=" + f.src[a.from:a.to])
	}
	inner := f.src[n.span.inner:n.span.closing]
	switch {
	case n.span.end == n.span.inner, holdsNothing(n.Name) && isBlank(inner):
		f.out.WriteString(" />" + f.newline)
	case f.onlyElements(n):
		f.out.WriteString(">" + f.newline)
		f.children(n.Elements(), n.span.inner, n.span.closing, depth+1, false)
		f.out.WriteString(indent + "</" + n.Name + ">" + f.newline)
	default:
		f.out.WriteString(">" + inner + "</" + n.Name + ">" + f.newline)
	}
}

// holdsNothing are elements in which white space alone means nothing.
func holdsNothing(name string) bool {
	return isSection(name) || slices.Contains([]string{"policies", "fragment", "choose", "when", "otherwise", "retry", "wait", "limit-concurrency"}, name)
}

// onlyElements reports whether elements and comments alone stand in n. An element
// that holds policies may hold comments alone.
func (f *formatter) onlyElements(n *Node) bool {
	if n.Name == bodyElement {
		return false
	}
	elements := false
	for _, k := range n.Children {
		if k.Name == "" && !isBlank(k.Text) || k.CDATA {
			return false
		}
		elements = elements || k.Name != ""
	}
	return elements || holdsNothing(n.Name)
}

// sameTree reports whether two trees mean the same.
func sameTree(a, b *Node) bool {
	if a == nil || b == nil || a.Name != b.Name || a.Implied != b.Implied || len(a.Attributes) != len(b.Attributes) {
		return a == b
	}
	for i := range a.Attributes {
		if a.Attributes[i].Name != b.Attributes[i].Name || a.Attributes[i].Value != b.Attributes[i].Value {
			return false
		}
	}
	left, right := meaning(a), meaning(b)
	if len(left) != len(right) {
		return false
	}
	for i := range left {
		if left[i].Name == "" {
			if right[i].Name != "" || left[i].Text != right[i].Text {
				return false
			}
		} else if !sameTree(left[i], right[i]) {
			return false
		}
	}
	return true
}

// meaning are the children that mean something.
func meaning(n *Node) []*Node {
	if !holdsNothing(n.Name) {
		return n.Children
	}
	return slices.DeleteFunc(slices.Clone(n.Children), func(k *Node) bool { return k.Name == "" && !k.CDATA && isBlank(k.Text) })
}
