package site

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
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
		y.syntax(err)
		return nil
	}
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case err == nil:
		r.Add(y.pos(&second), "syntax", "one document", `remove the line "---" and what follows`,
			"the file holds more than one YAML document")
		return nil
	case !errors.Is(err, io.EOF):
		y.syntax(err)
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

func (y *yamlReader) syntax(err error) {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	pos := y.lines.src.file()
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(msg); m != nil {
		line, _ := strconv.Atoi(m[1])
		pos = y.lines.pos(line, 1)
		msg = msg[len(m[0]):]
	}
	// A line that does not parse cannot be searched for secrets.
	y.lines.src.hide(pos)
	y.r.Add(pos, "syntax", "YAML", "", "this is not YAML: %s", msg)
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
