package emulator

import "net/http"

// completionRequest are the members of a request for (legacy) completions that
// count here.
type completionRequest struct {
	Model         string         `json:"model"`
	Prompt        inputs         `json:"prompt"`
	Stream        bool           `json:"stream"`
	StreamOptions *streamOptions `json:"stream_options"`
	MaxTokens     *int           `json:"max_tokens"`
	N             *int           `json:"n"`
	Stop          list           `json:"stop"`
	Echo          bool           `json:"echo"`
	Temperature   *float64       `json:"temperature"`
	TopP          *float64       `json:"top_p"`
	Seed          int64          `json:"seed"`
}

type completion struct {
	Choices []completionChoice `json:"choices"`
	Created int64              `json:"created"`
	ID      string             `json:"id"`
	Model   string             `json:"model"`
	Object  string             `json:"object"`
	Filters []promptFilter     `json:"prompt_filter_results,omitempty"`
	Usage   *usage             `json:"usage,omitempty"`
}

type completionChoice struct {
	Filters  any     `json:"content_filter_results"`
	Finish   *string `json:"finish_reason"`
	Index    int     `json:"index"`
	Logprobs *int    `json:"logprobs"` // always null
	Text     string  `json:"text"`
}

// defaultCompletion is max_tokens where a request for completions has none.
const defaultCompletion = 16

func (r *completionRequest) check() error {
	if len(r.Prompt) == 0 {
		r.Prompt = inputs{{text: "<|endoftext|>", tokens: 1}} // what no prompt means
	}
	if len(r.Prompt) > maxPrompts {
		return requestError("Invalid 'prompt': too many prompts.", "prompt", "array_above_max_length")
	}
	for _, err := range []error{
		intIn("n", r.N, 1, maxChoices), intIn("max_tokens", r.MaxTokens, 0, maxTokens),
		floatIn("temperature", r.Temperature, 0, 2), floatIn("top_p", r.TopP, 0, 1),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// maxPrompts is the most prompts of one request.
const maxPrompts = 20

// completions answers completions.
func (s *OpenAI) completions(c *call) error {
	var req completionRequest
	if _, err := s.read(c, &req); err != nil {
		return err
	}
	if err := s.writes(c, req.Model); err != nil {
		return err
	}
	if err := req.check(); err != nil {
		return err
	}
	n, limit, prompt := orElse(req.N, 1), orElse(req.MaxTokens, defaultCompletion), 0
	for _, p := range req.Prompt {
		prompt += p.tokens
	}
	if err := s.admit(c, prompt+n*len(req.Prompt)*limit); err != nil {
		return err
	}
	var answers []*answer
	for _, p := range req.Prompt {
		if err := filterPrompt(p.text); err != nil {
			return err
		}
		q := &question{model: c.d.ModelID(), prompt: p.text, seed: req.Seed, limit: limit, length: c.knobs.LengthTokens, stop: req.Stop}
		answers = append(answers, q.answers(n)...)
	}
	out := completion{Created: s.opt.Now().Unix(), ID: s.completionID("cmpl-"), Model: c.d.ModelID(), Object: "text_completion"}
	u := usageOf(prompt, answers)
	if req.Stream {
		return streamCompletion(c, &req, out, answers, &u)
	}
	if err := c.think(); err != nil {
		return err
	}
	out.Filters, out.Usage = promptFilters(len(req.Prompt)), &u
	for i, a := range answers {
		choice := completionChoice{Filters: a.filterResult(), Finish: &a.finish, Index: i, Text: a.text()}
		if req.Echo {
			choice.Text = req.Prompt[i/n].text + choice.Text
		}
		out.Choices = append(out.Choices, choice)
	}
	writeJSON(c.w, http.StatusOK, out)
	return nil
}

// streamCompletion writes one choice after the other.
func streamCompletion(c *call, req *completionRequest, frame completion, answers []*answer, u *usage) error {
	e, err := c.begin()
	if err != nil {
		return err
	}
	first := frame
	first.Choices, first.Filters = []completionChoice{}, promptFilters(len(req.Prompt))
	if err := e.send("", first); err != nil {
		return err
	}
	n := len(answers) / len(req.Prompt)
	for i, a := range answers {
		if err := streamChoice(e, req, frame, a, completionChoice{Index: i, Text: req.Prompt[i/n].text}); err != nil {
			return err
		}
	}
	if o := req.StreamOptions; o != nil && o.IncludeUsage {
		frame.Choices, frame.Usage = []completionChoice{}, u
		if err := e.send("", frame); err != nil {
			return err
		}
	}
	return e.done()
}

// streamChoice writes a choice; opening holds its index and its prompt.
func streamChoice(e *events, req *completionRequest, frame completion, a *answer, opening completionChoice) error {
	send := func(choice completionChoice) error {
		choice.Index = opening.Index
		frame.Choices = []completionChoice{choice}
		return e.send("", frame)
	}
	if req.Echo {
		if err := send(completionChoice{Filters: safeChoice(), Text: opening.Text}); err != nil {
			return err
		}
	}
	for _, t := range a.tokens {
		if err := e.pace(); err != nil {
			return err
		}
		if err := send(completionChoice{Filters: safeChoice(), Text: t}); err != nil {
			return err
		}
	}
	return send(completionChoice{Filters: a.filterResult(), Finish: &a.finish})
}
