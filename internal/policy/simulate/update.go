package simulate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// expectationParts are what of a result becomes an expectation.
type expectationParts struct {
	status, forwarded    int
	body, source, reason string
	failed               bool
}

func partsOf(r *Result) expectationParts {
	p := expectationParts{status: r.Response.StatusCode, forwarded: r.Forwarded, body: r.Response.Body}
	if e := r.Error; e != nil {
		p.failed, p.source, p.reason = true, e.Source, e.Reason
	}
	return p
}

// node is an expectation as it is written.
func (p *expectationParts) node() *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	add := func(n *yaml.Node, name string, value *yaml.Node) {
		n.Content = append(n.Content, textNode(name), value)
	}
	number := func(i int) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(i)}
	}
	add(out, "status", number(p.status))
	if p.body != "" {
		body := textNode(p.body)
		if n, err := readJSON([]byte(p.body)); err == nil && n.Kind != yaml.ScalarNode {
			body = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
			add(body, "json", n)
		}
		add(out, "body", body)
	}
	add(out, "forwarded", number(p.forwarded))
	if p.failed {
		e := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		add(e, "source", textNode(p.source))
		add(e, "reason", textNode(p.reason))
		add(out, "error", e)
	}
	return out
}

func textNode(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

// learnt is what a step came to.
type learnt struct {
	test, step int
	expect     *yaml.Node
}

// write puts an expectation into the text of a test file, and changes no other
// byte of it. Where that is done by trial: what comes out is read, and has to be
// the file with the expectation and nothing else.
func (l *learnt) write(data []byte) ([]byte, error) {
	root, err := readYAML(data)
	if err != nil {
		return nil, err
	}
	into, err := l.target(root)
	if err != nil {
		return nil, err
	}
	w := &writer{data: data, newline: "\n", into: into, next: behind(root, into)}
	if bytes.Contains(data, []byte("\r\n")) {
		w.newline = "\r\n"
	}
	var trials [][]byte
	var old *yaml.Node
	for i := 0; i+1 < len(into.Content); i += 2 {
		if into.Content[i].Value != "expect" {
			continue
		}
		old = into.Content[i+1]
		if old.Kind == yaml.AliasNode || old.Anchor != "" {
			return nil, shared(old)
		}
		trials = w.replaced(into.Content[i], l.expect)
		into.Content[i+1] = l.expect
	}
	if old == nil {
		trials = w.added(l.expect)
		into.Content = append(into.Content, textNode("expect"), l.expect)
	}
	for _, text := range trials {
		if got, err := readYAML(text); err == nil && sameNode(got, root) {
			return text, nil
		}
	}
	return nil, wrong(into, "write it by hand", "--update cannot write the expectation without changing something else")
}

func shared(n *yaml.Node) error {
	return wrong(n, "write the expectation by hand", "--update does not change what an anchor or an alias (& or *) shares with other places")
}

// target is the object that gets the expectation.
func (l *learnt) target(root *yaml.Node) (*yaml.Node, error) {
	n := root
	for _, to := range []struct {
		list string
		item int
	}{{"tests", l.test}, {"steps", l.step}} {
		list := own(n, to.list)
		if list == nil && to.list == "steps" && l.step == 0 && own(n, "<<") == nil {
			return n, nil
		}
		if list == nil || list.Kind != yaml.SequenceNode || list.Anchor != "" || to.item >= len(list.Content) {
			return nil, shared(n)
		}
		if n = list.Content[to.item]; n.Kind != yaml.MappingNode || n.Anchor != "" {
			return nil, shared(n)
		}
	}
	return n, nil
}

// own is a member that an object has by itself; nil: it has none.
func own(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// sameNode reports whether two trees are the same but for comments and places.
func sameNode(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.Anchor != b.Anchor || a.Value != b.Value || a.Kind != yaml.AliasNode && a.ShortTag() != b.ShortTag() {
		return false
	}
	return slices.EqualFunc(a.Content, b.Content, sameNode)
}

// behind is the first node behind another one; nil: there is none.
func behind(root, n *yaml.Node) (next *yaml.Node) {
	passed, within := false, false
	var see func(k *yaml.Node)
	see = func(k *yaml.Node) {
		if passed && next == nil && !within {
			next = k
		}
		within = within || k == n
		for _, c := range k.Content {
			see(c)
		}
		if k == n {
			passed, within = true, false
		}
	}
	see(root)
	return next
}

// writer makes the texts to try.
type writer struct {
	data       []byte
	newline    string
	into, next *yaml.Node
}

// offset is where a place stands: yaml counts characters.
func (w *writer) offset(line, column int) int {
	at := 0
	for ; line > 1; line-- {
		i := bytes.IndexByte(w.data[at:], '\n')
		if i < 0 {
			return len(w.data)
		}
		at += i + 1
	}
	for ; column > 1 && at < len(w.data); column-- {
		_, n := utf8.DecodeRune(w.data[at:])
		at += n
	}
	return at
}

func (w *writer) end() int {
	if w.next == nil {
		return len(w.data)
	}
	return w.offset(w.next.Line, w.next.Column)
}

func (w *writer) spliced(from, to int, text string) []byte {
	return slices.Concat(w.data[:from], []byte(text), w.data[to:])
}

// lines puts lines where one begins, or at the end of a file whose last line has
// no end.
func (w *writer) lines(at int, text string) []byte {
	if at > 0 && w.data[at-1] != '\n' {
		text = w.newline + strings.TrimSuffix(text, w.newline)
	}
	return w.spliced(at, at, text)
}

// replaced are the texts with the expectation in the place of one that says
// nothing.
func (w *writer) replaced(key, expect *yaml.Node) (out [][]byte) {
	from := w.offset(key.Line, key.Column)
	m := regexp.MustCompile(`^(?:expect|"expect"|'expect')[ \t]*:((?:[ \t]*(?i:null|~|\{\s*\}))?)`).FindSubmatchIndex(w.data[from:])
	if m == nil {
		return nil
	}
	begin, end := from+m[2], from+m[3]
	if w.into.Style&yaml.FlowStyle == 0 {
		line := end
		if i := bytes.IndexByte(w.data[end:], '\n'); i >= 0 {
			line += i + 1
		} else {
			line = len(w.data)
		}
		for _, text := range blocks(expect) {
			grown := writer{data: w.spliced(begin, end, ""), newline: w.newline}
			out = append(out, grown.lines(line-(end-begin), w.indented(text, key.Column+1)))
		}
	}
	return append(out, w.spliced(begin, end, " "+flow(expect)))
}

// added are the texts with the expectation as the last member.
func (w *writer) added(expect *yaml.Node) (out [][]byte) {
	if w.into.Style&yaml.FlowStyle != 0 {
		return w.addedInLine("expect: " + flow(expect))
	}
	member := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{textNode("expect"), expect}}
	indent := w.into.Content[0].Column - 1
	last := len(w.data)
	if w.next != nil {
		last = w.offset(w.next.Line, 1)
	}
	for _, text := range blocks(member) {
		for _, at := range []int{w.lastLine(last, indent), last} {
			out = append(out, w.lines(at, w.indented(text, indent)))
		}
	}
	return out
}

// lastLine is the end of the last line before at that is not empty, and no comment
// that belongs to what follows.
func (w *writer) lastLine(at, indent int) int {
	for at > 0 {
		begin := bytes.LastIndexByte(w.data[:at-1], '\n') + 1
		line := string(w.data[begin:at])
		text := strings.TrimSpace(line)
		outer := len(line)-len(strings.TrimLeft(line, " ")) < indent
		if text != "" && !(outer && (text[0] == '#' || text == "-" || text == "..." || text == "---")) {
			break
		}
		at = begin
	}
	return at
}

// addedInLine tries each brace that may be the one that ends the object.
func (w *writer) addedInLine(member string) (out [][]byte) {
	for i, end := w.offset(w.into.Line, w.into.Column), w.end(); i < end; i++ {
		if w.data[i] != '}' {
			continue
		}
		for _, at := range []int{len(bytes.TrimRight(w.data[:i], " \t\r\n")), i} {
			before := ", "
			if c := bytes.TrimRight(w.data[:i], " \t\r\n"); bytes.HasSuffix(c, []byte(",")) || bytes.HasSuffix(c, []byte("{")) {
				before = strings.TrimPrefix(before, ",")
			}
			if w.data[at-1] == '{' {
				before = ""
			}
			out = append(out, w.spliced(at, at, before+member))
		}
	}
	return out
}

// indented are lines with blanks before each.
func (w *writer) indented(text string, indent int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			line = strings.Repeat(" ", indent) + line
		}
		b.WriteString(line + w.newline)
	}
	return b.String()
}

// blocks are an object in lines: texts of several lines as such, and, for those
// that cannot be written so, in quotes.
func blocks(n *yaml.Node) (out []string) {
	for _, style := range []yaml.Style{yaml.LiteralStyle, yaml.DoubleQuotedStyle} {
		var b bytes.Buffer
		e := yaml.NewEncoder(&b)
		e.SetIndent(2)
		if e.Encode(styled(n, 0, style)) == nil && e.Close() == nil {
			out = append(out, b.String())
		}
	}
	return out
}

// flow is an object in one line.
func flow(n *yaml.Node) string {
	text, err := yaml.Marshal(styled(n, yaml.FlowStyle, yaml.DoubleQuotedStyle))
	if err != nil {
		return fmt.Sprintf("# %v", err) // no trial succeeds with it
	}
	return strings.TrimSuffix(string(text), "\n")
}

// styled is a copy for writing: objects of one style, texts that are more than
// words of another.
func styled(n *yaml.Node, objects, texts yaml.Style) *yaml.Node {
	out := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value, Style: objects}
	if n.Kind == yaml.ScalarNode {
		out.Style = 0
		if n.Tag == "!!str" && (strings.Contains(n.Value, "\n") || texts == yaml.DoubleQuotedStyle && !json.Valid([]byte(n.Value)) && !plain.MatchString(n.Value)) {
			out.Style = texts
		}
	}
	for _, k := range n.Content {
		out.Content = append(out.Content, styled(k, objects, texts))
	}
	return out
}

// plain are texts that need no quotes anywhere.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)
