package policy

import (
	"context"
	"mime"
	"net/http"
	"strings"

	"github.com/cloister-ai/cloister/internal/limit"
	"github.com/cloister-ai/cloister/internal/openai"
)

// modelAsk is what a request may cost, in tokens.
type modelAsk struct {
	// prompt is counted with the model's vocabulary, where somebody wants that;
	// rough is by length.
	prompt, rough int
	// completion is the most that the answer may take; guess: nobody said.
	completion int
	guess      bool
	// of is the body until the sections have run; counted: prompt is there, as far
	// as that many tokens.
	of      []byte
	counted int
}

// modelAsk looks at the request as it stands, and counts its prompt as far as most
// tokens (0: not at all). Files and the like cost nothing before the model has
// counted them.
func (x *Exchange) modelAsk(most int) (*modelAsk, *Error) {
	op, deployment, known := openai.Match(x.Request.Method, x.modelPath())
	if !known { // a policy may have led it there
		op, deployment, known = openai.Match(x.Request.Method, x.Request.Path)
	}
	change := x.changeBody(false)
	if change == nil || known && !op.HasModelBody || !known && isMedia(x.Request.Header) {
		return &modelAsk{}, nil
	}
	content, e := change.read()
	if e != nil {
		return nil, e
	}
	a := &x.tokens.ask
	if len(content) == 0 {
		return &modelAsk{}, nil
	}
	if len(a.of) != len(content) || &a.of[0] != &content[0] {
		if a.of == nil {
			// A long answer must not keep the body in memory.
			x.whenAnswered(func(context.Context) *Error { x.tokens.ask.of = nil; return nil })
		}
		*a = modelAsk{of: content, rough: openai.EstimateTokens(len(content)), guess: true}
		if info, err := openai.ScanRequest(content); err == nil {
			a.rough = openai.EstimateTokens(info.PromptBytes)
			a.completion = info.MaxCompletion()
			x.tokens.model = info.Model
		}
		if x.tokens.model == "" {
			x.tokens.model = deployment
		}
		a.guess = a.completion == 0 && !(known && op.Kind == openai.KindEmbedding)
	}
	if most > 0 && (a.counted == 0 || a.counted < most && a.prompt > a.counted) {
		a.counted, a.prompt = most, openai.EstimatePromptTo(content, x.tokens.model, most)
	}
	return a, nil
}

// isMedia reports a body that holds no prompt in words, whatever its length: files,
// forms, sound and pictures. Any other may be one, whatever it says of itself.
func isMedia(h http.Header) bool {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	kind, _, _ := strings.Cut(media, "/")
	return err == nil && (kind == "multipart" || kind == "audio" || kind == "video" || kind == "image" || media == "application/octet-stream")
}

// modelPath is the path by which the request names a model operation.
func (x *Exchange) modelPath() string {
	if x.OriginalURL != nil {
		return x.OriginalURL.EscapedPath()
	}
	return x.Request.Path
}

func isJSON(h http.Header) bool {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

func isEventStream(h http.Header) bool {
	media, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(media), "text/event-stream")
}

// reportedUsage is what the answer of a backend says it cost, if it is one that
// ends: the answer lies in memory from then on.
func (x *Exchange) reportedUsage() (openai.Usage, bool, *Error) {
	r := x.Response
	if r == nil || !r.FromBackend || r.StatusCode != http.StatusOK || r.Body == nil || isEventStream(r.Header) || !isJSON(r.Header) {
		return openai.Usage{}, false, nil
	}
	content, e := x.bytes(r.Body, false)
	if e != nil {
		return openai.Usage{}, false, e
	}
	usage, ok := openai.ParseUsage(content)
	return usage, ok, nil
}

// tokenBooks are what an exchange holds of token counts.
type tokenBooks struct {
	ask   modelAsk
	model string
	holds []keyHold
	// answered: a backend's answer came as far as outbound and was no error.
	answered bool
}

type keyHold struct {
	key  string
	hold limit.TokenHold
	// prompt is what the prompt counts where nobody reports.
	prompt int
}

func (b *tokenBooks) holdOf(key string) limit.TokenHold {
	for i := range b.holds {
		if b.holds[i].key == key {
			return b.holds[i].hold
		}
	}
	return nil
}

// hold keeps a hold until the exchange has ended, whatever becomes of it.
func (b *tokenBooks) hold(x *Exchange, key string, h limit.TokenHold, prompt int) {
	if b.holds = append(b.holds, keyHold{key, h, prompt}); len(b.holds) > 1 {
		return
	}
	x.beforeOutbound = append(x.beforeOutbound, func(context.Context) *Error {
		b.answered = x.Response.FromBackend && x.Response.StatusCode < http.StatusBadRequest
		return nil
	})
	x.whenEnded(b.end)
}

// settle settles what is held for a key to what was reported.
func (b *tokenBooks) settle(key string, u openai.Usage) {
	for i := range b.holds {
		if b.holds[i].key == key {
			b.holds[i].hold.Settle(u.Prompt, u.Total-u.Prompt)
		}
	}
}

// end settles what is still held.
func (b *tokenBooks) end(e Ended) {
	for i := range b.holds {
		h := &b.holds[i]
		switch {
		case e.Known && e.Usage.Estimated: // the prompt by its length, which we know better
			h.hold.Settle(h.prompt, e.Usage.Completion)
		case e.Known:
			h.hold.Settle(e.Usage.Prompt, e.Usage.Total-e.Usage.Prompt)
		case e.Left: // the model has worked, nobody knows how long
			h.hold.Spend()
		case b.answered, e.Status == statusClientClosed:
			// Whatever a policy has put in the answer's place, unread.
			h.hold.Settle(h.prompt, 0)
		default:
			h.hold.Settle(0, 0)
		}
	}
	b.holds = nil
}

// statusClientClosed is the status of a request whose caller went away before
// there was an answer.
const statusClientClosed = 499
