package emulator

import (
	"encoding/json"
	"fmt"
	"strings"
)

// responseRequest are the members of a request for a response that count here.
type responseRequest struct {
	Model             string            `json:"model"`
	Input             responseInput     `json:"input"`
	Instructions      *string           `json:"instructions"`
	PreviousID        *string           `json:"previous_response_id"`
	Stream            bool              `json:"stream"`
	StreamOptions     *streamOptions    `json:"stream_options"`
	Store             *bool             `json:"store"`
	Background        bool              `json:"background"`
	MaxOutputTokens   *int              `json:"max_output_tokens"`
	Temperature       *float64          `json:"temperature"`
	TopP              *float64          `json:"top_p"`
	Tools             []json.RawMessage `json:"tools"`
	ToolChoice        json.RawMessage   `json:"tool_choice"`
	ParallelToolCalls *bool             `json:"parallel_tool_calls"`
	Text              *textOptions      `json:"text"`
	Metadata          map[string]string `json:"metadata"`
	User              *string           `json:"user"`
}

type textOptions struct {
	Format json.RawMessage `json:"format"`
}

// responseInput is a text, or a list of items.
type responseInput []inputItem

// inputItem is an item of the input, kept as it came.
type inputItem struct {
	raw     json.RawMessage
	kind    string
	role    string
	content string
}

func (in *responseInput) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		item := inputItem{kind: "message", role: "user"}
		if err := json.Unmarshal(b, &item.content); err != nil {
			return err
		}
		*in = responseInput{item}
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	for i, r := range list {
		item, err := readItem(r)
		if err != nil {
			return errType(fmt.Sprintf("input[%d]", i), "something else")
		}
		*in = append(*in, item)
	}
	return nil
}

func readItem(r json.RawMessage) (inputItem, error) {
	var f struct {
		Type      string `json:"type"`
		Role      string `json:"role"`
		Content   text   `json:"content"`
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
		Output    text   `json:"output"`
	}
	if err := json.Unmarshal(r, &f); err != nil {
		return inputItem{}, err
	}
	item := inputItem{raw: r, kind: f.Type, role: f.Role, content: string(f.Content + f.Output)}
	if item.kind == "" {
		item.kind = "message"
	}
	if f.Name != "" {
		item.content += f.Name + "(" + f.Arguments + ")"
	}
	return item, nil
}

func (r *responseRequest) check() error {
	if len(r.Input) == 0 && r.PreviousID == nil {
		return errMissing("input")
	}
	for _, err := range []error{
		intIn("max_output_tokens", r.MaxOutputTokens, 16, maxTokens),
		floatIn("temperature", r.Temperature, 0, 2), floatIn("top_p", r.TopP, 0, 1),
	} {
		if err != nil {
			return err
		}
	}
	if r.Background && r.Store != nil && !*r.Store {
		return requestError("Background mode requires 'store' to be true.", "background", "")
	}
	return nil
}

// functions are the tools that the emulator can call.
func (r *responseRequest) functions() []function {
	var out []function
	for _, t := range r.Tools {
		var f struct {
			Type string `json:"type"`
			function
		}
		if json.Unmarshal(t, &f) == nil && f.Type == "function" {
			out = append(out, f.function)
		}
	}
	return out
}

// conversation is the texts of earlier turns and of this one.
func (r *responseRequest) conversation(earlier string) string {
	var b strings.Builder
	b.WriteString(earlier)
	for _, i := range r.Input {
		fmt.Fprintf(&b, "%s: %s\n", i.role+strings.TrimPrefix(i.kind, "message"), i.content)
	}
	return b.String()
}

// question is what the answer is made from; talk is the conversation.
func (r *responseRequest) question(c *call, talk string) (*question, error) {
	q := &question{
		model: c.d.ModelID(), prompt: orElse(r.Instructions, "") + "\n" + talk,
		limit: orElse(r.MaxOutputTokens, 0), length: c.knobs.LengthTokens,
	}
	asked := false
	for _, i := range r.Input {
		if asked = i.kind == "message" && i.role == "user"; asked {
			q.last = i.content
		}
	}
	var err error
	if q.tool, err = chooseTool(r.functions(), r.ToolChoice, asked); err != nil {
		return nil, err
	}
	if r.Text == nil || len(r.Text.Format) == 0 {
		return q, nil
	}
	var format struct {
		Type   string          `json:"type"`
		Schema json.RawMessage `json:"schema"`
	}
	if err := json.Unmarshal(r.Text.Format, &format); err != nil {
		return nil, errType("text.format", "something else")
	}
	switch {
	case format.Type == "json_schema" && len(format.Schema) > 0:
		q.schema = format.Schema
	case strings.HasPrefix(format.Type, "json_"):
		q.schema = json.RawMessage("{}")
	}
	return q, nil
}
