package openai

import (
	"encoding/json"
	"slices"
	"strings"
)

// Prompt is a request to a model in words, apart from what else it asks for.
type Prompt struct {
	// Text is what is said, a line "role: words" for each message.
	Text string
	// Messages is how many there are, those that were left out not counted.
	Messages int
	// Rest are the members of the body that are not in Text, as JSON with sorted
	// names: model, temperature, tools, stream, …
	Rest []byte
}

// ReadPrompt reads a body that [ScanRequest] accepts: of chats (messages; with
// Anthropic's system), of responses (input, instructions) and of completions
// (prompt); path says which of them it is. IgnoreSystem leaves out what the system
// and the developer say. It is false for whatever is more than words: pictures,
// sounds, files, calls of tools, and what the service remembers from before.
func ReadPrompt(path string, body []byte, ignoreSystem bool) (Prompt, bool) {
	if _, err := ScanRequest(body); err != nil {
		return Prompt{}, false
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return Prompt{}, false
	}
	p := promptReader{ignoreSystem: ignoreSystem}
	path = strings.TrimSuffix(path, "/")
	switch {
	case members["messages"] != nil:
		p.system(take(members, "system"))
		p.list(take(members, "messages"))
	case members["input"] != nil && strings.HasSuffix(path, "/responses"):
		for _, name := range [...]string{"previous_response_id", "conversation", "background", "prompt"} {
			if raw := take(members, name); raw != nil && string(raw) != "null" && string(raw) != "false" {
				return Prompt{}, false
			}
		}
		p.system(take(members, "instructions"))
		if input := take(members, "input"); len(input) > 0 && input[0] == '"' {
			p.words("user", input)
		} else {
			p.list(input)
		}
	case members["prompt"] != nil && strings.HasSuffix(path, "/completions"):
		p.words("user", take(members, "prompt"))
	default:
		return Prompt{}, false
	}
	rest, err := json.Marshal(members)
	if err != nil || p.more || p.messages == 0 {
		return Prompt{}, false
	}
	return Prompt{Text: p.text.String(), Messages: p.messages, Rest: rest}, true
}

func take(members map[string]json.RawMessage, name string) json.RawMessage {
	raw := members[name]
	delete(members, name)
	return raw
}

// promptReader collects words.
type promptReader struct {
	ignoreSystem bool
	text         strings.Builder
	messages     int
	// more: something was more than words.
	more bool
}

// system is what stands beside the messages for the system.
func (p *promptReader) system(raw json.RawMessage) {
	if raw != nil && string(raw) != "null" {
		p.words("system", raw)
	}
}

func (p *promptReader) list(raw json.RawMessage) {
	var messages []map[string]json.RawMessage
	if json.Unmarshal(raw, &messages) != nil {
		p.more = true
		return
	}
	for _, m := range messages {
		var role, kind string
		if raw := m["role"]; raw == nil || json.Unmarshal(raw, &role) != nil {
			p.more = true
		}
		if raw := m["type"]; raw != nil && (json.Unmarshal(raw, &kind) != nil || kind != "message") {
			p.more = true
		}
		for name := range m {
			if name != "role" && name != "content" && name != "type" {
				p.more = true
			}
		}
		if !slices.Contains([]string{"system", "developer", "user", "assistant"}, role) {
			p.more = true
		}
		p.words(role, m["content"])
	}
}

// words is the content of a message: a text, or parts that are texts.
func (p *promptReader) words(role string, raw json.RawMessage) {
	if p.more || p.ignoreSystem && (role == "system" || role == "developer") {
		return
	}
	var text string
	if json.Unmarshal(raw, &text) == nil && len(raw) > 0 && raw[0] == '"' {
		p.say(role, text)
		return
	}
	var parts []map[string]json.RawMessage
	if json.Unmarshal(raw, &parts) != nil || len(parts) == 0 {
		p.more = true
		return
	}
	var all []string
	for _, part := range parts {
		var kind, text string
		if len(part) != 2 || json.Unmarshal(part["type"], &kind) != nil || json.Unmarshal(part["text"], &text) != nil ||
			!slices.Contains([]string{"text", "input_text", "output_text"}, kind) {
			p.more = true
			return
		}
		all = append(all, text)
	}
	p.say(role, strings.Join(all, "\n"))
}

func (p *promptReader) say(role, text string) {
	if p.messages > 0 {
		p.text.WriteByte('\n')
	}
	p.messages++
	p.text.WriteString(role + ": " + text)
}
