package site

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// parseJSON reads one JSON document strictly: members that stand twice are an
// error, comments and trailing commas too. A byte order mark is skipped. It
// returns nil when the file cannot be read as a whole; problems say why.
func parseJSON(src *source, b bounds, r *report) *value {
	if b.tooLarge(src, r) || !validUTF8(src, r) {
		return nil
	}
	skip := bomLength(src.data)
	var raw json.RawMessage
	if err := json.Unmarshal(src.data[skip:], &raw); err != nil {
		pos := src.file()
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			pos = src.pos(skip + int(syntax.Offset) - 1)
		}
		// A line that does not parse cannot be searched for secrets.
		src.hide(pos)
		r.Add(pos, "syntax", "JSON", "", "this is not JSON: %s", err)
		return nil
	}
	j := &jsonReader{src: src, skip: skip, bounds: b, r: r}
	j.dec = json.NewDecoder(bytes.NewReader(src.data[skip:]))
	j.dec.UseNumber()
	return j.value(0)
}

// jsonReader turns tokens into values. The document is known to be valid.
type jsonReader struct {
	src     *source
	dec     *json.Decoder
	skip    int
	bounds  bounds
	count   int
	stopped bool
	r       *report
}

// next is the next token and its place.
func (j *jsonReader) next() (json.Token, Pos) {
	offset := j.skip + int(j.dec.InputOffset())
	for offset < len(j.src.data) && bytes.IndexByte([]byte(" \t\r\n,:"), j.src.data[offset]) >= 0 {
		offset++
	}
	token, err := j.dec.Token()
	if err != nil {
		// Cannot happen after the check of the whole document; to stop here
		// is the safe answer if it does.
		j.stopped = true
	}
	return token, j.src.pos(offset)
}

// value reads one value; nil when a bound was hit.
func (j *jsonReader) value(depth int) *value {
	token, pos := j.next()
	if j.count++; !j.stopped && (j.count > j.bounds.values || depth > j.bounds.depth) {
		j.stopped = true
		j.r.Add(pos, "too-large",
			fmt.Sprintf("at most %d values and %d levels", j.bounds.values, j.bounds.depth), "",
			"the document holds too many values")
	}
	if j.stopped {
		return nil
	}
	v := &value{pos: pos}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return j.object(v, depth)
		}
		return j.list(v, depth)
	case string:
		v.kind, v.text = kindText, t
	case json.Number:
		v.kind, v.text = kindNumber, t.String()
	case bool:
		v.kind, v.text = kindBoolean, fmt.Sprint(t)
	default:
		v.kind, v.text = kindNull, "null"
	}
	return v
}

func (j *jsonReader) list(v *value, depth int) *value {
	v.kind = kindList
	for j.dec.More() {
		c := j.value(depth + 1)
		if c == nil {
			return nil
		}
		v.list = append(v.list, c)
	}
	j.next()
	return v
}

func (j *jsonReader) object(v *value, depth int) *value {
	v.kind = kindObject
	seen := map[string]Pos{}
	for j.dec.More() {
		name, pos := j.next()
		c := j.value(depth + 1)
		if c == nil {
			return nil
		}
		text, _ := name.(string)
		v.add(member{name: text, pos: pos, value: c}, seen, j.r)
	}
	j.next()
	return v
}
