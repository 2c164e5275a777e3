package gateway

import (
	"log/slog"
	"strings"

	"github.com/cloister-ai/cloister/internal/policy"
)

// Bounds of what trace policies write.
const (
	maxMessages     = 16
	maxMessageText  = 1 << 10
	maxMessagePairs = 8
)

// message writes what a trace policy says to the log, and that it said something
// to the span. What it says may be a prompt, and has no place in the span.
func (t *trip) message(m policy.Message) {
	if t.messages++; t.messages > maxMessages {
		return
	}
	source := bounded(m.Source, maxMessageText)
	t.span.Message(source, m.Severity, t.g.opt.Now())
	attributes := []slog.Attr{
		slog.String("request_id", t.x.RequestID), slog.String("source", source), slog.String("message", bounded(m.Text, maxMessageText)),
	}
	var pairs []any
	for i := 0; i+1 < len(m.Metadata) && i < 2*maxMessagePairs; i += 2 {
		pairs = append(pairs, slog.String(bounded(m.Metadata[i], maxMessageText), bounded(m.Metadata[i+1], maxMessageText)))
	}
	if len(pairs) > 0 {
		attributes = append(attributes, slog.Group("metadata", pairs...))
	}
	level := slog.LevelInfo
	if m.Severity == "error" {
		level = slog.LevelError
	}
	t.g.opt.Log.LogAttrs(t.ctx, level, "policy message", attributes...)
}

func bounded(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
