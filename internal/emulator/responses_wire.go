package emulator

import "encoding/json"

// Statuses of responses and items.
const (
	statusQueued     = "queued"
	statusInProgress = "in_progress"
	statusCompleted  = "completed"
	statusIncomplete = "incomplete"
	statusCancelled  = "cancelled"
)

// response is a response of the Responses API.
type response struct {
	ID                string            `json:"id"`
	Object            string            `json:"object"`
	CreatedAt         int64             `json:"created_at"`
	Status            string            `json:"status"`
	Background        bool              `json:"background"`
	ContentFilters    []responseFilter  `json:"content_filters,omitempty"`
	Error             *struct{}         `json:"error"` // always null
	Incomplete        *incomplete       `json:"incomplete_details"`
	Instructions      *string           `json:"instructions"`
	MaxOutputTokens   *int              `json:"max_output_tokens"`
	MaxToolCalls      *int              `json:"max_tool_calls"` // always null
	Model             string            `json:"model"`
	Output            []outputItem      `json:"output"`
	ParallelToolCalls bool              `json:"parallel_tool_calls"`
	PreviousID        *string           `json:"previous_response_id"`
	Reasoning         reasoning         `json:"reasoning"`
	ServiceTier       string            `json:"service_tier"`
	Store             bool              `json:"store"`
	Temperature       float64           `json:"temperature"`
	Text              json.RawMessage   `json:"text"`
	ToolChoice        json.RawMessage   `json:"tool_choice"`
	Tools             []json.RawMessage `json:"tools"`
	TopLogprobs       int               `json:"top_logprobs"`
	TopP              float64           `json:"top_p"`
	Truncation        string            `json:"truncation"`
	Usage             *responseUsage    `json:"usage"`
	User              *string           `json:"user"`
	Metadata          map[string]string `json:"metadata"`
}

type reasoning struct {
	Effort  *string `json:"effort"`
	Summary *string `json:"summary"`
}

type incomplete struct {
	Reason string `json:"reason"`
}

// responseFilter is a result of the content filter for a prompt or an answer.
type responseFilter struct {
	Blocked    bool    `json:"blocked"`
	SourceType string  `json:"source_type"`
	Results    filters `json:"content_filter_results"`
}

// outputItem is a message or a function call. Members of the other kind are
// nil.
type outputItem struct {
	ID        string         `json:"id"`
	Type      string         `json:"type"`
	Status    string         `json:"status"`
	Content   *[]contentPart `json:"content,omitempty"`
	Role      string         `json:"role,omitempty"`
	Arguments *string        `json:"arguments,omitempty"`
	CallID    string         `json:"call_id,omitempty"`
	Name      string         `json:"name,omitempty"`
}

type contentPart struct {
	Type        string     `json:"type"`
	Annotations []struct{} `json:"annotations"`
	Logprobs    []struct{} `json:"logprobs"`
	Text        string     `json:"text"`
}

func outputText(s string) contentPart {
	return contentPart{Type: "output_text", Annotations: []struct{}{}, Logprobs: []struct{}{}, Text: s}
}

type responseUsage struct {
	InputTokens  int `json:"input_tokens"`
	InputDetails struct {
		CachedTokens int `json:"cached_tokens"`
	} `json:"input_tokens_details"`
	OutputTokens  int `json:"output_tokens"`
	OutputDetails struct {
		ReasoningTokens int `json:"reasoning_tokens"`
	} `json:"output_tokens_details"`
	TotalTokens int `json:"total_tokens"`
}

// skeleton is the response to a request before anything is said.
func (r *responseRequest) skeleton(s *OpenAI, c *call) *response {
	out := &response{
		ID: s.randomID("resp_"), Object: "response", CreatedAt: s.opt.Now().Unix(), Status: statusInProgress, Background: r.Background,
		Instructions: r.Instructions, MaxOutputTokens: r.MaxOutputTokens, Model: c.d.ModelID(), Output: []outputItem{},
		ParallelToolCalls: orElse(r.ParallelToolCalls, true), PreviousID: r.PreviousID, ServiceTier: "default", Store: orElse(r.Store, true),
		Temperature: orElse(r.Temperature, 1), TopP: orElse(r.TopP, 1), Truncation: "disabled",
		Text: json.RawMessage(`{"format":{"type":"text"}}`), ToolChoice: json.RawMessage(`"auto"`), Tools: r.Tools, User: r.User, Metadata: r.Metadata,
	}
	if r.Text != nil && len(r.Text.Format) > 0 {
		out.Text = raw(r.Text)
	}
	if len(r.ToolChoice) > 0 {
		out.ToolChoice = r.ToolChoice
	}
	if out.Tools == nil {
		out.Tools = []json.RawMessage{}
	}
	if out.Metadata == nil {
		out.Metadata = map[string]string{}
	}
	return out
}

// complete gives a response its answer.
func (out *response) complete(s *OpenAI, a *answer, inputTokens int) {
	out.Status = statusCompleted
	switch a.finish {
	case finishLength:
		out.Status, out.Incomplete = statusIncomplete, &incomplete{"max_output_tokens"}
	case finishFilter:
		out.Status, out.Incomplete = statusIncomplete, &incomplete{"content_filter"}
	}
	said := a.text()
	item := outputItem{Type: "message", Status: out.Status, Role: "assistant"}
	if a.tool != "" {
		item = outputItem{Type: "function_call", Status: out.Status, ID: s.randomID("fc_"), CallID: s.completionID("call_"), Name: a.tool, Arguments: &said}
	} else {
		item.ID = s.randomID("msg_")
		item.Content = &[]contentPart{outputText(said)}
	}
	out.Output = []outputItem{item}
	out.ContentFilters = []responseFilter{
		{SourceType: "prompt", Results: safePrompt()},
		{Blocked: a.finish == finishFilter, SourceType: "completion", Results: a.filterResult()},
	}
	out.Usage = &responseUsage{InputTokens: inputTokens, OutputTokens: len(a.tokens), TotalTokens: inputTokens + len(a.tokens)}
}
