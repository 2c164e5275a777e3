package simulate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/cloister-ai/cloister/internal/site"
)

// FileError says what is wrong with a description, and where.
type FileError struct {
	// File is its name; empty: who reads it knows.
	File string
	// Line and Column count from 1; 0: not known.
	Line, Column int
	// What is the kind of description: "context", "responses", "expectation"; empty: a
	// test file itself.
	What string
	// Text is what is wrong, Mend what would help; Mend may be empty.
	Text, Mend string

	// path is the place in a context.
	path string
}

func (e *FileError) Error() string {
	var b strings.Builder
	switch {
	case e.File != "" && e.Line == 0:
		b.WriteString(e.File + ": ")
	case e.File != "" && e.Column == 0:
		fmt.Fprintf(&b, "%s:%d: ", e.File, e.Line)
	case e.File != "":
		fmt.Fprintf(&b, "%s:%d:%d: ", e.File, e.Line, e.Column)
	}
	if e.What != "" {
		b.WriteString("the " + e.What + ": ")
	}
	b.WriteString(e.Text)
	if e.Mend != "" {
		b.WriteString("; mend: " + e.Mend)
	}
	return b.String()
}

// in says of which file, and of what in it, an error is.
func in(file, what string, err error) error {
	var e *FileError
	if !errors.As(err, &e) {
		return err
	}
	out := *e
	out.File = file
	if out.What == "" {
		out.What = what
	}
	return &out
}

// wrong is what is wrong at a node.
func wrong(n *yaml.Node, mend, format string, args ...any) error {
	return &FileError{Line: n.Line, Column: n.Column, Text: fmt.Sprintf(format, args...), Mend: mend}
}

// Bounds of a description, with what aliases stand for.
const (
	maxNodes = 200_000
	maxDepth = 200
)

// readYAML reads the one document of a file. Nothing is nil.
func readYAML(data []byte) (*yaml.Node, error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var root, second yaml.Node
	if err := d.Decode(&root); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &FileError{Text: "the file is empty"}
		}
		return nil, yamlError(err)
	}
	switch err := d.Decode(&second); {
	case err == nil:
		return nil, wrong(&second, "put its tests into a file of their own", "a second document begins here; a file holds one")
	case !errors.Is(err, io.EOF):
		return nil, yamlError(err)
	}
	return root.Content[0], bounded(root.Content[0])
}

// bounded refuses what would be endless, or nearly, with its aliases.
func bounded(root *yaml.Node) error {
	nodes := 0
	var see func(n *yaml.Node, depth int) error
	see = func(n *yaml.Node, depth int) error {
		if nodes++; nodes > maxNodes || depth > maxDepth {
			return wrong(root, "", "there are more than %d values in the file, or more than %d in one another", maxNodes, maxDepth)
		}
		if n.Kind == yaml.AliasNode {
			return see(n.Alias, depth+1)
		}
		for _, k := range n.Content {
			if err := see(k, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return see(root, 0)
}

// yamlError is an error of the parser, which knows the line at best.
func yamlError(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	e := &FileError{Text: text}
	if m := regexp.MustCompile(`^line (\d+): (.*)$`).FindStringSubmatch(text); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Text = m[2]
	}
	return e
}

// readJSON reads a JSON text as the tree that YAML of it would be.
func readJSON(data []byte) (*yaml.Node, error) {
	if err := json.Unmarshal(data, new(json.RawMessage)); err != nil {
		e := &FileError{Text: "this is not JSON: " + err.Error()}
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			e.Line, e.Column = position(data, max(int(syntax.Offset)-1, 0))
		}
		return nil, e
	}
	r := &jsonReader{data: data, d: json.NewDecoder(bytes.NewReader(data))}
	r.d.UseNumber()
	n, err := r.value()
	if err != nil {
		return nil, err
	}
	return n, bounded(n)
}

// position is where an offset stands, by lines and bytes from 1.
func position(data []byte, offset int) (line, column int) {
	before := data[:min(offset, len(data))]
	return bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')
}

type jsonReader struct {
	data []byte
	d    *json.Decoder
	// line is that of seen, to count each line once.
	line, begins, seen int
}

// here makes the node of what comes next.
func (r *jsonReader) here() *yaml.Node {
	at := int(r.d.InputOffset())
	for at < len(r.data) && strings.IndexByte(" \t\r\n,:", r.data[at]) >= 0 {
		at++
	}
	for i := r.seen; i < at; i++ {
		if r.data[i] == '\n' {
			r.line, r.begins = r.line+1, i+1
		}
	}
	r.seen = at
	return &yaml.Node{Line: r.line + 1, Column: at - r.begins + 1}
}

func (r *jsonReader) value() (*yaml.Node, error) {
	n := r.here()
	token, err := r.d.Token()
	if err != nil {
		return nil, wrong(n, "", "this is not JSON: %v", err)
	}
	n.Kind = yaml.ScalarNode
	switch v := token.(type) {
	case nil:
		n.Tag, n.Value = "!!null", "null"
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(v)
	case string:
		n.Tag, n.Value = "!!str", v
	case json.Number:
		n.Tag, n.Value = "!!float", v.String()
		if !strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!int"
		}
	case json.Delim:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		if v == '[' {
			n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		}
		for r.d.More() {
			k, err := r.value() // a name is a string like others
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, k)
		}
		if _, err := r.d.Token(); err != nil {
			return nil, wrong(n, "", "this is not JSON: %v", err)
		}
	}
	return n, nil
}

// kindOf names what stands somewhere.
func kindOf(n *yaml.Node) string {
	switch n = resolved(n); {
	case n.Kind == yaml.MappingNode:
		return "an object"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "null"
	}
	return strconv.Quote(n.Value)
}

// resolved is what an alias stands for.
func resolved(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// isNull: nothing stands there.
func isNull(n *yaml.Node) bool {
	if n == nil {
		return true
	}
	n = resolved(n)
	return n.Kind == 0 || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// pair is a member of an object.
type pair struct{ key, value *yaml.Node }

// pairs are the members of an object, those of "<<" with them.
func pairs(n *yaml.Node) ([]pair, error) {
	o := resolved(n)
	if o.Kind != yaml.MappingNode {
		return nil, wrong(n, "", "%s where an object belongs", kindOf(n))
	}
	var own, merged []pair
	for i := 0; i+1 < len(o.Content); i += 2 {
		key, value := o.Content[i], o.Content[i+1]
		if key.ShortTag() == "!!merge" {
			from := []*yaml.Node{value}
			if list := resolved(value); list.Kind == yaml.SequenceNode {
				from = list.Content
			}
			for _, f := range from {
				more, err := pairs(f)
				if err != nil {
					return nil, err
				}
				merged = append(merged, more...)
			}
			continue
		}
		if key = resolved(key); key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" {
			mend := ""
			if key.Kind == yaml.ScalarNode {
				mend = strconv.Quote(key.Value)
			}
			return nil, wrong(key, mend, "the name of a member is a text, not %s", strings.Trim(kindOf(key), `"`))
		}
		if holds(own, key.Value) {
			return nil, wrong(key, "remove one of them", "%q is given twice", key.Value)
		}
		own = append(own, pair{key, value})
	}
	for _, p := range merged {
		if !holds(own, p.key.Value) {
			own = append(own, p)
		}
	}
	return own, nil
}

func holds(all []pair, name string) bool {
	return slices.ContainsFunc(all, func(p pair) bool { return p.key.Value == name })
}

// field is a member that an object may have.
type field struct {
	name string
	read func(*yaml.Node) error
}

// object reads an object that has no member nobody knows.
func object(n *yaml.Node, fields ...field) error {
	all, err := pairs(n)
	if err != nil {
		return err
	}
	for _, p := range all {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == p.key.Value })
		if i < 0 {
			var known []string
			for _, f := range fields {
				known = append(known, f.name)
			}
			mend := site.Nearest(p.key.Value, known)
			if mend == "" {
				mend = "one of " + strings.Join(known, ", ")
			}
			return wrong(p.key, mend, "%q is not known here", p.key.Value)
		}
		if err := fields[i].read(p.value); err != nil {
			return err
		}
	}
	return nil
}

// each reads the items of a list.
func each(n *yaml.Node, read func(*yaml.Node) error) error {
	list := resolved(n)
	if list.Kind != yaml.SequenceNode {
		return wrong(n, "", "%s where a list belongs", kindOf(n))
	}
	for _, k := range list.Content {
		if err := read(k); err != nil {
			return err
		}
	}
	return nil
}

// named reads the members of an object whose names are anything.
func named(n *yaml.Node, read func(name string, value *yaml.Node) error) error {
	all, err := pairs(n)
	if err != nil {
		return err
	}
	for _, p := range all {
		if err := read(p.key.Value, p.value); err != nil {
			return err
		}
	}
	return nil
}

// scalar is a text, a number or a boolean as it is written.
func scalar(n *yaml.Node) (string, error) {
	if s := resolved(n); s.Kind == yaml.ScalarNode && !isNull(s) {
		return s.Value, nil
	}
	return "", wrong(n, "", "%s where a text belongs", kindOf(n))
}

func readText(into *string) func(*yaml.Node) error {
	return func(n *yaml.Node) (err error) {
		*into, err = scalar(n)
		return err
	}
}

func readBool(into *bool) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		s := resolved(n)
		if s.ShortTag() != "!!bool" || s.Decode(into) != nil {
			return wrong(n, "", "%s where true or false belongs", kindOf(n))
		}
		return nil
	}
}

func readInt(into *int, least, most int) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		s := resolved(n)
		if s.ShortTag() != "!!int" || s.Decode(into) != nil || *into < least || *into > most {
			return wrong(n, fmt.Sprintf("a number from %d to %d", least, most), "%s where a whole number belongs", strings.Trim(kindOf(n), `"`))
		}
		return nil
	}
}

// readSpan takes a duration of Go.
func readSpan(into *time.Duration) func(*yaml.Node) error {
	return func(n *yaml.Node) (err error) {
		s := resolved(n)
		if *into, err = time.ParseDuration(s.Value); s.Kind != yaml.ScalarNode || err != nil || *into < 0 {
			return wrong(n, "a time from 0 on, or none", `%s is no duration, such as "1.5s"`, strings.Trim(kindOf(n), `"`))
		}
		return nil
	}
}

// toJSON is a value as JSON; nothing for none. Members keep their order, and
// numbers their digits.
func toJSON(n *yaml.Node) ([]byte, error) {
	if n == nil || n.Kind == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	if err := writeJSON(&b, n); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func writeJSON(b *bytes.Buffer, n *yaml.Node) error {
	switch o := resolved(n); o.Kind {
	case yaml.MappingNode:
		all, err := pairs(o)
		if err != nil {
			return err
		}
		b.WriteByte('{')
		for i, p := range all {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(jsonText(p.key.Value))
			b.WriteByte(':')
			if err := writeJSON(b, p.value); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, k := range o.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeJSON(b, k); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	default:
		text, err := scalarJSON(o)
		if err != nil {
			return err
		}
		b.Write(text)
	}
	return nil
}

func scalarJSON(n *yaml.Node) ([]byte, error) {
	switch n.ShortTag() {
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return []byte(n.Value), nil
		}
	case "!!null", "!!bool", "!!binary":
	default:
		return jsonText(n.Value), nil
	}
	var v any
	err := n.Decode(&v)
	if err == nil {
		var text []byte
		if text, err = json.Marshal(v); err == nil {
			return text, nil
		}
	}
	return nil, wrong(n, "quote it, if a text is meant", "JSON has no value %s", n.Value)
}

// jsonText is a text as JSON, "<" and "&" as they are.
func jsonText(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // of a string it does not fail
	return bytes.TrimRight(b.Bytes(), "\n")
}

// find is the value that a path of JSON leads to, such as request.headers, or the
// nearest around it.
func find(n *yaml.Node, path string) *yaml.Node {
	for _, name := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		o := resolved(n)
		if i, err := strconv.Atoi(name); err == nil && o.Kind == yaml.SequenceNode && i < len(o.Content) {
			n = o.Content[i]
			continue
		}
		if o.Kind != yaml.MappingNode {
			return n
		}
		all, err := pairs(o)
		i := slices.IndexFunc(all, func(p pair) bool { return p.key.Value == name })
		if err != nil || i < 0 {
			return n
		}
		if n = all[i].value; path == name || strings.HasSuffix(path, "."+name) {
			return all[i].key
		}
	}
	return n
}
