package gateway

import (
	"net/http"
	"strings"

	"github.com/cloister-ai/cloister/internal/openai"
	"github.com/cloister-ai/cloister/internal/telemetry"
)

// meter looks at the answer of a model as it passes. The zero value looks at
// nothing.
type meter struct {
	stream *openai.StreamMeter
	plain  *openai.UsageMeter
	// events: the answer is a stream of server-sent events, whoever gives it.
	events bool
	// opaque: the answer of a model is compressed although nobody asked for
	// it, so that nothing in it can be counted.
	opaque bool
}

// start chooses what to look for in an answer.
func (m *meter) start(op *openai.Operation, resp *http.Response) {
	*m = meter{events: isEventStream(resp.Header)}
	encoding := resp.Header.Get("Content-Encoding")
	switch {
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		m.opaque = op != nil && op.HasModelBody
	case m.events:
		m.stream = new(openai.StreamMeter)
	case op != nil && op.HasModelBody && resp.StatusCode == http.StatusOK:
		m.plain = new(openai.UsageMeter)
	}
}

func isEventStream(h http.Header) bool {
	v := h["Content-Type"]
	if len(v) == 0 {
		return false
	}
	media, _, _ := strings.Cut(v[0], ";")
	return strings.EqualFold(strings.TrimSpace(media), "text/event-stream")
}

func (m *meter) see(p []byte) {
	switch {
	case m.stream != nil:
		m.stream.Write(p)
	case m.plain != nil:
		m.plain.Write(p)
	}
}

// tokens is what the model counted. A stream that does not say is estimated, and
// so is any answer that was cut before it could say.
func (m *meter) tokens(request *modelRequest, cut bool) telemetry.Tokens {
	var u openai.Usage
	known := false
	switch {
	case m.stream != nil:
		m.stream.Close()
		if u, known = m.stream.Usage(); !known && request.info != nil && m.stream.Events() > 0 {
			u, known = m.stream.Estimate(request.info.PromptBytes), true
		}
	case m.plain != nil:
		if u, known = m.plain.Usage(); !known && cut && request.info != nil && m.plain.Bytes() > 0 {
			u, known = openai.EstimateUsage(request.info.PromptBytes, int(m.plain.Bytes())), true
		}
	}
	return telemetry.Tokens{Known: known, Prompt: u.Prompt, Completion: u.Completion, Total: u.Total, Estimated: u.Estimated}
}
