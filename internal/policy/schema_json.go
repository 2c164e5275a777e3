package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxJSONDepth is how deep a body may nest that a schema is held against.
	maxJSONDepth = 64
	// maxNumber is how long a number may be, and how large its exponent.
	maxNumber, maxExponent = 256, 1000
)

// sentence is an error in words for callers.
type sentence string

func (s sentence) Error() string { return string(s) }

// decodeJSON reads one JSON value. What two readers could take for different
// values is refused: a name that stands twice in an object, text that is not
// UTF-8, something behind the value.
func decodeJSON(content []byte) (any, error) {
	if !utf8.Valid(content) {
		return nil, sentence("The text is not UTF-8.")
	}
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(content, []byte("\ufeff"))))
	d.UseNumber()
	v, err := decodeValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, sentence("Additional text found after the JSON value.")
	}
	return v, nil
}

func decodeValue(d *json.Decoder, depth int) (any, error) {
	if depth > maxJSONDepth {
		return nil, sentence(fmt.Sprintf("The JSON is nested deeper than %d levels.", maxJSONDepth))
	}
	t, err := d.Token()
	if err != nil {
		return nil, notJSON(d)
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return decodeObject(d, depth)
		}
		out := []any{}
		for d.More() {
			v, err := decodeValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		if _, err := d.Token(); err != nil {
			return nil, notJSON(d)
		}
		return out, nil
	case json.Number:
		return t, goodNumber(string(t))
	}
	return t, nil
}

func decodeObject(d *json.Decoder, depth int) (any, error) {
	out := map[string]any{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, notJSON(d)
		}
		if _, twice := out[name]; twice {
			return nil, sentence(fmt.Sprintf("The property '%s' stands twice in one object.", shortList([]string{name})))
		}
		if out[name], err = decodeValue(d, depth+1); err != nil {
			return nil, err
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, notJSON(d)
	}
	return out, nil
}

// goodNumber refuses numbers that take more work than they are worth.
func goodNumber(s string) error {
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		if e, err := strconv.Atoi(s[i+1:]); err != nil || e > maxExponent || e < -maxExponent {
			return sentence("A number is too large.")
		}
	}
	if len(s) > maxNumber {
		return sentence("A number is too long.")
	}
	return nil
}

func notJSON(d *json.Decoder) error {
	return sentence(fmt.Sprintf("The text is not JSON after its first %d bytes.", d.InputOffset()))
}

// folded is a value with the names of properties in lower case. Two that differ
// in case only are an error: nobody knows which one counts.
func folded(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, inner := range v {
			f, err := folded(inner)
			if err != nil {
				return nil, err
			}
			name = strings.ToLower(name)
			if _, twice := out[name]; twice {
				return nil, sentence(fmt.Sprintf("The property '%s' stands twice in one object.", shortList([]string{name})))
			}
			out[name] = f
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			f, err := folded(inner)
			if err != nil {
				return nil, err
			}
			out[i] = f
		}
		return out, nil
	}
	return v, nil
}

// placeIn is the line and the position, in bytes, where a part of a JSON text
// has been begun to read: behind the first token of its value. The text is known
// to be JSON.
func placeIn(content []byte, path []string) (line, position int) {
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber()
	end := seek(d, path)
	before := content[:min(int(end), len(content))]
	return 1 + bytes.Count(before, []byte("\n")), len(before) - 1 - bytes.LastIndexByte(before, '\n')
}

// seek reads to the value at a path and returns where its first token ends.
func seek(d *json.Decoder, path []string) int64 {
	t, err := d.Token()
	if err != nil || len(path) == 0 {
		return d.InputOffset()
	}
	delim, ok := t.(json.Delim)
	if !ok {
		return d.InputOffset()
	}
	for i := 0; d.More(); i++ {
		name := strconv.Itoa(i)
		if delim == '{' {
			t, _ := d.Token()
			name, _ = t.(string)
		}
		if name == path[0] || delim == '{' && strings.EqualFold(name, path[0]) {
			return seek(d, path[1:])
		}
		var skipped json.RawMessage
		if d.Decode(&skipped) != nil {
			break
		}
	}
	return d.InputOffset()
}

// encodeJSON is a value as JSON, with "<", ">" and "&" as they are.
func encodeJSON(v any) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return nil
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
