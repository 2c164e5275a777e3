package emulator

// The shapes of a chunk, members in the service's order.
type chatChunk struct {
	Choices     []chunkChoice  `json:"choices"`
	Created     int64          `json:"created"`
	ID          string         `json:"id"`
	Model       string         `json:"model"`
	Object      string         `json:"object"`
	Filters     []promptFilter `json:"prompt_filter_results,omitempty"`
	Fingerprint string         `json:"system_fingerprint,omitempty"`
	// Usage is null in chunks between the first and the last where it was asked for, and
	// missing where it was not.
	Usage **usage `json:"usage,omitempty"`
}

type chunkChoice struct {
	// Filters are {} in chunks without text.
	Filters  any       `json:"content_filter_results"`
	Delta    delta     `json:"delta"`
	Finish   *string   `json:"finish_reason"`
	Index    int       `json:"index"`
	Logprobs *logprobs `json:"logprobs"`
}

type delta struct {
	// Content and Refusal are null where they point to nil.
	Content   **string   `json:"content,omitempty"`
	Refusal   **string   `json:"refusal,omitempty"`
	Role      string     `json:"role,omitempty"`
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
}

// present is a string that is written even where it is empty.
func present(s string) **string {
	p := &s
	return &p
}

// stream writes chunks: the prompt's filter results, each choice's role, the
// tokens of all choices in turn, each choice's end, the usage, the end.
func (w *chatWriter) stream() error {
	e, err := w.c.begin()
	if err != nil {
		return err
	}
	if err := e.send("", chatChunk{Choices: []chunkChoice{}, Filters: promptFilters(1)}); err != nil {
		return err
	}
	longest := 0
	for i, a := range w.answers {
		longest = max(longest, len(a.tokens))
		if err := w.chunk(e, i, struct{}{}, w.opening(a), "", nil); err != nil {
			return err
		}
	}
	for t := range longest {
		if err := w.tokens(e, t); err != nil {
			return err
		}
	}
	for i, a := range w.answers {
		var results any = struct{}{}
		if a.finish == finishFilter {
			results = a.filterResult()
		}
		if err := w.chunk(e, i, results, delta{}, a.finish, nil); err != nil {
			return err
		}
	}
	if err := w.sendUsage(e); err != nil {
		return err
	}
	return e.done()
}

// opening is a choice's first delta: the role, and the name of the function
// that is called.
func (w *chatWriter) opening(a *answer) delta {
	d := delta{Content: present(""), Refusal: nullable(""), Role: "assistant"}
	if a.tool != "" {
		d.Content = nullable("")
		d.ToolCalls = []toolCall{{Index: new(int), ID: w.s.completionID("call_"), Type: "function", Function: functionCall{Name: a.tool}}}
	}
	return d
}

// tokens writes the t-th token of every choice that has one.
func (w *chatWriter) tokens(e *events, t int) error {
	for i, a := range w.answers {
		if t >= len(a.tokens) {
			continue
		}
		if err := e.pace(); err != nil {
			return err
		}
		d := delta{Content: present(a.tokens[t])}
		var results any = safeChoice()
		if a.tool != "" {
			d = delta{ToolCalls: []toolCall{{Index: new(int), Function: functionCall{Arguments: a.tokens[t]}}}}
			results = struct{}{}
		}
		var p *logprobs
		if w.req.Logprobs {
			p = logprobsOf(a.tokens[t : t+1])
		}
		if err := w.chunk(e, i, results, d, "", p); err != nil {
			return err
		}
	}
	return nil
}

// chunk writes one choice's chunk.
func (w *chatWriter) chunk(e *events, index int, results any, d delta, finish string, p *logprobs) error {
	choice := chunkChoice{Filters: results, Delta: d, Index: index, Logprobs: p}
	if finish != "" {
		choice.Finish = &finish
	}
	return e.send("", w.frame([]chunkChoice{choice}, w.noUsage()))
}

func (w *chatWriter) frame(choices []chunkChoice, u **usage) chatChunk {
	return chatChunk{
		Choices: choices, Created: w.created, ID: w.id, Model: w.c.d.ModelID(),
		Object: "chat.completion.chunk", Fingerprint: fingerprint, Usage: u,
	}
}

func (w *chatWriter) wantsUsage() bool {
	return w.req.StreamOptions != nil && w.req.StreamOptions.IncludeUsage
}

// noUsage is the usage of a chunk that has none.
func (w *chatWriter) noUsage() **usage {
	if !w.wantsUsage() {
		return nil
	}
	return new(*usage)
}

func (w *chatWriter) sendUsage(e *events) error {
	if !w.wantsUsage() {
		return nil
	}
	u := &w.usage
	return e.send("", w.frame([]chunkChoice{}, &u))
}
