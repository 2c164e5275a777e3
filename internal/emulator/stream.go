package emulator

import (
	"context"
	"net/http"
	"time"
)

// events writes a stream of server-sent events.
type events struct {
	c  *call
	rc *http.ResponseController
	// sent counts events.
	sent int
	// due is when the next token may leave.
	due time.Time
}

// begin waits for the first token and writes the head of a stream.
func (c *call) begin() (*events, error) {
	if err := c.think(); err != nil {
		return nil, err
	}
	setStreamHeaders(c.w.Header())
	c.w.WriteHeader(http.StatusOK)
	return &events{c: c, rc: http.NewResponseController(c.w), due: time.Now()}, nil
}

// think waits for the first token.
func (c *call) think() error { return sleep(c.r.Context(), c.knobs.TimeToFirstToken) }

// sleep waits, or fails with errGone as soon as the caller has gone away.
func sleep(ctx context.Context, d time.Duration) error {
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
	if ctx.Err() != nil {
		return errGone
	}
	return nil
}

// pace waits until a token may leave.
func (e *events) pace() error {
	rate := e.c.knobs.TokensPerSecond
	if rate <= 0 {
		return nil
	}
	e.due = e.due.Add(time.Duration(float64(time.Second) / rate))
	return sleep(e.c.r.Context(), time.Until(e.due))
}

// send writes one event at once: v as JSON, and its name, if it has one.
func (e *events) send(name string, v any) error {
	return e.write(name, raw(v))
}

// done writes the end of a stream of completions.
func (e *events) done() error { return e.write("", []byte("[DONE]")) }

func (e *events) write(name string, data []byte) error {
	if e.c.r.Context().Err() != nil {
		return errGone
	}
	if cut := e.c.knobs.CutAfterEvents; cut > 0 && e.sent == cut {
		return e.cut()
	}
	b := make([]byte, 0, len(name)+len(data)+24)
	if name != "" {
		b = append(append(append(b, "event: "...), name...), '\n')
	}
	b = append(append(append(b, "data: "...), data...), "\n\n"...)
	if _, err := e.c.w.Write(b); err != nil {
		return errGone
	}
	if err := e.rc.Flush(); err != nil {
		return errGone
	}
	e.sent++
	return nil
}

// cut breaks the stream off.
func (e *events) cut() error {
	if e.c.knobs.Reset {
		return e.c.reset()
	}
	return errAbort
}
