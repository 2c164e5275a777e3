package site

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parseYAML reads one YAML document. It returns nil when the file cannot be
// read as a whole; problems say why. A file with nothing in it is an object
// without members.
func parseYAML(src *source, b bounds, r *report) *value {
	if b.tooLarge(src, r) || !validUTF8(src, r) {
		return nil
	}
	var root yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(src.data))
	y := &yamlReader{lines: newYAMLLines(src), bounds: b, r: r}
	switch err := dec.Decode(&root); {
	case errors.Is(err, io.EOF):
		return &value{kind: kindObject, pos: src.pos(0)}
	case err != nil:
		y.syntax(err, stoppedAfter(src.data))
		return nil
	}
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case err == nil:
		r.Add(y.pos(&second), "syntax", "one document", `remove the line "---" and what follows`,
			"the file holds more than one YAML document")
		return nil
	case !errors.Is(err, io.EOF):
		y.syntax(err, stoppedAfter(src.data))
		return nil
	}
	if root.Kind == yaml.DocumentNode && len(root.Content) == 1 {
		return y.value(root.Content[0], 0)
	}
	return &value{kind: kindObject, pos: src.pos(0)}
}

func validUTF8(src *source, r *report) bool {
	if utf8.Valid(src.data) {
		return true
	}
	offset := 0
	for offset < len(src.data) {
		c, size := utf8.DecodeRune(src.data[offset:])
		if c == utf8.RuneError && size == 1 {
			break
		}
		offset += size
	}
	pos := src.pos(offset)
	src.hide(pos)
	r.Add(pos, "syntax", "UTF-8", "save the file as UTF-8", "the file is not UTF-8")
	return false
}

// yamlReader turns nodes into values.
type yamlReader struct {
	lines  *yamlLines
	bounds bounds
	count  int
	// stopped is set once a bound was hit: one problem is enough.
	stopped bool
	r       *report
}

func (y *yamlReader) pos(n *yaml.Node) Pos { return y.lines.pos(n.Line, n.Column) }

// syntax reports what the library refused, after read bytes of the file.
func (y *yamlReader) syntax(err error, read int) {
	src := y.lines.src
	msg, line := strings.TrimPrefix(err.Error(), "yaml: "), 0
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(msg); m != nil {
		line, _ = strconv.Atoi(m[1])
		msg = msg[len(m[0]):]
	}
	pos := src.file()
	switch {
	case parserError(msg):
		pos = y.stoppedAt(read)
	case line > 0:
		pos = y.lines.pos(line, 1)
	}
	if pos.Line > 0 {
		pos = src.firstOf(pos.Line)
		if src.mayHoldSecret(pos.Line) {
			src.hide(pos)
		}
	}
	y.r.Add(pos, "syntax", "YAML", "", "this is not YAML: %s", msg)
}

// parserError reports the errors for which the library names the line at which
// the list or object began, and that counted from zero: its other errors bear
// the line of what is wrong.
func parserError(msg string) bool {
	switch msg {
	case "did not find expected key", "did not find expected '-' indicator",
		"did not find expected ',' or ']'", "did not find expected ',' or '}'",
		"did not find expected node content", "did not find expected <document start>":
		return true
	}
	return false
}

// stoppedAt is the place at which the library gave up, having read so many
// bytes: some tokens beyond what is wrong. That is on the line behind the last
// one up to which the file is YAML, brackets closed.
func (y *yamlReader) stoppedAt(read int) Pos {
	src := y.lines.src
	last := src.pos(read)
	const most = 16 // lines that the tokens may be apart
	for line := last.Line; line > max(0, last.Line-most); line-- {
		before := src.data[:src.starts[line-1]]
		if stoppedAfter(append(bytes.Clone(before), closing(before)...)) >= 0 {
			continue
		}
		for line < last.Line && src.saysNothing(line) {
			line++
		}
		for line > 1 && src.saysNothing(line) { // the end, which only shows that something is open
			line--
		}
		return src.pos(src.starts[line-1])
	}
	return last
}

// closing closes the brackets that are open at the end of a text. Those in text
// without quotes are counted too, which at worst gives a text that is no YAML.
func closing(data []byte) []byte {
	var open []byte
	var quote byte
	for i, c := range data {
		switch {
		case quote != 0:
			if c == quote && (quote == '\'' || data[i-1] != '\\') {
				quote = 0
			}
		case (c == '"' || c == '\'') && (i == 0 || bytes.IndexByte([]byte(" \t\n[{,:"), data[i-1]) >= 0):
			quote = c
		case c == '[':
			open = append(open, ']')
		case c == '{':
			open = append(open, '}')
		case (c == ']' || c == '}') && len(open) > 0:
			open = open[:len(open)-1]
		}
	}
	slices.Reverse(open)
	return open
}

// stoppedAfter is how much of a text is read until it is known to be no YAML;
// -1 where it is.
func stoppedAfter(data []byte) int {
	r := &countingReader{data: data}
	for dec := yaml.NewDecoder(r); ; {
		var n yaml.Node
		switch err := dec.Decode(&n); {
		case errors.Is(err, io.EOF):
			return -1
		case err != nil:
			return r.read
		}
	}
}

// countingReader gives a byte at a time, so that how far it was read says where
// its reader stopped.
type countingReader struct {
	data []byte
	read int
}

func (c *countingReader) Read(p []byte) (int, error) {
	if c.read >= len(c.data) {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	p[0] = c.data[c.read]
	c.read++
	return 1, nil
}

// value converts n; nil when a bound was hit.
func (y *yamlReader) value(n *yaml.Node, depth int) *value {
	if y.count++; y.count > y.bounds.values || depth > y.bounds.depth {
		y.stop(n, depth)
	}
	if y.stopped {
		return nil
	}
	switch n.Kind {
	case yaml.AliasNode:
		return y.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		return y.list(n, depth)
	case yaml.MappingNode:
		return y.object(n, depth)
	default:
		return y.scalar(n)
	}
}

func (y *yamlReader) stop(n *yaml.Node, depth int) {
	if y.stopped {
		return
	}
	y.stopped = true
	if depth > y.bounds.depth {
		y.r.Add(y.pos(n), "too-large", fmt.Sprintf("at most %d levels", y.bounds.depth),
			"remove anchors that contain themselves", "the document is nested too deeply")
		return
	}
	y.r.Add(y.pos(n), "too-large", fmt.Sprintf("at most %d values", y.bounds.values),
		"write the values out instead of repeating anchors", "the document holds too many values")
}

func (y *yamlReader) list(n *yaml.Node, depth int) *value {
	y.plainTag(n, "!!seq")
	v := &value{kind: kindList, pos: y.pos(n)}
	for _, e := range n.Content {
		c := y.value(e, depth+1)
		if c == nil {
			return nil
		}
		v.list = append(v.list, c)
	}
	return v
}

func (y *yamlReader) object(n *yaml.Node, depth int) *value {
	y.plainTag(n, "!!map")
	v := &value{kind: kindObject, pos: y.pos(n)}
	seen := make(map[string]Pos, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, place := n.Content[i], y.pos(n.Content[i])
		c := y.value(n.Content[i+1], depth+1)
		switch {
		case c == nil:
			return nil
		case name.Kind != yaml.ScalarNode:
			y.r.Add(place, "syntax", "a name", "", "a name has to be text")
		case name.ShortTag() == "!!merge":
			y.r.Add(place, "syntax", "names and values written out", "write the merged values out",
				"merge keys are not part of YAML 1.2 and are not read")
		default:
			v.add(member{name: name.Value, pos: place, value: c}, seen, y.r)
		}
	}
	return v
}

func (y *yamlReader) scalar(n *yaml.Node) *value {
	v := &value{kind: kindText, pos: y.pos(n), text: n.Value}
	switch n.ShortTag() {
	case "!!str", "!!timestamp":
	case "!!int", "!!float":
		v.kind = kindNumber
	case "!!bool":
		v.kind = kindBoolean
	case "!!null":
		v.kind = kindNull
	default:
		y.tag(n)
	}
	return v
}

func (y *yamlReader) plainTag(n *yaml.Node, want string) {
	if n.ShortTag() != want {
		y.tag(n)
	}
}

func (y *yamlReader) tag(n *yaml.Node) {
	y.r.Add(y.pos(n), "syntax", "a value without a tag", "remove the tag",
		"the YAML tag %s is not read", n.ShortTag())
}
