package emulator

import (
	"math/rand/v2"
	"net/http"
)

// toolCall is a function call of an answer. Index stands in streams alone.
type toolCall struct {
	Index    *int         `json:"index,omitempty"`
	ID       string       `json:"id,omitempty"`
	Type     string       `json:"type,omitempty"`
	Function functionCall `json:"function"`
}

type functionCall struct {
	Name      string `json:"name,omitempty"`
	Arguments string `json:"arguments"`
}

// The shapes of a chat completion, members in the service's order.
type chatCompletion struct {
	Choices     []chatChoice   `json:"choices"`
	Created     int64          `json:"created"`
	ID          string         `json:"id"`
	Model       string         `json:"model"`
	Object      string         `json:"object"`
	Filters     []promptFilter `json:"prompt_filter_results"`
	Fingerprint string         `json:"system_fingerprint"`
	Usage       usage          `json:"usage"`
}

type chatChoice struct {
	Filters  filters     `json:"content_filter_results"`
	Finish   string      `json:"finish_reason"`
	Index    int         `json:"index"`
	Logprobs *logprobs   `json:"logprobs"`
	Message  chatContent `json:"message"`
}

type chatContent struct {
	Annotations []struct{} `json:"annotations"`
	Content     *string    `json:"content"`
	Refusal     *string    `json:"refusal"`
	Role        string     `json:"role"`
	ToolCalls   []toolCall `json:"tool_calls,omitempty"`
}

type logprobs struct {
	Content []tokenLogprob  `json:"content"`
	Refusal *[]tokenLogprob `json:"refusal"`
}

type tokenLogprob struct {
	Bytes   []int          `json:"bytes"`
	Logprob float64        `json:"logprob"`
	Token   string         `json:"token"`
	Top     []tokenLogprob `json:"top_logprobs"`
}

type usage struct {
	CompletionTokens  int               `json:"completion_tokens"`
	CompletionDetails completionDetails `json:"completion_tokens_details"`
	PromptTokens      int               `json:"prompt_tokens"`
	PromptDetails     promptDetails     `json:"prompt_tokens_details"`
	TotalTokens       int               `json:"total_tokens"`
}

type completionDetails struct {
	Accepted  int `json:"accepted_prediction_tokens"`
	Audio     int `json:"audio_tokens"`
	Reasoning int `json:"reasoning_tokens"`
	Rejected  int `json:"rejected_prediction_tokens"`
}

type promptDetails struct {
	Audio  int `json:"audio_tokens"`
	Cached int `json:"cached_tokens"`
}

// fingerprint is the system fingerprint of all answers: nothing behind them
// changes.
const fingerprint = "fp_cloister00"

func usageOf(prompt int, answers []*answer) usage {
	u := usage{PromptTokens: prompt}
	for _, a := range answers {
		u.CompletionTokens += len(a.tokens)
	}
	u.TotalTokens = u.PromptTokens + u.CompletionTokens
	return u
}

// chat answers chat/completions.
func (s *OpenAI) chat(c *call) error {
	var req chatRequest
	if _, err := s.read(c, &req); err != nil {
		return err
	}
	if err := s.writes(c, req.Model); err != nil {
		return err
	}
	if err := req.check(); err != nil {
		return err
	}
	q, err := req.question(c)
	if err != nil {
		return err
	}
	n, prompt := orElse(req.N, 1), req.promptTokens()
	if err := s.admit(c, prompt+n*max(q.limit, 16)); err != nil {
		return err
	}
	if err := filterPrompt(q.prompt); err != nil {
		return err
	}
	answers := q.answers(n)
	out := &chatWriter{s: s, c: c, req: &req, answers: answers, usage: usageOf(prompt, answers)}
	out.id, out.created = s.completionID("chatcmpl-"), s.opt.Now().Unix()
	if req.Stream {
		return out.stream()
	}
	return out.plain()
}

// writes finds the deployment that a body names; it has to be of a model that
// writes text.
func (s *OpenAI) writes(c *call, model string) error {
	if err := s.named(c, model); err != nil {
		return err
	}
	if c.d.Dimensions > 0 {
		return errOperation()
	}
	return nil
}

func (q *question) answers(n int) []*answer {
	out := make([]*answer, n)
	for i := range out {
		out[i] = q.answer(i)
	}
	return out
}

// chatWriter writes the answers to one request.
type chatWriter struct {
	s       *OpenAI
	c       *call
	req     *chatRequest
	answers []*answer
	usage   usage
	id      string
	created int64
}

func (w *chatWriter) plain() error {
	if err := w.c.think(); err != nil {
		return err
	}
	out := chatCompletion{
		Created: w.created, ID: w.id, Model: w.c.d.ModelID(), Object: "chat.completion",
		Filters: promptFilters(1), Fingerprint: fingerprint, Usage: w.usage,
	}
	for i, a := range w.answers {
		choice := chatChoice{Filters: a.filterResult(), Finish: a.finish, Index: i}
		choice.Message = chatContent{Annotations: []struct{}{}, Role: "assistant"}
		if a.tool != "" {
			choice.Message.ToolCalls = []toolCall{{ID: w.s.completionID("call_"), Type: "function", Function: functionCall{a.tool, a.text()}}}
		} else {
			content := a.text()
			choice.Message.Content = &content
		}
		if w.req.Logprobs {
			choice.Logprobs = logprobsOf(a.tokens)
		}
		out.Choices = append(out.Choices, choice)
	}
	writeJSON(w.c.w, http.StatusOK, out)
	return nil
}

// logprobsOf are the same for every token: there is no model to ask.
func logprobsOf(tokens []string) *logprobs {
	out := &logprobs{Content: []tokenLogprob{}}
	for _, t := range tokens {
		p := tokenLogprob{Token: t, Logprob: -0.1, Bytes: make([]int, len(t)), Top: []tokenLogprob{}}
		for i := range len(t) {
			p.Bytes[i] = int(t[i])
		}
		out.Content = append(out.Content, p)
	}
	return out
}

// completionID returns a prefix and 24 random letters and digits, as the ids of
// completions have them.
func (s *OpenAI) completionID(prefix string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	random := rand.New(rand.NewChaCha8([32]byte(randomBytes(s.opt.Rand, 32))))
	out := make([]byte, 24)
	for i := range out {
		out[i] = alphabet[random.IntN(len(alphabet))]
	}
	return prefix + string(out)
}
