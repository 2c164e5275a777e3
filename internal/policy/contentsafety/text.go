package contentsafety

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Text is a text of a message, with where it stands: pieces of one place, such
// as one choice of an answer, belong together.
type Text struct {
	Place string
	Text  string
	// User: whoever calls has written it, and not the application.
	User bool
}

// Texts are all texts of a body of the model API, in its order. Every string in
// it is one, whatever the member that holds it, but for those that only say what
// kind of thing stands there: what is not known may well reach the model. ok is
// false where the body is neither JSON nor text.
func Texts(body []byte) (texts []Text, ok bool) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, true
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		if !utf8.Valid(body) {
			return nil, false
		}
		return []Text{{Text: string(body), User: true}}, true
	}
	c := collector{}
	c.value(v, "", "", true)
	return c.texts, true
}

type collector struct{ texts []Text }

// silent are members whose strings say what kind of thing stands there, or name
// one.
func silent(name string) bool {
	switch name {
	case "type", "role", "object", "model", "id", "call_id", "tool_call_id", "item_id", "response_id", "previous_response_id",
		"encoding_format", "detail", "finish_reason", "status", "system_fingerprint", "service_tier", "event_id":
		return true
	}
	return false
}

func (c *collector) value(v any, name, place string, user bool) {
	switch v := v.(type) {
	case string:
		// Pictures and sounds are no text.
		if v != "" && !silent(name) && !strings.HasPrefix(v, "data:") {
			c.texts = append(c.texts, Text{Place: place, Text: v, User: user})
		}
	case []any:
		for _, e := range v {
			c.value(e, name, place, user)
		}
	case map[string]any:
		if role, ok := v["role"].(string); ok {
			user = role == "user"
		}
		for _, index := range []string{"index", "output_index", "content_index"} {
			if n, ok := v[index].(json.Number); ok {
				place += "/" + n.String()
			}
		}
		names := make([]string, 0, len(v))
		for k := range v {
			names = append(names, k)
		}
		slices.Sort(names)
		for _, k := range names {
			// Names of members may be anything too, in arguments of tools.
			if len(k) > longestName {
				c.texts = append(c.texts, Text{Place: place, Text: k, User: user})
			}
			c.value(v[k], k, place+"."+k, user && k != "tools" && k != "functions" && k != "instructions")
		}
	}
}

// longestName is how long the name of a member may be that says nothing.
const longestName = 64

// Windows cuts a text into pieces of at most size characters, each of which
// begins overlap characters before the end of the one before.
func Windows(text string, size, overlap int) []string {
	overlap = min(overlap, size/2)
	var out []string
	for {
		end, count := 0, 0
		back := 0
		for end < len(text) && count < size {
			if count == size-overlap {
				back = end
			}
			_, n := utf8.DecodeRuneInString(text[end:])
			end += n
			count++
		}
		out = append(out, text[:end])
		if end == len(text) {
			return out
		}
		if back == 0 {
			back = end
		}
		text = text[back:]
	}
}

// eventTexts are the texts of one server-sent event.
func eventTexts(event []byte) []Text {
	var data []byte
	for line := range bytes.SplitSeq(bytes.ReplaceAll(event, []byte("\r\n"), []byte("\n")), []byte("\n")) {
		for part := range bytes.SplitSeq(line, []byte("\r")) {
			value, ok := bytes.CutPrefix(part, []byte("data:"))
			if !ok {
				continue
			}
			if len(data) > 0 {
				data = append(data, '\n')
			}
			data = append(data, bytes.TrimPrefix(value, []byte(" "))...)
		}
	}
	if len(data) == 0 || string(data) == "[DONE]" {
		return nil
	}
	texts, ok := Texts(data)
	if !ok {
		return []Text{{Text: strconv.QuoteToASCII(string(data))}}
	}
	return texts
}
