package emulator

import (
	"encoding/json"
	"fmt"
	"strings"
)

// chatRequest are the members of a request for chat completions that count
// here. Others are ignored.
type chatRequest struct {
	Model               string          `json:"model"`
	Messages            []chatMessage   `json:"messages"`
	Stream              bool            `json:"stream"`
	StreamOptions       *streamOptions  `json:"stream_options"`
	MaxTokens           *int            `json:"max_tokens"`
	MaxCompletionTokens *int            `json:"max_completion_tokens"`
	N                   *int            `json:"n"`
	Stop                list            `json:"stop"`
	Temperature         *float64        `json:"temperature"`
	TopP                *float64        `json:"top_p"`
	PresencePenalty     *float64        `json:"presence_penalty"`
	FrequencyPenalty    *float64        `json:"frequency_penalty"`
	Logprobs            bool            `json:"logprobs"`
	Tools               []chatTool      `json:"tools"`
	ToolChoice          json.RawMessage `json:"tool_choice"`
	ResponseFormat      *responseFormat `json:"response_format"`
	Seed                int64           `json:"seed"`
}

type streamOptions struct {
	IncludeUsage       bool  `json:"include_usage"`
	IncludeObfuscation *bool `json:"include_obfuscation"`
}

type chatMessage struct {
	Role       string     `json:"role"`
	Content    text       `json:"content"`
	Name       string     `json:"name"`
	ToolCalls  []toolCall `json:"tool_calls"`
	ToolCallID string     `json:"tool_call_id"`
}

type chatTool struct {
	Type     string   `json:"type"`
	Function function `json:"function"`
}

type responseFormat struct {
	Type       string      `json:"type"`
	JSONSchema *jsonSchema `json:"json_schema"`
}

type jsonSchema struct {
	Name   string          `json:"name"`
	Schema json.RawMessage `json:"schema"`
}

// maxChoices is the most that n may ask for.
const maxChoices = 128

// limit is the most tokens of one choice; 0: none.
func (r *chatRequest) limit() int {
	return orElse(r.MaxCompletionTokens, orElse(r.MaxTokens, 0))
}

// check finds what the service refuses.
func (r *chatRequest) check() error {
	if len(r.Messages) == 0 {
		return errMissing("messages")
	}
	for i, m := range r.Messages {
		param := fmt.Sprintf("messages[%d].role", i)
		switch m.Role {
		case "system", "developer", "user", "assistant", "tool", "function":
		case "":
			return errMissing(param)
		default:
			return requestError(fmt.Sprintf("Invalid value: '%s'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.", m.Role), param, "invalid_value")
		}
	}
	if r.MaxTokens != nil && r.MaxCompletionTokens != nil {
		return requestError("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.", "max_tokens", "invalid_parameter_combination")
	}
	for _, err := range []error{
		intIn("n", r.N, 1, maxChoices),
		intIn("max_tokens", r.MaxTokens, 1, maxTokens),
		intIn("max_completion_tokens", r.MaxCompletionTokens, 1, maxTokens),
		floatIn("temperature", r.Temperature, 0, 2),
		floatIn("top_p", r.TopP, 0, 1),
		floatIn("presence_penalty", r.PresencePenalty, -2, 2),
		floatIn("frequency_penalty", r.FrequencyPenalty, -2, 2),
	} {
		if err != nil {
			return err
		}
	}
	if r.StreamOptions != nil && !r.Stream {
		return requestError("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options", "")
	}
	return r.checkFormat()
}

// maxTokens is the most that a request may ask for: more than models can say.
const maxTokens = 1 << 20

func (r *chatRequest) checkFormat() error {
	f := r.ResponseFormat
	if f == nil {
		return nil
	}
	switch f.Type {
	case "text":
		return nil
	case "json_object":
		if !strings.Contains(strings.ToLower(r.prompt()), "json") {
			return requestError("'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.", "messages", "")
		}
		return nil
	case "json_schema":
		if f.JSONSchema == nil {
			return errMissing("response_format.json_schema")
		}
		return nil
	}
	return requestError(fmt.Sprintf("Invalid value: '%s'. Supported values are: 'json_object', 'json_schema', and 'text'.", f.Type), "response_format.type", "invalid_value")
}

// prompt is all text of the messages.
func (r *chatRequest) prompt() string {
	var b strings.Builder
	for _, m := range r.Messages {
		fmt.Fprintf(&b, "%s: %s\n", m.Role, m.Content)
		for _, t := range m.ToolCalls {
			fmt.Fprintf(&b, "%s(%s)\n", t.Function.Name, t.Function.Arguments)
		}
	}
	return b.String()
}

// promptTokens counts as the service does: three for each message and for the
// beginning of the answer, the texts, and the tools as JSON.
func (r *chatRequest) promptTokens() int {
	n := 3
	for _, m := range r.Messages {
		n += 3 + countTokens(m.Role) + countTokens(string(m.Content))
		if m.Name != "" {
			n += 1 + countTokens(m.Name)
		}
		for _, t := range m.ToolCalls {
			n += countTokens(t.Function.Name) + countTokens(t.Function.Arguments)
		}
	}
	for _, t := range r.Tools {
		n += countTokens(string(raw(t)))
	}
	return n
}

// question is what the answer is made from.
func (r *chatRequest) question(c *call) (*question, error) {
	q := &question{
		model: c.d.ModelID(), prompt: r.prompt(), seed: r.Seed, limit: r.limit(), length: c.knobs.LengthTokens, stop: r.Stop,
	}
	last := r.Messages[len(r.Messages)-1]
	for i := len(r.Messages) - 1; i >= 0 && q.last == ""; i-- {
		if r.Messages[i].Role == "user" {
			q.last = string(r.Messages[i].Content)
		}
	}
	var tools []function
	for _, t := range r.Tools {
		tools = append(tools, t.Function)
	}
	var err error
	if q.tool, err = chooseTool(tools, r.ToolChoice, last.Role == "user"); err != nil {
		return nil, err
	}
	if f := r.ResponseFormat; f != nil && f.Type != "text" {
		q.schema = json.RawMessage("{}")
		if f.JSONSchema != nil && len(f.JSONSchema.Schema) > 0 {
			q.schema = f.JSONSchema.Schema
		}
	}
	return q, nil
}

// chooseTool returns the function that the answer calls: the one that is
// demanded, or the first where any is demanded or where the model may choose
// and has just been asked something. A tool's result is answered with text.
func chooseTool(tools []function, choice json.RawMessage, asked bool) (*function, error) {
	var mode string
	if len(choice) > 0 && json.Unmarshal(choice, &mode) != nil {
		var named struct {
			Name     string   `json:"name"`
			Function function `json:"function"`
		}
		if err := json.Unmarshal(choice, &named); err != nil {
			return nil, errType("tool_choice", "something else")
		}
		name := named.Name + named.Function.Name
		for i := range tools {
			if tools[i].Name == name {
				return &tools[i], nil
			}
		}
		return nil, requestError(fmt.Sprintf("Tool choice '%s' not found in 'tools' parameter.", name), "tool_choice", "")
	}
	switch {
	case mode != "" && mode != "none" && mode != "auto" && mode != "required":
		return nil, requestError(fmt.Sprintf("Invalid value: '%s'. Supported values are: 'none', 'auto', and 'required'.", mode), "tool_choice", "invalid_value")
	case len(tools) == 0 || mode == "none", mode != "required" && !asked:
		return nil, nil
	}
	return &tools[0], nil
}
