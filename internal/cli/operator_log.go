package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// operatorLog prints, for people, what should be known besides the result: rows
// that do not open, a witness that cannot be reached. What the door logs of the
// call itself, and what a restore does with the log before, the command says in
// its own words.
func operatorLog(w io.Writer) *slog.Logger { return slog.New(notes{w: w}) }

// notes writes a line "note: …" for each record. Groups are not told apart: no
// room below uses them.
type notes struct {
	w     io.Writer
	attrs []slog.Attr
}

// Enabled implements [slog.Handler].
func (h notes) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

// Handle implements [slog.Handler]. A line is one write.
func (h notes) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "admin call") || strings.HasPrefix(r.Message, "the audit log was moved aside") {
		return nil
	}
	var said []string
	add := func(a slog.Attr) bool {
		text := a.Value.Resolve().String()
		if a.Key != "error" {
			text = a.Key + " " + text
		}
		said = append(said, text)
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	text := r.Message
	if len(said) > 0 {
		text += ": " + strings.Join(said, ", ")
	}
	text, mend := cutMend(text)
	if mend != "" {
		mend = "\n    mend: " + printedLines(mend)
	}
	_, err := fmt.Fprintf(h.w, "note: %s%s\n", printedLines(text), mend)
	return err
}

// WithAttrs implements [slog.Handler].
func (h notes) WithAttrs(attrs []slog.Attr) slog.Handler {
	return notes{h.w, append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)}
}

// WithGroup implements [slog.Handler].
func (h notes) WithGroup(string) slog.Handler { return h }
